"""The code that is released, as git has it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import yaml

from dataops import git
from dataops.release.acceptance import TRAILER, Acceptance, read_acceptance
from dataops.typed import typed
from dataops.versions import CannotRelease

# What dbt, the package or the workflows read, besides the paths that dbt_project.yml names.
DBT_PATHS = {
    "model-paths": ["models"],
    "seed-paths": ["seeds"],
    "snapshot-paths": ["snapshots"],
    "test-paths": ["tests"],
    "analysis-paths": ["analyses"],
    "macro-paths": ["macros"],
    "function-paths": ["functions"],
    "docs-paths": [],
    "asset-paths": [],
}
READ_FOLDERS = ("packages", "dbt_packages", "scripts", ".github", ".gitlab")
CONFIGURATION = {".yml", ".yaml", ".toml", ".lock", ".cfg", ".ini", ".py", ".sh"}  # in the project's own folder
CONFIGURATION_NAMES = re.compile(
    r"Makefile|Dockerfile|\.env|\.dbtignore|\.python-version|\.sqlfluff.*|\.yamllint|\.git.+"
)
LOCAL_PACKAGE = re.compile(r"""^\s*-?\s*local:\s*["']?([^"'#\n]+)""", re.MULTILINE)
REVERTED = re.compile(r"^This reverts commit ([0-9a-f]{40})", re.MULTILINE)  # as git revert writes it


@dataclass(frozen=True)
class Code:
    """The code of a release.

    Attributes:
        commit: its full hash.
        subject: the first line of its message.
        uncommitted: files that differ from the commit and may change what is released.
        unread: untracked files that nothing reads: notes, logs.
    """

    commit: str
    subject: str
    uncommitted: tuple[str, ...]
    unread: tuple[str, ...] = ()


def read_code(root: Path) -> Code:
    """The code as it is now.

    Args:
        root: the project's folder.

    Raises:
        CannotRelease: the project is not in a git repository, or nothing was committed.
    """
    if git.ask(root, "rev-parse", "--git-dir") is None:
        raise CannotRelease(
            "The project is not in a git repository, so the version could not record what was released.",
            f"Type: git init && {typed('setup')} && git add --all && git commit -m 'feat: start the project'",
        )
    last = git.ask(root, "log", "-1", "--format=%H%n%s")
    if not last:
        raise CannotRelease(
            "Nothing was committed yet.", "Type: git add --all && git commit -m 'feat: start the project'"
        )
    commit, _, subject = last.partition("\n")
    changed, untracked = git.changed(root), git.untracked(root)
    settings, packages = _dbt_project(root), _local_packages(root)
    read = {file for file in untracked if is_read(file, settings, packages)}
    return Code(commit, subject, tuple(sorted({*changed, *read})), tuple(sorted({*untracked} - read)))


def is_read(file: str, dbt_project: Mapping[str, Any] | None, packages: list[str]) -> bool:
    """Whether dbt, the package or the workflows read a file, so that it may change what is released.

    Args:
        file: its path in the project.
        dbt_project: the content of dbt_project.yml. Where it is unknown, every file counts.
        packages: the folders of the dbt packages that are installed by path.

    >>> [is_read(file, {}, []) for file in ("notes.txt", "logs/run.log", "docs/todo.md", "data/orders.csv")]
    [False, False, False, False]
    >>> [is_read(file, {}, []) for file in ("models/a.sql", "profiles.yml", "scripts/x.py", ".gitlab-ci.yml", ".github/x")]
    [True, True, True, True, True]
    >>> is_read("docs/todo.md", {"docs-paths": ["docs"]}, []), is_read("shared/a.sql", {}, ["shared"])
    (True, True)
    """
    if dbt_project is None:
        return True
    path = PurePosixPath(file)
    if len(path.parts) == 1:
        return path.suffix in CONFIGURATION or bool(CONFIGURATION_NAMES.fullmatch(path.name))
    folders = [*READ_FOLDERS, *packages]
    for name, default in DBT_PATHS.items():
        folders += dbt_project.get(name) or default
    return any(
        "{{" in folder or folder.startswith("/") or path.is_relative_to(PurePosixPath(folder)) for folder in folders
    )


def _dbt_project(root: Path) -> dict[str, Any] | None:
    """dbt_project.yml; None where it cannot be read."""
    try:
        settings = yaml.safe_load((root / "dbt_project.yml").read_text(encoding="utf-8"))
    except (OSError, ValueError, yaml.YAMLError):
        return None
    named = [settings.get(name) or [] for name in DBT_PATHS] if isinstance(settings, dict) else [None]
    is_valid = all(isinstance(paths, list) and all(isinstance(path, str) for path in paths) for paths in named)
    return settings if is_valid else None


def _local_packages(root: Path) -> list[str]:
    """The folders of the dbt packages that are installed by path."""
    files = [root / name for name in ("packages.yml", "dependencies.yml")]
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in files if file.is_file()]
    return [folder.strip() for text in texts for folder in LOCAL_PACKAGE.findall(text)]


def accepted_since(root: Path, commit: str | None) -> tuple[Acceptance, ...]:
    """What the trailers `Accept-Differences:` of the commits since one accept.

    A trailer is reviewed with the change that it belongs to, so nobody has to accept it again after a merge. What a commit
    accepts that was reverted since does not count.

    Args:
        root: the project's folder.
        commit: of the version that is prod. Where it is unknown here (a shallow clone), only the last commit counts.
    """
    known = commit and git.ask(root, "merge-base", "--is-ancestor", commit, "HEAD") is not None
    commits = [f"{commit}..HEAD"] if known else ["-1"]
    log = git.ask(root, "log", f"--format=%H%x00%(trailers:key={TRAILER},valueonly)%x00%B%x00", *commits) or ""
    fields = log.split("\0")  # the one character that no message can have
    lines: dict[str, None] = {}
    reverted: set[str] = set()
    for hash, trailers, message in zip(fields[::3], fields[1::3], fields[2::3], strict=False):  # newest first
        if hash.strip() not in reverted:
            reverted.update(REVERTED.findall(message))
            lines.update(dict.fromkeys(line for line in trailers.splitlines() if line.strip()))
    return tuple(map(read_acceptance, lines))
