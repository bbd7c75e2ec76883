"""Quarantine: whatever a source delivers, each row is in the clean model or in the rejected one, load after load."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import duckdb
import pytest
from duckdb import DuckDBPyConnection
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.dbt_package.dbt_project import DbtProject

DAY = datetime(2026, 1, 1)
MODELS = ("orders", "orders_by_load")  # judged whole in each load, and by load


@dataclass(frozen=True)
class Shop(DbtProject):
    """The project, whose source changes between loads."""

    def start(self) -> None:
        """Empties the source, and builds the models from it."""
        self.sql("create schema if not exists raw")
        self.sql(
            "create or replace table raw.raw_orders"
            " (row_id bigint, order_id varchar, amount varchar, _loaded_at timestamp)"
        )
        self.load("--full-refresh")

    def deliver(self, row_id: int, order_id: str | None, amount: str | None, loaded_at: datetime) -> None:
        """Adds a row to the source."""
        self.sql("insert into raw.raw_orders values (?, ?, ?, ?)", row_id, order_id, amount, loaded_at)

    def load(self, *options: str) -> None:
        """Builds the models; conserves_rows is among their tests."""
        done = self.dbt("build", "--select", "path:models/quarantine", *options)
        problems = [
            f"{one.node.name}: {one.message}" for one in done.result.results if one.status not in ("success", "pass")
        ]
        assert done.success, problems

    def clean(self, model: str) -> list[int]:
        """The ids of the clean rows."""
        return [row_id for (row_id,) in self.sql(f"select row_id from dev_ada_quarantine.{model} order by row_id")]

    def expect(self, clean: list[int], rejected: dict[int, str]) -> None:
        """Checks the rows of both ways to judge."""
        for model in MODELS:
            assert self.clean(model) == clean, model
            assert self.rejected(model) == rejected, model

    def rejected(self, model: str) -> dict[int, str]:
        """The rules that each rejected row breaks, by its id."""
        return dict(self.sql(f"select row_id, broken_rules from dev_ada_quarantine.{model}__rejected order by row_id"))


@pytest.fixture(scope="module")
def project(installed, tmp_path_factory) -> Shop:
    return Shop(installed.folder).copy(tmp_path_factory.mktemp("quarantine"))


@pytest.fixture
def shop(project) -> Shop:
    project.start()
    return project


def test_the_package_brings_macros_and_doc_blocks_alone(project):
    """The models of the integration project describe their columns with the blocks."""
    manifest = project.dbt("parse").result
    docs = {doc.name for doc in manifest.docs.values() if doc.package_name == "dataops"}
    assert docs == {"broken_rules", "messages", "raw_row", "rejected_at"}
    assert not [id for id, node in manifest.nodes.items() if node.package_name == "dataops"]
    described = manifest.nodes["model.dataops_integration.orders__rejected"].columns["broken_rules"]
    assert described.description.startswith("The names of all rules that the row breaks")


def test_a_rejected_row_is_kept_with_every_rule_it_breaks(shop):
    shop.deliver(1, "7", "12.50", DAY)
    shop.deliver(2, "seven", "n/a", DAY)
    shop.deliver(3, None, '"12", ', DAY)
    shop.load()
    messages = "The order has no number that can be read. The order's amount cannot be read, or is not positive."
    rules = "readable_key, positive_amount"
    raw = [
        '{"row_id":2,"order_id":"seven","amount":"n/a","_loaded_at":"2026-01-01 00:00:00"}',
        '{"row_id":3,"order_id":null,"amount":"\\"12\\", ","_loaded_at":"2026-01-01 00:00:00"}',
    ]
    for model in MODELS:
        assert shop.clean(model) == [1]
        found = shop.sql(
            "select row_id, order_id, broken_rules, messages, raw_row, loaded_at, rejected_at <= now()::timestamp,"
            f" rejected_row_id <> '' from dev_ada_quarantine.{model}__rejected order by row_id"
        )
        assert found == [
            (2, None, rules, messages, raw[0], DAY, True, True),
            (3, None, rules, messages, raw[1], DAY, True, True),
        ]


def test_a_condition_that_is_null_is_broken(shop):
    shop.deliver(1, "7", None, DAY)
    shop.load()
    assert shop.rejected("orders") == shop.rejected("orders_by_load") == {1: "positive_amount"}


def test_rows_follow_what_the_source_says_of_them(shop):
    """Corrected in place or by a new delivery, late, bad after having been good, gone: load after load."""
    shop.deliver(1, "7", "n/a", DAY)
    shop.deliver(2, "8", "1.00", DAY)
    shop.deliver(3, "nine", "1.00", DAY)
    shop.deliver(4, "10", "1.00", DAY)
    shop.deliver(5, "11", "0", DAY)
    shop.deliver(10, "13", "n/a", DAY)
    shop.load()
    shop.expect(
        clean=[2, 4],
        rejected={
            1: "positive_amount",
            3: "readable_key",
            5: "positive_amount",
            10: "positive_amount",
        },
    )

    later = DAY + timedelta(days=3)
    shop.sql("update raw.raw_orders set amount = '5.00' where row_id = 1")  # corrected, the time of its load unchanged
    shop.deliver(6, "8", "2.00", later)  # delivered again
    shop.sql("update raw.raw_orders set order_id = '9', _loaded_at = ? where row_id = 3", later)
    shop.deliver(7, "10", "-1.00", later)  # the newest delivery is bad
    shop.sql("delete from raw.raw_orders where row_id = 5")
    shop.load()
    shop.expect(
        clean=[1, 3, 6],
        rejected={
            2: "newest_delivery",
            4: "newest_delivery",
            7: "positive_amount",
            10: "positive_amount",
        },
    )

    shop.deliver(8, "10", "3.00", later - timedelta(days=1))  # late: an older delivery than that of row 7
    shop.deliver(9, "12", "3.00", later - timedelta(days=1))
    shop.sql("update raw.raw_orders set amount = '', _loaded_at = ? where row_id = 1", later)  # good before
    shop.sql("update raw.raw_orders set amount = '4.00' where row_id = 10")  # loaded long before the newest load
    shop.load()
    shop.expect(
        clean=[3, 6, 9, 10],
        rejected={
            1: "positive_amount",
            2: "newest_delivery",
            4: "newest_delivery",
            7: "positive_amount",
            8: "newest_delivery",
        },
    )


def test_a_row_delivered_many_times_is_conserved_each_time(shop):
    for _ in range(3):
        shop.deliver(1, "7", "1.00", DAY)
        shop.deliver(2, "eight", "1.00", DAY)
    shop.load()
    for model in MODELS:
        counts = (
            f"select (select count(*) from dev_ada_quarantine.{model}),"
            f" (select count(*) from dev_ada_quarantine.{model}__rejected),"
            f" (select count(distinct rejected_row_id) from dev_ada_quarantine.{model}__rejected)"
        )
        assert shop.sql(counts) == [(1, 5, 5)]


@pytest.mark.parametrize("table", ["clean", "rejected"])
def test_conserves_rows_finds_the_row_that_was_lost(shop, table):
    """One row is lost and another is there twice: the counts agree, the keys do not."""
    amounts = {"clean": "1.00", "rejected": "0"}
    for row_id in (1, 2):
        shop.deliver(row_id, str(row_id), amounts[table], DAY)
    shop.load()
    for model in MODELS:
        base = f"dev_ada_quarantine.base_{model}"
        shop.sql(f"insert into {base} select * from {base} where row_id = 2")
        shop.sql(f"delete from {base} where row_id = 1")
    done = shop.dbt("test", "--select", *MODELS)
    by_name = {one.node.name: one for one in done.result.results}
    counts = {"clean": (2, 0), "rejected": (0, 2)}[table]
    for model in MODELS:
        assert by_name[f"{model}_conserves_rows"].status == "pass"
        keyed = by_name[f"{model}_conserves_rows_by_key"]
        assert (keyed.status, keyed.failures) == ("fail", 2)
        stored = shop.sql(f"from {keyed.node.relation_name} order by row_id")
        assert stored == [("1", "1", 1, 0, 0), ("2", "2", 1, *counts)]


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=5)
KEYS = st.one_of(st.sampled_from(["1", "2", "3", "03", " 2 ", "x", "", None, "2.5", "9" * 30]), TEXT)
AMOUNTS = st.one_of(st.sampled_from(["1.00", "12.5", "0", "-1", "n/a", "1,5", "", None]), TEXT)
# What happens at the source between two loads: rows arrive (up to a day late), are corrected, or are deleted.
ARRIVAL = st.tuples(st.just("arrives"), KEYS, AMOUNTS, st.integers(min_value=0, max_value=1))
CHANGE = st.tuples(st.just("changes"), KEYS, AMOUNTS, st.integers(min_value=0))
DELETION = st.tuples(st.just("goes"), st.none(), st.none(), st.integers(min_value=0))
LOADS = st.lists(st.lists(st.one_of(ARRIVAL, ARRIVAL, ARRIVAL, CHANGE, DELETION), max_size=12), min_size=1, max_size=4)


@pytest.fixture(scope="module")
def reload(project) -> Iterator[Callable[[dict[int, tuple]], DuckDBPyConnection]]:
    """Loads a source of other rows, as the statements of one `dbt run` do, which takes milliseconds instead of seconds."""
    project.start()
    statements = project.statements("run", "--select", "base_orders", "base_orders_by_load", "--threads", "1")
    statements = [
        statement for statement in statements if "base_orders" in statement and "dataops_builds" not in statement
    ]
    assert sum("delete from" in statement for statement in statements) == 2, "the pre_hook's, and that of delete+insert"
    (new_rows,) = {
        found[0] for statement in statements if (found := re.findall(r'"base_orders_by_load__dbt_tmp\d*"', statement))
    }
    with duckdb.connect(str(project.folder / "dev.duckdb")) as warehouse:

        def load(delivered: dict[int, tuple]) -> DuckDBPyConnection:
            warehouse.execute("truncate raw.raw_orders")
            if delivered:
                rows = [(row_id, *row) for row_id, row in delivered.items()]
                warehouse.executemany("insert into raw.raw_orders values (?, ?, ?, ?)", rows)
            for statement in statements:
                warehouse.execute(statement)
            warehouse.execute(f"drop table {new_rows}")
            return warehouse

        yield load


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(loads=LOADS)
@example(loads=[[("arrives", "x", "1.00", 0)], [("changes", "2", "1.00", 0)]])
@example(loads=[[("arrives", "1", "1.00", 0), ("arrives", "1", "1.00", 0)], [("goes", None, None, 0)]])
def test_random_dirt_is_conserved(reload, loads):
    """Each row of the source is in exactly one of both models, and judging by load comes to what judging all rows does."""
    warehouse = reload({})
    delivered: dict[int, tuple] = {}
    for number, events in enumerate(loads, start=1):
        now = DAY + timedelta(days=2 * number)
        for kind, key, amount, which in events:
            if kind == "arrives":
                row_id = max(delivered, default=0) + 1
                delivered[row_id] = (key, amount, now - timedelta(days=which))
            elif delivered:
                row_id = sorted(delivered)[which % len(delivered)]
                delivered.pop(row_id)
                if kind == "changes":
                    delivered[row_id] = (key, amount, now)
        reload(delivered)
        found = {}
        for model in MODELS:
            clean = warehouse.execute(f"select row_id from dev_ada_quarantine.{model}").fetchall()
            rejected = warehouse.execute(
                f"select row_id, broken_rules from dev_ada_quarantine.{model}__rejected"
            ).fetchall()
            assert sorted(row_id for row_id, *_ in [*clean, *rejected]) == sorted(delivered)
            found[model] = sorted(clean), sorted(rejected)
        assert found["orders"] == found["orders_by_load"]
    for row_id, raw_row in warehouse.execute(
        "select row_id, raw_row from dev_ada_quarantine.orders__rejected"
    ).fetchall():
        key, amount, loaded_at = delivered[row_id]
        expected = {"row_id": row_id, "order_id": key, "amount": amount, "_loaded_at": f"{loaded_at}"}
        assert json.loads(raw_row) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("keys=['order_id'], loaded_at='arrived_at'", "base_orders has no column arrived_at with the time of delivery"),
        (
            "keys=['order_number']",
            "keys names order_number, which is not a column of base_orders. Its columns: row_id, ",
        ),
    ],
)
def test_a_column_that_the_judged_model_lacks_is_named(shop, arguments, message):
    """Rather than the engine's error, which knows nothing of the macro's arguments."""
    assert message in run_rejected(shop, arguments)


def test_a_source_without_a_load_time_keeps_its_rejected_rows(shop):
    shop.deliver(1, "seven", "1.00", DAY)
    shop.load()
    assert run_rejected(shop, "keys=['row_id'], loaded_at='null'") == ""
    assert shop.sql("select row_id, loaded_at from dev_ada_quarantine.orders__rejected") == [(1, None)]


def run_rejected(shop: Shop, arguments: str) -> str:
    """Builds orders__rejected with other arguments of its macro, and returns why that failed."""
    file = shop.folder / "models/quarantine/orders__rejected.sql"
    text = file.read_text(encoding="utf-8")
    file.write_text(f"{{{{ dataops.rejected_rows(ref('base_orders'), {arguments}) }}}}\n", encoding="utf-8")
    try:
        done = shop.dbt("run", "--select", "orders__rejected")
    finally:
        file.write_text(text, encoding="utf-8")
    return " ".join(
        message for name, message in done.messages().items() if name == "orders__rejected" and message != "OK"
    )


@pytest.mark.parametrize("config", ["incremental_strategy='append', unique_key='checked_key'", "unique_key=['a', 'b']"])
def test_incremental_scope_needs_one_key_that_is_replaced(shop, config):
    file = shop.folder / "models/quarantine/base_orders_by_load.sql"
    text = file.read_text(encoding="utf-8")
    good = "    incremental_strategy='delete+insert',\n    unique_key='checked_key',\n"
    assert good in text
    file.write_text(text.replace(good, f"    {config},\n"), encoding="utf-8")
    try:
        done = shop.dbt("run", "--select", "base_orders_by_load")
    finally:
        file.write_text(text, encoding="utf-8")
    assert not done.success
    message = done.messages()["base_orders_by_load"]
    assert "dataops.incremental_scope needs incremental_strategy='delete+insert' and one column" in message
