"""The code of the project, parsed by dbt, and the models of it that a selection names."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
from pathlib import Path

from dataops.crosscheck import CannotCompare
from dataops.dbt import cause, invoke_dbt
from dataops.errors import DataopsError
from dataops.manifest import Code, Model
from dataops.typed import tool


def read_code(target: str) -> Code:
    """Parses the project for an environment, and reads the manifest that dbt writes.

    Raises:
        CannotCompare: dbt cannot parse it, or a model's thresholds are invalid.
    """
    result = invoke_dbt("--quiet", "parse", "--target", target)
    if not result.success:
        raise CannotCompare(
            f"dbt cannot parse the project: {(cause(result) or 'its message is above').rstrip('.')}.",
            "Fix the code first.",
        )
    manifest = Path(os.environ.get("DBT_TARGET_PATH") or "target", "manifest.json")
    code = Code(json.loads(manifest.read_text(encoding="utf-8")), result.result)
    try:
        code.models  # noqa: B018 - read here, so that invalid thresholds stop a release before its build
    except DataopsError as error:
        raise CannotCompare(error.problem, error.remedy) from None
    return code


def select_models(code: Code, target: str, select: tuple[str, ...], exclude: tuple[str, ...]) -> list[Model]:
    """The models to compare: all of them, or what dbt's selection syntax selects, which may name seeds and snapshots.

    Raises:
        CannotCompare: nothing is selected, or a name does not exist.
    """
    if not select and not exclude:
        models = [model for model in code.models.values() if model.unique_id.startswith("model.")]
        if not models:
            raise CannotCompare(
                "The project has no models, so nothing was compared.", "The README shows how to add the first model."
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
    if select:  # seeds and snapshots are compared when they are named
        arguments += ["--resource-type", "seed", "--resource-type", "snapshot", "--select", *select]
    if exclude:
        arguments += ["--exclude", *exclude]
    with contextlib.redirect_stdout(io.StringIO()):  # dbt prints what it selects
        result = invoke_dbt(*arguments)
    selection = " ".join([*select, *(f"--exclude {one}" for one in exclude)])
    if not result.success:
        raise CannotCompare(
            f"dbt cannot select {selection!r}; its message is above.", f"To list the models: {tool('dbt')} ls"
        )
    selected = {id for line in result.result for id in re.findall(r'"unique_id": "([^"]+)"', line)}
    models = [model for id, model in code.models.items() if id in selected]
    if not models:
        raise CannotCompare(
            f"No model is selected by {selection!r}, so nothing was compared.", f"To list the models: {tool('dbt')} ls"
        )
    return models
