"""What dbt's manifest says about the models: keys, personal data, thresholds and checksums.

The manifest is read as JSON, never as dbt's Python classes, so it may come from any version of dbt. Nothing is configured
twice: a key comes from constraints and uniqueness tests, personal data from the tag `pii`, thresholds from the meta.
"""

from __future__ import annotations

import difflib
import hashlib
import re
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

from jinja2 import Environment

from dataops.errors import DataopsError
from dataops.typed import guide

BUILT = ("model", "seed", "snapshot")
PERSONAL = "pii"
# Macros that add columns which differ in every run, in each model that calls them or reads such a model.
RUN_COLUMNS = {
    "macro.dataops.audit_columns": frozenset({"built_at", "built_by_invocation", "built_in_release"}),
    "macro.dataops.quarantine_columns": frozenset({"rejected_at"}),
}
WINDOW_MACRO = "macro.dataops.recent_rows"
CHECKSUM_MACRO = "macro.dataops.code_checksum"
SHARE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


@dataclass(frozen=True)
class Threshold:
    """How many rows may differ: a number of rows, or a percentage of the base's rows."""

    rows: int = 0
    percent: float | None = None

    def allows(self, rows: int, base_rows: int) -> bool:
        """Whether this many rows may differ.

        >>> Threshold(percent=5).allows(5, 100), Threshold(percent=5).allows(6, 100), Threshold(rows=3).allows(3, 0)
        (True, False, True)
        """
        return rows <= (self.rows if self.percent is None else self.percent / 100 * base_rows)

    def __str__(self) -> str:
        return f"{self.rows:,}" if self.percent is None else f"{self.percent:g} %"


@dataclass(frozen=True)
class Thresholds:
    """The differences that a model's meta allows."""

    rows_added: Threshold = Threshold()
    rows_removed: Threshold = Threshold()
    rows_changed: Threshold = Threshold()
    ignore_columns: frozenset[str] = frozenset()  # lower case


