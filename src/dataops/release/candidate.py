"""make release ARGS="--accept '...' --candidate 2": a candidate that its crosscheck alone stopped becomes prod as it was
compared, without building everything again.

Everything that it was built from must be as it was: the commit, prod's version, the candidate's own file and the files of its
sources. What cannot be known (rows of a source in a database) is named: whoever accepts decides about the data that the
crosscheck compared, which is what is published.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

from dataops.release import CannotRelease, audit, duckdb_file, repository, store
from dataops.release.acceptance import Acceptance, how_to_accept
from dataops.release.inputs import changed_files, read_inputs
from dataops.release.pipeline import CROSSCHECK, Release, accepted_differences, require_models
from dataops.release.store import Version, shown
from dataops.typed import typed


def stopped_release(name: str, accept: Acceptance | None, prod: Version | None, by: str, console: Console) -> Release:
    """The release of a stopped candidate, as far as it had come.

    Args:
        name: the candidate's number or name.
        accept: what somebody accepts now.
        prod: the version that is prod.
        by: who does it.
        console: for the lines between dbt's own.

    Raises:
        CannotRelease: it cannot be published as it is: why, and what to type instead.
    """
    version = _find(name)
    facts = version.facts
    build = f"Build it again: {how_to_accept(accept) if accept else typed('release')}"
    if facts.get("stopped_by") != CROSSCHECK:
        reasons = "; ".join(facts.get("reasons", [])) or "its release.json cannot be read"
        raise CannotRelease(f"{version.id} was not stopped by differences alone: {reasons}.", build)
    code = repository.read_code()
    if facts["uncommitted"]:
        raise CannotRelease(f"{version.id} was built with changes that were not committed.", build)
    if code.uncommitted:
        raise CannotRelease(
            f"{version.id} was built from what is committed, and files differ from that now: {', '.join(code.uncommitted[:3])}.",
            "Put them aside (git stash --include-untracked), then run the command again.",
        )
    if code.commit != facts["commit"]:
        raise CannotRelease(
            f"{version.id} was built from commit {facts['commit'][:7]}, and the present one is {code.commit[:7]}.",
            build,
        )
    if prod is None or prod.id != facts["base"]:
        raise CannotRelease(
            f"{version.id} was compared with {facts['base']}, and prod is {prod.id if prod else 'missing'}.", build
        )
    file = version.folder / duckdb_file.NAME
    if version.problem or file.stat().st_mtime_ns != facts["modified_ns"]:
        raise CannotRelease(f"{shown(file)} is missing, or was changed after it was compared.", build)
    now = read_inputs(audit.read_manifest(version.folder / store.MANIFEST), Path(duckdb_file.NAME).stem)
    if changed := changed_files(facts["inputs"], now):
        raise CannotRelease(f"{version.id} was built from files that have changed since: {', '.join(changed)}.", build)
    if accept:
        require_models(accept, set(facts["crosscheck"]["verdicts"]))
    return Release(
        version.id, code, prod, by, accepted_differences(accept, prod), False, console, facts=facts, resumed=True
    )


def _find(name: str) -> Version:
    candidates = store.stopped()
    for version in candidates:
        if version.is_called(name):
            return version
    if name == store.DRY_RUN:
        raise CannotRelease("A dry run has no number, so it cannot be published.", f"Type: {typed('release')}")
    for version in store.kept():
        if version.is_called(name):
            raise CannotRelease(f"{version.id} is a version of prod.", f"Type: {typed('rollback', to=version.number)}")
    kept = ", ".join(version.id for version in candidates)
    if not candidates:
        raise CannotRelease(f"No stopped candidate is kept, so there is no {name!r}.", f"See: {typed('releases')}")
    raise CannotRelease(
        f"There is no stopped candidate {name!r}.{store.nearest(name, candidates)}", f"These are kept: {kept}."
    )
