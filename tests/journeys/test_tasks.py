"""The tasks as their user types them: from make, from cron, from a sub-folder, with Ctrl-C."""

from __future__ import annotations

import os
import shutil
import signal
import time
from pathlib import Path

import duckdb
import pytest

from tests.helpers import clean_environment, copy_project, run, start, succeed
from tests.small_project import dataops

MOVED = "The project was moved or copied since its tools were installed in .venv. Type: make setup\n"


@pytest.fixture
def project(small_project, tmp_path) -> Path:
    return copy_project(small_project, tmp_path)


def test_the_env_file_is_read_and_the_environment_wins(project):
    (project / ".env").write_text("export DBT_TARGET = 'ci' # a comment\nCI_RUN_ID=8\nWAREHOUSE_DIR=\nDBT_THREADS=\n")
    succeed("make", "build", "ARGS=--select edition", cwd=project)
    assert (project / "warehouse/ci/ci_8.duckdb").exists()
    grace = clean_environment(DBT_TARGET="dev", DEV_NAME="Grace H.")
    succeed("make", "build", "ARGS=--select edition", cwd=project, environment=grace)
    assert (project / "warehouse/dev/dev_grace_h_.duckdb").exists()


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ("build", ".env cannot be read, so nothing was run. Every line must be NAME=value. Line 2:"),
        ("build TARGET=pord", "TARGET=pord is not an environment of this project. Did you mean TARGET=prod?"),
        ("rollback TO=", "TO= names no version"),
    ],
)
def test_what_stops_a_task_is_one_line(project, task, says):
    if ".env" in says:
        (project / ".env").write_text("DEV_NAME=grace\nWAREHOUSE DIR=elsewhere\n")
    done = run("make", *task.split(), cwd=project)
    assert done.code != 0
    assert says in done.output.splitlines()[0], done
    assert len(done.output.splitlines()) <= 2, done
    assert not list((project / "warehouse/dev").glob("*.duckdb"))


def test_a_version_of_nothing_in_the_environment_is_none(project):
    """As a code host's form leaves it. Typed for make, it is refused."""
    done = run("make", "rollback", cwd=project, environment=clean_environment(TO=""))
    assert "Nothing was released yet" in done.output


@pytest.mark.parametrize(
    ("file", "old", "new", "arguments", "code", "says"),
    [
        ("", "", "", "build", 0, "Completed successfully"),
        ("seeds/edition.csv", "1", "1\n1", "build", 1, "Failure in test unique_first_number"),
        ("models/staging/first.sql", "ref('edition')", "ref('editon')", "build", 1, "depends on a node named 'editon'"),
        ("models/staging/first.sql", "ref('edition')", "ref('edition'", "docs", 1, "The docs could not be made"),
        ("", "", "", "build --select secnd+", 2, "Nothing is selected by 'secnd+', so nothing was done. Did you mean second?"),
        ("", "", "", "test --select secnd", 2, "Nothing is selected by 'secnd', so nothing was done. Did you mean second?"),
        ("", "", "", "build --selct second", 2, "dbt build --selct second: No such option '--selct'. (Did you mean one of: "),
        ("", "", "", "build --target prd", 2, "--target prd is not an environment of this project. Did you mean --target prod?"),
        ("", "", "", "crosscheck --base prd", 2, "'prd' is neither an environment"),
        ("", "", "", "build --target prod", 2, "prod is written by releases only. Type: "),
        ("profiles.yml", "warehouse:", "warehuose:", "build", 2, "profiles.yml: "),
    ],
)  # fmt: skip
def test_the_exit_code_says_how_a_task_ended(project, file, old, new, arguments, code, says):
    if file:
        text = (project / file).read_text(encoding="utf-8")
        assert old in text
        (project / file).write_text(text.replace(old, new), encoding="utf-8")
    if arguments.startswith("test"):
        duckdb.connect(str(project / "warehouse/dev/dev_ada.duckdb")).close()  # as a build leaves it, but for its rows
    done = dataops(project, *arguments.split(), code=code)
    assert says in done.output


