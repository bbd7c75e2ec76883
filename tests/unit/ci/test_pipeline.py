"""What a run of `ci` prepares before it starts dbt."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from dataops.ci.pipeline import set_up
from tests.helpers import project_at

PROFILES = """shop:
  outputs:
    {ci}:
      type: duckdb
      path: "{{{{ env_var('WAREHOUSE_DIR', 'warehouse') }}}}/{ci}/{ci}_{{{{ env_var('CI_RUN_ID') }}}}.duckdb"
"""


@pytest.fixture
def shop(tmp_path) -> Path:
    (tmp_path / "dbt_project.yml").write_text("name: shop\nprofile: shop\n", encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize(
    ("targets", "given", "run", "copy"),
    [
        ({}, {}, "local", "warehouse/ci/ci_local_prod/prod.duckdb"),
        ({}, {"CI_RUN_ID": ""}, "local", "warehouse/ci/ci_local_prod/prod.duckdb"),
        ({}, {"CI_RUN_ID": "71", "TARGET": "dev"}, "71", "warehouse/ci/ci_71_prod/prod.duckdb"),
        (
            {"ci": "integration", "prod": "production"},
            {"CI_RUN_ID": "71", "DBT_TARGET": "dev"},
            "71",
            "warehouse/integration/integration_71_prod/production.duckdb",
        ),
    ],
)
def test_a_run_has_an_environment_of_its_own(shop, targets, given, run, copy):
    """With the same paths whether or not there is a prod, and with the variables set even where they are empty: dbt's parse
    cache needs both."""
    project = project_at(shop, targets=targets, **given)
    (shop / "profiles.yml").write_text(PROFILES.format(ci=project.ci), encoding="utf-8")
    own, folder = set_up(project)
    assert own.target == project.ci
    assert (own.variables["CI_RUN_ID"], own.variables["CI_PROD_COPY"]) == (run, copy)
    assert folder / Path(copy).name == shop / copy
    assert dict(project.variables) == given


def test_what_old_runs_built_is_removed(shop):
    project = project_at(shop, CI_RUN_ID="71")
    (shop / "profiles.yml").write_text(PROFILES.format(ci="ci"), encoding="utf-8")
    project.ci.folder.mkdir(parents=True)
    for run, days in (("69", 15), ("70", 13)):
        file = project.ci.folder / f"ci_{run}.duckdb"
        file.touch()
        os.utime(file, (time.time(), time.time() - days * 86400))
    set_up(project)
    assert [file.name for file in project.ci.folder.iterdir()] == ["ci_70.duckdb"]
