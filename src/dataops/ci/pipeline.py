"""The steps of `ci`, on a pull request after lint:

1. Parse the project. The later steps use the result or load dbt's parse cache.
2. Build everything without rows, in a warehouse that is thrown away, and make the docs page.
3. Build and test what changed since prod's version, with everything downstream, on prod's data.
4. Compare what was built with prod's version.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
from dbt_common.exceptions import DbtBaseException

from dataops import docs
from dataops.ci.builds import built_names, describe_build, failures
from dataops.ci.changes import SELECTION, Changes, find_changes, prepare_warehouse
from dataops.ci.comparison import Comparison, compare, headline
from dataops.ci.prod import Prod, copy_prod
from dataops.ci.summary import Step, Summary
from dataops.crosscheck.command import write_results
from dataops.dbt import close_warehouse, invoke_dbt
from dataops.errors import DataopsError
from dataops.manifest import Code
from dataops.release import audit, duckdb_file, store
from dataops.release.acceptance import misspelt_in_commits
from dataops.release.repository import accepted_since
from dataops.release.store import Version
from dataops.warehouse import warehouse_file

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest

CACHE = Path("target", "ci", "partial_parse.msgpack")  # dbt's parse cache, which CI keeps from run to run
DAYS_KEPT = 14  # of a run's warehouse: as long as the artifacts of a run
Say = Callable[[str], object]


class StepFailed(DataopsError):
    """A step failed, so the steps after it are not run."""


def run(examples: int, say: Say) -> Summary:
    """Runs all steps.

    Args:
        examples: how many rows the comparison shows of each kind that differs.
        say: gets what happens, line by line.

    Raises:
        DataopsError: nothing could be checked.
    """
    with _explained():
        return Pipeline(examples, say).run()


def parse_only() -> Path:
    """Parses the project and returns the file with dbt's parse cache.

    Raises:
        DataopsError: the project cannot be parsed.
    """
    with _explained():
        set_up()
        parse()
    return CACHE


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (DbtBaseException, OSError, duckdb.Error) as error:
        raise DataopsError(f"Nothing could be checked: {error}") from error


def set_up() -> tuple[Path, Path]:
    """Prepares the environment of a run. Returns its warehouse file and the folder for the copy of prod."""
    file = warehouse_file("ci")
    copy = file.with_name(f"{file.stem}_prod")
    # Keep this path constant, with or without a prod, or dbt discards its parse cache.
    os.environ["CI_PROD_COPY"] = os.path.relpath(copy / duckdb_file.NAME)
    for old in file.parent.glob("ci_*.duckdb"):  # of other runs, on a runner that keeps its disk
        if time.time() - old.stat().st_mtime > DAYS_KEPT * 86400:
            old.unlink(missing_ok=True)
    return file, copy


def parse() -> Manifest:
    """Parses the project.

    Raises:
        StepFailed: it cannot be parsed.
    """
    result = invoke_dbt("--quiet", "parse")
    if not result.success:
        raise StepFailed("The project cannot be parsed; the log of the run says why.")
    return result.result


class Pipeline:
    """One run of `ci`.

    Args:
        examples: how many rows the comparison shows of each kind that differs.
        say: gets what happens, line by line.
    """

    def __init__(self, examples: int, say: Say):
        self.examples, self.say = examples, say
        self.parsed = Step("Parse the project")
        self.empty = Step("Build everything without rows")
        self.slim = Step("Build and test what changed")
        self.compared = Step("Compare its data with prod's")
        self.summary = Summary(steps=[self.parsed, self.empty, self.slim, self.compared])
        self.file, self.copy = set_up()
        self.prod: Prod | None = None

    def run(self) -> Summary:
        """Runs all steps, or those up to one that fails.

        Raises:
            CannotRelease: prod has a version that cannot be read or copied.
        """
        comparison = None
        try:
            self.prod = copy_prod(self.copy)
            with self.step(self.parsed):
                manifest = parse()
                self.note_models(manifest)
            with self.step(self.empty):
                self.build_empty()
            with self.step(self.slim):
                changes, built = self.build_changes(manifest)
            with self.step(self.compared):
                comparison = self.compare(manifest, changes, built)
        except StepFailed as failure:
            self.summary.headline = failure.problem
        else:
            self.summary.headline = headline(self.prod and self.prod.id, self.summary.verdict, comparison)
        finally:
            close_warehouse()
            shutil.rmtree(self.copy, ignore_errors=True)
        return self.summary

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Announces a step and measures its time. A step that does not set its verdict has failed."""
        steps = self.summary.steps
        self.say(f"{steps.index(step) + 1}/{len(steps)} {step.name}")
        start = time.perf_counter()
        step.verdict = "failed"
        try:
            yield
        finally:
            step.seconds = time.perf_counter() - start

    def note_models(self, manifest: Manifest) -> None:
        """Counts the models, and notes the names that commits accept and that are not models: their differences fail later."""
        models = sum(id.startswith("model.") for id in manifest.nodes)
        self.parsed.verdict, self.parsed.outcome = "passed", f"{models:,} models."
        if self.prod:
            known = {model.name for model in Code.from_dbt(manifest).models.values()} | audit.model_names(
                Version(self.copy)
            )
            self.summary.notes = misspelt_in_commits(accepted_since(self.prod.commit), known)
            for note in self.summary.notes:
                self.say(note)

    def build_empty(self) -> None:
        """Builds everything without rows, and makes the docs page.

        These commands load dbt's parse cache. dbt modifies the manifest that it builds from, so the parsed one is left to the
        last build.
        """
        self.remove_warehouse()
        result = invoke_dbt("--quiet", "build", "--empty")
        self.empty.outcome = self.note(result)
        if not result.success:
            raise StepFailed("Something does not build, or a unit test fails, even without rows.")
        if not docs.make_page():
            raise StepFailed("The docs page could not be made; the log of the run says why.")
        close_warehouse()
        manifest = audit.read_manifest(CACHE.with_name(store.MANIFEST))
        if self.file.exists() and (outside := audit.reading_outside(self.file, manifest)):
            self.summary.problems += outside
            for line in outside:
                self.say(line)
            raise StepFailed("A release would refuse this: a view reads outside the warehouse.")
        self.remove_warehouse()
        self.empty.verdict = "passed"

    def build_changes(self, manifest: Manifest) -> tuple[Changes | None, set[str]]:
        """Builds what changed since prod's version, or everything if there is none. Returns what changed, and the ids
        of what was built."""
        if self.prod is None:
            self.say("Prod has no version yet, so everything is built.")
            changes, before = None, "Prod has no version yet, so everything was built: "
            result = invoke_dbt("build", manifest=manifest)
        else:
            changes, before = find_changes(manifest, self.prod), f"Since prod's version {self.prod.id}: "
            if changes is None:
                self.slim.outcome = "dbt cannot tell what changed."
                raise StepFailed("dbt cannot tell what changed since prod's version; the log of the run says why.")
            if not changes.to_run:
                self.slim.outcome = f"Nothing that dbt builds or tests differs from prod's version {self.prod.id}."
                self.slim.verdict = "not needed"
                self.say(self.slim.outcome)
                return changes, set()
            prepare_warehouse(self.file, manifest, self.prod, changes)
            state = ("--state", str(self.prod.folder), "--defer", "--favor-state")
            result = invoke_dbt("build", "--select", SELECTION, *state, manifest=manifest)
        self.slim.outcome = before + self.note(result)
        self.summary.built = built_names(result)
        close_warehouse()  # so that the comparison can open it
        if not result.success:
            raise StepFailed("What changed does not build, or a test fails.")
        self.slim.verdict = "passed"
        return changes, {one.node.unique_id for one in result.result.results if str(one.status) == "success"}

    def compare(self, manifest: Manifest, changes: Changes | None, built: set[str]) -> Comparison | None:
        """Compares the models that were built with prod's version, and adds the comparison to the summary."""
        step, summary = self.compared, self.summary
        if self.prod is None or changes is None:
            step.verdict, step.outcome = "not needed", "Prod has no version yet, so there is nothing to compare with."
            return None
        comparison = compare(self.file, Code.from_dbt(manifest), self.prod, changes, built, self.examples)
        step.verdict, step.outcome = comparison.verdict, comparison.outcome
        summary.problems += comparison.problems
        summary.reasons = comparison.reasons
        if comparison.result:
            summary.crosscheck, summary.crosscheck_files = comparison.result, write_results(comparison.result)
        return comparison

    def note(self, result: dbtRunnerResult) -> str:
        """Adds what failed in a build to the summary, and returns what the build did, in one sentence."""
        self.summary.problems += failures(result)
        return describe_build(result)

    def remove_warehouse(self) -> None:
        """Removes this run's warehouse. Otherwise its contents would be taken for what this run built."""
        close_warehouse()
        for file in (self.file, self.file.with_name(f"{self.file.name}.wal")):
            file.unlink(missing_ok=True)
