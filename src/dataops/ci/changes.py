"""What changed since prod's version with everything downstream of it, and the warehouse that it is built in.

What is not built is read from prod's version (dbt's --defer). dbt does not defer two things, which are put into the warehouse
first:

- sources in the environment's own warehouse file, as views of prod's;
- incremental models and snapshots, with prod's rows. A release starts from them too, so the comparison shows what it will
  do. `dbt clone` would create views on DuckDB, which the next build replaces.

Every other model and every seed is rebuilt.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Set as AbstractSet
from pathlib import Path
from typing import Any

import duckdb
from dbt.contracts.graph.manifest import Manifest

from dataops.ci.prod import Prod
from dataops.crosscheck.dialect import quote
from dataops.dbt import invoke_dbt
from dataops.manifest import BUILT
from dataops.model_versions import continued
from dataops.release.contracts import broken_contracts
from dataops.release.store import MANIFEST

SELECTION = "state:modified+"
CHECKED = ("test", "unit_test")
KEPT = ("incremental", "snapshot")


class Changes:
    """The difference between the code and prod's version of it.

    Attributes:
        selected: ids of what dbt calls modified, and of everything downstream of it.
        removed: ids of the models, seeds and snapshots that only prod has.
        broken_contracts: which part of a model's contract is broken, by the model's id.
    """

    def __init__(self, selected: set[str], removed: list[str], broken_contracts: dict[str, str]):
        self.selected = selected
        self.removed = removed
        self.broken_contracts = broken_contracts

    @property
    def to_build(self) -> list[str]:
        """The selected models, seeds and snapshots."""
        return sorted(id for id in self.selected if id.split(".")[0] in BUILT)

    @property
    def to_run(self) -> bool:
        """Whether anything must be built or tested."""
        return any(id.split(".")[0] in (*BUILT, *CHECKED) for id in self.selected)


def find_changes(manifest: Manifest, prod: Prod) -> Changes | None:
    """What changed since prod's version; None if dbt cannot tell, and has printed why.

    Raises:
        CannotRelease: the manifest of prod's version cannot be read.
    """
    broken = broken_contracts(manifest.writable_manifest().to_dict(omit_none=False), prod.folder / MANIFEST)
    _release_from_contracts(prod, broken.keys() | (prod.nodes.keys() - manifest.nodes.keys()))
    arguments = ["--quiet", "ls", "--select", SELECTION, "--state", str(prod.folder)]
    with contextlib.redirect_stdout(io.StringIO()):  # dbt prints the selection
        result = invoke_dbt(*arguments, "--output", "json", "--output-keys", "unique_id", manifest=manifest)
    if not result.success:
        return None
    selected = {json.loads(line)["unique_id"] for line in result.result}
    project = f".{manifest.metadata.project_name}."
    removed = [
        id
        for id, node in sorted(prod.nodes.items())
        if project in id and node["resource_type"] in BUILT and id not in manifest.nodes
    ]
    versioned = continued_models(manifest, prod)
    return Changes(
        selected,
        [id for id in removed if id not in versioned],
        {name: text for name, text in broken.items() if name not in versioned.values()},
    )


def continued_models(manifest: Manifest, prod: Prod) -> dict[str, str]:
    """The models that have no versions in prod and now do, one of which has the same relation: names by id.

    dbt reports such a model as removed. The crosscheck compares that version with it, columns and types too.
    """
    aliases = {id: node["alias"] for id, node in prod.nodes.items() if id not in manifest.nodes and "alias" in node}
    found = {continued(id, node.alias, aliases) for id, node in manifest.nodes.items()}
    return {id: prod.nodes[id]["name"] for id in aliases if id in found}


def _release_from_contracts(prod: Prod, ids: AbstractSet[str]) -> None:
    """Disables the contracts of some models in the copy of prod's manifest. What breaks them is known already, and dbt would warn
    again in each step or refuse to go on."""
    file = prod.folder / MANIFEST
    manifest = json.loads(file.read_text(encoding="utf-8"))
    for id in ids & manifest["nodes"].keys():
        if "contract" in manifest["nodes"][id]:
            manifest["nodes"][id]["contract"]["enforced"] = False
    file.write_text(json.dumps(manifest), encoding="utf-8")


def prepare_warehouse(file: Path, manifest: Manifest, prod: Prod, changes: Changes) -> None:
    """Creates a warehouse with what dbt does not defer.

    Args:
        file: the warehouse file, which does not exist yet.
        manifest: the parsed code.
        prod: the copy of prod's version, which is attached as `prod` when dbt builds.
        changes: what dbt will build.
    """
    with duckdb.connect(str(file)) as connection:
        path = str(prod.file).replace("'", "''")
        connection.execute(f"attach '{path}' as prod (read_only)")
        in_prod = {
            (schema, name): sql
            for schema, name, sql in connection.execute(
                "select schema_name, table_name, sql from duckdb_tables() where database_name = 'prod'"
                " union all select schema_name, view_name, null from duckdb_views() where database_name = 'prod'"
            ).fetchall()
        }
        _create_sources(connection, file.stem, manifest, prod, changes, in_prod)
        for id in changes.to_build:
            # The first version of a model continues the model without versions.
            node, before = manifest.nodes[id], prod.nodes.get(id) or prod.nodes.get(".".join(id.split(".")[:3]))
            if node.config.materialized not in KEPT or not before:
                continue
            if sql := in_prod.get((before["schema"], before["alias"])):
                _schema(connection, node.schema)
                _copy_table(connection, sql, before, _name(node.schema, node.alias))


def _create_sources(
    connection: duckdb.DuckDBPyConnection,
    database: str,
    manifest: Manifest,
    prod: Prod,
    changes: Changes,
    in_prod: dict[tuple[str, str], str | None],
) -> None:
    """Creates views of prod's sources, but for those that dbt will build as seeds.

    Args:
        connection: to the new warehouse.
        database: its name.
        manifest, prod, changes: as in `prepare_warehouse`.
        in_prod: the relations of prod, by schema and name.
    """
    built = {(manifest.nodes[id].schema, manifest.nodes[id].alias) for id in changes.to_build}
    for id, source in manifest.sources.items():
        before, relation = prod.nodes.get(id), (source.schema, source.identifier)
        if source.database != database or relation in built or not before:
            continue
        if (before["schema"], before["identifier"]) in in_prod:
            _schema(connection, source.schema)
            connection.execute(
                f"create view {_name(*relation)} as from prod.{_name(before['schema'], before['identifier'])}"
            )


def _copy_table(connection: duckdb.DuckDBPyConnection, sql: str, before: dict[str, Any], target: str) -> None:
    """Copies a table of prod with its constraints, which `create table as` would lose."""
    source = _name(before["schema"], before["alias"])
    start = next(
        head
        for schema in (before["schema"], quote(before["schema"]))
        for table in (before["alias"], quote(before["alias"]))
        for head in (f"CREATE TABLE {schema}.{table}(", f"CREATE TABLE {table}(")
        if sql.startswith(head)
    )
    connection.execute(f"create table {target}({sql.removeprefix(start)}")
    connection.execute(f"insert into {target} by name from prod.{source}")


def _schema(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    connection.execute(f"create schema if not exists {quote(name)}")


def _name(schema: str, table: str) -> str:
    return f"{quote(schema)}.{quote(table)}"
