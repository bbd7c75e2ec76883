"""Example rows of what differs, without personal data."""

from __future__ import annotations

import secrets
from collections.abc import Callable

from dataops.crosscheck.comparison import Comparison, Example
from dataops.crosscheck.queries import BASE, DATASETS, HEAD, Queries

SHOWN_COLUMNS = 8  # of an added or removed row, besides its key
MOST_SORTED = 100_000  # changed rows; of more, the first by key are shown
KINDS = {BASE: "removed", HEAD: "added"}


class Examples:
    """Reads rows that differ.

    Args:
        queries: the comparison, after it has found the rows.
        read: runs a query and returns its rows.
        is_personal: whether the values of a column must never be shown.
        count: how many rows of each kind to show.
    """

    def __init__(
        self, queries: Queries, read: Callable[[str], list[tuple]], is_personal: Callable[[str], bool], count: int
    ):
        self._queries = queries
        self._read = read
        self._is_personal = is_personal
        self._count = count
        self._salt = secrets.token_hex(16)  # so that the hash of a personal key cannot be looked up

    def of(self, result: Comparison) -> list[Example]:
        """Example rows of each kind that the comparison has found."""
        found = {BASE: result.rows_removed, HEAD: result.rows_added}
        if result.matched_by != "key":
            return [one for which in DATASETS if found[which] for one in self._of_whole_rows(which, result)]
        examples = self._changed(result) if result.rows_changed and self._queries.values else []
        return examples + [one for which in DATASETS if found[which] for one in self._one_sided(which)]

    def _changed(self, result: Comparison) -> list[Example]:
        queries, names, selected = self._queries, self._queries.values, self._shown_keys()
        for name in names:
            before, after = (self._shown(name, queries.read(name, which, which[0])) for which in DATASETS)
            selected += [queries.differs(name), before, after]
        examples = []
        for row in self._read(queries.changed_examples(selected, self._count, result.rows_changed > MOST_SORTED)):
            key, rest = row[: len(queries.key)], row[len(queries.key) :]
            values = {
                name: {BASE: self._hide(name, rest[at + 1]), HEAD: self._hide(name, rest[at + 2])}
                for at, name in zip(range(0, len(rest), 3), names, strict=True)
                if rest[at]
            }
            examples.append(Example("changed", dict(zip(queries.key, key, strict=True)), values))
        return examples

    def _one_sided(self, which: str) -> list[Example]:
        queries, names = self._queries, self._first(self._queries.values)
        selected = self._shown_keys() + [self._shown(name, queries.read(name, which, which[0])) for name in names]
        rows = self._read(queries.one_sided_examples(selected, which, self._count))
        return [self._example(which, row, names, len(queries.values)) for row in rows]

    def _of_whole_rows(self, which: str, result: Comparison) -> list[Example]:
        queries = self._queries
        # Columns that are known to differ come first.
        names = self._first(sorted(queries.columns, key=lambda name: name not in result.changed_columns))
        selected = [self._shown(name, queries.read(name, which)) for name in names]
        rows = self._read(queries.whole_row_examples(selected, which, self._count))
        return [self._example(which, row, names, len(queries.columns), key=()) for row in rows]

    def _example(
        self, which: str, row: tuple, names: list[str], column_count: int, key: tuple[str, ...] | None = None
    ) -> Example:
        key = self._queries.key if key is None else key
        values = {name: {which: self._hide(name, value)} for name, value in zip(names, row[len(key) :], strict=True)}
        key_values = dict(zip(key, row[: len(key)], strict=True))
        return Example(KINDS[which], key_values, values, column_count - len(names))

    def _shown_keys(self) -> list[str]:
        """The columns of the key as text; a personal one as a hash."""
        dialect = self._queries.dialect
        return [
            dialect.hidden(f"d.{one}", self._salt) if self._is_personal(name) else dialect.shortened(f"d.{one}")
            for one, name in zip(self._queries.key_columns, self._queries.key, strict=True)
        ]

    def _shown(self, name: str, expression: str) -> str:
        """A value as text. Personal data is not even read."""
        return "null" if self._is_personal(name) else self._queries.dialect.shortened(expression)

    def _hide(self, name: str, value: str | None) -> str | None:
        return "hidden" if self._is_personal(name) else value

    def _first(self, names: list[str]) -> list[str]:
        """The first few of some columns; personal data, whose values are hidden, comes last."""
        return sorted(names, key=self._is_personal)[:SHOWN_COLUMNS]
