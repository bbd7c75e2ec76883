"""The result as Markdown for one comment on a pull request: the table in sight, the details folded."""

from __future__ import annotations

import re

from dataops.crosscheck import formatting
from dataops.crosscheck.results import ModelResult, Result

MOST = 60_000  # characters; GitHub takes 65,536 for a comment
SIGNS = {"same": "🟢", "allowed": "🟢", "different": "🔴", "new": "🟡", "gone": "🔴", "not compared": "🟣"}
MEANING = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>&~$@])")


def as_markdown(result: Result) -> str:
    """A comment of less than 65,536 characters; it names what had to be left out."""
    lines = ["### Crosscheck", "", text(result.headline), ""]
    if result.remedy:
        lines += [text(result.remedy), ""]
    for remedy in dict.fromkeys(model.remedy for model in result.models if model.remedy):
        lines += [f"- {text(remedy)}"]
    alike = [model for model in result.models if model.verdict == "same"]
    others = [model for model in result.models if model.verdict != "same"]
    if others:
        base, head = text(result.base["name"]), text(result.head["name"])
        lines += ["", f"| | Model | Rows in {base} | in {head} | What differs |", "|---|---|--:|--:|---|"]
    end = "\nFull report: `target/crosscheck/report.html`\n"
    room = MOST - len("\n".join(lines)) - len(end)
    cut_rows, cut_details = 0, 0
    body: list[str] = []
    for model in others:
        row = _row(model)
        room -= len(row) + 1
        if room < 400:
            cut_rows += 1
            continue
        body.append(row)
    if cut_rows:
        body += ["", f"{cut_rows} more models did not fit here."]
    details: list[str] = []
    for model in others:
        if model.comparison is None and not model.problem:
            continue
        detail = _detail(model, result)
        if len(detail) > room - 400:
            cut_details += 1
            continue
        room -= len(detail) + 1
        details.append(detail)
    if cut_details:
        details.append(f"\nThe details of {cut_details} models did not fit here.")
    if alike:
        names = ", ".join(text(model.name) for model in alike)
        folded = f"\n<details><summary>{len(alike)} the same</summary>\n\n{names}\n\n</details>\n"
        details.append(folded if len(folded) < room else f"\n{len(alike)} the same.")
    return "\n".join([*lines, *body, *details]) + "\n" + end


def text(plain: str) -> str:
    """Text in which nothing has a meaning for Markdown, HTML or the code host (no mention, no link).

    >>> print(text("a|b <i> @team 1.5").replace("\\u200b", "(no width)"))
    a\\|b \\<i\\> \\@(no width)team 1.5
    """
    escaped = MEANING.sub(r"\\\1", formatting.printable(plain))
    return re.sub(r"(?<=\w)\\([.\-_])(?=\w)", r"\1", escaped).replace("\\.", ".").replace("@", "@\u200b")


def _row(model: ModelResult) -> str:
    what = "; ".join(formatting.what_differs(model)) or model.problem or formatting.VERDICTS[model.verdict]
    if model.verdict == "allowed":
        what += " (within thresholds)"
    counts = formatting.row_counts(model)
    return f"| {SIGNS[model.verdict]} | {text(model.name)} | {' | '.join(counts)} | {text(_short(what, 400))} |"


def _short(plain: str, most: int) -> str:
    return plain if len(plain) <= most else plain[: most - 1] + "…"


def _detail(model: ModelResult, result: Result) -> str:
    lines = [
        f"\n<details><summary>{SIGNS[model.verdict]} {text(model.name)}: {formatting.VERDICTS[model.verdict]}</summary>\n"
    ]
    found = model.comparison
    if found is None:
        lines += [text(model.problem or "")]
    else:
        lines += [
            text(
                f"{formatting.how_matched(found)[:1].upper()}{formatting.how_matched(found)[1:]}. {formatting.why(model) or ''}"
            )
        ]
        if found.drift:
            lines += ["", f"Numbers, {text(result.base['name'])} → {text(result.head['name'])}:"]
            lines += ["", "| Column | Null | Mean | Lowest | Highest |", "|---|--:|--:|--:|--:|"]
            for drift in found.drift:
                cells = [
                    text(before if before == after else f"{_short(before, 60)} → {_short(after, 60)}")
                    for before, after in formatting.drift_row(drift)
                ]
                lines.append(f"| {text(drift.column)} | {' | '.join(cells)} |")
        if found.examples:
            lines += ["", "| Row | Key | Values |", "|---|---|---|"]
            for example in found.examples:
                values = ", ".join(f"{name} {one}" for name, one in formatting.example_values(example))
                shown = " ".join(filter(None, (_short(values, 600), formatting.left_out(example))))
                lines.append(f"| {example.kind} | {text(formatting.example_key(example))} | {text(shown)} |")
    return "\n".join([*lines, "", "</details>"])
