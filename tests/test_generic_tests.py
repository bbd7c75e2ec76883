"""The package's generic tests on the data of tests/integration: which rows each one finds, and what it does with them.

What a test there should come to stands beside it, in `config.meta`: its status, and the rows that it stores, values
parted by `|`, `-` for a null and `*` for one that differs from run to run.
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

from tests.helpers import REPOSITORY, run, succeed, sys

FOLDER = Path("models", "generic_tests")
INTEGRATION = REPOSITORY / "tests/integration"
DBT = Path(sys.executable).parent / "dbt"
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
    for file in sorted((INTEGRATION / FOLDER).glob("*.yml")):
        for test in generic_tests_in(yaml.safe_load(file.read_text(encoding="utf-8"))):
            ((kind, settings),) = test.items()
            found[settings["name"]] = (kind.removeprefix("dataops."), settings["config"])
    return found


@pytest.fixture(scope="module")
def project(tmp_path_factory) -> Path:
    project = tmp_path_factory.mktemp("generic_tests") / "project"
    shutil.copytree(INTEGRATION, project, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages"))
    (project / "packages.yml").write_text(f"packages:\n  - local: {REPOSITORY}\n", encoding="utf-8")
    succeed(DBT, "deps", cwd=project)
    succeed(DBT, "--warn-error", "parse", cwd=project)
    return project


def as_text(value: object) -> str:
    return "-" if value is None else str(value)


@pytest.fixture(scope="module")
def outcomes(project) -> dict[str, Outcome]:
    """What each case came to in one `dbt build`."""
    run(DBT, "build", "--select", f"path:{FOLDER}", cwd=project)
    results = json.loads((project / "target/run_results.json").read_text(encoding="utf-8"))["results"]
    manifest = json.loads((project / "target/manifest.json").read_text(encoding="utf-8"))["nodes"]
    found = {}
    with duckdb.connect(str(project / "dev.duckdb"), read_only=True) as warehouse:
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
    settings = yaml.safe_load((INTEGRATION / "dbt_project.yml").read_text(encoding="utf-8"))
    assert settings["data_tests"]["dataops_integration"]["+store_failures"] is True


WRONG = {
    "accepted_range": {
        "{}": "dataops.accepted_range needs a bound. Add one to its arguments, for example: min_value: 0",
        "{min_value: 2, max_value: 1}": "no value is in a range from 2 to 1. Swap min_value and max_value",
        "{min_value: 2026-01-01}": "Write: \"cast('2026-01-01' as date)\"",
        "{max_value: '2026-01-01 10:00:00'}": "Write: \"cast('2026-01-01 10:00:00' as timestamp)\"",
    },
    "conserves_rows": {
        "{source: ref('no_rows'), rejected: ref('no_rows'), keys: id}": "lists of as many columns, for example: keys: [order_id]",
        "{source: ref('no_rows'), rejected: ref('no_rows'), keys: [id], source_keys: []}": "lists of as many columns",
    },
    "rejected_share_below": {
        "{rejected: ref('no_rows')}": "needs warn_above, fail_above or both, for example: fail_above: 0.05",
        "{rejected: ref('no_rows'), fail_above: 5}": "a share of all rows, from 0 to less than 1, for example 0.05; got: 5",
        "{rejected: ref('no_rows'), warn_above: true}": "a share of all rows",
        "{rejected: ref('no_rows'), warn_above: 0.2, fail_above: 0.1}": "warn_above is less than fail_above",
    },
    "matches_pattern": {"{pattern: 12}": "needs a pattern, in single quotes", "{pattern: ''}": "needs a pattern"},
    "no_gaps": {
        "{period: dya}": "period is one of hour, day, week, month, quarter, year, or left out",
        "{step: 0}": "step is a number above 0",
        "{step: -0.5}": "step is a number above 0",
        "{step: 1, period: day}": "takes a period, for dates, or a step, for numbers",
        "{by: shop}": "by is a list of columns, for example: by: [shop_id]; got: shop",
    },
    "no_overlaps": {
        "{valid_from: a, valid_to: a}": "dataops.no_overlaps needs two columns",
        "{valid_from: a, valid_to: b, by: c}": "by is a list of columns, for example: by: [product_id]; got: c",
    },
    "not_empty_since": {
        "{}": "needs either days or hours, a whole number, for example: days: 1",
        "{days: 1, hours: 1}": "needs either days or hours",
        "{days: -1}": "needs either days or hours",
        "{hours: 1.5}": "needs either days or hours",
    },
    "reconciles_with": {
        "{to: ref('no_rows'), measure: sum(a), by: day}": "by and to_by are lists of as many columns",
        "{to: ref('no_rows'), measure: sum(a), by: [a], to_by: [a, b]}": "by and to_by are lists of as many columns",
        "{to: ref('no_rows'), measure: sum(a), tolerance: -1}": "tolerance is a number, 0 or more",
        "{to: ref('no_rows'), measure: ''}": "needs a measure that adds up rows, for example: measure: sum(net_amount)",
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


PARSE_EACH = """
import json, pathlib
from dbt.cli.main import dbtRunner
for text in json.loads(pathlib.Path("faulty.json").read_text()):
    pathlib.Path("models/faulty.yml").write_text(text)
    print(json.dumps(str(dbtRunner().invoke(["--quiet", "parse", "--no-partial-parse"]).exception)))
"""


def test_wrong_arguments_are_refused_with_one_clear_message(project, tmp_path):
    """dbt stops at the first fault, so each has a parse of its own; all in one process, whose start is what takes long."""
    assert sorted(WRONG) == NAMES
    wrong = [(name, arguments, message) for name, found in WRONG.items() for arguments, message in found.items()]
    texts = []
    for name, arguments, _ in wrong:
        test = f"data_tests: [{{dataops.{name}: {{name: faulty, arguments: {arguments}}}}}]"
        at_a_column = name in {"accepted_range", "matches_pattern", "no_gaps", "not_empty_since"}
        place = f"columns: [{{name: id, {test}}}]" if at_a_column else test
        texts.append(f"models:\n  - name: no_rows\n    {place}\n")
    faulty = tmp_path / "project"
    shutil.copytree(
        project, faulty, symlinks=True, ignore=shutil.ignore_patterns("target", "logs", "*.duckdb", "models")
    )
    (faulty / "models").mkdir()
    shutil.copy(INTEGRATION / FOLDER / "no_rows.sql", faulty / "models")
    (faulty / "faulty.json").write_text(json.dumps(texts), encoding="utf-8")
    printed = succeed(sys.executable, "-c", PARSE_EACH, cwd=faulty).output
    errors = [json.loads(line) for line in printed.splitlines() if line.startswith('"')]
    for (name, arguments, message), error in zip(wrong, errors, strict=True):
        assert "Compilation Error" in error and message in error, (name, arguments, error)
