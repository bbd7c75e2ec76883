"""The verdict of `ci` on the data: which differences are red, which are accepted."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from dataops.ci import comparison
from dataops.ci.changes import Changes
from dataops.ci.comparison import Comparison, compare, headline, judge
from dataops.crosscheck.results import ModelResult, Result
from dataops.release.acceptance import TRAILER, Acceptance
from tests.helpers import project_at

PROD = SimpleNamespace(id="0001-2026-11-24", commit="abc")
PROJECT = project_at(Path("shop"))


def result(**verdicts: str) -> Result:
    """A crosscheck with a verdict for each model."""
    models = [ModelResult(f"model.shop.{name}", name, None, verdict) for name, verdict in verdicts.items()]
    return Result({"name": "prod"}, {"name": "ci"}, models=models)


def code(*names: str) -> SimpleNamespace:
    return SimpleNamespace(models={f"model.shop.{name}": SimpleNamespace(name=name) for name in names})


@pytest.mark.parametrize(
    ("verdict", "breaks"),
    [("same", False), ("allowed", False), ("new", False), ("different", True), ("gone", True)],
)
def test_what_breaks_a_reader(verdict, breaks):
    """What turns a comment red and stops a release, unless it is accepted."""
    assert bool(result(orders=verdict).breaking) is breaks


@pytest.mark.parametrize(
    ("accepted", "verdict", "left", "text"),
    [
        ([], "failed", ["orders", "stock"], f'a last line "{TRAILER}: orders, stock: why"'),
        ([["orders"]], "failed", ["stock"], f'a last line "{TRAILER}: stock: why"'),
        ([[]], "accepted", [], "and a commit accepts it."),
        ([["orders"], ["stock"]], "accepted", [], "and a commit accepts it."),
    ],
)
def test_a_difference_passes_where_a_commit_accepts_it(accepted, verdict, left, text, monkeypatch):
    trailers = [Acceptance("why", frozenset(names)) for names in accepted]
    monkeypatch.setattr(comparison, "accepted_since", lambda root, commit: trailers)
    judged = judge(PROJECT, code("orders", "stock"), PROD, result(orders="different", stock="gone", customers="same"))
    assert (judged.verdict, judged.not_accepted) == (verdict, left)
    assert len(judged.reasons) == len(accepted)
    assert text in headline(PROD.id, judged.verdict, judged)


def test_data_within_its_thresholds_needs_nobody():
    judged = judge(PROJECT, code("orders"), PROD, result(orders="allowed", stock="same"))
    assert judged.verdict == "passed"
    assert "is within the models' thresholds" in headline(PROD.id, "passed", judged)


@pytest.mark.parametrize(
    ("verdict", "problems"),
    [
        ("same", ["stock should have been compared, and was not."]),
        ("not compared", ["stock should have been compared"]),
    ],
)
def test_what_could_not_be_compared_is_red(verdict, problems, monkeypatch):
    """Though no row that was compared differs, and whatever a commit accepts."""
    monkeypatch.setattr(comparison, "crosscheck", lambda *arguments: result(orders=verdict))
    changes = Changes({"model.shop.orders", "model.shop.stock"}, [], {})
    compared = compare(PROJECT, code("orders", "stock"), PROD, changes, {"model.shop.orders"}, 0)
    assert compared.verdict == "failed"
    assert [text[: len(problems[0])] for text in compared.problems] == problems
    assert headline(PROD.id, "failed", compared) == (
        f"What changed was built, and could not be compared with prod's version {PROD.id}."
    )


def test_a_change_that_builds_no_model_needs_no_comparison():
    changes = Changes({"test.shop.unique_orders"}, ["seed.shop.raw"], {})
    compared = compare(PROJECT, code("orders"), PROD, changes, set(), 0)
    assert (compared.verdict, compared.result) == ("not needed", None)
    assert headline(PROD.id, "passed", compared) == f"Nothing here changes the data of prod's version {PROD.id}."


def test_a_broken_contract_names_the_way_out():
    broken = result(orders="different")
    broken.models[0].broken_contract = "columns were removed: city"
    judged = Comparison("failed", "", broken, not_accepted=["orders"])
    assert headline(PROD.id, "failed", judged).endswith(
        "To keep the contract, add a new version of the model: docs/releasing.md."
    )
