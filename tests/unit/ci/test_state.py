"""Prod as an artifact: what is packed, which artifact is trusted, what an archive may not do."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from dataops.ci.command import ci
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.project import Project, Settings
from dataops.versions import DOCS, CannotRelease, Versions
from tests import versions as made
from tests.code_host import REPOSITORY_NAME, Artifact, GitHub, hosting
from tests.helpers import project_at

ID = f"0001-{made.DAY}"
Run = Callable[..., None]


@pytest.fixture
def project(tmp_path, monkeypatch, github) -> Project:
    """A project in a job of GitHub's, with one version of prod."""
    monkeypatch.chdir(tmp_path)
    given = {"API_URL": github.api.address, "REPOSITORY": REPOSITORY_NAME, "TOKEN": "t0ken"}
    found = project_at(tmp_path, **{f"GITHUB_{name}": value for name, value in given.items()})
    project = replace(found, settings=Settings(code_host="github"))
    version = made.release(Versions(project), 1)
    (version.folder / DOCS).write_text("<html>docs</html>")
    return project


@pytest.fixture
def prod(project) -> Path:
    """The folder of prod, with one version."""
    return project.prod.folder


@pytest.fixture
def github():
    with hosting() as host:
        yield host


@pytest.fixture
def run(project) -> Run:
    """Runs `dataops ci state`."""
    return lambda *arguments: ci.main(["state", *arguments], standalone_mode=False, obj=project)


def zipped(file: Path, name: str | None = None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.write(file, name or file.name)
    return content.getvalue()


@pytest.fixture
def lost(run, prod, tmp_path, capsys) -> Path:
    """The archives of prod, which is gone from the disk; the original is in `before`."""
    run("push")
    assert capsys.readouterr().out.startswith(f"Packed {ID}: target/prod/current.tar, ")
    prod.rename(tmp_path / "before")
    return tmp_path / "target/prod"


def test_everything_that_the_next_release_needs_is_packed_and_comes_back(run, lost, prod, tmp_path, github, capsys):
    assert (lost / "pages/index.html").read_text() == "<html>docs</html>"
    github.keep("prod", zipped(lost / "prod.tar"))
    run("pull")
    assert capsys.readouterr().out == f"Prod is {ID}.\n"
    assert (prod / "current").readlink() == Path("releases", ID)
    before = tmp_path / "before"
    assert (prod / "current/prod.duckdb").read_bytes() == (before / "current/prod.duckdb").read_bytes()
    assert (prod / "current/prod.duckdb").stat().st_mode & 0o222 == 0, "nobody writes a version"
    assert (prod / "history.jsonl").read_text() == (before / "history.jsonl").read_text()
    run("pull")
    assert capsys.readouterr().out == f"Prod is already here: {ID}. Nothing was downloaded.\n"


def test_a_pull_request_gets_prods_version_alone(run, lost, prod, github):
    github.keep("current", zipped(lost / "current.tar"))
    run("pull", "--current")
    assert {file.name for file in (prod / "current").iterdir()} == {"prod.duckdb", "manifest.json", "release.json"}
    assert not (prod / "history.jsonl").exists()


def test_the_token_is_not_sent_to_where_a_download_is_redirected(run, lost, github):
    github.keep("prod", zipped(lost / "prod.tar"))
    run("pull")
    (headers,) = [headers for _, _, headers in github.downloads.requests]
    assert "Authorization" not in headers
    assert all(headers["Authorization"] == "Bearer t0ken" for _, _, headers in github.api.requests)


def test_only_artifacts_of_this_repositorys_main_are_trusted(run, lost, github, capsys):
    """Anybody may open a pull request, and its run may call an artifact `prod`."""
    for _ in range(120):
        github.keep("prod", b"bad", branch="change")
        github.keep("prod", b"bad", repository=2)
    run("pull")
    assert capsys.readouterr().out == "There is no prod yet.\n"
    github.artifacts.insert(0, Artifact(0, "prod", zipped(lost / "prod.tar")))
    run("pull")
    assert capsys.readouterr().out == f"Prod is {ID}.\n"


def test_a_damaged_archive_is_refused_and_writes_nothing_elsewhere(run, lost, prod, tmp_path, github):
    evil = tmp_path / "evil.tar"
    with tarfile.open(evil, "w") as archive:
        archive.addfile(tarfile.TarInfo("../../outside"))
    github.keep("prod", zipped(evil, "prod.tar"))
    with pytest.raises(CannotRelease, match="The archive of prod is damaged"):
        run("pull")
    assert not list(tmp_path.rglob("outside"))
    assert not os.path.lexists(prod / "current")

    github.artifacts[0].content = b"bad"
    with pytest.raises(DataopsError, match=r"^The artifact prod of 2026-01-01T00:00:01Z is damaged"):
        run("pull")

    with tarfile.open(evil, "w"):
        pass
    github.artifacts[0].content = zipped(evil, "prod.tar")
    with pytest.raises(CannotRelease, match="has no version in it"):
        run("pull")


def test_an_expired_prod_is_an_error_unless_an_empty_start_is_asked_for(run, lost, github, capsys, tmp_path):
    """Otherwise prod would start from nothing without a word."""
    github.keep("prod", b"", expired=True)
    github.keep("current", b"", expired=True)
    with pytest.raises(DataopsError, match="has expired") as error:
        run("pull")
    assert error.value.exit_code == IMPOSSIBLE
    assert error.value.remedy == "To go on without prod's data: dataops ci state pull --start-empty"
    (tmp_path / "Makefile").write_text("ci-state-pull:\n\t@dataops ci state pull $(ARGS)\n", encoding="utf-8")
    with pytest.raises(DataopsError) as error:
        run("pull")
    assert error.value.remedy == "To go on without prod's data: make ci-state-pull ARGS=--start-empty"
    run("pull", "--start-empty")
    assert capsys.readouterr().out.endswith("has expired. There is no prod.\n")
    run("pull", "--current")  # a pull request is checked without


def test_nothing_is_packed_before_a_release(run, prod):
    shutil.rmtree(prod)
    prod.mkdir()
    with pytest.raises(CannotRelease, match="Nothing was released yet, so there is nothing to pack"):
        run("push")


def test_without_a_code_host_it_says_what_to_write_where(lost, project):
    with pytest.raises(DataopsError) as error:
        ci.main(["state", "pull"], standalone_mode=False, obj=replace(project, settings=Settings()))
    assert error.value.exit_code == IMPOSSIBLE
    assert error.value.problem == 'There is no code host: the setting code_host is "none" in dataops.toml.'
    assert error.value.remedy == 'Write code_host = "github" or "gitlab" there.'


def test_a_host_that_refuses_says_what_the_job_needs(run, lost, github: GitHub):
    github.refused = 403
    with pytest.raises(DataopsError, match=r"answers 403 Forbidden\. The job needs the permission actions: read\."):
        run("pull")
