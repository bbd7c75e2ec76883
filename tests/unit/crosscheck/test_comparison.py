"""Crosscheck's comparison of two relations, against a naive one in Python: random tables and random edits."""

from __future__ import annotations

import math
from collections import Counter
from datetime import date, datetime
from decimal import Decimal
from unittest import mock

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dataops.crosscheck import compare
from dataops.crosscheck.compare import Comparer
from dataops.engines.duckdb.dialect import DuckDBDialect
from dataops.engines.duckdb.files import DuckDBSession

# Awkward on purpose: reserved, in mixed case, quoted, and the names that the comparison's own SQL uses.
NAMES = [
    "Order",
    "select",
    "MixedCase",
    "naïve ü",
    'a "quote"',
    "b",
    "h",
    "d",
    "k0",
    "k1",
    "f",
    "base_f",
    "count_delta",
    "x.y",
    "rowid",
]
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=4)
VALUES = {
    "BIGINT": st.integers(-3, 3) | st.integers(-(2**63), 2**63 - 1),
    "DOUBLE": st.sampled_from([0.0, -0.0, math.nan, math.inf, -math.inf, 0.1, 1e300]) | st.floats(),
    "VARCHAR": st.sampled_from(["", "null", "NULL", " ", "é", "e\u0301", "🧺", "a|b", "'"]) | TEXT,
    "DECIMAL(18,3)": st.decimals(-1000, 1000, places=3),
    "TIMESTAMP": st.datetimes(datetime(1700, 1, 1), datetime(2200, 1, 1)),
    "DATE": st.dates(date(1700, 1, 1), date(2200, 1, 1)),
    "BOOLEAN": st.booleans(),
}
KEY_TYPES = ["BIGINT", "VARCHAR", "TIMESTAMP", "DECIMAL(18,3)", "DATE"]


@st.composite
def tables(draw) -> tuple[list[tuple[str, str]], list[tuple], list[tuple], list[str]]:
    """Columns, the rows of base and head, and the columns that are declared as the key: often one, sometimes wrongly."""
    names = draw(st.lists(st.sampled_from(NAMES), min_size=2, max_size=5, unique_by=str.lower))
    key_size = draw(st.integers(0, 2))
    types = [draw(st.sampled_from(KEY_TYPES if at < key_size else sorted(VALUES))) for at in range(len(names))]
    # Few values for each column, so that rows repeat and keys meet again.
    pools = [
        draw(st.lists(VALUES[one] | st.none(), min_size=1, max_size=6))
        if at >= key_size
        else draw(
            st.lists(VALUES[one] if draw(st.integers(0, 3)) else VALUES[one] | st.none(), min_size=3, max_size=12)
        )
        for at, one in enumerate(types)
    ]
    row = st.tuples(*map(st.sampled_from, pools))
    base = draw(st.lists(row, max_size=12))
    if draw(st.integers(0, 3)):  # mostly a key that is one
        base = list({tuple(map(plain, one[:key_size])): one for one in base}.values()) if key_size else base
    head = list(base)
    for _ in range(draw(st.integers(0, 4))):
        edit = draw(st.sampled_from(["add", "remove", "change", "repeat", "shuffle"]))
        at = draw(st.integers(0, len(head) - 1)) if head else None
        if edit == "add":
            head.append(draw(row))
        elif at is None:
            continue
        elif edit == "remove":
            head.pop(at)
        elif edit == "repeat":
            head.append(head[at])
        elif edit == "shuffle":
            head.reverse()
        else:
            column = draw(st.integers(min(key_size, len(names) - 1), len(names) - 1))
            head[at] = (*head[at][:column], draw(st.sampled_from(pools[column])), *head[at][column + 1 :])
    return list(zip(names, types, strict=True)), base, head, names[:key_size]


def plain(value):
    """A value that Python compares as SQL does: not a number equals itself, and there is one zero."""
    if isinstance(value, float):
        return "not a number" if math.isnan(value) else value + 0.0
    return value


