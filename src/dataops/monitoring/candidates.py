"""Which monitored runs built a candidate that did not become prod. No reader sees what failed in them.

A release passes its version to its dbt runs as their cause, which Elementary keeps (DBT_CAUSE, dbt.py). The outcome
is read from the folders and histories of the versions each time, because a stopped candidate can still be published.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from dataops.dbt import CAUSE
from dataops.engines import Session
from dataops.project import Environment, Project
from dataops.typed import typed
from dataops.versions import DRY_RUN as DRY_RUN_ID
from dataops.versions import CannotRelease, Versions, lock

STOPPED, DRY_RUN, UNDER_WAY = "stopped", "dry run", "under way"
RUNBOOK = "docs/runbook/release.md"
LONGEST = 1500  # characters of the reasons in a message: Slack takes 3000 in one block


@dataclass(frozen=True)
class Candidate:
    """A candidate that is not prod.

    Attributes:
        id: of the version that it was meant to become.
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


def of_runs(session: Session, versions: Versions, environment: Environment) -> dict[str, Candidate]:
    """The candidates that are not prod, by the invocation id of each dbt run that built one.

    Args:
        session: that reads Elementary's tables.
        versions: of prod.
        environment: whose tables they are; only prod has candidates.
    """
    if not environment.is_prod:
        return {}
    runs = session.rows("select invocation_id, cause from dbt_invocations where cause_category = ?", [CAUSE])
    published, kept = _published(versions), {version.invocation for version in versions.kept()}
    by_run = {stop["invocation"]: stop for stop in versions.stops() if stop.get("invocation")}
    building = _building(versions)
    unpublished = {}
    for run, id in runs:
        stop = by_run.get(run)
        is_dry_run = id == DRY_RUN_ID or (stop and stop["action"] == DRY_RUN)
        outcome = DRY_RUN if is_dry_run else STOPPED
        is_building = building and building["id"] == id and lock.is_held(versions.project)
        if stop is None and not is_dry_run and is_building:
            outcome = UNDER_WAY
        if run not in kept and (id not in published or outcome == DRY_RUN):
            unpublished[run] = Candidate(id, outcome)
    return unpublished


def of_alerts(session: Session, versions: Versions, environment: Environment) -> dict[str, Candidate]:
    """The candidates that are not prod, by the id of each result in them that Elementary may send an alert about.

    The arguments are those of `of_runs`.
    """
    by_run = of_runs(session, versions, environment)
    among = ", ".join("?" for _ in by_run) or "null"
    rows = session.rows(
        f"""
        select id, invocation_id from elementary_test_results where invocation_id in ({among})
        union all
        select model_execution_id, invocation_id from dbt_run_results where invocation_id in ({among})
        """,
        [*by_run, *by_run],
    )
    return {id: by_run[run] for id, run in rows}


def to_report(versions: Versions, since: datetime) -> list[dict[str, Any]]:
    """The releases that were stopped after a moment, and neither reported nor published later; oldest first.

    Each is a dictionary as `Versions.described_stop` makes it. A killed release is among them before the next one cleans up.
    """
    stops, published = versions.stops(), _published(versions)
    building = _building(versions)
    if building and not lock.is_held(versions.project) and building["id"] not in {stop["id"] for stop in stops}:
        stops.append(building)
    reported = {stop["id"] for stop in stops if stop["action"] == "reported"}
    kept = {version.invocation for version in versions.kept()} - {None}
    left = {  # by id, because a candidate that was moved in two attempts is listed twice
        stop["id"]: stop
        for stop in stops
        if stop["action"] == STOPPED
        and stop["id"] not in reported | published
        and stop["invocation"] not in kept
        and datetime.fromisoformat(stop["at"]) >= since
    }
    return list(left.values())


def reasons(versions: Versions) -> dict[str, str]:
    """Why candidates were stopped, by their ids."""
    return {stop["id"]: shortened(stop["reason"]) for stop in versions.stops() if stop.get("reason")}


def shortened(reason: str) -> str:
    """A reason, shortened for a message."""
    return reason if len(reason) <= LONGEST else f"{reason[:LONGEST]} …"


def message(versions: Versions, stop: dict[str, Any]) -> tuple[str, list[str]]:
    """The headline and the lines of the message about a stopped release."""
    headline, name, current = f"Release {stop['id']} was stopped", versions.environment.name, _current(versions)
    remedy = stop.get("remedy") or typed("release")
    if current is None:
        now = "none yet"
    elif current == stop.get("base"):
        headline, now = f"{headline}: {name} is unchanged", f"still {current}"
    else:
        now = f"{current} since"
        if current > stop["id"]:
            remedy = "nothing, because a later release was published"
    lines = [
        f"Why: {shortened(stop.get('reason') or 'unknown')}",
        f"{name[0].upper()}{name[1:]}: {now}",
        f"Commit: {(stop.get('commit') or 'unknown')[:7]} {stop.get('subject') or ''}".rstrip(),
        f"When: {stop['at'].replace('T', ' ')[:16]} UTC, by {stop.get('by') or 'unknown'}",
        f"Next: {remedy}",
    ]
    if owners := _owners(versions.project):
        lines.append(f"Owners: {owners}")
    return headline, lines


def _published(versions: Versions) -> set[str]:
    """The ids of all versions that ever were prod."""
    return {event["id"] for event in versions.history()} | {_current(versions)} - {None}


def _current(versions: Versions) -> str | None:
    """The id of the version that is prod, or was last."""
    try:
        version = versions.current()
    except CannotRelease:
        return versions.last_current()
    return version and version.id


def _building(versions: Versions) -> dict[str, Any] | None:
    """The candidate that a release is building now, or that a killed release left behind."""
    id = versions.version(versions.candidate).facts.get("id")
    return versions.described_stop(versions.candidate, id) if id else None


def _owners(project: Project) -> str:
    """The owners of the project, from `vars` in dbt_project.yml."""
    try:
        values = yaml.safe_load(project.path("dbt_project.yml").read_text(encoding="utf-8"))["vars"]
    except (OSError, yaml.YAMLError, KeyError, TypeError):
        return ""
    return ", ".join(str(values[name]) for name in ("owner_team", "owner_email") if values.get(name))
