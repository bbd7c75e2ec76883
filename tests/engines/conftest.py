"""A project on each engine."""

from __future__ import annotations

import sqlite3

import pytest

from dataops.engines import Engine, engine_of
from dataops.project import Project
from tests.engines import memory
from tests.engines.kits import TARGETS, DuckDBKit, Kit, MemoryKit, install_memory, write_project
from tests.helpers import TEMPLATE, project_at

SQLITE_IS_OLD = pytest.mark.skipif(
    sqlite3.sqlite_version_info < memory.OLDEST, reason=f"SQLite {sqlite3.sqlite_version} has no full join"
)
ENGINES = [
    pytest.param(DuckDBKit(), id="duckdb"),
    pytest.param(MemoryKit(), id="memory", marks=SQLITE_IS_OLD),
]


@pytest.fixture(params=ENGINES)
def kit(request) -> Kit:
    """An engine."""
    return request.param


@pytest.fixture
def project(kit, tmp_path, monkeypatch) -> Project:
    """A project on that engine, whose environments have names of their own."""
    folder = tmp_path / "shop"
    folder.mkdir()
    write_project(folder, kit.profiles)
    (folder / "Makefile").write_text((TEMPLATE / "Makefile").read_text(encoding="utf-8"), encoding="utf-8")
    install_memory(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.chdir(folder)
    return project_at(folder, targets=TARGETS)


@pytest.fixture
def engine(project) -> Engine:
    """The engine, as the project finds it."""
    return engine_of(project)


@pytest.fixture(autouse=True)
def _forgotten() -> None:
    """Removes the databases in memory after a test."""
    yield
    memory.DATABASES.clear()
    memory.FINISHED.clear()
    memory.POINTERS.clear()
