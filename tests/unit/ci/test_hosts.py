"""The comment on a pull request or merge request: one, which is updated."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import replace

import pytest

from dataops.ci.hosts import github as on_github
from dataops.ci.hosts import gitlab as on_gitlab
from dataops.ci.hosts.command import comment
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.project import Project, Settings
from tests.code_host import REPOSITORY_NAME, GitLab, hosting, serving
from tests.helpers import REPOSITORY, project_at, run

OURS = "<!-- make ci -->\n"


@pytest.fixture(autouse=True)
def summary(tmp_path):
    """The summary of a run."""
    (tmp_path / "target/ci").mkdir(parents=True)
    file = tmp_path / "target/ci/summary.md"
    file.write_text("## 🟢 make ci\n", encoding="utf-8")
    return file


@pytest.fixture
def github():
    with hosting() as host:
        yield host


@pytest.fixture
def project(github, tmp_path) -> Project:
    """The project in a job of GitHub's."""
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 4}}))
    given = {"API_URL": github.api.address, "REPOSITORY": REPOSITORY_NAME, "TOKEN": "t0ken", "RUN_ID": "71"}
    given |= {"SERVER_URL": "https://github.example", "EVENT_PATH": str(tmp_path / "event.json")}
    found = project_at(tmp_path, **{f"GITHUB_{name}": value for name, value in given.items()})
    return replace(found, settings=Settings(code_host="github"))


def test_a_pull_request_gets_one_comment_which_is_updated(github, project, summary):
    assert on_github.comment(project) == "Pull request 4 has a comment now."
    (one,) = github.comments[4]
    link = f"[The run](https://github.example/{REPOSITORY_NAME}/actions/runs/71)"
    assert one["body"] == f"{OURS}## 🟢 make ci\n\n{link}\n"
    summary.unlink()
    assert on_github.comment(project) == "The comment on pull request 4 is up to date."
    (one,) = github.comments[4]
    assert one["body"].startswith(f"{OURS}## 🔴 dataops ci\n\nThe run stopped before there was a result")


def test_our_comment_is_found_on_any_page_and_nobody_elses_is_touched(github, project):
    github.comments[4] = [
        {"id": 1, "user": {"login": "ada"}, "body": f"{OURS}not ours"},
        *({"id": number, "user": {"login": "ada"}, "body": "talk"} for number in range(2, 150)),
        {"id": 150, "user": {"login": on_github.AUTHOR}, "body": f"{OURS}## 🔴 make ci\n"},
    ]
    assert "up to date" in on_github.comment(project)
    changed = [one["id"] for one in github.comments[4] if "🟢" in one["body"]]
    assert changed == [150]
    assert len(github.comments[4]) == 150


@pytest.fixture
def gitlab():
    host = GitLab()
    with serving(host.answer) as host.api:
        yield host


@pytest.fixture
def merging(gitlab, tmp_path) -> Project:
    """The project in a job of GitLab's."""
    given = {"API_V4_URL": gitlab.api.address, "PROJECT_ID": "7", "MERGE_REQUEST_IID": "3", "DEFAULT_BRANCH": "main"}
    given |= {"PIPELINE_URL": "https://gitlab.example/7/1", "JOB_TOKEN": "j0b", "COMMENT_TOKEN": "t0ken"}
    return project_at(tmp_path, **{f"CI_{name}": value for name, value in given.items()})


def without(project: Project, *names: str) -> Project:
    """The project where some environment variables are not set."""
    return replace(project, variables={name: value for name, value in project.variables.items() if name not in names})


def test_a_merge_request_gets_one_note_which_is_updated(gitlab, merging, summary):
    assert on_gitlab.comment(merging) == "Merge request 3 has a comment now."
    assert len(gitlab.notes) == 132
    summary.unlink()
    assert on_gitlab.comment(merging) == "The comment on merge request 3 is up to date."
    assert len(gitlab.notes) == 132
    assert "The run stopped before there was a result" in gitlab.notes[-1]["body"]


def test_a_forks_pipeline_has_no_token_and_writes_no_note(gitlab, merging):
    assert on_gitlab.comment(without(merging, "CI_COMMENT_TOKEN")).startswith(
        "CI_COMMENT_TOKEN is not set, so there is no comment."
    )
    assert len(gitlab.notes) == 131


def test_gitlab_has_prod_or_none(gitlab, merging, tmp_path):
    assert on_gitlab.download(merging, "prod", tmp_path) is None
    gitlab.files["target/prod/prod.tar"] = b"archive"
    assert on_gitlab.download(merging, "prod", tmp_path).read_bytes() == b"archive"


def test_without_a_code_host_a_comment_is_refused(tmp_path):
    with pytest.raises(DataopsError, match="There is no code host") as error:
        comment.main([], standalone_mode=False, obj=project_at(tmp_path))
    assert error.value.exit_code == IMPOSSIBLE


def test_outside_of_ci_the_missing_variables_are_named(project):
    outside = without(project, "GITHUB_API_URL", "GITHUB_TOKEN", "GITHUB_REPOSITORY")
    with pytest.raises(DataopsError, match="GITHUB_API_URL and GITHUB_REPOSITORY and GITHUB_TOKEN are not set"):
        comment.main([], standalone_mode=False, obj=outside)


def test_a_host_that_cannot_be_reached_is_said_to_be(project):
    unreachable = project.with_variables(GITHUB_API_URL="http://127.0.0.1:9")
    with pytest.raises(DataopsError, match="The code host cannot be reached"):
        comment.main([], standalone_mode=False, obj=unreachable)


def test_the_comment_needs_nothing_but_pythons_standard_library(github, project, tmp_path):
    """The job that may write comments installs nothing. The folder is below the root, as in a project in a repository's folder."""
    (tmp_path / "dbt_project.yml").touch()
    (tmp_path / "pyproject.toml").write_text('[tool.dataops]\ncode_host = "github"\n', encoding="utf-8")
    (tmp_path / "models").mkdir()
    environment = {"PYTHONPATH": str(REPOSITORY / "src"), "PATH": os.defpath, **project.variables}
    command = (sys.executable, "-S", "-m", "dataops.ci.hosts")  # -S: without the installed packages
    done = run(*command, cwd=tmp_path / "models", environment=environment)
    assert (done.code, done.output) == (0, "Pull request 4 has a comment now.\n")
    assert "## 🟢 make ci" in github.comments[4][0]["body"]
