"""What git knows of the code that is released."""

from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass

from dataops.project import PROJECT
from dataops.release import CannotRelease
from dataops.release.acceptance import TRAILER, Acceptance, read_acceptance
from dataops.typed import typed

REVERTED = re.compile(r"^This reverts commit ([0-9a-f]{40})", re.MULTILINE)  # as git revert writes it


@dataclass(frozen=True)
class Code:
    """The code of a release.

    Attributes:
        commit: its full hash.
        subject: the first line of its message.
        uncommitted: files that differ from the commit.
    """

    commit: str
    subject: str
    uncommitted: tuple[str, ...]


def git(*arguments: str) -> str | None:
    """What a git command prints, None where it fails."""
    try:
        done = subprocess.run(["git", *arguments], check=False, cwd=PROJECT, capture_output=True, text=True)
    except FileNotFoundError:
        return None
    return done.stdout.strip("\n") if done.returncode == 0 else None


def read_code() -> Code:
    """The code as it is now.

    Raises:
        CannotRelease: the project is in no git repository, or nothing was committed.
    """
    if git("rev-parse", "--git-dir") is None:
        raise CannotRelease(
            "The project is in no git repository, so nobody could tell later what was released.",
            f"Type: git init && {typed('setup')} && git add --all && git commit -m 'feat: start the project'",
        )
    shown = git("log", "-1", "--format=%H%n%s")
    if not shown:
        raise CannotRelease(
            "Nothing was committed yet.", "Type: git add --all && git commit -m 'feat: start the project'"
        )
    commit, _, subject = shown.partition("\n")
    changed = git("status", "--porcelain", "--untracked-files=all", "--", ".") or ""
    return Code(commit, subject, tuple(line[3:] for line in changed.splitlines()))


def accepted_since(commit: str | None) -> tuple[Acceptance, ...]:
    """What the trailers `Accept-Differences:` of the commits since one accept.

    A trailer is reviewed with the change that it belongs to, so what a pull request was merged with needs no second word.

    What a commit accepts that was reverted since counts no more.

    Args:
        commit: of the version that is prod. Where it is unknown here (a shallow clone), only the last commit counts.
    """
    known = commit and git("merge-base", "--is-ancestor", commit, "HEAD") is not None
    commits = [f"{commit}..HEAD"] if known else ["-1"]
    found = git("log", f"--format=%H%x00%(trailers:key={TRAILER},valueonly)%x00%B%x00", *commits) or ""
    fields = found.split("\0")  # the one character that is in no message
    lines: dict[str, None] = {}
    reverted: set[str] = set()
    for hash, trailers, message in zip(fields[::3], fields[1::3], fields[2::3], strict=False):  # newest first
        if hash.strip() not in reverted:
            reverted.update(REVERTED.findall(message))
            lines.update(dict.fromkeys(line for line in trailers.splitlines() if line.strip()))
    return tuple(map(read_acceptance, lines))
