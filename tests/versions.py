"""Versions of prod as a release would leave them, made without dbt: for tests of what reads, lists and swaps them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import duckdb

from dataops import versions as names
from dataops.versions import Version, Versions, write_facts

DAY = "2026-11-24"
NODES = {
    f"model.shop.{name}": {
        "resource_type": "model",
        "name": name,
        "alias": name,
        "schema": "staging",
        "database": "prod",
        "config": {"materialized": "table"},
        "package_name": "shop",
    }
    for name in ("orders", "customers")
}
MANIFEST = {"metadata": {"project_name": "shop"}, "nodes": NODES, "sources": {}}


def data_in(versions: Versions, folder: Path) -> Path:
    """The DuckDB file in the folder of a version or candidate."""
    return folder / f"{versions.environment.name}.duckdb"


def make_folder(versions: Versions, folder: Path, edition: int, **facts: Any) -> Version:
    """A folder with the files of a version: its data is two tables that hold the number of the edition."""
    folder.mkdir(parents=True)
    file = data_in(versions, folder)
    with duckdb.connect(str(file)) as data:
        data.execute("create schema staging")
        for node in NODES.values():
            data.execute(f"create table staging.{node['name']} as select {edition} as number")
    (folder / names.MANIFEST).write_text(json.dumps(MANIFEST).replace('"prod"', f'"{versions.environment.name}"'))
    usual = {
        "id": folder.name,
        "outcome": "published",
        "reasons": [],
        "made_at": f"{DAY}T12:{edition:02d}:00+00:00",
        "made_by": "ada",
        "base": None,
        "commit": f"{edition}" * 40,
        "subject": f"feat: edition {edition}",
        "uncommitted": [],
        "accepted": None,
        "size": file.stat().st_size,
        "modified_ns": file.stat().st_mtime_ns,
        "results": {"built": 2, "passed": 2, "warned": 0, "failed": 0},
        "tools": {"duckdb": duckdb.__version__},
        "inputs": {"files": {}, "unknown": []},
        "views_reading_outside": [],
    }
    write_facts(folder, usual | facts)
    return versions.version(folder)


def release(versions: Versions, number: int, day: str = DAY, **facts: Any) -> Version:
    """Makes a version prod, made from the one that is prod now, with edition `number`."""
    before = versions.current()
    folder = versions.folder / "releases" / f"{number:04d}-{day}"
    version = make_folder(versions, folder, number, base=before and before.id, **facts)
    versions.publish(version)
    versions.record("release", version, before, "ada", facts.get("accepted"))
    return version


def stop(
    versions: Versions, number: int, reason: str = "customers differs, and nobody accepted that", **facts: Any
) -> Version:
    """A candidate that was stopped."""
    prod = versions.current()
    made = make_folder(versions, versions.candidate, number, **facts | {"outcome": "stopped", "reasons": [reason]})
    id = f"{number:04d}-{DAY}"
    write_facts(made.folder, made.facts | {"id": id, "base": prod and prod.id})
    return versions.set_aside(made.folder, id)


def edition_of(file: Path) -> int:
    """The edition that a reader of a DuckDB file finds."""
    with duckdb.connect(str(file), read_only=True) as data:
        return data.execute("select number from staging.orders").fetchone()[0]


def prod_edition(versions: Versions) -> int:
    """The edition that a reader of prod finds."""
    return edition_of(data_in(versions, versions.folder / "current"))
