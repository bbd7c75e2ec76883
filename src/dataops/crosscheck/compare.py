"""Compares two relations: what is read, and in which order.

1. The probe: row counts and the last few thousand rows. If these differ, step 2 is left out.
2. Fingerprints: one pass over each relation counts the rows and adds up a hash of each row's columns. If count and sum
   agree, the rows are the same, in whatever order.
3. If they differ: one join of keys and fingerprints finds the rows, and only those are compared column by column. Without
   a usable key, whole rows are counted in both relations.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from dataops.crosscheck.comparison import Column, Comparison, Drift, Figures, Retyped
from dataops.crosscheck.examples import MOST_SORTED, Examples
from dataops.crosscheck.queries import BASE, DATASETS, HEAD, CommonColumn, Queries
from dataops.engines import Dialect, Session

PROBED_ROWS = 8192  # the last ones of base, which are the likeliest to differ
EXACT_KEY_CHECK = 1_000_000  # rows; above, a sample shows whether a join by the key is safe


class Comparer:
    """Compares two relations that one session can read.

    Args:
        session: reads both, and can make temporary tables.
        dialect: the engine's part of the SQL.
        base: the relation to compare with, as it stands in SQL.
        head: the relation under test.
        key: columns that are declared to identify a row; may be empty.
        ignored: columns that are not compared, lower case.
        is_personal: whether the values of a column must never be shown.
        example_count: how many rows of each kind to show.
        is_view: whether a relation is a view, which is expensive to read again and is copied if it differs.
    """

    def __init__(
        self,
        session: Session,
        dialect: Dialect,
        base: str,
        head: str,
        key: Sequence[str] = (),
        ignored: Collection[str] = (),
        is_personal: Callable[[str], bool] = lambda column: False,
        example_count: int = 3,
        is_view: Callable[[str], bool] = lambda relation: False,
    ):
        self._session = session
        self._dialect = dialect
        self._relations = {BASE: base, HEAD: head}
        self._key = tuple(key)
        self._ignored = frozenset(name.lower() for name in ignored)
        self._is_personal = is_personal
        self._example_count = example_count
        self._views = {which for which in DATASETS if is_view(self._relations[which])}

    def compare(self) -> Comparison:
        """Compares columns, then rows."""
        result = self._compare_columns()
        if not self._queries.columns:
            return self._only_count(result)
        if not self._probe_differs():
            (result.rows_base, _), (result.rows_head, _) = fingerprints = self._fingerprints()
            if fingerprints[0] == fingerprints[1]:
                result.matched_by = "key" if result.key else "whole rows"
                return result
        self._copy_views()
        self._count_rows(result)
        if not (result.key and self._by_key(result)):
            self._by_whole_rows(result)
        self._compare_figures(result)
        result.examples = Examples(self._queries, self._session.rows, self._is_personal, self._example_count).of(result)
        return result

    def _count_rows(self, result: Comparison) -> None:
        (result.rows_base,), (result.rows_head,) = (self._session.row(self._queries.count(which)) for which in DATASETS)

    def _only_count(self, result: Comparison) -> Comparison:
        self._count_rows(result)
        delta = result.rows_head - result.rows_base
        result.rows_added, result.rows_removed = max(delta, 0), max(-delta, 0)
        result.key_problem = "base and head have no column in common, so rows were only counted"
        return result

    def _copy_views(self) -> None:
        """Puts the rows of a view into a temporary table, so that it is computed only once."""
        for which in self._views:
            self._session.run(self._queries.copy(which, f"copied_{which}"))
            self._relations[which] = f"copied_{which}"

    # Columns

    def _compare_columns(self) -> Comparison:
        """Compares names and types of the columns, and prepares the queries for those that base and head have in common."""
        result = Comparison()
        columns = {which: self._columns(which) for which in DATASETS}
        numbers = self._dialect.row_number
        self._has_row_numbers = bool(numbers) and numbers not in columns[BASE] and not self._views
        both = {**columns[BASE], **columns[HEAD]}
        result.columns_ignored = [column.name for name, column in both.items() if name in self._ignored]
        base, head = (
            {name: column for name, column in columns[which].items() if name not in self._ignored} for which in DATASETS
        )
        result.columns_added = [column for name, column in head.items() if name not in base]
        result.columns_removed = [column for name, column in base.items() if name not in head]
        common = [self._common_column(base[name], column) for name, column in head.items() if name in base]
        result.columns_retyped = [
            Retyped(one.name, *one.own_type.values()) for one in common if len(set(one.own_type.values())) > 1
        ]
        result.key, result.key_problem = self._usable_key(common)
        self._queries = Queries(self._dialect, self._relations, common, result.key)
        return result

    def _columns(self, which: str) -> dict[str, Column]:
        """The columns of a relation by their names in lower case, in order."""
        rows = self._session.rows(self._dialect.describe(self._relations[which]))
        return {name.lower(): Column(name, data_type) for name, data_type, *_ in rows}

    def _common_column(self, base: Column, head: Column) -> CommonColumn:
        return CommonColumn(
            head.name,
            self._dialect.common_type(base.type, head.type),
            {BASE: base.name, HEAD: head.name},
            {BASE: base.type, HEAD: head.type},
        )

    def _usable_key(self, common: list[CommonColumn]) -> tuple[tuple[str, ...], str | None]:
        """The key as head spells it, or none and the reason."""
        spelling = {column.name.lower(): column.name for column in common}
        missing = [name for name in self._key if name.lower() not in spelling]
        if missing:
            return (), f"base and head do not both have the key's column {', '.join(missing)}"
        return tuple(spelling[name.lower()] for name in self._key), None

    # Do they differ?

    def _probe_differs(self) -> bool:
        """Whether two tables differ for certain: their row counts do, or head lacks one of the last rows of base. Those are
        looked up by key, because the same rows may be stored in another order. False proves nothing."""
        if not self._queries.key or not self._has_row_numbers:
            return False
        rows_base, rows_head = (self._session.row(self._queries.count(which))[0] for which in DATASETS)
        if rows_base != rows_head:
            return True
        self._session.run(self._queries.probe_base(rows_base, PROBED_ROWS))
        self._session.run(self._queries.probe_head())
        (only_in_base,) = self._session.row(self._queries.count_probed_only_in_base())
        return bool(only_in_base)

    def _fingerprints(self) -> tuple[tuple[int, int], ...]:
        """Row count and sum of the fingerprints, of base and head."""
        return tuple(self._session.row(self._queries.count_and_fingerprint(which)) for which in DATASETS)

    # Which rows differ, by key

    def _by_key(self, result: Comparison) -> bool:
        """Finds the rows that differ by their key. False, with the reason in the result, if the key does not identify rows."""
        if problem := self._repeats_before_join(result) or self._join_by_key(result):
            result.key_problem = f"the key {', '.join(result.key)} {problem}, so whole rows were compared"
            return False
        result.matched_by = "key"
        if result.rows_removed + result.rows_added + result.rows_changed <= MOST_SORTED:
            self._copy_found()
        if result.rows_changed and self._queries.values:
            counts = zip(self._queries.values, self._session.row(self._queries.count_changes()), strict=True)
            result.changed_columns = {name: count for name, count in counts if count}
        return True

    def _repeats_before_join(self, result: Comparison) -> str | None:
        rows = {BASE: result.rows_base, HEAD: result.rows_head}
        return next((f"is not unique in {which}" for which in DATASETS if self._repeats(which, rows[which])), None)

    def _repeats(self, which: str, rows: int) -> bool:
        """Whether a key repeats so often that a join would explode: exactly for small tables, by a sample for others."""
        return bool(self._session.row(self._queries.count_repeated_keys(which, sampled=rows > EXACT_KEY_CHECK))[0])

    def _join_by_key(self, result: Comparison) -> str | None:
        """Finds the rows that differ and counts them. Returns what is wrong with the key, if anything."""
        self._session.run(self._queries.find_by_key())
        removed, added, changed, base_sum, head_sum, nulls = self._session.row(self._queries.summarize_differing())
        if nulls:
            return f"is null in {nulls:,} row{'s' * (nulls > 1)} that differ"
        # A key that occurs twice shows in the rows found, or because the other keys are not the same in base and head.
        others = [
            (rows - only_here - changed, self._session.row(self._queries.sum_keys(which))[0] - found_sum)
            for which, rows, only_here, found_sum in (
                (BASE, result.rows_base, removed, base_sum),
                (HEAD, result.rows_head, added, head_sum),
            )
        ]
        (repeated,) = self._session.row(self._queries.count_repeated_differing_keys())
        if repeated or others[0] != others[1]:
            return "is not unique"
        result.rows_removed, result.rows_added, result.rows_changed = removed, added, changed
        return None

    def _copy_found(self) -> None:
        """Copies the rows that differ: they are few, so each later question reads only them."""
        tables = {which: f"found_{which}" for which in DATASETS}
        for which, table in tables.items():
            self._session.run(self._queries.copy_found(which, table))
        self._queries.found = tables

    # Which rows differ, by whole rows

    def _by_whole_rows(self, result: Comparison) -> None:
        self._session.run(self._queries.find_whole_rows())
        result.matched_by = "whole rows"
        result.rows_removed, result.rows_added = map(int, self._session.row(self._queries.count_whole_rows()))

    # How values are distributed

    def _compare_figures(self, result: Comparison) -> None:
        """Compares the figures of the columns that can differ: those that changed, or all if rows were added or removed."""
        if not result.rows_differ:
            return
        names = list(self._queries.columns)
        if result.matched_by != "key":
            pairs = zip(*(self._column_fingerprints(which) for which in DATASETS), strict=True)
            names = [name for name, pair in zip(names, pairs, strict=True) if pair[0] != pair[1]]
            result.changed_columns = dict.fromkeys(names)
        elif not (result.rows_added or result.rows_removed):
            names = list(result.changed_columns)
        names = [name for name in names if self._dialect.is_number(self._queries.columns[name].type)]
        if names:
            figures = zip(names, *(self._figures(which, names) for which in DATASETS), strict=True)
            result.drift = [Drift(name, base, head) for name, base, head in figures if not base.is_like(head)]

    def _column_fingerprints(self, which: str) -> list[tuple[int, int]]:
        """For each column the row count and the sum of the hashes. The row count too, because one value has the hash 0."""
        rows, *sums = self._session.row(self._queries.fingerprint_columns(which, list(self._queries.columns)))
        return [(rows, one) for one in sums]

    def _figures(self, which: str, names: list[str]) -> list[Figures]:
        """The figures of some columns of numbers."""
        rows, *extremes = self._session.row(self._queries.extremes(which, names))
        means = self._session.row(self._queries.means(which, names))
        figures = []
        for at, (name, mean) in enumerate(zip(names, means, strict=True)):
            filled, minimum, maximum = extremes[3 * at : 3 * at + 3]
            shown = [None] * 3 if self._is_personal(name) else [mean, minimum, maximum]
            if shown[0] is not None and not math.isfinite(shown[0]):
                shown[0] = str(shown[0])
            figures.append(Figures((rows - filled) / rows if rows else 0.0, *shown))
        return figures
