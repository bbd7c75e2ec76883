"""Compares base and head, model by model."""

from __future__ import annotations

import contextlib
import io
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from dataops.crosscheck import CannotCompare
from dataops.crosscheck.compare import Comparer
from dataops.crosscheck.comparison import Comparison
from dataops.crosscheck.datasets import Build, Dataset
from dataops.crosscheck.results import ModelResult, Result, describe_dataset
from dataops.crosscheck.verdicts import judge, require_data, require_fresh, require_same_window
from dataops.engines import CannotOpen, Dialect, Engine, EngineError, Workspace
from dataops.manifest import Code, Model
from dataops.model_versions import continued
from dataops.runner import Runner
from dataops.typed import tool

NOTHING_SELECTED = '{"error": ["NoNodesForSelectionCriteria"]}'  # of dbt's --warn-error-options


def all_models(code: Code) -> list[Model]:
    """All models of the code, without seeds and snapshots.

    Raises:
        CannotCompare: it has none.
    """
    models = [model for model in code.models.values() if model.unique_id.startswith("model.")]
    if not models:
        raise CannotCompare(
            "The project has no models, so nothing was compared.", "The README shows how to add the first model."
        )
    return models


def select_models(code: Code, runner: Runner, select: tuple[str, ...], exclude: tuple[str, ...]) -> list[Model]:
    """The models to compare: all of them, or what dbt's selection syntax selects, which may name seeds and snapshots.

    Args:
        code: of the project.
        runner: dbt, in the environment of the head.
        select: models to compare; all if empty.
        exclude: models to leave out.

    Raises:
        CannotCompare: nothing is selected, or a name does not exist.
    """
    if not select and not exclude:
        return all_models(code)
    arguments = ["--quiet", "--warn-error-options", NOTHING_SELECTED, "ls"]
    arguments += ["--output", "json", "--output-keys", "unique_id", "--resource-type", "model"]
    if select:  # seeds and snapshots are compared when they are named
        arguments += ["--resource-type", "seed", "--resource-type", "snapshot", "--select", *select]
    if exclude:
        arguments += ["--exclude", *exclude]
    with contextlib.redirect_stdout(io.StringIO()):  # dbt prints what it selects
        result = runner.run(*arguments)
    selection = " ".join([*select, *(f"--exclude {one}" for one in exclude)])
    remedy = f"To list the models: {tool('dbt')} ls"
    if not result.success:
        cause = (result.problem or "its message is above").rstrip(".")
        raise CannotCompare(f"dbt cannot select {selection!r}: {cause}.", remedy)
    selected = {id for line in result.lines for id in re.findall(r'"unique_id": "([^"]+)"', line)}
    models = [model for id, model in code.models.items() if id in selected]
    if not models:
        raise CannotCompare(f"No model is selected by {selection!r}, so nothing was compared.", remedy)
    return models


def compare(
    engine: Engine,
    base: Dataset,
    head: Dataset,
    code: Code,
    models: list[Model],
    *,
    everything: bool,
    examples: int = 3,
    progress: Callable[[int, int, str], None] | None = None,
) -> Result:
    """Compares base and head.

    Args:
        engine: of both.
        base: what is compared with.
        head: what is under test.
        code: of the project, as it is now.
        models: that are compared.
        everything: whether no model was left out; then models that only the base still has are reported too.
        examples: how many rows to show of each kind that differs.
        progress: called with how many models are done, how many there are, and which one is next; empty after the last.

    Raises:
        CannotCompare: base or head cannot be opened.
    """
    result = Result(*(describe_dataset(one, one.name) for one in (base, head)), project=code.project)
    try:
        workspace = engine.workspace(base.data, head.data)
    except CannotOpen as error:
        raise CannotCompare(error.problem, "Nothing was compared.") from None
    with workspace as space:
        pair = _Pair(space, engine.dialect, base, head, code.models, examples)
        for done, model in enumerate(models):
            if progress:
                progress(done, len(models), model.name)
            start = time.perf_counter()
            found = pair.compare(model)
            found.seconds = time.perf_counter() - start
            result.models.append(found)
        if everything:
            result.models += pair.gone()
        if progress:
            progress(len(models), len(models), "")
    return result


