"""Makes the sample data of the corner shop: five raw tables, with the dirt that real ones have.

The same `since`, `until`, `order_lines` and `seed` give the same bytes on any machine. Each day is drawn from a random
generator of its own, so a later `until` only adds rows: it is what a source looks like some days later.

Only the standard library is used, because the template makes the first sample while it generates the project.
Parquet alone needs DuckDB.
"""

from __future__ import annotations

import argparse
import csv
import os
import random
import shutil
import sys
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent

COLUMNS = {
    "raw_customers": ["customer_id", "name", "email", "city", "signed_up_at", "_loaded_at"],
    "raw_products": ["product_id", "name", "category", "unit_price", "_loaded_at"],
    "raw_orders": ["order_id", "customer_id", "ordered_at", "status", "channel", "_loaded_at"],
    "raw_order_items": ["order_item_id", "order_id", "product_id", "quantity", "unit_price", "_loaded_at"],
    "raw_payments": ["payment_id", "order_id", "kind", "method", "amount", "paid_at", "_loaded_at"],
}

DEFAULT_DAYS = 60
DEFAULT_ORDER_LINES = 3_300
DEFAULT_SEED = 20
CUSTOMER_DAYS = 365  # An order is placed by somebody who signed up in the year before it.
ORDERS_PER_CUSTOMER_A_YEAR = 20
ID_STRIDE = 10_000_000  # Ids of one day start at day number * stride, so days never share one.
EPOCH = date(2020, 1, 1)
NOBODY = 7  # an id that no customer and no order has
LINES_PER_ORDER = [1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 4, 4, 5]
MEAN_LINES_PER_ORDER = sum(LINES_PER_ORDER) / len(LINES_PER_ORDER)
WEEKDAY_SHARE = [0.92, 0.90, 0.95, 1.00, 1.18, 1.30, 0.75]  # Monday to Sunday, mean 1.0

PRODUCTS = [
    ("Apples", "Fruit", 299), ("Bananas", "Fruit", 189), ("Lemons", "Fruit", 249), ("Açaí, frozen", "Fruit", 649),
    ("Tomatoes", "Vegetables", 279), ("Onions", "Vegetables", 149), ("Jalapeños", "Vegetables", 219),
    ("Potatoes, 2.5 kg", "Vegetables", 349), ("Milk, 1 l", "Dairy", 129), ("Butter", "Dairy", 259),
    ("Gruyère", "Dairy", 599), ("Yoghurt \"Greek style\"", "Dairy", 179), ("Eggs, 10", "Dairy", 329),
    ("Sourdough loaf", "Bakery", 449), ("Croissant", "Bakery", 149), ("Crème brûlée", "Bakery", 399),
    ("Bagels, 5", "Bakery", 279), ("Coffee beans", "Drinks", 899), ("Green tea", "Drinks", 399),
    ("Mineral water, 6", "Drinks", 299), ("Ginger beer", "Drinks", 179), ("Orange juice", "Drinks", 269),
    ("Rice, 1 kg", "Pantry", 249), ("Spaghetti", "Pantry", 139), ("Olive oil", "Pantry", 1099),
    ("Chickpeas", "Pantry", 99), ("Honey", "Pantry", 549), ("Dark chocolate", "Pantry", 229),
    ("Soy sauce 醤油", "Pantry", 319), ("Peanut butter", "Pantry", 379), ("Washing powder", "Household", 899),
    ("Sponges, 3", "Household", 199), ("Bin bags", "Household", 249), ("Candles", "Household", 349),
    ("Batteries, AA", "Household", 599), ("Soap 🧼", "Household", 189), ("Toothpaste", "Household", 249),
    ("Notebook", "Household", 299), ("Umbrella ☂", "Household", 1299), ("Gift card", "Household", 2500),
]  # fmt: skip
FIRST_NAMES = [
    "Ada", "Björn", "Chloé", "Dmitri", "Esi", "Farah", "Grace", "Hana", "Ivan", "José", "Kwame", "Léa", "Mei", "Noor",
    "Olu", "Priya", "Quinn", "Rosa", "Søren", "Thandi", "Ürsula", "Vera", "Wei", "Ximena", "Yara", "Zoë",
]  # fmt: skip
LAST_NAMES = [
    "Adeyemi", "Brown", "Castillo", "Dubois", "Eriksson", "Fischer", "García", "Haddad", "Ito", "Jones", "Kowalski",
    "Larsen", "Mbeki", "Nguyen", "O'Brien", "Petrov", "Quist", "Rossi", "Silva", "Tanaka", "Usman", "Varga", "Wang",
]  # fmt: skip
# A zero-width space, a no-break space, a combining accent, right-to-left text, an emoji and a full-width letter.
ODD_NAMES = ["Ana\u200b Lima", "\u00a0Tom\u00a0Baker ", "Zoe\u0301 Martin", "\u05e0\u05d5\u05d0 לוי", "🦊", "Ａnn Lee"]
CITIES = ["Riverside", "Old Town", "Harbour", "Hillcrest", "Station Quarter", ""]
CHANNELS = ["till", "till", "till", "online", "phone"]
METHODS = ["card", "card", "card", "cash", "voucher"]
BAD_TIMES = ["2026-02-30 10:15:00", "yesterday", "0000-00-00 00:00:00", "31/12", ""]


