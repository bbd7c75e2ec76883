"""What is decided of a dbt command before dbt runs: prod is guarded, folders are made, monitoring is prepared."""

from __future__ import annotations

import json
from functools import partial

import pytest

from dataops import checks
from dataops.dbt import Result, read_command
from dataops.engines import engine_of
from dataops.errors import DONE, IMPOSSIBLE, DataopsError
from dataops.monitoring import elementary
from dataops.project import Project
from dataops.runner import Runner
from dataops.tasks import require_selected, run_task, runner_for
from tests.helpers import project_with_profile


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    monkeypatch.chdir(tmp_path)
    return project_with_profile(tmp_path)


def problem_of(project: Project, line: str) -> str | None:
    command = read_command(line.split())
    return runner_for(project, command)._prepare(command)


REFUSED = "prod is written by releases only. Type: dataops release"
EMPTY = "Nothing was released yet"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("build --target prod --select parse", REFUSED),
        ("build --target prod --exclude list", REFUSED),
        ("--target prod run", REFUSED),
        ("seed --target=prod", REFUSED),
        ("retry -t prod", REFUSED),
        ("test --target prod --select snapshot", EMPTY),
        ("show --target prod --select build", EMPTY),
        ("parse --target prod", None),
        ("ls --target prod --select build", None),
        ("build --target ci --select prod", None),
    ],
)
def test_prod_is_guarded_by_the_command_not_by_its_words(project, line, says):
    problem = problem_of(project, line)
    assert problem is None if says is None else says in problem


def test_prod_is_guarded_under_any_name(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = project_with_profile(tmp_path, "development", "production")
    assert problem_of(project, "build --target production").startswith("production is written by releases only.")
    assert problem_of(project, "build --target development") is None
    with pytest.raises(DataopsError, match="--target prod is not an environment of this project"):
        problem_of(project, "build --target prod")


def test_a_role_and_the_target_of_that_role_are_one_environment(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    project = project_with_profile(tmp_path, "development", "production", TARGET="prod")
    assert runner_for(project, read_command(["test", "--target", "production"])).environment == project.prod
    with pytest.raises(DataopsError, match="Name the environment once: TARGET=development"):
        runner_for(project, read_command(["test", "--target", "development"]))


def test_macros_that_know_other_names_are_refused(tmp_path, monkeypatch):
    """They would take production for somebody's dev, and let dbt write it."""
    monkeypatch.chdir(tmp_path)
    project = project_with_profile(tmp_path, "development", "production")
    file = tmp_path / "dbt_project.yml"
    file.write_text(file.read_text().replace("prod: production", "prod: prod"))
    with pytest.raises(DataopsError) as refused:
        Runner(project, project.dev).run("build")
    assert "The settings call the environments development, ci, production, and the macros" in refused.value.problem
    assert refused.value.remedy.endswith("{environments: {dev: development, ci: ci, prod: production}}}")


def test_a_release_may_build_prod(project):
    candidate = project.as_candidate("0001-2026-11-24")
    assert Runner(candidate, candidate.prod)._prepare(read_command(["build"])) is None


def test_a_missing_warehouse_folder_is_made(project, tmp_path):
    assert problem_of(project.with_variables(WAREHOUSE_DIR="some where/else"), "build") is None
    assert [path.name for path in (tmp_path / "some where/else").iterdir()] == ["dev"]


def test_a_file_in_place_of_the_warehouse_folder_is_refused(project, tmp_path):
    (tmp_path / "file").touch()
    problem = problem_of(project.with_variables(WAREHOUSE_DIR="file"), "build")
    assert problem.startswith("The warehouse folder cannot be made: ")


def test_a_profile_that_cannot_be_read_is_named(project, tmp_path):
    (tmp_path / "profiles.yml").write_text("shop: {outputs: {dev: {type: duckdb, path: '{{ nonsense() }}'}}}")
    assert problem_of(project, "build").startswith("profiles.yml: ")


def test_a_missing_profile_is_named_with_what_prints_the_lines(project, tmp_path):
    (tmp_path / "profiles.yml").unlink()
    for use in (Runner(project, project.dev).run, lambda _: engine_of(project).environment(project.dev)):
        with pytest.raises(DataopsError, match=r"profiles\.yml is missing: .* The lines to write: dataops doctor"):
            use("parse")


@pytest.mark.parametrize("data", [True, False])
def test_data_that_was_never_built_is_not_tested(project, tmp_path, monkeypatch, data):
    """Unless the project has nothing to build."""
    monkeypatch.setattr(checks, "build_from_nothing", lambda project: Result(DONE, is_empty=not data))
    monkeypatch.setattr(Runner, "run_command", lambda *_: Result(DONE, is_empty=True))
    test = partial(checks.test.main, ["--target", "ci"], standalone_mode=False, obj=project)
    if not data:
        return test()
    with pytest.raises(DataopsError) as refused:
        test()
    assert str(refused.value) == "ci was not built, so there is no data to test. Type: TARGET=ci dataops build"
    assert refused.value.exit_code == IMPOSSIBLE
    (tmp_path / "warehouse/ci").mkdir(parents=True)
    (tmp_path / "warehouse/ci/it.duckdb").touch()
    return test()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("build",), "There is nothing to build yet."),
        (("source", "freshness"), "No source has freshness rules, so nothing was checked."),
        (("snapshot",), "dbt snapshot found nothing to do."),
    ],
)
def test_a_task_with_nothing_to_do_says_so_in_its_own_words(project, monkeypatch, capsys, arguments, says):
    monkeypatch.setattr(Runner, "run_command", lambda *_: Result(DONE, is_empty=True))
    assert run_task(project, *arguments) == DONE
    assert capsys.readouterr().out.startswith(says)


