"""make rollback: makes an earlier version prod again, as it was, at once."""

from __future__ import annotations

import click

from dataops.console import new_console
from dataops.release import CannotRelease, duckdb_file, lock, store
from dataops.release.command import a_reason, explained
from dataops.release.store import Version
from dataops.typed import typed


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("named", metavar="[VERSION]", required=False)
@click.option("--to", metavar="ID", help="The same as VERSION.")
@click.option("--reason", metavar="TEXT", callback=a_reason, help="Why; recorded.")
@click.option("--dry-run", is_flag=True, help="Say what would be done.")
@explained()
def main(named: str | None, to: str | None, reason: str | None, dry_run: bool) -> None:
    """Roll back: make the version that prod was made from prod again, or VERSION. Nothing is built or removed.

    VERSION is a number (42) or a name (0042-2026-11-23). A later version can be rolled back to as well, so a rollback can be taken back.
    """
    if named and to and named != to:
        raise click.UsageError(f"{named} and --to {to} are two versions. Name one.")
    to = named or to
    console = new_console()
    with lock.held(typed("rollback")):
        prod = _current(to)
        by = lock.person()
        for line in store.recover(prod, by):
            console.print(line, soft_wrap=True, markup=False)
        version = store.find(to, store.kept()) if to else _before(prod)
        if prod and version.id == prod.id:
            raise CannotRelease(f"{version.id} is prod already.", f"See: {typed('releases')}")
        if version.problem:
            raise CannotRelease(
                f"{version.id} cannot be prod: {version.problem}.", f"Take another one: {typed('releases')}"
            )
        duckdb_file.connect(version.folder).close()
        if warning := duckdb_file.outside_warning(version):
            console.print(warning, markup=False, soft_wrap=True)
        facts = version.facts
        told = f"{version.id} ({facts.get('commit', '')[:7]} {facts.get('subject', '')})"
        if dry_run:
            console.print(f"{told} would be prod; {prod.id if prod else 'nothing'} is.", soft_wrap=True, markup=False)
            return
        milliseconds = store.point_at(version)
        store.record("rollback", version, prod, by, reason)
        console.print(f"prod is {told} again, swapped in {milliseconds:.1f} ms.", soft_wrap=True, markup=False)
        if prod:
            back = "" if prod.problem else f" To take the rollback back: {typed('rollback', to=prod.number)}"
            console.print(
                f"The next release builds what is committed then: revert the change, or it comes back.{back}",
                soft_wrap=True,
            )


def _current(to: str | None) -> Version | None:
    """The version that is prod. Where nothing says which one is, a rollback to a named version puts that right."""
    try:
        return store.current()
    except CannotRelease:
        if not to or (store.link().is_dir() and not store.link().is_symlink()):
            raise
        return None


def _before(prod: Version | None) -> Version:
    if prod is None:
        raise CannotRelease(
            "Nothing was released yet, so there is nothing to roll back.",
            "A rollback makes an earlier version prod again; the second release is the first that has one.",
        )
    if found := store.before(prod):
        return found
    raise CannotRelease(f"No version before {prod.id} is kept.", f"Name one: {typed('releases')}")
