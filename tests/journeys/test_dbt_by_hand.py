"""dbt typed by hand, without the tasks: prod is guarded there too."""

from __future__ import annotations

import pytest

from tests.helpers import clean_environment, copy_project, run, succeed


@pytest.fixture(scope="module")
def project(released_project):
    return released_project


@pytest.mark.parametrize("command", ["build", "seed", "run --select first", "run --full-refresh"])
def test_prod_is_not_written_by_hand(project, command):
    done = run(".venv/bin/dbt", *command.split(), "--target", "prod", cwd=project)
    assert done.code == 2, done
    assert done.output.splitlines()[-1].strip() == "prod is written by releases only. Type: make release", done


def test_prod_is_read_by_hand(project):
    succeed(".venv/bin/dbt", "test", "--target", "prod", cwd=project)
    by_variable = run(".venv/bin/dbt", "build", cwd=project, environment=clean_environment(DBT_TARGET="prod"))
    assert "prod is written by releases only" in by_variable.output


def test_before_the_first_release_dbt_says_what_to_type(ready_project, tmp_path):
    project = copy_project(ready_project, tmp_path)
    done = run(".venv/bin/dbt", "--quiet", "show", "--inline", "select 1", "--target", "prod", cwd=project)
    assert done.code == 2, done
    message = "Nothing was released yet: warehouse/prod/current/prod.duckdb is missing. Type: make release"
    assert done.output.splitlines()[-1].strip() == message, done
    assert "Traceback" not in done.output
