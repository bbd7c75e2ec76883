"""Prod's version as `ci` reads it: a copy, which a release or rollback does not change meanwhile."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dataops.engines import Data
from dataops.project import Project
from dataops.typed import shown, typed
from dataops.versions import MANIFEST, CannotRelease, Version, Versions


@dataclass(frozen=True)
class Prod:
    """A copy of a version of prod.

    Attributes:
        id: of the version.
        commit: that it was built from; None if unknown.
        version: the copy.
        nodes: models, seeds, snapshots, tests and sources of the manifest, by id.
    """

    id: str
    commit: str | None
    version: Version
    nodes: dict[str, dict[str, Any]]

    @property
    def folder(self) -> Path:
        """The folder of the copy, which has dbt's manifest."""
        return self.version.folder

    @property
    def data(self) -> Data:
        """The data of the copy."""
        return self.version.data


def copy_prod(project: Project, folder: Path) -> Prod | None:
    """Copies prod's version into a folder, replacing the folder.

    Returns None if nothing was released yet. The folder then holds empty data, because CI's target attaches it.

    Raises:
        DataopsError: prod's version cannot be read, or there is no room for the copy.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    versions = Versions(project)
    version = versions.current()
    if version is None:
        versions.engine.create_empty(folder)
        return None
    if version.problem:
        raise CannotRelease(f"{version.id} is prod, and {version.problem}.", versions.how_to_go_back(version))
    nodes = _copy_manifest(version.folder / MANIFEST, folder / MANIFEST)
    facts = version.facts
    versions.engine.start_candidate(version.folder, facts, folder)
    return Prod(version.id, facts.get("commit"), versions.version(folder), nodes)


def _copy_manifest(source: Path, target: Path) -> dict[str, dict[str, Any]]:
    """Copies the manifest of prod's version. Returns its nodes and sources, by id."""
    try:
        manifest = json.loads(shutil.copyfile(source, target).read_text(encoding="utf-8"))
        return manifest["nodes"] | manifest["sources"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise CannotRelease(
            f"{shown(source)} cannot be read ({type(error).__name__}), so what changed is unknown.",
            f"Type: {typed('release')}, or {typed('rollback')}",
        ) from None
