"""What stops a release, and what accepts it: rules on values and on prepared folders."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from dataops.crosscheck.datasets import RECORD, Build, Dataset
from dataops.errors import DataopsError
from dataops.release import audit, pipeline
from dataops.release.acceptance import misspelt_in_commits, read_acceptance
from dataops.release.inputs import changed_files, read_inputs
from dataops.release.pipeline import Release, Stopped
from dataops.release.repository import Code
from dataops.runner import CannotParse
from dataops.versions import RUN_RESULTS, CannotRelease, Version, Versions
from tests import versions
from tests.helpers import project_at
from tests.versions import MANIFEST, NODES


@pytest.fixture
def candidate(prod) -> Version:
    """A candidate with the two models of tests/versions.py."""
    return versions.make_folder(prod, prod.candidate, 1)


def built(id: str, state: str, name: str) -> Build:
    return Build(id, "staging", name, "prod", "checksum", state, datetime(2026, 11, 24, tzinfo=UTC), 0)


def dataset(version: Version, **states: str) -> Dataset:
    """A candidate as crosscheck reads it: what is in it, and how the last build of each model ended."""
    builds = [built(f"model.shop.{name}", state, name) for name, state in states.items()]
    kinds = version.data.relations() | {("main", RECORD): "table"}
    return Dataset("0001", None, version.data, {build.unique_id: build for build in builds}, kinds)


def change(version: Version, sql: str) -> None:
    with duckdb.connect(str(version.data.file)) as data:
        data.execute(sql)


BUILT = {"orders": "success", "customers": "success"}


def test_nothing_is_missing(candidate):
    assert audit.missing(NODES, dataset(candidate, **BUILT)) == []


def test_what_is_missing_or_holds_nothing_of_this_release_is_named(candidate):
    assert audit.missing(NODES, dataset(candidate, orders="success")) == ["customers was not built"]
    assert audit.missing(NODES, dataset(candidate)) == ["orders was not built", "customers was not built"]
    assert audit.missing(NODES, dataset(candidate, orders="empty", customers="success")) == [
        "the build of orders ended with 'empty'"
    ]
    change(candidate, "drop table staging.orders")
    assert audit.missing(NODES, dataset(candidate, **BUILT)) == ["orders is missing"]


def test_what_dbt_never_built_is_named(candidate):
    change(candidate, "create table main.by_hand as select 1 as one")
    assert audit.unmanaged_relations(dataset(candidate, **BUILT)) == ["main.by_hand"]


def test_what_the_code_no_longer_has_is_dropped(candidate):
    """But for what dbt never built, and for what another model has taken over."""
    change(candidate, "create table main.by_hand as select 1 as one; create table staging.old as select 1 as one")
    found = dataset(candidate, **BUILT, old="success")
    found.builds["model.shop.renamed"] = built("model.shop.renamed", "success", "orders")
    assert audit.orphans(NODES, found) == {("staging", "old"): "table"}
    found.builds["snapshot.shop.old"] = found.builds.pop("model.shop.old")
    assert audit.orphans(NODES, found) == {}


def test_what_lies_in_another_database_is_not_audited():
    nodes = NODES | {"model.shop.events": NODES["model.shop.orders"] | {"database": "monitoring"}}
    assert audit.built_nodes(MANIFEST | {"nodes": nodes}, "prod") == NODES
    assert audit.built_nodes(MANIFEST, "production") == {}


RESULTS = [
    ("model.shop.orders", "success", None, None),
    (
        "model.shop.late",
        "error",
        None,
        "Runtime Error in model late\n  Binder Error: Referenced column x was not found",
    ),
    ("test.shop.unique_orders.0a", "fail", 1234, "Got 1234 results"),
    ("test.shop.not_null_orders.0b", "warn", 1, "Got 1 result"),
    ("test.shop.accepted_orders.0c", "pass", 0, None),
    ("unit_test.shop.first.the_number_is_handed_on", "fail", 1, "actual differs from expected"),
    ("model.shop.after", "skipped", None, None),
]


@pytest.fixture
def run_results(tmp_path) -> Path:
    names = ("unique_id", "status", "failures", "message")
    file = tmp_path / RUN_RESULTS
    file.write_text(json.dumps({"results": [dict(zip(names, one, strict=True)) for one in RESULTS]}))
    return file


def test_what_failed_is_named(run_results):
    """A test that only warns is not."""
    assert audit.failures(run_results) == [
        "model late: Binder Error: Referenced column x was not found",
        "test unique_orders: 1,234 rows",
        "unit test the_number_is_handed_on of first",
        "1 more were skipped for it",
    ]


def test_results_are_counted(run_results):
    assert audit.counts(run_results) == {"built": 1, "passed": 1, "warned": 1, "failed": 2}


@pytest.mark.parametrize(
    ("sql", "yaml", "line"),
    [
        (
            "{{ config(materialized='view') }} select 1",
            "shop://m/a.yml",
            "In the config(...) of m/a.sql, write materialized",
        ),
        ("select 1", "shop://m/a.yml", "Under its `config:` in m/a.yml, write `materialized: table`"),
        ("select 1", None, "Write as the first line of m/a.sql: {{ config(materialized='table') }}"),
    ],
)
def test_the_line_that_makes_a_model_a_table_is_one_that_counts(sql, yaml, line):
    """What the SQL says wins over the YAML."""
    node = {"raw_code": sql, "patch_path": yaml, "original_file_path": "m/a.sql"}
    assert audit._as_table(node).startswith(line)


def test_the_files_of_sources_are_recorded(tmp_path):
    engine = Versions(project_at(tmp_path)).engine
    (tmp_path / "data").mkdir()
    (tmp_path / "data/numbers.csv").write_text("number\n7\n")

    def source(name: str, **config) -> dict:
        return {f"source.shop.erp.{name}": {"source_name": "erp", "name": name, "config": config, "database": "other"}}

    files = source("numbers", external_location="data/{name}.csv") | source("gone", external_location="data/gone.csv")
    elsewhere = source("events") | source("web", external_location="https://example.com/a.csv")
    manifest = MANIFEST | {"sources": files | elsewhere}
    before = read_inputs(engine, manifest, "prod")
    assert {Path(path).name: bool(state) for path, state in before["files"].items()} == {
        "numbers.csv": True,
        "gone.csv": False,
    }
    assert before["unknown"] == ["erp.events", "erp.web"]
    (tmp_path / "data/numbers.csv").write_text("number\n77\n")
    assert [Path(path).name for path in changed_files(before, read_inputs(engine, manifest, "prod"))] == ["numbers.csv"]


# Acceptance


def require(
    *accepted: str, accept: str = "", number: str = "0002-2026-11-24", uncommitted: tuple = (), **verdicts: str
) -> dict:
    """What release.json has of a crosscheck whose differences are accepted, by commits and on the command line (`accept`)."""
    facts = {"crosscheck": {"headline": "0002 against 0001", "verdicts": verdicts, "broken_contracts": {}}}
    code = Code("2" * 40, "feat: 2", uncommitted)
    typed = read_acceptance(accept) if accept else None
    reasons = (*filter(None, [typed]), *map(read_acceptance, accepted))
    versions = Versions(project_at(Path()))
    release = Release(versions, number, code, None, "ada", reasons, False, Console(), typed, facts=facts)
    release._require_acceptance()
    return release.facts


FOUND = {"counted": "different", "first": "different", "second": "different", "shown": "gone", "same": "same"}


def test_what_differs_stops_a_release():
    with pytest.raises(Stopped) as stopped:
        require(**FOUND)
    assert stopped.value.reasons[:2] == ["0002 against 0001", "counted differs, and nobody accepted that"]
    assert "make release ARGS=\"--accept 'counted, first, second, shown: why' --candidate 2\"" in stopped.value.remedy
    assert "or a line `Accept-Differences: counted, first, second, shown: why`" in stopped.value.remedy
    assert require("edition 2", **FOUND)["crosscheck"]["accepted"] == ["counted", "first", "second", "shown"]


@pytest.mark.parametrize("changes", [{"number": "dry-run"}, {"uncommitted": ("models/a.sql",)}])
def test_a_candidate_that_cannot_be_published_is_not_offered(changes):
    with pytest.raises(Stopped) as stopped:
        require(**FOUND, **changes)
    assert "--candidate" not in stopped.value.remedy


def test_what_is_accepted_of_one_model_is_not_accepted_of_another():
    with pytest.raises(Stopped) as stopped:
        require("frist, second, shown: edition 2 is out", **FOUND)
    assert stopped.value.reasons[1:] == [
        "counted differs, and nobody accepted that",
        "first differs, and nobody accepted that",
        "frist, which is accepted, is not a model",
    ]
    assert "--accept 'counted, first: why' --candidate 2" in stopped.value.remedy
    both = require("frist, second, shown: edition 2 is out", "first,counted: it counts editions", **FOUND)
    assert len(both["crosscheck"]["accepted"]) == 4


def test_what_to_type_names_all_that_the_next_command_must_accept():
    """An option replaces the one that was typed before; what commits accept stays."""
    with pytest.raises(Stopped) as stopped:
        require("shown: it is gone", accept="first, same: half of it", **FOUND)
    assert stopped.value.reasons[1:] == [f"{name} differs, and nobody accepted that" for name in ("counted", "second")]
    assert "--accept 'counted, first, second: why' --candidate 2" in stopped.value.remedy
    assert require("shown: it is gone", accept="counted, first, second: why", **FOUND)


def test_a_misspelt_name_in_a_commit_is_reported():
    (line,) = misspelt_in_commits([read_acceptance("frist, second: why")], set(FOUND))
    assert "names frist, which is not a model (did you mean first?): it accepts nothing" in line


def test_names_of_models_alone_are_not_a_reason():
    with pytest.raises(CannotRelease) as raised:
        pipeline.require_models(read_acceptance("first, second"), set(FOUND))
    assert "--accept names models but gives no reason: first, second." in raised.value.problem
    assert "make release ARGS=\"--accept 'first, second: why'\"" in raised.value.remedy
    with pytest.raises(Stopped) as stopped:
        require("first, second", **FOUND)
    assert "shown differs, and nobody accepted that" in stopped.value.reasons
    assert "'first, second' names models and no reason: 'first, second: why'" in stopped.value.reasons


def test_a_broken_contract_is_named_and_a_new_start_has_words_of_its_own():
    facts = {
        "headline": "3 models",
        "verdicts": {"second": "different"},
        "broken_contracts": {"second": "columns were removed: city"},
    }
    code, versions = Code("3" * 40, "", ()), Versions(project_at(Path()))
    release = Release(versions, "0003-2026-11-24", code, None, "ada", (), False, Console(), facts={"crosscheck": facts})
    with pytest.raises(Stopped) as stopped:
        release._require_acceptance()
    assert (
        stopped.value.reasons[1] == "second breaks its contract (columns were removed: city), and nobody accepted that"
    )
    assert "To keep the contract, add a new version of the model: docs/releasing.md." in stopped.value.remedy
    with pytest.raises(Stopped, match="none of prod's models are in the code any more") as stopped:
        require(old="gone", fresh="new")
    assert "--accept 'a new start'" in stopped.value.remedy


# What parsing finds


class Unparsed:
    """dbt where the project cannot be parsed."""

    def __init__(self, reason: DataopsError):
        self._reason = reason

    def parse(self) -> None:
        raise self._reason


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        (CannotParse("dbt cannot parse it.", "Fix the code first."), "Fix the code, then: make release"),
        (DataopsError("dbt cannot parse it.", "Valid are a, b."), "Valid are a, b. Then: make release"),
    ],
)
def test_what_parsing_finds_stops_a_release_and_keeps_its_remedy(prod, reason, remedy):
    release = Release(prod, "0001-2026-11-24", Code("1" * 40, "", ()), None, "ada", (), False, Console())
    release.runner = Unparsed(reason)
    prod.folder.mkdir(parents=True)
    with pytest.raises(Stopped) as stopped:
        release.make()
    assert (stopped.value.reasons, stopped.value.remedy) == (["dbt cannot parse it"], remedy)
    assert prod.candidate.exists(), "make releases and the owner hear of it"
