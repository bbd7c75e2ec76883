"""What is DuckDB's about a release: one file, prod.duckdb, in each version's folder.

Another engine supplies the same functions: a place to build in that starts as prod is, what is in it, whether it is whole,
and (in store.point_at) the swap. On Postgres that is a schema beside, and renaming both in one transaction.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
from rich.filesize import decimal

from dataops.crosscheck.dialect import quote
from dataops.release import CannotRelease, store
from dataops.release.store import DATA as NAME
from dataops.release.store import Version, shown
from dataops.typed import guide, typed
from dataops.warehouse import duckdb_config, wait_until_readable

CLONE = 0x40049409  # FICLONE of linux/fs.h: both files share their blocks until one is written
CLOSED = " - file system operations are disabled by configuration"  # how DuckDB ends what it says of a file
ROOM = 50 * 1000**2  # bytes, for docs, manifest and a build's small changes


class ViewFails(CannotRelease):
    """The SQL of a view fails on some row."""


@dataclass(frozen=True)
class Copy:
    """How the candidate came to its data.

    Attributes:
        how: `copied`, or `cloned` where the file system shares the blocks.
        size: of the data, in bytes.
    """

    how: str
    size: int


def copy_from(base: Version, place: Path) -> Copy:
    """Puts a copy of a version's data into a folder.

    Raises:
        CannotRelease: somebody writes to it, it cannot be read, or there is no room for the copy and the build.
    """
    source, target = base.folder / NAME, place / NAME
    if base.problem:
        raise CannotRelease(f"{base.id} is prod, and {base.problem}.", store.how_to_go_back(base))
    if problem := wait_until_readable(source):
        raise CannotRelease(problem, made_with(base) or "Then run the command again.")
    size = source.stat().st_size
    how = "cloned" if _clone(source, target) else "copied"
    free, needed = shutil.disk_usage(place).free, size * (1 if how == "cloned" else 2) + ROOM
    if free < needed:
        target.unlink(missing_ok=True)
        parts = "" if how == "cloned" else f"{decimal(size)} for the copy, "
        raise CannotRelease(
            f"{shown(place.parent)} has {decimal(free)} free, and a release needs {decimal(needed)}:"
            f" {parts}{decimal(size)} to build beside it, {decimal(ROOM)} for the rest.",
            f"Free some, or keep fewer versions: RELEASES_KEPT ({guide('.env.example')}).",
        )
    if how == "copied":
        shutil.copyfile(source, target)
    return Copy(how, size)


def _clone(source: Path, target: Path) -> bool:
    with source.open("rb") as reading, target.open("wb") as writing:
        try:
            fcntl.ioctl(writing, CLONE, reading.fileno())
        except OSError as error:
            if error.errno in (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.ENOSYS):
                return False
            raise
    return True


def made_with(version: Version) -> str | None:
    """Which DuckDB a version was made with, where another one is installed."""
    made = version.facts.get("tools", {}).get("duckdb", "an unknown version")
    if made == duckdb.__version__:
        return None
    return f"{version.id} was made with DuckDB {made}; installed is {duckdb.__version__}."


def connect(place: Path, read_only: bool = True) -> duckdb.DuckDBPyConnection:
    """A connection to the data of a version.

    Raises:
        CannotRelease: it is missing, damaged, held by another program, or of a newer DuckDB.
    """
    file, version = place / NAME, Version(place)
    if not file.is_file():  # DuckDB would say this in other words, or make the file
        reasons = "; ".join(version.facts.get("reasons", []))
        why = f"its release was stopped before any was made: {reasons}" if reasons else f"{shown(file)} is missing"
        raise CannotRelease(f"{version.id} holds no data: {why}.", f"See: {typed('releases')}")
    try:
        return duckdb.connect(str(file), read_only=read_only, config=duckdb_config())
    except duckdb.Error as error:
        raise CannotRelease(
            f"{shown(file)} cannot be opened: {str(error).splitlines()[0]}.",
            made_with(version) or f"It is damaged, or another program writes to it. See: {typed('releases')}",
        ) from None


def finish(place: Path) -> None:
    """Writes everything that DuckDB holds back into the one file, and lets nobody write it any more.

    Raises:
        CannotRelease: the file cannot be opened or written.
    """
    with connect(place, read_only=False) as connection:
        connection.execute("checkpoint")
    (place / f"{NAME}.wal").unlink(missing_ok=True)
    shutil.rmtree(place / f"{NAME}.tmp", ignore_errors=True)
    os.chmod(place / NAME, 0o444)


def relations(place: Path) -> dict[tuple[str, str], str]:
    """What is in a version: `table` or `view` by schema and name, in lower case."""
    with connect(place) as connection:
        rows = connection.execute(
            "select schema_name, table_name, 'table' from duckdb_tables() where database_name = current_database()"
            " union all select schema_name, view_name, 'view' from duckdb_views()"
            " where database_name = current_database() and not internal"
        ).fetchall()
    return {(schema.lower(), name.lower()): kind for schema, name, kind in rows}


@contextmanager
def connect_alone(file: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection that can read one DuckDB file and nothing beside it: no other file, database or address.

    What can be read here can be read from any folder and on any machine, and nothing outside the file changes it.

    Args:
        file: the DuckDB file.
    """
    with (
        tempfile.TemporaryDirectory(prefix="release-") as spill,
        duckdb.connect(config=duckdb_config()) as connection,  # in memory: its settings reach no other connection
    ):
        path, temporary = (str(one).replace("'", "''") for one in (file, spill))
        connection.execute(f"set temp_directory = '{temporary}'; set preserve_insertion_order = false")
        connection.execute(f"attach '{path}' as {quote(file.stem)} (read_only); use {quote(file.stem)}")
        connection.execute("set enable_external_access = false; set lock_configuration = true")
        yield connection


