"""What the tasks of a generated project say when something stands in their way."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from importlib import import_module
from pathlib import Path

import duckdb
import pytest

from tests.helpers import (
    TEMPLATE,
    clean_environment,
    copy_project,
    make_project,
    run,
    start,
    succeed,
)


@pytest.fixture
def project(ready_project, tmp_path) -> Path:
    return copy_project(ready_project, tmp_path)


@pytest.mark.parametrize("task", ["build", "test", "lint", "format", "docs", "sample"])
def test_a_faulty_env_file_stops_every_task(project, task):
    """python-dotenv itself would leave the line out and go on: into another warehouse, perhaps."""
    (project / ".env").write_text("DEV_NAME=grace\nWAREHOUSE DIR=elsewhere\n")
    done = run("make", task, cwd=project)
    assert done.code != 0
    assert done.output.startswith(".env cannot be read, so nothing was run. Every line must be NAME=value. Line 2:"), (
        done
    )
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


@pytest.fixture(scope="module")
def bare_project(tmp_path_factory) -> Path:
    """A project without tools: what make itself refuses needs none."""
    return make_project(tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("build SELECT=orders", "make build does not read SELECT. It reads TARGET, ARGS."),
        ("rollback to=1", "make rollback does not read to. It reads ARGS, TO."),
        ("rollback TARGET=dev", "make rollback does not read TARGET."),
        ("release TARGET=prod", "make release does not read TARGET. It reads ARGS."),
        ("releases TARGET=prod", "make releases does not read TARGET."),
        ("lint TARGET=ci", "make lint does not read TARGET."),
        ("build TO=1", "make build does not read TO."),
        ("build SAMPLE_UNTIL=2026-01-01", "make build does not read SAMPLE_UNTIL."),
        ("setup ARGS=x", "make setup does not read ARGS. It reads no variable."),
        ("check ARGS=x TARGET=ci", "make check does not read ARGS. It reads TARGET."),
        ("build orders", "Not a task: orders. `make help` lists the tasks."),
        ("build -- --select orders", "Not a task: --select orders."),
        ("biuld", "Not a task: biuld."),
    ],
)
def test_what_would_be_ignored_is_refused(bare_project, command, says):
    done = run("make", *command.split(), cwd=bare_project)
    assert done.code != 0
    (line,) = done.output.splitlines()
    assert says in line
    assert 'Options of a command go into ARGS: make build ARGS="--select orders"' in line


@pytest.mark.parametrize(
    "command",
    [
        ["build", "ARGS=--vars 'to=1' SELECT=x", "TARGET=ci", "DEV_NAME=grace", "DBT_THREADS=2"],
        ["lint", "build", "TARGET=ci"],  # one of the tasks reads it
        ["setup", "build", "ARGS=--full-refresh", "DBT_PACKAGES_DIR=/srv"],
        ["rollback", "TO=$(shell touch made)", "ARGS=--dry-run"],
        ["sample", "SAMPLE_UNTIL=2026-01-01", "UV_CACHE_DIR=/srv"],
    ],
)
def test_what_a_task_reads_is_not_refused(bare_project, command):
    """Nor is what the environment holds; and no value is expanded for the check."""
    done = run("make", "--dry-run", *command, cwd=bare_project, environment=clean_environment(TARGET="ci", SELECT="x"))
    assert done.code == 0, done
    assert not (bare_project / "made").exists()


def test_an_option_of_dbt_is_named_in_the_readme(bare_project):
    """make ends at an option that it does not know, before it reads the Makefile."""
    done = run("make", "build", "--select", "orders", cwd=bare_project)
    assert done.code != 0
    assert done.output.splitlines()[0] == "make: unrecognized option '--select'"
    assert "| `make: unrecognized option '--select'`" in (bare_project / "README.md").read_text(encoding="utf-8")


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
    assert "Nothing is selected by 'ordrs+'" in done.output


def test_a_selection_of_nothing_fails_the_tests_too(project):
    done = run("make", "test", "ARGS=--select ordrs+", cwd=project)
    assert done.code != 0
    assert "Nothing is selected by 'ordrs+'" in done.output


@pytest.mark.parametrize("target", ["production", "pord", "dev prod", "ci # my", '"ci"'])
def test_an_unknown_target_is_one_line(project, target):
    done = run("make", "build", f"TARGET={target}", cwd=project)
    assert done.code != 0
    assert done.output.startswith(f"TARGET={target} is not an environment of this project. Try: TARGET=dev,"), done
    assert len(done.output.splitlines()) == 2, done


def test_two_environments_at_once_are_refused(project):
    done = run("make", "build", "ARGS=--target prod", cwd=project)
    assert done.code != 0
    assert "TARGET is dev and --target is prod. Name the environment once: TARGET=prod" in done.output
    assert not (project / "warehouse/prod/prod.duckdb").exists()


def test_the_tools_are_those_of_the_project(project, tmp_path):
    elsewhere = clean_environment() | {"UV_PROJECT_ENVIRONMENT": str(tmp_path / "elsewhere")}
    succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=project, environment=elsewhere)
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_outside_the_project_is_not_made(project, tmp_path):
    home = clean_environment(HOME=str(tmp_path), WAREHOUSE_DIR="~/data")
    before_a_push = (".venv/bin/dataops", "dbt", "--quiet", "parse")
    for command in (("make", "build"), ("make", "release"), before_a_push):
        refused = run(*command, cwd=project, environment=home)
        assert refused.code != 0
        assert "WAREHOUSE_DIR is ~/data, which does not exist." in refused.output.splitlines()[0], refused
        assert f"mkdir -p {tmp_path}/data" in refused.output
        assert not (tmp_path / "data").exists()
    (tmp_path / "data").mkdir()
    succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=project, environment=home)
    assert (tmp_path / "data/dev/dev_ada.duckdb").exists()
    assert not (project / "~").exists()


@pytest.mark.parametrize("task", ["build", "crosscheck", "release", "ci", "rejected"])
def test_a_wrong_memory_limit_is_one_line(project, task):
    done = run("make", task, cwd=project, environment=clean_environment(DUCKDB_MEMORY_LIMIT="lots"))
    assert done.code != 0
    assert done.output.startswith("DUCKDB_MEMORY_LIMIT is 'lots'. It must be a number with a unit, as in 500MB"), done
    assert len(done.output.splitlines()) == 2, done


def test_duckdb_takes_every_memory_limit_that_passes():
    problem_of = import_module("dataops.project").memory_problem
    limits = (
        "500MB",
        "1GB",
        "1.5gib",
        "2 GB",
        "2g",
        "0.5TB",
        "1PB",
        "-1",
        "none",
        "10%",
        "GB",
        "1 G B",
        "0GB",
        "1e9GB",
    )
    passed = [limit for limit in limits if not problem_of(limit)]
    assert passed == ["500MB", "1GB", "1.5gib", "2 GB", "2g", "0.5TB"]
    for limit in passed:
        duckdb.connect(config={"memory_limit": limit}).close()


READ = """
import os, sys
from pathlib import Path
from dataops.project import read_env_file

