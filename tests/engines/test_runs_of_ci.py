"""What CI asks of an engine: data that goes, runs that are old, the files of prod."""

from __future__ import annotations

import os
import time

import duckdb
import pytest

from dataops.engines import Portable
from dataops.engines.duckdb import DuckDB, ci
from dataops.engines.duckdb.files import DuckDBFile
from tests.helpers import project_at

NAMES = ("ci_local", "ci_7", "ci_8", "dev_ada", "monitoring")


def test_removed_data_is_gone_and_may_be_removed_again(tmp_path):
    data, engine = DuckDBFile(tmp_path / "ci_local.duckdb"), DuckDB(project_at(tmp_path))
    connection = duckdb.connect(str(data.file))
    connection.execute("create table orders as select 1 as id")
    wal = tmp_path / "ci_local.duckdb.wal"
    assert wal.exists(), "DuckDB keeps this beside the file while it is open"
    kept = wal.read_bytes()
    connection.close()
    wal.write_bytes(kept)  # of a process that was killed
    for _ in range(2):
        engine.remove(data)
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("file", "run", "removed"),
    [
        ("ci_local", "local", {"ci_7"}),
        ("run[1]", "1", set()),  # no pattern of file names
        ("local", "local", set()),  # nothing tells a run's file from any other
        ("warehouse", "local", set()),
    ],
)
def test_old_runs_are_removed_and_nothing_else(tmp_path, file, run, removed):
    now = time.time()
    for name in NAMES:
        path = tmp_path / f"{name}.duckdb"
        path.touch()
        os.utime(path, (now, now - 86400 * (13 if name == "ci_8" else 15 if name != "ci_local" else 0)))
    ci.remove_old_runs(tmp_path / f"{file}.duckdb", run, days=14)
    assert {path.stem for path in tmp_path.iterdir()} == set(NAMES) - removed


def test_the_files_of_prod_have_its_targets_name(tmp_path):
    project = project_at(tmp_path, targets={"prod": "production"})
    assert DuckDB(project).portable(project.prod) == Portable(("production.duckdb",), ("monitoring.duckdb",), "current")
