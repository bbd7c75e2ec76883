"""Prod as an artifact: what is packed, which artifact is trusted, what an archive may not do."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

import duckdb
import pytest

from dataops.ci import hosts
from dataops.ci.command import ci
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.project import Settings
from dataops.release import CannotRelease, duckdb_file, store
from tests.code_host import REPOSITORY_NAME, Artifact, GitHub, hosting

ID = "0001-2026-11-24"


@pytest.fixture
def prod(tmp_path, monkeypatch) -> Path:
    """The folder of prod, with one version."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAREHOUSE_DIR", str(tmp_path / "warehouse"))
    monkeypatch.setattr(hosts, "settings", lambda: Settings(code_host="github"))
    prod = tmp_path / "warehouse/prod"
    candidate = prod / "candidate"
    candidate.mkdir(parents=True)
    with duckdb.connect(str(candidate / duckdb_file.NAME)) as connection:
        connection.execute("create table orders as select 1 as id")
    (candidate / store.MANIFEST).write_text("{}")
    (candidate / store.FACTS).write_text(json.dumps({"id": ID, "outcome": "published", "made_at": "2026-11-24"}))
    (candidate / store.DOCS).write_text("<html>docs</html>")
    version = store.admit(candidate, ID)
    store.point_at(version)
    store.record("release", version, None, "ada")
    return prod


@pytest.fixture
def github(monkeypatch):
    with hosting() as host:
        monkeypatch.setenv("GITHUB_API_URL", host.api.address)
        monkeypatch.setenv("GITHUB_REPOSITORY", REPOSITORY_NAME)
        monkeypatch.setenv("GITHUB_TOKEN", "t0ken")
        yield host


def run(*arguments: str) -> None:
    ci.main(["state", *arguments], standalone_mode=False)


def zipped(file: Path, name: str | None = None) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.write(file, name or file.name)
    return content.getvalue()


@pytest.fixture
def lost(prod, tmp_path, capsys) -> Path:
    """The archives of prod, which is gone from the disk; the original is in `before`."""
    run("push")
    assert capsys.readouterr().out.startswith(f"Packed {ID}: target/prod/current.tar, ")
    prod.rename(tmp_path / "before")
    return tmp_path / "target/prod"


def test_everything_that_the_next_release_needs_is_packed_and_comes_back(lost, prod, tmp_path, github, capsys):
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
    assert capsys.readouterr().out == f"Prod is here already: {ID}. Nothing was downloaded.\n"


def test_a_pull_request_gets_prods_version_alone(lost, prod, github):
    github.keep("current", zipped(lost / "current.tar"))
    run("pull", "--current")
    assert {file.name for file in (prod / "current").iterdir()} == {"prod.duckdb", "manifest.json", "release.json"}
    assert not (prod / "history.jsonl").exists()


def test_the_token_is_not_sent_to_where_a_download_is_redirected(lost, github):
    github.keep("prod", zipped(lost / "prod.tar"))
    run("pull")
    (headers,) = [headers for _, _, headers in github.downloads.requests]
    assert "Authorization" not in headers
    assert all(headers["Authorization"] == "Bearer t0ken" for _, _, headers in github.api.requests)


def test_only_artifacts_of_this_repositorys_main_are_trusted(lost, github, capsys):
    """Anybody may open a pull request, and its run may call an artifact `prod`."""
    for _ in range(120):
        github.keep("prod", b"bad", branch="change")
        github.keep("prod", b"bad", repository=2)
    run("pull")
    assert capsys.readouterr().out == "There is no prod yet.\n"
    github.artifacts.insert(0, Artifact(0, "prod", zipped(lost / "prod.tar")))
    run("pull")
    assert capsys.readouterr().out == f"Prod is {ID}.\n"


def test_a_damaged_archive_is_refused_and_writes_nothing_elsewhere(lost, prod, tmp_path, github):
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


def test_an_expired_prod_is_an_error_unless_an_empty_start_is_asked_for(lost, github, capsys):
    """Otherwise prod would start from nothing without a word."""
    github.keep("prod", b"", expired=True)
    github.keep("current", b"", expired=True)
    with pytest.raises(DataopsError, match="has expired") as error:
        run("pull")
    assert error.value.exit_code == IMPOSSIBLE
    assert error.value.remedy == "To go on without prod's data: make ci-state-pull ARGS=--start-empty"
    run("pull", "--start-empty")
    assert capsys.readouterr().out.endswith("has expired. There is no prod.\n")
    run("pull", "--current")  # a pull request is checked without


def test_nothing_is_packed_before_a_release(prod):
    shutil.rmtree(prod)
    prod.mkdir()
    with pytest.raises(CannotRelease, match="Nothing was released yet, so there is nothing to pack"):
        run("push")


def test_without_a_code_host_it_says_what_to_write_where(lost, monkeypatch):
    monkeypatch.setattr(hosts, "settings", Settings)
    with pytest.raises(DataopsError) as error:
        run("pull")
    assert error.value.exit_code == IMPOSSIBLE
    assert (
        error.value.problem
        == 'There is no code host: the setting code_host is "none" in [tool.dataops] of pyproject.toml.'
    )
    assert error.value.remedy == 'Write code_host = "github" or "gitlab" there.'


def test_a_host_that_refuses_says_what_the_job_needs(lost, github: GitHub):
    github.refused = 403
    with pytest.raises(DataopsError, match=r"answers 403 Forbidden\. The job needs the permission actions: read\."):
        run("pull")
