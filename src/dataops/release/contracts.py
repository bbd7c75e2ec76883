"""Contracts that the code breaks: what consumers of prod's version could rely on, and no longer can.

The rules are those of `state:modified.contract` in dbt 1.11 (`ModelNode.same_contract`). They are applied to manifest.json, so
each of the two manifests may come from any version of dbt. There are two deliberate differences: a foreign key is compared by
the table that it refers to, because dbt replaces `ref('customers')` when it compiles; and a constraint of the type `custom`
guarantees nothing, while dbt 1.11 crashes when one is removed.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from dataops.manifest import BUILT
from dataops.model_versions import continued
from dataops.typed import shown, typed
from dataops.versions import CannotRelease

WITH_CONSTRAINTS = ("table", "incremental")  # the materializations that create constraints
# The constraints that a database enforces, by adapter: CONSTRAINT_SUPPORT of dbt-duckdb, dbt-postgres and dbt-spark 1.11
# (dbt/adapters/<adapter>/impl.py). For any other adapter, that of dbt-adapters' BaseAdapter.
ALL = frozenset({"check", "not_null", "unique", "primary_key", "foreign_key"})
ENFORCED = {"duckdb": ALL, "postgres": ALL, "spark": frozenset[str]()}
ENFORCED_ELSEWHERE = frozenset({"not_null", "foreign_key"})
# What dbt 1.11 writes where nothing is configured; other versions write null, or leave the key out.
CONSTRAINT = {
    "type": None,
    "name": None,
    "expression": None,
    "warn_unenforced": True,
    "warn_unsupported": True,
    "to": None,
    "to_columns": [],
    "columns": [],
}
REFERENCE = re.compile(r"\s*(ref|source)\s*\((.*)\)\s*", re.DOTALL)
VERSION = re.compile(r"""\b(?:v|version)\s*=\s*['"]?([\w.]+)['"]?""")


@dataclass(frozen=True)
class Contract:
    """The contract of a model.

    Attributes:
        enforced: whether dbt enforces it.
        checksum: dbt's checksum of it, None if dbt wrote none.
        deprecated: whether the model's deprecation date has passed.
        materialized: how the model is materialized.
        types: the columns' data types as they are written, by the columns' names.
        column_constraints: the columns' constraints, by the columns' names.
        constraints: the model's own constraints.
    """

    enforced: bool
    checksum: str | None
    deprecated: bool
    materialized: str
    types: dict[str, str | None]
    column_constraints: dict[str, list[dict[str, Any]]]
    constraints: list[dict[str, Any]]

    @classmethod
    def read(cls, node: dict[str, Any], manifest: dict[str, Any]) -> Contract:
        """The contract of a model in a manifest."""
        contract = node.get("contract") or {}
        return cls(
            contract.get("enforced") is True,
            contract.get("checksum"),
            _is_past(node.get("deprecation_date")),
            node["config"]["materialized"],
            {name: column.get("data_type") for name, column in sorted(node["columns"].items())},
            {name: _constraints(column, manifest) for name, column in sorted(node["columns"].items())},
            _constraints(node, manifest),
        )

    @property
    def has_constraints(self) -> bool:
        """Whether the model or a column has any constraint."""
        return bool(self.constraints) or any(self.column_constraints.values())


def broken_contracts(manifest: dict[str, Any], before: Path) -> dict[str, str]:
    """What of each model's contract is broken, by id (prod's, where the model is gone).

    Args:
        manifest: manifest.json of the code, as `json.load` reads it.
        before: manifest.json of prod's version.

    Raises:
        CannotRelease: it cannot be read.
    """
    project, adapter = manifest["metadata"]["project_name"], manifest["metadata"]["adapter_type"]
    try:
        earlier = json.loads(before.read_text(encoding="utf-8"))
        nodes = {id: node for id, node in earlier["nodes"].items() if _is_model(node, project)}
        contracts = {id: Contract.read(node, earlier) for id, node in nodes.items()}
        aliases = {id: node["alias"] for id, node in nodes.items()}
    except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
        raise CannotRelease(
            f"{shown(before)} cannot be read ({type(error).__name__}), so nothing shows which contracts are broken.",
            f"Type: {typed('rollback', to='<another version>')} ({typed('releases')} lists them)",
        ) from None
    broken = {}
    for id, old in contracts.items():
        if not old.enforced:
            continue
        new_id = id if id in manifest["nodes"] else _version_in_place_of(id, aliases[id], manifest)
        if new_id:
            new = Contract.read(manifest["nodes"][new_id], manifest)
            if changes := list(_breaking_changes(old, new, ENFORCED.get(adapter, ENFORCED_ELSEWHERE))):
                broken[new_id] = "; ".join(changes)
        elif not old.deprecated:
            broken[id] = "the model was deleted or renamed"
    return broken


