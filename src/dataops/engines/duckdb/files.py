"""DuckDB files: who has one open, sessions, copies, and whether everything in one can be read."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from dataops.engines.base import CannotOpen, Data, EngineError, Relation, Session, ViewFails, quote
from dataops.files import sync
from dataops.typed import shown

NAME = "DuckDB"
LINK = "current"  # in prod's folder, to the version that is prod
HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<process>\d+)\)")
CLONE = 0x40049409  # FICLONE of linux/fs.h: both files share their blocks until one is written
CLOSED = " - file system operations are disabled by configuration"  # how DuckDB ends what it says of a file
# Errors whose text names relations and columns, never values.
ABOUT_NAMES = (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException)
RELATIONS = """
    select schema_name, table_name, 'table' from duckdb_tables() where database_name = {database}
    union all
    select schema_name, view_name, 'view' from duckdb_views() where database_name = {database} and not internal
"""


def engine_error(error: duckdb.Error) -> EngineError:
    """DuckDB's error as every engine raises it."""
    return EngineError(NAME, type(error).__name__, str(error), isinstance(error, ABOUT_NAMES))


class DuckDBSession(Session):
    """A DuckDB connection.

    Args:
        connection: DuckDB's own, closed with the session.
        database: whose relations are listed; the current one without.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, database: str | None = None):
        self.own = connection
        self._database = database

    def _execute(self, sql: str, values: Sequence[Any] | Mapping[str, Any] | None) -> duckdb.DuckDBPyConnection:
        try:
            return self.own.execute(sql, values)
        except duckdb.Error as error:
            raise engine_error(error) from error

    def run(self, sql: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> None:
        self._execute(sql, values)

    def rows(self, sql: str, values: Sequence[Any] | Mapping[str, Any] | None = None) -> list[tuple]:
        try:
            return self._execute(sql, values).fetchall()
        except duckdb.Error as error:
            raise engine_error(error) from error

    def relations(self) -> dict[Relation, str]:
        database = "current_database()" if self._database is None else f"'{self._database}'"
        found = self.rows(RELATIONS.format(database=database))
        return {(schema.lower(), name.lower()): kind for schema, name, kind in found}

    def close(self) -> None:
        self.own.close()


@dataclass(frozen=True)
class DuckDBFile(Data):
    """A DuckDB file.

    Attributes:
        file: its path.
        config: settings of its connections.
    """

    file: Path
    config: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def shown(self) -> str:
        return shown(self.file)

    @property
    def database(self) -> str:
        return self.file.stem

    def exists(self) -> bool:
        return self.file.exists()

    def is_same(self, other: Data) -> bool:
        if not isinstance(other, DuckDBFile):
            return False
        try:
            return self.file.samefile(other.file)
        except OSError:  # one of them does not exist
            return self.file.resolve() == other.file.resolve()

    def wait(self, *, to_write: bool = False, seconds: float = 60) -> str | None:
        # DuckDB lets one process write a file. dbt would try for minutes, in silence, and then print a traceback.
        until, reported = time.monotonic() + seconds, False
        while self.file.exists():
            try:
                duckdb.connect(str(self.file), read_only=not to_write).close()
                break
            except duckdb.Error as error:
                holder = HOLDER.search(str(error))
                if not holder:
                    return f"{self.shown} cannot be opened: {error}"
                who = f"{holder['program']} (process {holder['process']}) has {self.shown} open"
                if time.monotonic() > until:
                    do = "write" if to_write else "read"
                    return f"{who}, so nothing else may {do} it. Close it there; in dev, DEV_NAME names another file."
                if not reported:
                    print(f"{who}. Waiting for it, at most {seconds:.0f} seconds; Ctrl-C stops.", file=sys.stderr)
                    reported = True
                time.sleep(0.2)
        return None

    def open(self, *, read_only: bool = True) -> DuckDBSession:
        if not self.file.is_file():  # DuckDB would say this in other words, or make the file
            raise CannotOpen(f"{self.shown} is missing.")
        try:
            return DuckDBSession(duckdb.connect(str(self.file), read_only=read_only, config=dict(self.config)))
        except duckdb.Error as error:
            raise CannotOpen(f"{self.shown} cannot be opened: {str(error).splitlines()[0]}.") from error

    @contextmanager
    def open_alone(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection that can read this file and nothing beside it: no other file, database or address.

        What can be read here can be read from any folder and on any machine, and nothing outside the file changes it.
        """
        with (
            tempfile.TemporaryDirectory(prefix="release-") as spill,
            duckdb.connect(config=dict(self.config)) as connection,  # in memory: its settings reach no other connection
        ):
            path, temporary = (text(one) for one in (self.file, spill))
            stem = quote(self.file.stem)
            connection.execute(f"set temp_directory = {temporary}; set preserve_insertion_order = false")
            connection.execute(f"attach {path} as {stem} (read_only); use {stem}")
            connection.execute("set enable_external_access = false; set lock_configuration = true")
            yield connection


