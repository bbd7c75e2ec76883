"""The first steps of a generated project, unpatched, as its user meets them."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.helpers import copy_project, git_init, make_project, run, succeed
from tests.template.matrix import COMBINATIONS, DEFAULT, most_different, name_of

WHOLE_JOURNEYS = [DEFAULT, most_different()]


@pytest.fixture(scope="session")
def tools(made_once, ready_project) -> Callable[[dict[str, str]], Path]:
    """The .venv for a combination of answers: monitoring and GitHub are the answers that change what is installed."""

    def tools_of(combination: dict[str, str]) -> Path:
        monitoring, github = combination["monitoring"], combination["ci"] == "github"
        if monitoring == DEFAULT["monitoring"] and github:
            return ready_project / ".venv"

        def make(folder: Path) -> Path:
            project = make_project(folder, monitoring=monitoring, ci="github" if github else "none", example="no")
            succeed("make", "setup", cwd=project)
            return project / ".venv"

        return made_once(f"tools_{monitoring}_{github}", make)

    return tools_of


@pytest.mark.parametrize("combination", WHOLE_JOURNEYS, ids=name_of)
def test_it_sets_up_builds_lints_and_commits(combination, tmp_path):
    """The README's first steps, and then the same again."""
    project = make_project(tmp_path, **combination)
    git_init(project)
    first = succeed("make", "setup", cwd=project)
    assert "pre-commit, commit-msg, pre-push: installed" in first.output
    assert re.search(r"^    \d+ packages: dbt-core 1\.11\.\d+, .*; Python 3\.1\d", first.output, re.MULTILINE), first
    assert len(first.output.splitlines()) < 25, first  # no line for each package
    assert first.output.splitlines()[-1] == "Ready. Next: make build"

    build_lint_and_commit(project, combination)

    assert_clean(succeed("make", "build", cwd=project).output, combination)
    again = succeed("make", "setup", cwd=project)
    assert again.output.splitlines()[-1] == "Ready. Next: make build"
    assert succeed("git", "status", "--porcelain", cwd=project).output == ""

    # Typed by hand. Where there is something to build, with every warning an error ("Nothing to do" is one)
    strict = ["--warn-error-options", '{"error": "all"}'] if combination["example"] == "yes" else []
    by_hand = succeed(".venv/bin/dbt", *strict, "build", cwd=project)
    assert_clean(by_hand.output, combination)


@pytest.mark.long
@pytest.mark.parametrize("combination", [one for one in COMBINATIONS if one not in WHOLE_JOURNEYS], ids=name_of)
def test_every_combination_builds_lints_and_commits(combination, tools, tmp_path):
    """With the tools of another project that has the same ones."""
    project = make_project(tmp_path, **combination)
    git_init(project)
    (project / ".venv").symlink_to(tools(combination))
    assert "Ready. Next: make build" in succeed(".venv/bin/dataops", "setup", cwd=project).output
    build_lint_and_commit(project, combination)


def build_lint_and_commit(project: Path, combination: dict[str, str]) -> None:
    """The steps after setup; fails on any warning, finding or file that should not be committed."""
    assert_clean(succeed("make", "build", cwd=project).output, combination)
    succeed("make", "lint", cwd=project)

    succeed("git", "add", "--all", cwd=project)
    staged = succeed("git", "diff", "--cached", "--stat", cwd=project).output
    commit = succeed("git", "commit", "-m", "feat: start the project", cwd=project)
    assert "Failed" not in commit.output
    assert succeed("git", "status", "--porcelain", cwd=project).output == ""
    assert "warehouse/dev/.gitkeep" in staged
    assert ".duckdb" not in staged
    assert ".venv" not in staged


def assert_clean(output: str, combination: dict[str, str]) -> None:
    """The build printed no warning and built every node. Without the sample, it has nothing to build."""
    assert "eprecat" not in output, output
    assert "arning" not in output.replace("and 0 warnings", ""), output
    if combination["example"] == "yes":
        assert "WARN=0 ERROR=0 SKIP=0" in output, output
        assert "PASS=141" in output, output
    else:
        assert "Nothing to do" in output, output


