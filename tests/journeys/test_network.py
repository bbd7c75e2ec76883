"""Nothing leaves the machine: what a project does every day works without a network and never tries to reach one."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY, clean_environment, copy_project, run, succeed

# Python runs this at the start of every process of a task. It refuses each attempt to look up or reach another machine, and
# writes down where it came from.
WATCHER = """
import os, sys, traceback

def watch(event, arguments):
    if event == "socket.getaddrinfo" or (event == "socket.connect" and isinstance(arguments[1], tuple)):
        with open(os.environ["WATCHER_LOG"], "a") as log:
            log.write(f"{event} {arguments[-1 if event == 'socket.connect' else 0]} {sys.argv}\\n")
            traceback.print_stack(file=log)
        raise OSError("no network in this test")

sys.addaudithook(watch)
"""


@pytest.fixture
def watched(tmp_path) -> tuple[dict[str, str], Path]:
    """An environment in which Python reports every attempt to reach a network, and the file it reports to."""
    folder = tmp_path / "watcher"
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(WATCHER)
    log = folder / "log"
    return clean_environment(PYTHONPATH=str(folder), WATCHER_LOG=str(log)), log


def test_the_watcher_sees_an_attempt(watched, tmp_path, ready_project):
    environment, log = watched
    script = REPOSITORY / "tests/scripts/ask_the_network.py"
    assert run(ready_project / ".venv/bin/python", script, cwd=tmp_path, environment=environment).code == 1
    assert "socket.getaddrinfo" in log.read_text()


@pytest.mark.long
def test_tasks_and_git_hooks_ask_for_no_network(watched, ready_project, tmp_path):
    environment, log = watched
    project = copy_project(ready_project, tmp_path)
    # `lint` covers the hooks of a push, the commit below those of a commit.
    succeed("make", "build", "test", "docs", "format", "lint", cwd=project, environment=environment)
    succeed(".venv/bin/dbt", "source", "freshness", cwd=project, environment=environment)
    mart = project / "models/marts/products.sql"
    mart.write_text(mart.read_text() + "-- one more line\n")
    succeed("git", "commit", "-a", "-m", "feat: a change", cwd=project, environment=environment)
    assert not log.exists(), log.read_text()


def can_unshare() -> bool:
    return bool(shutil.which("unshare")) and subprocess.run(["unshare", "--net", "true"], check=False).returncode == 0


@pytest.mark.skipif(not can_unshare(), reason="needs `unshare --net` (Linux, as root) to take the network away")
def test_a_build_works_where_there_is_no_network_at_all(ready_project, tmp_path):
    """For what is not Python: DuckDB would download an extension that it lacks."""
    project = copy_project(ready_project, tmp_path)
    shutil.rmtree(project / "target")
    done = succeed("unshare", "--net", "make", "build", "test", cwd=project)
    assert "WARN=0 ERROR=0 SKIP=0" in done.output


def test_generation_asks_for_no_network(watched, tmp_path):
    environment, log = watched
    command = [sys.executable, "-m", "cookiecutter", REPOSITORY, "--no-input", "-o", tmp_path / "again"]
    succeed(*command, cwd=tmp_path, environment=environment)
    assert not log.exists(), log.read_text()
