"""What git says of the code that is released: which files count, and what commits accept."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataops.release import pipeline, repository
from dataops.versions import CannotRelease, Versions
from tests.helpers import git_init, project_at, succeed
from tests.small_project import commit, head

DBT_PROJECT = """name: shop
model-paths: [models, more_models]
docs-paths: [handbook]
"""


@pytest.fixture
def project(tmp_path) -> Path:
    """A project with one commit."""
    folder = tmp_path / "project"
    folder.mkdir()
    git_init(folder)
    (folder / "dbt_project.yml").write_text(DBT_PROJECT)
    (folder / "packages.yml").write_text("packages:\n  - local: shared/rules\n")
    (folder / "notes.txt").write_text("a note that is tracked\n")
    commit(folder, "feat: start the project")
    return folder


def write(project: Path, *names: str) -> None:
    for name in names:
        (project / name).parent.mkdir(parents=True, exist_ok=True)
        (project / name).write_text("x\n")


COUNTS = """models/a.sql models/notes.txt more_models/b.sql seeds/c.csv snapshots/d.yml tests/e.sql macros/f.sql analyses/g.sql
handbook/h.md packages/x/i.sql scripts/j.py .github/workflows/k.yml .gitlab/l.yml .gitlab-ci.yml shared/rules/m.sql selectors.yml
uv.lock .env .sqlfluff .dbtignore Makefile dependencies.yml""".split()
DOES_NOT_COUNT = (
    "todo.txt release.log docs/idea.md data/orders.csv notebooks/look.ipynb dbt.log.1 shared/other.sql".split()
)


def test_what_is_read_counts_and_what_is_not_is_only_reported(project):
    write(project, *COUNTS, *DOES_NOT_COUNT)
    code = repository.read_code(project)
    assert code.uncommitted == tuple(sorted(COUNTS))
    assert code.unread == tuple(sorted(DOES_NOT_COUNT))


def test_tracked_files_that_changed_always_count(project):
    (project / "notes.txt").write_text("changed\n")
    write(project, "staged.txt")
    succeed("git", "add", "staged.txt", cwd=project)
    assert repository.read_code(project) == repository.Code(
        head(project), "feat: start the project", ("notes.txt", "staged.txt")
    )


@pytest.mark.parametrize(
    "settings",
    ["name: [", "model-paths: models\n", "model-paths: [1]\n", "- a list\n", 'docs-paths: ["{{ x }}"]\n', ""],
)
def test_where_dbts_paths_are_unknown_every_file_counts(project, settings):
    (project / "dbt_project.yml").write_text(settings)
    commit(project, "feat: something odd")
    write(project, "docs/idea.md")
    assert repository.read_code(project).uncommitted == ("docs/idea.md",)


def test_a_project_in_a_folder_of_the_repository(project):
    inner = project / "dbt"
    write(project, "models/outside.sql", "dbt/models/inside.sql", "dbt/notes.md")
    (inner / "dbt_project.yml").write_text("name: shop\n")
    succeed("git", "add", "dbt/dbt_project.yml", cwd=project)
    succeed("git", "commit", "--quiet", "-m", "feat: inner", cwd=project)
    code = repository.read_code(inner)
    assert (code.uncommitted, code.unread) == (("models/inside.sql",), ("notes.md",))


def next_release(root: Path, allow_uncommitted: bool = False) -> pipeline.Release:
    return pipeline.next_release(Versions(project_at(root)), None, False, allow_uncommitted, True, None, "ada", None)


def test_uncommitted_changes_are_released_only_when_allowed(project):
    write(project, "notes.md", "models/more.sql")
    with pytest.raises(CannotRelease) as raised:
        next_release(project)
    assert "1 file differs from the last commit" in raised.value.problem
    assert raised.value.problem.endswith("released: models/more.sql.")
    assert next_release(project, allow_uncommitted=True).code.uncommitted == ("models/more.sql",)
    (project / "models/more.sql").unlink()
    assert next_release(project).code.unread == ("notes.md",)


def test_without_git_nothing_is_released(tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    with pytest.raises(CannotRelease, match="The project is not in a git repository"):
        next_release(bare)
    git_init(bare)
    with pytest.raises(CannotRelease, match="Nothing was committed yet"):
        next_release(bare)


def accepted(project: Path, since: str) -> list[str]:
    return [str(one) for one in repository.accepted_since(project, since)]


def test_trailers_since_a_commit(project):
    start = head(project)
    commit(project, "feat: a\n\nAccept-Differences: orders: a is out")
    commit(project, "docs: another commit after it")
    assert accepted(project, start) == ["orders: a is out"]
    assert accepted(project, head(project)) == [], "what was accepted once is not accepted for ever"
    assert accepted(project, "0" * 40) == [], "of an unknown commit only the last one counts"


def test_what_a_reverted_commit_accepts_does_not_count(project):
    start = head(project)
    (project / "notes.txt").write_text("2\n")
    commit(project, "feat: 2\n\nAccept-Differences: 2 is out")
    succeed("git", "revert", "--no-edit", "HEAD", cwd=project)
    reverting = head(project)
    succeed("git", "commit", "--allow-empty", "--allow-empty-message", "--no-verify", "-m", "", cwd=project)
    assert accepted(project, start) == []
    commit(project, f"feat: 2 again\n\nThis reverts commit {reverting}.")
    assert accepted(project, start) == ["2 is out"]
