"""The models as the code of this folder has them now: nothing here is configured for the crosscheck alone.

The key comes from constraints and uniqueness tests, personal data from the tag `pii`, thresholds from the meta.
"""

from __future__ import annotations

import contextlib
import difflib
import hashlib
import io
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from dataops.crosscheck import CannotCompare
from dataops.dbt import cause, invoke_dbt
from dataops.typed import guide, tool

BUILT = ("model", "seed", "snapshot")
PERSONAL = "pii"
# Macros that add columns which differ from run to run, in every model that calls them or reads one that does.
RUN_COLUMNS = {
    "macro.dataops.audit_columns": frozenset({"built_at", "built_by_invocation", "built_in_release"}),
    "macro.dataops.quarantine_columns": frozenset({"rejected_at"}),
}
WINDOW_MACRO = "macro.dataops.recent_rows"
SHARE = re.compile(r"\s*(\d+(?:\.\d+)?)\s*%\s*")


@dataclass(frozen=True)
class Limit:
    """How many rows may differ: a number of rows, or a share of the base's rows in per cent."""

    rows: int = 0
    percent: float | None = None

    def allows(self, rows: int, base_rows: int) -> bool:
        """Whether so many rows may differ.

        >>> Limit(percent=5).allows(5, 100), Limit(percent=5).allows(6, 100), Limit(rows=3).allows(3, 0)
        (True, False, True)
        """
        return rows <= (self.rows if self.percent is None else self.percent / 100 * base_rows)

    def __str__(self) -> str:
        return f"{self.rows:,}" if self.percent is None else f"{self.percent:g} %"


@dataclass(frozen=True)
class Allowance:
    """What a model's meta allows to differ."""

    rows_added: Limit = Limit()
    rows_removed: Limit = Limit()
    rows_changed: Limit = Limit()
    ignore_columns: frozenset[str] = frozenset()  # lower case


def read_limit(value: Any) -> Limit:
    """A threshold as the meta has it.

    Raises:
        ValueError: it is neither a number of rows nor a share.

    >>> str(read_limit("5 %")), str(read_limit("0.5%")), str(read_limit(12))
    ('5 %', '0.5 %', '12')
    """
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return Limit(rows=value)
    if isinstance(value, str) and (share := SHARE.fullmatch(value)) and float(share[1]) <= 100:
        return Limit(percent=float(share[1]))
    raise ValueError(f"{value!r} is neither a number of rows (12) nor a share of the base's rows ('5 %')")


def read_allowance(name: str, file: str, meta: Any) -> Allowance:
    """The thresholds in the meta of a model.

    Args:
        name: the model's name.
        file: the file that a message names.
        meta: the value of `crosscheck` in its meta, None where there is none.

    Raises:
        CannotCompare: a threshold is misspelt or cannot be read.
    """
    known = list(Allowance.__dataclass_fields__)
    remedy = f"It takes {', '.join(known)} ({guide('docs/crosscheck.md')})."
    if meta is None:
        return Allowance()
    if not isinstance(meta, dict):
        raise CannotCompare(f"{file}: meta.crosscheck of {name} is {meta!r}, not a list of thresholds.", remedy)
    values: dict[str, Any] = {}
    for threshold, value in meta.items():
        if threshold not in known:
            near = difflib.get_close_matches(str(threshold), known, n=1)
            guess = f" Did you mean {near[0]}?" if near else ""
            raise CannotCompare(f"{file}: meta.crosscheck of {name} has no threshold {threshold!r}.{guess}", remedy)
        try:
            values[threshold] = read_columns(value) if threshold == "ignore_columns" else read_limit(value)
        except ValueError as error:
            raise CannotCompare(f"{file}: meta.crosscheck.{threshold} of {name}: {error}.", remedy) from None
    return Allowance(**values)


def read_columns(value: Any) -> frozenset[str]:
    """A list of column names as the meta has it, in lower case. Raises ValueError where it is none."""
    if not isinstance(value, list) or not all(isinstance(name, str) and name for name in value):
        raise ValueError(f"{value!r} is not a list of column names")
    return frozenset(name.lower() for name in value)


