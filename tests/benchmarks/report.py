"""Shows results: tables for people, JSON for programs."""

from __future__ import annotations

from typing import Any

from rich.markup import escape
from rich.table import Table

from tests.benchmarks.measure import Result

VERDICT_STYLES = {"met": "green", "missed": "bold red", "": ""}


def figure(value: float, unit: str) -> str:
    """A value with its unit.

    >>> figure(1.234, "s"), figure(0.98, "times"), figure(25.4, "ms")
    ('1.23 s', '0.98 times', '25.4 ms')
    """
    places = {"s": 2, "ms": 1, "MB": 1, "times": 2}
    return f"{value:,.{places[unit]}f} {unit}"


def facts_table(title: str, facts: dict[str, str]) -> Table:
    """A table of names and what is known of them."""
    table = Table(title=title, title_justify="left", show_header=False)
    for name, fact in facts.items():
        table.add_row(name, escape(fact))
    return table


def results_table(benchmark: str, results: list[Result]) -> Table:
    """A benchmark's results: the median, how far the runs lie apart, and the target where there is one."""
    runs = max(len(result.values) for result in results)
    table = Table(title=f"{benchmark} ({runs} run{'s' * (runs > 1)})", title_justify="left")
    table.add_column("measured")
    for name in ("median", "lowest", "highest", "target"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("verdict")
    for result in results:
        table.add_row(
            escape(result.name),
            figure(result.median, result.unit),
            figure(min(result.values), result.unit),
            figure(max(result.values), result.unit),
            "" if result.target is None else f"≤ {figure(result.target, result.unit)}",
            result.verdict.upper() if result.verdict == "missed" else result.verdict,
            style=VERDICT_STYLES[result.verdict],
        )
    return table


def as_json(machine: dict[str, str], versions: dict[str, str], results: dict[str, list[Result]]) -> dict[str, Any]:
    """Everything as plain values. A result's `values` and `target` are in its `unit`."""
    return {
        "machine": machine,
        "versions": versions,
        "results": [
            {
                "benchmark": benchmark,
                "name": result.name,
                "unit": result.unit,
                "median": result.median,
                "values": list(result.values),
                "target": result.target,
                "verdict": result.verdict or None,
            }
            for benchmark, measured in results.items()
            for result in measured
        ],
    }
