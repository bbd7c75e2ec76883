"""The comment on a pull request or merge request: one, which is updated."""

from __future__ import annotations

import json

import pytest

from dataops.ci import hosts
from dataops.ci.hosts import github as on_github
from dataops.ci.hosts import gitlab as on_gitlab
from dataops.ci.hosts.command import comment
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.project import Settings
from tests.code_host import REPOSITORY_NAME, GitLab, hosting, serving

OURS = "<!-- make ci -->\n"


@pytest.fixture(autouse=True)
def summary(tmp_path, monkeypatch):
    """The summary of a run."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "target/ci").mkdir(parents=True)
    file = tmp_path / "target/ci/summary.md"
    file.write_text("## 🟢 make ci\n", encoding="utf-8")
    return file


@pytest.fixture
def github(tmp_path, monkeypatch):
    (tmp_path / "event.json").write_text(json.dumps({"pull_request": {"number": 4}}))
    with hosting() as host:
        given = {"API_URL": host.api.address, "REPOSITORY": REPOSITORY_NAME, "TOKEN": "t0ken", "RUN_ID": "71"}
        given |= {"SERVER_URL": "https://github.example", "EVENT_PATH": str(tmp_path / "event.json")}
        for name, value in given.items():
            monkeypatch.setenv(f"GITHUB_{name}", value)
        yield host


def test_a_pull_request_gets_one_comment_which_is_updated(github, summary):
    assert on_github.comment() == "Pull request 4 has a comment now."
    (one,) = github.comments[4]
    link = f"[The run](https://github.example/{REPOSITORY_NAME}/actions/runs/71)"
    assert one["body"] == f"{OURS}## 🟢 make ci\n\n{link}\n"
    summary.unlink()
    assert on_github.comment() == "The comment on pull request 4 is up to date."
    (one,) = github.comments[4]
    assert one["body"].startswith(f"{OURS}## 🔴 make ci\n\nThe run stopped before there was a result")


def test_our_comment_is_found_on_any_page_and_nobody_elses_is_touched(github):
    github.comments[4] = [
        {"id": 1, "user": {"login": "ada"}, "body": f"{OURS}not ours"},
        *({"id": number, "user": {"login": "ada"}, "body": "talk"} for number in range(2, 150)),
        {"id": 150, "user": {"login": on_github.AUTHOR}, "body": f"{OURS}## 🔴 make ci\n"},
    ]
    assert "up to date" in on_github.comment()
    changed = [one["id"] for one in github.comments[4] if "🟢" in one["body"]]
    assert changed == [150]
    assert len(github.comments[4]) == 150


@pytest.fixture
def gitlab(monkeypatch):
    host = GitLab()
    with serving(host.answer) as api:
        given = {"API_V4_URL": api.address, "PROJECT_ID": "7", "MERGE_REQUEST_IID": "3", "DEFAULT_BRANCH": "main"}
        given |= {"PIPELINE_URL": "https://gitlab.example/7/1", "JOB_TOKEN": "j0b", "COMMENT_TOKEN": "t0ken"}
        for name, value in given.items():
            monkeypatch.setenv(f"CI_{name}", value)
        yield host


def test_a_merge_request_gets_one_note_which_is_updated(gitlab, summary):
    assert on_gitlab.comment() == "Merge request 3 has a comment now."
    assert len(gitlab.notes) == 132
    summary.unlink()
    assert on_gitlab.comment() == "The comment on merge request 3 is up to date."
    assert len(gitlab.notes) == 132
    assert "The run stopped before there was a result" in gitlab.notes[-1]["body"]


def test_a_forks_pipeline_has_no_token_and_writes_no_note(gitlab, monkeypatch):
    monkeypatch.delenv("CI_COMMENT_TOKEN")
    assert on_gitlab.comment().startswith("CI_COMMENT_TOKEN is not set, so there is no comment.")
    assert len(gitlab.notes) == 131


def test_gitlab_has_prod_or_none(gitlab, tmp_path):
    assert on_gitlab.download("prod", tmp_path) is None
    gitlab.files["target/prod/prod.tar"] = b"archive"
    assert on_gitlab.download("prod", tmp_path).read_bytes() == b"archive"


def test_without_a_code_host_a_comment_is_refused(monkeypatch):
    monkeypatch.setattr(hosts, "settings", Settings)
    with pytest.raises(DataopsError, match="There is no code host") as error:
        comment.main([], standalone_mode=False)
    assert error.value.exit_code == IMPOSSIBLE


def test_outside_of_ci_the_missing_variables_are_named(monkeypatch):
    monkeypatch.setattr(hosts, "settings", lambda: Settings(code_host="github"))
    for name in ("GITHUB_API_URL", "GITHUB_TOKEN", "GITHUB_REPOSITORY"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(DataopsError, match="GITHUB_API_URL and GITHUB_REPOSITORY and GITHUB_TOKEN are not set"):
        comment.main([], standalone_mode=False)


def test_a_host_that_cannot_be_reached_is_said_to_be(github, monkeypatch):
    monkeypatch.setattr(hosts, "settings", lambda: Settings(code_host="github"))
    monkeypatch.setenv("GITHUB_API_URL", "http://127.0.0.1:9")
    with pytest.raises(DataopsError, match="The code host cannot be reached"):
        comment.main([], standalone_mode=False)
