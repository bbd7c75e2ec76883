"""Finds the engine of a project by the type of its targets."""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import entry_points
from typing import Any

import yaml

from dataops.engines.base import Engine
from dataops.errors import DataopsError
from dataops.project import ROLES, Environment, Project

GROUP = "dataops.engines"
# Known without looking through the installed packages, which takes a tenth of a second.
BUILT_IN = {"duckdb": "dataops.engines.duckdb:DuckDB"}
DEFAULT = "duckdb"


def engine_of(project: Project, environment: Environment | None = None) -> Engine:
    """The engine of an environment.

    Args:
        project: the project.
        environment: prod, where none is given.

    Raises:
        DataopsError: nothing installed knows the type of its target.
    """
    kind = target_type(project, environment or project.prod) or DEFAULT
    return load(kind)(project)


def target_type(project: Project, environment: Environment) -> str | None:
    """The type of an environment's target in profiles.yml, read without dbt; None where that is not known."""
    return targets(project).get(environment.name, {}).get("type")


def targets(project: Project) -> dict[str, dict[str, Any]]:
    """The targets of the project's profile as profiles.yml has them, Jinja included; none where it cannot be read."""
    profile = _read(project, "profiles.yml").get(profile_name(project))
    found = profile.get("outputs") if isinstance(profile, dict) else None
    return {name: one for name, one in found.items() if isinstance(one, dict)} if isinstance(found, dict) else {}


def profile_name(project: Project) -> str:
    """The name of the project's profile in profiles.yml, as dbt_project.yml has it."""
    return str(_read(project, "dbt_project.yml").get("profile"))


def names_of_macros(project: Project) -> dict[str, str]:
    """The target of each role as the dbt package reads it (macros/environments/environment.sql): `vars` of dbt_project.yml."""
    settings = (_read(project, "dbt_project.yml").get("vars") or {}).get("dataops") or {}
    renamed = settings.get("environments") if isinstance(settings, dict) else None
    return {role: role for role in ROLES} | (renamed if isinstance(renamed, dict) else {})


def read_yaml(project: Project, name: str) -> dict[str, Any]:
    """A YAML file of the project, Jinja included; empty where it is missing or holds no settings.

    Raises:
        DataopsError: it cannot be read.
    """
    try:
        found = yaml.safe_load(project.path(name).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataopsError(f"{name} cannot be read: {error}", "Fix it, then run the command again.") from None
    return found if isinstance(found, dict) else {}


def _read(project: Project, name: str) -> dict[str, Any]:
    """What can be read of a file: dbt reports what is wrong with it."""
    try:
        return read_yaml(project, name)
    except DataopsError:
        return {}


def load(kind: str) -> type[Engine]:
    """The class of an engine.

    Args:
        kind: dbt's name of the adapter.

    Raises:
        DataopsError: nothing installed knows it.
    """
    if kind in BUILT_IN:
        module, _, name = BUILT_IN[kind].partition(":")
        return getattr(import_module(module), name)
    found = entry_points(group=GROUP, name=kind)
    if not found:
        known = sorted({*BUILT_IN, *(entry.name for entry in entry_points(group=GROUP))})
        raise DataopsError(
            f"profiles.yml has a target of type {kind}, which dataops does not know. It knows: {', '.join(known)}.",
            "Use one of these, or install a package that adds the engine.",
        )
    return next(iter(found)).load()