def read_threshold(value: Any) -> Threshold:
    """A threshold as it is written in the meta.

    Raises:
        ValueError: it is neither a number of rows nor a percentage.

    >>> str(read_threshold("5 %")), str(read_threshold("0.5%")), str(read_threshold(12))
    ('5 %', '0.5 %', '12')
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Threshold(rows=value)
    if isinstance(value, str) and (share := SHARE.fullmatch(value)) and float(share[1]) <= 100:
        return Threshold(percent=float(share[1]))
    raise ValueError(f"{value!r} is neither a number of rows (12) nor a share of the base's rows ('5 %')")


def read_thresholds(name: str, file: str, meta: Any) -> Thresholds:
    """The thresholds in the meta of a model.

    Args:
        name: the model's name.
        file: the file that a message names.
        meta: the value of `crosscheck` in its meta, None if there is none.

    Raises:
        DataopsError: a threshold is misspelt or invalid.
    """
    known = list(Thresholds.__dataclass_fields__)
    remedy = f"Valid thresholds are {', '.join(known)} ({guide('docs/crosscheck.md')})."
    if meta is None:
        return Thresholds()
    if not isinstance(meta, dict):
        raise DataopsError(f"{file}: meta.crosscheck of {name} is {meta!r}, not a list of thresholds.", remedy)
    values: dict[str, Any] = {}
    for threshold, value in meta.items():
        if threshold not in known:
            near = difflib.get_close_matches(str(threshold), known, n=1)
            guess = f" Did you mean {near[0]}?" if near else ""
            raise DataopsError(f"{file}: meta.crosscheck of {name} has no threshold {threshold!r}.{guess}", remedy)
        try:
            values[threshold] = read_columns(value) if threshold == "ignore_columns" else read_threshold(value)
        except ValueError as error:
            raise DataopsError(f"{file}: meta.crosscheck.{threshold} of {name}: {error}.", remedy) from None
    return Thresholds(**values)


def read_columns(value: Any) -> frozenset[str]:
    """A list of column names as it is written in the meta, in lower case. Raises ValueError if it is not a list of names."""
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f"{value!r} is not a list of column names")
    return frozenset(name.lower() for name in value)


@dataclass(frozen=True)
class Model:
    """A model, seed or snapshot of the code.

    Attributes:
        unique_id: dbt's id.
        name: its name, with the version if it has one.
        file: its file, relative to the project's folder.
        checksum: of the code it is built from, as `dataops.record_build` records it.
        is_view: whether it always shows what its parents hold now.
        key: the columns that identify a row, empty if no constraint and no test declares them.
        personal: columns tagged as personal data, lower case; None means all of them.
        run_columns: columns that differ in every run, lower case.
        windowed: ids of itself and its ancestors, where they call `dataops.recent_rows`.
        ancestors: ids of everything it is built from.
        thresholds: the differences that its meta allows.
    """

    unique_id: str
    name: str
    file: str
    checksum: str
    is_view: bool
    key: tuple[str, ...]
    personal: frozenset[str] | None
    run_columns: frozenset[str]
    windowed: frozenset[str]
    ancestors: frozenset[str]
    thresholds: Thresholds

    def is_personal(self, column: str) -> bool:
        """Whether the values of a column must not be shown."""
        return self.personal is None or column.lower() in self.personal

    @property
    def ignored_columns(self) -> frozenset[str]:
        """Columns that are not compared, lower case."""
        return self.thresholds.ignore_columns | self.run_columns


class Code:
    """The code of a project, as its manifest describes it.

    Args:
        manifest: dbt's manifest, as `json.load` reads it from manifest.json.
        parsed: the project as dbt keeps it in memory, if this process parsed it: a dbt command can start from it.
    """

    def __init__(self, manifest: dict[str, Any], parsed: Any = None):
        self.manifest = manifest
        self._nodes: dict[str, dict[str, Any]] = manifest["nodes"]
        self._internal = {"dbt", f"dbt_{manifest['metadata']['adapter_type']}"}
        self.parsed = parsed

    @property
    def project(self) -> str:
        """The project's name."""
        return self.manifest["metadata"]["project_name"]

    @cached_property
    def models(self) -> dict[str, Model]:
        """All models, seeds and snapshots that can be compared, by id.

        Raises:
            DataopsError: a threshold is misspelt or invalid.
        """
        built = {id for id, node in self._nodes.items() if self._has_relation(node)}
        databases = {self._nodes[id]["database"] for id in built if id.split(".")[1] == self.project}
        return {
            id: self._model(self._nodes[id])
            for id in sorted(built, key=self._order)
            # What a package keeps in a database of its own, such as monitoring, is not data of this project.
            if self._nodes[id]["database"] in databases
        }

    def _order(self, id: str) -> tuple[str, str, str]:
        node = self._nodes[id]
        return node["original_file_path"].rpartition("/")[0], node["name"], id  # the id of a version ends with it

    @staticmethod
    def _has_relation(node: dict[str, Any]) -> bool:
        return node["resource_type"] in BUILT and node["config"]["materialized"] != "ephemeral"

    def _model(self, node: dict[str, Any]) -> Model:
        id, version, ancestors = node["unique_id"], node.get("version"), self._ancestors(node["unique_id"])
        lineage = {id, *ancestors}
        return Model(
            unique_id=id,
            name=node["name"] if version is None else f"{node['name']}.v{version}",
            file=node["original_file_path"],
            checksum=self.checksum(id),
            is_view=node["config"]["materialized"] == "view",
            key=self._key(node),
            personal=_personal_columns(node),
            run_columns=frozenset().union(
                *(RUN_COLUMNS.get(name, ()) for one in lineage for name in self._macros(one))
            ),
            windowed=frozenset(one for one in lineage if WINDOW_MACRO in self._macros(one)),
            ancestors=frozenset(ancestors),
            thresholds=read_thresholds(
                node["name"],
                (node.get("patch_path") or node["original_file_path"]).rpartition("://")[2],
                (node["config"].get("meta") or {}).get("crosscheck"),
            ),
        )

    def _ancestors(self, id: str) -> set[str]:
        found: set[str] = set()
        to_do = [id]
        while to_do:
            parents = self._nodes[to_do.pop()]["depends_on"].get("nodes") or []
            new = [parent for parent in parents if parent in self._nodes and parent not in found]
            found.update(new)
            to_do.extend(new)
        return found

    def _macros(self, id: str) -> list[str]:
        """The macros that a node calls directly, without dbt's own."""
        macros = self._nodes[id]["depends_on"].get("macros") or []
        return [macro for macro in macros if macro.split(".")[1] not in self._internal]

    def checksum(self, unique_id: str) -> str:
        """The checksum of a model's code: what the dbt package's macro `code_checksum` computes during a build.

        The macro's own text is rendered here, with the manifest in the place of dbt's `graph` and `context`, so there is
        one definition of what the code of a model is.

        Raises:
            DataopsError: the project's dbt package has no such macro.
        """
        return self._code_checksum(unique_id).strip()

    @cached_property
    def _code_checksum(self) -> Any:
        macros = self.manifest["macros"]
        if CHECKSUM_MACRO not in macros:
            raise DataopsError(
                "The dbt package dataops is missing, or older than this command: it has no macro code_checksum.",
                "Install the same version of both: packages.yml names the dbt package.",
            )
        context: dict[str, dict[str, Any]] = {}
        for id, macro in macros.items():
            context.setdefault(id.split(".")[1], {})[macro["name"]] = {"macro": macro}
        template = Environment(extensions=["jinja2.ext.do"]).from_string(
            macros[CHECKSUM_MACRO]["macro_sql"],
            {
                "graph": {"nodes": self._nodes},
                "context": context,
                "local_md5": cache(_md5),
                "target": {"type": self.manifest["metadata"]["adapter_type"]},
            },
        )
        return template.module.code_checksum

    def _key(self, node: dict[str, Any]) -> tuple[str, ...]:
        """The columns that identify a row, as declared or tested: the primary key, or the best of the unique columns."""
        constraints = [(one["type"], one.get("columns")) for one in node.get("constraints") or []]
        for column in node["columns"].values():
            constraints += [(one["type"], [column["name"]]) for one in column.get("constraints") or []]
        unique, not_null = self._tested_columns(node["unique_id"])
        unique = [tuple(columns) for kind, columns in constraints if kind == "unique" and columns] + unique
        order = [name.lower() for name in node["columns"]]

        def rank(key: tuple[str, ...]) -> tuple:
            names = [name.lower() for name in key]
            return (
                not all(name in not_null for name in names),
                len(key),
                [order.index(name) if name in order else len(order) for name in names],
            )

        primary = [tuple(columns) for kind, columns in constraints if kind == "primary_key" and columns]
        return primary[0] if primary else min(unique, key=rank, default=())

    def _tested_columns(self, unique_id: str) -> tuple[list[tuple[str, ...]], set[str]]:
        """What the data tests of a model declare: the unique combinations of columns, and the columns that are never null."""
        unique, not_null = [], set()
        for test in sorted(self._tests.get(unique_id, []), key=lambda one: one["unique_id"]):
            kind, arguments = test["test_metadata"]["name"], test["test_metadata"]["kwargs"]
            arguments = arguments.get("arguments") or arguments
            column = arguments.get("column_name")
            if kind == "not_null" and column:
                not_null.add(column.lower())
            elif test["config"].get("where"):
                continue  # a test of some rows says nothing about the others
            elif kind == "unique" and column:
                unique.append((column,))
            elif kind == "unique_combination_of_columns":
                unique.append(tuple(arguments["combination_of_columns"]))
            elif kind == "unique_combination":
                unique.append(tuple(arguments["columns"]))
        return unique, not_null

    @cached_property
    def _tests(self) -> dict[str, list[dict[str, Any]]]:
        """The generic tests, by the id of the model that they test."""
        tests: dict[str, list[dict[str, Any]]] = {}
        for node in self._nodes.values():
            if node.get("attached_node") and node.get("test_metadata"):
                tests.setdefault(node["attached_node"], []).append(node)
        return tests


def lineage_of(manifest: dict, node: str) -> frozenset[str]:
    """The ids of a node and of everything upstream of it."""
    waiting, seen = [node], set()
    while waiting:
        one = waiting.pop()
        if one not in seen:
            seen.add(one)
            waiting += manifest["parent_map"].get(one, [])
    return frozenset(seen)


def _personal_columns(node: dict[str, Any]) -> frozenset[str] | None:
    """The columns that are tagged as personal data, lower case; None means all of them."""
    if PERSONAL in node["tags"]:
        return None
    return frozenset(
        name.lower()
        for name, column in node["columns"].items()
        if PERSONAL in (column.get("tags") or []) or PERSONAL in ((column.get("config") or {}).get("tags") or [])
    )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
