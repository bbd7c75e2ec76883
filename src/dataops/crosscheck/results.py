"""The result of a crosscheck as plain values. Its shape is version 1, described in docs/crosscheck.md."""

from __future__ import annotations

import contextlib
import os
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

import duckdb

from dataops.crosscheck import CannotCompare
from dataops.crosscheck.compare import Comparer
from dataops.crosscheck.comparison import Comparison
from dataops.crosscheck.datasets import Build, Dataset, Workspace
from dataops.crosscheck.verdicts import judge, require_data, require_fresh, require_same_window
from dataops.manifest import BUILT, Model
from dataops.model_versions import continued
from dataops.typed import tool

VERSION = 1
BREAKING = ("different", "gone")
# Errors whose text names relations and columns, never values.
ABOUT_NAMES = (duckdb.CatalogException, duckdb.BinderException, duckdb.ParserException)


@dataclass
class ModelResult:
    """The result for one model.

    Attributes:
        verdict: `same`, `allowed`, `different`, `new` (head only), `gone` (base only) or `not compared`.
        problem, remedy: why it was not compared, or what differs where no rows could be compared; and what to type.
        same_code: whether base and head were built from the same code; None if one has no build.
        other_code_before: names of models that it reads, however many lie between, and that were built from other code.
        rows: of a model that only base or only head has.
        comparison: None where nothing was compared.
        broken_contract: what consumers of the base can no longer rely on.
    """

    unique_id: str
    name: str
    file: str | None
    verdict: str
    problem: str | None = None
    remedy: str | None = None
    same_code: bool | None = None
    other_code_before: list[str] = field(default_factory=list)
    rows: int | None = None
    comparison: Comparison | None = None
    limits: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    broken_contract: str | None = None


@dataclass
class Result:
    """The result of a crosscheck.

    Attributes:
        problem, remedy: why nothing at all was compared, and what to type.
        project: the project's name, empty where its code was not read.
        base, head: name, file and time of the last build of each.
    """

    base: dict[str, Any]
    head: dict[str, Any]
    models: list[ModelResult] = field(default_factory=list)
    problem: str | None = None
    remedy: str | None = None
    project: str = ""
    made_at: datetime = field(default_factory=lambda: datetime.now(UTC))

    def with_verdict(self, *verdicts: str) -> list[ModelResult]:
        """The models of some verdicts."""
        return [model for model in self.models if model.verdict in verdicts]

    @property
    def exit_code(self) -> int:
        """0 same or allowed, 1 different, 2 could not compare (some of it)."""
        if self.problem or not self.models or self.with_verdict("not compared"):
            return 2
        return 1 if self.with_verdict("different", "new", "gone") else 0

    @property
    def breaking(self) -> list[ModelResult]:
        """The models in which readers of the base would find something other than they rely on; a new model is not one of them."""
        return self.with_verdict(*BREAKING)

    @property
    def breaks_contracts(self) -> bool:
        """Whether the head breaks what consumers of the base rely on."""
        return any(model.broken_contract for model in self.models)

    def add_broken_contracts(self, broken: dict[str, str]) -> None:
        """Notes which contracts the head breaks, by the id of the model: such a model differs, whatever its rows are."""
        by_id = {model.unique_id: model for model in self.models}
        for id, text in broken.items():
            if id not in by_id:
                by_id[id] = ModelResult(id, ".".join(id.split(".")[2:]), None, "different")
                self.models.append(by_id[id])
            by_id[id].broken_contract = text
            if by_id[id].verdict in ("same", "allowed", "new"):
                by_id[id].verdict = "different"

    @property
    def verdict(self) -> str:
        """The exit code in words."""
        return ("same", "different", "could not compare")[self.exit_code]

    @property
    def headline(self) -> str:
        """The result in one sentence."""
        if self.problem:
            return f"Nothing was compared: {self.problem}"
        words = {
            "same": "the same",
            "allowed": "within their thresholds",
            "different": "different",
            "new": f"only in {self.head['name']}",
            "gone": f"only in {self.base['name']}",
            "not compared": "could not be compared",
        }
        counts = [(len(self.with_verdict(verdict)), text) for verdict, text in words.items()]
        said = ", ".join(f"{count} {text}" for count, text in counts if count)
        return f"{self.head['name']} against {self.base['name']}, {_count_kinds(self.models)}: {said}."

    def as_json(self) -> dict[str, Any]:
        """Everything as values that JSON knows."""
        models = []
        for model in self.models:
            values = asdict(model)
            values["seconds"] = round(model.seconds, 3)
            models.append(values)
        return {
            "version": VERSION,
            "made_at": self.made_at.isoformat(timespec="seconds"),
            "project": self.project,
            "verdict": self.verdict,
            "exit_code": self.exit_code,
            "headline": self.headline,
            "problem": self.problem,
            "remedy": self.remedy,
            "base": self.base,
            "head": self.head,
            "models": models,
        }


