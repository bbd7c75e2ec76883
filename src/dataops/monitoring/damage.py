"""A damaged monitoring file is set aside, so that it does not block a release. It is never deleted."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import duckdb

from dataops.warehouse import HOLDER, duckdb_config, wait_until_readable, wait_until_writable

# DuckDB's messages about damaged content. Its other errors (no permission, no memory) are not damage.
DAMAGE = re.compile(r"not a valid DuckDB database|Could not read enough bytes|Corrupt |[Cc]hecksum|replaying WAL")
OTHER_VERSION = re.compile(r"database file with version number \d+")
LIBRARY_VERSION = slice(52, 84)  # in the file's header: the DuckDB that wrote it


@dataclass(frozen=True)
class Damage:
    """What is wrong with a monitoring file.

    Attributes:
        what: DuckDB's message.
        file: the damaged file: the database itself, or its .wal.
    """

    what: str
    file: Path


def find_damage(file: Path) -> Damage | None:
    """Reads a monitoring file from end to end, because DuckDB notices a damaged block only when it reads it. None if it is whole.

    Raises:
        duckdb.Error: it cannot be read for another reason.
    """
    if not file.exists():
        return None
    try:
        with duckdb.connect(str(file), read_only=True, config=duckdb_config()) as connection:
            for schema, table in connection.execute("select schema_name, table_name from duckdb_tables()").fetchall():
                connection.execute(f'select sum(hash(t)::hugeint) from "{schema}"."{table}" as t').fetchone()
    except duckdb.Error as error:
        message = str(error)
        broken = isinstance(error, (duckdb.InternalException, duckdb.FatalException, duckdb.SerializationException))
        if "Out of Memory" in message or not (broken or DAMAGE.search(message)):
            raise
        in_log = f"{file.name}.wal" in message
        return Damage(
            message.splitlines()[0].removeprefix("IO Error: "), file.with_name(f"{file.name}.wal") if in_log else file
        )
    return None


def unreadable(file: Path, error: duckdb.Error) -> str:
    """What to do about a file that cannot be read though it is not damaged. Names the DuckDB version that wrote it, if another did."""
    name = os.path.relpath(file)
    if not OTHER_VERSION.search(str(error)):
        return f"{name} cannot be opened: {error}"
    with file.open("rb") as handle:
        header = handle.read(LIBRARY_VERSION.stop)[LIBRARY_VERSION]
    made = header.split(b"\0")[0].decode("ascii", "replace")
    return (
        f"{name} was written by DuckDB {made or 'of another version'}, which the installed {duckdb.__version__} cannot read."
        f" It is not damaged. Install that version (pyproject.toml, then make setup), or start a new history:"
        f" mv {name} {name}.newer"
    )


def set_aside(damage: Damage) -> Path:
    """Renames a damaged file and its .wal, and returns the new path. The name has the time, so nothing is overwritten."""
    moved = damage.file
    beside = moved.with_name(f"monitoring.damaged-{datetime.now(UTC):%Y-%m-%dT%H%M%S.%f}.duckdb")
    if moved.suffix == ".wal":
        beside = beside.with_name(f"{beside.name}.wal")
    else:
        with suppress(FileNotFoundError):
            os.replace(f"{moved}.wal", f"{beside}.wal")
    with suppress(FileNotFoundError):  # another task set it aside first
        os.replace(moved, beside)
    return beside


def examine(file: Path, wait: Callable[[Path], str | None] = wait_until_readable) -> Damage | str | None:
    """Waits while another process has a monitoring file open, then reads it.

    Returns:
        None if the file is whole or missing, its damage, or why it cannot be read though it is not damaged.
    """
    problem = None
    try:
        result = find_damage(file)
    except duckdb.Error as error:
        if not HOLDER.search(str(error)):
            return unreadable(file, error)
        problem = wait(file)
        try:
            result = find_damage(file)
        except duckdb.Error as second:
            return problem or unreadable(file, second)
    return result or problem or wait(file)


def make_usable(file: Path) -> str | None:
    """Waits until a monitoring file can be written, and sets a damaged one aside. Returns None, or what prevents it."""
    while isinstance(result := examine(file, wait_until_writable), Damage):
        try:
            beside = set_aside(result)
        except OSError as error:
            return f"{described(result)} It cannot be set aside: {error.strerror}."
        rest = (
            "The history of monitoring starts again."
            if result.file == file
            else "What it held of the last run is lost."
        )
        print(f"{described(result)} It is kept as {os.path.relpath(beside)}. {rest}", file=sys.stderr, flush=True)
    return result


def described(damage: Damage) -> str:
    """A sentence about a damaged file."""
    return f"{os.path.relpath(damage.file)} is damaged: {damage.what.rstrip('.!')}."
