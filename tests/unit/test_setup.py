"""What `dataops setup` checks of the two halves of dataops."""

from __future__ import annotations

import pytest

from dataops import __version__, setup
from dataops.errors import DataopsError


def install_macros(folder, version: str) -> None:
    (folder / "dataops").mkdir()
    (folder / "dataops/dbt_project.yml").write_text(f"name: dataops\nversion: {version}\n", encoding="utf-8")


def test_the_dbt_package_must_have_the_version_of_the_command(tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "INSTALLED", tmp_path)
    setup.require_equal_versions()  # a project without the macros
    install_macros(tmp_path, "0.0.7")
    with pytest.raises(DataopsError) as refused:
        setup.require_equal_versions()
    assert f"The dbt package dataops is 0.0.7 and the Python package dbt-dataops is {__version__}" in str(refused.value)
    assert "packages.yml and [tool.uv.sources] in pyproject.toml" in refused.value.remedy


def test_equal_versions_are_fine(tmp_path, monkeypatch):
    monkeypatch.setattr(setup, "INSTALLED", tmp_path)
    install_macros(tmp_path, __version__)
    setup.require_equal_versions()
