"""Checks the message of `git commit -m` before the slower hooks run.

git gives the message to a hook (commit-msg) only after all hooks of the pre-commit stage. Where it was typed on the command
line, it is read from there; otherwise it is checked afterwards, as always.
"""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click

PARENTS = 6  # pre-commit and the script that git runs lie between
WITH_VALUE = set("mFCctuS")  # the short options of git commit that take a value, which may follow in the same word


def typed_message(arguments: list[str]) -> str | None:
    """The message on the command line of `git commit`; None where it comes from elsewhere.

    >>> typed_message(["git", "-C", "shop", "commit", "-am", "feat: x", "-m", "why"])
    'feat: x\\n\\nwhy'
    >>> typed_message(["git", "commit", "--message=fix: y"]), typed_message(["git", "commit", "-mfix: y"])
    ('fix: y', 'fix: y')
    >>> typed_message(["git", "commit", "-F", "-m"]), typed_message(["git", "log", "-m", "x"])
    (None, None)
    """
    if "commit" not in arguments or Path(arguments[0]).name != "git":
        return None
    parts = []
    words = iter(arguments[arguments.index("commit") + 1 :])
    for word in words:
        if word == "--":
            break
        if word == "--message":
            parts.append(next(words, ""))
        elif word.startswith("--message="):
            parts.append(word.partition("=")[2])
        elif word.startswith("-") and not word.startswith("--"):
            position = next((at for at, letter in enumerate(word) if letter in WITH_VALUE), None)
            if position is not None and word[position] in "mFCct":
                value = word[position + 1 :] or next(words, "")
                parts += [value] if word[position] == "m" else []
    return "\n\n".join(parts) or None


def commands_above() -> list[list[str]]:
    """The command lines of the processes that this one was started by, nearest first; empty where /proc is missing."""
    found, process = [], os.getppid()
    try:
        for _ in range(PARENTS):
            command = Path(f"/proc/{process}/cmdline").read_bytes().decode(errors="replace")
            found.append(command.rstrip("\0").split("\0"))
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
    except (OSError, ValueError):
        pass
    return found


@click.command()
def main() -> None:
    """Check the message of `git commit -m` before the slower hooks run."""
    message = next(filter(None, map(typed_message, commands_above())), None)
    if message is None:
        return
    from conventional_pre_commit.hook import main as check

    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        file.write(message)
        file.flush()
        sys.exit(check(["--verbose", file.name]))
