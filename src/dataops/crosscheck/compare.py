"""Two relations compared, in SQL.

First one pass over each side: how many rows, and the sum of their fingerprints (DuckDB's 64-bit hash of all columns that
are compared). Where these agree the rows are the same, in whatever order. Where they differ: by key, one join of keys
and fingerprints finds the rows, and only those are looked at column by column; without a usable key, whole rows are
counted on both sides. A glance at row counts and at a few rows comes before all: what it shows to differ needs no first pass.
"""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

import duckdb

INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
UNSIGNED = ("UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT")
FLOATS = ("FLOAT", "DOUBLE")
DIGITS = dict(zip((*INTEGERS, *UNSIGNED), (3, 5, 10, 19, 39, 3, 5, 10, 20), strict=True))
DECIMAL = re.compile(r"DECIMAL\((\d+),(\d+)\)")
LONGEST_VALUE = 200  # characters of a value that are shown
SHOWN_COLUMNS = 8  # of a row that is only on one side, besides its key
GLANCED_ROWS = 8192  # of base, its last ones, which are the likeliest to differ
MOST_SORTED = 100_000  # changed rows; the examples of more are the first by key
IN_BOTH = "base_f is not null and head_f is not null"
EXACT_KEY_CHECK = 1_000_000  # rows; above, a sample tells whether joining by the key is safe


@dataclass(frozen=True)
class Column:
    """A column and its type, as the warehouse writes it."""

    name: str
    type: str


@dataclass(frozen=True)
class Retyped:
    """A column whose type differs."""

    name: str
    base: str
    head: str


@dataclass(frozen=True)
class Figures:
    """How a column is distributed. `minimum`, `maximum` and `mean` are None for personal data and where all is null."""

    null_share: float
    mean: float | str | None  # text where it is not finite
    minimum: str | None
    maximum: str | None

    def is_like(self, other: Figures) -> bool:
        """Whether the two are the same, but for the rounding of a mean, which depends on the order of the rows."""
        means = (self.mean, other.mean)
        same_mean = math.isclose(*means) if all(isinstance(one, float) for one in means) else means[0] == means[1]
        return same_mean and replace(self, mean=None) == replace(other, mean=None)


@dataclass(frozen=True)
class Drift:
    """A column of numbers whose values differ, on both sides."""

    column: str
    base: Figures
    head: Figures


@dataclass(frozen=True)
class Example:
    """A row that differs.

    Attributes:
        kind: added, removed or changed.
        key: the columns that identify it, as text; empty without a key.
        values: by column, the values on base and head, as text. One of the two is absent for a row of one side.
        columns_left_out: how many more columns a row of one side has.
    """

    kind: str
    key: dict[str, str | None]
    values: dict[str, dict[str, str | None]]
    columns_left_out: int = 0


@dataclass
class Comparison:
    """What differs between two relations.

    Attributes:
        matched_by: `key`, or `whole rows` where rows_changed is not known (a changed row is one removed and one added).
        key_problem: why the key that was given could not be used.
        changed_columns: by column, in how many rows it changed; None where only that it differs is known.
    """

    columns_added: list[Column] = field(default_factory=list)
    columns_removed: list[Column] = field(default_factory=list)
    columns_retyped: list[Retyped] = field(default_factory=list)
    columns_ignored: list[str] = field(default_factory=list)
    rows_base: int = 0
    rows_head: int = 0
    rows_added: int = 0
    rows_removed: int = 0
    rows_changed: int = 0
    key: tuple[str, ...] = ()
    matched_by: str = "whole rows"
    key_problem: str | None = None
    changed_columns: dict[str, int | None] = field(default_factory=dict)
    drift: list[Drift] = field(default_factory=list)
    examples: list[Example] = field(default_factory=list)

    @property
    def columns_differ(self) -> bool:
        """Whether a column was added, removed or retyped."""
        return bool(self.columns_added or self.columns_removed or self.columns_retyped)

    @property
    def rows_differ(self) -> bool:
        """Whether a row was added, removed or changed."""
        return bool(self.rows_added or self.rows_removed or self.rows_changed)


