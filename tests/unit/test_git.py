"""The git wrapper, in a small repository."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataops import git
from tests.helpers import git_init, succeed


@pytest.fixture
def repository(tmp_path) -> Path:
    git_init(tmp_path)
    (tmp_path / "a.txt").write_text("a\n")
    succeed("git", "add", "--all", cwd=tmp_path)
    succeed("git", "commit", "--quiet", "-m", "feat: a", cwd=tmp_path)
    return tmp_path


def test_what_git_prints(repository):
    assert git.git(repository, "log", "-1", "--format=%s") == "feat: a\n"
    assert git.ask(repository, "log", "-1", "--format=%s") == "feat: a"
    assert git.git(repository, "hash-object", "--stdin", text="a\n") == git.git(repository, "rev-parse", "HEAD:a.txt")


def test_a_failed_command_gives_gits_own_line(repository):
    with pytest.raises(git.GitFailed) as raised:
        git.git(repository, "rev-parse", "--verify", "no-such-branch")
    assert raised.value.problem == "fatal: Needed a single revision"
    assert git.ask(repository, "rev-parse", "--verify", "no-such-branch") is None


def test_a_warning_before_the_error_is_passed_over(repository, tmp_path_factory, monkeypatch):
    script = tmp_path_factory.mktemp("bin") / "git"
    script.write_text("#!/bin/sh\nprintf 'warning: slow\\nfatal: no space\\n' >&2\nexit 128\n")
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=":")
    with pytest.raises(git.GitFailed, match="fatal: no space"):
        git.git(repository, "add", "a.txt")


def test_without_git(repository, monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(git.GitFailed, match="git is not installed"):
        git.git(repository, "--version")
    assert git.ask(repository, "--version") is None


def test_changed_and_untracked_files(repository):
    """Whatever their names: with blanks, quotes, line breaks or letters that are not UTF-8."""
    (repository / ".gitignore").write_text("*.log\n")
    names = ['a "b".txt', "line\nbreak.txt", "größe.txt", "\udcff.txt"]
    for name in (*names, "x.log"):
        (repository / name).write_text("x")
    (repository / "a.txt").unlink()
    (repository / "staged.txt").write_text("x")
    succeed("git", "add", "staged.txt", cwd=repository)
    assert sorted(git.untracked(repository)) == sorted([".gitignore", *names])
    assert git.changed(repository) == ["a.txt", "staged.txt"]
