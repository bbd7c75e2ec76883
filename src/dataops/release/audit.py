"""What stops a release: something that is missing, a failed test, or data that differs more than it may."""

from __future__ import annotations

import dataclasses
import json
from collections import Counter
from collections.abc import Collection
from pathlib import Path
from typing import Any

from dataops.crosscheck import CannotCompare
from dataops.crosscheck.command import compare
from dataops.crosscheck.datasets import RECORD, Dataset, open_dataset
from dataops.crosscheck.results import Result, describe_dataset
from dataops.dbt import FAILURES, one_line
from dataops.manifest import BUILT, Code
from dataops.quarantine import lineage_of
from dataops.release import CannotRelease, duckdb_file
from dataops.release.store import MANIFEST, Version


def read_manifest(file: Path) -> dict[str, Any]:
    """dbt's manifest.

    Raises:
        CannotRelease: it is missing, or was not written to its end.
    """
    try:
        manifest = json.loads(file.read_text(encoding="utf-8"))
        if manifest["nodes"] and manifest["metadata"]:
            return manifest
        problem = "names no model"
    except OSError as error:
        problem = f"cannot be read: {error.strerror}"
    except (ValueError, KeyError, TypeError):
        problem = "is damaged"
    raise CannotRelease(f"{file.name} of the candidate {problem}.", "Run the command again.")


def built_nodes(manifest: dict[str, Any], database: str = Path(duckdb_file.NAME).stem) -> dict[str, dict[str, Any]]:
    """What leaves a relation in the warehouse: models, seeds and snapshots, by id.

    Args:
        manifest: dbt's.
        database: the warehouse, by the name of its database.
    """
    return {
        id: node
        for id, node in manifest["nodes"].items()
        if node["resource_type"] in BUILT
        and node["config"]["materialized"] != "ephemeral"
        and node["database"] == database
    }


def model_names(version: Version) -> set[str]:
    """The names of the models of a version, those of their relations too; empty where its manifest cannot be read."""
    try:
        nodes = built_nodes(read_manifest(version.folder / MANIFEST))
    except CannotRelease:
        return set()
    models = [node for node in nodes.values() if node["resource_type"] == "model"]
    versioned = {f"{node['name']}.v{node['version']}" for node in models if node.get("version")}
    return {node[name] for node in models for name in ("name", "alias")} | versioned


def missing(place: Path, manifest: dict[str, Any], side: Dataset | None) -> list[str]:
    """The models, seeds and snapshots of the manifest that the candidate lacks, or that hold no data of this release.

    Args:
        place: the candidate's folder.
        manifest: dbt's, of the candidate.
        side: the candidate as crosscheck reads it, None where nothing at all was recorded.
    """
    there = duckdb_file.relations(place)
    lacking = []
    for id, node in built_nodes(manifest).items():
        name = node["alias"]
        build = side.builds.get(id) if side else None
        if (node["schema"].lower(), name.lower()) not in there:
            lacking.append(f"{node['name']} is missing")
        elif build is None:
            lacking.append(f"{node['name']} was not built")
        elif build.state != "success":
            lacking.append(f"the build of {node['name']} ended with {build.state!r}")
    return lacking


def strangers(place: Path, side: Dataset) -> list[str]:
    """The relations that dbt has never built, sorted: somebody wrote them into prod."""
    record = {(schema, name) for schema, name in side.kinds if name == RECORD}
    built = {(build.schema.lower(), build.name.lower()) for build in side.builds.values()}
    return sorted(".".join(relation) for relation in set(duckdb_file.relations(place)) - built - record)


