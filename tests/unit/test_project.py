"""The environment variables of a command: .env, and values that are refused before anything runs."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pytest

from dataops import cli, dbt, project
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.project import choose_target, memory_problem, prepare, read_env_file


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    """A project to prepare commands in; the environment is put back."""
    (tmp_path / "dbt_project.yml").touch()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(project, "STARTED_IN", tmp_path)
    monkeypatch.setattr(project, "PROJECT", tmp_path)
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
        (b"A=\xff\n", "codec can't decode"),
    ],
)
def test_a_faulty_line_of_the_env_file_is_named(folder, text, says):
    (folder / ".env").write_bytes(text)
    problem = read_env_file(folder / ".env")
    assert problem.startswith(".env cannot be read, so nothing was run")
    assert says in problem
    assert "secret" not in problem


def test_the_env_file_has_quotes_comments_and_export(folder):
    (folder / ".env").write_text(
        "# a comment\nexport ONE = 'a b' # another\nTWO=\"c d\"\nTHREE=e#f\nFOUR='$HOME'\nFIVE=${ONE}/g\nSET=file\nEMPTY=\n"
    )
    os.environ["SET"] = "environment"
    assert read_env_file(folder / ".env") is None
    names = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SET", "EMPTY")
    assert [os.environ.get(name) for name in names] == ["a b", "c d", "e#f", "$HOME", "a b/g", "environment", ""]


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
    prepare()
    assert (os.environ["DBT_TARGET"], os.environ["DBT_TARGET_PATH"]) == (target, f"target/{target}")


def test_a_target_of_nothing_is_refused():
    os.environ["TARGET"] = ""
    assert choose_target().startswith("TARGET= is not an environment of this project.")


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
        dbt.run_task("build")
    assert refused.value.problem == (
        f"dbt build: DBT_THREADS is {threads!r}. It must be a number of threads, 1 or more."
    )


def test_two_environments_at_once_are_refused(folder):
    os.environ.update(TARGET="dev", DBT_PROFILES_DIR=str(folder))
    with pytest.raises(DataopsError, match="Name the environment once: TARGET=prod"):
        dbt.run_task("build", "--target", "prod")


@pytest.mark.parametrize("command", [["build"], ["dbt", "--quiet", "parse"], ["release"]])
def test_a_warehouse_outside_the_project_is_not_made(folder, capsys, command):
    os.environ["WAREHOUSE_DIR"] = "/wearhouse/my shop"
    assert cli.run(command) == IMPOSSIBLE
    assert capsys.readouterr().err.startswith("WAREHOUSE_DIR is /wearhouse/my shop, which does not exist.")
    assert not Path("/wearhouse").exists()