def _count_kinds(models: list[ModelResult]) -> str:
    """
    >>> _count_kinds([ModelResult(f"{kind}.shop.x", "x", None, "same") for kind in ("model", "seed", "model")])
    '2 models and 1 seed'
    """
    kinds = Counter(model.unique_id.partition(".")[0] for model in models)
    said = [f"{kinds[kind]} {kind}{'s' * (kinds[kind] != 1)}" for kind in BUILT if kinds[kind]]
    return " and ".join(filter(None, (", ".join(said[:-1]), said[-1])))


def describe_dataset(dataset: Dataset | None, name: str) -> dict[str, Any]:
    """What a result says about a dataset."""
    if dataset is None:
        return {"name": name, "file": None, "built_at": None}
    return {
        "name": dataset.name,
        "file": os.path.relpath(dataset.file),
        "built_at": dataset.built_at.isoformat(sep=" ", timespec="seconds"),
    }


def compare_models(
    space: Workspace,
    base: Dataset,
    head: Dataset,
    selected: list[Model],
    models: dict[str, Model],
    all_selected: bool,
    examples: int,
) -> Iterator[ModelResult]:
    """Compares one model after another.

    Args:
        space: reads base and head.
        base: what is compared with.
        head: the dataset under test.
        selected: the models to compare.
        models: all models of the code, by id.
        all_selected: whether no model was left out; then models that only the base still has are reported too.
        examples: how many rows of each kind to show.
    """
    for model in selected:
        start = time.perf_counter()
        result = _compare_model(space, base, head, model, models, examples)
        result.seconds = time.perf_counter() - start
        yield result
    if all_selected:
        for id in gone_models(base, head, models):
            if base.kind(base.builds[id]):
                result = ModelResult(id, base.builds[id].name, None, "gone")
                with contextlib.suppress(duckdb.Error, CannotCompare):  # a view whose tables are gone too
                    result.rows = space.count_rows(base, base.builds[id])
                yield result


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


def _compare_model(
    space: Workspace, base: Dataset, head: Dataset, model: Model, models: dict[str, Model], examples: int
) -> ModelResult:
    result = ModelResult(model.unique_id, model.name, model.file, "not compared", limits=_limits(model))
    try:
        after = _build_after(head, model, models)
        before = build_before(base, model, after)
        if before is None:
            result.rows = space.count_rows(head, after)
            result.verdict = "new"
        elif outside := [one for one, build in ((base, before), (head, after)) if one.reads_outside(build)]:
            result.rows = space.count_rows(head, after)
            result.verdict = "different"
            result.problem = (
                f"{outside[0].name} holds no rows of {model.name}: there it is a view that reads outside the version, so it"
                " shows what lies there now."
            )
        else:
            require_data(base, before, model)
            require_same_window(base, head, model)
            result.same_code = before.checksum == after.checksum
            result.other_code_before = _other_code_before(base, head, model, models)
            relations = space.relation(base, before), space.relation(head, after)
            result.comparison = _compare_rows(space, *relations, model, examples)
            result.verdict = judge(model, result.comparison)
    except CannotCompare as reason:
        result.problem, result.remedy = reason.problem, reason.remedy
    except duckdb.Error as error:
        result.problem = f"{model.name} cannot be read: {_without_values(error)}."
        result.remedy = (
            f"The whole message may hold data, so see for yourself: {tool('dbt')} show --select {model.name}"
        )
    return result


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


def _compare_rows(space: Workspace, base: str, head: str, model: Model, examples: int) -> Comparison:
    comparison = Comparer(
        space.connection,
        base,
        head,
        key=model.key,
        ignored=model.ignored_columns,
        is_personal=model.is_personal,
        example_count=examples,
        is_view=space.is_view,
    ).compare()
    absent = model.thresholds.ignore_columns - {name.lower() for name in comparison.columns_ignored}
    if absent:
        raise CannotCompare(
            f"meta.crosscheck.ignore_columns of {model.name} names {', '.join(sorted(absent))}, which neither base nor head has.",
            f"Correct it in the YAML beside {model.file}.",
        )
    return comparison


def _without_values(error: duckdb.Error) -> str:
    """What an error says, without its text if that can hold values: values can be personal data."""
    return (
        str(error).splitlines()[0] if isinstance(error, ABOUT_NAMES) else f"DuckDB stopped with {type(error).__name__}"
    )
