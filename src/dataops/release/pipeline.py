"""Making a version of prod, step by step: everything happens beside prod, and readers see the last step alone."""

from __future__ import annotations

import contextlib
import platform
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from rich.console import Console
from rich.filesize import decimal

from dataops import dbt
from dataops.console import counted
from dataops.crosscheck import CannotCompare
from dataops.crosscheck.command import progress_bar
from dataops.crosscheck.datasets import Dataset, dataset_of, read_dataset
from dataops.crosscheck.files import FOLDER as CROSSCHECK_FOLDER
from dataops.crosscheck.files import remove_results, write_results
from dataops.crosscheck.results import BREAKING, Result, describe_dataset
from dataops.crosscheck.service import all_models, compare
from dataops.crosscheck.terminal import show
from dataops.engines import CannotOpen, Engine, ViewFails, engine_of
from dataops.errors import DataopsError, Interrupted
from dataops.manifest import Code as ParsedCode
from dataops.project import Project
from dataops.release import audit, repository
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
    reason_for,
)
from dataops.release.contracts import broken_contracts
from dataops.release.inputs import read_inputs
from dataops.release.repository import Code
from dataops.runner import CannotParse, Runner, require_same_names
from dataops.typed import guide, typed
from dataops.versions import (
    CROSSCHECK,
    DOCS,
    DRY_RUN,
    MANIFEST,
    RUN_RESULTS,
    CannotRelease,
    Version,
    Versions,
    timestamp,
    write_facts,
)

