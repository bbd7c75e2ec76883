"""What `make lint` remembers of the files that passed, and what makes it forget; the hooks themselves are stubbed."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from dataops.lint import hooks
from dataops.project import Project
from tests.helpers import project_at

FILES = {
    ".pre-commit-config.yaml": "default_stages: [pre-commit]\nrepos: []\n",
    ".sqlfluff": "[sqlfluff]\ndialect = duckdb\n",
    "models/marts/orders.sql": "select 1\n",
    "models/marts/orders.yml": "version: 2\n",
    "docs/runbook.md": "# Runbook\n",
    "macros/plain.sql": "{% macro plain() %}1{% endmacro %}\n",
}


class Linted:
    """A project whose hooks pass or fail as a test says, and which files they got to see.

    Attributes:
        folder: of the project.
        variables: the environment variables of lint.
        memory: the file that remembers.
        failing: the stages that fail.
        seen: the files that each stage of the last run got.
    """

    def __init__(self, folder: Path):
        self.folder = folder
        self.variables: dict[str, str] = {}
        self.memory = folder / hooks.MEMORY
        self.failing: set[str] = set()
        self.seen: dict[str, set[str]] = {}

    def write(self, name: str, text: str) -> None:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / name).write_text(text, encoding="utf-8")

    def passes(self, index: hooks.Index, stage: str, *_options: str) -> bool:
        self.seen[stage] = {entry.partition("\t")[2] for entry in index.entries()}
        return stage not in self.failing

    @property
    def project(self) -> Project:
        """The project that lint gets."""
        return project_at(self.folder, PATH=os.environ["PATH"], **self.variables)

    def lint(self, *options: str) -> set[str]:
        """Runs lint and returns the files that the hooks of the commit stage got."""
        self.seen = {}
        CliRunner().invoke(hooks.lint, options, obj=self.project)
        return self.seen["pre-commit"]


@pytest.fixture
def project(tmp_path, monkeypatch) -> Linted:
    linted = Linted(tmp_path)
    for name, text in FILES.items():
        linted.write(name, text)
    linted.write(".gitignore", "/target/\n")
    monkeypatch.setattr(hooks.Index, "passes", lambda index, stage, *options: linted.passes(index, stage, *options))
    return linted


REMEMBERED = {"models/marts/orders.sql", "models/marts/orders.yml", "docs/runbook.md"}
ALL = {*FILES, ".gitignore"}


def test_what_passed_is_left_out_and_the_push_stage_sees_everything(project):
    assert project.lint() == ALL
    assert project.lint() == ALL - REMEMBERED
    assert project.seen["pre-push"] == ALL
    assert project.lint("--no-cache") == ALL


def test_a_changed_file_is_linted_until_it_passes(project):
    project.lint()
    project.write("models/marts/orders.sql", "SELECT 1\n")
    project.failing = {"pre-commit"}
    for _ in range(2):
        assert project.lint() == ALL - REMEMBERED | {"models/marts/orders.sql"}
    project.failing = set()
    project.lint()
    assert project.lint() == ALL - REMEMBERED


def test_format_gets_the_files_that_changed_since_they_passed(project):
    project.lint()
    project.write("models/marts/orders.sql", "SELECT 1\n")
    CliRunner().invoke(hooks.format_, [], obj=project.project)
    assert project.seen["manual"] == ALL - REMEMBERED | {"models/marts/orders.sql"}


@pytest.mark.parametrize(
    "file", [".sqlfluff", "macros/plain.sql", "models/.sqlfluff", "models/.hidden/one.sql", "scripts/load.py"]
)
def test_another_setting_or_macro_makes_it_forget(file, project):
    project.lint()
    project.write(file, "other\n")
    assert project.lint() == ALL | {file}


def test_a_page_that_changes_is_linted_alone(project):
    project.lint()
    project.write("docs/runbook.md", "# Runbook\n\nA new line.\n")
    assert project.lint() == ALL - REMEMBERED | {"docs/runbook.md"}


def test_a_tool_that_changes_makes_it_forget(project, monkeypatch):
    project.lint()
    monkeypatch.setattr(hooks.sys, "version", "another Python")
    assert project.lint() == ALL


def test_a_finding_of_the_push_stage_leaves_what_passed_before(project):
    project.failing = {"pre-push"}
    project.lint()
    assert project.lint() == ALL - REMEMBERED


@pytest.mark.parametrize("broken", ["not JSON", "[]", '{"settings": 1}'])
def test_a_broken_memory_counts_as_none(broken, project):
    project.lint()
    project.memory.write_text(broken, encoding="utf-8")
    assert project.lint() == ALL


def test_a_lint_without_some_hooks_or_of_one_is_not_remembered(project, monkeypatch):
    monkeypatch.setattr(hooks, "stages_of", lambda *_: ["pre-commit"])
    project.lint("sqlfluff")
    assert not project.memory.exists()
    project.variables = {"SKIP": "sqlfluff"}
    project.lint()
    assert not project.memory.exists()


def test_a_file_that_is_edited_meanwhile_is_not_remembered(project, monkeypatch):
    def passes_and_edits(index: hooks.Index, stage: str, *_options: str) -> bool:
        project.write("models/marts/orders.sql", "SELECT 2\n")
        return True

    monkeypatch.setattr(hooks.Index, "passes", passes_and_edits)
    CliRunner().invoke(hooks.lint, [], obj=project.project)
    assert not project.memory.exists()


def test_without_git_it_lints_and_leaves_no_repository(project):
    assert project.lint() == ALL
    assert not (project.folder / ".git").exists()
    assert subprocess.run(["git", "-C", project.folder, "status"], capture_output=True, check=False).returncode != 0