@dataclass(frozen=True)
class Draw:
    """Random choices from one seed. Only `random()` is used: its sequence is the same in every Python version."""

    source: random.Random

    def chance(self, share: float) -> bool:
        """Whether something happens that happens in `share` (0 to 1) of all cases."""
        return self.source.random() < share

    def below(self, limit: int) -> int:
        """An integer from 0 up to, and without, `limit`."""
        return int(self.source.random() * limit)

    def one_of(self, values):
        """One of `values`."""
        return values[self.below(len(values))]


def _draw(seed: int, *what: object) -> Draw:
    return Draw(random.Random("/".join(map(str, (seed, *what)))))


def _loaded(day: date) -> str:
    """The nightly load of a day."""
    return f"{datetime.combine(day, time(23, 30)):%Y-%m-%d %H:%M:%S}"


def _money(cents: int) -> str:
    sign = "-" if cents < 0 else ""
    return f"{sign}{abs(cents) // 100}.{abs(cents) % 100:02d}"


def _first_id(day: date) -> int:
    return (day - EPOCH).days * ID_STRIDE


def _price(seed: int, product: int, day: date) -> int:
    """Price in cents on a day: each product changes its price every 45 days, by up to 8 % either way."""
    changes = ((day - EPOCH).days + product * 7) // 45
    step = _draw(seed, "price", product, changes).below(17) - 8
    return max(10, PRODUCTS[product][2] * (100 + step) // 100)


def _customers_a_day(orders_a_day: float) -> int:
    return max(1, round(orders_a_day / ORDERS_PER_CUSTOMER_A_YEAR))


def _customers(seed: int, day: date, count: int) -> Iterator[list]:
    """Those who signed up on a day."""
    draw = _draw(seed, "customers", day)
    for number in range(count):
        customer_id = _first_id(day) + number
        first, last = draw.one_of(FIRST_NAMES), draw.one_of(LAST_NAMES)
        name = draw.one_of(ODD_NAMES) if draw.chance(0.02) else f"{first} {last}"
        email = f"customer.{customer_id}@example.com"
        if draw.chance(0.05):
            email = ""
        elif draw.chance(0.02):
            email = f"  {email.upper()} "
        signed_up = f"{day} {8 + draw.below(12):02d}:{draw.below(60):02d}:00"
        if draw.chance(0.01):
            signed_up = draw.one_of(BAD_TIMES)
        row = [customer_id, name, email, draw.one_of(CITIES), signed_up, _loaded(day)]
        yield row
        if draw.chance(0.02):  # delivered twice
            yield row


def _products(seed: int, day: date) -> Iterator[list]:
    """The catalogue as it stands on a day, with one product that has lost its name."""
    for product, (name, category, _) in enumerate(PRODUCTS):
        yield [product + 1, name, category, _money(_price(seed, product, day)), _loaded(day)]
    yield [len(PRODUCTS) + 1, "", "Pantry", "-1.00", _loaded(day)]


def _sales(seed: int, day: date, until: date, orders: int, customers: int) -> Iterator[tuple[str, list]]:
    """What a day's trade leaves in the raw orders, order items and payments by the load of `until`."""
    draw = _draw(seed, "sales", day)
    prices = [_price(seed, product, day) for product in range(len(PRODUCTS))]
    first_id = _first_id(day)
    item_id = payment_id = first_id
    for number in range(orders):
        order_id = first_id + number
        customer_day = day - timedelta(days=1 + draw.below(CUSTOMER_DAYS))
        customer_id = _first_id(customer_day) + draw.below(customers)
        second = 7 * 3600 + draw.below(15 * 3600)
        ordered_at = f"{day} {second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}"
        late_days = 1 + draw.below(3) if draw.chance(0.02) else 0
        loaded_on = day + timedelta(days=late_days)
        status = "cancelled" if draw.chance(0.03) else "completed"
        channel = draw.one_of(CHANNELS)
        if draw.chance(0.004):
            ordered_at = draw.one_of(BAD_TIMES)
        if draw.chance(0.003):
            customer_id = NOBODY
        order = [order_id, customer_id, ordered_at, status, channel, _loaded(loaded_on)]

        rows: list[tuple[date, str, list]] = [(loaded_on, "raw_orders", order)]
        if draw.chance(0.01):  # delivered twice
            rows.append((loaded_on, "raw_orders", order))
        elif draw.chance(0.03):  # corrected by a later load
            rows[0] = (loaded_on, "raw_orders", [*order[:3], "placed", channel, _loaded(loaded_on)])
            next_load = loaded_on + timedelta(days=1)
            rows.append((next_load, "raw_orders", [*order[:5], _loaded(next_load)]))

        total = 0
        for _ in range(draw.one_of(LINES_PER_ORDER)):
            product = draw.below(len(PRODUCTS))
            quantity = 1 + draw.below(3)
            total += quantity * prices[product]
            if draw.chance(0.003):
                quantity = draw.one_of([-1, 0, ""])
            line_order = NOBODY if draw.chance(0.002) else order_id
            item = [item_id, line_order, product + 1, quantity, _money(prices[product]), _loaded(loaded_on)]
            rows.append((loaded_on, "raw_order_items", item))
            item_id += 1

        payments: list[tuple[date, int, str, str, str, str]] = []  # loaded on, order, kind, method, amount, paid at
        if status == "completed":
            first_part = total // 2 if draw.chance(0.04) else total
            for cents in filter(None, (first_part, total - first_part)):
                amount = _money(cents)
                if draw.chance(0.003):
                    amount = draw.one_of([_money(-cents), amount.replace(".", ","), "", "n/a"])
                payments.append((loaded_on, order_id, "payment", draw.one_of(METHODS), amount, ordered_at))
            if draw.chance(0.03):  # returned, days later and perhaps in part
                refunded_on = day + timedelta(days=1 + draw.below(10))
                cents = total if draw.chance(0.5) else max(1, total // 3)
                loaded = max(refunded_on, loaded_on)
                payments.append((loaded, order_id, "refund", "card", _money(cents), f"{refunded_on} 12:00:00"))
            if draw.chance(0.002):
                payments.append((loaded_on, NOBODY, "payment", "cash", "5.00", ordered_at))
        for loaded, paid_order, kind, method, amount, paid_at in payments:
            row = [payment_id, paid_order, kind, method, amount, paid_at, _loaded(loaded)]
            rows.append((loaded, "raw_payments", row))
            payment_id += 1

        yield from ((table, row) for loaded, table, row in rows if loaded <= until)


def rows(since: date, until: date, order_lines: int, seed: int = DEFAULT_SEED) -> Iterator[tuple[str, list]]:
    """Every row of the sample, one at a time, as (table, values).

    Args:
        since: first day with orders.
        until: last day with orders and with a load.
        order_lines: about how many order items the days hold together.
        seed: another seed, another sample.
    """
    days = (until - since).days + 1
    orders_a_day = order_lines / days / MEAN_LINES_PER_ORDER
    customers = _customers_a_day(orders_a_day)
    for offset in range(-CUSTOMER_DAYS, days):
        for row in _customers(seed, since + timedelta(days=offset), customers):
            yield "raw_customers", row
    for row in _products(seed, until):
        yield "raw_products", row
    for offset in range(days):
        day = since + timedelta(days=offset)
        swing = 0.96 + 0.08 * _draw(seed, "day", day).source.random()
        orders = max(1, round(orders_a_day * WEEKDAY_SHARE[day.weekday()] * swing))
        yield from _sales(seed, day, until, orders, customers)


def write_csv(
    folder: Path, since: date, until: date, order_lines: int = DEFAULT_ORDER_LINES, seed: int = DEFAULT_SEED
) -> dict[str, int]:
    """Writes one CSV file a table into `folder` and returns how many rows each has.

    The files are written beside it first and put in place together, so an interrupted run leaves the old ones whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    counts = dict.fromkeys(COLUMNS, 0)
    progress = _Progress(order_lines)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".sample-") as beside:
        with ExitStack() as files:
            writers = {}
            for table, columns in COLUMNS.items():
                file = files.enter_context(open(Path(beside, f"{table}.csv"), "w", newline="", encoding="utf-8"))
                writers[table] = csv.writer(file, lineterminator="\n")
                writers[table].writerow(columns)
            for table, row in rows(since, until, order_lines, seed):
                writers[table].writerow(row)
                counts[table] += 1
                if table == "raw_order_items":
                    progress.show(counts[table])
        progress.end()
        for table in COLUMNS:
            os.replace(Path(beside, f"{table}.csv"), folder / f"{table}.csv")
    return counts


def write_parquet(folder: Path, since: date, until: date, order_lines: int, seed: int = DEFAULT_SEED) -> dict[str, int]:
    """Like `write_csv`, but one Parquet file a table. DuckDB turns the rows over from CSV as a stream."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".sample-") as beside:
        counts = write_csv(Path(beside), since, until, order_lines, seed)
        with duckdb.connect() as connection:
            for table, columns in COLUMNS.items():
                types = ", ".join(
                    f"'{column}': '{'TIMESTAMP' if column == '_loaded_at' else 'VARCHAR'}'" for column in columns
                )
                source = str(Path(beside, f"{table}.csv")).replace("'", "''")
                target = str(Path(beside, f"{table}.parquet")).replace("'", "''")
                connection.execute(
                    f"copy (from read_csv('{source}', header=true, auto_detect=false, columns={{{types}}}))"
                    f" to '{target}' (format parquet)"
                )
        for table in COLUMNS:
            os.replace(Path(beside, f"{table}.parquet"), folder / f"{table}.parquet")
    return counts


class _Progress:
    """A line that is rewritten in place, for runs that take more than a moment, on a terminal only."""

    def __init__(self, expected: int) -> None:
        self.expected = max(1, expected)
        self.on = expected >= 200_000 and sys.stderr.isatty()

    def show(self, done: int) -> None:
        if self.on and done % 100_000 == 0:
            print(f"\r{done:,} of about {self.expected:,} order lines", end="", file=sys.stderr, flush=True)

    def end(self) -> None:
        if self.on:
            print(file=sys.stderr)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a day. Try: {datetime.now(UTC):%Y-%m-%d}") from None


def first_day() -> date:
    """The day on which this project's sample starts, from pyproject.toml: later samples start there too, and add days."""
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))
    return date.fromisoformat(settings["tool"]["sample-data"]["until"]) - timedelta(days=DEFAULT_DAYS - 1)


