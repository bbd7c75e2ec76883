"""dataops rejected: the rows that break a rule, by model, rule and day, without personal values; on a warehouse of two tables."""

from __future__ import annotations

import io
import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path

import click
import duckdb
import pytest
from rich.console import Console

from dataops import quarantine
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.project import Project
from dataops.quarantine import RejectedModel, rejected_models
from tests.helpers import project_with_profile

COLUMNS = {"loaded_at": {}, "broken_rules": {}, "messages": {}, "raw_row": {}}
CUSTOMERS = "model.shop.stg_customers__rejected"
SOURCE = "source.shop.raw.customers"
ROWS = [  # model, day, rules, raw row
    ("orders", "2026-01-02", "known_status", {"id": "1", "status": "lost"}),
    ("orders", "2026-01-03", "known_status, readable_date", {"id": "2", "status": "gone"}),
    ("customers", "2026-01-03", "has_a_name", {"id": "3", "name": " ", "email": "ada@example.com"}),
]


def make_manifest(**tags: list[str]) -> dict:
    """dbt's manifest. Tags are given by what they belong to: model, raw_row, source or email."""

    def columns(names: dict) -> dict:
        return {name: {"tags": tags.get(name, [])} for name in names}

    nodes, parents = {}, {}
    for name in ("orders", "customers"):
        id = f"model.shop.stg_{name}__rejected"
        nodes[id] = {
            "unique_id": id,
            "name": f"stg_{name}__rejected",
            "resource_type": "model",
            "relation_name": f'"staging"."stg_{name}__rejected"',
            "columns": columns(COLUMNS),
            "config": {"tags": tags.get("model", []) if id == CUSTOMERS else []},
        }
        parents |= {id: [f"model.shop.base_{name}"], f"model.shop.base_{name}": [f"source.shop.raw.{name}"]}
    source = {"columns": columns({"id": {}, "email": {}}), "tags": tags.get("source", [])}
    sources = {SOURCE: source, "source.shop.raw.orders": {"columns": {}}}
    return {"nodes": nodes, "sources": sources, "parent_map": parents}


@pytest.fixture
def project(tmp_path) -> Project:
    """A project whose dev was built: its manifest."""
    file = tmp_path / "target/dev/manifest.json"
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps(make_manifest()))
    return project_with_profile(tmp_path)


@pytest.fixture
def warehouse(project) -> Path:
    """The warehouse of dev."""
    file = project.dev.folder / "it.duckdb"
    file.parent.mkdir(parents=True)
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema staging")
        for name in ("orders", "customers"):
            connection.execute(
                f"create table staging.stg_{name}__rejected"
                " (loaded_at timestamp, broken_rules varchar, messages varchar, raw_row varchar, rejected_row_id integer)"
            )
        for number, (name, day, rules, row) in enumerate(ROWS):
            connection.execute(
                f"insert into staging.stg_{name}__rejected values (?, ?, 'why', ?, ?)",
                [day, rules, json.dumps(row), number],
            )
    return file


@pytest.fixture
def rejected(project, warehouse) -> Callable[..., None]:
    """Runs the command."""
    return lambda *options: quarantine.main.main(list(options), standalone_mode=False, obj=project)


def cells(line: str) -> list[str]:
    """The cells of a line of a table."""
    return [cell.strip() for cell in re.split("[│┃]", line)[1:-1]]


def table(output: str) -> list[list[str]]:
    return [cells(line) for line in output.splitlines() if line[:1] in "│┃"]


def test_rows_are_counted_by_model_rule_and_day(rejected, capsys):
    """A row that breaks two rules counts for both."""
    rejected()
    output = capsys.readouterr().out
    assert table(output) == [
        ["model", "rule", "rows", "Jan 03", "Jan 02"],
        ["stg_customers", "has_a_name", "1", "1", ""],
        ["stg_orders", "known_status", "2", "1", "1"],
        ["stg_orders", "readable_date", "1", "1", ""],
    ]
    assert output.endswith('To see rows: make rejected ARGS="--model NAME --rows 5"\n')


@pytest.mark.parametrize(
    ("options", "models"),
    [
        (["--model", "stg_orders"], ["stg_orders", "stg_orders"]),
        (["--model", "stg_customers__rejected"], ["stg_customers"]),
        (["--rule", "readable_date"], ["stg_orders"]),
        (["--model", "stg_orders", "--rule", "known_status"], ["stg_orders"]),
    ],
)
def test_a_model_and_a_rule_can_be_chosen(rejected, capsys, options, models):
    rejected(*options)
    assert [line[0] for line in table(capsys.readouterr().out)[1:]] == models


def test_the_newest_rows_are_shown(rejected, capsys):
    rejected("--rows", "1", "--rule", "known_status")
    _, first, second, *_ = table(capsys.readouterr().out)
    assert (first[0], first[1][:10], first[2], second[2]) == (
        "stg_orders",
        "2026-01-03",
        "known_status,",
        "readable_date",
    )
    assert first[4].startswith('{"id": "2"')


def test_names_of_rows_are_whole_in_a_narrow_terminal(rejected, capsys, monkeypatch):
    monkeypatch.setattr(quarantine, "new_console", lambda: Console(width=40))
    rejected("--rows", "1", "--model", "stg_orders")
    _, first, second, *_ = table(capsys.readouterr().out)
    assert (first[0], first[2], second[2]) == ("stg_orders", "known_status,", "readable_date")