STEPS, STEPS_LEFT = 6, 3  # of a release, and of one that publishes a candidate which its crosscheck stopped
TOOLS = ("dbt-core", "dbt-dataops")  # whatever pyproject.toml says


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
        versions: of prod.
        id: of the version that it makes.
        code: what it is made of.
        base: the version that is prod, None at the first release.
        by: who makes it.
        accepted: what differences are meant.
        full_refresh: whether incremental models and seeds are built from scratch.
        console: for the lines between dbt's own.
        accept: what of it was accepted on the command line.
        steps: what was done: step, result, seconds.
        facts: the content of release.json.
        resumed: whether it publishes a candidate that its crosscheck stopped.
        parsed: the code as dbt parsed it.
    """

    versions: Versions
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

    @property
    def folder(self) -> Path:
        """Of the candidate."""
        return self.versions.candidate

    @property
    def candidate(self) -> Version:
        """What is being made."""
        return self.versions.version(self.folder)

    @property
    def engine(self) -> Engine:
        """The engine of prod."""
        return self.versions.engine

    @property
    def shown(self) -> str:
        """How results name the candidate: 0042, or dry-run."""
        return self.id if self.id == DRY_RUN else self.id.split("-")[0]

    @cached_property
    def runner(self) -> Runner:
        """dbt, where prod means the candidate."""
        return Runner(self.versions.project.as_candidate(self.id), self.versions.environment)

    @cached_property
    def dataset(self) -> Dataset:
        """The candidate as crosscheck reads it, once it is built.

        Raises:
            Stopped: nothing says what was built in it.
        """
        try:
            return read_dataset(self.candidate.data, self.shown, self.versions.environment)
        except CannotCompare as reason:
            raise Stopped([reason.problem], "The hooks dataops.record_build of dbt_project.yml are needed.") from None

    def make(self) -> None:
        """Makes the candidate and audits it.

        Raises:
            Stopped: the audit stopped it.
            CannotRelease: it could not be made.
        """
        self._introduce()
        try:
            self._parse()
        except Stopped:
            self.folder.mkdir()  # so that `make releases` and the owner know of it
            raise
        self.folder.mkdir()
        self.write_facts("stopped", ["it was killed"])  # unless something else is written later
        for name, do in (
            ("candidate", self._copy),
            ("build and test", self._build),
            ("audit", self._audit),
            ("crosscheck", self._crosscheck),
            ("docs", self._docs),
        ):
            with self._step(name) as done:
                done(do())

    def resume(self) -> None:
        """Does what is left to do for a candidate that its crosscheck stopped. If it is stopped or killed again, the candidate is
        as it was before.

        Raises:
            Stopped: not everything that differs is accepted, or the docs could not be made.
        """
        self._introduce()
        self._require_acceptance()
        self.versions.resume(self.id)
        with self._step("candidate") as done:
            dropped = self._drop_orphans()
            self.write_facts("stopped", self.facts["reasons"])
            done(f"{self.id}, as it was compared with {self.base.id}{dropped}")
        with self._step("docs") as done:
            done(self._docs())

    def publish(self) -> Version:
        """Makes the candidate prod, and returns the version.

        Raises:
            Stopped: a view of it cannot be read.
            CannotRelease: it is damaged, or cannot be put in place.
        """
        with self._step("publish") as done:
            self.engine.finish(self.folder)
            try:
                rows = self.engine.read_everything(self.candidate.data)
            except ViewFails as reason:
                remedy = f"Its SQL fails on some row. Change it, then: {typed('release')}"
                raise Stopped([reason.problem], remedy) from None
            audit.read_manifest(self.folder / MANIFEST)
            self.facts.pop("stopped_by", None)
            self.write_facts("published")
            published = self.versions.admit(self.folder, self.id)
            milliseconds = self.versions.publish(published)
            try:
                self.versions.record("release", published, self.base, self.by, as_text(self.accepted))
            except OSError as error:  # it is prod all the same; the next release notes it
                self.console.print(f"The history cannot be written now: {error.strerror}.", markup=False)
            self.console.print(self.engine.atomicity, markup=False, soft_wrap=True)
            done(
                f"{rows:,} rows read once more; {self.versions.environment} is {self.id}, swapped in {milliseconds:.1f} ms"
            )
        return published

    def write_facts(self, outcome: str, reasons: list[str] | None = None) -> None:
        """Writes release.json into the candidate's folder."""
        self.facts |= {
            "id": self.id,
            "outcome": outcome,
            "reasons": reasons or [],
            "made_at": timestamp(),
            "made_by": self.by,
            "base": self.base and self.base.id,
            "commit": self.code.commit,
            "subject": self.code.subject,
            "uncommitted": list(self.code.uncommitted),
            "accepted": as_text(self.accepted),
            **self.engine.state(self.folder),
            "seconds": self.facts.get("seconds", {}) | {name: round(seconds, 2) for name, _, seconds in self.steps},
            "tools": _tools(self.versions.project, self.engine),
        }
        write_facts(self.folder, self.facts)

    def _introduce(self) -> None:
        """Prints what is released."""
        count = len(self.code.uncommitted)
        uncommitted = f", with {count} uncommitted file{'s' * (count != 1)}" if count else ""
        what = "Dry run" if self.id == DRY_RUN else f"Release {self.id}"
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
            self.parsed = self.runner.parse()
        except Interrupted:
            raise
        except CannotParse as reason:
            raise Stopped([reason.problem.rstrip(".")], f"Fix the code, then: {typed('release')}") from None
        except DataopsError as reason:  # of a model's thresholds
            raise Stopped(
                [reason.problem.rstrip(".")], f"{reason.remedy.rstrip('.')}. Then: {typed('release')}"
            ) from None
        known = {model.name for id, model in self.parsed.models.items() if id.startswith("model.")}
        if self.base:
            known |= audit.model_names(self.base)
        if self.accept:
            require_models(self.accept, known)
        for line in misspelt_in_commits(self.accepted, known):
            self.console.print(line, style="yellow", markup=False, soft_wrap=True)
        self.facts["inputs"] = read_inputs(self.engine, self.parsed.manifest, self.candidate.data.database)

    @contextmanager
    def _step(self, name: str) -> Iterator:
        """Announces a step and times it. It is called with the step's result, as the table at the end shows it.

        Raises:
            CannotRelease: the candidate cannot be opened.
        """
        steps = STEPS_LEFT if self.resumed else STEPS
        self.console.print(f"{len(self.steps) + 1}/{steps} {name}", style="bold", soft_wrap=True)
        start, results = time.perf_counter(), []
        try:
            yield results.append
        except CannotOpen as error:
            damaged = f"It is damaged, or another program writes to it. See: {typed('releases')}"
            raise CannotRelease(error.problem, error.remedy or damaged) from None
        dbt.close_connections()
        self.steps.append((name, results[0], time.perf_counter() - start))

    def _copy(self) -> str:
        if self.base is None:
            return "the first version: nothing to start from"
        copy = self.engine.start_candidate(self.base.folder, self.base.facts, self.folder)
        return f"{decimal(copy.size)} of {self.base.id} {copy.how}"

    def _build(self) -> str:
        shutil.rmtree(self.runner.path("run"), ignore_errors=True)
        self.runner.path(RUN_RESULTS).unlink(missing_ok=True)
        options = ["--full-refresh"] if self.full_refresh else []
        result = self.runner.run("build", *options, parsed=self.parsed.parsed)
        for name in (MANIFEST, RUN_RESULTS):
            if self.runner.path(name).exists():
                shutil.copyfile(self.runner.path(name), self.folder / name)
        run_results, why = self.folder / RUN_RESULTS, result.problem or "it does not say why"
        if not run_results.exists():
            raise Stopped([f"dbt built nothing: {why}"], f"Fix that, then: {typed('release')}")
        self.facts["results"] = counts = audit.counts(run_results)
        if not result.success:
            failures = audit.failures(run_results) or [f"dbt stopped: {why}"]
            raise Stopped(failures, f"Fix what failed, then: {typed('release')}")
        if not counts["built"]:
            raise Stopped(
                ["nothing was built: the project has no models"], "The README says how to add the first model."
            )
        warned = f", {counts['warned']} warned" if counts["warned"] else ""
        return f"{counts['built']} built, {counted(counts['passed'], 'test')} passed{warned}"

    def _audit(self) -> str:
        data, manifest = self.candidate.data, audit.read_manifest(self.folder / MANIFEST)
        nodes = audit.built_nodes(manifest, data.database)
        if missing := audit.missing(nodes, self.dataset):
            raise Stopped(missing, "A release builds everything. Is DBT_EMPTY, DBT_SAMPLE or a selector set?")
        if outside := audit.reading_outside(self.engine, data, manifest, audit.orphans(nodes, self.dataset)):
            raise Stopped(outside, f"A version of prod holds its own rows. Change that, then: {typed('release')}")
        self.facts["views_reading_outside"] = []
        self.facts["not_built_by_dbt"] = unmanaged = audit.unmanaged_relations(self.dataset)
        others = f"; not built by dbt: {', '.join(unmanaged)}" if unmanaged else ""
        broken = self._broken_contracts()
        names = sorted(id.split(".", 2)[2] for id in broken)
        contracts = f"; breaks the contract of {', '.join(names)}" if broken else ""
        return f"nothing is missing among {len(nodes)} relation{'s' * (len(nodes) != 1)}{others}{contracts}"

    def _broken_contracts(self) -> dict[str, str]:
        """What of each model's contract is broken, by id."""
        self.facts["broken_contracts"] = {}
        if self.base is None:
            return {}
        try:
            broken = broken_contracts(self.parsed.manifest, self.base.folder / MANIFEST)
        except CannotRelease as reason:
            if any(not one.models for one in self.accepted):  # else nothing could be released any more
                self.console.print(f"Contracts are not compared: {reason.problem}", markup=False, soft_wrap=True)
                return {}
            raise Stopped(
                [reason.problem.rstrip(".")],
                f"{reason.remedy}. To release without this check: {how_to_accept('why')}",
            ) from None
        self.facts["broken_contracts"] = broken
        return broken

    def _crosscheck(self) -> str:
        if self.base is None:
            return "the first version: nothing to compare with"
        project = self.versions.project
        remove_results(project)
        result = self._compare()
        result.add_broken_contracts(self.facts["broken_contracts"])
        written = write_results(project, result)
        shutil.copytree(project.path(CROSSCHECK_FOLDER), self.folder / CROSSCHECK)
        self.facts["crosscheck"] = {"verdict": result.verdict, "headline": result.headline}
        if result.exit_code:
            show(self.console, result, written, allowed_too=False)
        self._require_verdicts(result)
        accepted = f" (accepted: {as_text(self.accepted)})" if result.breaking else ""
        return result.headline + accepted + self._drop_orphans()

    def _compare(self) -> Result:
        """Compares the candidate with prod."""
        try:
            base, models = dataset_of(self.base, self.base.shown), all_models(self.parsed)
            with progress_bar() as progress:
                return compare(self.engine, base, self.dataset, self.parsed, models, everything=True, progress=progress)
        except CannotCompare as reason:
            datasets = describe_dataset(None, self.base.shown), describe_dataset(self.dataset, self.shown)
            return Result(*datasets, problem=reason.problem, remedy=reason.remedy)

    def _drop_orphans(self) -> str:
        """After the crosscheck, which names what is gone: dropped only where that is accepted."""
        data, manifest = self.candidate.data, audit.read_manifest(self.folder / MANIFEST)
        orphans = audit.orphans(audit.built_nodes(manifest, data.database), self.dataset)
        if orphans:
            self.engine.drop(data, orphans)
        self.facts["dropped"] = self.facts.get("dropped", []) + [".".join(relation) for relation in orphans]
        return f"; dropped: {', '.join(self.facts['dropped'])}" if orphans else ""

    def _require_verdicts(self, result: Result) -> None:
        """Raises Stopped unless everything was compared, and everything that differs is accepted."""
        if result.exit_code == 2:
            names = [model.name for model in result.with_verdict("not compared")]
            raise Stopped(
                [result.problem or f"not compared: {', '.join(names)}"],
                result.remedy or "The messages above say what to do.",
            )
        self.facts["crosscheck"] |= {
            "verdicts": {model.name: model.verdict for model in result.models},
            "broken_contracts": {model.name: model.broken_contract for model in result.models if model.broken_contract},
        }
        self._require_acceptance()

    def _require_acceptance(self) -> None:
        """Raises Stopped unless everything that differs is accepted."""
        crosscheck = self.facts["crosscheck"]
        known = set(crosscheck["verdicts"])
        differing = {name for name, verdict in crosscheck["verdicts"].items() if verdict in BREAKING}
        left = not_accepted(differing, self.accepted, known)
        crosscheck["accepted"] = sorted(differing.difference(left))
        if not left:
            return
        self.facts["stopped_by"] = CROSSCHECK
        typed_before = self.accept.models if self.accept else frozenset()  # the next command line replaces this one
        reason, options = reason_for(sorted(typed_before & differing | set(left))), ""
        reasons = objections(left, self.accepted, known, crosscheck["broken_contracts"])
        if is_new_start(crosscheck["verdicts"].values()):
            reason = NEW_START
            reasons = [
                "none of prod's models are in the code any more, and nobody accepted that",
                *objections([], self.accepted, known),
            ]
        if self.id != DRY_RUN and not self.code.uncommitted:
            options = f"--candidate {int(self.id.split('-')[0])}"
        breaks_contract = any(name in left for name in crosscheck["broken_contracts"])
        raise Stopped(
            [crosscheck["headline"], *reasons],
            f"If this is intended: {how_to_accept(reason, options)}"
            + (", which publishes this candidate" if options else "")
            + f"; or a line `{TRAILER}: {reason}` at the end of the commit's message."
            + (
                f" To keep the contract, add a new version of the model: {guide('docs/releasing.md')}."
                * breaks_contract
            ),
        )

    def _docs(self) -> str:
        # From dbt's cache, not from `parsed`: compiling twice loses the ephemeral models in what the build has compiled.
        result = self.runner.run("--quiet", "docs", "generate", "--static")
        if not result.success:
            why = result.problem or "the message above says why"
            raise Stopped([f"the docs could not be made: {why}"], f"Fix that, then: {typed('release')}")
        page = self.folder / DOCS
        shutil.copyfile(self.runner.path("static_index.html"), page)
        return f"{decimal(page.stat().st_size)}"