def last_load(folder: Path) -> str:
    """The day of the last load in the sample of a folder, or "" where there is none."""
    try:
        with open(folder / "raw_orders.csv", newline="", encoding="utf-8") as file:
            return max((row["_loaded_at"][:10] for row in csv.DictReader(file)), default="")
    except (OSError, KeyError):
        return ""


def main() -> None:
    """Command line: see `--help`."""
    parser = argparse.ArgumentParser(
        prog="python scripts/sample_data.py", description="Make the sample data of the corner shop."
    )
    parser.add_argument(
        "--until",
        type=_day,
        default=os.environ.get("SAMPLE_UNTIL") or f"{datetime.now(UTC):%Y-%m-%d}",
        metavar="DAY",
        help="last day, as 2026-01-31 (default: SAMPLE_UNTIL, or else today)",
    )
    parser.add_argument(
        "--days", type=int, help="how many days (default: from the first day in pyproject.toml up to --until)"
    )
    parser.add_argument(
        "--order-lines",
        type=int,
        help=f"about how many order items in all (default: {DEFAULT_ORDER_LINES // DEFAULT_DAYS} a day)",
    )
    parser.add_argument(
        "--seed", type=int, default=DEFAULT_SEED, help="another seed, another sample (default: %(default)s)"
    )
    parser.add_argument("--format", choices=["csv", "parquet"], default="csv", help="default: %(default)s")
    parser.add_argument(
        "--output", type=Path, default=PROJECT / "seeds" / "shop", metavar="FOLDER", help="default: the project's seeds"
    )
    given = parser.parse_args()
    if given.days is not None and given.days < 1:
        parser.error(f"--days must be at least 1; got {given.days}.")
    since = first_day() if given.days is None else given.until - timedelta(days=given.days - 1)
    if not EPOCH + timedelta(days=CUSTOMER_DAYS) <= since <= given.until:
        parser.error(
            f"the sample would run from {since} to {given.until}: the first day must not be after the last,"
            f" nor before {EPOCH + timedelta(days=CUSTOMER_DAYS)}. Try --until {datetime.now(UTC):%Y-%m-%d}."
        )
    days = (given.until - since).days + 1
    order_lines = given.order_lines if given.order_lines is not None else days * DEFAULT_ORDER_LINES // DEFAULT_DAYS
    if order_lines < days or order_lines // days > ID_STRIDE:
        parser.error(f"--order-lines must be from {days:,} (one a day) to {days * ID_STRIDE:,}; got {order_lines:,}.")
    if given.format == "parquet" and given.output == parser.get_default("output"):
        parser.error("seeds are CSV files: name another folder for Parquet, for example --output warehouse/sample.")
    if given.format == "csv" and order_lines > 500_000 and given.output == parser.get_default("output"):
        parser.error("dbt reads seeds slowly: for more than 500,000 order lines use --format parquet --output FOLDER.")

    if given.output.exists() and not given.output.is_dir():
        parser.error(f"--output {given.output} is a file. Name a folder; it is made where it is not there.")
    goes_on = given.days is None and given.order_lines is None and given.seed == DEFAULT_SEED
    goes_on = goes_on and f"{given.until}" >= last_load(given.output)
    write = write_parquet if given.format == "parquet" else write_csv
    counts = write(given.output, since, given.until, order_lines, given.seed)
    for table, count in counts.items():
        print(f"{table:16} {count:>12,} rows")
    print(f"{since} to {given.until} in {os.path.relpath(given.output)}")
    if given.output == parser.get_default("output"):
        print("Next: make build" if goes_on else "It replaces the last one. Next: make build ARGS=--full-refresh")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("stopped: the old sample is untouched")
    except OSError as error:
        sys.exit(f"cannot write the sample: {error}. {shutil.disk_usage(PROJECT).free // 1024**2:,} MB are free here.")
