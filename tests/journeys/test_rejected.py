"""make rejected on the sample: the counts are those of the warehouse, nothing personal is printed. The rules: unit/test_rejected.py."""

from __future__ import annotations

import csv
import re
from pathlib import Path

import duckdb
import pytest

from tests.helpers import Done, copy_project, run, succeed
from tests.small_project import dataops

DEV = "warehouse/dev/dev_ada.duckdb"


@pytest.fixture(scope="module")
def built(ready_project) -> Path:
    """A project that is built in dev. Tests that change something take a copy."""
    return ready_project


def rejected(project: Path, *options: str) -> Done:
    """Runs `make rejected`."""
    return run("make", "rejected", f"ARGS={' '.join(options)}", cwd=project)


def query(project: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(project / DEV), read_only=True) as warehouse:
        return warehouse.execute(sql).fetchall()


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return [cell.strip() for cell in re.split("[│┃]", line)[1:-1]]


def test_rows_are_counted_by_model_rule_and_day(built):
    done = rejected(built)
    assert done.code == 0
    heading, *lines = [cells(line) for line in done.output.splitlines() if line[:1] in "│┃"]
    days = heading[3:-1]
    assert heading[:3] == ["model", "rule", "rows"] and heading[-1] == "earlier"
    printed = {(line[0], line[1]): [int(figure or 0) for figure in line[2:]] for line in lines}
    assert len(printed) == 10
    for (model, rule), figures in printed.items():
        there = query(
            built,
            f"select strftime(loaded_at, '%b %d'), count(*) from dev_staging.{model}__rejected"
            f" where list_contains(string_split(broken_rules, ', '), '{rule}') group by 1",
        )
        by_day = dict(there)
        newest = [by_day.get(day, 0) for day in days]
        total = sum(by_day.values())
        assert figures == [total, *newest, total - sum(newest)], (model, rule)


def test_nothing_personal_is_printed(built):
    names = {row["name"] for row in csv.DictReader((built / "seeds/shop/raw_customers.csv").open(encoding="utf-8"))}
    done = rejected(built, "--model", "stg_shop__customers", "--rows", "20")
    assert done.code == 0 and "newest_delivery" in done.output
    assert not [name for name in names if name.strip() and name in done.output]
    assert "@example.com" not in done.output


def test_values_that_no_rule_allows_are_rejected_and_the_build_goes_on(built, tmp_path):
    """Each first row of a seed once more, under a new number, with one value that no rule knows."""
    project = copy_project(built, tmp_path)
    wrong = {
        ("raw_customers", "_loaded_at", ""): "readable_load_time",
        ("raw_products", "category", " "): "has_a_category",
        ("raw_products", "_loaded_at", ""): "readable_load_time",
        ("raw_orders", "status", "lost"): "known_status",
        ("raw_orders", "status", ""): "known_status",
        ("raw_orders", "channel", "fax"): "known_channel",
        ("raw_orders", "_loaded_at", ""): "readable_load_time",
        ("raw_order_items", "product_id", "777777"): "known_product",
        ("raw_order_items", "_loaded_at", ""): "readable_load_time",
        ("raw_payments", "kind", "gift"): "known_kind",
        ("raw_payments", "method", "shells"): "known_method",
        ("raw_payments", "_loaded_at", ""): "readable_load_time",
    }
    expected = []
    for number, ((table, column, value), rule) in enumerate(wrong.items(), start=990_000):
        file = project / f"seeds/shop/{table}.csv"
        with file.open(newline="", encoding="utf-8") as lines:
            first = next(csv.DictReader(lines))
        key = next(iter(first))
        with file.open("a", newline="", encoding="utf-8") as lines:
            csv.DictWriter(lines, first, lineterminator="\n").writerow({**first, key: number, column: value})
        expected.append((f"stg_shop__{table.removeprefix('raw_')}", number, rule))
    succeed("make", "build", cwd=project)
    for model, number, rule in expected:
        key = f"{model.removeprefix('stg_shop__').removesuffix('s')}_id"
        found = query(project, f"select broken_rules from dev_staging.{model}__rejected where {key} = {number}")
        assert found == [(rule,)], (model, number)
        assert query(project, f"select count(*) from dev_staging.{model} where {key} = {number}") == [(0,)]


def test_rows_of_a_build_that_failed_are_said_to_be_old(built, tmp_path):
    assert "did not finish" not in rejected(built).output
    project = copy_project(built, tmp_path)
    file = project / "models/staging/shop/base/base_shop__products.sql"
    file.write_text(
        file.read_text(encoding="utf-8").replace("{{ dataops.trim('name') }}", "error('no')"), encoding="utf-8"
    )
    assert run("make", "build", "ARGS=--select base_shop__products", cwd=project).code != 0
    done = rejected(project)
    assert done.code == 0
    said = "The last build did not finish base_shop__products, so these rows may be older than the source."
    assert done.output.startswith(f"{said} Type: make build\n")
    assert "readable_price" in done.output, "the rows of the build before are shown"
    assert "did not finish" not in rejected(project, "--model", "stg_shop__customers").output


def test_where_nothing_was_built_it_says_what_to_type(built, small_project):
    done = run("make", "rejected", "TARGET=prod", cwd=built)
    assert done.code != 0
    assert "Nothing was released yet: warehouse/prod holds no version.\nType: make release\n" in done.output
    done = dataops(small_project, "rejected", code=2)
    assert done.output.startswith(
        "Nothing was built in dev yet: target/dev/manifest.json is missing.\nType: make build"
    )
