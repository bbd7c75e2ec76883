"""make ci: what a pull request runs after lint.

1. dbt reads the project, once for all that follows in this process.
2. Everything builds without rows, in a warehouse that is thrown away; the docs page is made of it.
3. What changed since prod's version, and all that follows from it, is built and tested with prod's data.
4. What was built is compared with prod's version.
"""

from __future__ import annotations

import os
import shutil
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import click
import duckdb
from dbt.cli.main import dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt_common.exceptions import DbtBaseException

from dataops import docs
from dataops.ci import SUMMARY
from dataops.ci.changes import CHECKED, SELECTION, Changes, find_changes, prepare_warehouse
from dataops.ci.prod import Prod, copy_prod
from dataops.ci.summary import Step, Summary, write_summary
from dataops.console import new_console
from dataops.crosscheck import CannotCompare
from dataops.crosscheck.code import BUILT, Code
from dataops.crosscheck.command import remove_results, write_results
from dataops.crosscheck.datasets import open_side, workspace
from dataops.crosscheck.results import ModelResult, Result, compare_models, describe_side
from dataops.crosscheck.terminal import show
from dataops.dbt import FAILURES, close_warehouse, invoke_dbt
from dataops.errors import DataopsError
from dataops.release import CannotRelease, audit, duckdb_file, store
from dataops.release.acceptance import TRAILER, misspelt_in_commits, not_accepted, objections, wording
from dataops.release.repository import accepted_since
from dataops.release.store import Version
from dataops.typed import guide
from dataops.warehouse import warehouse_file

CACHE = Path("target", "ci", "partial_parse.msgpack")  # what dbt read, kept by CI from run to run
DAYS_KEPT = 14  # a run's warehouse: as long as the artifacts of a run


class Stopped(Exception):
    """A step failed, so those after it make no sense. The message says what failed."""


