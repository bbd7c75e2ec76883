"""What changed since prod's version with everything downstream of it, and what must be in CI's environment before that is built.

What is not built is read from prod's version (dbt's --defer). dbt does not defer two things, which are put into the environment
first:

- sources in the environment's own database, as views of prod's;
- incremental models and snapshots, with prod's rows. A release starts from them too, so the comparison shows what it will
  do. `dbt clone` would create views on DuckDB, which the next build replaces.

Every other model and every seed is rebuilt.
"""

from __future__ import annotations

import contextlib
import io
import json
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from typing import Any

from dataops.ci.prod import Prod
from dataops.engines import Relation
from dataops.manifest import BUILT, Code
from dataops.model_versions import continued
from dataops.release.contracts import broken_contracts
from dataops.runner import Runner
from dataops.versions import MANIFEST

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


def find_changes(runner: Runner, code: Code, prod: Prod) -> Changes | None:
    """What changed since prod's version; None if dbt cannot tell, and has printed why.

    Args:
        runner: dbt in CI's environment.
        code: the parsed code.
        prod: the copy of prod's version. Contracts that are broken or gone are disabled in its manifest.

    Raises:
        CannotRelease: the manifest of prod's version cannot be read.
    """
    manifest = code.manifest
    broken = broken_contracts(manifest, prod.folder / MANIFEST)
    _disable_contracts(prod, broken.keys() | (prod.nodes.keys() - manifest["nodes"].keys()))
    arguments = ["--quiet", "ls", "--select", SELECTION, "--state", str(prod.folder)]
    with contextlib.redirect_stdout(io.StringIO()):  # dbt prints the selection
        result = runner.run(*arguments, "--output", "json", "--output-keys", "unique_id", parsed=code.parsed)
    if not result.success:
        return None
    selected = {json.loads(line)["unique_id"] for line in result.lines}
    removed = [
        id
        for id, node in sorted(prod.nodes.items())
        if f".{code.project}." in id and node["resource_type"] in BUILT and id not in manifest["nodes"]
    ]
    versioned = continued_models(manifest, prod)
    return Changes(
        selected,
        [id for id in removed if id not in versioned],
        {name: text for name, text in broken.items() if name not in versioned.values()},
    )


def continued_models(manifest: Mapping[str, Any], prod: Prod) -> dict[str, str]:
    """The models that have no versions in prod and now do, one of which has the same relation: names by id.

    dbt reports such a model as removed. The crosscheck compares that version with it, columns and types too.
    """
    nodes = manifest["nodes"]
    aliases = {id: node["alias"] for id, node in prod.nodes.items() if id not in nodes and "alias" in node}
    found = {continued(id, node["alias"], aliases) for id, node in nodes.items()}
    return {id: prod.nodes[id]["name"] for id in aliases if id in found}


def _disable_contracts(prod: Prod, ids: AbstractSet[str]) -> None:
    """Disables the contracts of some models in the copy of prod's manifest. What breaks them is known already, and dbt would warn
    again in each step or refuse to go on."""
    file = prod.folder / MANIFEST
    manifest = json.loads(file.read_text(encoding="utf-8"))
    for id in ids & manifest["nodes"].keys():
        if "contract" in manifest["nodes"][id]:
            manifest["nodes"][id]["contract"]["enforced"] = False
    file.write_text(json.dumps(manifest), encoding="utf-8")


def source_views(manifest: Mapping[str, Any], database: str, prod: Prod, changes: Changes) -> dict[Relation, Relation]:
    """The sources in CI's own database, each with prod's relation, but for those that dbt will build as seeds.

    Args:
        manifest: dbt's, of the code.
        database: the name of CI's database.
        prod: the copy of prod's version.
        changes: what dbt will build.
    """
    built = {(manifest["nodes"][id]["schema"], manifest["nodes"][id]["alias"]) for id in changes.to_build}
    views = {}
    for id, source in manifest["sources"].items():
        before, relation = prod.nodes.get(id), (source["schema"], source["identifier"])
        if before and source["database"] == database and relation not in built:
            views[relation] = (before["schema"], before["identifier"])
    return views


def kept_tables(manifest: Mapping[str, Any], prod: Prod, changes: Changes) -> dict[Relation, Relation]:
    """The incremental models and snapshots that dbt will build, each with prod's relation. Arguments as in `source_views`."""
    tables = {}
    for id in changes.to_build:
        # The first version of a model continues the model without versions.
        node, before = manifest["nodes"][id], prod.nodes.get(id) or prod.nodes.get(".".join(id.split(".")[:3]))
        if before and node["config"]["materialized"] in KEPT:
            tables[node["schema"], node["alias"]] = (before["schema"], before["alias"])
    return tables
