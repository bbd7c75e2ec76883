"""The project of the dbt package's tests, installed and built once for all workers. A test that changes it takes a copy."""

from __future__ import annotations

import pytest

from tests.dbt_package.dbt_project import DbtProject

# What test_generic_tests.py and test_quarantine.py build themselves.
WITHOUT_DATA = ("--exclude", "path:models/generic_tests", "path:models/quarantine")


@pytest.fixture(scope="session")
def installed(made_once) -> DbtProject:
    """The project with the package installed and parsed, and nothing built."""

    def make(folder):
        project = DbtProject.create(folder)
        project.succeed("--warn-error", "parse")
        return project.folder

    return DbtProject(made_once("dbt_package", make))


@pytest.fixture(scope="session")
def built(made_once, installed) -> DbtProject:
    """The project built in dev and prod, without a warning."""

    def make(folder):
        project = installed.copy(folder)
        for target in ("dev", "prod"):
            done = project.succeed(
                "--warn-error", "build", *WITHOUT_DATA, DBT_TARGET=target, DBT_TARGET_PATH=f"target/{target}"
            )
            assert [one.status for one in done.result.results if one.status != "success"] == []
        return project.folder

    return DbtProject(made_once("dbt_package_built", make))


@pytest.fixture
def copy(built, tmp_path) -> DbtProject:
    """A copy of the built project."""
    return built.copy(tmp_path)
