"""Fixtures: projects that several tests look at, made once for each worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import copy_project, git_init, make_project, succeed
from tests.small_project import make_release, make_small_project


@pytest.fixture(scope="session")
def ready_project(tmp_path_factory) -> Path:
    """The default project, set up, built and committed. Tests that change it take a copy (`copy_project`)."""
    project = make_project(tmp_path_factory.mktemp("ready"))
    git_init(project)
    succeed("make", "setup", cwd=project)
    succeed("make", "build", cwd=project)
    succeed("git", "add", "--all", cwd=project)
    succeed("git", "commit", "--quiet", "-m", "feat: start the project", cwd=project)
    return project


@pytest.fixture(scope="session")
def small_project(ready_project, tmp_path_factory) -> Path:
    """A project of a few tiny models, committed, with nothing built. Tests take a copy (`copy_project`)."""
    return make_small_project(tmp_path_factory.mktemp("small"), ready_project / ".venv")


@pytest.fixture(scope="session")
def released_project(small_project, tmp_path_factory) -> Path:
    """The small project with a first version of prod. Tests take a copy (`copy_project`)."""
    project = copy_project(small_project, tmp_path_factory.mktemp("released"))
    make_release(project)
    return project
