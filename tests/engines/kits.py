"""What the tests of the protocol need to know of an engine: how a project uses it, and how its data is damaged."""

from __future__ import annotations

import os
import re
from pathlib import Path

import duckdb

from dataops.engines import Data, Session, quote
from dataops.project import Environment
from tests.engines import memory

TARGETS = {"dev": "development", "ci": "integration", "prod": "production"}
DUCKDB = """
shop:
  target: development
  outputs:
    development: {type: duckdb, path: warehouse/development/it.duckdb}
    integration: {type: duckdb, path: warehouse/integration/it.duckdb}
    production:
      type: duckdb
      path: "warehouse/production/{{ 'candidate' if env_var('DATAOPS_CANDIDATE', '') else 'current' }}/production.duckdb"
"""
MEMORY = """
shop:
  target: development
  outputs:
    development: {type: memory}
    integration: {type: memory}
    production: {type: memory}
"""


def install_memory(folder: Path) -> None:
    """Makes an installed distribution that adds the engine `memory`. The folder must be on sys.path."""
    installed = folder / "memory_engine-1.0.dist-info"
    installed.mkdir(parents=True)
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: memory-engine\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text("[dataops.engines]\nmemory = tests.engines.memory:Memory\n")


def write_project(folder: Path, profiles: str) -> None:
    """The files of a project that engines read."""
    (folder / "dbt_project.yml").write_text("name: shop\nprofile: shop\n", encoding="utf-8")
    (folder / "profiles.yml").write_text(profiles, encoding="utf-8")


class DuckDBKit:
    """DuckDB's files."""

    name = "DuckDB"
    profiles = DUCKDB
    quotes_value = "select cast('Ada' as integer)"

    def create(self, data: Data) -> None:
        """Makes empty data."""
        data.file.parent.mkdir(parents=True, exist_ok=True)
        duckdb.connect(str(data.file)).close()

    def create_schema(self, session: Session, schema: str) -> None:
        session.run(f"create schema if not exists {quote(schema)}")

    def read_from(self, data: Data) -> str:
        """What comes before a relation in the SQL of another one: its database, as dbt writes it."""
        return f"{quote(data.database)}."

    def damage(self, data: Data) -> None:
        """Cuts off the end."""
        os.chmod(data.file, 0o644)
        os.truncate(data.file, data.file.stat().st_size // 3)

    def lose(self, data: Data) -> None:
        data.file.unlink()

    def lose_pointer(self, environment: Environment) -> None:
        (environment.folder / "current").unlink()


class MemoryKit:
    """SQLite in memory."""

    name = memory.NAME
    profiles = MEMORY
    quotes_value = "select json_extract('{}', 'Ada')"

    def create(self, data: Data) -> None:
        memory.DATABASES[data.folder] = b""

    def create_schema(self, session: Session, schema: str) -> None:
        pass

    def read_from(self, data: Data) -> str:
        return ""

    def damage(self, data: Data) -> None:
        content = memory.DATABASES[data.folder]
        memory.DATABASES[data.folder] = content[: len(content) // 3]

    def lose(self, data: Data) -> None:
        del memory.DATABASES[data.folder]

    def lose_pointer(self, environment: Environment) -> None:
        del memory.POINTERS[environment.folder]


Kit = DuckDBKit | MemoryKit


def write(kit: Kit, data: Data, relations: dict[str, str]) -> None:
    """Makes relations in existing data.

    Args:
        kit: of its engine.
        data: the data.
        relations: `table marts.orders` or `view marts.orders`, and its rows, as SQL. There, {marts.orders} is a relation.
    """
    with data.open(read_only=False) as session:
        for what, select in relations.items():
            kind, _, name = what.partition(" ")
            schema, _, table = name.partition(".")
            kit.create_schema(session, schema)
            rows = filled(session, select, kit.read_from(data))
            session.run(f"create {kind} {session.address(schema, table)} as {rows}")


def filled(session: Session, sql: str, database: str = "") -> str:
    """SQL with the addresses of the relations that it names in braces."""
    return re.sub(r"{(\w+)\.(\w+)}", lambda found: database + session.address(*found.groups()), sql)


def row_count(data: Data, relation: str) -> int:
    """How many rows a relation has, in a new session."""
    with data.open() as session:
        return session.row(filled(session, f"select count(*) from {{{relation}}}"))[0]
