"""dataops release: builds the next version of prod beside it, audits it, and swaps it in."""

from __future__ import annotations

import contextlib
import shlex

import click
from rich.console import Console
from rich.filesize import decimal
from rich.table import Table

from dataops import dbt
from dataops.console import new_console
from dataops.engines import EngineError
from dataops.errors import DONE, WRONG, DataopsError, was_interrupted
from dataops.project import Project
from dataops.release.acceptance import read_acceptance
from dataops.release.candidate import stopped_release
from dataops.release.common import KEPT, a_reason, explained, kept_versions
from dataops.release.pipeline import Release, Stopped, next_release, require_candidate
from dataops.typed import shown, tool, typed
from dataops.versions import DRY_RUN, CannotRelease, Version, Versions, lock


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
@click.option("--full-refresh", is_flag=True, help="Build incremental models and seeds from scratch.")
@click.option(
    "--keep",
    metavar="NUMBER",
    callback=kept_versions,
    help=f"How many versions to keep; prod itself is always kept.  [env: RELEASES_KEPT; default: {KEPT}]",
)
@click.pass_obj
@explained()
def main(
    project: Project,
    accept: str | None,
    candidate: str | None,
    dry_run: bool,
    allow_uncommitted: bool,
    full_refresh: bool,
    keep: int,
) -> int:
    """Release: build everything beside prod, test it, compare it with prod, and swap it in.

    Until the swap, prod is not changed.

    Exit codes: 0 released; 1 something failed or differs; 2 it could not be done; 75 somebody else holds the lock of prod;
    130 interrupted.
    """
    console, versions = new_console(), Versions(project)
    if candidate and (dry_run or allow_uncommitted or full_refresh):
        raise click.UsageError("--candidate publishes what was built, so it goes with --accept and --keep alone.")
    require_candidate(versions)
    with lock.held(project, typed("release")):
        by = lock.person(project)
        prod = versions.current()
        for line in versions.recover(prod, by):
            console.print(line, soft_wrap=True, markup=False)
        accepted = accept and read_acceptance(accept)
        if candidate:
            release = stopped_release(versions, candidate, accepted, prod, by, console)
        else:
            release = next_release(versions, accepted, full_refresh, allow_uncommitted, dry_run, prod, by, console)
        release.facts["dry_run"] = dry_run
        try:
            version = _run(release, dry_run)
        except Stopped as stopped:
            _report_stopped(release, stopped)
            return WRONG
        if not dry_run:
            _remove_outdated(console, versions, keep)
        _report_done(release, version, dry_run)
    return DONE


def _run(release: Release, dry_run: bool) -> Version:
    """Makes the version, and publishes it unless this is a dry run. What ends it early leaves the candidate that it made."""
    try:
        (release.resume if release.resumed else release.make)()
        if dry_run:
            release.write_facts("dry run")
            return release.versions.set_aside(release.folder, release.id)
        return release.publish()
    except Stopped:
        raise
    except BaseException as error:
        if isinstance(error, CannotRelease):
            release.facts.pop("stopped_by", None)  # its data cannot be read, for one
        if release.steps or release.resumed:
            kept = _keep_candidate(release, _why_ended(error))
            if kept and kept.data.exists():
                where = shown(kept.folder)
                release.console.print(f"\nWhat was built so far is kept in {where}.", markup=False, soft_wrap=True)
        else:
            release.versions.discard_candidate()  # it was refused before anything was made
        raise


def _remove_outdated(console: Console, versions: Versions, keep: int) -> None:
    for outdated in versions.outdated(keep):
        try:
            versions.remove(outdated)
            console.print(
                f"Removed {outdated.id}: {keep} {'versions are' if keep > 1 else 'version is'} kept.", markup=False
            )
        except OSError as error:  # nothing that was asked for depends on it
            console.print(f"{outdated.id} could not be removed: {error.strerror}.", markup=False)


def _why_ended(error: BaseException) -> str:
    """Why a release could not go on, for `make releases`: in one line, without data."""
    if was_interrupted(error):
        return "it was interrupted"
    if isinstance(error, EngineError):
        return dbt.one_line(f"{error.kind}: {error.text}")
    if isinstance(error, DataopsError):
        return error.problem.rstrip(".")
    if isinstance(error, OSError):
        return f"it could not be done: {error.strerror}"
    return dbt.one_line(f"{type(error).__name__}: {error}")


def _keep_candidate(release: Release, reason: str) -> Version | None:
    """Keeps what was made so far. What cannot be moved now, the next release moves."""
    if not release.folder.exists():
        return None
    try:
        dbt.close_connections()
        if release.resumed and release.facts.get("stopped_by"):  # it can be published later, as before
            reason = "; ".join(release.facts["reasons"])
        if release.facts.get("stopped_by"):
            with contextlib.suppress(DataopsError):
                release.engine.finish(release.folder)
        release.write_facts("stopped", [reason])
        return release.versions.set_aside(release.folder, release.id)
    except OSError:
        return None


def _report_stopped(release: Release, stopped: Stopped) -> None:
    """Prints why a release was stopped, and keeps its candidate."""
    console, environment = release.console, release.versions.environment
    console.print()
    for reason in stopped.reasons[:20]:
        console.print(f"- {reason}", style="red", soft_wrap=True, markup=False)
    if len(stopped.reasons) > 20:
        console.print(f"- and {len(stopped.reasons) - 20} more", style="red")
    prod = f"{environment} is still {release.base.id}" if release.base else f"there is no {environment} yet"
    what = f"{release.id} is not released" if release.id != DRY_RUN else "It would not be released"
    console.print(f"{what}: {prod}. {stopped.remedy}", soft_wrap=True, markup=False)
    release.facts["remedy"] = stopped.remedy
    version = _keep_candidate(release, "; ".join(reason.rstrip(".") for reason in stopped.reasons))
    if version and version.data.exists():
        how = how_to_open(release.versions.project, version)
        console.print(f"The candidate is kept in {shown(version.folder)}. {how}", soft_wrap=True)


def how_to_open(project: Project, version: Version) -> str:
    """What to type to look into a version."""
    code = f"from dataops import release; prod = release.open({version.number or repr(version.id)})"
    folder = project.variables.get("WAREHOUSE_DIR")
    where = f"WAREHOUSE_DIR={shlex.quote(folder)} " if folder else ""
    return f'To look into it: {where}{tool("python")} -ic "{code}", then prod.sql("...")'


def _report_done(release: Release, version: Version, dry_run: bool) -> None:
    """Prints the steps with their times, and where the version is."""
    console, versions = release.console, release.versions
    table = Table("step", "result")
    table.add_column("seconds", justify="right")
    for name, result, seconds in release.steps:
        table.add_row(name, result, f"{seconds:.2f}")
    console.print(table)
    size = decimal(release.facts["size"])
    if dry_run:
        console.print("Nothing was released: this was a dry run, and a release could be made.", end=" ")
        console.print(f"The candidate ({size}) is kept in {shown(version.folder)} until the next dry run.", end=" ")
        console.print(how_to_open(versions.project, version), soft_wrap=True)
        return
    back = f" To go back: {typed('rollback')}" if versions.before(version) else ""
    where = versions.engine.current(versions.environment).shown
    console.print(f"{versions.environment} is {release.id} ({size}): {where}.{back}", soft_wrap=True)
