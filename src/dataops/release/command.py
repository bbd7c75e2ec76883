"""dataops release: builds the next version of prod beside it, audits it, and puts it in its place."""

from __future__ import annotations

import contextlib
import os
import shlex

import click
import duckdb
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from dataops.console import new_console
from dataops.dbt import close_warehouse, one_line
from dataops.errors import DONE, WRONG, DataopsError, was_interrupted
from dataops.release import CannotRelease, duckdb_file, lock, store
from dataops.release.acceptance import read_acceptance
from dataops.release.candidate import stopped_release
from dataops.release.common import a_reason, explained, kept_versions
from dataops.release.pipeline import Release, Stopped, next_release, require_candidate
from dataops.release.store import Version
from dataops.typed import tool, typed


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--accept",
    metavar="[MODEL, ...:] REASON",
    callback=a_reason,
    help="Accept what crosscheck finds different, of all models or those named, and record why.",
)
@click.option(
    "--candidate",
    metavar="NUMBER",
    help="Publish this candidate, which its crosscheck stopped, instead of building everything again.",
)
@click.option("--dry-run", is_flag=True, help="Stop before the swap: prod stays as it is, the candidate is kept.")
@click.option("--allow-uncommitted", is_flag=True, help="Release changes that are not committed; recorded.")
@click.option("--full-refresh", is_flag=True, help="Build incremental models and seeds from nothing.")
@click.option(
    "--keep",
    default="5",
    metavar="NUMBER",
    callback=kept_versions,
    show_default=True,
    envvar="RELEASES_KEPT",
    help="How many versions to keep; prod itself is always kept.  [env: RELEASES_KEPT]",
)
@explained()
def main(
    accept: str | None, candidate: str | None, dry_run: bool, allow_uncommitted: bool, full_refresh: bool, keep: int
) -> int:
    """Release: build everything beside prod, test it, compare it with prod, and put it in its place at once.

    Prod is whole, whatever happens.

    Exit codes: 0 released; 1 something failed or differs; 2 it could not be done; 75 somebody else holds the lock of prod;
    130 interrupted.
    """
    console = new_console()
    if candidate and (dry_run or allow_uncommitted or full_refresh):
        raise click.UsageError("--candidate publishes what was built, so it goes with --accept and --keep alone.")
    require_candidate()
    with lock.held(typed("release")):
        by = lock.person()
        prod = store.current()
        for line in store.recover(prod, by):
            console.print(line, soft_wrap=True, markup=False)
        accepted = accept and read_acceptance(accept)
        if candidate:
            release = stopped_release(candidate, accepted, prod, by, console)
        else:
            release = next_release(accepted, full_refresh, allow_uncommitted, dry_run, prod, by, console)
        release.facts["dry_run"] = dry_run
        try:
            (release.resume if candidate else release.make)()
            if dry_run:
                release.write_facts("dry run")
                version = store.set_aside(store.candidate(), release.id)
            else:
                version = release.publish()
        except Stopped as stopped:
            _tell_stopped(console, release, stopped)
            return WRONG
        except BaseException as error:
            if isinstance(error, CannotRelease):
                release.facts.pop("stopped_by", None)  # its data cannot be read, for one
            if release.steps or release.resumed:
                _keep_candidate(release, _why_ended(error))
            else:
                store.discard_candidate()  # it was refused before anything was made
            raise
        if not dry_run:
            _remove_outdated(console, keep)
        _tell_done(console, release, version, dry_run)
    return DONE


def _remove_outdated(console: Console, keep: int) -> None:
    for outdated in store.outdated(keep):
        try:
            store.remove(outdated)
            console.print(
                f"Removed {outdated.id}: {keep} {'versions are' if keep > 1 else 'version is'} kept.", markup=False
            )
        except OSError as error:  # nothing that was asked for depends on it
            console.print(f"{outdated.id} could not be removed: {error.strerror}.", markup=False)


def _why_ended(error: BaseException) -> str:
    """Why a release could not go on, for `make releases`: in one line, without data."""
    if was_interrupted(error):
        return "it was interrupted"
    if isinstance(error, DataopsError):
        return error.problem.rstrip(".")
    if isinstance(error, OSError):
        return f"it could not be done: {error.strerror}"
    return one_line(f"{type(error).__name__}: {error}")


def _keep_candidate(release: Release, reason: str) -> Version | None:
    """Keeps what was made so far. What cannot be moved now is put in order by the next release."""
    if not store.candidate().exists():
        return None
    try:
        close_warehouse()
        if release.resumed and release.facts.get("stopped_by"):  # it can be published later, as before
            reason = "; ".join(release.facts["reasons"])
        if release.facts.get("stopped_by"):
            with contextlib.suppress(CannotRelease, duckdb.Error):
                duckdb_file.finish(store.candidate())
        release.write_facts("stopped", [reason])
        return store.set_aside(store.candidate(), release.id)
    except OSError:
        return None


def _tell_stopped(console: Console, release: Release, stopped: Stopped) -> None:
    console.print()
    for reason in stopped.reasons[:20]:
        console.print(f"- {reason}", style="red", soft_wrap=True, markup=False)
    if len(stopped.reasons) > 20:
        console.print(f"- and {len(stopped.reasons) - 20} more", style="red")
    prod = f"prod is still {release.base.id}" if release.base else "there is no prod yet"
    what = f"{release.id} is not released" if release.id != store.DRY_RUN else "It would not be released"
    console.print(f"{what}: {prod}. {stopped.remedy}", soft_wrap=True, markup=False)
    release.facts["remedy"] = stopped.remedy
    version = _keep_candidate(release, "; ".join(reason.rstrip(".") for reason in stopped.reasons))
    if version and (version.folder / duckdb_file.NAME).exists():
        console.print(f"The candidate is kept in {store.shown(version.folder)}. {how_to_open(version)}", soft_wrap=True)


def how_to_open(version: Version) -> str:
    """What to type to look into a version."""
    code = f"from dataops import release; prod = release.open({version.number or repr(version.id)})"
    where = f"WAREHOUSE_DIR={shlex.quote(folder)} " if (folder := os.environ.get("WAREHOUSE_DIR")) else ""
    return f'To look into it: {where}{tool("python")} -ic "{code}", then prod.sql("...")'


def _tell_done(console: Console, release: Release, version: Version, dry_run: bool) -> None:
    table = Table("step", "result")
    table.add_column("seconds", justify="right")
    for name, result, seconds in release.steps:
        table.add_row(name, result, f"{seconds:.2f}")
    console.print(table)
    size = decimal(release.facts["size"])
    if dry_run:
        console.print("Nothing was released: this was a dry run, and a release could be made.", end=" ")
        console.print(
            f"The candidate ({size}) is kept in {store.shown(version.folder)} until the next dry run.", end=" "
        )
        console.print(how_to_open(version), soft_wrap=True)
        return
    back = f" To go back: {typed('rollback')}" if store.before(version) else ""
    console.print(f"prod is {release.id} ({size}): {store.shown(store.link())}.{back}", soft_wrap=True)
