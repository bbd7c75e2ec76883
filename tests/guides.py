"""Follows the guides of a generated project as a reader would: writes their files, makes their changes, types their commands.

Every block of code on a page is one of these:

- `csv`, `sql` or `yaml` after a sentence with a path in backticks: a file, which is written. Without a path: an excerpt.
- `diff` after a sentence with a path: its `-` lines are replaced by its `+` lines; without `-` lines, these go to the end.
- `console`: commands that start with `$ `, and what they print, in order. `...` stands for any lines. A command fails if
  make says so in what is shown. Clock times, durations, days, hashes, versions of tools and lines of the Makefile
  may differ.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

from tests.helpers import run

BLOCK = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<text>.*?)^ *```$", re.MULTILINE | re.DOTALL)
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.\w+)`")
VARYING = re.compile(
    r"\x1b\[[0-9;]*m|^\d\d:\d\d:\d\d *|\b\d\d:\d\d\b|\d+\.\d+ ?m?s\b|(?<=Makefile:)\d+"
    r"|(?<=\b\d{4})-\d{4}-\d\d-\d\d|\b[0-9a-f]{7}\b|(?:(?<=Python )|(?<=duckdb )|(?<=dbt-core ))\d[\d.]*",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Step:
    """A block of a page.

    Attributes:
        language: csv, sql, yaml, diff or console.
        text: what stands between the fences, not indented.
        file: the file that it is or changes; None for a console block and an excerpt.
    """

    language: str
    text: str
    file: str | None


def steps(page: Path) -> list[Step]:
    """The blocks of a page, in order."""
    text, found, end = page.read_text(encoding="utf-8"), [], 0
    for block in BLOCK.finditer(text):
        paths = PATH.findall(text[end : block.start()].rpartition("\n#")[2])
        file = paths[-1] if paths and block["language"] != "console" else None
        found.append(Step(block["language"], dedent(block["text"]), file))
        end = block.end()
    return found


def follow(page: Path, project: Path) -> None:
    """Does in a project what a page says, and fails where something else comes out than the page shows."""
    for step in steps(page):
        if step.language == "console":
            for command in re.split(r"^\$ ", step.text, flags=re.MULTILINE)[1:]:
                type_command(project, *command.partition("\n")[::2])
        elif step.language == "diff":
            change(project / step.file, step.text)
        elif step.file:
            file = project / step.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(step.text, encoding="utf-8")


def change(file: Path, diff: str) -> None:
    """Changes a file as a diff block says."""
    lines = diff.splitlines(keepends=True)
    before, after = ("".join(line[1:] for line in lines if line[0] == sign) for sign in "-+")
    text = file.read_text(encoding="utf-8")
    if before:
        assert text.count(before) == 1, f"{file} does not hold once:\n{before}"
        file.write_text(text.replace(before, after), encoding="utf-8")
    else:
        file.write_text(text + after, encoding="utf-8")


def type_command(project: Path, command: str, shown: str, environment: dict[str, str] | None = None) -> str:
    """Runs a command, and fails unless it prints what is shown and succeeds or fails as shown. Returns what it printed."""
    done = run("sh", "-c", command, cwd=project, environment=environment)
    assert ("make: ***" in shown) == (done.code != 0), f"{command}: {done}"
    printed = iter(steady(done.output))
    for line in steady(shown):
        assert line == "..." or line in printed, f"{command} does not print, or not in this order: {line}\n{done}"
    return done.output


def steady(output: str) -> list[str]:
    """The lines of an output, without what differs from run to run."""
    return [" ".join(line.split()) for line in VARYING.sub("", output).splitlines()]
