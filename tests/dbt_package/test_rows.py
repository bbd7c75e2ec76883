"""Macros for rows: deduplicate, as_of and recent_rows."""

from __future__ import annotations


def test_deduplicate(built):
    assert set(built.sql('from "rows".deduplicate', target="prod")) == {
        ("a", 1, 3, "latest"),
        ("a", None, 2, "latest of a key with a null"),
        (None, None, 1, "key of nulls"),
        ("b", 1, 5, "tie, first line"),
        ("c", 1, 1, "some time"),
    }


def test_as_of(copy):
    """A snapshot of three days: on the second a price changes, on the third a product is gone."""
    for day in ("2", "3"):
        copy.succeed("build", "--select", "+as_of", CATALOGUE_DAY=day, DBT_TARGET_PATH="target/dev")
    found = copy.sql("select moment, snapshot, product_id, price from dev_ada_rows.as_of")
    first, second = [(1, "1.00"), (2, "2.00"), (3, "3.00")], [(1, "1.00"), (2, "2.50"), (3, "3.00")]
    expected = {
        ("first day", "plain"): first,
        ("first day", "renamed"): first,
        ("just before the change", "plain"): first,
        ("just before the change", "renamed"): first,
        ("moment of the change", "plain"): second,
        ("moment of the change", "renamed"): second,
        ("now", "plain"): second,  # a snapshot that ignores hard deletes keeps what is gone
        ("now", "renamed"): second[:2],
    }
    by_time: dict[tuple, list[tuple]] = {}
    for at, snapshot, *row in sorted(found):
        by_time.setdefault((at, snapshot), []).append((row[0], str(row[1])))
    assert by_time == expected


def test_recent_rows(built):
    found: dict[str, list[int]] = {}
    for window, row in built.sql("select window_from, row_id from dev_ada_rows.recent_rows order by all"):
        found.setdefault(window, []).append(row)
    assert found == {"var": [3, 4], "argument": [1, 2, 3, 4], "off": [1, 2, 3, 4, 5]}
    in_prod = built.sql('select count(*) from "rows".recent_rows', target="prod")
    assert in_prod == [(15,)], "in prod every row is recent"