def quote(name: str) -> str:
    """A name as an SQL identifier.

    >>> print(quote('a "b"'))
    "a ""b""\"
    """
    return '"' + name.replace('"', '""') + '"'


def common_type(base: str, head: str) -> str:
    """The type in which two columns are compared: whole numbers and decimals exactly, with a float as double, dates with
    timestamps as timestamps, all else as text.

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
    """Digits before and behind the point of a type that is exact."""
    if data_type in DIGITS:
        return DIGITS[data_type], 0
    found = DECIMAL.fullmatch(data_type)
    return (int(found[1]) - int(found[2]), int(found[2])) if found else None


def is_number(data_type: str) -> bool:
    """Whether a type has a mean."""
    return data_type in FLOATS or _digits(data_type) is not None


def columns_of(connection: duckdb.DuckDBPyConnection, relation: str) -> list[Column]:
    """The columns of a relation, in order."""
    rows = connection.execute(f"describe select * from {relation}").fetchall()
    return [Column(name, data_type) for name, data_type, *_ in rows]


class Comparer:
    """Compares two relations that one connection can read.

    Args:
        connection: where both can be read, and temporary tables be made.
        base: the relation that is the yardstick, as it stands in SQL.
        head: the relation under test.
        key: columns that are said to identify a row; none is allowed.
        ignored: columns that are not compared, lower case.
        is_personal: whether the values of a column must never be shown.
        example_count: how many rows of each kind to show.
        is_view: whether a relation is a view, whose rows are expensive to read again and are copied where they differ.
    """

    def __init__(
        self,
        connection: duckdb.DuckDBPyConnection,
        base: str,
        head: str,
        key: Sequence[str] = (),
        ignored: Collection[str] = (),
        is_personal: Callable[[str], bool] = lambda column: False,
        example_count: int = 3,
        is_view: Callable[[str], bool] = lambda relation: False,
    ):
        self._connection = connection
        self._base, self._head = base, head
        self._key = tuple(key)
        self._ignored = frozenset(name.lower() for name in ignored)
        self._is_personal = is_personal
        self._example_count = example_count
        self._is_view = is_view
        self._salt = secrets.token_hex(16)  # so that nobody looks the hash of a personal key up
        # By the head's name: what reads the column on either side, in one type.
        self._common: dict[str, tuple[str, str]] = {}
        self._types: dict[str, str] = {}
        self._has_row_numbers = True  # DuckDB's own `rowid`, in base

    def compare(self) -> Comparison:
        """Compares columns, then rows."""
        result = self._compare_columns()
        if not self._common:
            self._count_rows(result)
            change = result.rows_head - result.rows_base
            result.rows_added, result.rows_removed = max(change, 0), max(-change, 0)
            result.key_problem = "the two sides have no column in common, so rows were only counted"
            return result
        if not self._differ_at_a_glance():
            (result.rows_base, _), (result.rows_head, _) = prints = self._fingerprints()
            if prints[0] == prints[1]:
                result.matched_by = "key" if result.key else "whole rows"
                return result
        self._copy_views()
        self._count_rows(result)
        if not (self._key and self._by_key(result)):
            self._by_whole_rows(result)
        self._drift(result)
        if result.matched_by != "key":
            self._show_whole_rows(result)
        return result

    def _count_rows(self, result: Comparison) -> None:
        (result.rows_base,), (result.rows_head,) = (
            self._row(f"select count(*) from {relation}") for relation in (self._base, self._head)
        )

    def _copy_views(self) -> None:
        """Puts the rows of a view into a temporary table, so that it is not computed again and again."""
        for name in ("base", "head"):
            relation, copy = getattr(self, f"_{name}"), f"copied_{name}"
            if self._is_view(relation):
                self._run(f"create or replace temp table {copy} as from {relation}")
                setattr(self, f"_{name}", copy)

    def _compare_columns(self) -> Comparison:
        base = {column.name.lower(): column for column in columns_of(self._connection, self._base)}
        head = {column.name.lower(): column for column in columns_of(self._connection, self._head)}
        self._has_row_numbers = "rowid" not in base and not self._is_view(self._base)
        result = Comparison(key=self._key)
        result.columns_ignored = [column.name for name, column in {**base, **head}.items() if name in self._ignored]
        base, head = (
            {name: column for name, column in side.items() if name not in self._ignored} for side in (base, head)
        )
        result.columns_added = [column for name, column in head.items() if name not in base]
        result.columns_removed = [column for name, column in base.items() if name not in head]
        for name, column in head.items():
            if name not in base:
                continue
            before = base[name]
            self._types[column.name] = common_type(before.type, column.type)
            self._common[column.name] = tuple(
                quote(one.name)
                if one.type == self._types[column.name]
                else f"cast({quote(one.name)} as {self._types[column.name]})"
                for one in (before, column)
            )
            if before.type != column.type:
                result.columns_retyped.append(Retyped(column.name, before.type, column.type))
        spelt = {name.lower(): name for name in self._common}
        missing = [name for name in self._key if name.lower() not in spelt]
        if missing:
            result.key_problem = f"the key's column {', '.join(missing)} is not on both sides"
            result.key = self._key = ()
        else:
            result.key = self._key = tuple(spelt[name.lower()] for name in self._key)
        return result

    # A glance

    def _differ_at_a_glance(self) -> bool:
        """Whether two tables differ for sure: one has more rows, or head has not a row that is among the last of base. These
        are looked up by key, for the same rows may lie in another order. False tells nothing."""
        if not self._key or not self._has_row_numbers or self._is_view(self._head):
            return False
        rows_base, rows_head = (self._row(f"select count(*) from {side}")[0] for side in (self._base, self._head))
        if rows_base != rows_head:
            return True
        names = [f"k{number}" for number in range(len(self._key))]
        self._run(
            f"create or replace temp table glanced as select * from ({self._keys_and_fingerprints(0)}"
            f" where rowid >= {rows_base - GLANCED_ROWS} limit {GLANCED_ROWS})"
            f" where {' and '.join(f'{name} is not null' for name in names)}"
        )
        # Keys first, so that fingerprints are taken of the few rows alone.
        self._run(
            f"create or replace temp table found_head as select t.* from {self._head} as t"
            f" semi join glanced as d on {self._same_key(1, 't')}"
        )
        (missing,) = self._row(f"select count(*) from glanced where f not in (select {self._hash(1)} from found_head)")
        return bool(missing)

    # One pass over each side

    def _hash(self, side: int) -> str:
        return f"hash({', '.join(expressions[side] for expressions in self._common.values())})"

    def _fingerprints(self) -> tuple[tuple[int, int], tuple[int, int]]:
        """Rows and the sum of their fingerprints, of base and head."""
        return tuple(
            self._row(f"select count(*), coalesce(sum({self._hash(side)}), 0) from {relation}")
            for side, relation in enumerate((self._base, self._head))
        )

    # By key

    def _keys_and_fingerprints(self, side: int) -> str:
        """A query for the key's columns (k0, k1, ...) and the fingerprint (f) of each row of a side."""
        keys = ", ".join(f"{self._common[name][side]} as k{number}" for number, name in enumerate(self._key))
        return f"select {keys}, {self._hash(side)} as f from {(self._base, self._head)[side]}"

    def _by_key(self, result: Comparison) -> bool:
        """Finds the rows that differ by their key. False, with the reason in the result, where the key does not tell rows
        apart: then nothing was found."""
        rows = (result.rows_base, result.rows_head)
        for side in (0, 1):
            if self._repeats(side, rows[side]):
                return self._no_key(result, f"{self._said_key()} is not unique in {('base', 'head')[side]}")
        numbers = range(len(self._key))
        self._run(
            "create or replace temp table differing as select "
            + ", ".join(f"coalesce(b.k{n}, h.k{n}) as k{n}" for n in numbers)
            + f", b.f as base_f, h.f as head_f from ({self._keys_and_fingerprints(0)}) as b"
            f" full join ({self._keys_and_fingerprints(1)}) as h on "
            + " and ".join(f"b.k{n} = h.k{n}" for n in numbers)
            + " where b.f is distinct from h.f"
        )
        keys = ", ".join(f"k{n}" for n in numbers)
        any_null = " or ".join(f"k{n} is null" for n in numbers)
        removed, added, changed, base_sum, head_sum, nulls = self._row(
            "select count(*) filter (head_f is null), count(*) filter (base_f is null),"
            f" count(*) filter ({IN_BOTH}),"
            f" coalesce(sum(hash({keys})) filter (base_f is not null), 0),"
            f" coalesce(sum(hash({keys})) filter (head_f is not null), 0), count(*) filter ({any_null}) from differing"
        )
        if nulls:
            return self._no_key(result, f"{self._said_key()} is null in {nulls:,} row{'s' * (nulls > 1)} that differ")
        # A key that occurs twice shows: in the rows found, or because the keys left over are not the same on both sides.
        left_over = [
            (rows[side] - found - changed, self._sum_of_keys(side) - found_sum)
            for side, found, found_sum in ((0, removed, base_sum), (1, added, head_sum))
        ]
        repeated = self._row(f"select count(*) from (select 1 from differing group by {keys} having count(*) > 1)")[0]
        if repeated or left_over[0] != left_over[1]:
            return self._no_key(result, f"{self._said_key()} is not unique")
        result.matched_by = "key"
        self._found = (self._base, self._head)
        result.rows_removed, result.rows_added, result.rows_changed = removed, added, changed
        if removed + added + changed <= MOST_SORTED:  # few: read them once, not for each question again
            for side, name in enumerate(("found_base", "found_head")):
                self._run(
                    f"create or replace temp table {name} as select t.* from {self._found[side]} as t"
                    f" semi join differing as d on {self._same_key(side, 't')}"
                )
            self._found = ("found_base", "found_head")
        if changed:
            self._count_changes(result)
        self._show_by_key(result)
        return True

    def _sum_of_keys(self, side: int) -> int:
        """The sum of the hashes of all keys of a side."""
        keys = ", ".join(self._common[name][side] for name in self._key)
        return self._row(f"select coalesce(sum(hash({keys})), 0) from {(self._base, self._head)[side]}")[0]

    def _said_key(self) -> str:
        return f"the key {', '.join(self._key)}"

    @staticmethod
    def _no_key(result: Comparison, problem: str) -> bool:
        result.key_problem = f"{problem}, so whole rows were compared"
        return False

    def _repeats(self, side: int, rows: int) -> bool:
        """Whether a key repeats so often that a join would explode: exactly for small tables, by a sample for others."""
        relation = (self._base, self._head)[side]
        sample = "" if rows <= EXACT_KEY_CHECK else " tablesample system(1%)"
        keys = ", ".join(self._common[name][side] for name in self._key)
        names = [f"k{number}" for number in range(len(self._key))]
        (repeated,) = self._row(
            f"select count(*) from (select 1 from (select {keys} from {relation}{sample}) as keys({', '.join(names)})"
            f" where {' and '.join(f'{name} is not null' for name in names)}"
            f" group by {', '.join(names)} having count(*) > 1 limit 1)"
        )
        return bool(repeated)

    @property
    def _values(self) -> list[str]:
        """The columns that are compared and are not of the key."""
        return [name for name in self._common if name not in self._key]

    def _changed_rows(self) -> str:
        """The rows of both sides that have the same key and differ, for a from clause."""
        return (
            f"(from differing where {IN_BOTH}) as d"
            f" join {self._found[0]} as b on {self._same_key(0, 'b')}"
            f" join {self._found[1]} as h on {self._same_key(1, 'h')}"
        )

    def _same_key(self, side: int, alias: str) -> str:
        """The condition that a row of one side has the key of a row `d` of `differing`."""
        return " and ".join(f"{self._read(name, side, alias)} = d.k{n}" for n, name in enumerate(self._key))

    def _read(self, name: str, side: int, alias: str) -> str:
        """A column of one side with its table's alias, in the type in which it is compared."""
        expression = self._common[name][side]
        return re.sub(r'^(cast\()?"', lambda found: f'{found[1] or ""}{alias}."', expression)

    def _count_changes(self, result: Comparison) -> None:
        if not self._values:
            return
        counts = self._row(
            "select "
            + ", ".join(
                f"count(*) filter ({self._read(name, 0, 'b')} is distinct from {self._read(name, 1, 'h')})"
                for name in self._values
            )
            + f" from {self._changed_rows()}"
        )
        result.changed_columns = {name: count for name, count in zip(self._values, counts, strict=True) if count}

    def _text(self, expression: str, name: str) -> str:
        """A value as text; personal data as a hash that tells rows apart within this run, and nothing else."""
        text = f"cast({expression} as varchar)"
        if self._is_personal(name):
            return f"'hidden ' || left(sha256('{self._salt}' || {text}), 8)"
        return f"case when length({text}) > {LONGEST_VALUE} then left({text}, {LONGEST_VALUE}) || '…' else {text} end"

    def _show_by_key(self, result: Comparison) -> None:
        order = ", ".join(f"d.k{number}" for number in range(len(self._key)))
        shown_keys = [self._text(f"d.k{number}", name) for number, name in enumerate(self._key)]
        if result.rows_changed and self._values:
            selected = [*shown_keys]
            for name in self._values:
                before, after = self._read(name, 0, "b"), self._read(name, 1, "h")
                selected += [f"{before} is distinct from {after}"]
                selected += (
                    ["null", "null"] if self._is_personal(name) else [self._text(before, name), self._text(after, name)]
                )
            source, sort = self._changed_rows(), order
            if result.rows_changed > MOST_SORTED:  # the first by key are found without joining all of them again
                few = f"(from differing as d where {IN_BOTH} order by {order} limit {self._example_count})"
                source = source.replace(f"(from differing where {IN_BOTH})", few, 1)
            else:  # those that show most
                changes = [
                    f"cast({self._read(name, 0, 'b')} is distinct from {self._read(name, 1, 'h')} as integer)"
                    for name in self._values
                ]
                sort = f"{' + '.join(changes)} desc, {order}"
            for row in self._rows(
                f"select {', '.join(selected)} from {source} order by {sort} limit {self._example_count}"
            ):
                keys, rest = row[: len(self._key)], row[len(self._key) :]
                values = {
                    name: {"base": self._hide(name, rest[at + 1]), "head": self._hide(name, rest[at + 2])}
                    for at, name in zip(range(0, len(rest), 3), self._values, strict=True)
                    if rest[at]
                }
                result.examples.append(Example("changed", dict(zip(self._key, keys, strict=True)), values))
        for kind, side, condition in (("removed", 0, "head_f is null"), ("added", 1, "base_f is null")):
            if not (result.rows_removed, result.rows_added)[side]:
                continue
            shown = self._shown(self._values)
            alias, name_of_side = "bh"[side], ("base", "head")[side]
            selected = shown_keys + [
                "null" if self._is_personal(name) else self._text(self._read(name, side, alias), name) for name in shown
            ]
            rows = self._rows(
                f"select {', '.join(selected)} from (from differing as d where {condition} order by {order}"
                f" limit {self._example_count}) as d join {self._found[side]} as {alias}"
                f" on {self._same_key(side, alias)} order by {order}"
            )
            for row in rows:
                keys, rest = row[: len(self._key)], row[len(self._key) :]
                values = {
                    name: {name_of_side: self._hide(name, value)} for name, value in zip(shown, rest, strict=True)
                }
                left_out = len(self._values) - len(shown)
                result.examples.append(Example(kind, dict(zip(self._key, keys, strict=True)), values, left_out))

    def _shown(self, names: list[str]) -> list[str]:
        """The first few of some columns; personal data, of which nothing is shown, last."""
        return sorted(names, key=self._is_personal)[:SHOWN_COLUMNS]

    def _hide(self, name: str, value: str | None) -> str | None:
        return "hidden" if self._is_personal(name) else value

    # By whole rows

    def _by_whole_rows(self, result: Comparison) -> None:
        self._run(
            "create or replace temp table differing as select f, sum(surplus) as surplus from"
            f" (select {self._hash(0)} as f, -1 as surplus from {self._base}"
            f" union all select {self._hash(1)}, 1 from {self._head}) group by f having sum(surplus) <> 0"
        )
        result.matched_by = "whole rows"
        result.rows_removed, result.rows_added = map(
            int,
            self._row(
                "select coalesce(-sum(surplus) filter (surplus < 0), 0), coalesce(sum(surplus) filter (surplus > 0), 0)"
                " from differing"
            ),
        )

    def _show_whole_rows(self, result: Comparison) -> None:
        # The columns that are known to differ tell most.
        shown = self._shown(sorted(self._common, key=lambda name: name not in result.changed_columns))
        for kind, side, condition in (("removed", 0, "surplus < 0"), ("added", 1, "surplus > 0")):
            selected = [
                "null" if self._is_personal(name) else self._text(self._common[name][side], name) for name in shown
            ]
            rows = self._rows(
                f"select {', '.join(selected)} from {(self._base, self._head)[side]} where {self._hash(side)} in"
                f" (select f from differing where {condition}) order by {self._hash(side)} limit {self._example_count}"
            )
            name_of_side = ("base", "head")[side]
            for row in rows:
                values = {name: {name_of_side: self._hide(name, value)} for name, value in zip(shown, row, strict=True)}
                result.examples.append(Example(kind, {}, values, len(self._common) - len(shown)))

    # How numbers are distributed

    def _drift(self, result: Comparison) -> None:
        """Compares the figures of the columns that can differ: those that changed, or all where rows came or went."""
        if not result.rows_differ:
            return
        by_key_only = result.matched_by == "key" and not (result.rows_added or result.rows_removed)
        names = [name for name in self._common if not by_key_only or name in result.changed_columns]
        if result.matched_by != "key":
            sides = [self._column_fingerprints(side, names) for side in (0, 1)]
            names = [name for name, *prints in zip(names, *sides, strict=True) if prints[0] != prints[1]]
            result.changed_columns = dict.fromkeys(names)
        names = [name for name in names if is_number(self._types[name])]
        if not names:
            return
        for name, base, head in zip(names, self._figures(0, names), self._figures(1, names), strict=True):
            if not base.is_like(head):
                result.drift.append(Drift(name, base, head))

    def _column_fingerprints(self, side: int, names: list[str]) -> list[tuple[int, int]]:
        """Rows and the sum of the hashes of each column, in one pass. Rows too, for one value hashes to 0."""
        sums = ", ".join(f"coalesce(sum(hash({self._common[name][side]})), 0)" for name in names)
        rows, *found = self._row(f"select count(*), {sums} from {(self._base, self._head)[side]}")
        return [(rows, one) for one in found]

    def _figures(self, side: int, names: list[str]) -> list[Figures]:
        """The figures of some columns of numbers."""
        relation = (self._base, self._head)[side]
        columns = [self._common[name][side] for name in names]
        # A query of their own: tables keep them, so that nothing is read for them.
        kept = ", ".join(
            f"count({one}) as c{n}, min({one}) as l{n}, max({one}) as h{n}" for n, one in enumerate(columns)
        )
        texts = ", ".join(f"c{n}, cast(l{n} as varchar), cast(h{n} as varchar)" for n in range(len(columns)))
        rows, *extremes = self._row(f"select n, {texts} from (select count(*) as n, {kept} from {relation})")
        means = self._row(f"select {', '.join(f'avg(cast({one} as double))' for one in columns)} from {relation}")
        figures = []
        for at, (name, mean) in enumerate(zip(names, means, strict=True)):
            filled, minimum, maximum = extremes[3 * at : 3 * at + 3]
            shown = [None] * 3 if self._is_personal(name) else [mean, minimum, maximum]
            if shown[0] is not None and not math.isfinite(shown[0]):
                shown[0] = str(shown[0])
            figures.append(Figures((rows - filled) / rows if rows else 0.0, *shown))
        return figures

    def _run(self, sql: str) -> None:
        self._connection.execute(sql)

    def _row(self, sql: str) -> tuple:
        return self._connection.execute(sql).fetchone()

    def _rows(self, sql: str) -> list[tuple]:
        return self._connection.execute(sql).fetchall()
