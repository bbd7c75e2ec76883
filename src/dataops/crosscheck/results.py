"""The result of a crosscheck as plain values. Its shape is version 1, described in docs/crosscheck.md."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import Any

from dataops.crosscheck.comparison import Comparison
from dataops.crosscheck.datasets import Dataset
from dataops.manifest import BUILT

VERSION = 1
BREAKING = ("different", "gone")


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
        summary = ", ".join(f"{count} {text}" for count, text in counts if count)
        return f"{self.head['name']} against {self.base['name']}, {_count_kinds(self.models)}: {summary}."

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
    counts = [f"{kinds[kind]} {kind}{'s' * (kinds[kind] != 1)}" for kind in BUILT if kinds[kind]]
    return " and ".join(filter(None, (", ".join(counts[:-1]), counts[-1])))


def describe_dataset(dataset: Dataset | None, name: str) -> dict[str, Any]:
    """What a result says about a dataset."""
    if dataset is None:
        return {"name": name, "file": None, "built_at": None}
    return {
        "name": dataset.name,
        "file": dataset.data.shown,
        "built_at": dataset.built_at.isoformat(sep=" ", timespec="seconds"),
    }
