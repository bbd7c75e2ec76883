"""Prod's version as `ci` reads it: a copy, which a release or rollback does not change meanwhile."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dataops.release import CannotRelease, duckdb_file, store
from dataops.release.store import MANIFEST, shown
from dataops.typed import typed


@dataclass(frozen=True)
class Prod:
    """A copy of a version of prod.

    Attributes:
        id: of the version.
        commit: that it was built from; None if unknown.
        folder: has the warehouse file and dbt's manifest.
        nodes: models, seeds, snapshots, tests and sources of the manifest, by id.
    """

    id: str
    commit: str | None
    folder: Path
    nodes: dict[str, dict[str, Any]]

    @property
    def file(self) -> Path:
        """The warehouse file."""
        return self.folder / duckdb_file.NAME


def copy_prod(folder: Path) -> Prod | None:
    """Copies prod's version into a folder, replacing the folder.

    Returns None if nothing was released yet. The folder then has an empty warehouse file, because the profile attaches it.

    Raises:
        CannotRelease: prod's version cannot be read, or there is no room for the copy.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    version = store.current()
    if version is None:
        duckdb.connect(str(folder / duckdb_file.NAME)).close()
        return None
    if version.problem:
        raise CannotRelease(f"{version.id} is prod, and {version.problem}.", store.how_to_go_back(version))
    try:
        manifest = json.loads(shutil.copyfile(version.folder / MANIFEST, folder / MANIFEST).read_text(encoding="utf-8"))
        nodes = manifest["nodes"] | manifest["sources"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotRelease(
            f"{shown(version.folder / MANIFEST)} cannot be read ({type(error).__name__}), so what changed is unknown.",
            f"Type: {typed('release')}, or {typed('rollback')}",
        ) from None
    duckdb_file.copy_from(version, folder)
    return Prod(version.id, version.facts.get("commit"), folder, nodes)
