"""What `dataops setup` checks of the two halves of dataops."""

from __future__ import annotations

from pathlib import Path

import pytest

from dataops import __version__, setup
from dataops.errors import DataopsError
from tests.helpers import project_at


def install_macros(folder: Path, version: str) -> None:
    package = folder / "dbt_packages/dataops"
    package.mkdir(parents=True)
    (package / "dbt_project.yml").write_text(f"name: dataops\nversion: {version}\n", encoding="utf-8")


def test_the_dbt_package_must_have_the_version_of_the_command(tmp_path):
    project = project_at(tmp_path)
    setup.require_equal_versions(project)  # a project without the macros
    install_macros(tmp_path, "0.0.7")
    with pytest.raises(DataopsError) as refused:
        setup.require_equal_versions(project)
    assert f"The dbt package dataops is 0.0.7 and the Python package dbt-dataops is {__version__}" in str(refused.value)
    assert "packages.yml and [tool.uv.sources] in pyproject.toml" in refused.value.remedy


def test_equal_versions_are_fine(tmp_path):
    project = project_at(tmp_path)
    install_macros(tmp_path, __version__)
    setup.require_equal_versions(project)
