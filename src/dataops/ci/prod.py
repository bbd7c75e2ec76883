"""Prod's version, as `make ci` reads it: a copy, so that no release and no rollback changes it meanwhile."""

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
        commit: that it was built from; None where it does not say.
        folder: with the warehouse file and dbt's manifest.
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
    """Copies the version that is prod into a folder, in place of what was there.

    Where nothing was released yet it returns None, and an empty warehouse file lies there: the profile attaches it.

    Raises:
        CannotRelease: there is a version that cannot be read, or no room for the copy.
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
            f"{shown(version.folder / MANIFEST)} cannot be read ({type(error).__name__}), so nothing tells what changed.",
            f"Type: {typed('release')}, or {typed('rollback')}",
        ) from None
    duckdb_file.copy_from(version, folder)
    return Prod(version.id, version.facts.get("commit"), folder, nodes)
