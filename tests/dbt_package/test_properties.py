"""Macros and tests against a naive Python that says the same, on random rows."""

from __future__ import annotations

import itertools
from collections import Counter

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

KEYS = st.none() | st.sampled_from(["a", "b", ""])
MOMENTS = st.none() | st.integers(0, 8)
EXAMPLES = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

CALLS = {
    "deduplicate": "deduplicate('given', ['key'], ['first desc nulls last', 'row_id'])",
    "surrogate_key": "surrogate_key(['one', 'two'])",
    "no_gaps": "default__test_no_gaps('given', 'first', none, 2, ['key'])",
    "no_overlaps": "default__test_no_overlaps('given', 'first', 'last', ['key'], false)",
    "no_overlaps inclusive": "default__test_no_overlaps('given', 'first', 'last', ['key'], true)",
    "reconciles_with": "default__test_reconciles_with('given', 'other', 'sum(first)', none, ['key'], none, none, 1)",
}


@pytest.fixture(scope="module")
def sql(built, tmp_path_factory) -> dict[str, str]:
    """What each call is compiled to, by one dbt command."""
    project = built.copy(tmp_path_factory.mktemp("properties"))
    return dict(zip(CALLS, project.compiled(*CALLS.values()), strict=True))


@pytest.fixture(scope="module")
def warehouse():
    with duckdb.connect() as connection:
        yield connection


def run_on(warehouse, sql: str, **tables: list[tuple]) -> list[tuple]:
    """Runs SQL on tables of key, first and last, whose rows are numbered."""
    for name, table in tables.items():
        warehouse.execute(f"create or replace temp table {name} (row_id int, key text, first int, last int)")
        if table:
            numbered = [(number, *row) for number, row in enumerate(table)]
            warehouse.executemany(f"insert into {name} values (?, ?, ?, ?)", numbered)
    return warehouse.execute(sql).fetchall()


ROWS = st.lists(st.tuples(KEYS, MOMENTS, MOMENTS), max_size=8)


@EXAMPLES
@given(table=ROWS)
def test_deduplicate_keeps_the_first_of_each_group(sql, warehouse, table):
    kept: dict[str | None, tuple] = {}
    for number, row in enumerate(table):
        best = kept.get(row[0])
        if best is None or (row[1] is not None and (best[2] is None or row[1] > best[2])):
            kept[row[0]] = (number, *row)
    assert sorted(run_on(warehouse, sql["deduplicate"], given=table)) == sorted(kept.values())


TEXTS = st.none() | st.text("a:1n'ul", max_size=5) | st.just("null")


@EXAMPLES
@given(one=st.tuples(TEXTS, TEXTS), other=st.tuples(TEXTS, TEXTS))
def test_surrogate_keys_are_equal_where_the_values_are(sql, warehouse, one, other):
    query = f"select {sql['surrogate_key']} from (select ? as one, ? as two)"
    keys = [warehouse.execute(query, values).fetchone()[0] for values in (one, other)]
    assert (keys[0] == keys[1]) == (one == other)


@EXAMPLES
@given(table=ROWS)
def test_no_gaps_finds_the_neighbours_that_are_too_far_apart(sql, warehouse, table):
    series: dict[str | None, set[int]] = {}
    for key, value, _ in table:
        if value is not None:
            series.setdefault(key, set()).add(value)
    gaps = [
        (key, before, after)
        for key, values in series.items()
        for before, after in itertools.pairwise(sorted(values))
        if after - before > 2
    ]
    assert Counter(run_on(warehouse, sql["no_gaps"], given=table)) == Counter(gaps)


def moments(row: tuple, inclusive: bool) -> set[float]:
    """The moments of an interval, in quarters. -1 and 9 stand for the ends of time."""
    start = -4 if row[1] is None else row[1] * 4
    end = 37 if row[2] is None else row[2] * 4 + inclusive
    return set(range(start, end))


@EXAMPLES
@given(table=ROWS, inclusive=st.booleans())
def test_no_overlaps_passes_where_no_two_intervals_share_a_moment(sql, warehouse, table, inclusive):
    found = run_on(warehouse, sql["no_overlaps inclusive" if inclusive else "no_overlaps"], given=table)
    reversed_rows = Counter(row for row in table if None not in row[1:] and row[1] > row[2])
    right_way = [row for row in table if row not in reversed_rows]
    shared = any(
        one[0] == other[0] and moments(one, inclusive) & moments(other, inclusive)
        for one, other in itertools.combinations(right_way, 2)
    )
    assert any(problem.startswith("starts") for *_, problem in found) == shared
    assert Counter(row[:3] for row in found if row[4] == "ends before it starts") == reversed_rows


@EXAMPLES
@given(table=ROWS, other=ROWS)
def test_reconciles_with_finds_the_groups_that_differ(sql, warehouse, table, other):
    def sums(rows: list[tuple]) -> dict:
        found: dict = {}
        for key, value, _ in rows:
            found.setdefault(key, []).append(value)
        return {
            key: sum(numbers) if (numbers := [value for value in values if value is not None]) else None
            for key, values in found.items()
        }

    own, theirs = sums(table), sums(other)
    expected = set()
    for key in own.keys() | theirs.keys():
        values = own.get(key), theirs.get(key)
        on_both_sides = key in own and key in theirs
        nulls_agree = on_both_sides and values == (None, None)
        agree = nulls_agree if None in values else abs(values[0] - values[1]) <= 1
        if not agree:
            expected.add((key, *values))
    found = run_on(warehouse, sql["reconciles_with"], given=table, other=other)
    assert {row[:3] for row in found} == expected
