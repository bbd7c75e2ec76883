"""The DuckDB files of CI's runs: how a new one gets what dbt does not read from another environment, and how old ones go."""

from __future__ import annotations

import glob
import time
from collections.abc import Mapping
from pathlib import Path

import duckdb

from dataops.engines.base import Relation, quote
from dataops.engines.duckdb.files import DuckDBFile, engine_error, text


def carry_over(
    prod: DuckDBFile, target: DuckDBFile, views: Mapping[Relation, Relation], tables: Mapping[Relation, Relation]
) -> None:
    """Fills a new file: views of prod's relations, which dbt attaches under the stem of prod's file, and copies of its tables.

    Raises:
        EngineError: DuckDB could not do it.
    """
    database = quote(prod.file.stem)
    try:
        with duckdb.connect(str(target.file)) as connection:
            connection.execute(f"attach {text(prod.file)} as {database} (read_only)")
            existing = {
                (schema, name): sql
                for schema, name, sql in connection.execute(
                    "select schema_name, table_name, sql from duckdb_tables() where database_name = ?"
                    " union all select schema_name, view_name, null from duckdb_views() where database_name = ?",
                    [prod.file.stem, prod.file.stem],
                ).fetchall()
            }
            for new, before in views.items():
                if before in existing:
                    _create_schema(connection, new)
                    connection.execute(f"create view {_name(new)} as from {database}.{_name(before)}")
            for new, before in tables.items():
                if sql := existing.get(before):
                    _create_schema(connection, new)
                    _copy_table(connection, sql, database, before, new)
    except duckdb.Error as error:
        raise engine_error(error) from error


def _copy_table(
    connection: duckdb.DuckDBPyConnection, sql: str, database: str, before: Relation, new: Relation
) -> None:
    """Copies a table with its constraints, which `create table as` would lose."""
    start = next(
        head
        for schema in (before[0], quote(before[0]))
        for table in (before[1], quote(before[1]))
        for head in (f"CREATE TABLE {schema}.{table}(", f"CREATE TABLE {table}(")
        if sql.startswith(head)
    )
    connection.execute(f"create table {_name(new)}({sql.removeprefix(start)}")
    connection.execute(f"insert into {_name(new)} by name from {database}.{_name(before)}")


def _create_schema(connection: duckdb.DuckDBPyConnection, relation: Relation) -> None:
    connection.execute(f"create schema if not exists {quote(relation[0])}")


def _name(relation: Relation) -> str:
    return ".".join(map(quote, relation))


def remove(data: DuckDBFile) -> None:
    """Removes a file, with what DuckDB keeps beside it."""
    for file in (data.file, data.file.with_name(f"{data.file.name}.wal")):
        file.unlink(missing_ok=True)


def remove_old_runs(file: Path, run: str, days: int) -> None:
    """Removes the files of other runs that were written last before some days.

    Args:
        file: of this run.
        run: its id, which is in the name of the file. Where it is not, or is all of it, other runs cannot be told from other files.
        days: how old a file must be.
    """
    before, found, after = file.stem.rpartition(run)
    if not (found and before + after):
        return
    for old in file.parent.glob(f"{glob.escape(before)}*{glob.escape(after)}{file.suffix}"):
        if time.time() - old.stat().st_mtime > days * 86400:
            remove(DuckDBFile(old))
