"""Finding base and head, and the command around the comparison: what it refuses, writes and returns."""

from __future__ import annotations

import html
import json
from pathlib import Path

import click
import duckdb
import pytest
from click.testing import CliRunner, Result

from dataops.crosscheck import CannotCompare, command
from dataops.crosscheck.datasets import open_dataset
from dataops.errors import DataopsError
from dataops.project import Project
from dataops.runner import Runner
from tests.helpers import TEMPLATE, project_at
from tests.unit.crosscheck.test_service import CODE, ROWS, models
from tests.unit.crosscheck.warehouses import Built, write

PROFILES = """
shop:
  target: dev
  outputs:
    dev: {type: duckdb, path: dev/dev.duckdb}
    ci: {type: duckdb, path: ci/ci.duckdb}
    prod: {type: duckdb, path: prod/prod.duckdb}
"""


@pytest.fixture
def project(tmp_path, monkeypatch) -> Project:
    """A project with the warehouse files of dev and prod, which hold the same."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "Makefile").write_text((TEMPLATE / "Makefile").read_text(encoding="utf-8"))
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n")
    (tmp_path / "profiles.yml").write_text(PROFILES)
    monkeypatch.setattr(Runner, "parse", lambda self: CODE)
    for environment in ("dev", "prod"):
        write(tmp_path / environment / f"{environment}.duckdb", CODE, models())
    return project_at(tmp_path)


def crosscheck(project: Project, *arguments: str, code: int) -> Result:
    done = CliRunner().invoke(command.main, list(arguments), obj=project, standalone_mode=False)
    assert (done.exception, done.return_value) == (None, code), done.output
    return done


def outcome() -> dict:
    return json.loads(Path("target/crosscheck/result.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("name", "problem", "remedy"),
    [
        (
            "prud",
            "'prud' is neither an environment (dev, ci, prod) nor a file that exists.",
            "Name one of these, or the path of a warehouse file.",
        ),
        (
            "prod/gone.duckdb",
            "'prod/gone.duckdb' is neither an environment (dev, ci, prod) nor a file that exists.",
            "Name one of these, or the path of a warehouse file.",
        ),
        ("prod", None, None),
        ("prod/prod.duckdb", None, None),
        ("ci", "ci was not built: ci/ci.duckdb is missing.", "Type: make build TARGET=ci"),
        ("empty.duckdb", "empty.duckdb (empty.duckdb) has no record of what was built in it.", "Build it with this"),
        ("unbuilt.duckdb", "unbuilt.duckdb (unbuilt.duckdb) holds nothing that was built.", "Build it with this"),
        ("text.duckdb", "text.duckdb cannot be opened", "Name a warehouse file."),
        ("folder", "folder is a folder.", "Name a file in it: folder/one.duckdb"),
        ("ci", "ci was not built", "Type: make build TARGET=ci"),
    ],
)
def test_what_does_not_exist_or_cannot_be_read_is_an_error(project, name, problem, remedy):
    duckdb.connect("empty.duckdb").close()
    write(Path("unbuilt.duckdb"), CODE, {})
    Path("text.duckdb").write_text("not a DuckDB file")
    Path("folder").mkdir()
    duckdb.connect("folder/one.duckdb").close()
    if problem is None:
        assert open_dataset(project, name).environment == project.prod
        return
    with pytest.raises(CannotCompare) as error:
        open_dataset(project, name)
    assert error.value.problem.startswith(problem)
    assert error.value.remedy.startswith(remedy)


def test_prod_without_a_record_is_made_by_a_release(project):
    project.path("prod/prod.duckdb").unlink()
    duckdb.connect("prod/prod.duckdb").close()
    with pytest.raises(CannotCompare) as error:
        open_dataset(project, "prod")
    assert error.value.problem == "prod (prod/prod.duckdb) has no record of what was built in it."
    assert error.value.remedy == "Type: make release"


def test_it_ends_with_0_for_the_same_1_for_differences_and_2_for_what_it_could_not_compare(project):
    done = crosscheck(project, code=0)
    assert "dev against prod, 3 models: 3 the same." in done.output
    assert done.output.splitlines()[-1].endswith("result.json. dev holds the same data as prod. Nothing to do.")
    assert (outcome()["version"], outcome()["verdict"], outcome()["exit_code"]) == (1, "same", 0)
    assert {path.name for path in Path("target/crosscheck").iterdir()} == {"summary.md", "report.html", "result.json"}

    with duckdb.connect("dev/dev.duckdb") as dev:
        dev.execute("update marts.products set units_sold = -1 where product_id < 20")
    done = crosscheck(project, code=1)
    assert done.output.count("  changed: ") == 6, "three of each model"
    assert done.output.splitlines()[-1].endswith("Is this what the change was meant to do? The page has examples.")
    assert crosscheck(project, "--examples", "5", code=1).output.count("  changed: ") == 10
    assert (
        crosscheck(project, "--examples", "0", code=1)
        .output.splitlines()[-1]
        .endswith("Is this what the change was meant to do?")
    )
    assert outcome()["exit_code"] == 1

    with duckdb.connect("dev/dev.duckdb") as dev:
        dev.execute("drop view marts.shown_products")
    crosscheck(project, code=2)
    assert outcome()["exit_code"] == 2


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        (["--base", "prud"], "'prud' is neither an environment"),
        (["--head", "prod"], "prod would be compared with itself."),
        (["--head", "prod", "--base", "prod/prod.duckdb"], "prod/prod.duckdb and prod are the same file."),
        (["--head", "ci"], "ci was not built: ci/ci.duckdb is missing."),
    ],
)
def test_what_cannot_be_compared_is_in_every_file_and_results_of_earlier_runs_are_gone(project, arguments, problem):
    crosscheck(project, code=0)
    done = crosscheck(project, *arguments, code=2)
    assert f"Nothing was compared: {problem}" in done.output
    assert outcome()["models"] == []
    assert outcome()["problem"].startswith(problem)
    page = html.unescape(Path("target/crosscheck/report.html").read_text(encoding="utf-8"))
    assert f"Nothing was compared: {problem}" in page
    assert "could not compare" in page
    assert "3 the same" not in Path("target/crosscheck/summary.md").read_text(encoding="utf-8")


def test_an_interrupted_run_leaves_no_results(project, monkeypatch):
    crosscheck(project, code=0)

    def interrupted(self):
        raise KeyboardInterrupt

    monkeypatch.setattr(Runner, "parse", interrupted)
    done = CliRunner().invoke(command.main, obj=project, standalone_mode=False)
    assert isinstance(done.exception, DataopsError)
    assert "nothing was written" in done.exception.problem
    assert not list(Path("target/crosscheck").iterdir())


def test_help_names_the_exit_codes():
    assert "Exit codes: 0 the same" in CliRunner().invoke(command.main, ["--help"]).output


def test_an_unknown_option_is_an_error(project):
    with pytest.raises(click.NoSuchOption):
        command.main.main(["--treshold"], obj=project, standalone_mode=False)


def test_the_latest_build_of_a_model_counts(project):
    write(Path("twice.duckdb"), CODE, models(products=Built(ROWS, hours=2, state="error")))
    with duckdb.connect("twice.duckdb") as twice:
        twice.execute("create schema earlier")
        twice.execute(
            "create table earlier.dataops_builds as select * replace ('success' as state,"
            " run_started_at - interval 1 day as run_started_at) from main_record.dataops_builds"
        )
    builds = open_dataset(project, "twice.duckdb").builds
    assert builds["model.shop.products"].state == "error"
