"""Small manifests for tests, as dbt would write them."""

from __future__ import annotations

import re
from typing import Any

from dataops.manifest import Code
from tests.helpers import REPOSITORY

RECORD_BUILD = (REPOSITORY / "macros/builds/record_build.sql").read_text(encoding="utf-8")
(CODE_CHECKSUM,) = re.findall(r"\{%- macro code_checksum\(.*?endmacro -%\}", RECORD_BUILD, re.DOTALL)


def macro(id: str, sql: str, macros: list[str] | None = None) -> dict[str, Any]:
    """A macro that calls others."""
    _, package, name = id.split(".")
    return {
        "unique_id": id,
        "name": name,
        "package_name": package,
        "macro_sql": sql,
        "depends_on": {"macros": macros or []},
    }


def node(name: str, kind: str = "model", parents: list[str] | None = None, **values: Any) -> dict[str, Any]:
    """A model, seed or snapshot of the project `shop`, in the database `dev`."""
    config = {"materialized": values.pop("materialized", "table"), "meta": values.pop("meta", {}), "tags": []}
    return {
        "unique_id": f"{kind}.shop.{name}",
        "name": name,
        "resource_type": kind,
        "database": "dev",
        "original_file_path": f"models/{name}.sql",
        "patch_path": f"shop://models/{name}.yml",
        "checksum": {"checksum": f"checksum of {name}"},
        "contract": {"checksum": None},
        "config": config,
        "tags": [],
        "columns": {},
        "constraints": [],
        "depends_on": {"nodes": parents or [], "macros": values.pop("macros", [])},
    } | values


def column(name: str, tags: list[str] | None = None, constraints: list[str] | None = None) -> dict[str, Any]:
    """A column with the types of its constraints."""
    return {
        "name": name,
        "tags": [],
        "config": {"tags": tags or []},
        "constraints": [{"type": kind} for kind in constraints or []],
    }


def data_test(model: str, kind: str, where: str | None = None, **arguments: Any) -> dict[str, Any]:
    """A generic test of a model."""
    id = f"test.shop.{kind}_{model}_{'_'.join(map(str, arguments.values()))}"
    return {
        "unique_id": id,
        "resource_type": "test",
        "attached_node": f"model.shop.{model}",
        "test_metadata": {"name": kind, "kwargs": arguments},
        "config": {"where": where, "materialized": "test"},
        "depends_on": {"nodes": [f"model.shop.{model}"], "macros": []},
    }


def manifest(*nodes: dict[str, Any], macros: list[dict[str, Any]] | None = None) -> dict[str, Any]:
    """A manifest of some nodes and macros."""
    called = [macro(id, "") for one in nodes for id in one["depends_on"]["macros"]]
    known = [macro("macro.dataops.code_checksum", CODE_CHECKSUM), *called, *(macros or [])]
    return {
        "metadata": {"project_name": "shop", "adapter_type": "duckdb"},
        "nodes": {one["unique_id"]: one for one in nodes},
        "macros": {one["unique_id"]: one for one in known},
    }


BASE, PRODUCTS, SHOWN = "model.shop.base_products", "model.shop.products", "model.shop.shown_products"


def products(key: str, **values: Any) -> Code:
    """A table without a key, a table of it with a key, and a view of that.

    Args:
        key: the column that is the key.
        values: of the node of the table with a key.
    """
    return Code(
        manifest(
            node("base_products"),
            node("products", parents=[BASE], **values),
            node("shown_products", parents=[PRODUCTS], materialized="view"),
            data_test("products", "unique", column_name=key),
            data_test("shown_products", "unique", column_name=key),
        )
    )
