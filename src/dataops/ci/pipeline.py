"""The steps of `ci`, on a pull request after lint:

1. Parse the project. The later steps use the result or load dbt's parse cache.
2. Build everything without rows, in an environment that is thrown away, and make the docs page.
3. Build and test what changed since prod's version, with everything downstream, on prod's data.
4. Compare what was built with prod's version.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from dataops import dbt, docs
from dataops.ci.builds import built_ids, describe_build, failures, name_of
from dataops.ci.changes import SELECTION, Changes, find_changes, kept_tables, source_views
from dataops.ci.comparison import Comparison, compare, headline
from dataops.ci.prod import Prod, copy_prod
from dataops.ci.summary import Step, Summary
from dataops.crosscheck.files import write_results
from dataops.engines import EngineError, engine_of
from dataops.errors import DataopsError
from dataops.manifest import Code
from dataops.project import Project
from dataops.release import audit
from dataops.release.acceptance import misspelt_in_commits
from dataops.release.repository import accepted_since
from dataops.runner import CannotParse, Runner

CACHE = "partial_parse.msgpack"  # dbt's parse cache, which CI keeps from run to run
DAYS_KEPT = 14  # of what a run built: as long as the artifacts of a run
Report = Callable[[str], object]


class StepFailed(DataopsError):
    """A step failed, so the steps after it are not run."""


def run(project: Project, examples: int, report: Report) -> Summary:
    """Runs all steps.

    Args:
        project: the project.
        examples: how many rows the comparison shows of each kind that differs.
        report: gets what happens, line by line.

    Raises:
        DataopsError: nothing could be checked.
    """
    with _explained():
        return Pipeline(project, examples, report).run()


def parse_only(project: Project) -> Path:
    """Parses the project and returns the file with dbt's parse cache, from the root.

    Raises:
        DataopsError: the project cannot be parsed.
    """
    with _explained():
        own, _ = set_up(project)
        runner = Runner(own, own.ci)
        parse(runner)
    return runner.target_path / CACHE


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except (OSError, EngineError) as error:
        raise DataopsError(f"Nothing could be checked: {error}") from error


def set_up(project: Project) -> tuple[Project, Path]:
    """Prepares the environment of a run. Returns the project as the run sees it, and the folder for the copy of prod."""
    # Set even when empty: for dbt's parse cache, unset and empty are different values.
    run = project.variables.get("CI_RUN_ID") or "local"
    own = project.with_target(project.ci).with_variables(CI_RUN_ID=run)
    copy = own.ci.folder / f"{own.ci}_{run}_prod"
    engine = engine_of(own, own.ci)
    engine.remove_old_runs(own.ci, run, DAYS_KEPT)
    return own.with_variables(**engine.copy_variables(copy)), copy


def parse(runner: Runner) -> Code:
    """Parses the project.

    Raises:
        StepFailed: it cannot be parsed.
    """
    try:
        return runner.parse()
    except CannotParse:
        raise StepFailed("The project cannot be parsed; the log of the run says why.") from None


class Pipeline:
    """One run of `ci`.

    Args:
        project: the project.
        examples: how many rows the comparison shows of each kind that differs.
        report: gets what happens, line by line.
    """

    def __init__(self, project: Project, examples: int, report: Report):
        self.examples, self.report = examples, report
        self.parsed = Step("Parse the project")
        self.empty = Step("Build everything without rows")
        self.slim = Step("Build and test what changed")
        self.compared = Step("Compare its data with prod's")
        self.summary = Summary(steps=[self.parsed, self.empty, self.slim, self.compared])
        self.project, self.copy = set_up(project)
        self.engine = engine_of(self.project, self.project.ci)
        self.data = self.engine.environment(self.project.ci)
        self.runner = Runner(self.project, self.project.ci)
        self.prod: Prod | None = None

    def run(self) -> Summary:
        """Runs all steps, or those up to one that fails.

        Raises:
            CannotRelease: prod has a version that cannot be read or copied.
        """
        comparison = None
        try:
            self.prod = copy_prod(self.project, self.copy)
            with self.step(self.parsed):
                code = parse(self.runner)
                self.note_models(code)
            with self.step(self.empty):
                self.build_empty(code)
            with self.step(self.slim):
                changes, built = self.build_changes(code)
            with self.step(self.compared):
                comparison = self.compare(code, changes, built)
        except StepFailed as failure:
            self.summary.headline = failure.problem
        else:
            self.summary.headline = headline(self.prod and self.prod.id, self.summary.verdict, comparison)
        finally:
            dbt.close_connections()
            shutil.rmtree(self.copy, ignore_errors=True)
        return self.summary

    @contextmanager
    def step(self, step: Step) -> Iterator[None]:
        """Announces a step and measures its time. A step that does not set its verdict has failed."""
        steps = self.summary.steps
        self.report(f"{steps.index(step) + 1}/{len(steps)} {step.name}")
        start = time.perf_counter()
        step.verdict = "failed"
        try:
            yield
        finally:
            step.seconds = time.perf_counter() - start

    def note_models(self, code: Code) -> None:
        """Counts the models, and notes the names that commits accept and that are not models: their differences fail later."""
        models = sum(id.startswith("model.") for id in code.manifest["nodes"])
        self.parsed.verdict, self.parsed.outcome = "passed", f"{models:,} models."
        if self.prod:
            known = {model.name for model in code.models.values()} | audit.model_names(self.prod.version)
            self.summary.notes = misspelt_in_commits(accepted_since(self.project.root, self.prod.commit), known)
            for note in self.summary.notes:
                self.report(note)

    def build_empty(self, code: Code) -> None:
        """Builds everything without rows, and makes the docs page.

        These commands load dbt's parse cache. dbt modifies the manifest that it builds from, so the parsed one is left to the
        last build.
        """
        self.remove_data()
        result = self.runner.run("--quiet", "build", "--empty")
        self.empty.outcome = self.note(code, result)
        if not result.success:
            raise StepFailed("Something does not build, or a unit test fails, even without rows.")
        made, page = docs.make_page(self.runner)
        if not made.success:
            raise StepFailed("The docs page could not be made; the log of the run says why.")
        self.report(f"Docs: {page.resolve().as_uri()}")
        dbt.close_connections()
        if self.data.exists() and (outside := audit.reading_outside(self.engine, self.data, code.manifest)):
            self.summary.problems += outside
            for line in outside:
                self.report(line)
            raise StepFailed("A release would refuse this: a view reads outside the warehouse.")
        self.remove_data()
        self.empty.verdict = "passed"

    def build_changes(self, code: Code) -> tuple[Changes | None, set[str]]:
        """Builds what changed since prod's version, or everything if there is none. Returns what changed, and the ids
        of what was built."""
        if self.prod is None:
            self.report("Prod has no version yet, so everything is built.")
            changes, before = None, "Prod has no version yet, so everything was built: "
            result = self.runner.run("build", parsed=code.parsed)
        else:
            changes, before = self.find_changes(code, self.prod), f"Since prod's version {self.prod.id}: "
            if not changes.to_run:
                self.slim.outcome = f"Nothing that dbt builds or tests differs from prod's version {self.prod.id}."
                self.slim.verdict = "not needed"
                self.report(self.slim.outcome)
                return changes, set()
            self.carry_over(code, self.prod, changes)
            state = ("--state", str(self.prod.folder), "--defer", "--favor-state")
            result = self.runner.run("build", "--select", SELECTION, *state, parsed=code.parsed)
        built = built_ids(result)
        self.slim.outcome = before + self.note(code, result)
        self.summary.built = [name_of(code.manifest, id) for id in built]
        dbt.close_connections()  # so that the comparison can open it
        if not result.success:
            raise StepFailed("What changed does not build, or a test fails.")
        self.slim.verdict = "passed"
        return changes, set(built)

    def find_changes(self, code: Code, prod: Prod) -> Changes:
        """What changed since prod's version."""
        changes = find_changes(self.runner, code, prod)
        if changes is None:
            self.slim.outcome = "dbt cannot tell what changed."
            raise StepFailed("dbt cannot tell what changed since prod's version; the log of the run says why.")
        return changes

    def carry_over(self, code: Code, prod: Prod, changes: Changes) -> None:
        """Puts into the environment what dbt does not defer."""
        views = source_views(code.manifest, self.data.database, prod, changes)
        dbt.close_connections()
        self.engine.carry_over(prod.data, self.data, views, kept_tables(code.manifest, prod, changes))

    def compare(self, code: Code, changes: Changes | None, built: set[str]) -> Comparison | None:
        """Compares the models that were built with prod's version, and adds the comparison to the summary."""
        step, summary = self.compared, self.summary
        if self.prod is None or changes is None:
            step.verdict, step.outcome = "not needed", "Prod has no version yet, so there is nothing to compare with."
            return None
        comparison = compare(self.project, code, self.prod, changes, built, self.examples)
        step.verdict, step.outcome = comparison.verdict, comparison.outcome
        summary.problems += comparison.problems
        summary.reasons = comparison.reasons
        if comparison.result:
            summary.crosscheck = comparison.result
            summary.crosscheck_files = write_results(self.project, comparison.result)
        return comparison

    def note(self, code: Code, result: dbt.Result) -> str:
        """Adds what failed in a build to the summary, and returns what the build did, in one sentence."""
        self.summary.problems += failures(code.manifest, result)
        return describe_build(result)

    def remove_data(self) -> None:
        """Empties CI's environment. Otherwise its contents would be taken for what this run built."""
        dbt.close_connections()
        self.engine.remove(self.data)
