"""`make demo` on a copy of the repository, by somebody who has nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY, UV_FOLDER, clean_environment, run, succeed

pytestmark = pytest.mark.long


def test_make_demo_on_a_copy_with_an_empty_home(tmp_path):
    copy = tmp_path / "a copy"
    files = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    for name in filter(None, files):
        if os.path.lexists(REPOSITORY / name):
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(REPOSITORY / name, copy / name, follow_symlinks=False)
    leftover = copy / "demo/corner_shop/of-the-last-run.txt"
    leftover.parent.mkdir(parents=True)
    leftover.touch()
    home = tmp_path / "home"
    home.mkdir()
    environment = clean_environment(HOME=str(home))
    folders = [folder for folder in environment["PATH"].split(os.pathsep) if not (Path(folder) / "uv").exists()]
    environment["PATH"] = os.pathsep.join(folders)
    for variable in ("UV_CACHE_DIR", "XDG_CACHE_HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        environment.pop(variable, None)

    done = succeed("make", "demo", cwd=copy, environment=environment, timeout=1200)
    assert str(UV_FOLDER) not in environment["PATH"]
    assert (copy / ".tools/uv/bin/uv").exists()
    for step in ("generate", "set up", "build in dev", "lint", "make the docs page"):
        assert any(line.strip().startswith(step) for line in done.output.splitlines()), step
    assert "WARN=0 ERROR=0 SKIP=0" in done.output
    assert "What to type next" in done.output
    assert "cd demo/corner_shop" in done.output
    project = copy / "demo/corner_shop"
    assert (project / "target/docs/index.html").exists()
    assert list((project / "warehouse/dev").glob("*.duckdb"))
    assert not leftover.exists()
    # What it says to type next, typed in the same shell
    succeed("make", "help", cwd=project, environment=environment)
    succeed("make", "test", cwd=project, environment=environment)


def test_a_demo_that_fails_says_where(tmp_path):
    """A step that cannot work: its own last lines are shown, and the exit code is not 0."""
    copy = tmp_path / "copy"
    shutil.copytree(REPOSITORY, copy, symlinks=True, ignore=shutil.ignore_patterns(".venv", ".git", "demo", ".tools"))
    (copy / "{{cookiecutter.project_slug}}/models/marts/products.sql").write_text("select nothing\n")
    (copy / ".venv").symlink_to(REPOSITORY / ".venv")
    done = run(".venv/bin/python", "-m", "tests.demo", cwd=copy)
    assert done.code == 1
    assert "build in dev: make build ended with exit code 2" in done.output
    assert "Failure in model products" in done.output or "Error in model products" in done.output
    assert "demo/demo.log" in done.output