@pytest.mark.parametrize("width", [20, 60, 80, 110, 200])
def test_names_are_whole_at_any_width(width):
    """A name that is cut off or folded cannot be copied, or searched for in a log."""
    names = [
        ("stg_warehouse_management__stock_movements", "known_place"),
        ("stg_shop__orders", "a_rule_with_a_long_name"),
    ]
    days = [date(2026, 1, day) for day in range(1, 8)]
    counts = [(*name, day, 1_000) for name in names for day in days]
    console = Console(width=width, file=io.StringIO())
    quarantine.print_counts(console, counts)
    heading, *lines = table(console.file.getvalue())
    assert [tuple(line[:3]) for line in lines] == [(*name, "7,000") for name in sorted(names)]
    assert heading[3:] == {
        110: ["Jan 07", "Jan 06", "earlier"],
        200: ["Jan 07", "Jan 06", "Jan 05", "Jan 04", "Jan 03", "earlier"],
    }.get(width, [])


@pytest.mark.parametrize(
    ("tags", "hidden"),
    [
        ({}, set()),
        ({"raw_row": ["pii"]}, {"raw_row"}),
        ({"email": ["pii"]}, {"email"}),  # of the source alone
        ({"source": ["pii"]}, {"raw_row", *COLUMNS}),
        ({"model": ["pii"]}, {"raw_row", *COLUMNS}),
        ({"email": ["other"]}, set()),
    ],
)
def test_what_is_tagged_in_the_model_or_its_source_is_not_printed(tags, hidden):
    (model,) = (model for model in rejected_models(make_manifest(**tags)) if model.name == "stg_customers")
    assert model.personal == hidden


def test_a_personal_field_of_a_raw_row_is_withheld():
    model = RejectedModel("stg_customers", "", frozenset({"email"}), frozenset())
    assert json.loads(quarantine.printable(model, "raw_row", json.dumps(ROWS[2][3]))) == {
        "id": "3",
        "name": " ",
        "email": "(pii)",
    }
    whole = RejectedModel("stg_customers", "", frozenset({"raw_row"}), frozenset())
    assert quarantine.printable(whole, "raw_row", "{}") == "(pii)"


@pytest.mark.parametrize(
    ("options", "problem", "remedy"),
    [
        (
            ["--model", "stg_order"],
            "No model named stg_order has rejected rows.",
            "Did you mean stg_orders or stg_customers?",
        ),
        (["--model", "x"], "No model named x has rejected rows.", "Known: stg_customers, stg_orders."),
        (
            ["--rule", "readable_dat"],
            "No rule named readable_dat has rejected rows.",
            "Did you mean readable_date?",
        ),
    ],
)
def test_an_unknown_name_is_refused_with_the_nearest_ones(rejected, options, problem, remedy):
    with pytest.raises(DataopsError) as error:
        rejected(*options)
    assert (error.value.problem, error.value.remedy, error.value.exit_code) == (problem, remedy, IMPOSSIBLE)


def test_a_number_of_rows_must_be_positive(rejected):
    with pytest.raises(click.UsageError, match=r"0 is not in the range x>=1"):
        rejected("--rows", "0")


def test_a_model_that_was_not_built_is_named(warehouse, rejected):
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute("drop table staging.stg_orders__rejected")
    with pytest.raises(DataopsError, match="stg_orders__rejected cannot be read: either it was not built since"):
        rejected()


def test_without_a_warehouse_it_says_what_to_type(warehouse, rejected):
    warehouse.unlink()
    with pytest.raises(DataopsError, match=r"Nothing was built in dev yet: .* is missing") as error:
        rejected()
    assert error.value.remedy == "Type: make build"
    assert not warehouse.exists()


def test_without_rejected_rows_it_says_so(warehouse, rejected, capsys):
    with duckdb.connect(str(warehouse)) as connection:
        for name in ("orders", "customers"):
            connection.execute(f"delete from staging.stg_{name}__rejected")
    rejected()
    assert capsys.readouterr().out == "No rows are rejected in dev.\n"


def test_a_project_without_quarantine_says_so(project, rejected):
    nothing = {"nodes": {}, "sources": {}, "parent_map": {}}
    (project.root / "target/dev/manifest.json").write_text(json.dumps(nothing))
    with pytest.raises(DataopsError, match="No model of this project has a name that ends in __rejected") as error:
        rejected()
    assert error.value.remedy == "How to add one: docs/quarantine.md"


def test_a_build_that_did_not_finish_is_mentioned(warehouse, rejected, capsys):
    with duckdb.connect(str(warehouse)) as connection:
        connection.execute(
            f"create table staging.{quarantine.RECORD} as select 'base_orders' as relation_name,"
            " 'model.shop.base_orders' as unique_id, 'error' as state"
        )
    rejected()
    captured = capsys.readouterr()
    assert captured.err == (
        "The last build did not finish base_orders, so these rows may be older than the source. Type: make build\n"
    )
    assert "known_status" in captured.out, "the rows of the build before are shown"
    rejected("--model", "stg_customers")
    assert capsys.readouterr().err == ""
