"""Fixtures: projects that several tests look at, made once for each worker."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers import git_init, make_project, succeed


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