def text(value: object) -> str:
    """A value as an SQL text.

    >>> text("it's")
    "'it''s'"
    """
    return "'" + str(value).replace("'", "''") + "'"


def attach(connection: duckdb.DuckDBPyConnection, file: Path, alias: str) -> None:
    """Attaches a file to a connection, to read."""
    connection.execute(f"attach {text(file)} as {quote(alias)} (read_only)")


def clone(source: Path, target: Path) -> bool:
    """Makes a file share the blocks of another one. False where the file system cannot do that; the target is empty then."""
    with source.open("rb") as reading, target.open("wb") as writing:
        try:
            fcntl.ioctl(writing, CLONE, reading.fileno())
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.ENOSYS):
                return False
            raise
    return True


def finish(data: DuckDBFile) -> None:
    """Writes everything that DuckDB holds back into the one file, waits until it is on the disk, and lets nobody write it any
    more.

    Raises:
        CannotOpen: it cannot be opened or written.
    """
    with data.open(read_only=False) as session:
        session.run("checkpoint")
    data.file.with_name(f"{data.file.name}.wal").unlink(missing_ok=True)
    shutil.rmtree(data.file.with_name(f"{data.file.name}.tmp"), ignore_errors=True)
    os.chmod(data.file, 0o444)
    sync(data.file)


def views_reading_outside(data: DuckDBFile) -> dict[Relation, str]:
    """The views that cannot be read with this file alone, by schema and name in lower case, each with DuckDB's reason.

    DuckDB itself resolves each view, through other views and macros, where it may open nothing else.

    Raises:
        EngineError: the file cannot be opened.
    """
    found = {}
    try:
        with data.open_alone() as connection:
            views = connection.execute(
                "select schema_name, view_name from duckdb_views()"
                " where database_name = current_database() and not internal"
            ).fetchall()
            for schema, name in views:
                try:
                    connection.execute(f"describe {quote(schema)}.{quote(name)}")
                except duckdb.Error as error:
                    reason = str(error).splitlines()[0].partition("Error: ")[2].removesuffix(CLOSED)
                    found[schema.lower(), name.lower()] = reason.rstrip(".")
    except duckdb.Error as error:
        raise engine_error(error) from error
    return found


def read_everything(data: DuckDBFile) -> int:
    """Reads every row of every table and view. Returns the number of rows in tables.

    Raises:
        ViewFails: the SQL of a view fails on some row.
        CannotOpen: a table cannot be read.
    """
    count, found = 0, data.relations()
    with data.open_alone() as connection:
        for (schema, name), kind in sorted(found.items(), key=lambda one: (one[1], one[0])):  # tables first
            relation = f"{quote(schema)}.{quote(name)}"
            try:
                # DuckDB checks the checksum of a block when it reads it.
                rows, _ = connection.execute(
                    f"select count(*), sum(hash(columns)::hugeint) from (select hash(t) as columns from {relation} as t)"
                ).fetchone()
            except duckdb.Error as error:
                problem = f"{relation} of {data.shown} cannot be read: {type(error).__name__}."
                if kind == "view":  # its tables could be read
                    raise ViewFails(problem) from None
                raise CannotOpen(problem, "The disk or memory may be at fault. Run it again.") from None
            count += rows if kind == "table" else 0
    return count


def drop(data: DuckDBFile, relations: Mapping[Relation, str]) -> None:
    """Drops relations: `table` or `view` by schema and name."""
    with data.open(read_only=False) as session:
        for (schema, name), kind in relations.items():
            session.run(f"drop {kind} if exists {quote(schema)}.{quote(name)}")
