"""dataops rollback: makes an earlier version prod again, as it was, at once. Works without dbt."""

from __future__ import annotations

import click

from dataops.console import new_console
from dataops.project import Project
from dataops.release.common import a_reason, explained
from dataops.typed import typed
from dataops.versions import CannotRelease, Version, Versions, lock


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("version", required=False)
@click.option("--to", metavar="VERSION", help="The same as VERSION, for make rollback TO=42.")
@click.option("--reason", metavar="TEXT", callback=a_reason, help="Why; recorded.")
@click.option("--dry-run", is_flag=True, help="Print what would happen, and change nothing.")
@click.pass_obj
@explained()
def main(project: Project, version: str | None, to: str | None, reason: str | None, dry_run: bool) -> None:
    """Make an earlier version prod again: the one that prod was made from, or VERSION (42 or 0042-2026-11-23).

    Nothing is built or removed. A later version can be made prod again too, so a rollback can be undone.

    Exit codes: 0 done; 2 it could not be done; 75 somebody else holds the lock of prod; 130 interrupted.
    """
    if version and to and version != to:
        raise click.UsageError(f"VERSION is {version} and --to is {to}. Name one version.")
    versions = Versions(project)
    if not versions.folder.exists():  # the lock would make it
        _wanted(versions, None, version or to)
    with lock.held(project, typed("rollback")):
        _roll_back(versions, version or to, reason, dry_run)


def _roll_back(versions: Versions, name: str | None, reason: str | None, dry_run: bool) -> None:
    console, by, environment = new_console(), lock.person(versions.project), versions.environment
    prod = _current(versions, name)
    for line in versions.recover(prod, by):
        console.print(line, soft_wrap=True, markup=False)
    version = _wanted(versions, prod, name)
    if prod and version.id == prod.id:
        raise CannotRelease(f"{version.id} is {environment} already.", f"See: {typed('releases')}")
    if version.problem:
        raise CannotRelease(
            f"{version.id} cannot be {environment}: {version.problem}.", f"Choose another version: {typed('releases')}"
        )
    version.open().close()
    if warning := version.outside_warning:
        console.print(warning, markup=False, soft_wrap=True)
    facts = version.facts
    described = f"{version.id} ({facts.get('commit', '')[:7]} {facts.get('subject', '')})"
    if dry_run:
        now = prod.id if prod else "nothing"
        console.print(f"{described} would be {environment}; {now} is.", soft_wrap=True, markup=False)
        return
    milliseconds = versions.publish(version)
    versions.record("rollback", version, prod, by, reason)
    console.print(
        f"{environment} is {described} again, swapped in {milliseconds:.1f} ms.", soft_wrap=True, markup=False
    )
    if prod:
        undo = "" if prod.problem else f" To undo the rollback: {typed('rollback', to=prod.number)}"
        console.print(
            f"The next release builds what is committed then: revert the change, or it comes back.{undo}",
            soft_wrap=True,
        )


def _current(versions: Versions, name: str | None) -> Version | None:
    """The version that is prod. Where nothing says which one is, a rollback to a named version repairs that."""
    try:
        return versions.current()
    except CannotRelease:
        if not name or versions.engine.current(versions.environment).put_aside:
            raise
        return None


def _wanted(versions: Versions, prod: Version | None, name: str | None) -> Version:
    """The version to go back to: the one of a name, else the one that prod was made from."""
    return versions.find(name, versions.kept()) if name else _before(versions, prod)


def _before(versions: Versions, prod: Version | None) -> Version:
    if prod is None:
        raise CannotRelease(
            "Nothing was released yet, so there is nothing to roll back.",
            "You can roll back from the second release on.",
        )
    if before := versions.before(prod):
        return before
    other = next((version for version in versions.kept() if version.id != prod.id and not version.problem), None)
    remedy = f"To go to another one: {typed('rollback', to=other.number)}" if other else "No other version is kept."
    raise CannotRelease(f"No version before {prod.id} is kept.", remedy)
