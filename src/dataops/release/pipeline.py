"""Making a version of prod, step by step: everything happens beside prod, and the last step alone is seen by readers."""

from __future__ import annotations

import contextlib
import json
import os
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from rich.console import Console
from rich.filesize import decimal

from dataops.crosscheck import CannotCompare
from dataops.crosscheck.command import FOLDER as CROSSCHECK_RESULTS
from dataops.crosscheck.command import remove_results, write_results
from dataops.crosscheck.datasets import Dataset, open_dataset
from dataops.crosscheck.parse import read_code
from dataops.crosscheck.results import BREAKING, Result
from dataops.crosscheck.terminal import show
from dataops.dbt import cause, close_warehouse, invoke_dbt
from dataops.files import sync
from dataops.manifest import Code as ParsedCode
from dataops.project import pyproject
from dataops.release import CannotRelease, audit, duckdb_file, repository, store
from dataops.release.acceptance import (
    NEW_START,
    TRAILER,
    Acceptance,
    as_text,
    corrected,
    how_to_accept,
    is_new_start,
    misspelt,
    misspelt_in_commits,
    not_accepted,
    objections,
    wording,
)
from dataops.release.contracts import broken_contracts
from dataops.release.inputs import read_inputs
from dataops.release.repository import Code
from dataops.release.store import Version
from dataops.typed import guide, typed
from dataops.warehouse import warehouse_file

TARGET_PATH = Path("target", "release")  # of its own: dbt parses anew when target prod means another file
STEPS, STEPS_LEFT = 6, 3  # of a release, and of one that publishes a candidate which its crosscheck stopped
CROSSCHECK = "crosscheck"
TOOLS = ("dbt-core", "dbt-duckdb", "duckdb", "dbt-dataops")  # whatever pyproject.toml says


class Stopped(Exception):
    """The audit stopped a release: the reasons, a line each."""

    def __init__(self, reasons: list[str], remedy: str):
        super().__init__("; ".join(reasons))
        self.reasons = reasons
        self.remedy = remedy


