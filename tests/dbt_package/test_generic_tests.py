"""The package's generic tests on the data of tests/dbt_package/project: which rows each one finds, and what it does with them.

The expected result of a test is in its `config.meta`: the status, and the rows that it stores, with values separated by
`|`, `-` for a null and `*` for a value that differs from run to run.
"""

from __future__ import annotations

import json
import shutil
from collections import defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.dbt_package.dbt_project import PROJECT, DbtProject
from tests.helpers import REPOSITORY

FOLDER = Path("models", "generic_tests")
NAMES = sorted(file.stem for file in (REPOSITORY / "macros/generic_tests").glob("*.sql"))


@dataclass(frozen=True)
class Outcome:
    """What a test came to.

    Attributes:
        status: pass, warn, fail or error.
        rows: what it stored, as `config.meta.rows` writes it.
    """

    status: str
    rows: list[str]


def generic_tests_in(properties: dict) -> list[dict]:
    """All tests of a properties file, those of columns too."""
    models = properties["models"]
    places = [*models, *(column for model in models for column in model.get("columns", []))]
    return [test for place in places for test in place.get("data_tests", [])]


@cache
def cases() -> dict[str, tuple[str, dict]]:
    """By name: the generic test that a case is about, and its config."""
    found = {}
    for file in sorted((PROJECT / FOLDER).glob("*.yml")):
        for test in generic_tests_in(yaml.safe_load(file.read_text(encoding="utf-8"))):
            ((kind, settings),) = test.items()
            found[settings["name"]] = (kind.removeprefix("dataops."), settings["config"])
    return found


def as_text(value: object) -> str:
    return "-" if value is None else str(value)


@pytest.fixture(scope="module")
def outcomes(made_once, installed) -> dict[str, Outcome]:
    """What each case came to in one `dbt build`."""

    def make(folder: Path) -> Path:
        project = installed.copy(folder)
        project.dbt("build", "--select", f"path:{FOLDER}")
        return project.folder

    target = made_once("generic_tests", make) / "target"
    results = json.loads((target / "run_results.json").read_text(encoding="utf-8"))["results"]
    manifest = json.loads((target / "manifest.json").read_text(encoding="utf-8"))["nodes"]
    found = {}
    with duckdb.connect(str(target.parent / "dev.duckdb"), read_only=True) as warehouse:
        for result in results:
            node = manifest[result["unique_id"]]
            if node["resource_type"] == "test":
                assert result["status"] != "error", result["message"]
                stored = warehouse.execute(f"from {node['relation_name']}").fetchall()
                found[node["name"]] = Outcome(result["status"], ["|".join(map(as_text, row)) for row in stored])
    return found


def agrees(row: str, expected: str) -> bool:
    """Whether a row is the expected one, whose `*` stand for any value but a null."""
    values, wanted = row.split("|"), expected.split("|")
    pairs = zip(values, wanted, strict=True)
    return all(value == want or (want == "*" and value != "-") for value, want in pairs)


@pytest.mark.parametrize("name", cases())
def test_a_generic_test_finds_exactly_the_rows_that_it_should(name, outcomes):
    expected = cases()[name][1]["meta"]
    outcome = outcomes[name]
    assert outcome.status == expected["status"]
    rows = sorted(expected.get("rows", []))
    assert len(outcome.rows) == len(rows), outcome
    assert all(map(agrees, sorted(outcome.rows), rows)), outcome


def test_every_generic_test_is_proven_in_every_way():
    """A passing and a failing case, an empty table, a filter, a warning and a threshold; stored rows are on for all."""
    proven = defaultdict(set)
    for name, (kind, config) in cases().items():
        ways = {
            config["meta"]["status"],
            "empty table" if "__empty_table" in name else "rows",
            "where" if "where" in config else "",
            "severity" if config.get("severity") == "warn" else "",
            "threshold" if "error_if" in config else "",
        }
        proven[kind] |= ways
    assert sorted(proven) == NAMES
    for kind, ways in proven.items():
        assert ways - {""} == {"pass", "warn", "fail", "empty table", "rows", "where", "severity", "threshold"}, kind
    settings = yaml.safe_load((PROJECT / "dbt_project.yml").read_text(encoding="utf-8"))
    assert settings["data_tests"]["dataops_integration"]["+store_failures"] is True


