"""dataops releases: the versions of prod, and what was stopped. Works without dbt."""

from __future__ import annotations

import contextlib
import difflib
import textwrap
from datetime import UTC, datetime
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from dataops.console import counted, new_console, print_whole
from dataops.project import Project
from dataops.release.common import explained
from dataops.typed import shown, typed
from dataops.versions import HISTORY, CannotRelease, Version, Versions

EVENTS = 10
MOMENTS = ("%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S")


def a_moment(context: click.Context, _parameter: click.Parameter, text: str | None) -> datetime | None:
    """The moment of --as-of."""
    if text is None:
        return None
    for form in MOMENTS:
        with contextlib.suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=UTC)
    versions = Versions(context.obj)
    days = sorted({event["at"][:10] for event in versions.history()})
    called = [version.id[-10:] for version in versions.kept() if version.is_called(text)]
    near = difflib.get_close_matches(text, days, n=1) or called
    guess = f" Did you mean {near[0]}?" if near else ""
    raise click.BadParameter(f"{text!r} is not a time.{guess} Write 2026-11-24 or '2026-11-24 13:45' (UTC).")


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--history", is_flag=True, help=f"The last {EVENTS} releases and rollbacks instead.")
@click.option("--as-of", metavar="TIME", callback=a_moment, help="Print which version was prod then (UTC).")
@click.pass_obj
@explained()
def main(project: Project, history: bool, as_of: datetime | None) -> None:
    """List the versions of prod: which one is prod, what each contains, and what was stopped.

    Exit codes: 0 done; 2 it could not be done; 130 interrupted.
    """
    console, versions = new_console(), Versions(project)
    if as_of:
        version = versions.as_of(as_of)
        console.print(f"{version.id}: {shown(version.folder)}", markup=False, soft_wrap=True)
    elif history:
        _print_history(console, versions)
    else:
        _print_versions(console, versions)


def _print_history(console: Console, versions: Versions) -> None:
    events = versions.history()
    if not events:
        console.print(_nothing(versions), soft_wrap=True)
        return
    table = Table("at (UTC)", "action", "version", "from", "by", "reason")
    for event in reversed(events[-EVENTS:]):
        values = (_time(event["at"]), event["action"], event["id"], event.get("from"), event.get("by"))
        table.add_row(*(escape(value or "") for value in (*values, event.get("reason"))))
    console.print(table)
    if len(events) > EVENTS:
        file = shown(versions.folder / HISTORY)
        console.print(f"The last {EVENTS} of {len(events)}: {file}", markup=False)


def _print_versions(console: Console, versions: Versions) -> None:
    prod, problem = None, None
    try:
        prod = versions.current()
    except CannotRelease as reason:  # raised below: the list shows which versions can be prod again
        problem = reason
    kept, stopped = versions.kept(), versions.stopped()
    dry_run = [version for version in [versions.dry_run()] if version]
    if not kept and not stopped and not dry_run and not problem:
        console.print(_nothing(versions), soft_wrap=True)
        return
    table = Table(box=SIMPLE_HEAD, show_edge=False)
    for heading in ("version", "", "UTC", "commit"):
        table.add_column(heading, no_wrap=True)
    table.add_column("result", overflow="fold", min_width=24)
    table.add_column("size", justify="right", no_wrap=True)
    for version in [*dry_run, *sorted([*kept, *stopped], key=lambda one: one.number, reverse=True)]:
        is_prod = prod is not None and version.id == prod.id
        state = versions.environment.name if is_prod else ""
        table.add_row(*map(escape, _row(version, state, version not in kept)))
    print_whole(console, table)
    if problem:
        raise problem
    for version in kept:
        if warning := version.outside_warning:
            console.print(warning, markup=False, soft_wrap=True)
    console.print(
        f"\nTo go back: {typed('rollback', to='<number>')}. For the history: {typed('releases', '--history')}",
        markup=False,
    )


def _nothing(versions: Versions) -> str:
    return f"Nothing was released yet: {shown(versions.folder)} holds no version. Type: {typed('release')}"


def _row(version: Version, state: str, is_stopped: bool) -> tuple[str, ...]:
    facts = version.facts
    if not facts:
        return (version.id, "stopped" if is_stopped else "", "", "", "release.json cannot be read", "")
    state = facts["outcome"] if is_stopped else state
    commit = f"{facts['commit'][:7]}{'+' if facts['uncommitted'] else ''} {facts['subject']}"
    made, size = _time(facts["made_at"])[-5:], decimal(facts["size"])
    if not is_stopped and version.problem:
        return version.id, state, made, _short(commit, 26), version.problem, ""
    return version.id, state, made, _short(commit, 26), _short(_outcome(facts, is_stopped), 200), size


def _outcome(facts: dict[str, Any], is_stopped: bool) -> str:
    if is_stopped and facts["reasons"]:
        return facts["reasons"][0]
    warned = f", {facts['results']['warned']} warned" if facts["results"]["warned"] else ""
    crosscheck = facts.get("crosscheck", {})
    compared = crosscheck.get("verdict", "the first version")
    if compared == "different" and {*crosscheck.get("verdicts", {}).values()} <= {"same", "allowed", "new"}:
        compared = f"{list(crosscheck['verdicts'].values()).count('new')} new"
    if facts["accepted"] and compared == "different":
        compared = facts["accepted"]
    return f"{counted(facts['results']['passed'], 'test')} passed{warned}; {compared}"


def _short(text: str, width: int) -> str:
    return textwrap.shorten(text, width, placeholder=" …") if len(text.split()[0]) < width else text[: width - 1] + "…"


def _time(text: str) -> str:
    return text.replace("T", " ")[:16]