@dataclass(frozen=True)
class _Pair:
    """Base and head, opened.

    Attributes:
        space: reads both.
        dialect: of their engine.
        base, head: the datasets.
        models: all models of the code, by id.
        examples: how many rows to show of each kind that differs.
    """

    space: Workspace
    dialect: Dialect
    base: Dataset
    head: Dataset
    models: dict[str, Model]
    examples: int

    def compare(self, model: Model) -> ModelResult:
        """Compares one model. Whatever stands in the way is in the result."""
        result = ModelResult(model.unique_id, model.name, model.file, "not compared", limits=_limits(model))
        try:
            after = _build_after(self.head, model, self.models)
            before = build_before(self.base, model, after)
            if before is None:
                result.rows = self._count_rows(self.head, after)
                result.verdict = "new"
            elif outside := self._reading_outside(before, after):
                result.rows = self._count_rows(self.head, after)
                result.verdict = "different"
                result.problem = (
                    f"{outside[0].name} holds no rows of {model.name}: there it is a view that reads outside the version, so"
                    " it shows what lies there now."
                )
            else:
                require_data(self.base, before, model)
                require_same_window(self.base, self.head, model)
                result.same_code = before.checksum == after.checksum
                result.other_code_before = _other_code_before(self.base, self.head, model, self.models)
                result.comparison = self._compare_rows(before, after, model)
                result.verdict = judge(model, result.comparison)
        except CannotCompare as reason:
            result.problem, result.remedy = reason.problem, reason.remedy
        except EngineError as error:
            reason = error.text if error.only_names else error.problem
            result.problem = f"{model.name} cannot be read: {reason.rstrip('.!')}."
            result.remedy = f"To see the whole message, which may quote data: {tool('dbt')} show --select {model.name}"
        return result

    def gone(self) -> Iterator[ModelResult]:
        """The results for the models that only the base still has."""
        for id in gone_models(self.base, self.head, self.models):
            build = self.base.builds[id]
            if self.base.kind(build):
                result = ModelResult(id, build.name, None, "gone")
                with contextlib.suppress(EngineError, CannotCompare):  # a view whose tables are gone too
                    result.rows = self._count_rows(self.base, build)
                yield result

    def _reading_outside(self, before: Build, after: Build) -> list[Dataset]:
        return [one for one, build in ((self.base, before), (self.head, after)) if one.reads_outside(build)]

    def _address(self, dataset: Dataset, build: Build) -> str:
        """A relation of a dataset as SQL, with the rows that the dataset itself would show."""
        kind = dataset.kind(build)
        if not kind:
            raise CannotCompare(
                f"{dataset.name} has no {build.schema}.{build.name}, though it was built: it was dropped since.",
                f"Type: {dataset.how_to_build()}" if dataset.environment else "",
            )
        return self.space.address(dataset.data, build.schema, build.name, kind)

    def _count_rows(self, dataset: Dataset, build: Build) -> int:
        return self.space.session.row(f"select count(*) from {self._address(dataset, build)}")[0]

    def _compare_rows(self, before: Build, after: Build, model: Model) -> Comparison:
        comparison = Comparer(
            self.space.session,
            self.dialect,
            self._address(self.base, before),
            self._address(self.head, after),
            key=model.key,
            ignored=model.ignored_columns,
            is_personal=model.is_personal,
            example_count=self.examples,
            is_view=self.space.is_view,
        ).compare()
        absent = model.thresholds.ignore_columns - {name.lower() for name in comparison.columns_ignored}
        if absent:
            raise CannotCompare(
                f"meta.crosscheck.ignore_columns of {model.name} names {', '.join(sorted(absent))},"
                " which neither base nor head has.",
                f"Correct it in the YAML beside {model.file}.",
            )
        return comparison


def gone_models(base: Dataset, head: Dataset, models: dict[str, Model]) -> list[str]:
    """The ids of the models that only the base still has. One whose relation another model has taken over is not gone."""
    places = {(build.schema, build.name) for id, build in base.builds.items() if id in models}
    before = [build_before(base, model, head.builds.get(model.unique_id)) for model in models.values()]
    places |= {(build.schema, build.name) for build in before if build}
    return [
        id
        for id, build in sorted(base.builds.items())
        if id.startswith("model.") and id not in models and (build.schema, build.name) not in places
    ]


def build_before(base: Dataset, model: Model, after: Build | None) -> Build | None:
    """The base's build of a model. A version of a model continues the model without versions if its relation is the same."""
    if after is None or model.unique_id in base.builds:
        return base.builds.get(model.unique_id)
    id = continued(model.unique_id, after.name, {id: build.name for id, build in base.builds.items()})
    return base.builds[id] if id else None


def _limits(model: Model) -> dict[str, str]:
    """The thresholds of a model that are not zero, as text."""
    names = ("rows_added", "rows_removed", "rows_changed")
    texts = {name: str(getattr(model.thresholds, name)) for name in names}
    return {name: text for name, text in texts.items() if text != "0"}


def _build_after(head: Dataset, model: Model, models: dict[str, Model]) -> Build:
    """The head's build of a model. Raises CannotCompare if it left no data, or is not what the code would give now."""
    build = head.builds.get(model.unique_id)
    if build is None:
        raise CannotCompare(
            f"{model.name} was not built in {head.name}.",
            f"Type: {head.how_to_build()}" if head.environment else "Leave it out: --exclude " + model.name,
        )
    require_data(head, build, model)
    require_fresh(head, model, models)
    return build


def _other_code_before(base: Dataset, head: Dataset, model: Model, models: dict[str, Model]) -> list[str]:
    """The names of the models that a model reads, directly or not, and that were built from other code."""
    return [
        models[id].name
        for id in models
        if id in model.ancestors
        and id in base.builds
        and id in head.builds  # else it was read from another environment (dbt's --defer)
        and base.builds[id].checksum != head.builds[id].checksum
    ]
