"""Which monitored runs built a candidate that did not become prod, so that no reader sees what failed in them.

A release gives its dbt runs its version as their cause, which Elementary keeps (DBT_CAUSE, release/pipeline.py). What became of
the version is asked of its folders and histories each time: a candidate that was stopped can still be published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import duckdb
import yaml

from dataops.project import PROJECT
from dataops.release import CannotRelease, lock, store

STOPPED, DRY_RUN, UNDER_WAY = "stopped", "dry run", "under way"
RUNBOOK = "docs/runbook/release.md"
LONGEST = 1500  # characters of the reasons in a message: Slack takes 3000 in one block


@dataclass(frozen=True)
class Candidate:
    """A candidate that is not prod.

    Attributes:
        id: of the version that it was to be.
        outcome: `stopped`, `dry run`, or `under way` while its release runs.
    """

    id: str
    outcome: str

    def __str__(self) -> str:
        number = self.id.split("-")[0]
        return {
            STOPPED: f"stopped candidate {number}",
            DRY_RUN: "candidate of a dry run",
            UNDER_WAY: f"candidate {number}, whose release is under way",
        }[self.outcome]


def of_runs(connection: duckdb.DuckDBPyConnection, target: str = "prod") -> dict[str, Candidate]:
    """The candidates that are not prod, by the invocation id of each dbt run that built one.

    Args:
        connection: to Elementary's tables.
        target: the environment; only prod has candidates.
    """
    if target != "prod":
        return {}
    runs = connection.execute(
        "select invocation_id, cause from dbt_invocations where cause_category = ?", [store.CAUSE]
    ).fetchall()
    published, kept = _published(), {version.invocation for version in store.kept()}
    stops = store.stops()
    by_run = {stop["invocation"]: stop for stop in stops if stop.get("invocation")}
    building = _building()
    found = {}
    for run, id in runs:
        stop = by_run.get(run)
        is_dry_run = id == store.DRY_RUN or (stop and stop["action"] == DRY_RUN)
        outcome = DRY_RUN if is_dry_run else STOPPED
        if stop is None and not is_dry_run and building and building["id"] == id and lock.is_held():
            outcome = UNDER_WAY
        if run not in kept and (id not in published or outcome == DRY_RUN):
            found[run] = Candidate(id, outcome)
    return found


def of_alerts(connection: duckdb.DuckDBPyConnection, target: str = "prod") -> dict[str, Candidate]:
    """The candidates that are not prod, by the id of each result in them that Elementary may alert of."""
    by_run = of_runs(connection, target)
    rows = connection.execute(
        """
        select id, invocation_id from elementary_test_results where invocation_id = any(?)
        union all
        select model_execution_id, invocation_id from dbt_run_results where invocation_id = any(?)
        """,
        [list(by_run), list(by_run)],
    ).fetchall()
    return {id: by_run[run] for id, run in rows}


def to_report(since: datetime) -> list[dict[str, Any]]:
    """The releases that were stopped since a moment, were not reported and were not published later: oldest first, as
    `store.described_stop` tells of them. One that was killed is among them before the next release puts it in order."""
    stops, published = store.stops(), _published()
    building = _building()
    if building and not lock.is_held() and building["id"] not in {stop["id"] for stop in stops}:
        stops.append(building)
    reported = {stop["id"] for stop in stops if stop["action"] == "reported"}
    kept = {version.invocation for version in store.kept()} - {None}
    left = {  # by id: one that was moved in two attempts is there twice
        stop["id"]: stop
        for stop in stops
        if stop["action"] == STOPPED
        and stop["id"] not in reported | published
        and stop["invocation"] not in kept
        and datetime.fromisoformat(stop["at"]) >= since
    }
    return list(left.values())


def reasons() -> dict[str, str]:
    """Why candidates were stopped, by their ids."""
    return {stop["id"]: shortened(stop["reason"]) for stop in store.stops() if stop.get("reason")}


def shortened(reason: str) -> str:
    """A reason that is short enough for a message."""
    return reason if len(reason) <= LONGEST else f"{reason[:LONGEST]} …"


def message(stop: dict[str, Any]) -> tuple[str, list[str]]:
    """The headline and the lines of the message about a release that was stopped."""
    headline, prod = f"Release {stop['id']} was stopped", _prod()
    remedy = stop.get("remedy") or "make release"
    if prod is None:
        now = "none yet"
    elif prod == stop.get("base"):
        headline, now = f"{headline}: prod is unchanged", f"still {prod}"
    else:
        now = f"{prod} since"
        if prod > stop["id"]:
            remedy = "nothing, because a later release was published"
    lines = [
        f"Why: {shortened(stop.get('reason') or 'unknown')}",
        f"Prod: {now}",
        f"Commit: {(stop.get('commit') or 'unknown')[:7]} {stop.get('subject') or ''}".rstrip(),
        f"When: {stop['at'].replace('T', ' ')[:16]} UTC, by {stop.get('by') or 'unknown'}",
        f"Next: {remedy}",
    ]
    if owners := _owners():
        lines.append(f"Owners: {owners}")
    return headline, lines


def _published() -> set[str]:
    """The ids of the versions that were prod at any time."""
    return {event["id"] for event in store.history()} | {_prod()} - {None}


def _prod() -> str | None:
    try:
        version = store.current()
    except CannotRelease:
        return store.last_current()
    return version and version.id


def _building() -> dict[str, Any] | None:
    """The candidate that a release makes now, or left behind when it was killed."""
    id = store.Version(store.candidate()).facts.get("id")
    return store.described_stop(store.candidate(), id) if id else None


def _owners() -> str:
    """Who answers for the project: `vars` of dbt_project.yml."""
    try:
        values = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return ""
    return ", ".join(str(values[name]) for name in ("owner_team", "owner_email") if values.get(name))
