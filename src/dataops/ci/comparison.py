"""What `ci` built, compared with prod's version: is each difference within its threshold, or accepted by a commit?"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from dataops.ci.changes import Changes
from dataops.ci.prod import Prod
from dataops.crosscheck import CannotCompare, service
from dataops.crosscheck.datasets import dataset_of, open_dataset
from dataops.crosscheck.results import ModelResult, Result, describe_dataset
from dataops.engines import engine_of
from dataops.manifest import Code, Model
from dataops.project import Project
from dataops.release.acceptance import TRAILER, not_accepted, objections, reason_for
from dataops.release.repository import accepted_since
from dataops.typed import guide


@dataclass
class Comparison:
    """The verdict on the data of what was built.

    Attributes:
        verdict: `passed`, `accepted`, `failed`, or `not needed`.
        outcome: the verdict in one sentence.
        result: of the crosscheck; None if there was nothing to compare.
        problems: what could not be compared or is not accepted, one line each.
        reasons: why commits accept differences.
        not_accepted: names of the models whose differences no commit accepts.
    """

    verdict: str
    outcome: str
    result: Result | None = None
    problems: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    not_accepted: list[str] = field(default_factory=list)


def compare(project: Project, code: Code, prod: Prod, changes: Changes, built: set[str], examples: int) -> Comparison:
    """Compares the models that were built with prod's version.

    Args:
        project: in whose CI environment they were built; that holds nothing if nothing was.
        code: the models.
        prod: the copy of prod's version.
        changes: what was to be built.
        built: the ids of what was built.
        examples: how many rows to show of each kind that differs.
    """
    expected = {id for id in changes.to_build if id in code.models and id.startswith("model.")}
    removed = [id for id in changes.removed if id.startswith("model.")]
    if not expected and not removed:
        return Comparison("not needed", "No model changed, so there is nothing to compare.")
    chosen = [model for id, model in code.models.items() if id in built and id.startswith("model.")]
    result = crosscheck(project, code, chosen, prod, removed, examples)
    result.add_broken_contracts(changes.broken_contracts)
    missing = expected - {model.unique_id for model in result.models}
    if result.problem or result.with_verdict("not compared") or missing:
        problems = [one.problem for one in result.with_verdict("not compared") if one.problem]
        problems += [f"{name} should have been compared, and was not." for name in names(missing)]
        return Comparison("failed", result.headline, result, problems)
    return judge(project, code, prod, result)


def names(ids: Iterable[str]) -> list[str]:
    """The names of models, in order.

    >>> names({"model.shop.orders", "model.shop.customers"})
    ['customers', 'orders']
    """
    return sorted(id.split(".")[-1] for id in ids)


def judge(project: Project, code: Code, prod: Prod, result: Result) -> Comparison:
    """The verdict on a complete crosscheck: a difference passes if a commit since prod's version accepts it."""
    differing = {model.name for model in result.breaking}
    if not differing:
        return Comparison("passed", result.headline, result)
    accepted = accepted_since(project.root, prod.commit)
    known = {model.name for model in code.models.values()} | differing
    left = not_accepted(differing, accepted, known)
    comparison = Comparison(
        "failed" if left else "accepted",
        result.headline,
        result,
        reasons=[str(one) for one in accepted],
        not_accepted=left,
    )
    if left and accepted:
        broken = {model.name for model in result.models if model.broken_contract}  # the crosscheck lists these
        comparison.problems = objections([name for name in left if name not in broken], accepted, known)
    return comparison


def crosscheck(
    project: Project, code: Code, chosen: list[Model], prod: Prod, removed: list[str], examples: int
) -> Result:
    """The crosscheck of some models with prod's version.

    Args:
        project, code, prod, examples: as in `compare`.
        chosen: the models that were built.
        removed: ids of the models that only prod has.
    """
    before, after = project.prod.name, project.ci.name
    engine = engine_of(project, project.ci)
    result = Result(describe_dataset(None, before), describe_dataset(None, after), project=code.project)
    try:
        base = dataset_of(prod.version, before)
        result.base = describe_dataset(base, before)
        if chosen or engine.environment(project.ci).exists():
            head = open_dataset(project, after)
            result.head = describe_dataset(head, after)
            return service.compare(engine, base, head, code, chosen, everything=True, examples=examples)
        # Nothing had to be built.
        result.models = [ModelResult(id, base.builds[id].name, None, "gone") for id in removed if id in base.builds]
    except CannotCompare as reason:
        result.problem, result.remedy = reason.problem, reason.remedy
    return result


def headline(prod: str | None, verdict: str, comparison: Comparison | None) -> str:
    """The result of a run in which every step ran, in one sentence.

    Args:
        prod: the id of prod's version; None if nothing was released yet.
        verdict: of the run.
        comparison: with prod.

    >>> headline(None, "passed", None)
    'Prod has no version yet: everything was built and tested, and nothing could be compared.'
    >>> headline("0001", "passed", Comparison("not needed", "No model changed."))
    "Nothing here changes the data of prod's version 0001."
    """
    if prod is None or comparison is None:
        return "Prod has no version yet: everything was built and tested, and nothing could be compared."
    against, result = f"prod's version {prod}", comparison.result
    if verdict == "accepted":
        return f"What changed differs from {against}, and a commit accepts it."
    if result is None:
        return f"Nothing here changes the data of {against}."
    if verdict != "failed":
        return f"What changed was built and tested; its data equals that of {against}, or is within the models' thresholds."
    if not comparison.not_accepted:
        return f"What changed was built, and could not be compared with {against}."
    return (
        f"What changed differs from {against}. If that is intended, say why in a commit message:"
        f' a last line "{TRAILER}: {reason_for(comparison.not_accepted)}".'
        + (
            f" To keep the contract, add a new version of the model: {guide('docs/releasing.md')}."
            if result.breaks_contracts
            else ""
        )
    )
