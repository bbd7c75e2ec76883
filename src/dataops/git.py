"""The one place that runs git."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path

from dataops.errors import DataopsError


class GitFailed(DataopsError):
    """A git command failed, or git is not installed. `problem` is git's own line about it."""


def git(folder: Path, *arguments: str, environment: Mapping[str, str] | None = None, text: str | None = None) -> str:
    """What a git command prints.

    Args:
        folder: where it runs.
        arguments: what follows `git`.
        environment: the environment variables; without, those of this process.
        text: what git reads from standard input.

    Raises:
        GitFailed: the command failed, or git is not installed.
    """
    command = ["git", *arguments]
    options = {"encoding": "utf-8", "errors": "surrogateescape", "capture_output": True}
    try:
        done = subprocess.run(command, check=False, cwd=folder, env=environment, input=text, **options)
    except FileNotFoundError:
        raise GitFailed("git is not installed.") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or [f"git {arguments[0]} failed."]
        raise GitFailed(next((line for line in lines if line.startswith(("fatal:", "error:"))), lines[0]))
    return done.stdout


def ask(folder: Path, *arguments: str) -> str | None:
    """What a git command prints, without the line break at its end; None where it fails."""
    try:
        return git(folder, *arguments).strip("\n")
    except GitFailed:
        return None


def entries(folder: Path, *arguments: str) -> list[str]:
    r"""The entries that a git command prints with `-z`, which ends each with a NUL.

    Raises:
        GitFailed: the command failed, or git is not installed.
    """
    return [entry for entry in git(folder, *arguments).split("\0") if entry]


def untracked(folder: Path) -> list[str]:
    """The files of a folder that git neither tracks nor ignores."""
    return entries(folder, "ls-files", "--others", "--exclude-standard", "-z")


def changed(folder: Path) -> list[str]:
    """The tracked files of a folder that differ from the last commit."""
    return entries(folder, "diff", "HEAD", "--name-only", "--no-renames", "--relative", "-z")
