"""The texts that terminal, Markdown and page share."""

from __future__ import annotations

from dataops.crosscheck.comparison import Comparison, Drift, Example, Figures
from dataops.crosscheck.results import ModelResult

VERDICTS = {
    "same": "same",
    "allowed": "within thresholds",
    "different": "different",
    "new": "new",
    "gone": "gone",
    "not compared": "not compared",
}
NULL = "null"
MOST_NAMED = 3  # models that a model reads


def printable(text: str) -> str:
    """Text without what would steer a terminal or turn the reading direction: such characters are written as escapes.

    >>> print(printable("line\\nbreak, \\x1b[31mred, \u202eleft, Zoë, a b"))
    line\\nbreak, \\x1b[31mred, \\u202eleft, Zoë, a b
    """
    return "".join(one if one.isprintable() else one.encode("unicode_escape").decode() for one in text)


def value(text: str | None) -> str:
    """A value as it is shown."""
    return NULL if text is None else printable(text)


def rows(count: int) -> str:
    """
    >>> rows(1), rows(1200)
    ('1 row', '1,200 rows')
    """
    return f"{count:,} row{'s' * (count != 1)}"


def what_differs(model: ModelResult) -> list[str]:
    """What differs in a model, its contract first, one short sentence for each kind."""
    broken = [printable(f"breaks its contract: {model.broken_contract}")] if model.broken_contract else []
    return broken + (differences(model.comparison) if model.comparison else [])


def differences(comparison: Comparison) -> list[str]:
    """What differs, one short sentence for each kind."""
    found = []
    for sign, columns in (("added", comparison.columns_added), ("removed", comparison.columns_removed)):
        if columns:
            found.append(f"column {sign}: " + ", ".join(f"{column.name} ({column.type.lower()})" for column in columns))
    if comparison.columns_retyped:
        found.append(
            "column retyped: "
            + ", ".join(f"{one.name} ({one.base.lower()} → {one.head.lower()})" for one in comparison.columns_retyped)
        )
    for sign, count in (("added", comparison.rows_added), ("removed", comparison.rows_removed)):
        if count:
            found.append(f"{rows(count)} {sign}")
    if comparison.rows_changed:
        found.append(f"{rows(comparison.rows_changed)} changed{changed_columns(comparison)}")
    elif comparison.changed_columns:
        found.append("columns that differ: " + ", ".join(comparison.changed_columns))
    return [printable(one) for one in found]


def changed_columns(comparison: Comparison) -> str:
    """In how many rows each column changed, in brackets; the most first."""
    counts = sorted(comparison.changed_columns.items(), key=lambda item: (-(item[1] or 0), item[0]))
    more = f", {len(counts) - 6} more" if len(counts) > 6 else ""
    return f" ({', '.join(f'{name} {count:,}' for name, count in counts[:6])}{more})" if counts else ""


def how_matched(comparison: Comparison) -> str:
    """How rows of base and head were matched."""
    if comparison.key_problem:
        return comparison.key_problem
    if comparison.key:
        return f"by key {', '.join(comparison.key)}"
    return "no key is declared or tested, so whole rows were compared"


def why(model: ModelResult) -> str | None:
    """Where a difference can come from, as far as the two builds tell."""
    if model.verdict != "different" or model.same_code is None:
        return None
    if not model.same_code:
        return "Built from different code."
    if not model.other_code_before:
        return "Built from the same code, so the data upstream differs."
    named = ", ".join(model.other_code_before[:MOST_NAMED])
    more = len(model.other_code_before) - MOST_NAMED
    return f"Built from the same code; what it reads was built from other code: {named}{f', {more} more' if more > 0 else ''}."


def row_counts(model: ModelResult) -> tuple[str, str]:
    """How many rows the model has on base and head, as far as they were counted."""
    if model.comparison:
        return f"{model.comparison.rows_base:,}", f"{model.comparison.rows_head:,}"
    counted = "" if model.rows is None else f"{model.rows:,}"
    return (counted, "") if model.verdict == "gone" else ("", counted)


def figure(number: float | str | None) -> str:
    """
    >>> figure(1234.5678), figure(None), figure(0.000012)
    ('1,234.57', 'null', '1.2e-05')
    """
    if number is None or isinstance(number, str):
        return value(number)
    return f"{number:,.2f}" if number == 0 or 0.01 <= abs(number) < 1e12 else f"{number:.3g}"


def drift_row(drift: Drift) -> list[tuple[str, str]]:
    """The figures of a column in base and head: null share, mean, minimum, maximum."""

    def texts(figures: Figures) -> list[str]:
        return [
            f"{100 * figures.null_share:.2f} %",
            figure(figures.mean),
            value(figures.minimum),
            value(figures.maximum),
        ]

    return list(zip(texts(drift.base), texts(drift.head), strict=True))


def example_key(example: Example) -> str:
    """The key of an example row, empty without one."""
    return ", ".join(f"{name} {value(one)}" for name, one in example.key.items())


def example_values(example: Example) -> list[tuple[str, str]]:
    """The columns of an example row: `before → after` where it changed."""
    return [
        (printable(name), " → ".join(value(values[which]) for which in ("base", "head") if which in values))
        for name, values in example.values.items()
    ]


def left_out(example: Example) -> str:
    """How many columns of an example row are not shown, empty where all are.

    >>> left_out(Example("added", {}, {}, 1)), left_out(Example("added", {}, {}))
    ('… 1 column more', '')
    """
    count = example.columns_left_out
    return f"… {count} column{'s' * (count != 1)} more" if count else ""