@dataclass
class Release:
    """A release as far as it has come.

    Attributes:
        id: of the version that it makes.
        code: what it is made of.
        base: the version that is prod, None at the first release.
        by: who makes it.
        accepted: what differences are meant.
        full_refresh: whether incremental models and seeds are built from nothing.
        console: for the lines between dbt's own.
        accept: what of it was accepted on the command line.
        steps: what was done: step, result, seconds.
        facts: what release.json will tell.
        resumed: whether it publishes a candidate that its crosscheck stopped.
        parsed: the models of the code.
    """

    id: str
    code: Code
    base: Version | None
    by: str
    accepted: tuple[Acceptance, ...]
    full_refresh: bool
    console: Console
    accept: Acceptance | None = None
    steps: list[tuple[str, str, float]] = field(default_factory=list)
    facts: dict[str, Any] = field(default_factory=dict)
    resumed: bool = False
    parsed: ParsedCode | None = None

    def make(self) -> None:
        """Makes the candidate and audits it.

        Raises:
            Stopped: the audit stopped it.
            CannotRelease: it could not be made.
        """
        self._tell()
        place = store.candidate()
        with _as_candidate(self.id):
            try:
                self._parse()
            except Stopped:
                place.mkdir()  # so that `make releases` and the owner know of it
                raise
            place.mkdir()
            self.write_facts("stopped", ["it was killed"])  # unless something else is written later
            with self._step("candidate") as done:
                done(self._copy(place))
            with self._step("build and test") as done:
                done(self._build(place))
            with self._step("audit") as done:
                done(self._audit(place))
            with self._step("crosscheck") as done:
                done(self._crosscheck(place))
            with self._step("docs") as done:
                done(self._docs(place))

    def resume(self) -> None:
        """Does what was left to do for a candidate that its crosscheck stopped. Stopped again, or killed, it is as it was before.

        Raises:
            Stopped: not everything that differs is accepted, or the docs could not be made.
        """
        self._tell()
        self._require_acceptance()
        place = store.candidate()
        os.rename(store.folder() / "stopped" / self.id, place)
        os.chmod(place / duckdb_file.NAME, 0o644)
        with _as_candidate(self.id):
            with self._step("candidate") as done:
                dropped = self._drop_orphans(place, self._side())
                self.write_facts("stopped", self.facts["reasons"])
                done(f"{self.id}, as it was compared with {self.base.id}{dropped}")
            with self._step("docs") as done:
                done(self._docs(place))

    def publish(self) -> Version:
        """Makes the candidate prod, and returns the version.

        Raises:
            Stopped: a view of it cannot be read.
            CannotRelease: it is damaged, or cannot be put in place.
        """
        with self._step("publish") as done:
            place = store.candidate()
            duckdb_file.finish(place)
            try:
                rows = duckdb_file.read_everything(place)
            except duckdb_file.ViewFails as reason:
                raise Stopped([reason.problem], reason.remedy) from None
            audit.read_manifest(place / store.MANIFEST)
            self.facts.pop("stopped_by", None)
            self.write_facts("published")
            sync(place / duckdb_file.NAME)
            version = store.admit(place, self.id)
            milliseconds = store.point_at(version)
            try:
                store.record("release", version, self.base, self.by, as_text(self.accepted))
            except OSError as error:  # it is prod all the same; the next release notes it
                self.console.print(f"The history cannot be written now: {error.strerror}.", markup=False)
            done(f"{rows:,} rows read once more; prod is {self.id}, swapped in {milliseconds:.1f} ms")
        return version

    def write_facts(self, outcome: str, reasons: list[str] | None = None) -> None:
        """Writes what is told of the version into the candidate's folder."""
        file = store.candidate() / duckdb_file.NAME
        self.facts |= {
            "id": self.id,
            "outcome": outcome,
            "reasons": reasons or [],
            "made_at": store.timestamp(),
            "made_by": self.by,
            "base": self.base and self.base.id,
            "commit": self.code.commit,
            "subject": self.code.subject,
            "uncommitted": list(self.code.uncommitted),
            "accepted": as_text(self.accepted),
            "size": file.stat().st_size if file.exists() else 0,
            "modified_ns": file.stat().st_mtime_ns if file.exists() else None,
            "seconds": self.facts.get("seconds", {}) | {name: round(seconds, 2) for name, _, seconds in self.steps},
            "tools": _tools(),
        }
        store.write_facts(store.candidate(), self.facts)

    def _tell(self) -> None:
        count = len(self.code.uncommitted)
        uncommitted = f", with {count} uncommitted file{'s' * (count != 1)}" if count else ""
        what = "Dry run" if self.id == store.DRY_RUN else f"Release {self.id}"
        self.console.print(f"{what}: {self.code.commit[:7]} {self.code.subject}{uncommitted}", markup=False)
        if self.code.unread:
            files = ", ".join(self.code.unread[:3]) + (" …" if len(self.code.unread) > 3 else "")
            self.console.print(f"Not in git, and not part of the release: {files}", markup=False, soft_wrap=True)
        for name in self.facts.get("inputs", {}).get("unknown", []) if self.resumed else ():
            self.console.print(
                f"Whether the source {name} has changed since {self.id} was built cannot be known here;"
                " what is published is the data that was compared.",
                markup=False,
            )

    def _parse(self) -> None:
        """Parses the project, and checks what a human may have misspelt before anything is built."""
        try:
            self.parsed = read_code("prod")
        except CannotCompare as reason:
            raise Stopped([reason.problem.rstrip(".")], f"Fix the code, then: {typed('release')}") from None
        known = {model.name for id, model in self.parsed.models.items() if id.startswith("model.")}
        if self.base:
            known |= audit.model_names(self.base)
        if self.accept:
            require_models(self.accept, known)
        for line in misspelt_in_commits(self.accepted, known):
            self.console.print(line, style="yellow", markup=False, soft_wrap=True)
        manifest = json.loads((TARGET_PATH / store.MANIFEST).read_text(encoding="utf-8"))
        self.facts["inputs"] = read_inputs(manifest, Path(duckdb_file.NAME).stem)

    @contextmanager
    def _step(self, name: str) -> Iterator:
        steps = STEPS_LEFT if self.resumed else STEPS
        self.console.print(f"{len(self.steps) + 1}/{steps} {name}", style="bold", soft_wrap=True)
        start, results = time.perf_counter(), []
        yield results.append
        close_warehouse()
        self.steps.append((name, results[0], time.perf_counter() - start))

    def _copy(self, place: Path) -> str:
        if self.base is None:
            return "the first version: nothing to start from"
        copy = duckdb_file.copy_from(self.base, place)
        return f"{decimal(copy.size)} of {self.base.id} {copy.how}"

    def _build(self, place: Path) -> str:
        shutil.rmtree(TARGET_PATH / "run", ignore_errors=True)
        (TARGET_PATH / "run_results.json").unlink(missing_ok=True)
        result = invoke_dbt("build", "--target", "prod", *(["--full-refresh"] if self.full_refresh else []))
        for name in (store.MANIFEST, store.RUN_RESULTS):
            if (TARGET_PATH / name).exists():
                shutil.copyfile(TARGET_PATH / name, place / name)
        if not (place / store.RUN_RESULTS).exists():
            raise Stopped(
                [f"dbt built nothing: {cause(result) or 'it does not say why'}"], f"Fix that, then: {typed('release')}"
            )
        self.facts["results"] = found = audit.counts(place / store.RUN_RESULTS)
        if not result.success:
            raise Stopped(
                audit.failures(place / store.RUN_RESULTS) or [f"dbt stopped: {cause(result) or 'it does not say why'}"],
                f"Fix what failed, then: {typed('release')}",
            )
        if not found["built"]:
            raise Stopped(
                ["nothing was built: the project has no models"], "The README says how to add the first model."
            )
        warned = f", {found['warned']} warned" if found["warned"] else ""
        return f"{found['built']} built, {found['passed']} tests passed{warned}"

    def _side(self) -> Dataset:
        try:
            return open_dataset("prod")
        except CannotCompare as reason:
            raise Stopped([reason.problem], "The hooks dataops.record_build of dbt_project.yml are needed.") from None

    def _audit(self, place: Path) -> str:
        side = self._side()
        manifest = audit.read_manifest(place / store.MANIFEST)
        if lacking := audit.missing(place, manifest, side):
            raise Stopped(lacking, "A release builds everything. Is DBT_EMPTY, DBT_SAMPLE or a selector set?")
        if outside := audit.reading_outside(place / duckdb_file.NAME, manifest, audit.orphans(place, manifest, side)):
            raise Stopped(outside, f"A version of prod holds its own rows. Change that, then: {typed('release')}")
        self.facts["views_reading_outside"] = []
        count = len(audit.built_nodes(manifest))
        self.facts["not_built_by_dbt"] = strangers = audit.strangers(place, side)
        others = f"; not dbt's: {', '.join(strangers)}" if strangers else ""
        broken = self._broken_contracts()
        names = sorted(id.split(".", 2)[2] for id in broken)
        contracts = f"; breaks the contract of {', '.join(names)}" if broken else ""
        return f"nothing is missing among {count} relation{'s' * (count != 1)}{others}{contracts}"

    def _broken_contracts(self) -> dict[str, str]:
        """What of each model's contract is broken, by id."""
        self.facts["broken_contracts"] = {}
        if self.base is None:
            return {}
        try:
            found = broken_contracts(self.parsed.manifest, self.base.folder / store.MANIFEST)
        except CannotRelease as reason:
            if any(not one.models for one in self.accepted):  # else nothing could be released any more
                self.console.print(f"Contracts are not compared: {reason.problem}", markup=False, soft_wrap=True)
                return {}
            raise Stopped(
                [reason.problem.rstrip(".")],
                f"{reason.remedy}. To release without knowing: {how_to_accept('why')}",
            ) from None
        self.facts["broken_contracts"] = found
        return found

    def _crosscheck(self, place: Path) -> str:
        if self.base is None:
            return "the first version: nothing to compare with"
        remove_results()
        side = self._side()
        try:
            name = self.id if self.id == store.DRY_RUN else self.id.split("-")[0]
            result = audit.crosscheck(self.base, side, name, self.parsed)
        except CannotCompare as reason:
            raise Stopped([reason.problem], reason.remedy) from None
        result.add_broken_contracts(self.facts["broken_contracts"])
        written = write_results(result)
        shutil.copytree(CROSSCHECK_RESULTS, place / store.CROSSCHECK)
        self.facts["crosscheck"] = {"verdict": result.verdict, "headline": result.headline}
        if result.exit_code:
            show(self.console, result, written, allowed_too=False)
        self._judge(result)
        accepted = f" (accepted: {as_text(self.accepted)})" if result.breaking else ""
        return result.headline + accepted + self._drop_orphans(place, side)

    def _drop_orphans(self, place: Path, side: Dataset) -> str:
        """After the crosscheck, which names what is gone: dropped only where that is accepted."""
        orphans = audit.orphans(place, audit.read_manifest(place / store.MANIFEST), side)
        duckdb_file.drop(place, orphans)
        self.facts["dropped"] = self.facts.get("dropped", []) + [".".join(relation) for relation in orphans]
        return f"; dropped: {', '.join(self.facts['dropped'])}" if orphans else ""

    def _judge(self, result: Result) -> None:
        if result.exit_code == 2:
            names = [model.name for model in result.with_verdict("not compared")]
            raise Stopped(
                [result.problem or f"not compared: {', '.join(names)}"], result.remedy or "What to do is said above."
            )
        self.facts["crosscheck"] |= {
            "verdicts": {model.name: model.verdict for model in result.models},
            "broken_contracts": {model.name: model.broken_contract for model in result.models if model.broken_contract},
        }
        self._require_acceptance()

    def _require_acceptance(self) -> None:
        """Raises Stopped unless everything that differs is accepted."""
        found = self.facts["crosscheck"]
        known = set(found["verdicts"])
        differing = {name for name, verdict in found["verdicts"].items() if verdict in BREAKING}
        left = not_accepted(differing, self.accepted, known)
        found["accepted"] = sorted(differing.difference(left))
        if left:
            self.facts["stopped_by"] = CROSSCHECK
            reason, options = wording(left), ""
            reasons = objections(left, self.accepted, known, found["broken_contracts"])
            if is_new_start(found["verdicts"].values()):
                reason = NEW_START
                reasons = [
                    "the code has no model of prod any more, and nobody accepted that",
                    *objections([], self.accepted, known),
                ]
            if self.id != store.DRY_RUN and not self.code.uncommitted:
                options = f"--candidate {int(self.id.split('-')[0])}"
            version = any(name in left for name in found["broken_contracts"])
            raise Stopped(
                [found["headline"], *reasons],
                f"If that is meant: {how_to_accept(reason, options)}"
                + (", which publishes this candidate" if options else "")
                + f"; or a line `{TRAILER}: {reason}` at the end of the commit's message."
                + (f" A new version of a model breaks no contract: {guide('docs/releasing.md')}." if version else ""),
            )

    def _docs(self, place: Path) -> str:
        result = invoke_dbt("--quiet", "docs", "generate", "--static", "--target", "prod")
        if not result.success:
            why = cause(result) or "the message above says why"
            raise Stopped([f"the docs could not be made: {why}"], f"Fix that, then: {typed('release')}")
        shutil.copyfile(TARGET_PATH / "static_index.html", place / store.DOCS)
        return f"{decimal((place / store.DOCS).stat().st_size)}"


