"""A reader that leaves before the end, as in `dataops releases | head -1`, is not an error. The command ends as it would have."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.helpers import clean_environment, succeed


def without_reader(project: Path, *arguments: str, errors_too: bool = False) -> tuple[int, str]:
    """The exit code of a command whose output nobody reads any more, and what it printed to standard error."""
    reading, writing = os.pipe()
    os.close(reading)
    try:
        done = subprocess.run(
            [".venv/bin/dataops", *arguments],
            cwd=project,
            env=clean_environment(),
            stdout=writing,
            stderr=writing if errors_too else subprocess.PIPE,
            encoding="utf-8",
            check=False,
        )
    finally:
        os.close(writing)
    return done.returncode, done.stderr or ""


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("--help", 0),  # printed by click
        ("releases", 0),  # by rich
        ("dbt ls", 0),  # by dbt's loggers
        ("build --select no_such_model", 2),
    ],
)
def test_a_reader_that_leaves_changes_nothing(released_project, command, code):
    exit_code, errors = without_reader(released_project, *command.split())
    assert exit_code == code, errors
    assert "Broken pipe" not in errors, errors
    assert bool(errors) == bool(code), errors


def test_errors_that_nobody_reads_keep_their_exit_code(released_project):
    assert without_reader(released_project, "releases", "--as-of", "never", errors_too=True) == (2, "")


def test_head_shows_the_first_line(released_project):
    """And nothing else appears in the terminal, such as a traceback."""
    done = succeed("bash", "-c", "set -o pipefail; .venv/bin/dataops releases --help | head -1", cwd=released_project)
    assert done.output == "Usage: dataops releases [OPTIONS]\n"