def test_a_task_works_from_a_folder_of_the_project(project):
    """A path among its arguments is relative to the folder that it was typed in."""
    command = project / ".venv/bin/dataops"
    folder = project / "models/staging"
    succeed(command, "build", cwd=folder)
    (built,) = (project / "warehouse/dev").glob("*.duckdb")
    assert not (folder / "warehouse").exists()
    assert not (folder / "target").exists()
    shutil.copy(built, folder / "yesterday.duckdb")
    done = succeed(command, "crosscheck", "--base", "yesterday.duckdb", cwd=folder)
    assert "yesterday.duckdb" in done.output
    assert (project / "target/crosscheck").is_dir()


def test_the_tools_are_those_of_the_project(project, tmp_path):
    elsewhere = clean_environment() | {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "elsewhere")}
    succeed("make", "build", "ARGS=--select edition", cwd=project, environment=elsewhere)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_outside_the_project_is_used_where_it_exists(project, tmp_path):
    home = clean_environment(HOME=str(tmp_path), WAREHOUSE_DIR="~/data")
    refused = run("make", "build", cwd=project, environment=home)
    assert refused.code != 0
    assert refused.output.startswith("WAREHOUSE_DIR is ~/data, which does not exist."), refused
    assert f"mkdir -p {tmp_path}/data" in refused.output
    assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    succeed("make", "build", "ARGS=--select edition", cwd=project, environment=home)
    assert (tmp_path / "data/dev/dev_ada.duckdb").exists()
    assert not (project / "~").exists()


def test_tasks_need_no_uv(project):
    """As cron or an editor runs them: with little of an environment. And nobody sees colours there."""
    bare = {"PATH": "/usr/bin:/bin", "LOGNAME": "ada"}
    assert not any(Path(folder, "uv").exists() for folder in bare["PATH"].split(":"))
    (project / ".env").write_text("DEV_NAME=cron\n")
    done = succeed("make", "build", "ARGS=--select edition", cwd=project, environment=bare)
    assert "\x1b[" not in done.output
    assert (project / "warehouse/dev/dev_cron.duckdb").exists()
    succeed("make", "lint", "ARGS=ruff", cwd=project, environment=bare)
    succeed("make", "releases", cwd=project, environment=bare)
    assert not (project / ".tools").exists()


def test_an_interrupted_build_says_so_and_the_next_one_works(project):
    with start(".venv/bin/dataops", "build", cwd=project) as build:
        for line in build.stdout:
            if "START" in line:
                break
        os.killpg(build.pid, signal.SIGINT)  # as Ctrl-C does
        output = build.stdout.read()
        assert build.wait(timeout=60) == 130
    assert "Stopped: dbt build did not finish." in output
    assert "Traceback" not in output
    time.sleep(0.5)
    succeed("make", "build", cwd=project)


def test_sample_data_lands_where_it_was_asked_for(ready_project, tmp_path):
    """And .env is read: SAMPLE_UNTIL stands there."""
    project = copy_project(ready_project, tmp_path)
    (project / ".env").write_text("SAMPLE_UNTIL=2026-01-31\n")
    succeed("../.venv/bin/dataops", "sample", "--days", "3", "--output", "here", cwd=project / "seeds")
    assert (project / "seeds/here/raw_orders.csv").exists()
    done = succeed("make", "sample", "ARGS=--days 3 --output there", cwd=project)
    assert "2026-01-29 to 2026-01-31 in there" in done.output
    dataops(project, "sample", "--days", "0", code=2)
    assert "--order-lines" in dataops(project, "sample", "--help").output


def test_a_moved_project_says_so_and_setup_makes_it_work(ready_project, tmp_path):
    """The real tools, with the tasks and the git hooks."""
    moved = tmp_path / "shop"
    shutil.copytree(ready_project, moved, symlinks=True, ignore=shutil.ignore_patterns(".venv"))
    shutil.copytree(ready_project / ".venv", moved / ".venv", symlinks=True, copy_function=os.link)  # quick
    succeed("git", "init", "--quiet", "--bare", "origin.git", cwd=tmp_path)
    commit = ("git", "commit", "--allow-empty", "-m", "feat: nothing")
    push = ("git", "push", tmp_path / "origin.git", "HEAD:main")
    for command in (("make", "build"), ("make", "releases"), ("make", "lint"), commit, push):
        done = run(*command, cwd=moved)
        assert done.code != 0
        assert done.output.startswith(MOVED), done
    done = succeed("make", "setup", cwd=moved)
    assert done.output.startswith(MOVED.replace("Type: make setup", "They are installed again.")), done
    succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=moved)
    succeed(*commit, cwd=moved)
