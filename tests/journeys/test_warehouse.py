"""What a build leaves in the warehouse: environments apart, dirt counted, late rows taken in, wrong data found."""

from __future__ import annotations

import csv
import io
import time
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.helpers import clean_environment, copy_project, release, run, succeed
from tests.holder import holding


@pytest.fixture
def project(ready_project, tmp_path) -> Path:
    return copy_project(ready_project, tmp_path)


def query(file: Path, sql: str) -> list[tuple]:
    with duckdb.connect(str(file), read_only=True) as warehouse:
        return warehouse.execute(sql).fetchall()


def change(file: Path, sql: str) -> None:
    file.chmod(0o644)  # a version is for reading
    with duckdb.connect(str(file)) as warehouse:
        warehouse.execute(sql)


DEV = "warehouse/dev/dev_ada.duckdb"
CI = "warehouse/ci/ci_local.duckdb"
PROD = "warehouse/prod/current/prod.duckdb"


@pytest.fixture(scope="module")
def released(made_once, ready_project) -> Path:
    """The default project with a version of prod and a ci environment, to read."""

    def make(folder: Path) -> Path:
        project = copy_project(ready_project, folder)
        release(project)
        succeed(
            "make", "build", "TARGET=ci", "ARGS=--empty", cwd=project, environment=clean_environment(CI_RUN_ID="41")
        )
        return project

    return made_once("released_shop", make)


def test_environments_have_files_and_schemas_of_their_own(released):
    schemas = "select distinct schema_name from information_schema.schemata where catalog_name = current_database()"
    ours = {"raw", "staging", "intermediate", "marts", "snapshots"}
    standard = {"main", "information_schema", "pg_catalog"}

    def of(file: str) -> set[str]:
        return {name for (name,) in query(released / file, schemas)} - standard

    assert of(PROD) == ours
    # The targets' own schemas hold the record of what was built (dataops.record_build).
    assert of(DEV) == {f"dev_{name}" for name in ours} | {"dev"}
    assert of("warehouse/ci/ci_41.duckdb") == {f"ci_{name}" for name in ours} | {"ci"}


def test_dev_reads_the_recent_rows_only_and_prod_all(released):
    days = "select count(distinct ordered_on), max(ordered_on) from {}marts.orders"
    dev_days, dev_latest = query(released / DEV, days.format("dev_"))[0]
    prod_days, prod_latest = query(released / PROD, days.format(""))[0]
    assert prod_days == 60
    assert 30 <= dev_days <= 34  # late rows bring orders from up to three days before
    assert dev_latest == prod_latest


def test_no_row_of_the_sample_is_lost(released):
    """Every line of each seed is a clean row or a rejected one, and the marts have all that is clean."""
    broken = {}
    for table in ("customers", "products", "orders", "order_items", "payments"):
        lines = len((released / f"seeds/shop/raw_{table}.csv").read_text(encoding="utf-8").splitlines()) - 1
        clean, rejected = (
            query(released / PROD, f"select count(*) from staging.stg_shop__{table}{suffix}")[0][0]
            for suffix in ("", "__rejected")
        )
        assert lines == clean + rejected, table
        rules = f"select distinct unnest(string_split(broken_rules, ', ')) from staging.stg_shop__{table}__rejected"
        broken[table] = {rule for (rule,) in query(released / PROD, rules)}
    assert broken == {
        "customers": {"newest_delivery"},
        "products": {"has_a_name", "readable_price"},
        "orders": {"readable_date", "known_customer", "newest_delivery"},
        "order_items": {"positive_quantity", "known_order"},
        "payments": {"readable_amount", "known_order"},
    }
    orders = query(
        released / PROD, "select (select count(*) from marts.orders), (select count(*) from staging.stg_shop__orders)"
    )
    assert orders[0][0] == orders[0][1]


@pytest.mark.long
def test_a_run_each_day_comes_to_the_same_as_one_run(project):
    """Incremental orders, with late rows, corrections and refunds arriving, against a build from nothing.

    In ci, where orders are incremental as in prod; in dev each build makes them from nothing.
    """
    build = ("make", "build", "TARGET=ci")
    succeed(*build, "ARGS=--select +orders", cwd=project)
    until = date.today()
    for day in (until + timedelta(days=1), until + timedelta(days=2), until + timedelta(days=5)):
        succeed("make", "sample", cwd=project, environment=clean_environment(SAMPLE_UNTIL=str(day)))
        succeed(*build, "ARGS=--select +orders", cwd=project)
    columns = (
        "order_id, status, customer_order_number, is_first_order, item_count, net_amount, refunded_amount, loaded_at"
    )
    orders = f"select {columns} from ci_marts.orders order by order_id"
    step_by_step = query(project / CI, orders)
    succeed(*build, "ARGS=--select +orders --full-refresh", cwd=project)
    at_once = query(project / CI, orders)
    assert len(at_once) > 1_400
    assert step_by_step == at_once
    refunded_late = (
        "select count(*) from ci_marts.orders where refunded_amount > 0 and loaded_at > ordered_at + interval 4 day"
    )
    assert query(project / CI, refunded_late)[0][0] > 0


