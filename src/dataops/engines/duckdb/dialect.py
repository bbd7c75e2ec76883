"""DuckDB's part of the comparison's SQL."""

from __future__ import annotations

import re
from collections.abc import Iterable

from dataops.engines.base import LONGEST_VALUE, Dialect

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
FLOATS = ("FLOAT", "DOUBLE")
DIGITS = dict(zip((*INTEGERS, *UNSIGNED), (3, 5, 10, 19, 39, 3, 5, 10, 20), strict=True))
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")


def common_type(base: str, head: str) -> str:
    """The type in which two columns are compared: whole numbers and decimals exactly, a number and a float as double, a date
    and a timestamp as timestamps, everything else as text.

    >>> common_type("INTEGER", "BIGINT"), common_type("BIGINT", "DECIMAL(18,2)"), common_type("INTEGER", "DOUBLE")
    ('BIGINT', 'DECIMAL(21,2)', 'DOUBLE')
    >>> common_type("DATE", "TIMESTAMP"), common_type("DATE", "INTEGER"), common_type("UINTEGER", "SMALLINT")
    ('TIMESTAMP', 'VARCHAR', 'HUGEINT')
    """
    if base == head:
        return base
    both = (base, head)
    if all(one in INTEGERS for one in both):
        return max(both, key=INTEGERS.index)
    if all(one in UNSIGNED for one in both):
        return max(both, key=UNSIGNED.index)
    if all(one in DIGITS for one in both):
        return "HUGEINT"
    exact = [_digits(one) for one in both]
    if all(exact):
        scale = max(digits[1] for digits in exact)
        width = max(digits[0] for digits in exact) + scale
        return f"DECIMAL({width},{scale})" if width <= 38 else "VARCHAR"
    if all(one in FLOATS or digits for one, digits in zip(both, exact, strict=True)):
        return "DOUBLE"
    if set(both) == {"DATE", "TIMESTAMP"}:
        return "TIMESTAMP"
    return "VARCHAR"


def _digits(data_type: str) -> tuple[int, int] | None:
    """How many digits an exact type has before and after the point."""
    if data_type in DIGITS:
        return DIGITS[data_type], 0
    found = DECIMAL.fullmatch(data_type)
    return (int(found[1]) - int(found[2]), int(found[2])) if found else None


def is_number(data_type: str) -> bool:
    """Whether a type has a mean."""
    return data_type in FLOATS or _digits(data_type) is not None


class DuckDBDialect(Dialect):
    """How DuckDB writes what standard SQL has no words for. The methods are documented in the protocol."""

    row_number = "rowid"

    def common_type(self, base: str, head: str) -> str:
        return common_type(base, head)

    def is_number(self, data_type: str) -> bool:
        return is_number(data_type)

    def describe(self, relation: str) -> str:
        return f"describe select * from {relation}"

    def temp_table(self, name: str, query: str) -> str:
        return f"create or replace temp table {name} as {query}"

    def fingerprint(self, expressions: Iterable[str]) -> str:
        return f"hash({', '.join(expressions)})"

    def total(self, numbers: str) -> str:
        return f"coalesce(sum({numbers}), 0)"

    def semi_join(self, other: str, condition: str) -> str:
        return f"semi join {other} on {condition}"

    def sample(self) -> str:
        return "tablesample system(1%)"

    def number(self, expression: str) -> str:
        return f"cast({expression} as double)"

    def text(self, expression: str) -> str:
        return f"cast({expression} as varchar)"

    def shortened(self, expression: str) -> str:
        text = self.text(expression)
        return f"case when length({text}) > {LONGEST_VALUE} then left({text}, {LONGEST_VALUE}) || '…' else {text} end"

    def hidden(self, expression: str, salt: str) -> str:
        return f"'hidden ' || left(sha256('{salt}' || {self.text(expression)}), 8)"