def _is_model(node: dict[str, Any], project: str) -> bool:
    return node["resource_type"] == "model" and node["package_name"] == project


def _version_in_place_of(id: str, alias: str, manifest: dict[str, Any]) -> str | None:
    """The version of a model that took over the relation of the model when it got versions."""
    models = (node for node in manifest["nodes"].values() if node["resource_type"] == "model")
    return next((one["unique_id"] for one in models if continued(one["unique_id"], one["alias"], {id: alias})), None)


def _breaking_changes(old: Contract, new: Contract, enforced: frozenset[str]) -> Iterator[str]:
    """What a changed contract no longer promises, one kind of change at a time, in dbt's words.

    Args:
        old: a contract that was enforced.
        new: the same model's contract in the code.
        enforced: the types of constraints that the database enforces.
    """
    if not new.enforced:
        yield "contract enforcement was removed"
    elif old.checksum and old.checksum == new.checksum:
        return
    kept = [name for name in old.types if name in new.types]
    changes = {
        "columns were removed": [name for name in old.types if name not in new.types],
        "columns with data_type changes": [
            f"{name} ({_one_line(old.types[name])} -> {_one_line(new.types[name])})"
            for name in kept
            if _base_type(old.types[name]) != _base_type(new.types[name])
        ],
    }
    if old.materialized in WITH_CONSTRAINTS:
        changes["enforced column level constraints were removed"] = [
            f"{_title(one)} on column {name}"
            for name in kept
            for one in _removed(old.column_constraints[name], new.column_constraints[name], enforced)
        ]
        changes["enforced model level constraints were removed"] = [
            f"{_title(one)} on columns {one['columns']}" for one in _removed(old.constraints, new.constraints, enforced)
        ]
        if new.materialized not in WITH_CONSTRAINTS and old.has_constraints:
            change = f"{old.materialized} -> {new.materialized}"
            changes["materialization changed with enforced constraints"] = [change]
    yield from (f"{what}: {', '.join(items)}" for what, items in changes.items() if items)


def _removed(old: list[dict[str, Any]], new: list[dict[str, Any]], enforced: frozenset[str]) -> list[dict[str, Any]]:
    return [one for one in old if one not in new and one["type"] in enforced]


def _title(constraint: dict[str, Any]) -> str:
    return constraint["name"] or constraint["type"]


def _one_line(data_type: str | None) -> str:
    return " ".join(str(data_type).split())


def _base_type(data_type: str | None) -> str | None:
    """A data type without its size, precision and scale, which dbt lets change.

    >>> _base_type("DECIMAL (18, 2)")
    'decimal'
    """
    return data_type and data_type.partition("(")[0].strip().lower()


def _is_past(deprecation_date: str | None) -> bool:
    """Whether a deprecation date has passed. dbt 2.0 writes it without a time zone: UTC, as in dbt 1.11."""
    if not deprecation_date:
        return False
    date = datetime.fromisoformat(deprecation_date)
    return (date if date.tzinfo else date.replace(tzinfo=UTC)) < datetime.now(UTC)


def _constraints(owner: dict[str, Any], manifest: dict[str, Any]) -> list[dict[str, Any]]:
    """The constraints of a model or column, which are equal where they guarantee the same."""
    found = []
    for one in owner.get("constraints") or []:
        constraint = {key: default if one.get(key) is None else one[key] for key, default in CONSTRAINT.items()}
        if constraint["to"]:
            constraint["to"] = _table_id(constraint["to"], manifest)
        found.append(constraint)
    return found


def _table_id(to: str, manifest: dict[str, Any]) -> str:
    """The id of the table that a foreign key refers to; for a version that has the model's own name, the model's id.

    Args:
        to: the reference, as written (`ref('customers')`) or as dbt compiled it (`"prod"."marts"."customers"`).
        manifest: that of the model with the foreign key.
    """
    reference = REFERENCE.fullmatch(to)
    for node in (*manifest["nodes"].values(), *manifest["sources"].values()):
        if _is_referred_to(node, *reference.groups()) if reference else node.get("relation_name") == to:
            unversioned = {f"model.{node['package_name']}.{node['name']}": node["name"]}
            return continued(node["unique_id"], node.get("alias", ""), unversioned) or node["unique_id"]
    return to


def _is_referred_to(node: dict[str, Any], function: str, arguments: str) -> bool:
    """Whether `ref` or `source` with these arguments names a node."""
    kinds, owner = (("source",), "source_name") if function == "source" else (BUILT, "package_name")
    *owners, name = re.findall(r"""['"]([^'"]+)['"]""", VERSION.sub("", arguments)) or [""]
    if node["resource_type"] not in kinds or node["name"] != name or any(one != node[owner] for one in owners):
        return False
    version = VERSION.search(arguments)
    return str(node.get("version")) == (version[1] if version else str(node.get("latest_version")))
