"""Versions of prod: made beside it, audited, put in its place at once, kept, and rolled back to.

store.py          where versions are, which one is prod, what happened to them
lock.py           one release or rollback at a time
repository.py     the code that is released, as git has it
duckdb_file.py    what is specific to DuckDB: a copy to build in, what it contains, whether it is whole
audit.py          what stops a release
contracts.py      which contracts the code breaks
inputs.py         the files that sources read
pipeline.py       a release, step by step
candidate.py      publishes a candidate that only its crosscheck stopped
command.py, listing.py, rollback.py, common.py    the commands release, releases, rollback, and what they share

listing.py and rollback.py import no dbt, so both work where dbt is broken.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

import duckdb

from dataops.errors import DataopsError
from dataops.typed import typed

if TYPE_CHECKING:
    from dataops.release.store import Version


class CannotRelease(DataopsError):
    """Why something could not be done with a version of prod, and what to type instead."""


def open(id: str | int) -> duckdb.DuckDBPyConnection:
    """A connection that reads a version of prod, or a candidate that was stopped.

    Warns of views whose rows are not the version's own.

    Args:
        id: its number (42) or name (0042-2026-11-23, dry-run), as `make releases` lists it.

    Raises:
        CannotRelease: no version is called that, it holds no data, or it cannot be opened.

    >>> from dataops import release  # doctest: +SKIP
    >>> release.open(42).sql("select count(*) from marts.orders")  # doctest: +SKIP
    """
    from dataops.release import store

    dry_run = [version for version in [store.dry_run()] if version]
    return _connect(store.find(str(id), [*store.kept(), *store.stopped(), *dry_run]))


def as_of(moment: datetime) -> duckdb.DuckDBPyConnection:
    """A connection that reads the whole warehouse as readers saw it at a moment.

    Args:
        moment: with its time zone; one without is taken for UTC.

    Raises:
        CannotRelease: there was no prod yet, that version is not kept any more, or it cannot be opened.
    """
    from dataops.release import store

    return _connect(store.as_of(moment))


def _connect(version: Version) -> duckdb.DuckDBPyConnection:
    from dataops.release import duckdb_file

    if version.problem and version.facts.get("outcome") == "published":
        raise CannotRelease(
            f"{version.id} cannot be read: {version.problem}.", f"Choose another version: {typed('releases')}"
        )
    return duckdb_file.open_version(version)
