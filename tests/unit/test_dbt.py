"""How a dbt command line is read, and what is decided from it before dbt runs."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest
from dbt.cli import requires

from dataops import dbt
from dataops.dbt import DbtCommand, read_command
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.monitoring import elementary


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """An empty project to run in."""
    monkeypatch.chdir(tmp_path)
    for name in ("DBT_TARGET", "WAREHOUSE_DIR", "DATAOPS_CANDIDATE", "DBT_TARGET_PATH"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("DBT_PROFILES_DIR", str(tmp_path))
    monkeypatch.setattr(dbt, "warehouse_file", lambda target: tmp_path / f"{target}.duckdb")
    return tmp_path


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("build", DbtCommand("build", "dev")),
        ("build --target prod --select parse", DbtCommand("build", "prod", "prod", ("parse",))),
        ("--target=prod build", DbtCommand("build", "prod", "prod")),
        ("--target ci build -t prod", DbtCommand("build", "prod", "prod")),
        ("test -s snapshot a+ --exclude b", DbtCommand("test", "dev", None, ("snapshot", "a+"), ("b",))),
        ("run --select a --select b", DbtCommand("run", "dev", None, ("a", "b"))),
        ("build --selector nightly", DbtCommand("build", "dev", selector="nightly")),
        ("--quiet docs generate --static -t ci", DbtCommand("docs generate", "ci", "ci")),
        ("docs --target prod generate", DbtCommand("docs generate", "prod", "prod")),
        ("source freshness", DbtCommand("source freshness", "dev")),
        ("ls --select build", DbtCommand("list", "dev", None, ("build",))),
        ("run-operation build --args {}", DbtCommand("run-operation", "dev")),
        ("deps", DbtCommand("deps", "dev")),
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


def test_an_option_names_the_environment_before_the_variable_does(monkeypatch):
    monkeypatch.setenv("DBT_TARGET", "ci")
    assert read_command(["build"]) == DbtCommand("build", "ci")
    assert read_command(["build", "--target", "prod"]) == DbtCommand("build", "prod", "prod")


def test_what_dbt_does_not_accept_ends_with_its_own_message():
    with pytest.raises(DataopsError, match="No such option '--selct'"):
        dbt.invoke_dbt("build", "--selct", "orders")


REFUSED = "prod is written by releases only. Type: make release"
EMPTY = "Nothing was released yet"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("build --target prod --select parse", REFUSED),
        ("build --target prod --exclude list", REFUSED),
        ("--target prod run", REFUSED),
        ("seed --target=prod", REFUSED),
        ("retry -t prod", REFUSED),
        ("test --target prod --select snapshot", EMPTY),
        ("show --target prod --select build", EMPTY),
        ("parse --target prod", None),
        ("ls --target prod --select build", None),
        ("build --target ci --select prod", None),
    ],
)
def test_prod_is_guarded_by_the_command_not_by_its_words(line, says):
    problem = dbt._prepare(read_command(line.split()))
    assert problem is None if says is None else says in problem


def test_a_release_may_build_prod(monkeypatch):
    monkeypatch.setenv("DATAOPS_CANDIDATE", "true")
    assert dbt._prepare(read_command(["build", "--target", "prod"])) is None


@pytest.mark.parametrize(
    ("line", "prepared"),
    [
        ("build", True),
        ("build --select elementary_schools", True),
        ("build --exclude package:elementary", True),
        ("source freshness", True),
        ("run --select package:elementary", False),
        ("run --select elementary", False),
        ("ls --select build", False),
        ("compile --select test", False),
    ],
)
def test_elementary_is_prepared_unless_it_is_selected_itself(monkeypatch, line, prepared):
    monkeypatch.setattr(elementary.ElementaryMonitor, "is_on", lambda *_: True)
    for name, value in {"cli_version": "0.25.0", "package_problem": None, "tables_version": None}.items():
        monkeypatch.setattr(elementary, name, lambda *_, value=value: value)
    command = read_command(line.split())
    first, more = elementary.ElementaryMonitor().preparation("prod", command.name, command.select)
    assert bool(first) == prepared
    assert more == (["--exclude", "package:elementary"] if prepared and command.name == "build" else [])


@pytest.mark.parametrize(
    ("select", "guess"),
    [
        ("ordrs", " Did you mean orders?"),
        ("2+ordrs+1", " Did you mean orders?"),
        ("@ordrs custmers+", " Did you mean orders customers?"),
        ("tag:weekly", ""),
    ],
)
def test_a_selection_of_nothing_suggests_the_nearest_model(folder, monkeypatch, select, guess):
    nodes = {name: {"name": name, "resource_type": "model"} for name in ("orders", "customers")}
    nodes["test"] = {"name": "ordrs_test", "resource_type": "test"}
    monkeypatch.setenv("DBT_TARGET_PATH", "target/dev")
    (folder / "target/dev").mkdir(parents=True)
    (folder / "target/dev/manifest.json").write_text(json.dumps({"nodes": nodes}))
    result = SimpleNamespace(success=True, result=SimpleNamespace(results=[]))
    problem = dbt.selected_nothing(result, read_command(["build", "--select", *select.split()]))
    assert problem == (
        f"Nothing is selected by {select!r}, so nothing was done.{guess} To list everything: .venv/bin/dbt ls"
    )
    assert dbt.selected_nothing(result, read_command(["build"])) is None


def test_dbt_is_left_as_it_is():
    """Importing the module changes nothing in dbt, and what a command changes is put back."""
    before = requires.fire_event
    assert before.__module__ == "dbt_common.events.functions"
    with dbt._interrupts_unreported():
        assert requires.fire_event is not before
    assert requires.fire_event is before
