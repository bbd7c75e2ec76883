"""What is DuckDB's about a release: one file, prod.duckdb, in each version's folder.

Another engine supplies the same functions: a place to build in that starts as prod is, what is in it, whether it is whole,
and (in versions.point_at) the swap. On Postgres that is a schema beside, and renaming both in one transaction.
"""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ops.crosscheck.comparison import quote
from ops.release import CannotRelease, versions
from ops.release.versions import DATA as NAME
from ops.release.versions import Version, shown
from ops.warehouse import duckdb_config, wait_until_readable

CLONE = 0x40049409  # FICLONE of linux/fs.h: both files share their blocks until one is written
ROOM = 50 * 1000**2  # bytes, for docs, manifest and a build's small changes


@dataclass(frozen=True)
class Copy:
    """How the candidate came to its data.

    Attributes:
        how: `copied`, or `cloned` where the file system shares the blocks.
        size: of the data, in bytes.
    """

    how: str
    size: int


def in_units(size: float) -> str:
    """A number of bytes as people read it.

    >>> in_units(4_993_024)
    '5.0 MB'
    """
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"


def copy_from(base: Version, place: Path) -> Copy:
    """Puts a copy of a version's data into a folder.

    Raises:
        CannotRelease: somebody writes to it, it cannot be read, or there is no room for the copy and the build.
    """
    source, target = base.folder / NAME, place / NAME
    if base.problem:
        raise CannotRelease(f"{base.id} is prod, and {base.problem}.", versions.how_to_go_back(base))
    if problem := wait_until_readable(source):
        raise CannotRelease(problem, made_with(base) or "Then type it again.")
    size = source.stat().st_size
    how = "cloned" if _clone(source, target) else "copied"
    free, needed = shutil.disk_usage(place).free, size * (1 if how == "cloned" else 2) + ROOM
    if free < needed:
        target.unlink(missing_ok=True)
        parts = "" if how == "cloned" else f"{in_units(size)} for the copy, "
        raise CannotRelease(
            f"{shown(place.parent)} has {in_units(free)} free, and a release needs {in_units(needed)}:"
            f" {parts}{in_units(size)} to build beside it, {in_units(ROOM)} for the rest.",
            "Free some, or keep fewer versions: RELEASES_KEPT (.env.example).",
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
        raise CannotRelease(f"{version.id} holds no data: {why}.", "See: make releases")
    try:
        return duckdb.connect(str(file), read_only=read_only, config=duckdb_config())
    except duckdb.Error as error:
        raise CannotRelease(
            f"{shown(file)} cannot be opened: {str(error).splitlines()[0]}.",
            made_with(version) or "It is damaged, or another program writes to it. See: make releases",
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


def read_everything(place: Path) -> int:
    """Reads every block of every table, so that a damaged one is found now. Returns the number of rows.

    Raises:
        CannotRelease: something cannot be read.
    """
    count = 0
    with connect(place) as connection:
        for (schema, name), kind in sorted(relations(place).items()):
            if kind == "table":
                relation = f"{quote(schema)}.{quote(name)}"
                try:
                    # DuckDB checks the checksum of a block when it reads it.
                    rows, _ = connection.execute(
                        f"select count(*), sum(hash(columns)::hugeint) from (select hash(t) as columns from {relation} as t)"
                    ).fetchone()
                except duckdb.Error as error:
                    raise CannotRelease(
                        f"{relation} of {shown(place / NAME)} cannot be read: {type(error).__name__}.",
                        "The disk or memory may be at fault. Type it again.",
                    ) from None
                count += rows
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
