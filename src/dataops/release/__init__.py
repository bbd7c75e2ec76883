"""Versions of prod: made beside it, audited, swapped in, kept, and rolled back to.

pipeline.py       a release, step by step
candidate.py      publishes a candidate that only its crosscheck stopped
repository.py     the code that is released, as git has it
acceptance.py     what differences are accepted, and by whom
audit.py          what stops a release
contracts.py      which contracts the code breaks
inputs.py         the files that sources read
command.py, listing.py, rollback.py, common.py    the commands release, releases, rollback, and what they share

The versions themselves are in `dataops.versions`. listing.py and rollback.py import no dbt, so both work where dbt is broken.
"""

from __future__ import annotations

import warnings
from datetime import datetime
from pathlib import Path
from typing import Any

from dataops.project import Project, find_root, load
from dataops.typed import typed
from dataops.versions import CannotRelease, Version, Versions


def open(id: str | int, project: Project | None = None) -> Any:
    """A connection that reads a version of prod, or a candidate that was stopped: the engine's own, on DuckDB a
    `duckdb.DuckDBPyConnection`.

    Warns of views whose rows are not the version's own.

    Args:
        id: its number (42) or name (0042-2026-11-23, dry-run), as `releases` lists it.
        project: the one around the working directory without.

    Raises:
        CannotRelease: no version is called that, it holds no data, or it cannot be opened.

    >>> from dataops import release  # doctest: +SKIP
    >>> release.open(42).sql("select count(*) from marts.orders")  # doctest: +SKIP
    """
    versions = Versions(project or _here())
    dry_run = [version for version in [versions.dry_run()] if version]
    return _connect(versions.find(str(id), [*versions.kept(), *versions.stopped(), *dry_run]))


def as_of(moment: datetime, project: Project | None = None) -> Any:
    """A connection that reads the whole warehouse as readers saw it at a moment.

    Args:
        moment: with its time zone; one without is taken for UTC.
        project: the one around the working directory without.

    Raises:
        CannotRelease: there was no prod yet, that version is not kept any more, or it cannot be opened.
    """
    return _connect(Versions(project or _here()).as_of(moment))


def _here() -> Project:
    """The project around the working directory; elsewhere WAREHOUSE_DIR alone says where the versions are."""
    return load(checked=find_root(Path.cwd()) is not None)


def _connect(version: Version) -> Any:
    if version.problem and version.facts.get("outcome") == "published":
        raise CannotRelease(
            f"{version.id} cannot be read: {version.problem}.", f"Choose another version: {typed('releases')}"
        )
    connection = version.open().own
    if warning := version.outside_warning:
        warnings.warn(warning, stacklevel=3)
    return connection
