"""Where the benchmarks work: a temporary folder, and in it the generated project that several of them start from."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tests.benchmarks.measure import checked, command
from tests.helpers import cookiecutter, git_init


@dataclass
class Workshop:
    """What a benchmark gets.

    Attributes:
        folder: an empty temporary folder for all of them.
        runs: how often each thing is measured.
        show: prints a line of progress.
        before: the commit that the benchmark `before` compares with.
    """

    folder: Path
    runs: int
    show: Callable[[str], None]
    before: str = "HEAD"

    def space(self, name: str) -> Path:
        """A new empty folder."""
        folder = self.folder / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        return folder

    def new_project(self, name: str, **answers: str) -> Path:
        """A project with the default answers but for some, just generated and a git repository."""
        folder = self.space(name)
        checked(cookiecutter(folder, **answers), "cookiecutter --no-input")
        (project,) = folder.iterdir()
        git_init(project)
        return project

    @cached_property
    def ready_project(self) -> Path:
        """A project that is set up and committed. Benchmarks work on copies of it (`tests.helpers.copy_project`)."""
        self.show("preparing: generate a project, make setup, commit")
        project = self.new_project("ready")
        command("make", "setup", cwd=project)
        command("git", "add", "--all", cwd=project)
        command("git", "commit", "--quiet", "--no-verify", "-m", "feat: start the project", cwd=project)
        return project

    @property
    def is_ready(self) -> bool:
        """Whether a benchmark has needed the set-up project."""
        return "ready_project" in self.__dict__