def _tools(project: Project, engine: Engine) -> dict[str, str]:
    """The versions of Python, dbt and the engine, and of the tools that pyproject.toml names, where there is one."""
    pyproject = project.pyproject
    groups = [
        pyproject.get("project", {}).get("dependencies", []),
        pyproject.get("dependency-groups", {}).get("dev", []),
    ]
    wanted = [*TOOLS, *engine.tools, *(line for group in groups for line in group if isinstance(line, str))]
    tools = {"python": platform.python_version()}
    for name in (Requirement(line).name for line in wanted):
        with contextlib.suppress(PackageNotFoundError):  # pyproject.toml is newer than what is installed
            tools[name] = version(name)
    return tools


def _rolled_back(versions: Versions, commit: str, prod: Version | None) -> str | None:
    """The version of a commit that prod was rolled back from, in one step or several, where nothing was released since."""
    for event in reversed(versions.history()):
        if event["action"] != "rollback":
            return None
        left = versions.find_kept(event.get("from"))
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
            f"--accept names models but gives no reason: {accept.reason}.",
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
    versions: Versions,
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
        raise CannotRelease(f"{prod.id} is {versions.environment}, and {prod.problem}.", versions.how_to_go_back(prod))
    code = repository.read_code(versions.project.root)
    if code.uncommitted and not allow_uncommitted:
        files = ", ".join(code.uncommitted[:3]) + (" …" if len(code.uncommitted) > 3 else "")
        differ = "1 file differs" if len(code.uncommitted) == 1 else f"{len(code.uncommitted)} files differ"
        raise CannotRelease(
            f"{differ} from the last commit, so the version could not record what was released: {files}.",
            f"Commit the change, or: {typed('release', '--allow-uncommitted')} (it is recorded).",
        )
    undone = _rolled_back(versions, code.commit, prod)
    if undone and not accept:
        raise CannotRelease(
            f"{undone} is the same commit, and was rolled back from: a release would bring it back.",
            f"Revert the change, or, where the data was at fault: {how_to_accept('the data is right now')}",
        )
    id = DRY_RUN if dry_run else versions.next_id(datetime.now(UTC))
    accepted = accepted_differences(versions, accept, prod)
    return Release(versions, id, code, prod, by, accepted, full_refresh, console, accept)


def require_candidate(versions: Versions) -> None:
    """Checks that a release builds prod beside prod: dbt would write into prod itself.

    Raises:
        CannotRelease: profiles.yml gives it another place.
        DataopsError: profiles.yml cannot be read, or the macros call prod by another name.
    """
    require_same_names(versions.project)
    environment, candidate = versions.environment, versions.version(versions.candidate).data
    built = engine_of(versions.project.as_candidate("candidate")).environment(environment)
    if not built.is_same(candidate):
        raise CannotRelease(
            f"profiles.yml makes a release build {environment} in {built.shown}. It must be built beside {environment}, in"
            f" {candidate.shown}.",
            f"The lines to write: {typed('doctor')}",
        )


def accepted_differences(versions: Versions, accept: Acceptance | None, prod: Version | None) -> tuple[Acceptance, ...]:
    """What is accepted on the command line and by the commits since prod's version."""
    by_commits = repository.accepted_since(versions.project.root, prod.facts.get("commit") if prod else None)
    return ((accept,) if accept else ()) + by_commits
