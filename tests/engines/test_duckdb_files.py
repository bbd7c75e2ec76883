"""Waiting for a DuckDB file that another process has open."""

from __future__ import annotations

import os
import time
from pathlib import Path

import duckdb
import pytest

from dataops.engines.duckdb.files import DuckDBFile
from tests.holder import holding


@pytest.fixture
def file(tmp_path) -> Path:
    file = tmp_path / "dev.duckdb"
    duckdb.connect(str(file)).close()
    return file


def test_a_locked_file_is_waited_for(file, capsys):
    with holding(file, seconds=1) as holder:
        start = time.monotonic()
        assert DuckDBFile(file).wait(to_write=True) is None
        assert time.monotonic() - start > 0.6
    (line,) = capsys.readouterr().err.splitlines()
    assert f"(process {holder}) has {os.path.relpath(file)} open. Waiting for it, at most 60 seconds" in line


@pytest.mark.parametrize(("to_write", "do"), [(True, "write"), (False, "read")])
def test_a_file_that_stays_locked_is_given_up(file, to_write, do):
    with holding(file, seconds=60) as holder:
        problem = DuckDBFile(file).wait(to_write=to_write, seconds=0.3)
    assert f"(process {holder}) has {os.path.relpath(file)} open, so nothing else may {do} it." in problem


def test_what_is_not_a_warehouse_is_named_and_left_alone(file):
    file.write_text("not a DuckDB file")
    assert DuckDBFile(file).wait(to_write=True).startswith(f"{os.path.relpath(file)} cannot be opened: IO Error:")
    assert file.read_text() == "not a DuckDB file"


def test_a_file_that_is_missing_is_free(tmp_path):
    assert DuckDBFile(tmp_path / "none.duckdb").wait(to_write=True) is None


def test_a_file_is_the_same_under_another_path_and_before_it_exists(file, tmp_path):
    (tmp_path / "link").symlink_to(tmp_path)
    assert DuckDBFile(file).is_same(DuckDBFile(tmp_path / "link" / file.name))
    missing = DuckDBFile(tmp_path / "none.duckdb")
    assert missing.is_same(DuckDBFile(tmp_path / "link/none.duckdb"))
    assert not missing.is_same(DuckDBFile(file))
