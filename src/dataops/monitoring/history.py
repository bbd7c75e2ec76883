"""The history that Elementary keeps of an environment: a DuckDB file of its own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from dataops.errors import DataopsError
from dataops.release import store
from dataops.warehouse import wait_until_readable, wait_until_writable


def monitoring_file(target: str) -> Path:
    """The DuckDB file with Elementary's tables of an environment."""
    return store.warehouses() / target / "monitoring.duckdb"


def schema(target: str) -> str:
    """The schema of Elementary's tables in that file."""
    return "elementary" if target == "prod" else f"{target}_elementary"


@contextmanager
def opened(target: str, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to Elementary's tables of an environment, in whose schema unqualified names are looked up.

    Waits while a run writes to the file.

    Raises:
        DataopsError: that takes too long.
    """
    file = monitoring_file(target)
    if problem := (wait_until_readable if read_only else wait_until_writable)(file):
        raise DataopsError(problem)
    with duckdb.connect(str(file), read_only=read_only) as connection:
        connection.execute(f"use {schema(target)}")
        yield connection


def tables_version(target: str) -> str | None:
    """The version of Elementary that created an environment's tables. None if the tables do not exist."""
    if not monitoring_file(target).exists():
        return None
    try:
        with opened(target) as connection:
            (found,) = connection.execute("select dbt_pkg_version from metadata").fetchone()
    except (duckdb.CatalogException, TypeError):
        return None
    return found
