"""A second engine, for tests: SQLite databases in the memory of this process, known by the folder that they would lie in.

It has what DuckDB has not: data that does not lie in a version's folder, no row numbers, no schemas.
"""

from __future__ import annotations

import hashlib
import sqlite3
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from dataops.engines import (
    CannotOpen,
    Copy,
    Data,
    Dialect,
    Engine,
    EngineError,
    Pointer,
    Relation,
    Session,
    ViewFails,
    Workspace,
    quote,
)
from dataops.engines.base import LONGEST_VALUE
from dataops.project import Environment

NAME = "SQLite in memory"
OLDEST = (3, 39)  # with `full join` and `is distinct from`
NUMBERS = ("INT", "INTEGER", "REAL", "NUM")
HIDDEN = "prod:"  # begins the names of copies that stand for another database
ABOUT_NAMES = ("no such table", "no such column", "no such function", "syntax error")

# By folder: each database as SQLite writes it, and what of them is finished. By the folder of prod: which version it is.
DATABASES: dict[Path, bytes] = {}
FINISHED: set[Path] = set()
POINTERS: dict[Path, Path] = {}

sqlite3.register_converter("timestamp", lambda text: datetime.fromisoformat(text.decode()))


def fingerprint(*values: Any) -> int:
    """A hash of some values together, small enough for SQLite to add up thousands of them."""
    plain = tuple(float(value) if isinstance(value, int | float) else value for value in values)
    return int.from_bytes(hashlib.blake2b(repr(plain).encode(), digest_size=5).digest())


def connect() -> sqlite3.Connection:
    """A connection to an empty database, with the functions of the dialect."""
    connection = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES, isolation_level=None)
    connection.create_function("fingerprint", -1, fingerprint, deterministic=True)
    connection.create_function("sha256", 1, lambda text: hashlib.sha256(str(text).encode()).hexdigest())
    return connection


class MemoryDialect(Dialect):
    """How SQLite writes what standard SQL has no words for."""

    def common_type(self, base: str, head: str) -> str:
        if base == head:
            return base
        return "REAL" if {base, head} <= set(NUMBERS) else "TEXT"

    def is_number(self, data_type: str) -> bool:
        return data_type in NUMBERS

    def describe(self, relation: str) -> str:
        database, name = (part.replace("'", "''") for part in parts(relation))
        return f"select name, type from pragma_table_info('{name}', '{database}')"

    def temp_table(self, name: str, query: str) -> str:
        return f"drop table if exists temp.{name}; create temp table {name} as {query}"

    def fingerprint(self, expressions: Iterable[str]) -> str:
        return f"fingerprint({', '.join(expressions)})"

    def total(self, numbers: str) -> str:
        return f"coalesce(sum({numbers}), 0)"

    def semi_join(self, other: str, condition: str) -> str:
        return f"where exists (select 1 from {other} where {condition})"

    def sample(self) -> str:
        return ""

    def number(self, expression: str) -> str:
        return f"cast({expression} as real)"

    def text(self, expression: str) -> str:
        return f"cast({expression} as text)"

    def shortened(self, expression: str) -> str:
        return f"substr({self.text(expression)}, 1, {LONGEST_VALUE})"

    def hidden(self, expression: str, salt: str) -> str:
        return f"'hidden ' || substr(sha256('{salt}' || {self.text(expression)}), 1, 8)"


def parts(address: str) -> tuple[str, str]:
    """Database and table of an address: `"base"."marts.orders"`."""
    database, _, name = address[1:-1].partition('"."')
    return database.replace('""', '"'), name.replace('""', '"')


