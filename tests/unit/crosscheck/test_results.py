"""A result as values: verdicts and exit codes, contracts, and models with versions."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

from dataops.crosscheck.datasets import Build, Dataset
from dataops.crosscheck.results import ModelResult, Result
from dataops.crosscheck.service import build_before, gone_models
from dataops.engines.duckdb.files import DuckDBFile


@pytest.mark.parametrize(
    ("verdicts", "exit_code", "headline"),
    [
        (["same", "same"], 0, "dev against prod, 2 models: 2 the same."),
        (["same", "allowed"], 0, "dev against prod, 2 models: 1 the same, 1 within their thresholds."),
        (["same", "different"], 1, "dev against prod, 2 models: 1 the same, 1 different."),
        (["new"], 1, "dev against prod, 1 model: 1 only in dev."),
        (["gone"], 1, "dev against prod, 1 model: 1 only in prod."),
        (["different", "not compared"], 2, "dev against prod, 2 models: 1 different, 1 could not be compared."),
    ],
)
def test_the_exit_code_and_the_headline_follow_from_the_verdicts(verdicts, exit_code, headline):
    models = [ModelResult(f"model.shop.m{at}", f"m{at}", None, verdict) for at, verdict in enumerate(verdicts)]
    result = Result({"name": "prod"}, {"name": "dev"}, models)
    assert (result.exit_code, result.headline) == (exit_code, headline)


def test_nothing_compared_is_an_error():
    assert Result({"name": "prod"}, {"name": "dev"}).exit_code == 2


def test_a_version_continues_the_model_without_versions():
    """Its readers find the same relation, so it is compared with what that held, and nothing is gone; in later releases too."""

    def dataset(**builds: str) -> Dataset:
        """Prod with these models, by id and the name of their relation."""
        found = {
            f"model.shop.{id}": Build(f"model.shop.{id}", "marts", name, "prod", "", "success", datetime(2026, 1, 1), 0)
            for id, name in builds.items()
        }
        return Dataset("prod", None, DuckDBFile(Path("prod.duckdb")), found, {})

    models = {f"model.shop.{id}": SimpleNamespace(unique_id=f"model.shop.{id}") for id in ("sales.v1", "sales.v2")}
    head = dataset(**{"sales.v1": "sales", "sales.v2": "sales_v2"})
    old = dataset(sales="sales", stock="stock")
    before = [build_before(old, model, head.builds[id]) for id, model in models.items()]
    assert before == [old.builds["model.shop.sales"], None]
    assert gone_models(old, head, models) == ["model.shop.stock"]
    later = dataset(**{"sales": "sales", "sales.v1": "sales", "sales.v2": "sales_v2"})
    assert gone_models(later, head, models) == []
    elsewhere = dataset(**{"sales.v1": "sales_v1", "sales.v2": "sales_v2"})
    assert gone_models(old, elsewhere, models) == ["model.shop.sales", "model.shop.stock"]
