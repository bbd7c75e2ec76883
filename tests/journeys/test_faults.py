"""A short run of `make faults`: releases killed and disks filled at random moments, with readers looking on."""

from __future__ import annotations

import os
import random
import sys
from pathlib import Path

import pytest

from tests.faults import kill_at_random_moments
from tests.helpers import REPOSITORY, clean_environment, copy_project, run
from tests.journeys.test_release import needs_mount

pytestmark = pytest.mark.long


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
    faults = (sys.executable, "-m", "tests.faults", "--kills", "0", "--full-disks", "3", "--seed", str(seed))
    environment = clean_environment(PYTHONPATH=str(REPOSITORY), HOME=os.environ["HOME"])
    command = ("unshare", "--mount", *faults, "--project", project)
    done = run(*command, cwd=REPOSITORY, environment=environment)
    assert done.code == 0, (seed, done)
    assert "3 releases after them" in done.output