class MemorySession(Session):
    """A connection.

    Args:
        connection: SQLite's own.
        writes_to: the folder whose database it is, if it is written.
    """

    def __init__(self, connection: sqlite3.Connection, writes_to: Path | None = None):
        self.own = connection
        self._writes_to = writes_to

    def run(self, sql: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        try:
            if values is None:
                self.own.executescript(sql)
            else:
                self.own.execute(sql, values)
        except sqlite3.Error as error:
            raise engine_error(error) from error

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> list[tuple]:
        try:
            return self.own.execute(sql, values or ()).fetchall()
        except sqlite3.Error as error:
            raise engine_error(error) from error

    def relations(self) -> dict[Relation, str]:
        found = self.rows("select type, name from sqlite_master where type in ('table', 'view')")
        return {tuple(name.lower().split(".", 1)): kind for kind, name in found if not name.startswith(HIDDEN)}

    def use(self, schema: str) -> None:
        names = [name for other, name in self.relations() if other == schema.lower()]
        if not names:
            raise EngineError(NAME, "OperationalError", f"no such schema: {schema}", only_names=True)
        views = [f"create temp view {quote(name)} as select * from main.{self.address(schema, name)}" for name in names]
        self.run("; ".join(["pragma query_only = off", *views, "pragma query_only = on"]))

    def address(self, schema: str, name: str) -> str:
        return quote(f"{schema}.{name}")

    def close(self) -> None:
        if self._writes_to:
            DATABASES[self._writes_to] = self.own.serialize()
        self.own.close()


def engine_error(error: sqlite3.Error) -> EngineError:
    """SQLite's error as every engine raises it."""
    return EngineError(NAME, type(error).__name__, str(error), any(words in str(error) for words in ABOUT_NAMES))


@dataclass(frozen=True)
class MemoryData(Data):
    """A database.

    Attributes:
        folder: it is known by.
    """

    folder: Path

    @property
    def shown(self) -> str:
        return f"the database of {self.folder.name}"

    @property
    def database(self) -> str:
        return "main"

    def exists(self) -> bool:
        return self.folder in DATABASES

    def is_same(self, other: Data) -> bool:
        return self == other

    def wait(self, *, to_write: bool = False, seconds: float = 60) -> str | None:
        try:
            if self.exists():
                self.open().close()
        except CannotOpen as error:
            return error.problem
        return None

    def open(self, *, read_only: bool = True) -> MemorySession:
        if not self.exists():
            raise CannotOpen(f"{self.shown} is missing.")
        if not read_only and self.folder in FINISHED:
            raise CannotOpen(f"{self.shown} cannot be opened: it is finished.")
        connection = connect()
        load(connection, self, "main")
        if read_only:
            connection.execute("pragma query_only = on")
        return MemorySession(connection, None if read_only else self.folder)


def load(connection: sqlite3.Connection, data: MemoryData, database: str) -> None:
    """Puts a database into one of a connection."""
    try:
        if content := DATABASES[data.folder]:
            connection.deserialize(content, name=database)
        (result,) = connection.execute(f"pragma {database}.quick_check(1)").fetchone()
    except sqlite3.Error as error:
        result = str(error)
    if result != "ok":
        connection.close()
        raise CannotOpen(f"{data.shown} cannot be opened: it is damaged.")


class MemoryWorkspace(Workspace):
    """A connection that has copies of base and head."""

    def __init__(self, base: MemoryData, head: MemoryData):
        connection = connect()
        self._names = {base: "base", head: "head"}
        for data, name in self._names.items():
            connection.execute(f"attach ':memory:' as {name}")
            load(connection, data, name)
        self.session = MemorySession(connection)

    def address(self, data: Data, schema: str, name: str, kind: str) -> str:
        return f"{quote(self._names[data])}.{quote(f'{schema}.{name}')}"

    def is_view(self, address: str) -> bool:
        database, name = parts(address)
        found = self.session.row(f"select type from {quote(database)}.sqlite_master where name = ?", [name])
        return found == ("view",)

    def close(self) -> None:
        self.session.close()


class Memory(Engine):
    """SQLite in memory. The methods are documented in the protocol."""

    type = "memory"
    name = NAME
    atomicity = "Readers see all of a version, which they copied when they opened it."
    data_word = "database"
    dialect = MemoryDialect()

    # Where data is

    def environment(self, environment: Environment) -> MemoryData:
        if not environment.is_prod:
            return MemoryData(environment.folder)
        folder = POINTERS.get(environment.folder, environment.folder / "none")
        return MemoryData(environment.folder / "candidate" if self.project.candidate else folder)

    def named(self, name: str) -> MemoryData | None:
        data = MemoryData(self.project.root / name)
        return data if data.exists() else None

    def version(self, folder: Path) -> MemoryData:
        return MemoryData(folder)

    def prepare(self, environment: Environment) -> str | None:
        return None

    def workspace(self, base: Data, head: Data) -> Workspace:
        return MemoryWorkspace(base, head)

    # Versions of prod

    def current(self, environment: Environment) -> Pointer:
        folder = POINTERS.get(environment.folder)
        return Pointer(folder, f"the pointer of {environment}", folder is not None)

    def publish(self, environment: Environment, folder: Path) -> float:
        start = time.perf_counter()
        POINTERS[environment.folder] = folder
        return (time.perf_counter() - start) * 1000

    def clean_up(self, environment: Environment) -> None:
        pass

    def start_candidate(self, base: Path, facts: Mapping[str, Any], folder: Path) -> Copy:
        self.version(base).open().close()
        DATABASES[folder] = DATABASES[base]
        return Copy("copied", len(DATABASES[base]))

    def reopen(self, folder: Path) -> None:
        FINISHED.discard(folder)

    def finish(self, folder: Path) -> None:
        self.version(folder).open().close()
        FINISHED.add(folder)

    def moved(self, folder: Path, to: Path) -> None:
        if folder in DATABASES:
            DATABASES[to] = DATABASES.pop(folder)
        if folder in FINISHED:
            FINISHED.remove(folder)
            FINISHED.add(to)

    def forget(self, folder: Path) -> None:
        DATABASES.pop(folder, None)
        FINISHED.discard(folder)

    def state(self, folder: Path) -> dict[str, Any]:
        return {"size": len(DATABASES.get(folder, b""))}

    def problem(self, folder: Path, facts: Mapping[str, Any]) -> str | None:
        if folder not in DATABASES:
            return "its data is missing"
        return None if len(DATABASES[folder]) == facts.get("size") else "its data is damaged"

    def made_with(self, name: str, facts: Mapping[str, Any]) -> str | None:
        made = facts.get("tools", {}).get("sqlite", "an unknown version")
        installed = sqlite3.sqlite_version
        return None if made == installed else f"{name} was made with SQLite {made}; installed is {installed}."

    def read_everything(self, data: Data) -> int:
        count = 0
        with data.open() as session:
            for (schema, name), kind in sorted(session.relations().items(), key=lambda one: (one[1], one[0])):
                try:
                    rows = session.rows(f"select * from {session.address(schema, name)}")
                except EngineError as error:
                    problem = f"{schema}.{name} of {data.shown} cannot be read: {error.kind}."
                    raise (ViewFails if kind == "view" else CannotOpen)(problem) from None
                count += len(rows) if kind == "table" else 0
        return count

    def views_reading_outside(self, data: Data) -> dict[Relation, str]:
        return {}  # SQLite refuses to make such a view

    def drop(self, data: Data, relations: Mapping[Relation, str]) -> None:
        with data.open(read_only=False) as session:
            for (schema, name), kind in relations.items():
                session.run(f"drop {kind} if exists {session.address(schema, name)}")

    # CI

    def create_empty(self, folder: Path) -> None:
        DATABASES[folder] = b""

    def remove(self, data: Data) -> None:
        self.forget(data.folder)

    def carry_over(
        self, prod: Data, target: Data, views: Mapping[Relation, Relation], tables: Mapping[Relation, Relation]
    ) -> None:
        self.create_empty(target.folder)
        with prod.open() as reading, target.open(read_only=False) as writing:
            existing = reading.relations()
            for new, before in views.items():
                if before in existing:
                    hidden = HIDDEN + ".".join(before)
                    self._copy(reading, writing, before, hidden)
                    writing.run(f"create view {writing.address(*new)} as select * from {quote(hidden)}")
            for new, before in tables.items():
                if existing.get(before) == "table":
                    self._copy(reading, writing, before, ".".join(new))

    @staticmethod
    def _copy(reading: MemorySession, writing: MemorySession, before: Relation, name: str) -> None:
        """Copies a relation; a table with its constraints."""
        old = ".".join(before)
        kind, sql = reading.row("select type, sql from sqlite_master where lower(name) = ?", [old])
        columns = [row[0] for row in reading.rows("select name from pragma_table_info(?)", [old])]
        described = sql[sql.index("(") :] if kind == "table" else f"({', '.join(map(quote, columns))})"
        writing.run(f"create table {quote(name)} {described}")
        for row in reading.rows(f"select * from {quote(old)}"):
            writing.run(f"insert into {quote(name)} values ({', '.join('?' * len(row))})", row)

    def source_files(self, source: Mapping[str, Any]) -> list[str] | None:
        return None

    # Monitoring

    def monitoring(self, environment: Environment) -> MemoryData:
        return MemoryData(environment.folder / "monitoring")

    def monitoring_variables(self, data: Data) -> dict[str, str]:
        return {"ELEMENTARY_PATH": str(data.folder)}

    def copy_into(self, data: Data, folder: Path) -> MemoryData:
        DATABASES[folder] = DATABASES[data.folder]
        return MemoryData(folder)
