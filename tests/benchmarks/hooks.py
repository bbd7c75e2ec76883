"""Hooks: what a commit and a push cost when one model has changed, and where the time goes."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import count
from pathlib import Path

from tests.benchmarks.measure import Result, alternate, command, seconds
from tests.benchmarks.workshop import Workshop
from tests.helpers import Done, copy_project

# What `pre-commit run --verbose` prints of a hook that ran. Skipped hooks have no duration.
HOOK = re.compile(r"^(?P<name>.+?)\.+Passed\n- hook id: .+\n- duration: (?P<seconds>[\d.]+)s$", re.MULTILINE)


def hook_seconds(output: str) -> dict[str, float]:
    """The seconds of each hook that ran, by its name, from what `pre-commit run --verbose` printed.

    >>> hook_seconds("ruff....Passed\\n- hook id: ruff\\n- duration: 0.02s\\nno TOML....(no files to check)Skipped\\n")
    {'ruff': 0.02}
    """
    return {found["name"]: float(found["seconds"]) for found in HOOK.finditer(output)}


def hook_results(measured: Iterable[Done]) -> list[Result]:
    """A result for each hook that ran in every one of the verbose runs, in the order in which they run."""
    runs = [hook_seconds(done.output) for done in measured]
    return [
        Result(f"  {name}", tuple(run[name] for run in runs)) for name in runs[0] if all(name in run for run in runs)
    ]


class ChangingFile:
    """A file that changes before each measurement, by a comment at its top.

    Attributes:
        file: a file of the project.
        marker: what starts a comment in it.
    """

    def __init__(self, file: Path, marker: str) -> None:
        self.file = file
        self.marker = marker
        self.text = file.read_text(encoding="utf-8")
        self.numbers = count(1)

    def change(self) -> None:
        """Writes a comment that the file did not have before."""
        self.file.write_text(f"{self.marker} Change {next(self.numbers)}.\n{self.text}", encoding="utf-8")


def changing_mart(project: Path) -> ChangingFile:
    """The first of the project's marts."""
    return ChangingFile(min((project / "models" / "marts").glob("*.sql")), "--")


def measure_commit(workshop: Workshop, project: Path) -> list[Result]:
    """Seconds of `git commit` with one changed mart, then of each hook of its stage."""
    mart = changing_mart(project)

    def run_hooks() -> Done:
        mart.change()
        command("git", "add", mart.file, cwd=project)
        return command(".venv/bin/pre-commit", "run", "--verbose", cwd=project)

    def commit() -> Done:
        return command("git", "commit", "-m", "fix: change a mart", cwd=project)

    sides = {"commit stage, hook by hook": run_hooks, "git commit": commit}
    hooks, commits = alternate(sides, workshop.runs, workshop.show).values()
    return [
        Result("git commit, one mart changed", seconds(commits), target=2.0),
        *hook_results(hooks),
    ]


def measure_push(workshop: Workshop, project: Path) -> list[Result]:
    """Seconds of the push stage with one changed mart, then of each of its hooks."""
    mart = changing_mart(project)
    stage = (".venv/bin/pre-commit", "run", "--hook-stage", "pre-push", "--all-files", "--verbose")

    def run_hooks() -> Done:
        mart.change()
        return command(*stage, cwd=project)

    (measured,) = alternate({"push stage": run_hooks}, workshop.runs, workshop.show).values()
    return [
        Result("push stage, one mart changed", seconds(measured), target=4.0),
        *hook_results(measured),
    ]


def measure(workshop: Workshop) -> list[Result]:
    """Seconds of both stages and of their hooks."""
    project = copy_project(workshop.ready_project, workshop.space("hooks"))
    return measure_commit(workshop, project) + measure_push(workshop, project)