def test_dev_stays_right_when_its_window_moves(project):
    """Somebody comes back after weeks: orders of the old window get refunds that the new one does not hold."""
    for days in (5, 40):
        until = clean_environment(SAMPLE_UNTIL=str(date.today() + timedelta(days=days)))
        succeed("make", "sample", cwd=project, environment=until)
        succeed("make", "build", "ARGS=--select +orders", cwd=project)
    twice = "select customer_id from dev_marts.orders where is_first_order group by 1 having count(*) > 1"
    assert query(project / DEV, twice) == []


def test_a_snapshot_keeps_the_old_price(project):
    seed = project / "seeds/shop/raw_products.csv"
    lines = seed.read_text(encoding="utf-8").splitlines(keepends=True)
    old = lines[1].split(",")
    lines[1] = ",".join([*old[:3], "9.99", old[4]])
    seed.write_text("".join(lines), encoding="utf-8")
    succeed("make", "build", "ARGS=--select +product_prices", cwd=project)
    prices = query(
        project / DEV,
        "select unit_price, dbt_valid_to is null from dev_snapshots.product_prices where product_id = 1 order by dbt_valid_from",
    )
    assert [(str(price), current) for price, current in prices] == [(old[3], False), ("9.99", True)]


def test_make_test_finds_money_that_does_not_reconcile(project):
    change(project / DEV, "update dev_marts.orders set net_amount = net_amount + 0.01 where is_first_order")
    done = run("make", "test", cwd=project)
    assert done.code != 0
    assert "Failure in test orders_reconcile_with_payments" in done.output
    assert "Failure in test daily_revenue_reconciles_with_orders" in done.output


def make_amounts_unreadable(project: Path, every: int) -> None:
    """Makes the amount of each n-th payment unreadable."""
    seed = project / "seeds/shop/raw_payments.csv"
    header, *rows = csv.reader(io.StringIO(seed.read_text(encoding="utf-8")))
    amount = header.index("amount")
    for row in rows[::every]:
        row[amount] = "n/a"
    with seed.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([header, *rows])


PAYMENTS = "--select +stg_shop__payments +stg_shop__payments__rejected"


def test_too_much_dirt_fails_the_build(project):
    make_amounts_unreadable(project, every=10)
    done = run("make", "build", f"ARGS={PAYMENTS}", cwd=project)
    assert done.code != 0
    assert "Got 2 results, configured to fail if > 1" in done.output
    assert "Failure in test dataops_rejected_share_below_stg_shop__payments" in done.output
    assert "Failure in test dataops_conserves_rows" not in done.output


def test_some_more_dirt_warns(project):
    make_amounts_unreadable(project, every=25)
    done = succeed("make", "build", f"ARGS={PAYMENTS}", cwd=project)
    assert "Warning in test dataops_rejected_share_below_stg_shop__payments" in done.output


def test_a_mart_that_breaks_its_contract_is_not_built(project):
    mart = project / "models/marts/products.sql"
    mart.write_text(mart.read_text().replace("cast(coalesce(sold.order_count, 0) as bigint)", "'many'"))
    done = run("make", "build", "ARGS=--select products", cwd=project)
    assert done.code != 0
    assert "This model has an enforced contract that failed" in done.output
    assert "order_count" in done.output


@pytest.fixture(scope="module")
def changed_project(ready_project, tmp_path_factory) -> Path:
    """A copy for tests that put back what they change."""
    return copy_project(ready_project, tmp_path_factory.mktemp("changed"))


@pytest.mark.parametrize(
    ("model", "old", "new", "red"),
    [
        ("marts/orders.sql", "case when not is_cancelled then order_number end", "order_number", "the_first_order"),
        (
            "marts/orders.sql",
            "where customer_id in (",
            "where loaded_at >= (select loaded_at from newest_load) or 1 in (",
            "late",
        ),
        (
            "marts/orders.sql",
            "coalesce(max(loaded_at), cast('1900-01-01' as timestamp))",
            "max(loaded_at)",
            "empty_table",
        ),
        ("intermediate/int_payments__by_order.sql", "kind = 'payment'", "kind <> 'x'", "refunds_are_kept"),
        ("intermediate/int_orders__enriched.sql", "paid_amount - refunded_amount", "paid_amount", "newest_part"),
    ],
)
def test_a_unit_test_turns_red_when_its_logic_is_wrong(changed_project, model, old, new, red):
    path = changed_project / "models" / model
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    try:
        done = run(".venv/bin/dbt", "test", "--select", f"{path.stem},test_type:unit", cwd=changed_project)
    finally:
        path.write_text(text, encoding="utf-8")
    assert done.code != 0
    failed = [line for line in done.output.splitlines() if "Failure in unit_test" in line]
    assert any(red in line for line in failed), done


def test_a_locked_warehouse_is_waited_for(small_project, tmp_path):
    project = copy_project(small_project, tmp_path)
    with holding(project / DEV, seconds=9) as holder:
        start = time.monotonic()
        done = succeed("make", "build", cwd=project)
        assert time.monotonic() - start > 7
    assert f"(process {holder}) has {DEV} open. Waiting for it, at most 60 seconds" in done.output
