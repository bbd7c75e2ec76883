"""A warehouse of its own for each test, and the command line in this process."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dataops import cli, project
from dataops.versions import Versions


@pytest.fixture(autouse=True)
def warehouse(tmp_path, monkeypatch) -> Iterator[Path]:
    """Where prod is during a test; the folder and the environment variables are put back after it."""
    folder, before = Path.cwd(), dict(os.environ)
    (tmp_path / "warehouse").mkdir()
    os.environ["WAREHOUSE_DIR"] = str(tmp_path / "warehouse")
    for name in ("TARGET", "DBT_TARGET", "RELEASES_KEPT"):
        os.environ.pop(name, None)
    monkeypatch.setattr("dataops.release.command.require_candidate", lambda versions: None)  # no profile here
    yield tmp_path / "warehouse"
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture
def prod(warehouse) -> Versions:
    """The versions of prod."""
    return Versions(project.load())


@dataclass(frozen=True)
class Ran:
    """What a command printed, and its exit code."""

    code: int
    output: str


@pytest.fixture
def dataops(capsys) -> Callable[..., Ran]:
    """Runs the command line, as `dataops` does."""

    def run(*arguments: str, code: int = 0) -> Ran:
        ended = cli.run(list(arguments))
        printed = capsys.readouterr()
        output = " ".join((printed.out + printed.err).split())
        assert ended == code, output
        return Ran(ended, output)

    return run
