"""What the targets of profiles.yml need on DuckDB: dbt builds the next version in a file beside prod, and readers open the version
that is current."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dataops.dbt import credentials
from dataops.engines.duckdb.files import LINK
from dataops.engines.registry import profile_name, targets
from dataops.missing import Missing, as_yaml
from dataops.project import Environment, Project
from dataops.typed import typed

if TYPE_CHECKING:
    from dataops.engines.duckdb import DuckDB

WAREHOUSES = "(env_var('WAREHOUSE_DIR', '') or 'warehouse')"
CANDIDATE = "env_var('DATAOPS_CANDIDATE', '')"
PLUGIN = {"module": "dataops.engines.duckdb.plugin"}
COPY = "env_var('CI_PROD_COPY', ':memory:')"

OURS = re.compile("DATAOPS_CANDIDATE|CI_PROD_COPY")  # in what is attached for the tasks, under whatever name prod had

Lines = dict[str, Any]


def missing_in_profile(engine: DuckDB, environment: Environment) -> Missing | None:
    """What the target of an environment lacks, with the lines to write; None where it is complete.

    Raises:
        DataopsError: the target cannot be read.
    """
    check = {"dev": _missing_in_dev, "ci": _missing_in_ci, "prod": _missing_in_prod}[environment.role]
    return check(engine, environment)


def lines_of_dev(name: str) -> Lines:
    """The settings of dev's target."""
    return {"type": "duckdb", "path": f"warehouse/{name}/{name}.duckdb"}


def lines_of_ci(name: str, prod: str) -> tuple[Lines, Lines]:
    """The settings of CI's target, and of the copy of prod that it attaches to read."""
    path = "{{ " + WAREHOUSES + " }}/" + name + "/" + name + "_{{ env_var('CI_RUN_ID', '') or 'local' }}.duckdb"
    read_only = "{{ (" + COPY + " != ':memory:') | as_bool }}"
    return {"path": path}, {"path": "{{ " + COPY + " }}", "alias": prod, "read_only": read_only}


def lines_of_prod(name: str) -> tuple[Lines, Lines]:
    """The settings of prod's target, and of the file that it attaches: inside a release dbt builds the candidate, and elsewhere it
    reads the version that is current."""
    candidate, current = f"/{name}/candidate/{name}.duckdb", f"/{name}/{LINK}/{name}.duckdb"
    values = {
        "path": "{{ " + WAREHOUSES + " ~ '" + candidate + "' if " + CANDIDATE + " else ':memory:' }}",
        "database": name,
        "plugins": [PLUGIN],
    }
    attached = {
        "path": "{{ ':memory:' if " + CANDIDATE + " else " + WAREHOUSES + " ~ '" + current + "' }}",
        "alias": "{{ 'not_used' if " + CANDIDATE + " else '" + name + "' }}",
        "read_only": "{{ (not " + CANDIDATE + ") | as_bool }}",
    }
    return values, attached


def _missing_in_dev(engine: DuckDB, dev: Environment) -> Missing | None:
    project = engine.project
    if dev.name in targets(project):
        others = [one for one in (project.ci, project.prod) if one.name in targets(project)]
        if engine.environment(dev).file.resolve() not in [engine.environment(one).file.resolve() for one in others]:
            return None
    problem = f"the target {dev} is missing, or is not a DuckDB file of its own."
    return _target(project, dev, problem, lines_of_dev(dev.name))


def _missing_in_ci(engine: DuckDB, ci: Environment) -> Missing | None:
    project, prod = engine.project, engine.project.prod.name
    if ci.name in targets(project):
        found = credentials(project, ci, WAREHOUSE_DIR="elsewhere", CI_PROD_COPY="copy.duckdb")
        copy = _attached(found, prod)
        reads_copy = copy.get("path") == "copy.duckdb" and copy.get("read_only")
        if Path(found["path"]).parts[:1] == ("elsewhere",) and reads_copy:
            return None
    problem = (
        f"the target {ci} is not what {typed('ci')} needs: a file of WAREHOUSE_DIR that may be removed at any time, and"
        f" {prod}'s version attached to read from."
    )
    values, attached = lines_of_ci(ci.name, prod)
    return _target(project, ci, problem, _without(targets(project).get(ci.name), prod) | values, attached)


def _missing_in_prod(engine: DuckDB, prod: Environment) -> Missing | None:
    project = engine.project
    if prod.name in targets(project):
        written = type(engine)(project.as_candidate("the next version")).environment(prod).file
        read = engine.environment(prod).file
        found = credentials(project, prod)
        if (
            written == engine.version(prod.folder / "candidate").file
            and read == engine.version(prod.folder / LINK).file
            and _attached(found, prod.name).get("read_only")
            and PLUGIN["module"] in _plugins(found)
        ):
            return None
    problem = (
        f"the target {prod} is not what a release makes: dbt builds the next version beside {prod}, readers open the version that"
        f" is current, and a plugin says so where dbt typed by hand would write {prod}."
    )
    values, attached = lines_of_prod(prod.name)
    kept = _without(targets(project).get(prod.name), prod.name, "not_used")
    values["plugins"] = [*(one for one in kept.get("plugins", []) if one != PLUGIN), PLUGIN]
    return _target(project, prod, problem, kept | values, attached)


def _attached(found: Mapping[str, Any], alias: str) -> Mapping[str, Any]:
    """The database that credentials attach under a name; empty where there is none."""
    return {one["alias"]: one for one in found.get("attach") or []}.get(alias) or {}


def _plugins(found: Mapping[str, Any]) -> list[str]:
    """The modules of dbt-duckdb's plugins that credentials name."""
    return [one["module"] for one in found.get("plugins") or []]


def _without(values: Mapping[str, Any] | None, *aliases: str) -> Lines:
    """The settings of a target that stay as they are: all but its file, its database, and what is attached under some names."""
    kept = {name: value for name, value in (values or {}).items() if name not in ("path", "database", "attach")}
    others = [
        one
        for one in (values or {}).get("attach") or []
        if not (isinstance(one, dict) and (one.get("alias") in aliases or OURS.search(str(one))))
    ]
    return {"type": "duckdb", **kept, **({"attach": others} if others else {})}


def _target(
    project: Project, environment: Environment, problem: str, values: Lines, attached: Lines | None = None
) -> Missing:
    if attached:
        values = values | {"attach": [*values.get("attach", []), attached]}
    do = "replace" if environment.name in targets(project) else "add"
    return Missing(
        f"profiles.yml: {problem}",
        f"In profiles.yml, under {profile_name(project)}: outputs:, {do} {environment}:",
        as_yaml({environment.name: values}),
    )
