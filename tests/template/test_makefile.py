"""What make itself refuses, and the check that comes before every task: the tools are installed, for this folder."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

import pytest

from dataops.engines import engine_of
from tests.helpers import TEMPLATE, Done, clean_environment, make_project, project_at, run


@pytest.fixture(scope="module")
def bare_project(tmp_path_factory) -> Path:
    """A project without tools: what make itself refuses needs none."""
    return make_project(tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize(
    ("command", "says"),
    [
        ("build SELECT=orders", "make build does not read SELECT. It reads TARGET, ARGS."),
        ("rollback to=1", "make rollback does not read to. Did you mean TO? It reads ARGS, TO."),
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


def test_every_variable_of_the_profile_is_in_the_example(bare_project):
    profile = (bare_project / "profiles.yml").read_text()
    example = (bare_project / ".env.example").read_text()
    read = {part.split("'")[1] for part in profile.split("env_var(")[1:]}
    system_set = {"USER", "LOGNAME"}
    tasks_set = {"ELEMENTARY_PATH", "DATAOPS_CANDIDATE", "CI_PROD_COPY"}
    others_set = system_set | tasks_set
    assert read > others_set
    assert [name for name in sorted(read - others_set) if f"# {name}=" not in example] == []


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


def setup_without_uv(project: Path, programs: Path, python: str = "") -> Done:
    """Runs `make setup` where the PATH has no uv, and no Python but perhaps a stub."""
    programs.mkdir()
    for name in ("make", "sh", "rm"):
        (programs / name).symlink_to(shutil.which(name))
    if python:
        (programs / "python3").write_text(f"#!/bin/sh\n{python}\n", encoding="utf-8")
        (programs / "python3").chmod(0o755)
    return run("make", "setup", cwd=project, environment=clean_environment(PATH=str(programs)))


def test_setup_says_what_is_missing(bare_project, tmp_path):
    without = setup_without_uv(bare_project, tmp_path / "no_python")
    assert without.code != 0
    first, second, *_ = without.output.splitlines()
    assert first == "uv is not installed: putting it into .tools/uv"
    assert second.startswith("No Python 3.11, 3.12 or 3.13 is on the PATH, and dbt needs one of them.")
    too_old = setup_without_uv(bare_project, tmp_path / "old_python", "exit 1")
    assert "No Python 3.11, 3.12 or 3.13 is on the PATH" in too_old.output, too_old
    no_venv = setup_without_uv(bare_project, tmp_path / "no_venv", '[ "$1" = -c ]')
    assert no_venv.code != 0
    assert "uv could not be installed with python3. Install uv yourself" in no_venv.output, no_venv
    assert not (bare_project / ".venv").exists()


def test_each_task_is_one_line(bare_project):
    """What a task does is in the command `dataops` or a script, where it can be tested."""
    makefile = (bare_project / "Makefile").read_text(encoding="utf-8")
    recipes = re.findall(r"^([a-z-]+):.*\n((?:\t.*\n)+)", makefile, re.MULTILINE)
    assert len(recipes) > 20
    assert [task for task, lines in recipes if lines.count("\n") != 1] == ["help"]


@pytest.mark.parametrize(
    ("login", "name"),
    [("DOMAIN\\Ada Lovelace", "dev_domain_ada_lovelace"), ("zoë", "dev_zo_"), ("o'neil", "dev_o_neil")],
)
def test_any_login_makes_a_usable_dev_warehouse(bare_project, login, name):
    project = project_at(bare_project, USER=login)
    assert engine_of(project).environment(project.dev).file == bare_project / f"warehouse/dev/{name}.duckdb"
