"""Fixtures: projects that several tests look at, made once for all workers. Tests that change one take a copy (`copy_project`)."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from filelock import FileLock

from tests.helpers import copy_project, git_init, make_project, succeed
from tests.small_project import make_release, make_small_project


@pytest.fixture(autouse=True)
def _environment_as_before() -> Iterator[None]:
    """Puts the environment variables back that a command in this process sets for dbt."""
    before = dict(os.environ)
    yield
    if dict(os.environ) != before:
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, request) -> Callable[[str, Callable[[Path], Path]], Path]:
    """Makes something expensive once for all workers: `made_once("name", make)`, where `make` fills a folder and returns a path in it."""
    if not hasattr(request.config, "workerinput"):
        paths: dict[str, Path] = {}

        def make_first_time(name: str, make: Callable[[Path], Path]) -> Path:
            if name not in paths:
                paths[name] = make(tmp_path_factory.mktemp(name))
            return paths[name]

        return make_first_time
    shared = tmp_path_factory.getbasetemp().parent

    def make_or_wait(name: str, make: Callable[[Path], Path]) -> Path:
        folder, made = shared / f"shared_{name}", shared / f"shared_{name}.path"
        with FileLock(shared / f"shared_{name}.lock"):
            if not made.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a worker that failed
                folder.mkdir()
                made.write_text(str(make(folder)), encoding="utf-8")
        return Path(made.read_text(encoding="utf-8"))

    return make_or_wait


@pytest.fixture(scope="session")
def ready_project(made_once) -> Path:
    """The default project, set up, built and committed."""

    def make(folder: Path) -> Path:
        project = make_project(folder)
        git_init(project)
        succeed("make", "setup", cwd=project)
        succeed("make", "build", cwd=project)
        succeed("git", "add", "--all", cwd=project)
        succeed("git", "commit", "--quiet", "-m", "feat: start the project", cwd=project)
        return project

    return made_once("ready", make)


@pytest.fixture(scope="session")
def small_project(made_once, ready_project) -> Path:
    """A project of a few tiny models, committed, with nothing built."""
    return made_once("small", lambda folder: make_small_project(folder, ready_project / ".venv"))


@pytest.fixture(scope="session")
def released_project(made_once, small_project) -> Path:
    """The small project with a first version of prod."""

    def make(folder: Path) -> Path:
        project = copy_project(small_project, folder)
        make_release(project)
        return project

    return made_once("released", make)
