"""dataops release --accept '...' --candidate 2: a candidate that only its crosscheck stopped becomes prod as it was compared,
without building everything again.

Everything that it was built from must be as it was: the commit, prod's version, the candidate's own file and the files of its
sources. What cannot be known (rows of a source in a database) is named: whoever accepts decides about the data that the
crosscheck compared, which is what is published.
"""

from __future__ import annotations

from rich.console import Console

from dataops.release import audit, repository
from dataops.release.acceptance import Acceptance, how_to_accept
from dataops.release.inputs import changed_files, read_inputs
from dataops.release.pipeline import Release, accepted_differences, require_models
from dataops.typed import typed
from dataops.versions import CROSSCHECK, DRY_RUN, MANIFEST, CannotRelease, Version, Versions, nearest


def stopped_release(
    versions: Versions, name: str, accept: Acceptance | None, prod: Version | None, by: str, console: Console
) -> Release:
    """The release of a stopped candidate, as far as it had come.

    Args:
        versions: of prod.
        name: the candidate's number or name.
        accept: what somebody accepts now.
        prod: the version that is prod.
        by: who does it.
        console: for the lines between dbt's own.

    Raises:
        CannotRelease: it cannot be published as it is: why, and what to type instead.
    """
    version = _find(versions, name)
    facts = version.facts
    build = f"Build it again: {how_to_accept(accept) if accept else typed('release')}"
    if facts.get("stopped_by") != CROSSCHECK:
        reasons = "; ".join(facts.get("reasons", [])) or "its release.json cannot be read"
        raise CannotRelease(f"{version.id} was not stopped by differences alone: {reasons}.", build)
    code = repository.read_code(versions.project.root)
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
            f"{version.id} was compared with {facts['base']}, and {versions.environment} is"
            f" {prod.id if prod else 'missing'}.",
            build,
        )
    state = versions.engine.state(version.folder)
    if version.problem or state != {name: facts.get(name) for name in state}:
        raise CannotRelease(f"{version.data.shown} is missing, or was changed after it was compared.", build)
    now = read_inputs(versions.engine, audit.read_manifest(version.folder / MANIFEST), version.data.database)
    if changed := changed_files(facts["inputs"], now):
        raise CannotRelease(f"{version.id} was built from files that have changed since: {', '.join(changed)}.", build)
    if accept:
        require_models(accept, set(facts["crosscheck"]["verdicts"]))
    accepted = accepted_differences(versions, accept, prod)
    return Release(versions, version.id, code, prod, by, accepted, False, console, facts=facts, resumed=True)


def _find(versions: Versions, name: str) -> Version:
    """The stopped candidate of a number or name.

    Raises:
        CannotRelease: there is none.
    """
    candidates = versions.stopped()
    for version in candidates:
        if version.is_called(name):
            return version
    if name == DRY_RUN:
        raise CannotRelease("A dry run has no number, so it cannot be published.", f"Type: {typed('release')}")
    for version in versions.kept():
        if version.is_called(name):
            raise CannotRelease(f"{version.id} is a version of prod.", f"Type: {typed('rollback', to=version.number)}")
    kept = ", ".join(version.id for version in candidates)
    if not candidates:
        raise CannotRelease(f"No stopped candidate is kept, so there is no {name!r}.", f"See: {typed('releases')}")
    raise CannotRelease(
        f"There is no stopped candidate {name!r}.{nearest(name, candidates)}",
        f"These stopped candidates are kept: {kept}.",
    )