WRONG = {
    "accepted_range": {
        "{}": "dataops.accepted_range needs a bound. Add one to its arguments, for example: min_value: 0",
        "{min_value: 2, max_value: 1}": "no value is in a range from 2 to 1. Swap min_value and max_value",
        "{min_value: 2026-01-01}": "Write: \"cast('2026-01-01' as date)\"",
        "{max_value: '2026-01-01 10:00:00'}": "Write: \"cast('2026-01-01 10:00:00' as timestamp)\"",
    },
    "conserves_rows": {
        "{source: ref('no_rows'), rejected: ref('no_rows'), keys: id}": "must be lists of the same length, for example: keys: [order_id]",
        "{source: ref('no_rows'), rejected: ref('no_rows'), keys: [id], source_keys: []}": "must be lists of the same length",
    },
    "rejected_share_below": {
        "{rejected: ref('no_rows')}": "needs warn_above, fail_above or both, for example: fail_above: 0.05",
        "{rejected: ref('no_rows'), fail_above: 5}": "a limit must be a share of all rows, from 0 to less than 1, for example 0.05; got: 5",
        "{rejected: ref('no_rows'), warn_above: true}": "a share of all rows",
        "{rejected: ref('no_rows'), warn_above: 0.2, fail_above: 0.1}": "warn_above must be less than fail_above",
    },
    "matches_pattern": {"{pattern: 12}": "needs a pattern, in single quotes", "{pattern: ''}": "needs a pattern"},
    "no_gaps": {
        "{period: dya}": "period must be one of hour, day, week, month, quarter, year. Leave it out",
        "{step: 0}": "step must be a number above 0",
        "{step: -0.5}": "step must be a number above 0",
        "{step: 1, period: day}": "takes a period (for dates) or a step (for numbers), not both",
        "{group_by_columns: shop}": "group_by_columns must be a list of columns, for example: group_by_columns: [shop_id]; got: shop",
    },
    "no_overlaps": {
        "{valid_from: a, valid_to: a}": "dataops.no_overlaps needs two columns",
        "{valid_from: a, valid_to: b, group_by_columns: c}": "group_by_columns must be a list of columns, for example: group_by_columns: [product_id]; got: c",
    },
    "not_empty_since": {
        "{}": "needs either days or hours, a whole number, for example: days: 1",
        "{days: 1, hours: 1}": "needs either days or hours",
        "{days: -1}": "needs either days or hours",
        "{hours: 1.5}": "needs either days or hours",
    },
    "reconciles_with": {
        "{compare_model: ref('no_rows'), expression: sum(a), group_by_columns: day}": "must be lists of the same length",
        "{compare_model: ref('no_rows'), expression: sum(a), group_by_columns: [a], compare_group_by_columns: [a, b]}": "must be lists of the same length",
        "{compare_model: ref('no_rows'), expression: sum(a), tolerance: -1}": "tolerance must be a number, 0 or more",
        "{compare_model: ref('no_rows'), expression: ''}": "needs an expression that aggregates rows, for example: expression: sum(net_amount)",
    },
    "row_count_between": {
        "{}": "needs whole numbers, at least one, for example: min_value: 1",
        "{min_value: a}": "needs whole numbers",
        "{min_value: true}": "needs whole numbers",
        "{min_value: 5, max_value: 4}": "no table has from 5 to 4 rows. Swap min_value and max_value",
    },
    "unique_combination": {
        "{columns: id}": "needs a list of different columns, for example: columns: [order_id, line_number]; got: id",
        "{columns: []}": "needs a list of different columns",
        "{columns: [id, id]}": "needs a list of different columns",
    },
}


@pytest.fixture(scope="module")
def one_model(installed, tmp_path_factory) -> DbtProject:
    """The project with one model, which a faulty test is put on. dbt stops at the first fault, so each has a parse of its own."""
    project = installed.copy(tmp_path_factory.mktemp("faulty_tests"))
    models = project.folder / "models"
    shutil.rmtree(models)
    shutil.rmtree(project.folder / "snapshots")
    models.mkdir()
    shutil.copy(PROJECT / FOLDER / "no_rows.sql", models)
    project.succeed("parse")
    return project


@pytest.mark.parametrize("name", NAMES)
def test_wrong_arguments_are_refused_with_one_clear_message(name, one_model):
    at_a_column = name in {"accepted_range", "matches_pattern", "no_gaps", "not_empty_since"}
    for arguments, message in WRONG[name].items():
        test = f"data_tests: [{{dataops.{name}: {{name: faulty, arguments: {arguments}}}}}]"
        place = f"columns: [{{name: id, {test}}}]" if at_a_column else test
        text = f"models:\n  - name: no_rows\n    {place}\n"
        (one_model.folder / "models/faulty.yml").write_text(text, encoding="utf-8")
        done = one_model.dbt("parse")
        assert "Compilation Error" in done.output and message in done.output, (arguments, done.output)
