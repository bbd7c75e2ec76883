"""make releases: the versions of prod, and what was stopped."""

from __future__ import annotations

import textwrap
from datetime import UTC, datetime

import click
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.table import Table

from ops.release import versions
from ops.release.command_line import new_console, run
from ops.release.duckdb_file import in_units
from ops.release.versions import Version

EVENTS = 10


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--history", is_flag=True, help=f"The last {EVENTS} releases and rollbacks instead.")
@click.option(
    "--as-of",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S"]),
    help="Say which version was prod then (UTC).",
)
def main(history: bool, as_of: datetime | None) -> None:
    """List the versions of prod: which one is prod, what each is made of, and what was stopped."""
    console = new_console()
    if as_of:
        version = versions.as_of(as_of.replace(tzinfo=UTC))
        console.print(f"{version.id}: {versions.shown(version.folder)}", markup=False, soft_wrap=True)
        return
    if history:
        table = Table("at (UTC)", "action", "version", "from", "by", "reason")
        for event in reversed(versions.history()[-EVENTS:]):
            values = (_time(event["at"]), event["action"], event["id"], event.get("from"), event.get("by"))
            table.add_row(*(escape(value or "") for value in (*values, event.get("reason"))))
        console.print(table)
        return
    prod = versions.current()
    kept, stopped = versions.kept(), versions.stopped()
    if not kept and not stopped:
        console.print("Nothing was released yet. Type: make release")
        return
    table = Table(box=SIMPLE_HEAD)
    for heading in ("version", "", "UTC", "commit", "tests", "crosscheck"):
        table.add_column(heading, no_wrap=True)
    table.add_column("size", justify="right", no_wrap=True)
    for version in sorted([*kept, *stopped], key=lambda one: one.number, reverse=True):
        table.add_row(*map(escape, _row(version, prod, version in stopped)))
    console.print(table)
    console.print("To go back: make rollback TO=<number>. What happened when: make releases ARGS=--history")


def _row(version: Version, prod: Version | None, is_stopped: bool) -> tuple[str, ...]:
    facts = version.facts
    if not facts:
        return (version.id, "stopped" if is_stopped else "", "", "", "", "release.json cannot be read", "")
    state = facts["outcome"] if is_stopped else "prod" if prod and version.id == prod.id else ""
    results = facts.get("results", {})
    tests = f"{results.get('passed', 0)} passed" if results else ""
    for kind in ("warned", "failed"):
        tests += f", {results[kind]} {kind}" if results.get(kind) else ""
    compared = facts.get("crosscheck", {}).get("verdict", "")
    if facts["accepted"] and compared == "different":
        compared = f"accepted: {facts['accepted']}"
    if is_stopped and facts["reasons"]:
        compared = facts["reasons"][0]
    commit = f"{facts['commit'][:7]}{'+' if facts['uncommitted'] else ''} {facts['subject']}"
    commit, compared = (textwrap.shorten(text, 30, placeholder=" …") for text in (commit, compared))
    return version.id, state, _time(facts["made_at"])[-5:], commit, tests, compared, in_units(facts["size"])


def _time(text: str) -> str:
    return text.replace("T", " ")[:16]


if __name__ == "__main__":
    run(main, "python -m ops.release.listing")
