"""The DuckDB file with Elementary's tables: damage in it, and copies of it."""

from __future__ import annotations

import os
import re
import shutil
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from dataops.engines.base import CannotOpen, Damage, quote
from dataops.engines.duckdb.files import HOLDER, DuckDBFile
from dataops.errors import DataopsError
from dataops.typed import shown, typed

FILE = "monitoring.duckdb"
# DuckDB's messages about damaged content. Its other errors (no permission, no memory) are not damage.
DAMAGE = re.compile(r"not a valid DuckDB database|Could not read enough bytes|Corrupt |[Cc]hecksum|replaying WAL")
BROKEN = (duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException)
OTHER_VERSION = re.compile(r"database file with version number \d+")
LIBRARY_VERSION = slice(52, 84)  # in the file's header: the DuckDB that wrote it


def examine(data: DuckDBFile, to_write: bool) -> Damage | str | None:
    """Waits while another process has a file open, then reads it.

    Returns:
        None if the file is whole or missing, its damage, or why it cannot be read though it is not damaged.
    """
    problem = None
    try:
        found = find_damage(data)
    except duckdb.Error as error:
        if not HOLDER.search(str(error)):
            return unreadable(data.file, error)
        problem = data.wait(to_write=to_write)
        try:
            found = find_damage(data)
        except duckdb.Error as second:
            return problem or unreadable(data.file, second)
    return found or problem or data.wait(to_write=to_write)


def find_damage(data: DuckDBFile) -> Damage | None:
    """Reads a file from end to end, because DuckDB notices a damaged block only when it reads it. None if it is whole.

    Raises:
        duckdb.Error: it cannot be read for another reason.
    """
    if not data.exists():
        return None
    try:
        with duckdb.connect(str(data.file), read_only=True, config=dict(data.config)) as connection:
            tables = connection.execute("select schema_name, table_name from duckdb_tables()").fetchall()
            for schema, table in tables:
                connection.execute(f"select sum(hash(t)::hugeint) from {quote(schema)}.{quote(table)} as t").fetchone()
    except duckdb.Error as error:
        message = str(error)
        if "Out of Memory" in message or not (isinstance(error, BROKEN) or DAMAGE.search(message)):
            raise
        log = data.file.with_name(f"{data.file.name}.wal")
        place = log if log.name in message else data.file
        return Damage(message.splitlines()[0].removeprefix("IO Error: "), shown(place), place == data.file, place)
    return None


def unreadable(file: Path, error: duckdb.Error) -> str:
    """What to do about a file that cannot be read though it is not damaged. Names the DuckDB version that wrote it, if another did."""
    name = shown(file)
    if not OTHER_VERSION.search(str(error)):
        return f"{name} cannot be opened: {error}"
    with file.open("rb") as handle:
        header = handle.read(LIBRARY_VERSION.stop)[LIBRARY_VERSION]
    made = header.split(b"\0")[0].decode("ascii", "replace")
    return (
        f"{name} was written by DuckDB {made or 'of another version'}, which the installed {duckdb.__version__} cannot read."
        f" It is not damaged. Install that version (pyproject.toml, then {typed('setup')}), or start a new history:"
        f" mv {name} {name}.newer"
    )


def set_aside(damaged: Path) -> Path:
    """Renames a damaged file and its .wal, and returns the new path. The name has the time, so nothing is overwritten.

    Raises:
        DataopsError: it cannot be renamed.
    """
    beside = damaged.with_name(f"monitoring.damaged-{datetime.now(UTC):%Y-%m-%dT%H%M%S.%f}.duckdb")
    try:
        if damaged.suffix == ".wal":
            beside = beside.with_name(f"{beside.name}.wal")
        else:
            with suppress(FileNotFoundError):
                os.replace(f"{damaged}.wal", f"{beside}.wal")
        with suppress(FileNotFoundError):  # another task set it aside first
            os.replace(damaged, beside)
    except OSError as error:
        raise DataopsError(f"It cannot be set aside: {error.strerror}.") from error
    return beside


def copy(data: DuckDBFile, target: Path) -> None:
    """Copies a file that other processes read and write.

    Raises:
        CannotOpen: another process keeps it open for too long, or it cannot be read.
    """
    if problem := data.wait():
        raise CannotOpen(problem)
    with data.open():  # so that nobody writes to it meanwhile
        shutil.copyfile(data.file, target)
