"""A project that takes dataops from a published version: a wheel in a folder, and no source in the project."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.helpers import REPOSITORY, UV_FOLDER, clean_environment, git_init, make_project, run, succeed
from tests.template.test_workflows import commands_of_comment_job

SOURCE = 'dbt-dataops = { path = "packages/dataops", editable = true }'


@pytest.fixture
def project(tmp_path) -> Path:
    """Generated, with one line of pyproject.toml changed and packages/dataops/src deleted."""
    uv = shutil.which("uv", path=f"{UV_FOLDER}:{clean_environment()['PATH']}")
    project = make_project(tmp_path / "made", example="no", ci="github", monitoring="none")
    succeed(uv, "build", "--wheel", "--offline", "-o", project / "wheels", REPOSITORY, cwd=tmp_path)
    (wheel,) = (project / "wheels").glob("*.whl")
    settings = project / "pyproject.toml"
    text = settings.read_text(encoding="utf-8")
    assert text.count(SOURCE) == 1
    settings.write_text(text.replace(SOURCE, f'dbt-dataops = {{ path = "wheels/{wheel.name}" }}'), encoding="utf-8")
    shutil.rmtree(project / "packages/dataops/src")
    (project / "models/staging/one.sql").write_text("select 1 as one\n", encoding="utf-8")
    (project / "models/staging/one.yml").write_text(
        "version: 2\n\nmodels:\n  - name: one\n    descripton: Misspelt.\n", encoding="utf-8"
    )
    git_init(project)
    return project


def test_every_task_works_without_the_source(project):
    set_up, comment = commands_of_comment_job(project, "github")
    refused = run(*comment, cwd=project)
    assert "Type: make setup" in refused.output, refused
    assert "Ready. Next: make build" in succeed(*set_up, cwd=project).output
    (installed,) = (project / ".venv/lib").glob("*/site-packages/dataops/cli.py")
    assert installed.is_file()

    assert "WARN=0 ERROR=0 SKIP=0" in succeed("make", "build", cwd=project).output
    macro = "select {{ dataops.try_cast('one', 'bigint') }} as one\nfrom {{ ref('one') }}\n"
    (project / "models/staging/two.sql").write_text(macro, encoding="utf-8")
    succeed(".venv/bin/sqlfluff", "lint", "models/staging/two.sql", cwd=project)
    (project / "models/staging/two.sql").write_text(macro.replace("try_cast", "try_cost"), encoding="utf-8")
    assert "has no macro try_cost" in run(".venv/bin/sqlfluff", "lint", "models", cwd=project).output
    (project / "models/staging/two.sql").unlink()

    lint = run("make", "lint", cwd=project)
    assert set(re.findall(r"^- hook id: (\S+)$", lint.output, re.MULTILINE)) == {"dbt-schema", "governance"}, lint
    assert "('descripton' was unexpected)" in lint.output, lint
    assert "(check_model_description_populated)" in lint.output, lint

    assert "Usage: dataops crosscheck" in succeed(".venv/bin/dataops", "crosscheck", "--help", cwd=project).output
    assert "Nothing was released yet" in succeed("make", "releases", cwd=project).output
    commented = run(*comment, cwd=project)
    assert commented.code == 2, commented
    assert "GITHUB_TOKEN are not set" in commented.output, commented

    macros = project / "packages/dataops/dbt_project.yml"
    macros.write_text(
        re.sub(r"^version: .*$", "version: 0.0.7", macros.read_text("utf-8"), flags=re.MULTILINE), "utf-8"
    )
    refused = run(".venv/bin/dataops", "setup", cwd=project)
    assert refused.code == 2, refused
    assert "The dbt package dataops is 0.0.7" in refused.output, refused
