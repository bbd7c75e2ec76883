"""What a dbt command built, and what failed in it, in words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from dataops.ci.changes import CHECKED
from dataops.console import counted
from dataops.dbt import FAILURES, Result
from dataops.manifest import BUILT


def _kind(one: Mapping[str, Any]) -> str:
    """The type of the node that a result is of: model, test, ..."""
    return one["unique_id"].split(".")[0]


def built_ids(result: Result) -> list[str]:
    """The ids of the models, seeds and snapshots that a dbt command built."""
    return [one["unique_id"] for one in result.nodes if _kind(one) in BUILT and one["status"] == "success"]


def describe_build(result: Result) -> str:
    """What a dbt command built, tested and failed, in one sentence."""
    failed = sum(one["status"] in FAILURES for one in result.nodes)
    if not result.success and not failed:
        return "dbt stopped before it built anything."
    tests = Counter(one["status"] for one in result.nodes if _kind(one) in CHECKED)
    skipped = sum(one["status"] == "skipped" for one in result.nodes)
    counts = ((tests["warn"], "warned"), (failed, "failed"), (skipped, "skipped"))
    parts = [f"{len(built_ids(result))} built", f"{counted(tests['pass'], 'test')} passed"]
    return ", ".join([*parts, *(f"{count} {what}" for count, what in counts if count)]) + "."


def name_of(manifest: Mapping[str, Any], id: str) -> str:
    """The name of a node."""
    return _node(manifest, id).get("name") or id.split(".")[-1]


def _node(manifest: Mapping[str, Any], id: str) -> Mapping[str, Any]:
    return manifest["nodes"].get(id) or manifest.get("unit_tests", {}).get(id) or {}


def failures(manifest: Mapping[str, Any], result: Result) -> list[str]:
    """What failed in a dbt command: node, file and reason, without data.

    Args:
        manifest: dbt's, of the code that it ran.
        result: of the command.
    """
    lines = []
    for one in result.nodes:
        if one["status"] in FAILURES:
            file = _node(manifest, one["unique_id"]).get("original_file_path")
            where = f" ({file})" if file else ""
            lines.append(f"{name_of(manifest, one['unique_id'])}{where}: {reason(one)}")
    return lines


def reason(one: Mapping[str, Any]) -> str:
    """Why a node failed, without what may be data: a warehouse's error can quote values.

    Args:
        one: its result in run_results.json.
    """
    lines = [line.strip() for line in (one.get("message") or "").splitlines() if line.strip()]
    if one["status"] == "fail" or (lines and lines[0].startswith("Compilation Error")):
        return " ".join(lines) or "failed"
    kind = next(
        (line.split(":")[0] for line in lines[1:] if ": " in line), lines[0].split(" in ")[0] if lines else "error"
    )
    return f"{kind}; the log of the run has its text"
