"""make rejected: which rows are set aside, told without telling what is personal."""

from __future__ import annotations

import csv
import io
import json
import re
from datetime import date
from importlib import import_module
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from tests.helpers import Done, copy_project, make_project, run, succeed

DEV = "warehouse/dev/dev_ada.duckdb"


@pytest.fixture(scope="module")
def built(ready_project, tmp_path_factory) -> Path:
    """A project that is built in dev. Tests that change something take a copy."""
    project = copy_project(ready_project, tmp_path_factory.mktemp("rejected"))
    succeed("make", "build", cwd=project)
    return project


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


def test_a_model_a_rule_and_rows_can_be_asked_for(built):
    by_model = rejected(built, "--model", "stg_shop__orders__rejected")
    assert "known_customer" in by_model.output and "stg_shop__payments" not in by_model.output
    by_rule = rejected(built, "--rule", "known_order")
    assert "stg_shop__order_items" in by_rule.output and "newest_delivery" not in by_rule.output

    shown = rejected(built, "--model", "stg_shop__products", "--rows", "3")
    assert shown.code == 0
    text = "".join(cells(line)[-1] for line in shown.output.splitlines() if line[:1] == "│")
    assert text.replace(" ", "").startswith('{"product_id":"41","name":null,"category":"Pantry","unit_price":"-1.00"')


def test_nothing_personal_is_printed(built, tmp_path):
    """Whether the raw row is tagged, or a column of the source alone."""
    names = {row["name"] for row in csv.DictReader((built / "seeds/shop/raw_customers.csv").open(encoding="utf-8"))}
    done = rejected(built, "--model", "stg_shop__customers", "--rows", "20")
    assert done.code == 0 and "newest_delivery" in done.output
    assert not [name for name in names if name.strip() and name in done.output]
    assert "@example.com" not in done.output

    project = copy_project(built, tmp_path)
    file = project / "models/staging/shop/stg_shop__customers__rejected.yml"
    text = file.read_text(encoding="utf-8")
    tag = "        config:\n          tags: [pii]\n"
    assert text.count(tag) == 1
    file.write_text(text.replace(tag, ""), encoding="utf-8")
    succeed(".venv/bin/dbt", "parse", "--target-path", "target/dev", cwd=project)
    done = rejected(project, "--model", "stg_shop__customers", "--rows", "1")
    text = "".join(cells(line)[-1] for line in done.output.splitlines() if line[:1] == "│")
    assert '"name":"(pii)","email":"(pii)"' in text.replace(" ", "")
    assert "customer_id" in text


def test_what_nobody_knows_is_set_aside_and_the_build_goes_on(built, tmp_path):
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


@pytest.mark.parametrize("width", [20, 60, 80, 110, 200])
def test_names_are_whole_at_any_width(width):
    """A name that is cut off or folded cannot be copied, or searched for in a log."""
    quarantine = import_module("dataops.quarantine")
    names = [
        ("stg_warehouse_management__stock_movements", "known_place"),
        ("stg_shop__orders", "a_rule_with_a_long_name"),
    ]
    days = [date(2026, 1, day) for day in range(1, 8)]
    found = [(*name, day, 1_000) for name in names for day in days]
    console = Console(width=width, file=io.StringIO())
    quarantine.print_counts(console, found)
    heading, *lines = [cells(line) for line in console.file.getvalue().splitlines() if line[:1] in "│┃"]
    assert [tuple(line[:3]) for line in lines] == [(*name, "7,000") for name in sorted(names)]
    assert heading[3:] == {
        110: ["Jan 07", "Jan 06", "earlier"],
        200: ["Jan 07", "Jan 06", "Jan 05", "Jan 04", "Jan 03", "earlier"],
    }.get(width, [])


def test_names_of_rows_are_whole_in_a_narrow_terminal(built):
    code = (
        "from rich import console; from dataops import quarantine;"
        "rejected.new_console = lambda: console.Console(width=60); quarantine.main(['--rows', '1', '--model', 'stg_shop__products'])"
    )
    done = succeed(".venv/bin/python", "-c", code, cwd=built)
    first, second, *_ = [cells(line) for line in done.output.splitlines() if line[:1] == "│"]
    assert (first[0], first[2], second[2]) == ("stg_shop__products", "has_a_name,", "readable_price")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--model", "stg_shop__order"], "Did you mean stg_shop__orders"),
        (["--model", "x"], "Known: stg_shop__customers, stg_shop__order_items"),
        (["--rule", "readable_dat"], "Did you mean readable_date"),
        (["--rows", "0"], "0 is not in the range x>=1"),
    ],
)
def test_what_is_not_there_is_refused_with_what_there_is(built, options, message):
    done = rejected(built, *options)
    assert done.code != 0
    assert message in done.output


def test_where_nothing_was_built_it_says_what_to_type(built, tmp_path):
    done = run("make", "rejected", "TARGET=prod", cwd=built)
    assert done.code != 0
    assert "Nothing was released yet: warehouse/prod/current/prod.duckdb is missing. Type: make release" in done.output

    project = copy_project(built, tmp_path)
    with duckdb.connect(str(project / DEV)) as warehouse:
        warehouse.execute("drop view dev_staging.stg_shop__orders__rejected")
    done = rejected(project)
    assert done.code != 0
    assert done.output.startswith("stg_shop__orders__rejected cannot be read: it was not built since it was added")
    (project / DEV).unlink()
    done = rejected(project)
    assert done.code != 0
    assert f"Nothing was built in dev yet: {DEV} is missing. Type: make build" in done.output
    assert not (project / DEV).exists()


def test_rows_of_a_build_that_failed_are_said_to_be_old(built, tmp_path):
    assert "did not finish" not in rejected(built).output
    project = copy_project(built, tmp_path)
    file = project / "models/staging/shop/base/base_shop__products.sql"
    file.write_text(file.read_text(encoding="utf-8").replace("trim(name)", "error('no')"), encoding="utf-8")
    assert run("make", "build", "ARGS=--select base_shop__products", cwd=project).code != 0
    done = rejected(project)
    assert done.code == 0
    said = "The last build did not finish base_shop__products, so this may be older than what the source holds."
    assert done.output.startswith(f"{said} Type: make build\n")
    assert "readable_price" in done.output, "the rows of the build before are shown"
    assert "did not finish" not in rejected(project, "--model", "stg_shop__customers").output


def test_a_project_without_quarantine_says_so(built, tmp_path):
    project = make_project(tmp_path, example="no")
    (project / ".venv").symlink_to(built / ".venv")
    (project / "target/dev").mkdir(parents=True)
    manifest = {"nodes": {}, "sources": {}, "parent_map": {}}
    (project / "target/dev/manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    done = run(".venv/bin/dataops", "rejected", cwd=project)
    assert done.code == 1
    assert "No model of this project ends in __rejected" in done.output
    assert done.output.strip().endswith("docs/quarantine.md") and (project / "docs/quarantine.md").is_file()
