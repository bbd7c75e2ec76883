"""The parts of the comparison's SQL that differ from engine to engine. These are DuckDB's; another engine derives from them."""

from __future__ import annotations

import re
from collections.abc import Iterable

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
FLOATS = ("FLOAT", "DOUBLE")
DIGITS = dict(zip((*INTEGERS, *UNSIGNED), (3, 5, 10, 19, 39, 3, 5, 10, 20), strict=True))
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
LONGEST_VALUE = 200  # characters of a value that are shown


def quote(name: str) -> str:
    """A name as an SQL identifier.

    >>> print(quote('a "b"'))
    "a ""b""\"
    """
    return '"' + name.replace('"', '""') + '"'


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


class Dialect:
    """How DuckDB writes what standard SQL has no words for.

    Attributes:
        row_number: a pseudo-column of tables that numbers the rows in the order in which they were written.
    """

    row_number = "rowid"

    def common_type(self, base: str, head: str) -> str:
        """The type in which a column of base and one of head are compared."""
        return common_type(base, head)

    def is_number(self, data_type: str) -> bool:
        """Whether a type has a mean."""
        return is_number(data_type)

    def describe(self, relation: str) -> str:
        """A query whose rows begin with name and type of a column of the relation."""
        return f"describe select * from {relation}"

    def temp_table(self, name: str, query: str) -> str:
        """A statement that keeps the rows of a query in a temporary table, which may exist."""
        return f"create or replace temp table {name} as {query}"

    def column(self, name: str, alias: str = "") -> str:
        """A column, with the alias of its table."""
        return f"{alias}.{quote(name)}" if alias else quote(name)

    def fingerprint(self, expressions: Iterable[str]) -> str:
        """A hash of some values together: equal values have equal hashes, and null is a value too."""
        return f"hash({', '.join(expressions)})"

    def total(self, numbers: str) -> str:
        """The sum of fingerprints, exactly; 0 of no rows."""
        return f"coalesce(sum({numbers}), 0)"

    def semi_join(self, other: str, condition: str) -> str:
        """What follows a relation to keep its rows that have a match in another one."""
        return f"semi join {other} on {condition}"

    def sample(self) -> str:
        """What follows a relation to read about a hundredth of its rows."""
        return "tablesample system(1%)"

    def number(self, expression: str) -> str:
        """A number as one that has a mean."""
        return f"cast({expression} as double)"

    def text(self, expression: str) -> str:
        """A value as text."""
        return f"cast({expression} as varchar)"

    def shortened(self, expression: str) -> str:
        """A value as text that is cut where it is long."""
        text = self.text(expression)
        return f"case when length({text}) > {LONGEST_VALUE} then left({text}, {LONGEST_VALUE}) || '…' else {text} end"

    def hidden(self, expression: str, salt: str) -> str:
        """A value as a salted hash, which tells rows apart and nothing else."""
        return f"'hidden ' || left(sha256('{salt}' || {self.text(expression)}), 8)"