def load(connection, name: str, columns: list[tuple[str, str]], rows: list[tuple]) -> None:
    described = ", ".join(f'"{column.replace(chr(34), chr(34) * 2)}" {kind}' for column, kind in columns)
    connection.execute(f"create table {name} ({described})")
    for row in rows:
        connection.execute(f"insert into {name} values ({', '.join('?' * len(row))})", row)


def compare_tables(connection, key=(), **options) -> compare.Comparison:
    """The comparison of base_table and head_table."""
    return Comparer(DuckDBSession(connection), DuckDBDialect(), "base_table", "head_table", key, **options).compare()


def compared(columns, base, head, key=(), **options) -> compare.Comparison:
    with duckdb.connect() as connection:
        load(connection, "base_table", columns, base)
        load(connection, "head_table", columns, head)
        return compare_tables(connection, key, **options)


def multiset_difference(base, head) -> tuple[int, int]:
    """Rows only in head and only in base, each as often as it is there."""
    before, after = Counter(base), Counter(head)
    return (after - before).total(), (before - after).total()


@settings(max_examples=400, deadline=None)
@given(tables(), st.sampled_from([0, 1, 3, compare.PROBED_ROWS]))
def test_it_finds_what_a_naive_comparison_finds(table, probed_rows):
    columns, base, head, key = table
    with mock.patch.object(compare, "PROBED_ROWS", probed_rows):  # so that both ways are gone
        result = compared(columns, base, head, key)
    base, head = ([tuple(map(plain, row)) for row in rows] for rows in (base, head))
    added, removed = multiset_difference(base, head)
    width = len(key)
    assert (result.rows_base, result.rows_head) == (len(base), len(head))
    keys = [[row[:width] for row in rows] for rows in (base, head)]
    is_key = width and all(len(set(of)) == len(of) and not any(None in one for one in of) for of in keys)
    if not added and not removed:
        assert not result.rows_differ
        return
    assert (result.matched_by == "key") >= bool(is_key), "a key that is one is used"
    if result.matched_by == "whole rows":
        assert (result.rows_added, result.rows_removed, result.rows_changed) == (added, removed, 0)
        assert bool(result.key_problem) == bool(key)
        by_column = [(Counter(row[at] for row in base), Counter(row[at] for row in head)) for at in range(len(columns))]
        differ = {columns[at][0] for at, (before, after) in enumerate(by_column) if before != after}
        assert set(result.changed_columns) == differ
        return
    before, after = ({row[:width]: row for row in rows if None not in row[:width]} for rows in (base, head))
    assert all(
        len(set(of)) == len(of) for of in ([k for k in keys[0] if None not in k], [k for k in keys[1] if None not in k])
    )
    changed = [one for one in before.keys() & after.keys() if before[one] != after[one]]
    assert result.rows_added == len(after.keys() - before.keys())
    assert result.rows_removed == len(before.keys() - after.keys())
    assert result.rows_changed == len(changed)
    counts = Counter(
        columns[at][0] for one in changed for at in range(len(columns)) if before[one][at] != after[one][at]
    )
    assert result.changed_columns == dict(counts)
    assert len(result.examples) == sum(
        min(3, count) for count in (result.rows_added, result.rows_removed, result.rows_changed)
    )


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.integers(-(2**31), 2**31 - 1) | st.none(), max_size=8),
    st.sampled_from(["BIGINT", "DECIMAL(20,2)", "DOUBLE", "VARCHAR", "HUGEINT"]),
)
def test_a_retyped_column_is_compared_by_value(values, retyped):
    rows = [(at, value) for at, value in enumerate(values)]
    with duckdb.connect() as connection:
        load(connection, "base_table", [("id", "INTEGER"), ("amount", "INTEGER")], rows)
        connection.execute(
            f"create table head_table as select cast(id as bigint) as id, cast(amount as {retyped}) as amount from base_table"
        )
        result = compare_tables(connection, ["id"])
        assert not result.rows_differ
        assert [(one.name, one.base, one.head) for one in result.columns_retyped] == [
            ("id", "INTEGER", "BIGINT"),
            ("amount", "INTEGER", retyped),
        ]
        connection.execute("update head_table set amount = 7 where amount <> 7")
        changed = sum(value is not None and value != 7 for value in values)
        assert compare_tables(connection, ["id"]).rows_changed == changed