def reading_outside(file: Path, manifest: dict[str, Any], dropped: Collection[tuple[str, str]] = ()) -> list[str]:
    """The views whose rows lie outside a warehouse, in a file or another database, each with the line that changes it.

    Readers elsewhere could not read such a view, and its rows would change without a release. A view that only reads
    another such view is named with that one: it needs no change of its own.

    Args:
        file: the warehouse file.
        manifest: dbt's, of what was built in it.
        dropped: relations that will be dropped before anybody reads it, schema and name.
    """
    found = duckdb_file.views_reading_outside(file)
    for relation in dropped:
        found.pop(relation, None)
    relations = {
        id: (node["schema"].lower(), node["alias"].lower()) for id, node in built_nodes(manifest, file.stem).items()
    }
    views = {id: relation for id, relation in relations.items() if relation in found}
    lineages = {id: lineage_of(manifest, id) - {id} for id in views}
    lines = []
    for id, relation in views.items():
        if not lineages[id].isdisjoint(views):
            continue
        node = manifest["nodes"][id]
        readers = sorted(manifest["nodes"][other]["name"] for other in views if id in lineages[other])
        also = f"; {', '.join(readers)} read{'s' * (len(readers) == 1)} it" if readers else ""
        lines.append(
            f"{node['name']} is a view that reads outside the warehouse ({found[relation]}){also}. {_as_table(node)}"
        )
    lines += [
        f"{'.'.join(relation)}, which is not a model, is a view that reads outside the warehouse ({reason}). Drop it, or"
        " make it a table"
        for relation, reason in found.items()
        if relation not in views.values()
    ]
    return sorted(lines)


def _as_table(node: dict[str, Any]) -> str:
    """What to write to make a model a table."""
    yaml, file = (node["patch_path"] or "").partition("://")[2], node["original_file_path"]
    if "materialized" in node["raw_code"]:  # which wins over the YAML
        return f"In the config(...) of {file}, write materialized='table'"
    if yaml:
        return f"Under its `config:` in {yaml}, write `materialized: table`"
    return f"Write as the first line of {file}: {{{{ config(materialized='table') }}}}"


def orphans(place: Path, manifest: dict[str, Any], side: Dataset) -> dict[tuple[str, str], str]:
    """The relations of models and seeds that earlier releases built and the code no longer has.

    Snapshots stay: their history cannot be built again. What dbt never built stays too.
    """
    nodes = built_nodes(manifest)
    owned = {(node["schema"].lower(), node["alias"].lower()) for node in nodes.values()}
    there = duckdb_file.relations(place)
    return {
        relation: there[relation]
        for id, build in side.builds.items()
        if id not in nodes and not id.startswith("snapshot.")
        for relation in [(build.schema.lower(), build.name.lower())]
        if relation in there and relation not in owned
    }


def failures(run_results: Path) -> list[str]:
    """What did not end well in a run: failed tests, and models with their error, one line each; what was skipped for it only
    counted."""
    lines, skipped = [], 0
    for result in json.loads(run_results.read_text(encoding="utf-8"))["results"]:
        kind, name = result["unique_id"].split(".")[0], result["unique_id"].split(".")[2]
        if result["status"] == "skipped":
            skipped += 1
        elif result["status"] in FAILURES:
            if kind == "unit_test":  # of a model, whose name comes before its own
                name = f"{result['unique_id'].split('.')[3]} of {name}"
            found = ""
            if result.get("failures") and kind == "test":
                found = f": {result['failures']:,} rows"
            elif kind != "unit_test" and result["status"] != "fail" and result.get("message"):
                found = f": {one_line(result['message'])}"
            lines.append(f"{kind.replace('_', ' ')} {name}{found}")
    return lines + ([f"{skipped} more were skipped for it"] if skipped else [])


def counts(run_results: Path) -> dict[str, int]:
    """How many results of each kind a run had: built, tests passed, tests that warned."""
    results = json.loads(run_results.read_text(encoding="utf-8"))["results"]
    found: Counter[str] = Counter()
    for result in results:
        kind = result["unique_id"].split(".")[0]
        if kind in BUILT and result["status"] == "success":
            found["built"] += 1
        elif kind in ("test", "unit_test"):
            found[{"pass": "passed", "warn": "warned"}.get(result["status"], "failed")] += 1
    return {name: found[name] for name in ("built", "passed", "warned", "failed")}


def crosscheck(base: Version, candidate: Dataset, name: str, code: Code) -> Result:
    """Compares the candidate with the version that is prod.

    Args:
        base: the version that is prod.
        candidate: the candidate.
        name: of the candidate.
        code: the code that it was built from.
    """
    before = base.shown
    result = Result(describe_dataset(None, before), describe_dataset(None, name))
    try:
        sides = (
            dataclasses.replace(open_dataset(str(base.folder / duckdb_file.NAME)), name=before),
            dataclasses.replace(candidate, name=name),
        )
        result.base, result.head = (describe_dataset(side, side.name) for side in sides)
        compare(*sides, code, result)
    except CannotCompare as reason:
        result.problem, result.remedy = reason.problem, reason.remedy
    return result