class Run:
    """One run of `make ci`.

    Args:
        examples: how many rows of each kind the comparison shows.
    """

    def __init__(self, examples: int):
        self.examples = examples
        self.parsed = Step("dbt reads the project")
        self.empty = Step("Everything builds without rows")
        self.slim = Step("What changed is built and tested")
        self.compared = Step("Its data against prod's")
        self.summary = Summary(steps=[self.parsed, self.empty, self.slim, self.compared])
        self.file = warehouse_file("ci")
        self.copy = self.file.with_name(f"{self.file.stem}_prod")
        self.prod: Prod | None = None
        self.gone: list[str] = []  # ids of models that only prod has
        self.not_accepted: list[str] = []  # models whose differences nobody accepted
        # The same with or without a prod, and in every check-out: where the profile differs, dbt forgets what it read before.
        os.environ["CI_PROD_COPY"] = os.path.relpath(self.copy / duckdb_file.NAME)
        for file in self.file.parent.glob("ci_*.duckdb"):  # of other runs, on a runner that keeps its disk
            if time.time() - file.stat().st_mtime > DAYS_KEPT * 86400:
                file.unlink(missing_ok=True)

    def run(self) -> None:
        """Runs all steps and fills in the summary.

        Raises:
            CannotRelease: prod has a version that cannot be read or copied.
        """
        try:
            self.prod = copy_prod(self.copy)
            with self.step(self.parsed):
                manifest = self.parse()
                self.note_misspelt(manifest)
            with self.step(self.empty):
                self.build_empty()
            with self.step(self.slim):
                changes, built = self.build_changes(manifest)
            with self.step(self.compared):
                self.compare(manifest, changes, built)
        except Stopped as reason:
            self.summary.headline = str(reason)
        else:
            self.summary.headline = self.conclusion()
        finally:
            close_warehouse()
            shutil.rmtree(self.copy, ignore_errors=True)

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Says which step begins, and takes its time."""
        steps = self.summary.steps
        print(f"{steps.index(step) + 1}/{len(steps)} {step.name}", flush=True)
        start = time.perf_counter()
        step.verdict = "failed"
        try:
            yield
        finally:
            step.seconds = time.perf_counter() - start

    def parse(self) -> Manifest:
        """The project as dbt reads it."""
        result = invoke_dbt("--quiet", "parse")
        if not result.success:
            raise Stopped("dbt cannot read the project; the log of the run says why.")
        models = sum(id.startswith("model.") for id in result.result.nodes)
        self.parsed.verdict, self.parsed.said = "passed", f"{models:,} models."
        return result.result

    def note_misspelt(self, manifest: Manifest) -> None:
        """Names what a commit accepts and that is no model: what it was meant for would be red in the end."""
        if self.prod:
            known = {model.name for model in Code(manifest).models.values()} | audit.model_names(Version(self.copy))
            self.summary.notes = misspelt_in_commits(accepted_since(self.prod.commit), known)
            print(*self.summary.notes, sep="\n", end="\n" * bool(self.summary.notes), flush=True)

    def build_empty(self) -> None:
        """Builds everything without rows, and makes the docs page."""
        self.remove_warehouse()
        result = invoke_dbt("--quiet", "build", "--empty")
        self.note(self.empty, result)
        if not result.success:
            raise Stopped("Something does not build, or a unit test fails, even without rows.")
        if not docs.make_page():
            raise Stopped("The docs page could not be made; the log of the run says why.")
        close_warehouse()
        manifest = CACHE.with_name(store.MANIFEST)
        if self.file.exists() and (outside := audit.reading_outside(self.file, audit.read_manifest(manifest))):
            self.summary.problems += outside
            print(*outside, sep="\n")
            raise Stopped("A release would refuse this: a view reads outside the warehouse.")
        self.remove_warehouse()
        self.empty.verdict = "passed"

    def build_changes(self, manifest: Manifest) -> tuple[Changes | None, set[str]]:
        """Builds what changed since prod's version, or everything where there is none. Returns what changed, and the ids
        of what was built."""
        if self.prod is None:
            print("Prod has no version yet, so there is nothing to read from: everything is built.", flush=True)
            result = invoke_dbt("build", manifest=manifest)
            self.note(self.slim, result, "Prod has no version yet, so everything was built: ")
            changes = None
        else:
            changes = find_changes(manifest, self.prod)
            if changes is None:
                self.slim.said = "dbt cannot tell what changed."
                raise Stopped("dbt cannot tell what changed since prod's version; the log of the run says why.")
            if not changes.to_run:
                self.slim.said = f"Nothing that dbt builds or tests differs from prod's version {self.prod.id}."
                self.slim.verdict = "not needed"
                print(self.slim.said, flush=True)
                return changes, set()
            prepare_warehouse(self.file, manifest, self.prod, changes)
            state = ("--state", str(self.prod.folder), "--defer", "--favor-state")
            result = invoke_dbt("build", "--select", SELECTION, *state, manifest=manifest)
            self.note(self.slim, result, f"Since prod's version {self.prod.id}: ")
        close_warehouse()  # the comparison reads it
        if not result.success:
            raise Stopped("What changed does not build, or a test fails.")
        self.slim.verdict = "passed"
        return changes, {one.node.unique_id for one in result.result.results if str(one.status) == "success"}

    def compare(self, manifest: Manifest, changes: Changes | None, built: set[str]) -> None:
        """Compares the models that were built with prod's version."""
        step = self.compared
        if self.prod is None or changes is None:
            step.verdict, step.said = "not needed", "Prod has no version yet, so there is nothing to compare with."
            return
        code = Code(manifest)
        chosen = [model for id, model in code.models.items() if id in built and id.startswith("model.")]
        expected = {id for id in changes.to_build if id in code.models and id.startswith("model.")}
        self.gone = gone = [id for id in changes.removed if id.startswith("model.")]
        if not expected and not gone:
            step.verdict, step.said = "not needed", "No model changed, so there is nothing to compare."
            return
        self.summary.crosscheck = found = self.crosscheck(code, chosen, changes.broken_contracts)
        compared = {model.unique_id for model in found.models}
        step.said = found.headline
        if found.problem or found.with_verdict("not compared") or expected - compared:
            self.summary.problems += [one.problem for one in found.with_verdict("not compared") if one.problem]
            missing = sorted(id.split(".")[-1] for id in expected - compared)
            self.summary.problems += [f"{name} was to be compared, and was not." for name in missing]
            return
        differing = {model.name for model in found.breaking}
        if not differing:
            step.verdict = "passed"
            return
        accepted = accepted_since(self.prod.commit)
        known = {model.name for model in code.models.values()} | differing
        self.not_accepted = left = not_accepted(differing, accepted, known)
        if accepted:
            self.summary.reasons = [str(one) for one in accepted]
        if not left:
            step.verdict = "accepted"
        elif accepted:
            broken = {model.name for model in found.models if model.broken_contract}  # the comparison says it
            self.summary.problems += objections([name for name in left if name not in broken], accepted, known)

    def crosscheck(self, code: Code, chosen: list, broken_contracts: dict[str, str]) -> Result:
        """The comparison of some models with prod's version, shown and written as `make crosscheck` does."""
        result = Result(describe_side(None, "prod"), describe_side(None, "ci"), project=code.project)
        try:
            base = replace(open_side(str(self.prod.file)), name="prod")
            result.base = describe_side(base, "prod")
            if chosen or self.file.exists():
                head = open_side("ci")
                result.head = describe_side(head, "ci")
                with workspace(base, head) as space:
                    result.models = list(compare_models(space, base, head, chosen, code.models, True, self.examples))
            else:  # nothing had to be built
                result.models = [
                    ModelResult(id, base.builds[id].name, None, "gone") for id in self.gone if id in base.builds
                ]
        except CannotCompare as reason:
            result.problem, result.remedy = reason.problem, reason.remedy
        result.add_broken_contracts(broken_contracts)
        written = write_results(result)
        show(new_console(), result, written)
        return result

    def note(self, step: Step, result: dbtRunnerResult, before: str = "") -> None:
        """Notes what a build did in the summary."""
        results = list(getattr(result.result, "results", None) or [])
        failed = [one for one in results if str(one.status) in FAILURES]
        built = [one for one in results if str(one.node.resource_type) in BUILT and str(one.status) == "success"]
        tests = Counter(str(one.status) for one in results if str(one.node.resource_type) in CHECKED)
        parts = [f"{len(built)} built", f"{tests['pass']} tests passed"]
        parts += [f"{count} {what}" for count, what in ((tests["warn"], "warned"), (len(failed), "failed")) if count]
        if skipped := sum(str(one.status) == "skipped" for one in results):
            parts.append(f"{skipped} skipped")
        step.said = f"{before}{', '.join(parts)}."
        self.summary.built = [one.node.name for one in built] if step is self.slim else []
        self.summary.problems += [f"{one.node.name} ({one.node.original_file_path}): {reason(one)}" for one in failed]
        if not result.success and not failed:
            step.said = "dbt stopped before it built anything."

    def conclusion(self) -> str:
        """The result in one sentence, where every step ran."""
        if self.prod is None:
            return "Prod has no version yet: everything was built and tested, and nothing could be compared."
        against = f"prod's version {self.prod.id}"
        found = self.summary.crosscheck
        if self.summary.verdict == "accepted":
            return f"What changed differs from {against}, and that is accepted."
        if self.summary.verdict == "failed":
            if found and (found.problem or found.with_verdict("not compared")):
                return f"What changed was built, and could not be compared with {against}."
            return (
                f"What changed differs from {against}. Is it meant to? Then say why in a commit message:"
                f' a last line "{TRAILER}: {wording(self.not_accepted)}".'
                + (
                    f" A new version of a model breaks no contract: {guide('docs/releasing.md')}."
                    if found.breaks_contracts
                    else ""
                )
            )
        if found:
            return (
                f"What changed was built and tested; its data is that of {against}, or within the models' thresholds."
            )
        return f"Nothing here gives other data than {against}."

    def remove_warehouse(self) -> None:
        """Removes this run's warehouse: what is in it would be taken for what this run built."""
        close_warehouse()
        for file in (self.file, self.file.with_name(f"{self.file.name}.wal")):
            file.unlink(missing_ok=True)