def test_columns_are_matched_whatever_their_case_and_order():
    with duckdb.connect() as connection:
        connection.execute("create table base_table as select 1 as id, 'a' as Name, 2 as gone")
        connection.execute("create table head_table as select 'b' as NAME, 1 as ID, 3.5 as fresh")
        result = compare_tables(connection, ["Id"])
    assert [column.name for column in result.columns_added] == ["fresh"]
    assert [column.name for column in result.columns_removed] == ["gone"]
    assert (result.key, result.rows_changed, result.changed_columns) == (("ID",), 1, {"NAME": 1})


COLUMNS = [("id", "BIGINT"), ("amount", "DECIMAL(18,2)")]


@pytest.mark.parametrize(
    ("base", "head", "problem"),
    [
        ([(1, 1), (1, 2)], [(1, 1), (1, 3)], "the key id is not unique in base"),
        ([(1, 1), (2, 2)], [(1, 1), (2, 2), (2, 3)], "the key id is not unique in head"),
        ([(None, 1), (2, 2)], [(None, 3), (2, 2)], "the key id is null in 2 rows that differ"),
    ],
)
def test_a_key_that_is_none_is_said_and_not_used(base, head, problem):
    result = compared(COLUMNS, base, head, ["id"])
    assert result.key_problem == f"{problem}, so whole rows were compared"
    assert (result.rows_added, result.rows_removed) == multiset_difference(base, head)


def test_a_key_that_repeats_is_found_where_only_a_sample_was_looked_at(monkeypatch):
    """Above a million rows; here from the first row on, with a sample that sees nothing."""
    monkeypatch.setattr(Comparer, "_repeats", lambda self, which, rows: False)
    for base, head in [
        ([(1, 1), (1, 1)], [(1, 1)]),
        ([(1, 1), (1, 2)], [(1, 1)]),
        ([(1, 1), (1, 2), (2, 5)], [(1, 1), (2, 6), (2, 5)]),
        ([(1, 1), (1, 2)], [(1, 3)]),
        ([(1, 1)], [(2, 1), (2, 2)]),
        ([(1, 1), (1, 1), (2, 2), (3, 3)], [(1, 1), (2, 2), (2, 2), (3, 4)]),
    ]:
        result = compared(COLUMNS, base, head, ["id"])
        assert result.key_problem == "the key id is not unique, so whole rows were compared"
        assert (result.rows_added, result.rows_removed) == multiset_difference(base, head)


ROWS = [(at, Decimal(at)) for at in range(10)]


@pytest.mark.parametrize(
    ("head", "passes"),
    [
        ([*ROWS[:9], (9, Decimal(7))], 0),
        ([*ROWS, (10, Decimal(7))], 0),
        (ROWS, 1),
        (ROWS[::-1], 1),
        ([(0, Decimal(7)), *ROWS[1:]], 1),
    ],
    ids=["one of the last rows", "more rows", "the same", "the same in another order", "one of the first rows"],
)
def test_what_the_probe_shows_to_differ_needs_no_pass_over_all_rows(head, passes):
    first_pass = mock.Mock(side_effect=Comparer._fingerprints)
    with (
        mock.patch.object(compare, "PROBED_ROWS", 4),
        mock.patch.object(Comparer, "_fingerprints", lambda self: first_pass(self)),
    ):
        result = compared(COLUMNS, ROWS, head, ["id"])
    assert first_pass.call_count == passes
    assert (result.rows_added, result.rows_removed) == (max(len(head) - 10, 0), 0)
    assert result.rows_changed == (head not in (ROWS, ROWS[::-1]) and len(head) == 10)
    assert result.key_problem is None


