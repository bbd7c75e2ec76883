"""Every task in a project whose targets are called development, ci and production."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.helpers import copy_project
from tests.renamed import rename_targets
from tests.small_project import commit, dataops

pytestmark = pytest.mark.long


@pytest.fixture(scope="module")
def renamed(ready_project, tmp_path_factory) -> Path:
    """The sample project under other names, built in development."""
    project = copy_project(ready_project, tmp_path_factory.mktemp("renamed"))
    for folder in ("warehouse/dev", "target"):
        shutil.rmtree(project / folder)
    rename_targets(project)
    commit(project, "feat: rename the targets")
    assert "Done. PASS=" in dataops(project, "build").output
    return project


def change_rows(project: Path) -> None:
    """Leaves out every second product."""
    file = project / "models/marts/products.sql"
    text = file.read_text(encoding="utf-8")
    join = "    left join sold on products.product_id = sold.product_id\n"
    assert text.count(join) == 1
    file.write_text(text.replace(join, f"{join}    where products.product_id % 2 = 0\n"), encoding="utf-8")


def test_every_task_works(renamed):
    assert dataops(renamed, "test").output.count("Done. PASS=") == 2
    assert "stg_shop__orders" in dataops(renamed, "rejected").output
    assert "production is written by releases only" in dataops(renamed, "build", code=2, TARGET="prod").output
    refused = dataops(renamed, "dbt", "build", "--target", "production", code=2).output
    assert "production is written by releases only. Type: make release" in refused
    assert "Nothing was released yet" in dataops(renamed, "test", code=2, TARGET="production").output

    assert "production is 0001-" in dataops(renamed, "release").output
    assert os.path.realpath(renamed / "warehouse/production/current").endswith("releases/" + _version(renamed, 1))
    assert (renamed / "warehouse/production/current/production.duckdb").is_file()
    for name in ("production", "prod"):  # a workflow names the role
        assert dataops(renamed, "freshness", TARGET=name).code == 0

    build = dataops(renamed, "build", "--vars", "recent_days: 0")
    assert "Done. PASS=" in build.output
    assert "development against production, 23 models: 23 the same." in dataops(renamed, "crosscheck").output

    change_rows(renamed)
    commit(renamed, "feat: half of the products")
    red = dataops(renamed, "ci", code=1).output
    assert "ci against production, 1 model: 1 different." in red, red
    stopped = dataops(renamed, "release", code=1).output
    assert "0002-" in stopped
    assert "production is still 0001-" in stopped
    done = dataops(renamed, "release", "--accept", "half of them are enough", "--candidate", "2").output
    assert "production is 0002-" in done
    listed = dataops(renamed, "releases").output
    assert "0001-" in listed
    assert "production" in listed
    assert "production is 0001-" in dataops(renamed, "rollback").output
    assert dataops(renamed, "docs").code == 0
    for name in ("dev", "prod"):
        assert not list((renamed / "warehouse").glob(f"{name}/[!.]*"))
        assert not (renamed / "target" / name).exists()


def test_lint_passes(renamed):
    assert "Failed" not in dataops(renamed, "lint").output


def _version(project: Path, number: int) -> str:
    (found,) = (project / "warehouse/production/releases").glob(f"{number:04d}-*")
    return found.name