@contextmanager
def _as_candidate(id: str) -> Iterator[None]:
    """Lets target prod mean the candidate, for dbt and everything that asks where prod is."""
    before = dict(os.environ)
    os.environ |= {
        "DATAOPS_CANDIDATE": "true",
        "DATAOPS_RELEASE": id,
        # Monitoring keeps both with the run, and so knows in which version something failed.
        "DBT_CAUSE_CATEGORY": store.CAUSE,
        "DBT_CAUSE": id,
        "DBT_TARGET": "prod",
        "DBT_TARGET_PATH": str(TARGET_PATH),
    }
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _tools() -> dict[str, str]:
    """The versions of Python, of dbt, and of the tools that pyproject.toml names, where there is one."""
    settings = pyproject()
    groups = [settings.get("project", {}).get("dependencies", []), settings.get("dependency-groups", {}).get("dev", [])]
    wanted = [*TOOLS, *(line for group in groups for line in group if isinstance(line, str))]
    found = {"python": platform.python_version()}
    for name in (Requirement(line).name for line in wanted):
        with contextlib.suppress(PackageNotFoundError):  # pyproject.toml is newer than what is installed
            found[name] = version(name)
    return found


def _rolled_back(commit: str, prod: Version | None) -> str | None:
    """The version of a commit that prod was rolled back from, in one step or several, where nothing was released since."""
    for event in reversed(store.history()):
        if event["action"] != "rollback":
            return None
        left = store.find_kept(event.get("from"))
        if left and not left.problem and prod and left.number > prod.number and left.facts.get("commit") == commit:
            return left.id
    return None


