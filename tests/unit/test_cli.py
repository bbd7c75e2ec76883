"""The command line: which subcommand runs, what ends it, with which exit code, and what `--help` costs."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import click
import pytest

from dataops import cli
from dataops.errors import DONE, IMPOSSIBLE, INTERRUPTED, LOCKED, WRONG, DataopsError, Interrupted
from tests.helpers import REPOSITORY, TEMPLATE, project_at, run

ENDINGS = {
    "nothing": None,
    "returns 1": WRONG,
    "cannot": DataopsError("The file is missing.", "Type: make setup"),
    "wrong": DataopsError("Tests failed.", exit_code=WRONG),
    "locked": DataopsError("A release is running.", exit_code=LOCKED),
    "stopped": Interrupted("Stopped: nothing was written."),
    "ctrl-c": KeyboardInterrupt(),
    "ctrl-c at a prompt": click.Abort(),
    "ctrl-c in a query": RuntimeError("Query interrupted"),
    "fault": ValueError("a fault of dataops"),
}


@click.command()
@click.option("--number", type=int)
@click.argument("ending")
def stub(ending: str, number: int | None) -> int | None:
    """A command that ends as it is told to."""
    if isinstance(ENDINGS[ending], BaseException):
        raise ENDINGS[ending]
    return ENDINGS[ending]


@pytest.fixture
def stub_command(monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "stub", (__name__, "stub", "A stub."))
    monkeypatch.setattr(cli, "UNPREPARED", {"stub"})


@pytest.mark.parametrize(
    ("arguments", "code", "printed"),
    [
        (["stub", "nothing"], DONE, ""),
        (["stub", "returns 1"], WRONG, ""),
        (["stub", "cannot"], IMPOSSIBLE, "The file is missing.\nType: make setup\n"),
        (["stub", "wrong"], WRONG, "Tests failed.\n"),
        (["stub", "locked"], LOCKED, "A release is running.\n"),
        (["stub", "stopped"], INTERRUPTED, "Stopped: nothing was written.\n"),
        (["stub", "ctrl-c"], INTERRUPTED, "\nStopped.\n"),
        (["stub", "ctrl-c at a prompt"], INTERRUPTED, "\nStopped.\n"),
        (["stub", "ctrl-c in a query"], INTERRUPTED, "\nStopped.\n"),
        (["stub", "fault"], IMPOSSIBLE, "ValueError: a fault of dataops\n"),
        (["stub"], IMPOSSIBLE, "Error: Missing argument 'ENDING'.\n"),
        (["stub", "nothing", "--number", "x"], IMPOSSIBLE, "'x' is not a valid integer.\n"),
        (["stub", "nothing", "--nubmer", "1"], IMPOSSIBLE, "No such option '--nubmer'. Did you mean '--number'?\n"),
        (["stub", "--help"], DONE, ""),
        (["biuld"], IMPOSSIBLE, "dataops has no command 'biuld'. Did you mean build?\nTo list the commands: dataops --help\n"),
        (["relase", "--dry-run"], IMPOSSIBLE, "Did you mean release?\nTo list the commands: dataops --help\n"),
        (["xyz"], IMPOSSIBLE, "dataops has no command 'xyz'.\nTo list the commands: dataops --help\n"),
        (["--nonsense"], IMPOSSIBLE, "No such option '--nonsense'.\n"),
    ],
)  # fmt: skip
def test_every_ending_has_its_exit_code(stub_command, capsys, arguments, code, printed):
    assert cli.run(arguments) == code
    assert capsys.readouterr().err.endswith(printed)


def test_the_exit_codes_are_documented():
    _, table = (TEMPLATE / "README.md").read_text(encoding="utf-8").split("| Exit code |")
    documented = [int(code) for code in re.findall(r"^\| (\d+) \|", table.split("##")[0], re.MULTILINE)]
    assert documented == [DONE, WRONG, IMPOSSIBLE, LOCKED, INTERRUPTED]
    assert all(f"{code} " in cli.cli.help for code in documented)


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A project in which commands are prepared; what they set is put back."""
    (tmp_path / "dbt_project.yml").touch()
    monkeypatch.chdir(tmp_path)
    for name in ("TARGET", "DBT_TARGET", "DBT_TARGET_PATH", "PATH", "WAREHOUSE_DIR", "DUCKDB_MEMORY_LIMIT"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    return tmp_path


@pytest.mark.parametrize(
    ("target", "guess"),
    [
        ("pord", " Did you mean TARGET=prod?"),
        ("production", ""),
        ("dev prod", " Did you mean TARGET=prod?"),
        ('"ci"', " Did you mean TARGET=ci?"),
    ],
)
def test_an_unknown_environment_is_refused(folder, monkeypatch, capsys, target, guess):
    monkeypatch.setenv("TARGET", target)
    assert cli.run(["build"]) == IMPOSSIBLE
    assert capsys.readouterr().err == (
        f"TARGET={target} is not an environment of this project.{guess} The environments are: dev, ci, prod.\n"
    )


@pytest.mark.parametrize("command", ["build", "test", "lint", "docs", "sample", "releases", "rollback"])
def test_a_faulty_env_file_stops_every_command(folder, capsys, command):
    (folder / ".env").write_text("DEV_NAME=grace\nWAREHOUSE DIR=elsewhere\n")
    assert cli.run([command]) == IMPOSSIBLE
    assert capsys.readouterr().err.startswith(".env cannot be read, so nothing was run. Every line must be NAME=value.")


def test_an_env_file_that_is_a_folder_is_refused(folder, capsys):
    (folder / ".env").mkdir()
    assert cli.run(["build"]) == IMPOSSIBLE
    assert capsys.readouterr().err.startswith(".env cannot be read, so nothing was run:")


def test_without_a_project_nothing_runs(folder, capsys):
    (folder / "dbt_project.yml").unlink()
    assert cli.run(["build"]) == IMPOSSIBLE
    assert capsys.readouterr().err.startswith(f"There is no dbt project in {folder}: no dbt_project.yml in it")


def test_a_project_without_a_sample_says_so(folder, capsys):
    assert cli.run(["sample"]) == IMPOSSIBLE
    assert capsys.readouterr().err == "This project has no sample: scripts/sample_data.py is missing.\n"


def test_a_misspelt_option_names_the_environment(tmp_path):
    with pytest.raises(DataopsError) as refused:
        project_at(tmp_path).environment("dve", "--target ")
    assert refused.value.problem.startswith(
        "--target dve is not an environment of this project. Did you mean --target dev?"
    )


def imports_of_help(modules: str, *commands: str) -> str:
    file = REPOSITORY / "tests/unit/imports_of_help.py"
    return run(sys.executable, file, modules, *commands, cwd=REPOSITORY).output


def test_help_imports_neither_dbt_nor_duckdb():
    assert imports_of_help("dbt,duckdb,rich.console,requests", "") == ""


def test_the_help_of_a_command_does_without_dbt_and_duckdb():
    commands = sorted(set(cli.COMMANDS) - {"sample"})  # whose help is that of the project's own script
    assert imports_of_help("dbt,duckdb", *commands) == ""