def reason(result) -> str:
    """Why a node failed, without what may be data: the text of a warehouse's error can hold values."""
    lines = [line.strip() for line in (result.message or "").splitlines() if line.strip()]
    if str(result.status) == "fail" or (lines and lines[0].startswith("Compilation Error")):
        return " ".join(lines) or "failed"
    kind = next(
        (line.split(":")[0] for line in lines[1:] if ": " in line), lines[0].split(" in ")[0] if lines else "error"
    )
    return f"{kind}; the log of the run has its text"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--examples",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Rows of prod's data to show of each kind that differs. Whoever reads the pull request sees them.",
)
@click.option(
    "--only-parse", is_flag=True, help="Let dbt read the project, for the cache that runs start from, no more."
)
def main(examples: int, only_parse: bool) -> None:
    """Build without rows, build what changed since prod's version, and compare its data with prod's.

    Exit codes: 0 nothing is wrong; 1 something is; 2 it could not be checked.
    """
    run_id = os.environ.get("CI_RUN_ID") or "local"  # to dbt, which compares with what it read, unset is not empty
    os.environ.update(DBT_TARGET="ci", DBT_TARGET_PATH=str(CACHE.parent), CI_RUN_ID=run_id)
    if not only_parse:
        SUMMARY.unlink(missing_ok=True)
        remove_results()
    try:
        run = Run(examples)
        if only_parse:
            run.parse()
            print(f"dbt has read the project: {CACHE}")
            return
        run.run()
    except (CannotRelease, Stopped, DbtBaseException, OSError, duckdb.Error) as error:
        raise DataopsError(f"Nothing could be checked: {error}") from error
    write_summary(run.summary)
    print(f"\n{run.summary.headline}\n{SUMMARY}")
    sys.exit(run.summary.verdict == "failed")