@dataclass(frozen=True)
class Model:
    """A model, seed or snapshot of the code.

    Attributes:
        unique_id: dbt's id of it.
        name: its name, with the version where it has one.
        file: its file, from the project's folder.
        checksum: of the code it is built from, as `dataops.record_build` keeps it.
        is_view: whether it shows its parents as they are now.
        key: columns that identify a row, empty where no constraint and no test says so.
        personal: columns tagged as personal data, lower case; None means all of them.
        run_columns: columns that differ from run to run, lower case.
        windowed: itself and its ancestors, where they call `dataops.recent_rows`.
        ancestors: all that it is built from, ids.
        allowance: what its meta allows to differ.
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
    allowance: Allowance

    def is_personal(self, column: str) -> bool:
        """Whether the values of a column must not be shown."""
        return self.personal is None or column.lower() in self.personal

    @property
    def ignored_columns(self) -> frozenset[str]:
        """Columns that are not compared, lower case."""
        return self.allowance.ignore_columns | self.run_columns


class Code:
    """The project as dbt parsed it.

    Args:
        manifest: dbt's manifest.
    """

    def __init__(self, manifest):
        self._manifest = manifest
        self._internal = {"dbt", f"dbt_{manifest.metadata.adapter_type}"}

    @property
    def manifest(self):
        """dbt's manifest."""
        return self._manifest

    @property
    def project(self) -> str:
        """The project's name."""
        return self._manifest.metadata.project_name

    @cached_property
    def models(self) -> dict[str, Model]:
        """All that can be compared, by id."""
        own = {id for id, node in self._manifest.nodes.items() if self._has_relation(node)}
        databases = {self._manifest.nodes[id].database for id in own if id.split(".")[1] == self.project}
        return {
            id: self._model(self._manifest.nodes[id])
            for id in sorted(own, key=self._order)
            # What a package keeps in a database of its own, such as monitoring, is not data of this project.
            if self._manifest.nodes[id].database in databases
        }

    def _order(self, id: str) -> tuple[str, str, str]:
        node = self._manifest.nodes[id]
        return node.original_file_path.rpartition("/")[0], node.name, id  # the id of a version ends with it

    @staticmethod
    def _has_relation(node) -> bool:
        return str(node.resource_type) in BUILT and node.config.materialized != "ephemeral"

    def _model(self, node) -> Model:
        ancestors = self._ancestors(node.unique_id)
        lineage = {node.unique_id, *ancestors}
        columns = {name.lower(): set(column.tags) for name, column in node.columns.items()}
        for name, column in node.columns.items():
            columns[name.lower()] |= set(column.config.tags or [])
        version = getattr(node, "version", None)
        return Model(
            unique_id=node.unique_id,
            name=node.name if version is None else f"{node.name}.v{version}",
            file=node.original_file_path,
            checksum=self.checksum(node.unique_id),
            is_view=node.config.materialized == "view",
            key=self._key(node),
            personal=None
            if PERSONAL in node.tags
            else frozenset(name for name, tags in columns.items() if PERSONAL in tags),
            run_columns=frozenset().union(
                *(RUN_COLUMNS.get(macro, ()) for id in lineage for macro in self._macros(id))
            ),
            windowed=frozenset(id for id in lineage if WINDOW_MACRO in self._macros(id)),
            ancestors=frozenset(ancestors),
            allowance=read_allowance(
                node.name,
                (node.patch_path or node.original_file_path).rpartition("://")[2],
                node.config.meta.get("crosscheck"),
            ),
        )

    def _parents(self, id: str) -> list[str]:
        nodes = getattr(self._manifest.nodes[id].depends_on, "nodes", None) or []
        return [parent for parent in nodes if parent in self._manifest.nodes]

    def _ancestors(self, id: str) -> set[str]:
        found: set[str] = set()
        to_do = [id]
        while to_do:
            new = [parent for parent in self._parents(to_do.pop()) if parent not in found]
            found.update(new)
            to_do.extend(new)
        return found

    def _macros(self, id: str) -> list[str]:
        """The macros that a node or macro calls itself, dbt's own left out."""
        part = self._manifest.macros[id] if id.startswith("macro.") else self._manifest.nodes[id]
        return [macro for macro in part.depends_on.macros if macro.split(".")[1] not in self._internal]

    def checksum(self, unique_id: str) -> str:
        """What the package's macro record_build computes when it is built; the two must agree (tests/test_crosscheck.py)."""
        code, parts = [unique_id], []
        for id in code:  # grows while it is read
            if id.startswith("macro."):
                parts.append(f"{id} {_md5(self._manifest.macros[id].macro_sql)}")
            else:
                node = self._manifest.nodes[id]
                contract = getattr(getattr(node, "contract", None), "checksum", None) or "-"
                parts.append(f"{id} {node.config.materialized} {node.checksum.checksum} {contract}")
                for parent in self._parents(id):
                    if self._manifest.nodes[parent].config.materialized == "ephemeral" and parent not in code:
                        code.append(parent)
            code.extend(macro for macro in dict.fromkeys(self._macros(id)) if macro not in code)
        return _md5("\n".join(sorted(parts)))

    def _key(self, node) -> tuple[str, ...]:
        """The columns that identify a row, from what is declared or tested: the primary key before other unique columns."""
        declared, unique = [], []
        constraints = [(one, tuple(one.columns)) for one in getattr(node, "constraints", [])]
        for column in node.columns.values():
            constraints += [(one, (column.name,)) for one in getattr(column, "constraints", [])]
        for constraint, columns in constraints:
            if columns and constraint.type == "primary_key":
                declared.append(columns)
            elif columns and constraint.type == "unique":
                unique.append(columns)
        not_null = set()
        for test in self._tests_of(node.unique_id):
            arguments = test.test_metadata.kwargs.get("arguments") or test.test_metadata.kwargs
            kind, column = test.test_metadata.name, arguments.get("column_name")
            if kind == "not_null" and column:
                not_null.add(column.lower())
            elif test.config.where:
                continue  # a part of the rows says nothing of all
            elif kind == "unique" and column:
                unique.append((column,))
            elif kind == "unique_combination_of_columns":
                unique.append(tuple(arguments["combination_of_columns"]))
            elif kind == "unique_combination":
                unique.append(tuple(arguments["columns"]))
        order = [name.lower() for name in node.columns]

        def rank(key: tuple[str, ...]) -> tuple:
            names = [name.lower() for name in key]
            return (
                not all(name in not_null for name in names),
                len(key),
                [order.index(name) if name in order else len(order) for name in names],
            )

        return declared[0] if declared else min(unique, key=rank, default=())

    @cached_property
    def _tests(self) -> dict[str, list]:
        tests: dict[str, list] = {}
        for node in self._manifest.nodes.values():
            if getattr(node, "attached_node", None) and getattr(node, "test_metadata", None):
                tests.setdefault(node.attached_node, []).append(node)
        return tests

    def _tests_of(self, unique_id: str) -> list:
        return sorted(self._tests.get(unique_id, []), key=lambda test: test.unique_id)


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


