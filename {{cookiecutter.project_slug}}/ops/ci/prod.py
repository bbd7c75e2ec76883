"""Prod's last version, as `make ci` reads it: a copy, so that no release and no rollback changes it meanwhile."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from ops.warehouse import PROJECT

NEEDED = ("prod.duckdb", "manifest.json")


class BrokenProd(Exception):
    """Prod has a version that cannot be read. The message says what is missing and what to type."""


def warehouses() -> Path:
    """The folder with the warehouses of all environments."""
    return PROJECT / Path(os.environ.get("WAREHOUSE_DIR") or "warehouse").expanduser()


@dataclass(frozen=True)
class Version:
    """A version of prod.

    Attributes:
        id: its name, such as 0042-2026-11-23.
        folder: where its files are.
    """

    id: str
    folder: Path

    @property
    def file(self) -> Path:
        """Its warehouse file."""
        return self.folder / "prod.duckdb"

    @property
    def commit(self) -> str | None:
        """The git commit that it was built from; None where it does not say."""
        try:
            return json.loads((self.folder / "release.json").read_text(encoding="utf-8"))["commit"]
        except (OSError, ValueError, KeyError):
            return None

    @cached_property
    def nodes(self) -> dict[str, dict[str, Any]]:
        """Models, seeds, snapshots, tests and sources of its manifest, by id."""
        manifest = json.loads((self.folder / "manifest.json").read_text(encoding="utf-8"))
        return manifest["nodes"] | manifest["sources"]


def current_version() -> Version | None:
    """The version that prod's readers see; None where nothing was released yet.

    Raises:
        BrokenProd: there is one, and a part of it is missing.
    """
    link = warehouses() / "prod" / "current"
    if not link.is_symlink() and not link.exists():
        return None
    folder = link.resolve()
    missing = [name for name in NEEDED if not (folder / name).is_file()]
    if missing:
        raise BrokenProd(
            f"Prod's version {folder.name} has no {' and no '.join(missing)} ({os.path.relpath(folder)}), so what changed"
            " cannot be told. Type: make rollback"
        )
    return Version(folder.name, folder)


def copy_version(version: Version, folder: Path) -> Version:
    """Copies the data, manifest and description of a version into a folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in (*NEEDED, "release.json"):
        if (version.folder / name).exists():
            shutil.copyfile(version.folder / name, folder / name)
    return Version(version.id, folder)
