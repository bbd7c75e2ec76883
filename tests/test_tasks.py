"""What the tasks of a generated project say when something stands in their way."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from tests.helpers import clean_environment, copy_project, run, start, succeed


@pytest.fixture
def project(ready_project, tmp_path) -> Path:
    return copy_project(ready_project, tmp_path)


@pytest.mark.parametrize("task", ["build", "test", "lint", "format", "docs", "sample"])
def test_a_faulty_env_file_stops_every_task(project, task):
    """uv itself would warn, leave out the rest of the file, and go on: into another warehouse, perhaps."""
    (project / ".env").write_text("DEV_NAME=grace\nWAREHOUSE DIR=elsewhere\n")
    done = run("make", task, cwd=project)
    assert done.code != 0
    assert done.output.startswith(".env cannot be read, so nothing was run. Every line must be NAME=value."), done
    assert not (project / "warehouse/dev/dev_grace.duckdb").exists()


def test_the_env_file_is_read_and_the_environment_wins(project):
    (project / ".env").write_text("DBT_TARGET=ci\nCI_RUN_ID=7\n")
    succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=project)
    assert (project / "warehouse/ci/ci_7.duckdb").exists()
    (project / ".env").write_text("export DBT_TARGET = 'ci' # a comment\nCI_RUN_ID=8\nWAREHOUSE_DIR=\nDBT_THREADS=\n")
    succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=project)
    assert (project / "warehouse/ci/ci_8.duckdb").exists()
    grace = clean_environment(DBT_TARGET="dev", DEV_NAME="Grace H.")
    succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=project, environment=grace)
    assert (project / "warehouse/dev/dev_grace_h_.duckdb").exists()


def test_every_variable_of_the_profile_is_in_the_example(project):
    profile = (project / "profiles.yml").read_text()
    example = (project / ".env.example").read_text()
    read = {part.split("'")[1] for part in profile.split("env_var(")[1:]}
    system_set = {"USER", "LOGNAME"}
    tasks_set = {"ELEMENTARY_PATH", "DATAOPS_CANDIDATE", "CI_PROD_COPY"}
    others_set = system_set | tasks_set
    assert read > others_set
    assert [name for name in sorted(read - others_set) if f"# {name}=" not in example] == []


@pytest.mark.parametrize("variable", ["to=1", "target=ci", "args=--dry-run"])
def test_a_variable_in_small_letters_is_not_ignored(project, variable):
    done = run("make", "rollback", variable, cwd=project)
    assert done.code != 0
    assert f"{variable}: TO, TARGET and ARGS are written in capitals" in done.output


def test_a_version_without_a_name_is_not_the_one_before(project):
    """A script's variable that is not set; in the environment, as a code host's form leaves it, it is no version."""
    done = run("make", "rollback", "TO=", cwd=project)
    assert done.code != 0
    assert "TO= names no version" in done.output
    done = run("make", "rollback", cwd=project, environment=clean_environment(TO=""))
    assert "Nothing was released yet" in done.output


@pytest.mark.parametrize("threads", ["0", "many", "-1"])
def test_a_wrong_number_of_threads_is_one_line(project, threads):
    done = run("make", "build", cwd=project, environment=clean_environment(DBT_THREADS=threads))
    assert done.code != 0
    assert done.output.splitlines()[0] == (
        f"dbt build: DBT_THREADS is {threads!r}. It must be a number of threads, 1 or more."
    )


def test_a_selection_of_nothing_fails(project):
    done = run("make", "build", "ARGS=--select ordrs+", cwd=project)
    assert done.code != 0
    assert "Nothing here is selected by 'ordrs+'" in done.output


def test_a_selection_of_nothing_fails_the_tests_too(project):
    done = run("make", "test", "ARGS=--select ordrs+", cwd=project)
    assert done.code != 0
    assert "Nothing here is selected by 'ordrs+'" in done.output


@pytest.mark.parametrize("target", ["production", "pord", "dev prod", "ci # my", '"ci"'])
def test_an_unknown_target_is_one_line(project, target):
    done = run("make", "build", f"TARGET={target}", cwd=project)
    assert done.code != 0
    assert "is no environment of this project. Try: TARGET=dev, TARGET=ci or TARGET=prod" in done.output
    assert len(done.output.splitlines()) == 1, done


def test_two_environments_at_once_are_refused(project):
    done = run("make", "build", "ARGS=--target prod", cwd=project)
    assert done.code != 0
    assert "TARGET is dev and --target is prod. Name the environment once: TARGET=prod" in done.output
    assert not (project / "warehouse/prod/prod.duckdb").exists()


def test_the_tools_are_those_of_the_project(project, tmp_path):
    elsewhere = clean_environment() | {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "elsewhere")}
    succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=project, environment=elsewhere)
    assert not (tmp_path / "elsewhere").exists()


def test_a_home_folder_in_warehouse_dir(project, tmp_path):
    home = clean_environment(HOME=str(tmp_path), WAREHOUSE_DIR="~/data")
    succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=project, environment=home)
    assert (tmp_path / "data/dev/dev_ada.duckdb").exists()
    assert not (project / "~").exists()


def test_no_colours_where_nobody_sees_them(project):
    assert "\x1b[" not in succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=project).output


def test_an_interrupted_build_says_so_and_the_next_one_works(project):
    with start("make", "build", cwd=project) as build:
        for line in build.stdout:
            if "START" in line:
                break
        os.killpg(build.pid, signal.SIGINT)  # as Ctrl-C does
        output = build.stdout.read()
        assert build.wait(timeout=60) != 0
    assert "Stopped: dbt build did not finish." in output
    time.sleep(0.5)
    succeed("make", "build", cwd=project)
