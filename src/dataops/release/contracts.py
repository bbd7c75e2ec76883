"""Contracts that the code breaks: what consumers of prod's version could rely on, and no longer can."""

from __future__ import annotations

import copy
import re
from pathlib import Path

from dbt.artifacts.schemas.manifest import WritableManifest
from dbt.contracts.graph.manifest import Manifest
from dbt.contracts.graph.nodes import ModelNode
from dbt.exceptions import ContractBreakingChangeError
from dbt_common.exceptions import DbtBaseException

from dataops.model_versions import continued
from dataops.release import CannotRelease
from dataops.release.store import shown
from dataops.typed import typed


def broken_contracts(manifest: Manifest, before: Path) -> dict[str, str]:
    """What of each model's contract is broken, by id (prod's, where the model is gone). dbt is the judge: the rules are those of
    `state:modified.contract`.

    Args:
        manifest: the code.
        before: manifest.json of prod's version.

    Raises:
        CannotRelease: it cannot be read.
    """
    try:
        earlier = Manifest.from_writable_manifest(WritableManifest.read_and_check_versions(str(before)))
    except (OSError, ValueError, DbtBaseException) as error:
        raise CannotRelease(
            f"{shown(before)} cannot be read ({type(error).__name__}), so nothing shows which contracts are broken.",
            f"Type: {typed('rollback', to='<another version>')} ({typed('releases')} lists them)",
        ) from None
    broken = {}
    for id, old in earlier.nodes.items():
        if not isinstance(old, ModelNode) or old.package_name != manifest.metadata.project_name:
            continue
        new = manifest.nodes.get(id) or _version_in_place_of(old, manifest)
        judged = copy.copy(new or old)
        judged.version = judged.version or 1  # of a model without versions dbt only warns
        try:
            if new:
                judged.same_contract(old, manifest.metadata.adapter_type)
            else:
                judged.same_contract_removed()
        except ContractBreakingChangeError as error:
            broken[new.unique_id if new else id] = "; ".join(map(in_one_line, error.breaking_changes))
    return broken


def _version_in_place_of(old: ModelNode, manifest: Manifest) -> ModelNode | None:
    """The version of a model that took over the relation of the model when it got versions."""
    versions = (node for node in manifest.nodes.values() if isinstance(node, ModelNode))
    return next((node for node in versions if continued(node.unique_id, node.alias, {old.unique_id: old.alias})), None)


def in_one_line(change: str) -> str:
    r"""A breaking change as dbt describes it, in one line.

    >>> in_one_line("Columns were removed: \n    - city\n    - email")
    'columns were removed: city, email'
    >>> in_one_line("Contract enforcement was removed: Previously, this model had an enforced contract. It is ...")
    'contract enforcement was removed'
    >>> in_one_line("Contracted model 'model.shop.customers' was deleted or renamed.")
    'the model was deleted or renamed'
    >>> in_one_line("Enforced column level constraints were removed: \n    - 'ConstraintType.not_null' constraint on column id")
    'enforced column level constraints were removed: not_null on column id'
    """
    heading, *items = (line.strip().removeprefix("- ") for line in change.splitlines())
    heading = re.sub(r"^Contracted model '.*' was", "The model was", heading).split(": Previously")[0].rstrip(".")
    listed = re.sub(r"'(?:ConstraintType\.)?(\w+)' constraint on", r"\1 on", ", ".join(items))
    return f"{heading[:1].lower()}{heading[1:]} {listed}".strip()
