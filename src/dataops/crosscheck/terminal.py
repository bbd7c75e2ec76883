"""The result in the terminal: a row for each model, then what differs."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dataops.crosscheck import formatting
from dataops.crosscheck.comparison import Comparison
from dataops.crosscheck.results import ModelResult, Result

STYLES = {
    "same": "green",
    "allowed": "green",
    "different": "bold red",
    "new": "yellow",
    "gone": "red",
    "not compared": "bold magenta",
}
MOST_DETAILED = 10  # models; the page has all


def show(console: Console, result: Result, files: list[Path], allowed_too: bool = True) -> None:
    """Prints a result, then where it was written and what to do next.

    Args:
        console: the terminal.
        result: what to print.
        files: where it was written.
        allowed_too: whether models that differ within their thresholds are shown in detail.
    """
    if result.models:
        console.print(_overview(result))
        _details(console, result, ("different", "allowed") if allowed_too else ("different",))
    remedies = [result.remedy, *(model.remedy for model in result.models)]
    written = ", ".join(os.path.relpath(file) for file in files)
    console.print()
    for line in (result.headline, *dict.fromkeys(filter(None, remedies)), f"{written}. {_next_step(result)}"):
        console.print(escape(line), soft_wrap=True)


def _next_step(result: Result) -> str:
    """What the result means, and what to do about it."""
    if result.exit_code == 2:
        what = "Not everything" if result.models else "Nothing"
        return f"{what} was compared, so differences are possible. Fix what is named above, then run the command again."
    if not result.exit_code and not result.with_verdict("allowed"):
        return f"{result.head['name']} holds the same data as {result.base['name']}. Nothing to do."
    examples = any(model.comparison and model.comparison.examples for model in result.models)
    return (
        ("" if result.exit_code else "All differences are within the thresholds. ")
        + "Is this what the change was meant to do?"
        + " The page has examples." * examples
    )


def _details(console: Console, result: Result, verdicts: tuple[str, ...]) -> None:
    """Prints what differs in the models of some verdicts, and why models could not be compared."""
    detailed = [model for model in result.models if model.problem or (model.verdict in verdicts and model.comparison)]
    if detailed and detailed[0].problem:
        console.print()
    for model in detailed[:MOST_DETAILED]:
        _detail(console, model, result)
    if len(detailed) > MOST_DETAILED:
        console.print(f"\n{len(detailed) - MOST_DETAILED} more are on the page.")


def _overview(result: Result) -> Table:
    base, head = result.base["name"], result.head["name"]
    table = Table(title=escape(f"{head} against {base}"), title_justify="left")
    table.add_column("model", overflow="fold")
    table.add_column("verdict", no_wrap=True)
    table.add_column(escape(f"rows in {base}"), justify="right", no_wrap=True)
    table.add_column(escape(f"in {head}"), justify="right", no_wrap=True)
    table.add_column("what differs")
    for model in result.models:
        table.add_row(
            escape(model.name),
            formatting.VERDICTS[model.verdict],
            *formatting.row_counts(model),
            escape("\n".join(formatting.what_differs(model)) or ("see below" if model.problem else "")),
            style=STYLES[model.verdict] if model.verdict not in ("same", "allowed") else None,
        )
    return table


def _detail(console: Console, model: ModelResult, result: Result) -> None:
    if model.problem:
        console.print(escape(formatting.printable(model.problem)), soft_wrap=True)
        return
    console.print(f"\n[bold]{escape(model.name)}[/bold]", highlight=False)
    found = model.comparison
    matched = formatting.how_matched(found)
    notes = [f"Rows were matched {matched}." if found.matched_by == "key" else f"{matched[:1].upper()}{matched[1:]}."]
    if reason := formatting.why(model):
        notes.append(reason)
    if model.limits:
        notes.append("Allowed: " + ", ".join(f"{name} {limit}" for name, limit in model.limits.items()) + ".")
    console.print(escape(formatting.printable(" ".join(notes))))
    if found.drift:
        console.print(_figures(found, result))
    for example in found.examples:
        key = formatting.example_key(example)
        values = ", ".join(f"{name} {text}" for name, text in formatting.example_values(example))
        values = " ".join(filter(None, (values, formatting.left_out(example))))
        console.print(f"  {example.kind}: {escape(' | '.join(filter(None, (key, values))))}", soft_wrap=True)


def _figures(found: Comparison, result: Result) -> Table:
    """How the numbers that differ are distributed: a row for base and one for head."""
    table = Table("column", "data of", "null", "mean", "lowest", "highest")
    names = f"base: {result.base['name']}\nhead: {result.head['name']}"
    for drift in found.drift:
        cells = (names, *("\n".join(pair) for pair in formatting.drift_row(drift)))
        table.add_row(escape(formatting.printable(drift.column)), *map(escape, cells), end_section=True)
    return table
