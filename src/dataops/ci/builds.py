"""What a dbt command built, and what failed in it, in words."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from dataops.ci.changes import CHECKED
from dataops.dbt import FAILURES
from dataops.manifest import BUILT

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult


def results_of(result: dbtRunnerResult) -> list:
    """The result of each node of a dbt command; empty if dbt stopped before."""
    return list(getattr(result.result, "results", None) or [])


def built_names(result: dbtRunnerResult) -> list[str]:
    """The names of the models, seeds and snapshots that a dbt command built."""
    return [
        one.node.name
        for one in results_of(result)
        if str(one.node.resource_type) in BUILT and str(one.status) == "success"
    ]


def describe_build(result: dbtRunnerResult) -> str:
    """What a dbt command built, tested and failed, in one sentence."""
    results = results_of(result)
    failed = sum(str(one.status) in FAILURES for one in results)
    if not result.success and not failed:
        return "dbt stopped before it built anything."
    tests = Counter(str(one.status) for one in results if str(one.node.resource_type) in CHECKED)
    skipped = sum(str(one.status) == "skipped" for one in results)
    counts = ((tests["warn"], "warned"), (failed, "failed"), (skipped, "skipped"))
    parts = [f"{len(built_names(result))} built", f"{tests['pass']} tests passed"]
    return ", ".join([*parts, *(f"{count} {what}" for count, what in counts if count)]) + "."


def failures(result: dbtRunnerResult) -> list[str]:
    """What failed in a dbt command: node, file and reason, without data."""
    failed = [one for one in results_of(result) if str(one.status) in FAILURES]
    return [f"{one.node.name} ({one.node.original_file_path}): {reason(one)}" for one in failed]


def reason(result) -> str:
    """Why a node failed, without what may be data: a warehouse's error can quote values."""
    lines = [line.strip() for line in (result.message or "").splitlines() if line.strip()]
    if str(result.status) == "fail" or (lines and lines[0].startswith("Compilation Error")):
        return " ".join(lines) or "failed"
    kind = next(
        (line.split(":")[0] for line in lines[1:] if ": " in line), lines[0].split(" in ")[0] if lines else "error"
    )
    return f"{kind}; the log of the run has its text"
