"""What stops a release: something that is missing, a failed test, or data that differs more than it may."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from dataops.crosscheck.datasets import RECORD, Dataset
from dataops.dbt import FAILURES, one_line
from dataops.engines import Data, Engine, Relation
from dataops.manifest import BUILT, lineage_of
from dataops.versions import MANIFEST, CannotRelease, Version


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


def built_nodes(manifest: Mapping[str, Any], database: str) -> dict[str, dict[str, Any]]:
    """What leaves a relation in a warehouse: models, seeds and snapshots, by id.

    Args:
        manifest: dbt's.
        database: of the warehouse (`Data.database`).
    """
    return {
        id: node
        for id, node in manifest["nodes"].items()
        if node["resource_type"] in BUILT
        and node["config"]["materialized"] != "ephemeral"
        and node["database"] == database
    }


def relation_of(node: Mapping[str, Any]) -> Relation:
    """Schema and name of what a node leaves in the warehouse."""
    return node["schema"].lower(), node["alias"].lower()


def model_names(version: Version) -> set[str]:
    """The names of the models of a version and of their relations; empty where its manifest cannot be read."""
    try:
        nodes = built_nodes(read_manifest(version.folder / MANIFEST), version.data.database)
    except CannotRelease:
        return set()
    models = [node for node in nodes.values() if node["resource_type"] == "model"]
    versioned = {f"{node['name']}.v{node['version']}" for node in models if node.get("version")}
    return {node[name] for node in models for name in ("name", "alias")} | versioned


def missing(nodes: Mapping[str, Mapping[str, Any]], candidate: Dataset) -> list[str]:
    """The models, seeds and snapshots that the candidate lacks, or that hold no data of this release.

    Args:
        nodes: what should be in it (`built_nodes`).
        candidate: what is in it.
    """
    lacking = []
    for id, node in nodes.items():
        build = candidate.builds.get(id)
        if relation_of(node) not in candidate.kinds:
            lacking.append(f"{node['name']} is missing")
        elif build is None:
            lacking.append(f"{node['name']} was not built")
        elif build.state != "success":
            lacking.append(f"the build of {node['name']} ended with {build.state!r}")
    return lacking


def unmanaged_relations(candidate: Dataset) -> list[str]:
    """The relations that dbt never built, sorted: somebody wrote them into prod."""
    built = {(build.schema.lower(), build.name.lower()) for build in candidate.builds.values()}
    return sorted(".".join(relation) for relation in candidate.kinds.keys() - built if relation[1] != RECORD)


def reading_outside(
    engine: Engine, data: Data, manifest: Mapping[str, Any], dropped: Collection[Relation] = ()
) -> list[str]:
    """The views whose rows lie outside a warehouse, in a file or another database, each with the line that changes it.

    Readers elsewhere could not read such a view, and its rows would change without a release. A view that only reads
    another such view is named with that one: it needs no change of its own.

    Args:
        engine: of the warehouse.
        data: the warehouse.
        manifest: dbt's, of what was built in it.
        dropped: relations that will be dropped before anybody reads it.

    Raises:
        EngineError: the warehouse cannot be opened.
    """
    reasons = engine.views_reading_outside(data)
    for relation in dropped:
        reasons.pop(relation, None)
    relations = {id: relation_of(node) for id, node in built_nodes(manifest, data.database).items()}
    views = {id: relation for id, relation in relations.items() if relation in reasons}
    lineages = {id: lineage_of(manifest, id) - {id} for id in views}
    lines = []
    for id, relation in views.items():
        if not lineages[id].isdisjoint(views):
            continue
        node = manifest["nodes"][id]
        readers = sorted(manifest["nodes"][other]["name"] for other in views if id in lineages[other])
        also = f"; {', '.join(readers)} read{'s' * (len(readers) == 1)} it" if readers else ""
        lines.append(
            f"{node['name']} is a view that reads outside the warehouse ({reasons[relation]}){also}. {_as_table(node)}"
        )
    lines += [
        f"{'.'.join(relation)}, which is not a model, is a view that reads outside the warehouse ({reason}). Drop it, or"
        " make it a table"
        for relation, reason in reasons.items()
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


def orphans(nodes: Mapping[str, Mapping[str, Any]], candidate: Dataset) -> dict[Relation, str]:
    """The relations of models and seeds that earlier releases built and the code no longer has: `table` or `view` by relation.

    Snapshots stay: their history cannot be built again. What dbt never built stays too.

    Args:
        nodes: what the code has (`built_nodes`).
        candidate: what is in the candidate.
    """
    owned = set(map(relation_of, nodes.values()))
    return {
        relation: candidate.kinds[relation]
        for id, build in candidate.builds.items()
        if id not in nodes and not id.startswith("snapshot.")
        for relation in [(build.schema.lower(), build.name.lower())]
        if relation in candidate.kinds and relation not in owned
    }


def failures(run_results: Path) -> list[str]:
    """What failed in a run, a line each: tests, and models with their error. What was skipped for it is only counted."""
    lines, skipped = [], 0
    for result in json.loads(run_results.read_text(encoding="utf-8"))["results"]:
        kind, name = result["unique_id"].split(".")[0], result["unique_id"].split(".")[2]
        if result["status"] == "skipped":
            skipped += 1
        elif result["status"] in FAILURES:
            if kind == "unit_test":  # of a model, whose name comes before its own
                name = f"{result['unique_id'].split('.')[3]} of {name}"
            why = ""
            if result.get("failures") and kind == "test":
                why = f": {result['failures']:,} rows"
            elif kind != "unit_test" and result["status"] != "fail" and result.get("message"):
                why = f": {one_line(result['message'])}"
            lines.append(f"{kind.replace('_', ' ')} {name}{why}")
    return lines + ([f"{skipped} more were skipped for it"] if skipped else [])


def counts(run_results: Path) -> dict[str, int]:
    """How many results of each kind a run had: nodes that were built, tests that passed, warned and failed."""
    totals: Counter[str] = Counter()
    for result in json.loads(run_results.read_text(encoding="utf-8"))["results"]:
        kind = result["unique_id"].split(".")[0]
        if kind in BUILT and result["status"] == "success":
            totals["built"] += 1
        elif kind in ("test", "unit_test"):
            totals[{"pass": "passed", "warn": "warned"}.get(result["status"], "failed")] += 1
    return {name: totals[name] for name in ("built", "passed", "warned", "failed")}
