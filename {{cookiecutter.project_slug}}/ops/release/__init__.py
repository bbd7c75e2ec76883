"""Versions of prod: made beside it, audited, put in its place at once, kept, and gone back to.

versions.py       where versions are, which one is prod, what happened to them
lock.py           one release or rollback at a time
repository.py     what git knows of the code that is released
duckdb_file.py    what is DuckDB's: a copy to build in, what is in it, whether it is whole. Another engine supplies its own
audit.py          what stops a release
making.py         make release, step by step
command_line.py, listing.py, rollback.py    make release, make releases, make rollback
"""

from __future__ import annotations

from datetime import datetime

import duckdb

from ops.problem import Problem


class CannotRelease(Problem):
    """Why something could not be done with a version of prod, and what to type instead."""


def open(id: str | int) -> duckdb.DuckDBPyConnection:
    """A connection that reads a version of prod, or a candidate that was stopped.

    Warns of views whose rows are not the version's own.

    Args:
        id: its number (42) or name (0042-2026-11-23), as `make releases` lists it.

    Raises:
        CannotRelease: there is none, or it cannot be opened.

    >>> from ops import release  # doctest: +SKIP
    >>> release.open(42).sql("select count(*) from marts.orders")  # doctest: +SKIP
    """
    from ops.release import duckdb_file, versions

    return duckdb_file.open_version(versions.find(str(id), among=[*versions.kept(), *versions.stopped()]))


def as_of(moment: datetime) -> duckdb.DuckDBPyConnection:
    """A connection that reads the whole warehouse as readers saw it at a moment.

    Args:
        moment: with its time zone; one without is taken for UTC.

    Raises:
        CannotRelease: there was no prod yet, or that version is not kept any more.
    """
    from ops.release import duckdb_file, versions

    return duckdb_file.open_version(versions.as_of(moment))
