"""What differs between two relations, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Column:
    """A column and its type, as the warehouse spells them."""

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
    """Summary figures of a column. `minimum`, `maximum` and `mean` are None if every value is null or the data is personal."""

    null_share: float
    mean: float | str | None  # text if it is not finite
    minimum: str | None
    maximum: str | None

    def is_like(self, other: Figures) -> bool:
        """Whether both are the same. A mean may differ by its rounding, which depends on the order of the rows."""
        means = (self.mean, other.mean)
        same_mean = math.isclose(*means) if all(isinstance(one, float) for one in means) else means[0] == means[1]
        return same_mean and replace(self, mean=None) == replace(other, mean=None)


@dataclass(frozen=True)
class Drift:
    """A column of numbers whose distribution differs between base and head."""

    column: str
    base: Figures
    head: Figures


@dataclass(frozen=True)
class Example:
    """A row that differs.

    Attributes:
        kind: added, removed or changed.
        key: the columns that identify it and their values as text; empty without a key.
        values: by column, the values in base and head as text. A row that was added or removed has one of the two.
        columns_left_out: how many more columns an added or removed row has.
    """

    kind: str
    key: dict[str, str | None]
    values: dict[str, dict[str, str | None]]
    columns_left_out: int = 0


@dataclass
class Comparison:
    """What differs between two relations.

    Attributes:
        matched_by: `key` or `whole rows`. By whole rows, rows_changed is not known: a changed row is one removed and one added.
        key_problem: why the given key could not be used.
        changed_columns: by column, in how many rows it changed; None if it is only known to differ.
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
