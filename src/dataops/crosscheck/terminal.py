"""The result in the terminal: a row for each model, then what differs."""

from __future__ import annotations

import os
from pathlib import Path

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from dataops.crosscheck import formatting
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
    """Prints a result, and last where it was written and what to do next.

    Args:
        console: the terminal.
        result: what to print.
        files: where it was written.
        allowed_too: whether what is within its thresholds is shown in detail.
    """
    if result.models:
        console.print(_overview(result))
        verdicts = ("different", "allowed") if allowed_too else ("different",)
        detailed = [
            model for model in result.models if model.problem or (model.verdict in verdicts and model.comparison)
        ]
        if detailed and detailed[0].problem:
            console.print()
        for model in detailed[:MOST_DETAILED]:
            _detail(console, model)
        if len(detailed) > MOST_DETAILED:
            console.print(f"\n{len(detailed) - MOST_DETAILED} more are on the page.")
    console.print(f"\n{escape(result.headline)}", soft_wrap=True)
    if result.remedy:
        console.print(escape(result.remedy), soft_wrap=True)
    remedies = list(dict.fromkeys(model.remedy for model in result.models if model.remedy))
    for remedy in remedies:
        console.print(escape(remedy), soft_wrap=True)
    names = ", ".join(os.path.relpath(file) for file in files)
    following = {
        0: "Nothing to do.",
        1: "Is this what the change was meant to do? The page has examples.",
        2: "Not compared does not mean the same. Fix what is named above, then try again.",
    }[result.exit_code]
    console.print(f"{escape(names)}. {following}", soft_wrap=True)


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


def _detail(console: Console, model: ModelResult) -> None:
    if model.problem:
        console.print(escape(formatting.printable(model.problem)), soft_wrap=True)
        return
    console.print(f"\n[bold]{escape(model.name)}[/bold]", highlight=False)
    found = model.comparison
    notes = [
        f"Rows were matched {formatting.how_matched(found)}."
        if found.matched_by == "key"
        else f"{formatting.how_matched(found).capitalize()}."
    ]
    if reason := formatting.why(model):
        notes.append(reason)
    if model.limits:
        notes.append("Allowed: " + ", ".join(f"{name} {limit}" for name, limit in model.limits.items()) + ".")
    console.print(escape(formatting.printable(" ".join(notes))))
    if found.drift:
        table = Table("column", "null", "mean", "lowest", "highest")
        for drift in found.drift:
            cells = (
                f"{before}\n{after}" if before != after else before for before, after in formatting.drift_row(drift)
            )
            table.add_row(escape(formatting.printable(drift.column)), *map(escape, cells), end_section=True)
        console.print(table)
    for example in found.examples:
        key = formatting.example_key(example)
        values = ", ".join(f"{name} {text}" for name, text in formatting.example_values(example))
        values = " ".join(filter(None, (values, formatting.left_out(example))))
        console.print(f"  {example.kind}: {escape(' | '.join(filter(None, (key, values))))}", soft_wrap=True)
