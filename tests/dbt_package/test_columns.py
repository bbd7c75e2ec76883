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


TYPES = ("date", "timestamp", "decimal(5, 2)", "bigint", "boolean")
# What a text is as a date, a timestamp, a decimal(5, 2), a bigint and a boolean; "-" is null.
TEXTS = """
2026-02-28            | 2026-02-28 | 2026-02-28 00:00:00 | -      | -  | -
2026-2-8              | 2026-02-08 | 2026-02-08 00:00:00 | -      | -  | -
2026-02-28 10:30      | 2026-02-28 | 2026-02-28 10:30:00 | -      | -  | -
2026-02-28T10:30:01   | 2026-02-28 | 2026-02-28 10:30:01 | -      | -  | -
2026-02-30            | -          | -                   | -      | -  | -
2026/02/28            | -          | -                   | -      | -  | -
02/28/2026            | -          | -                   | -      | -  | -
20260228              | -          | -                   | -      | 20260228 | -
2026                  | -          | -                   | -      | 2026 | -
10:00:00              | -          | -                   | -      | -  | -
yesterday             | -          | -                   | -      | -  | -
infinity              | -          | -                   | -      | -  | -
epoch                 | -          | -                   | -      | -  | -
J2451187              | -          | -                   | -      | -  | -
12.50                 | -          | -                   | 12.50  | -  | -
12.5                  | -          | -                   | 12.50  | -  | -
.5                    | -          | -                   | 0.50   | -  | -
7.                    | -          | -                   | 7.00   | -  | -
12,50                 | -          | -                   | -      | -  | -
1234.5                | -          | -                   | -      | -  | -
1e3                   | -          | -                   | -      | -  | -
1_0                   | -          | -                   | -      | -  | -
0x1F                  | -          | -                   | -      | -  | -
NaN                   | -          | -                   | -      | -  | -
7                     | -          | -                   | 7.00   | 7  | -
" 7 "                 | -          | -                   | 7.00   | 7  | -
+7                    | -          | -                   | 7.00   | 7  | -
-7                    | -          | -                   | -7.00  | -7 | -
007                   | -          | -                   | 7.00   | 7  | -
--7                   | -          | -                   | -      | -  | -
99999999999999999999  | -          | -                   | -      | -  | -
true                  | -          | -                   | -      | -  | True
""                    | -          | -                   | -      | -  | -
"""


def test_try_cast(built):
    """One table of texts, the same for every engine."""
    expected: dict[str | None, list] = {None: [None] * 5}
    for line in TEXTS.strip().splitlines():
        text, *values = (part.strip() for part in line.split("|"))
        expected[text.strip('"')] = [None if value == "-" else value for value in values]
    found = built.compiled(*(f"try_cast('typed_text', '{type_}')" for type_ in TYPES))
    with duckdb.connect() as warehouse:
        for text, values in expected.items():
            row = warehouse.execute(f"select {', '.join(found)} from (select ? as typed_text)", [text]).fetchone()
            assert [None if value is None else str(value) for value in row] == values, text


def test_trim_on_other_engines_is_what_duckdb_does(built):
    """DuckDB understands the text of the other engines too, so both can run there."""
    own, others = built.compiled("trim('given')", "default__trim('given')")
    texts = ["a", " a b ", "\u00a0a\u2003", "\u3000", "", "\ta\n", None]
    with duckdb.connect() as warehouse:
        for text in texts:
            row = warehouse.execute(f"select {own}, {others} from (select ? as given)", [text]).fetchone()
            assert row[0] == row[1], repr(text)
        assert warehouse.execute(f"select {own} from (select ? as given)", ["\u00a0a\u2003"]).fetchone() == ("a",)


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
