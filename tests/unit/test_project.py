"""The project of a command: its settings, its environments, .env, and values that are refused before anything runs."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from dataops import cli
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.project import load, memory_problem, read_env_file, read_settings
from dataops.tasks import run_task


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A project to run commands in; the environment is put back."""
    (tmp_path / "dbt_project.yml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "environ", {"PATH": os.environ["PATH"], "HOME": str(tmp_path)})
    return tmp_path


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"A=1\n\n# note\nWAREHOUSE DIR=x\n", "Line 4: it cannot be read."),
        (b"A=1\nDEV_NAME\n", "Line 2: it has no =."),
        (b"A-B=1\n", "Line 1: 'A-B' is not a valid name."),
        (b"DEV_NAME=Ada L\n", "Line 1: a value with spaces needs quotes"),
        (b"A='1\n", "Line 1: it cannot be read."),
        (b"WAREHOUSE_DIR=$HOME/secret\n", "Line 1: a variable is written ${HOME}"),
        (b"A=1\nB=\xff\n", ": line 2 is not UTF-8 text."),
    ],
)
def test_a_faulty_line_of_the_env_file_is_named(folder, text, says):
    (folder / ".env").write_bytes(text)
    with pytest.raises(DataopsError) as refused:
        read_env_file(folder / ".env")
    assert refused.value.problem.startswith(".env cannot be read, so nothing was run")
    assert says in refused.value.problem
    assert "secret" not in refused.value.problem


def test_the_env_file_has_quotes_comments_and_export(folder):
    (folder / ".env").write_text(
        "# a comment\nexport ONE = 'a b' # another\nTWO=\"c d\"\nTHREE=e#f\nFOUR='$HOME'\nFIVE=${ONE}/g\nSET=file\nEMPTY=\n"
    )
    os.environ["SET"] = "environment"
    variables = load().variables
    names = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SET", "EMPTY")
    assert [variables.get(name) for name in names] == ["a b", "c d", "e#f", "$HOME", "a b/g", "environment", ""]


@pytest.mark.parametrize(
    ("file", "environment", "target"),
    [
        ("", {}, "dev"),
        ("DBT_TARGET=ci\n", {}, "ci"),
        ("export DBT_TARGET = 'ci' # a comment\n", {"DBT_TARGET": ""}, "ci"),
        ("DBT_TARGET=ci\n", {"DBT_TARGET": "dev"}, "dev"),
        ("DBT_TARGET=ci\n", {"TARGET": "prod"}, "prod"),
    ],
)
def test_the_environment_wins_over_the_env_file(folder, file, environment, target):
    (folder / ".env").write_text(file)
    os.environ.update(environment)
    before, project = dict(os.environ), load()
    assert (project.target.name, project.variables["DBT_TARGET"]) == (target, target)
    assert project.target_path(project.target) == Path("target", target)
    assert os.environ == before, "what a command reads is its own affair"


def test_a_target_of_nothing_is_refused():
    os.environ["TARGET"] = ""
    with pytest.raises(DataopsError, match=r"^TARGET= is not an environment of this project"):
        load()


@pytest.mark.parametrize("task", ["build", "crosscheck", "release", "ci", "rejected"])
def test_a_wrong_memory_limit_stops_every_task(capsys, task):
    os.environ["DUCKDB_MEMORY_LIMIT"] = "lots"
    assert cli.run([task]) == IMPOSSIBLE
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("DUCKDB_MEMORY_LIMIT is 'lots'. It must be a number with a unit, as in 500MB")


@pytest.mark.parametrize(
    ("limit", "passes"),
    [
        *((limit, True) for limit in ("500MB", "1GB", "1.5gib", "2 GB", "2g", "0.5TB")),
        *((limit, False) for limit in ("1PB", "-1", "none", "10%", "GB", "1 G B", "0GB", "1e9GB")),
    ],
)
def test_duckdb_takes_every_memory_limit_that_passes(limit, passes):
    assert (memory_problem(limit) is None) == passes
    if passes:
        duckdb.connect(config={"memory_limit": limit}).close()