def read_code(target: str) -> Code:
    """Parses the project for an environment.

    Raises:
        CannotCompare: dbt cannot parse it.
    """
    result = invoke_dbt("--quiet", "parse", "--target", target)
    if not result.success:
        raise CannotCompare(
            f"dbt cannot parse the project: {(cause(result) or 'its message is above').rstrip('.')}.",
            "Fix the code first.",
        )
    return Code(result.result)


def select_models(code: Code, target: str, select: tuple[str, ...], exclude: tuple[str, ...]) -> list[Model]:
    """The models to compare: all, or what dbt's own selection syntax selects, seeds and snapshots too.

    Raises:
        CannotCompare: there is nothing to compare, or a name does not exist.
    """
    if not select and not exclude:
        models = [model for model in code.models.values() if model.unique_id.startswith("model.")]
        if not models:
            raise CannotCompare(
                "The project has no models, so nothing was compared.", "The README says how to add the first model."
            )
        return models
    arguments = [
        "--quiet",
        "--warn-error-options",
        '{"error": ["NoNodesForSelectionCriteria"]}',
        "ls",
        "--target",
        target,
    ]
    arguments += ["--output", "json", "--output-keys", "unique_id", "--resource-type", "model"]
    if select:  # who names seeds and snapshots wants them compared
        arguments += ["--resource-type", "seed", "--resource-type", "snapshot", "--select", *select]
    if exclude:
        arguments += ["--exclude", *exclude]
    with contextlib.redirect_stdout(io.StringIO()):  # what is selected is for this program to read
        result = invoke_dbt(*arguments)
    asked = " ".join([*select, *(f"--exclude {one}" for one in exclude)])
    if not result.success:
        raise CannotCompare(f"dbt cannot select {asked!r}; its message is above.", f"What there is: {tool('dbt')} ls")
    selected = {id for line in result.result for id in re.findall(r'"unique_id": "([^"]+)"', line)}
    models = [model for id, model in code.models.items() if id in selected]
    if not models:
        raise CannotCompare(
            f"No model is selected by {asked!r}, so nothing was compared.", f"What there is: {tool('dbt')} ls"
        )
    return models
