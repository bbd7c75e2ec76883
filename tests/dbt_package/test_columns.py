"""Macros for columns: keys, casts, patterns and audit columns."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import duckdb


def test_surrogate_key_tells_rows_apart_that_look_alike(built):
    keys = dict(built.sql("select row_id, surrogate_key from columns.surrogate_key", target="prod"))
    assert keys[1] == keys[12], "the same values give the same key"
    assert len({key for row, key in keys.items() if row != 12}) == 15
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys.values())
    assert built.sql("select count(distinct key_of_a_number) from columns.surrogate_key", target="prod") == [(16,)]


def test_try_cast(built):
    found = built.sql("from columns.try_cast", target="prod")
    assert {text: tuple(None if value is None else str(value) for value in values) for text, *values in found} == {
        "2026-02-28": ("2026-02-28", "2026-02-28 00:00:00", None, None, None),
        "2026-02-30": (None, None, None, None, None),
        "12.50": (None, None, "12.50", "13", None),
        "12,50": (None, None, None, None, None),
        "1234.5": (None, None, None, "1235", None),
        "7": (None, None, "7.00", "7", None),
        "true": (None, None, None, None, "True"),
        "": (None, None, None, None, None),
        None: (None, None, None, None, None),
    }


def test_matches(built):
    assert built.sql("from columns.matches order by row_id", target="prod") == [
        (1, True, False),
        (2, False, False),
        (3, False, True),
        (4, None, None),
    ]


def test_audit_columns(built):
    ((_, built_at, invocation, release),) = built.sql("from columns.audit_columns", target="prod")
    assert abs(datetime.now(UTC).replace(tzinfo=None) - built_at) < timedelta(minutes=15)
    assert re.fullmatch("[0-9a-f-]{36}", invocation)
    assert release is None


def test_audit_columns_name_the_release(copy):
    (text,) = copy.compiled("audit_columns()", DATAOPS_RELEASE="2026-01-31 it's")
    with duckdb.connect() as warehouse:
        assert warehouse.execute(f"select built_in_release from (select {text})").fetchall() == [("2026-01-31 it's",)]
