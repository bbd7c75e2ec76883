"""What `ci` builds, and what is in its environment before."""

from __future__ import annotations

from types import SimpleNamespace

import duckdb
import pytest

from dataops.ci.changes import Changes, continued_models, kept_tables, source_views
from dataops.ci.prod import Prod
from dataops.engines.duckdb import DuckDB
from dataops.engines.duckdb.files import DuckDBFile
from dataops.versions import Version
from tests.helpers import project_at


def test_a_version_continues_a_contract_without_one():
    """dbt reports a model that gets its first versions as removed."""
    prod = SimpleNamespace(nodes={f"model.shop.{name}": {"name": name, "alias": name} for name in ("sales", "stock")})

    def manifest(alias: str) -> dict:
        return {"nodes": {"model.shop.sales.v1": {"name": "sales", "version": 1, "alias": alias}}}

    assert continued_models(manifest("sales"), prod) == {"model.shop.sales": "sales"}
    assert continued_models(manifest("sales_v1"), prod) == {}


@pytest.mark.parametrize(
    ("selected", "to_build", "to_run"),
    [
        ({"exposure.shop.board"}, [], False),
        ({"test.shop.unique"}, [], True),
        ({"unit_test.shop.a.b"}, [], True),
        ({"model.shop.b", "seed.shop.a", "test.shop.c"}, ["model.shop.b", "seed.shop.a"], True),
    ],
)
def test_what_dbt_has_to_do(selected, to_build, to_run):
    changes = Changes(selected, [], {})
    assert (changes.to_build, changes.to_run) == (to_build, to_run)


def node(name: str, materialized: str, schema: str = "ci") -> dict:
    return {"schema": schema, "alias": name, "config": {"materialized": materialized}}


@pytest.fixture
def prod(tmp_path) -> Prod:
    """A version with an incremental model with constraints, a table, and two sources."""
    engine = DuckDB(project_at(tmp_path))
    with duckdb.connect(str(engine.version(tmp_path).file)) as connection:
        connection.execute("create schema marts; create schema raw")
        connection.execute('create table marts."order" (id integer not null, note varchar)')
        connection.execute("""insert into marts."order" values (1, 'a'), (2, null)""")
        for name in ("marts.stock", "raw.orders", "raw.items"):
            connection.execute(f"create table {name} as select 7 as id")
    nodes = {
        f"model.shop.{name}": {"schema": "marts", "alias": name, "name": name, "resource_type": "model"}
        for name in ("order", "stock")
    }
    nodes |= {f"source.shop.raw.{name}": {"schema": "raw", "identifier": name} for name in ("orders", "items", "gone")}
    return Prod("0001", None, Version(tmp_path, engine), nodes)


def prepared(prod: Prod, *selected: str, version: str = "") -> duckdb.DuckDBPyConnection:
    """The warehouse that is prepared for what changed."""
    file = prod.folder / "ci/ci_local.duckdb"
    file.parent.mkdir()
    sources = {
        f"source.shop.raw.{name}": {"schema": "ci_raw", "identifier": name, "database": database}
        for name, database in (("orders", file.stem), ("items", "elsewhere"), ("gone", file.stem), ("new", file.stem))
    }
    nodes = {
        f"model.shop.order{version}": node("order", "incremental"),
        "model.shop.stock": node("stock", "table"),
        "seed.shop.orders": node("orders", "seed", "ci_raw"),
    }
    manifest, changes, engine = (
        {"nodes": nodes, "sources": sources},
        Changes(set(selected), [], {}),
        prod.version.engine,
    )
    views, tables = source_views(manifest, file.stem, prod, changes), kept_tables(manifest, prod, changes)
    engine.carry_over(prod.data, DuckDBFile(file), views, tables)
    connection = duckdb.connect(str(file))
    connection.execute(f"attach '{prod.data.file}' as prod (read_only)")
    return connection


def relations(connection: duckdb.DuckDBPyConnection) -> set[tuple[str, ...]]:
    """The relations of the warehouse: schema, name, and whether it is a table or a view."""
    return set(
        connection.execute(
            "select table_schema, table_name, table_type from information_schema.tables where table_catalog = 'ci_local'"
        ).fetchall()
    )


def test_sources_are_views_of_prods_and_incremental_models_start_from_its_rows(prod):
    with prepared(prod, "model.shop.order", "model.shop.stock") as warehouse:
        assert relations(warehouse) == {("ci_raw", "orders", "VIEW"), ("ci", "order", "BASE TABLE")}
        assert warehouse.execute("select id from ci_raw.orders").fetchall() == [(7,)]
        assert warehouse.execute('select * from ci."order" order by id').fetchall() == [(1, "a"), (2, None)]
        with pytest.raises(duckdb.ConstraintException):
            warehouse.execute("""insert into ci."order" values (null, 'x')""")


def test_a_source_that_a_seed_fills_is_left_to_the_seed(prod):
    with prepared(prod, "seed.shop.orders") as warehouse:
        assert relations(warehouse) == set()


def test_the_first_version_of_a_model_continues_the_model_without_versions(prod):
    with prepared(prod, "model.shop.order.v1", version=".v1") as warehouse:
        assert ("ci", "order", "BASE TABLE") in relations(warehouse)