print(read_env_file(Path(sys.argv[1])))
print(*(os.environ.get(name) for name in "ONE TWO THREE FOUR FIVE SET EMPTY".split()), sep="|")
"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"A=1\n\n# note\nWAREHOUSE DIR=x\n", "Line 4: it cannot be read."),
        (b"A=1\nDEV_NAME\n", "Line 2: it has no =."),
        (b"A-B=1\n", "Line 1: 'A-B' is not a valid name."),
        (b"DEV_NAME=Ada L\n", "Line 1: a value with spaces needs quotes"),
        (b"A='1\n", "Line 1: it cannot be read."),
        (b"WAREHOUSE_DIR=$HOME/secret\n", "Line 1: a variable is written ${HOME}"),
        (b"A=\xff\n", "codec can't decode"),
    ],
)
def test_a_faulty_line_of_the_env_file_is_named(ready_project, tmp_path, text, says):
    (tmp_path / ".env").write_bytes(text)
    done = succeed(".venv/bin/python", "-c", READ, tmp_path / ".env", cwd=ready_project)
    assert done.output.startswith(".env cannot be read, so nothing was run"), done
    assert says in done.output
    assert "secret" not in done.output


def test_the_env_file_has_quotes_comments_and_export(ready_project, tmp_path):
    (tmp_path / ".env").write_text(
        "# a comment\nexport ONE = 'a b' # another\nTWO=\"c d\"\nTHREE=e#f\nFOUR='$HOME'\nFIVE=${ONE}/g\nSET=file\nEMPTY=\n"
    )
    environment = clean_environment(SET="environment")
    done = succeed(".venv/bin/python", "-c", READ, tmp_path / ".env", cwd=ready_project, environment=environment)
    assert done.output == "None\na b|c d|e#f|$HOME|a b/g|environment|\n"