def require_models(accept: Acceptance, known: set[str]) -> None:
    """Raises CannotRelease where --accept names something that is not a model, or models without a reason.

    Args:
        accept: what is accepted on the command line.
        known: the names of all models, of the code and of prod.
    """
    if accept.lacks_reason(known):
        raise CannotRelease(
            f"--accept names models and gives no reason: {accept.reason}.",
            f"Type: {how_to_accept(f'{accept.reason}: why')}",
        )
    if wrong := misspelt(accept, known):
        guesses = ", ".join(near for near in wrong.values() if near)
        raise CannotRelease(
            f"--accept names {', '.join(wrong)}, which {'is not a model' if len(wrong) == 1 else 'are not models'} of the code"
            f" or of prod.{f' Did you mean {guesses}?' if guesses else ''}",
            f"Type: {how_to_accept(corrected(accept, wrong))}",
        )


def next_release(
    accept: Acceptance | None,
    full_refresh: bool,
    allow_uncommitted: bool,
    dry_run: bool,
    prod: Version | None,
    by: str,
    console: Console,
) -> Release:
    """A release of the code as it is now.

    Raises:
        CannotRelease: there is no commit, there are changes beside it that were not allowed, or prod has lost its data.
    """
    if prod and prod.problem:
        raise CannotRelease(f"{prod.id} is prod, and {prod.problem}.", store.how_to_go_back(prod))
    code = repository.read_code()
    if code.uncommitted and not allow_uncommitted:
        files = ", ".join(code.uncommitted[:3]) + (" …" if len(code.uncommitted) > 3 else "")
        differ = "1 file differs" if len(code.uncommitted) == 1 else f"{len(code.uncommitted)} files differ"
        raise CannotRelease(
            f"{differ} from the last commit, so nobody could tell later what was released: {files}.",
            f"Commit the change, or: {typed('release', '--allow-uncommitted')} (it is recorded).",
        )
    undone = _rolled_back(code.commit, prod)
    if undone and not accept:
        raise CannotRelease(
            f"{undone} is the same commit, and was rolled back from: a release would bring it back.",
            f"Revert the change, or, where the data was at fault: {how_to_accept('the data is right now')}",
        )
    id = store.DRY_RUN if dry_run else store.next_id(datetime.now(UTC))
    return Release(id, code, prod, by, accepted_differences(accept, prod), full_refresh, console, accept)


def require_candidate() -> None:
    """Raises CannotRelease unless profiles.yml lets a release build prod beside prod: dbt would write into prod itself."""
    from dbt_common.exceptions import DbtBaseException

    try:
        file = warehouse_file("prod", DATAOPS_CANDIDATE="true")
    except DbtBaseException as error:
        raise CannotRelease(f"profiles.yml: {error}", "Fix it first.") from None
    if file.resolve() != (store.candidate() / store.DATA).resolve():
        raise CannotRelease(
            f"profiles.yml makes a release build prod in {store.shown(file)}. It must be built beside prod, in"
            f" {store.shown(store.candidate() / store.DATA)}.",
            f"The lines to write: {typed('doctor')}",
        )


def accepted_differences(accept: Acceptance | None, prod: Version | None) -> tuple[Acceptance, ...]:
    """What is accepted on the command line and by the commits since prod's version."""
    by_commits = repository.accepted_since(prod.facts.get("commit") if prod else None)
    return ((accept,) if accept else ()) + by_commits