def test_a_number_that_is_not_finite_has_figures():
    columns = [("id", "BIGINT"), ("score", "DOUBLE")]
    base = [(1, 1.0), (2, 2.0)]
    for value, mean in ((math.inf, "inf"), (math.nan, "nan"), (1.7e308, "inf")):
        (drift,) = compared(columns, [*base, (3, 1.7e308)], [*base, (3, 1.7e308), (4, value)], ["id"]).drift[1:]
        assert drift.head.mean == mean
        assert drift.base.mean == pytest.approx(1.7e308 / 3)


def test_figures_that_are_the_same_are_not_shown():
    base = [(1, Decimal(1)), (2, Decimal(2)), (3, None)]
    result = compared(COLUMNS, base, [(1, Decimal(2)), (2, Decimal(1)), (3, None)], ["id"])
    assert (result.changed_columns, result.drift) == ({"amount": 2}, [])


def test_the_figures_of_a_column_of_numbers():
    rows = [(at, Decimal(at)) for at in range(4)]
    result = compared(COLUMNS, rows, [*rows[:3], (3, None), (4, Decimal("10.50"))], [])
    (drift,) = [one for one in result.drift if one.column == "amount"]
    assert (drift.base.null_share, drift.base.mean, drift.base.minimum, drift.base.maximum) == (
        0.0,
        1.5,
        "0.00",
        "3.00",
    )
    assert (drift.head.null_share, drift.head.mean, drift.head.minimum, drift.head.maximum) == (
        0.2,
        3.375,
        "0.00",
        "10.50",
    )


def test_of_a_wide_row_the_columns_that_differ_are_shown_and_the_others_counted():
    columns = [(f"c{at}", "BIGINT") for at in range(12)]
    base = [tuple(range(12)), tuple(range(100, 112))]
    head = [base[0], (*base[1][:11], 7)]
    for one in compared(columns, base, head).examples:
        assert list(one.values) == ["c11", "c0", "c1", "c2", "c3", "c4", "c5", "c6"]
        assert one.columns_left_out == 4
    (added,) = compared(columns, base[:1], base, ["c0"], is_personal=lambda name: name == "c2").examples
    assert list(added.values) == ["c1", "c3", "c4", "c5", "c6", "c7", "c8", "c9"], "of personal data nothing is shown"
    assert added.columns_left_out == 3
    (added,) = compared(columns[:8], [], [base[0][:8]]).examples
    assert (len(added.values), added.columns_left_out) == (8, 0)


def test_personal_data_is_never_shown():
    columns = [("email", "VARCHAR"), ("salary", "BIGINT"), ("city", "VARCHAR")]
    base = [("ada@example.com", 123456, "Harbour"), ("bob@example.com", 234567, "Old Town")]
    head = [("ada@example.com", 345678, "Hillcrest"), ("eve@example.com", 456789, "Harbour")]
    for key in (["email"], []):
        result = compared(columns, base, head, key, is_personal=lambda name: name in ("email", "salary"))
        text = repr(result)
        assert not [one for one in ("example.com", "123456", "234567", "345678", "456789") if one in text], text
        assert "Hillcrest" in text
        assert result.rows_differ
    again = compared(columns, base, head, ["email"], is_personal=lambda name: name == "email")
    hashes = {one.key["email"] for one in again.examples}
    assert len(hashes) == 3, "rows can be told apart"
    assert hashes.isdisjoint(
        one.key["email"]
        for one in compared(columns, base, head, ["email"], is_personal=lambda name: name == "email").examples
    ), "the hash of a value is another one in each run, so it cannot be looked up"


def test_ignored_columns_are_not_compared():
    rows = [(1, Decimal(1))]
    result = compared(COLUMNS, rows, [(1, Decimal(2))], ["id"], ignored=["AMOUNT"])
    assert not result.rows_differ
    assert result.columns_ignored == ["amount"]


def test_tables_without_a_column_in_common_are_counted():
    with duckdb.connect() as connection:
        connection.execute("create table base_table as select 1 as a from range(3)")
        connection.execute("create table head_table as select 1 as b from range(5)")
        result = compare_tables(connection, ["a"])
    assert (result.rows_base, result.rows_head, result.rows_added, result.columns_differ) == (3, 5, 2, True)