def views_reading_outside(file: Path) -> dict[tuple[str, str], str]:
    """The views that cannot be read with this file alone, by schema and name in lower case, each with DuckDB's reason.

    DuckDB itself resolves each view, through other views and macros, where it may open nothing else.

    Args:
        file: the DuckDB file.
    """
    found = {}
    with connect_alone(file) as connection:
        views = connection.execute(
            "select schema_name, view_name from duckdb_views() where database_name = current_database() and not internal"
        ).fetchall()
        for schema, name in views:
            try:
                connection.execute(f"describe {quote(schema)}.{quote(name)}")
            except duckdb.Error as error:
                reason = str(error).splitlines()[0].partition("Error: ")[2].removesuffix(CLOSED)
                found[schema.lower(), name.lower()] = reason.rstrip(".")
    return found


def reading_outside(version: Version) -> list[str]:
    """The views of a version that read outside it, sorted; empty where its data cannot be opened.

    A release refuses such views. Versions that were made before it did can have them.
    """
    names = version.facts.get("views_reading_outside")
    if names is None:
        try:
            names = map(".".join, views_reading_outside(version.folder / NAME))
        except duckdb.Error:
            names = []
    return sorted(names)


def outside_warning(version: Version) -> str | None:
    """What readers of a version should know of its views that read outside it; None where it has none."""
    if not (names := reading_outside(version)):
        return None
    show = "shows" if len(names) == 1 else "show"
    return f"{version.id}: {', '.join(names)} {show} what lies outside the version now, not what was released."


def open_version(version: Version) -> duckdb.DuckDBPyConnection:
    """A connection that reads a version, with a warning of views that read outside it.

    Raises:
        CannotRelease: its data cannot be opened.
    """
    connection = connect(version.folder)
    if warning := outside_warning(version):
        warnings.warn(warning, stacklevel=3)
    return connection


def read_everything(place: Path) -> int:
    """Reads every row of every table and view, so that damage is found now. Returns the number of rows in tables.

    Raises:
        ViewFails: the SQL of a view fails on some row.
        CannotRelease: a table cannot be read.
    """
    count, found = 0, relations(place)
    with connect_alone(place / NAME) as connection:
        for (schema, name), kind in sorted(found.items(), key=lambda one: (one[1], one[0])):  # tables first
            relation = f"{quote(schema)}.{quote(name)}"
            try:
                # DuckDB checks the checksum of a block when it reads it.
                rows, _ = connection.execute(
                    f"select count(*), sum(hash(columns)::hugeint) from (select hash(t) as columns from {relation} as t)"
                ).fetchone()
            except duckdb.Error as error:
                problem = f"{relation} of {shown(place / NAME)} cannot be read: {type(error).__name__}."
                if kind == "view":  # its tables could be read
                    raise ViewFails(
                        problem, f"Its SQL fails on some row. Change it, then: {typed('release')}"
                    ) from None
                raise CannotRelease(problem, "The disk or memory may be at fault. Run it again.") from None
            count += rows if kind == "table" else 0
    return count


def drop(place: Path, found: dict[tuple[str, str], str]) -> None:
    """Drops relations of a candidate.

    Args:
        place: the candidate's folder.
        found: `table` or `view` by schema and name.
    """
    with connect(place, read_only=False) as connection:
        for (schema, name), kind in found.items():
            connection.execute(f"drop {kind} if exists {quote(schema)}.{quote(name)}")
