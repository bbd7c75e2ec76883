"""Waiting for a warehouse file that another process has open, and folders that dbt's DuckDB does not make."""

from __future__ import annotations

import os
import time
from pathlib import Path

import duckdb
import pytest

from dataops import dbt
from dataops.warehouse import wait_until_readable, wait_until_writable
from tests.holder import holding


@pytest.fixture
def file(tmp_path) -> Path:
    file = tmp_path / "dev.duckdb"
    duckdb.connect(str(file)).close()
    return file


def test_a_locked_file_is_waited_for(file, capsys):
    with holding(file, seconds=1) as holder:
        start = time.monotonic()
        assert wait_until_writable(file) is None
        assert time.monotonic() - start > 0.6
    (line,) = capsys.readouterr().err.splitlines()
    assert f"(process {holder}) has {os.path.relpath(file)} open. Waiting for it, at most 60 seconds" in line


@pytest.mark.parametrize(("wait", "do"), [(wait_until_writable, "write"), (wait_until_readable, "read")])
def test_a_file_that_stays_locked_is_given_up(file, wait, do):
    with holding(file, seconds=60) as holder:
        problem = wait(file, seconds=0.3)
    assert f"(process {holder}) has {os.path.relpath(file)} open, so nothing else may {do} it." in problem


def test_what_is_not_a_warehouse_is_named_and_left_alone(file):
    file.write_text("not a DuckDB file")
    assert wait_until_writable(file).startswith(f"{os.path.relpath(file)} cannot be opened: IO Error:")
    assert file.read_text() == "not a DuckDB file"


def test_a_file_that_is_missing_is_free(tmp_path):
    assert wait_until_writable(tmp_path / "none.duckdb") is None


@pytest.fixture
def prepare(tmp_path, monkeypatch):
    """Readies a build of dev, in an empty project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("DATAOPS_CANDIDATE", raising=False)

    def prepare(folder: str) -> str | None:
        monkeypatch.setenv("WAREHOUSE_DIR", folder)
        monkeypatch.setattr(dbt, "warehouse_file", lambda target: tmp_path / folder / target / "it.duckdb")
        return dbt._prepare(dbt.DbtCommand("build", "dev"))

    return prepare


def test_a_missing_warehouse_folder_is_made(prepare, tmp_path):
    assert prepare("some where/else") is None
    assert sorted(path.name for path in (tmp_path / "some where/else").iterdir()) == ["ci", "dev", "prod"]


def test_a_file_in_place_of_the_warehouse_folder_is_refused(prepare, tmp_path):
    (tmp_path / "file").touch()
    assert prepare("file").startswith("The warehouse folder cannot be made: ")
