"""A short run of `make faults`: releases killed and disks filled at random moments, with readers looking on."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest

from tests.faults import kill_at_random_moments
from tests.helpers import REPOSITORY, clean_environment, copy_project
from tests.test_release import needs_mount


@pytest.fixture
def project(released_project, tmp_path) -> Path:
    return copy_project(released_project, tmp_path)


@pytest.fixture
def seed() -> int:
    """Another one each time; a failure prints it."""
    return random.randrange(10**6)


def test_no_reader_ever_sees_a_part_of_a_version(project, seed):
    found = kill_at_random_moments(project, moments=5, seed=seed)
    assert found["faults"] == [], seed
    assert found["unknown"] == set(), seed
    assert found["succeeded"] == 5
    assert found["reads"] > 100
    assert len(found["seen"]) > 3, "the readers saw versions come and go"


@needs_mount
def test_a_full_disk_leaves_prod_whole(project, seed):
    code = f"from pathlib import Path; from tests.faults import fill_the_disk; fill_the_disk(Path({str(project)!r}), 3, {seed})"
    environment = clean_environment(PYTHONPATH=str(REPOSITORY))
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", code],
        cwd=REPOSITORY,
        env=environment | {"HOME": os.environ["HOME"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, (seed, done.stdout, done.stderr)
    assert "3 releases after them" in done.stdout
