"""Which engine a project uses: that of its targets' type in profiles.yml, which any installed package can add."""

from __future__ import annotations

import pytest

from dataops.engines import engine_of
from dataops.engines.duckdb import DuckDB
from dataops.errors import DataopsError
from dataops.project import Project
from tests.engines.kits import DUCKDB, MEMORY, TARGETS, install_memory, write_project
from tests.engines.memory import Memory
from tests.helpers import project_at


@pytest.fixture
def shop(tmp_path) -> Project:
    return project_at(tmp_path, targets=TARGETS)


def test_duckdb_needs_no_entry_point(shop):
    write_project(shop.root, DUCKDB)
    assert type(engine_of(shop)) is DuckDB


def test_an_engine_of_an_installed_package_is_found_by_the_type_of_the_target(shop, tmp_path, monkeypatch):
    write_project(shop.root, MEMORY.replace("integration: {type: memory}", "integration: {type: duckdb}"))
    with pytest.raises(DataopsError) as error:
        engine_of(shop)
    assert error.value.problem == (
        "profiles.yml has a target of type memory, which dataops does not know. It knows: duckdb."
    )
    assert error.value.remedy == "Use one of these, or install a package that adds the engine."
    install_memory(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    engine = engine_of(shop)
    assert type(engine) is Memory
    assert engine.project is shop
    assert type(engine_of(shop, shop.dev)) is Memory
    assert type(engine_of(shop, shop.ci)) is DuckDB, "each environment has its own"


def test_a_type_that_nothing_knows_is_refused_with_those_that_are_known(shop, tmp_path, monkeypatch):
    write_project(shop.root, MEMORY.replace("memory", "oracle"))
    install_memory(tmp_path / "site")
    monkeypatch.syspath_prepend(tmp_path / "site")
    with pytest.raises(DataopsError) as error:
        engine_of(shop)
    assert "of type oracle, which dataops does not know. It knows: duckdb, memory." in error.value.problem


@pytest.mark.parametrize(
    "profiles", ["", "shop: {outputs: {}}", "not: [closed", "shop: text", "shop: {outputs: [development]}"]
)
def test_without_a_type_that_can_be_read_it_is_duckdb(shop, profiles):
    """dbt says what is wrong with profiles.yml when the engine asks for its credentials."""
    write_project(shop.root, profiles)
    assert type(engine_of(shop)) is DuckDB