@pytest.mark.long
def test_a_clone_in_a_path_with_spaces_sets_up_and_builds(ready_project, tmp_path):
    clone = tmp_path / "a folder with spaces" / "corner shop"
    clone.parent.mkdir()
    succeed("git", "clone", "--quiet", ready_project, clone, cwd=tmp_path)
    ignored = succeed("git", "status", "--porcelain", "--ignored", cwd=clone).output
    assert ignored == ""
    git_init(clone)
    succeed("make", "setup", cwd=clone)
    assert "PASS=141" in succeed("make", "build", cwd=clone).output
    succeed(".venv/bin/dbt", "--quiet", "show", "--select", "path:models", "--limit", "1", cwd=clone)
    succeed("make", "lint", cwd=clone)
    (clone / "CODEOWNERS").write_text("* @corner-shop/data @corner-shop/shop\n")
    succeed("git", "commit", "-a", "-m", "chore: add an owner", cwd=clone)


def test_before_setup_a_task_says_what_to_type(tmp_path):
    project = make_project(tmp_path)
    for task in ("build", "test", "lint", "format", "docs", "check", "sample", "remove-sample"):
        done = run("make", task, cwd=project)
        assert done.code != 0
        assert "make setup" in done.output.splitlines()[0], done


def test_setup_says_why_hooks_were_not_installed(ready_project, tmp_path):
    project = copy_project(ready_project, tmp_path)
    succeed("git", "config", "core.hooksPath", "shared-hooks", cwd=project)
    assert "git takes its hooks from shared-hooks" in succeed(".venv/bin/dataops", "setup", cwd=project).output

    shutil.rmtree(project / ".git")
    assert "not a git repository yet" in succeed(".venv/bin/dataops", "setup", cwd=project).output
    succeed("git", "init", "-q", cwd=tmp_path)
    assert f"the git repository is {tmp_path.resolve()}" in succeed(".venv/bin/dataops", "setup", cwd=project).output


def test_the_first_source_of_the_readme_works(ready_project, tmp_path):
    """Follows `example=no`'s README to the letter."""
    project = make_project(tmp_path, example="no", ci="none")
    readme = (project / "README.md").read_text(encoding="utf-8")
    section = readme.split("## The first source and model")[1].split("\n## ")[0]
    written = re.findall(r"`((?:data|models)/[^`]+)`:\n\n    ```\w+\n(.*?)    ```\n", section, re.DOTALL)
    assert [Path(name).name for name, _ in written] == [
        "invoices.csv",
        "_erp__sources.yml",
        "stg_erp__invoices.sql",
        "stg_erp__invoices.yml",
    ]
    for name, content in written:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text(re.sub(r"^    ", "", content, flags=re.MULTILINE), encoding="utf-8")
    (project / ".venv").symlink_to(ready_project / ".venv")
    succeed(".venv/bin/dataops", "setup", cwd=project)
    build = succeed("make", "build", cwd=project).output
    assert "PASS=6 WARN=0 ERROR=0" in build
    assert "created sql table model dev_staging.stg_erp__invoices" in build, "prod would show the file as it is now"
    succeed("make", "lint", "test", "docs", cwd=project)
    shown = succeed(".venv/bin/dbt", "show", "--select", "stg_erp__invoices", cwd=project).output
    assert "19.9" in shown
    assert "not a number" not in shown

    git_init(project)
    succeed("git", "add", "--all", cwd=project)
    succeed("git", "commit", "--quiet", "--no-verify", "-m", "feat: invoices", cwd=project)
    succeed("make", "release", cwd=project)
    prod = project / "warehouse/prod/current/prod.duckdb"
    rows = "select invoice_id, amount from staging.stg_erp__invoices order by all"
    with duckdb.connect(str(prod), read_only=True) as connection:
        released = connection.execute(rows).fetchall()
    assert released == [(1, Decimal("19.90")), (2, None)]
    (project / "data/erp/invoices.csv").write_text("id,total,loaded_at\n3,1.00,2026-02-01 06:00:00\n", encoding="utf-8")
    with duckdb.connect(str(prod), read_only=True) as connection:
        assert connection.execute(rows).fetchall() == released


def test_a_path_that_dbt_cannot_read_is_refused(ready_project, tmp_path):
    project = copy_project(ready_project, tmp_path / "ada's projects")
    done = run(".venv/bin/dataops", "setup", cwd=project)
    assert done.code != 0
    assert "a folder with an apostrophe in its path" in done.output
