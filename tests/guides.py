"""Follows a page as a reader would: writes its files, makes its changes, types its commands.

Every block of code on a page is one of these:

- `csv`, `sql`, `yaml` or `toml` after a sentence with a path in backticks: a file, which is written. Without a path: an excerpt.
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
# The same, and files of the project's own folder, which a guide of a project names without changing them.
ANY_PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)*\.(?:ya?ml|toml|sql|csv|gitignore)|\.gitignore)`")
VARYING = re.compile(
    r"\x1b\[[0-9;]*m|^\d\d:\d\d:\d\d *|\b\d\d:\d\d\b|\d+\.\d+ ?m?s\b|(?<=Makefile:)\d+"
    r"|(?<=\b\d{4})-\d{4}-\d\d-\d\d|\b[0-9a-f]{7}\b|(?:(?<=Python )|(?<=duckdb )|(?<=dbt-core ))\d[\d.]*",
    re.MULTILINE,
)


@dataclass(frozen=True)
class Step:
    """A block of a page.

    Attributes:
        language: csv, sql, yaml, toml, diff or console.
        text: what stands between the fences, not indented.
        file: the file that it is or changes; None for a console block and an excerpt.
    """

    language: str
    text: str
    file: str | None


def steps(page: Path, path: re.Pattern[str] = PATH) -> list[Step]:
    """The blocks of a page, in order.

    Args:
        page: a Markdown file.
        path: finds the names of files in a sentence; the last one before a block is the block's file.
    """
    text, found, end = page.read_text(encoding="utf-8"), [], 0
    for block in BLOCK.finditer(text):
        paths = path.findall(text[end : block.start()].rpartition("\n#")[2])
        file = paths[-1] if paths and block["language"] != "console" else None
        found.append(Step(block["language"], dedent(block["text"]), file))
        end = block.end()
    return found


def follow(
    page: Path,
    project: Path,
    path: re.Pattern[str] = PATH,
    addresses: dict[str, str] | None = None,
    environment: dict[str, str] | None = None,
) -> str:
    """Does in a project what a page says, and fails if something else comes out than the page shows. Returns what was printed.

    Args:
        page: the Markdown file.
        project: where its commands are typed.
        path: see `steps`.
        addresses: what to type in place of a placeholder such as `<address of the template>`; what the page shows keeps it.
        environment: of the commands.
    """
    printed = ""
    for step in steps(page, path):
        if step.language == "console":
            for block in re.split(r"^\$ ", step.text, flags=re.MULTILINE)[1:]:
                command, _, shown = block.partition("\n")
                printed += type_command(project, with_addresses(command, addresses), shown, environment)
        elif step.language == "diff":
            change(project / step.file, step.text)
        elif step.file:
            file = project / step.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(with_addresses(step.text, addresses), encoding="utf-8")
    return printed


def with_addresses(text: str, addresses: dict[str, str] | None) -> str:
    """What a reader types or writes where a page has placeholders."""
    for placeholder, address in (addresses or {}).items():
        text = text.replace(placeholder, address)
    return text


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