@pytest.mark.parametrize(
    ("line", "prepared"),
    [
        ("build", True),
        ("build --select elementary_schools", True),
        ("build --exclude package:elementary", True),
        ("source freshness", True),
        ("run --select package:elementary", False),
        ("run --select elementary", False),
        ("ls --select build", False),
        ("compile --select test", False),
    ],
)
def test_elementary_is_prepared_unless_it_is_selected_itself(project, monkeypatch, line, prepared):
    monkeypatch.setattr(elementary.ElementaryMonitor, "is_on", lambda *_: True)
    for name, value in {"cli_version": "0.25.0", "package_problem": None, "tables_version": None}.items():
        monkeypatch.setattr(elementary, name, lambda *_, value=value: value)
    command = read_command(line.split())
    first, more = elementary.ElementaryMonitor(project).preparation(project.prod, command.name, command.select)
    assert bool(first) == prepared
    assert more == (["--exclude", "package:elementary"] if prepared and command.name == "build" else [])


@pytest.mark.parametrize(
    ("select", "guess"),
    [
        ("ordrs", " Did you mean orders?"),
        ("2+ordrs+1", " Did you mean orders?"),
        ("@ordrs custmers+", " Did you mean orders customers?"),
        ("tag:weekly", ""),
    ],
)
def test_a_selection_of_nothing_suggests_the_nearest_model(project, tmp_path, select, guess):
    nodes = {name: {"name": name, "resource_type": "model"} for name in ("orders", "customers")}
    nodes["test"] = {"name": "ordrs_test", "resource_type": "test"}
    (tmp_path / "target/dev").mkdir(parents=True)
    (tmp_path / "target/dev/manifest.json").write_text(json.dumps({"nodes": nodes}))
    runner, nothing = Runner(project, project.dev), Result(0, is_empty=True)
    with pytest.raises(DataopsError) as refused:
        require_selected(runner, nothing, read_command(["build", "--select", *select.split()]))
    assert refused.value.problem == f"Nothing is selected by {select!r}, so nothing was done.{guess}"
    assert refused.value.remedy == "To list everything: dbt ls"
    require_selected(runner, nothing, read_command(["build"]))
    require_selected(runner, Result(0), read_command(["build", "--select", "orders"]))
