"""The generator of the sample data: same input, same bytes; later days only add; the dirt is there."""

from __future__ import annotations

import csv
import hashlib
import sys
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.helpers import REPOSITORY, TEMPLATE, clean_environment, import_script, make_project, run, succeed

SCRIPT = TEMPLATE / "scripts" / "sample_data.py"
sample_data = import_script("sample_data")

UNTIL = date(2026, 3, 1)
SINCE = UNTIL - timedelta(days=59)


@pytest.fixture(scope="module")
def sample(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("sample")
    sample_data.write_csv(folder, SINCE, UNTIL)
    return folder


def read(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_the_same_days_give_the_same_bytes_on_any_day_and_python(sample):
    """The figure was noted when the generator was written. A change to the generator changes it, and every new sample."""
    digest = hashlib.sha256(b"".join((sample / f"{table}.csv").read_bytes() for table in sample_data.COLUMNS))
    assert digest.hexdigest() == "514cc9b0b721af83fc9aac6e2b468c2522dadc162e3cbdb877fb248d41fee0c1"


def test_another_seed_gives_another_sample(sample, tmp_path):
    sample_data.write_csv(tmp_path, SINCE, UNTIL, seed=1)
    assert (tmp_path / "raw_orders.csv").read_bytes() != (sample / "raw_orders.csv").read_bytes()


def test_a_generated_project_holds_60_days_that_end_on_the_day_of_generation(tmp_path):
    project = make_project(tmp_path)
    orders = read(project / "seeds/shop", "raw_orders")
    days = {order["ordered_at"][:10] for order in orders if order["ordered_at"][:4] == str(date.today().year)}
    loads = [date.fromisoformat(order["_loaded_at"][:10]) for order in orders]
    assert date.today() - max(loads) <= timedelta(days=1)  # the day is that of UTC
    assert max(loads) - min(loads) == timedelta(days=59)
    assert len(days) >= 20


def test_a_later_day_only_adds_rows(sample, tmp_path):
    """But for the products, which are delivered whole, with the prices of the day."""
    lines_a_day = sample_data.DEFAULT_ORDER_LINES // 60
    sample_data.write_csv(tmp_path, SINCE, UNTIL + timedelta(days=3), order_lines=63 * lines_a_day)
    for table in set(sample_data.COLUMNS) - {"raw_products"}:
        old = Counter((sample / f"{table}.csv").read_text(encoding="utf-8").splitlines())
        new = Counter((tmp_path / f"{table}.csv").read_text(encoding="utf-8").splitlines())
        assert not old - new, table
        assert sum((new - old).values()) > 0, table


def test_the_dirt_is_there(sample):
    customers, products, orders, items, payments = (read(sample, table) for table in sample_data.COLUMNS)

    def repeated(rows: list[dict], key: str) -> int:
        return len(rows) - len({row[key] for row in rows})

    assert repeated(customers, "customer_id") > 0
    assert repeated(orders, "order_id") > 0
    assert any(order["ordered_at"] in sample_data.BAD_TIMES for order in orders)
    assert any(float(row["quantity"] or 0) <= 0 for row in items)
    assert any("-" in row["amount"] or "," in row["amount"] or row["amount"] in ("", "n/a") for row in payments)
    assert {row["order_id"] for row in items} - {row["order_id"] for row in orders}
    assert {row["customer_id"] for row in orders} - {row["customer_id"] for row in customers}
    assert any(row["name"] in sample_data.ODD_NAMES for row in customers)
    assert any(not row["email"] for row in customers)
    assert any(not row["name"] for row in products)
    assert any(row["_loaded_at"][:10] > row["ordered_at"][:10] for row in orders), "late rows"
    assert any(row["kind"] == "refund" for row in payments)


def test_parquet_holds_the_rows_of_csv(sample, tmp_path):
    pytest.importorskip("duckdb")
    counts = sample_data.write_parquet(tmp_path, SINCE, UNTIL, sample_data.DEFAULT_ORDER_LINES)
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(f"{table}.parquet" for table in counts)
    for table, count in counts.items():
        columns = ", ".join(f"coalesce(cast(\"{column}\" as varchar), '')" for column in sample_data.COLUMNS[table])
        rows = duckdb.sql(f"select {columns} from '{tmp_path / table}.parquet'").fetchall()
        assert len(rows) == count
        assert Counter(rows) == Counter(tuple(row.values()) for row in read(sample, table))


def test_memory_does_not_grow_with_the_number_of_rows(tmp_path):
    """Rows are streamed: twenty times the order lines, the same memory, give or take a fifth."""
    measure = REPOSITORY / "tests/scripts/memory_of_sample.py"
    used = []
    for lines in (20_000, 400_000):
        command = [sys.executable, measure, SCRIPT.parent, tmp_path / str(lines), str(lines)]
        used.append(int(succeed(*command, cwd=tmp_path).output))
    assert used[1] < 1.2 * used[0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "2026-02-30"], "'2026-02-30' is not a day. Try: "),
        (["--days", "0"], "--days must be at least 1; got 0."),
        (["--until", "2020-06-01", "--days", "5"], "Try --until 20"),
        (["--order-lines", "1"], "--order-lines must be from 60 (one a day)"),
        (["--format", "parquet"], "name another folder for Parquet"),
        (["--order-lines", "600000"], "use --format parquet --output FOLDER"),
    ],
)
def test_a_wrong_option_is_refused_and_the_sample_stays(arguments, message, tmp_path):
    project = make_project(tmp_path)
    before = (project / "seeds/shop/raw_orders.csv").read_bytes()
    command = [sys.executable, "scripts/sample_data.py", *arguments]
    done = run(*command, cwd=project, environment=clean_environment(PYTHONDONTWRITEBYTECODE="1"))
    assert done.code == 2
    assert message in done.output
    assert (project / "seeds/shop/raw_orders.csv").read_bytes() == before


def test_a_sample_that_replaces_the_last_one_asks_for_a_full_refresh(tmp_path):
    """An incremental model would keep the orders that the new sample does not have."""
    project = make_project(tmp_path)
    until = max(order["_loaded_at"][:10] for order in read(project / "seeds/shop", "raw_orders"))

    def next_step(*options: str) -> str:
        done = run(sys.executable, "scripts/sample_data.py", *options, cwd=project)
        assert done.code == 0, done
        return done.output.splitlines()[-1]

    later = str(date.fromisoformat(until) + timedelta(days=3))
    assert next_step("--until", until) == "Next: make build"
    assert next_step("--until", later) == "Next: make build"
    refresh = "It replaces the last one. Next: make build ARGS=--full-refresh"
    assert next_step("--until", until) == refresh  # `until` is earlier than the last load now
    for options in (["--seed", "1"], ["--order-lines", "5000"], ["--days", "90"]):
        assert next_step("--until", later, *options) == refresh
