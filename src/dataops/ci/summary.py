"""The result of `ci` as Markdown, for a comment on the pull request and for the page of the run."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from dataops.ci import SUMMARY
from dataops.crosscheck.markdown import as_markdown, text
from dataops.crosscheck.results import Result
from dataops.files import write_whole
from dataops.project import Project
from dataops.typed import typed

MOST = 64_000  # characters; GitHub takes 65,536 for a comment
MOST_NAMES = 40  # in one list
MOST_LETTERS = 200  # of one message
SIGNS = {"passed": "🟢", "accepted": "🟡", "failed": "🔴", "not needed": "⚪", "not run": "⚪"}


@dataclass
class Step:
    """One step of `ci`.

    Attributes:
        name: what it does, as a heading.
        verdict: `passed`, `accepted`, `failed`, `not needed`, or `not run` after a step that failed.
        outcome: its result in one sentence.
        seconds: how long it took.
    """

    name: str
    verdict: str = "not run"
    outcome: str = ""
    seconds: float = 0.0


@dataclass
class Summary:
    """The result of `ci`.

    Attributes:
        headline: the result in one sentence.
        steps: in the order in which they run.
        built: names of the models, seeds and snapshots that were built.
        problems: what failed, one line each.
        reasons: why commits accept the differences from prod.
        notes: other remarks, one line each.
        crosscheck: the comparison with prod; None if nothing was compared.
        crosscheck_files: what was written of it.
    """

    headline: str = ""
    steps: list[Step] = field(default_factory=list)
    built: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)
    reasons: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    crosscheck: Result | None = None
    crosscheck_files: list[Path] = field(default_factory=list)

    @property
    def verdict(self) -> str:
        """The worst verdict of the steps: `failed`, `accepted` (a commit says why the data differs) or `passed`."""
        verdicts = {step.verdict for step in self.steps}
        return "failed" if "failed" in verdicts else "accepted" if "accepted" in verdicts else "passed"

    def as_markdown(self) -> str:
        """The summary, cut to the length of a comment. It says where something was cut."""
        lines = [f"## {SIGNS[self.verdict]} {typed('ci')}", "", text(self.headline), "", *self._table(), *self._lists()]
        if self.crosscheck:
            comparison = as_markdown(self.crosscheck).rstrip()
            if len("\n".join([*lines, comparison])) > MOST:
                comparison = "The comparison does not fit here: `target/crosscheck/summary.md`"
            lines += ["", comparison]
        return "\n".join(lines) + "\n"

    def _table(self) -> list[str]:
        rows = [
            f"| {SIGNS[step.verdict]} | {step.name} | {text(step.outcome)} |"
            f" {f'{step.seconds:.1f} s' if step.seconds else ''} |"
            for step in self.steps
        ]
        return ["| | Step | Outcome | |", "|---|---|---|--:|", *rows]

    def _lists(self) -> list[str]:
        lines = []
        for title, entries in (("Failed", self.problems), ("Accepted", self.reasons), ("Note", self.notes)):
            if entries:
                lines += ["", f"**{title}**", "", *(f"- {text(shortened(one))}" for one in entries[:MOST_NAMES])]
                if len(entries) > MOST_NAMES:
                    lines += [f"- and {len(entries) - MOST_NAMES} more"]
        if self.built:
            names = ", ".join(map(text, self.built[:MOST_NAMES]))
            more = f" and {len(self.built) - MOST_NAMES} more" if len(self.built) > MOST_NAMES else ""
            summary = f"<details><summary>Built: {len(self.built)}</summary>"
            lines += ["", summary, "", f"{names}{more}", "", "</details>"]
        return lines


def shortened(message: str) -> str:
    """A message on one line, cut if it is long."""
    line = " ".join(message.split())
    return line if len(line) <= MOST_LETTERS else line[: MOST_LETTERS - 1] + "…"


def write_summary(project: Project, summary: Summary) -> None:
    """Writes the summary to its file, and to the page of the run if GITHUB_STEP_SUMMARY is set."""
    file = project.path(SUMMARY)
    file.parent.mkdir(parents=True, exist_ok=True)
    write_whole(file, summary.as_markdown())
    if page := project.variables.get("GITHUB_STEP_SUMMARY"):
        with open(page, "a", encoding="utf-8") as target:
            target.write(summary.as_markdown())