def test_tasks_need_no_uv(project):
    """As cron or an editor runs them: with little of an environment."""
    bare = {"PATH": "/usr/bin:/bin", "LOGNAME": "ada"}
    assert not any(Path(folder, "uv").exists() for folder in bare["PATH"].split(":"))
    (project / ".env").write_text("DEV_NAME=cron\n")
    succeed("make", "build", "ARGS=--select +stg_shop__products", cwd=project, environment=bare)
    assert (project / "warehouse/dev/dev_cron.duckdb").exists()
    succeed("make", "lint", "ARGS=ruff", cwd=project, environment=bare)
    succeed("make", "releases", cwd=project, environment=bare)
    assert not (project / ".tools").exists()


TOOLS = {
    "shop": "#!{venv}/bin/python\nimport sys\n",
    "my shop": "#!/bin/sh\n'''exec' '{venv}/bin/python' \"$0\" \"$@\"\n' '''\n",
}
MOVED = "The project was moved or copied since its tools were installed in .venv. Type: make setup\n"


@pytest.fixture(params=TOOLS)
def stub_tools(request, tmp_path) -> Path:
    """A folder with the check, and a .venv that begins as one that uv made there."""
    project = tmp_path.resolve() / request.param
    (project / ".venv/bin").mkdir(parents=True)
    (project / ".venv/bin/dbt").write_text(TOOLS[request.param].format(venv=project / ".venv"))
    (project / ".venv/bin/python").symlink_to(sys.executable)
    (project / "scripts").mkdir()
    shutil.copy(TEMPLATE / "scripts/ready.sh", project / "scripts")
    return project


def ready(project: Path) -> str:
    """What the check prints there."""
    done = run("sh", "scripts/ready.sh", cwd=project)
    assert (done.code == 0) == (done.output == ""), done
    return done.output


def test_tools_of_this_folder_are_ready(stub_tools, tmp_path):
    assert ready(stub_tools) == ""
    (tmp_path / "link").symlink_to(stub_tools)
    assert ready(tmp_path / "link") == ""
    # A copy whose .venv is a link to the original's, as these tests make them; and a .venv on another disk
    shutil.copytree(stub_tools / "scripts", tmp_path / "copy/scripts")
    (tmp_path / "copy/.venv").symlink_to(stub_tools / ".venv")
    assert ready(tmp_path / "copy") == ""
    (stub_tools / ".venv").rename(tmp_path / "tools")
    (stub_tools / ".venv").symlink_to(tmp_path / "tools")
    assert ready(stub_tools) == ""


def test_tools_of_another_folder_are_not_ready(stub_tools, tmp_path):
    copy = tmp_path.resolve() / "a copy"
    shutil.copytree(stub_tools, copy, symlinks=True)
    assert ready(copy) == MOVED
    (tmp_path / "parent").mkdir()
    moved = stub_tools.rename(tmp_path / "parent" / stub_tools.name)
    assert ready(moved) == MOVED
    (tmp_path / "parent").rename(tmp_path / "renamed")
    assert ready(tmp_path / "renamed" / stub_tools.name) == MOVED
    before = f"/before{copy}/.venv"  # a path that ends as the present one does
    for first_lines in TOOLS.values():
        (copy / ".venv/bin/dbt").write_text(first_lines.format(venv=before))
        assert ready(copy) == MOVED


def test_missing_tools_are_not_ready(stub_tools):
    (stub_tools / ".venv/bin/python").unlink()
    (stub_tools / ".venv/bin/python").symlink_to("/nowhere/python")
    assert ready(stub_tools) == "The Python that the tools in .venv were installed with is gone. Type: make setup\n"
    (stub_tools / ".venv/bin/dbt").unlink()
    assert ready(stub_tools) == "The tools are not installed yet. Type: make setup\n"


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
