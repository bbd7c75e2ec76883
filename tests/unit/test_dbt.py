"""How a dbt command line is read, and how dbt is run in this process."""

from __future__ import annotations

import os
from types import SimpleNamespace

import pytest
from dbt.cli import requires
from dbt.exceptions import DbtProfileError, ParsingError
from dbt_common.exceptions import CompilationError

from dataops import dbt
from dataops.dbt import DbtCommand, environ, read_command, variables_of
from dataops.errors import DONE, IMPOSSIBLE, WRONG, DataopsError
from tests.helpers import project_at


@pytest.fixture(autouse=True)
def _folder_of_profiles(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("build", DbtCommand("build")),
        ("build --target prod --select parse", DbtCommand("build", "prod", ("parse",))),
        ("--target=prod build", DbtCommand("build", "prod")),
        ("--target ci build -t prod", DbtCommand("build", "prod")),
        ("test -s snapshot a+ --exclude b", DbtCommand("test", None, ("snapshot", "a+"), ("b",))),
        ("run --select a --select b", DbtCommand("run", None, ("a", "b"))),
        ("build --selector nightly", DbtCommand("build", selector="nightly")),
        ("--quiet docs generate --static -t ci", DbtCommand("docs generate", "ci")),
        ("docs --target prod generate", DbtCommand("docs generate", "prod")),
        ("source freshness", DbtCommand("source freshness")),
        ("ls --select build", DbtCommand("list", None, ("build",))),
        ("run-operation build --args {}", DbtCommand("run-operation")),
        ("deps", DbtCommand("deps")),
        ("build --selct x", None),
        ("biuld", None),
        ("docs", None),
        ("build --threads many", None),
    ],
)
def test_dbts_own_parser_reads_a_command(line, command):
    if command is None:
        with pytest.raises(DataopsError) as refused:
            read_command(line.split())
        assert refused.value.problem.startswith(f"dbt {line}: ")
        assert refused.value.exit_code == IMPOSSIBLE
    else:
        assert read_command(line.split()) == command


@pytest.mark.parametrize(
    ("exception", "code"),
    [
        (None, WRONG),  # results that say what failed
        (CompilationError("depends on a node named 'shop' which was not found"), WRONG),
        (ParsingError("at path []: 'x' is not valid"), WRONG),
        (DbtProfileError("no target named 'staging'"), IMPOSSIBLE),
        (OSError("no space left on device"), IMPOSSIBLE),
    ],
)
def test_the_exit_code_of_a_failure_of_dbt(exception, code):
    assert dbt._exit_code(SimpleNamespace(success=False, exception=exception)) == code
    assert dbt._exit_code(SimpleNamespace(success=True, exception=None)) == DONE


def test_dbt_gets_the_variables_of_the_project_and_the_process_keeps_its_own(tmp_path):
    project, before = project_at(tmp_path, DEV_NAME="ada", DATAOPS_CANDIDATE="true"), dict(os.environ)
    variables = variables_of(project, project.ci)
    assert variables["DEV_NAME"] == "ada"
    assert (variables["DBT_TARGET"], variables["DBT_TARGET_PATH"]) == ("ci", "target/ci")
    assert "DATAOPS_CANDIDATE" not in variables, "only a release sets it"
    with environ(variables):
        assert dict(os.environ) == variables
    assert dict(os.environ) == before


def test_a_release_says_what_it_builds(tmp_path):
    project = project_at(tmp_path).as_candidate("0042-2026-11-24")
    variables = variables_of(project, project.prod)
    assert (variables["DATAOPS_CANDIDATE"], variables["DATAOPS_RELEASE"]) == ("true", "0042-2026-11-24")
    assert (variables["DBT_CAUSE_CATEGORY"], variables["DBT_CAUSE"]) == (dbt.CAUSE, "0042-2026-11-24")
    assert variables["DBT_TARGET_PATH"] == "target/release", (
        "prod means another file, which would discard the parse cache"
    )


def test_dbt_is_left_as_it_is():
    """Importing the module changes nothing in dbt, and what a command changes is put back."""
    before = requires.fire_event
    assert before.__module__ == "dbt_common.events.functions"
    with dbt._interrupts_unreported():
        assert requires.fire_event is not before
    assert requires.fire_event is before