@pytest.mark.parametrize("threads", ["0", "many", "-1"])
def test_a_wrong_number_of_threads_is_refused(threads):
    os.environ["DBT_THREADS"] = threads
    with pytest.raises(DataopsError) as refused:
        load()
    assert refused.value.problem == f"DBT_THREADS is {threads!r}. It must be a number of threads, 1 or more."


def test_two_environments_at_once_are_refused(folder):
    (folder / "profiles.yml").touch()
    os.environ.update(TARGET="dev", DBT_PROFILES_DIR=str(folder))
    with pytest.raises(DataopsError, match="Name the environment once: TARGET=prod"):
        run_task(load(), "build", "--target", "prod")


@pytest.mark.parametrize("command", [["build"], ["dbt", "--quiet", "parse"], ["release"]])
def test_a_warehouse_outside_the_project_is_not_made(folder, capsys, command):
    os.environ["WAREHOUSE_DIR"] = "/wearhouse/my shop"
    assert cli.run(command) == IMPOSSIBLE
    assert capsys.readouterr().err.startswith("WAREHOUSE_DIR is /wearhouse/my shop, which does not exist.")
    assert not Path("/wearhouse").exists()


# Settings


@pytest.mark.parametrize("file", ["pyproject.toml", "dataops.toml"])
def test_targets_may_have_any_name(folder, file):
    table = "[tool.dataops.environments]" if file == "pyproject.toml" else "[environments]"
    (folder / file).write_text(f'{table}\ndev = "development"\nprod = "production"\n')
    project = load()
    assert [environment.name for environment in project.environments] == ["development", "ci", "production"]
    assert [environment.role for environment in project.environments] == ["dev", "ci", "prod"]
    assert (project.target.name, project.prod.is_prod) == ("development", True)
    assert project.prod.folder == folder / "warehouse/production"
    os.environ["TARGET"] = "prod"
    assert load().target.name == "production", "a workflow names the role"
    os.environ["TARGET"] = "prodction"
    with pytest.raises(
        DataopsError, match="Did you mean TARGET=production\\? The environments are: development, ci, production"
    ):
        load()


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('monitoring = "elementry"', "monitoring is 'elementry'"),
        ('monitorng = "none"', "has a setting 'monitorng'. Did you mean monitoring?"),
        ('environments = "prod"', "environments must name the targets of dev, ci and prod, not 'prod'"),
        ('environments = {production = "prod"}', "environments must name the targets of dev, ci and prod"),
        ('environments = {prod = "the prod"}', "'the prod' in environments is not the name of a dbt target"),
        ('environments = {prod = "eu-prod"}', "'eu-prod' in environments also names prod's database"),
        ('environments = {dev = "prod"}', "environments gives one target to two of dev, ci and prod"),
    ],
)
def test_a_wrong_setting_is_refused(folder, line, says):
    (folder / "pyproject.toml").write_text(f"[tool.dataops]\n{line}\n")
    with pytest.raises(DataopsError) as refused:
        read_settings(folder)
    assert refused.value.problem.startswith("[tool.dataops] of pyproject.toml")
    assert says in refused.value.problem
    assert refused.value.remedy


def test_a_project_that_is_printed_shows_no_secret(folder):
    os.environ["ALERTS_WEBHOOK"] = "https://example.com/secret"
    assert load().variables["ALERTS_WEBHOOK"] == "https://example.com/secret"
    assert "secret" not in repr(load())


def test_a_command_works_from_any_folder_of_the_project(folder, monkeypatch):
    (folder / "models/marts").mkdir(parents=True)
    monkeypatch.chdir(folder / "models/marts")
    assert (load().root, load().started_in) == (folder, folder / "models/marts")
