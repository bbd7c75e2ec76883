"""dataops doctor on a project that has everything, and on the same project without one thing; and how commands are typed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from dataops import __version__, doctor, project, typed, warehouse
from dataops.errors import DataopsError
from dataops.release import pipeline, store
from tests.helpers import REPOSITORY, git_init, succeed

HOOKS = dict.fromkeys(("on-run-start", "on-run-end"), "{{ dataops.record_build() }}")


@pytest.fixture
def complete(tmp_path, monkeypatch) -> Path:
    """A project from which nothing is missing, as the one that doctor looks at."""
    for module in (doctor, project, store, warehouse):
        monkeypatch.setattr(module, "PROJECT", tmp_path)
    for name in ("WAREHOUSE_DIR", "CI_RUN_ID", "DATAOPS_CANDIDATE", "CI_PROD_COPY", "GIT_DIR"):
        monkeypatch.delenv(name, raising=False)
    project.settings.cache_clear()
    shutil.copytree(REPOSITORY / "tests/existing_project", tmp_path, dirs_exist_ok=True)
    edit(tmp_path, "profiles.yml", lambda profiles: profiles["shop"]["outputs"].update(targets()))
    edit(tmp_path, "dbt_project.yml", lambda settings: settings.update(HOOKS))
    package = tmp_path / "dbt_packages/dataops"
    package.mkdir(parents=True)
    (package / "dbt_project.yml").write_text(f"version: {__version__}\n")
    (tmp_path / "dataops.toml").write_text('monitoring = "none"\n')
    (tmp_path / ".pre-commit-config.yaml").write_text(doctor.LINT)
    with (tmp_path / ".gitignore").open("a") as ignored:
        ignored.write("/warehouse/\n/dbt_packages/\n.user.yml\n")
    git_init(tmp_path)
    succeed("git", "add", "--all", cwd=tmp_path)
    succeed("git", "commit", "--quiet", "-m", "feat: start", cwd=tmp_path)
    yield tmp_path
    project.settings.cache_clear()


def targets() -> dict:
    duckdb = {"type": "duckdb"}
    return {
        "ci": duckdb | doctor.CI | {"attach": [doctor.CI_ATTACHED]},
        "prod": duckdb | doctor.PROD | {"attach": [doctor.PROD_ATTACHED]},
    }


def edit(folder: Path, name: str, change) -> None:
    values = yaml.safe_load((folder / name).read_text(encoding="utf-8"))
    change(values)
    (folder / name).write_text(yaml.safe_dump(values), encoding="utf-8")


def lacking() -> dict[str, doctor.Missing]:
    return {name: missing for name, missing in doctor.examine().items() if missing}


def test_nothing_is_missing_from_a_complete_project(complete):
    assert lacking() == {}


def target(name: str, **changes):
    """Changes settings of a target of profiles.yml; None takes one out."""

    def change(folder: Path) -> None:
        def update(profiles: dict) -> None:
            values = profiles["shop"]["outputs"][name]
            values.update(changes)
            for setting in [setting for setting, value in values.items() if value is None]:
                del values[setting]

        edit(folder, "profiles.yml", update)

    return change


def without(name: str):
    return lambda folder: shutil.rmtree(folder / name) if (folder / name).is_dir() else (folder / name).unlink()


@pytest.mark.parametrize(
    ("change", "check", "line"),
    [
        (without("profiles.yml"), "profiles.yml", "cp "),
        (target("dev", path="{{ 'warehouse/prod/current/prod.duckdb' }}"), "target dev", "path: warehouse/dev/dev.duckdb"),
        (target("ci", path="data/ci.duckdb"), "target ci", "/ci/ci_{{"),
        (target("ci", attach=None), "target ci", "env_var('CI_PROD_COPY', ':memory:')"),
        (target("ci", attach=[doctor.CI_ATTACHED | {"read_only": False}]), "target ci", "read_only: "),
        (target("prod", path="data/prod.duckdb", attach=None), "target prod", "/prod/candidate/prod.duckdb"),
        (target("prod", attach=[doctor.PROD_ATTACHED | {"read_only": False}]), "target prod", "read_only: "),
        (target("prod", database=None), "target prod", "database: prod"),
        (without("dbt_packages"), "dbt package", f"revision: v{__version__}"),
        (lambda folder: edit(folder, "dbt_packages/dataops/dbt_project.yml", lambda it: it.update(version="0.0.9")), "dbt package", "revision"),
        (lambda folder: edit(folder, "dbt_project.yml", lambda it: it.pop("on-run-end")), "record of builds", "on-run-end: "),
        (without("dataops.toml"), "settings", 'monitoring = "none"'),
        (without(".git"), "git", "git init"),
        (lambda folder: (folder / ".gitignore").write_text("target/\nlogs/\ndata/\ndbt_packages/\n.user.yml\n"), ".gitignore", "/warehouse/"),
        (without(".pre-commit-config.yaml"), "lint", "entry: dataops dbt --quiet parse"),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_with_the_line_to_add(complete, change, check, line):
    change(complete)
    found = lacking()
    assert list(found) == [check]
    assert line in found[check].lines


def test_the_lines_of_a_target_keep_its_other_settings(complete):
    """What is printed can replace the target as it is: read back, nothing is missing."""
    other = {"path": "other.duckdb", "alias": "other"}
    target("prod", path="data/prod.duckdb", database=None, attach=[other], threads=3, extensions=["json"])(complete)
    printed = yaml.safe_load(lacking()["target prod"].lines)
    assert printed["prod"]["threads"] == 3
    assert printed["prod"]["extensions"] == ["json"]
    assert other in printed["prod"]["attach"]
    edit(complete, "profiles.yml", lambda profiles: profiles["shop"]["outputs"].update(printed))
    assert lacking() == {}


def test_a_hook_that_is_there_is_kept(complete):
    edit(complete, "dbt_project.yml", lambda it: it.update({"on-run-end": "{{ mine() }}"}))
    assert yaml.safe_load(lacking()["record of builds"].lines)["on-run-end"] == [
        "{{ mine() }}",
        "{{ dataops.record_build() }}",
    ]


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (target("prod", type="postgres"), "the target prod is of type postgres. dataops works on DuckDB only."),
        (lambda folder: (folder / "profiles.yml").write_text("a: [\n"), "profiles.yml cannot be read"),
        (lambda folder: (folder / "dataops.toml").write_text('moniotring = "none"\n'), "has a setting 'moniotring'"),
        (target("prod", schema="{{ env_var('NOT_SET_ANYWHERE') }}"), "NOT_SET_ANYWHERE"),
    ],
)
def test_what_cannot_be_checked_is_an_error(complete, change, problem):
    change(complete)
    with pytest.raises(DataopsError, match=problem):
        doctor.examine()


@pytest.mark.parametrize(
    "text", [None, "[tool.ruff]\n", '[project]\nname = "x"\ndependencies = ["rich>=14", "not-installed"]\n']
)
def test_a_release_notes_its_tools_whatever_pyproject_holds(tmp_path, monkeypatch, text):
    monkeypatch.setattr(project, "PROJECT", tmp_path)
    if text:
        (tmp_path / "pyproject.toml").write_text(text)
    found = pipeline._tools()
    assert {"python", "dbt-core", "dbt-duckdb", "duckdb"} <= found.keys()
    assert ("rich" in found) == ("rich" in (text or ""))


def test_a_command_is_typed_as_the_makefile_has_it(tmp_path):
    def say(task: str, arguments: str = "", **options) -> str:
        return typed.typed(task, arguments, project=tmp_path, **options)

    assert say("build", "--select x", target="ci") == "TARGET=ci dataops build --select x"
    assert say("rollback", to=41) == "dataops rollback 41"
    (tmp_path / "Makefile").write_text("build:\n\tdbt build\n")  # a task of the project's own
    assert say("build") == "dataops build"
    (tmp_path / "Makefile").write_text("build:\n\tdataops build\nrollback: ready\n\tdataops rollback\n")
    assert say("build", "--select x", target="ci") == 'make build TARGET=ci ARGS="--select x"'
    assert say("releases", "--history") == "dataops releases --history", "the Makefile has no such task"
    assert say("rollback", to=41) == "make rollback TO=41"
    (tmp_path / ".venv/bin").mkdir(parents=True)
    (tmp_path / ".venv/bin/dataops").touch()
    assert say("doctor") == ".venv/bin/dataops doctor", "who works with make has no venv activated"
    assert say("build", "--full-refresh") == "make build ARGS=--full-refresh"
