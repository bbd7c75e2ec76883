"""What the targets of profiles.yml need on DuckDB: dbt builds the next version in a file beside prod, and readers open the version
that is current."""

from __future__ import annotations

import re
from collections.abc import Container, Mapping
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
MONITORING = "monitoring"  # the alias of the attached file
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
    attached = _others_attached(engine, dev, ())
    if dev.name in targets(project):
        others = [one for one in (project.ci, project.prod) if one.name in targets(project)]
        if engine.environment(dev).file.resolve() not in [engine.environment(one).file.resolve() for one in others]:
            if _keeps_history(engine, dev):
                return None
            problem = f"the target {dev} attaches another file for monitoring than the one that the tasks read."
            return _target(project, dev, problem, targets(project)[dev.name] | {"attach": attached})
    problem = f"the target {dev} is missing, or is not a DuckDB file of its own."
    return _target(project, dev, problem, lines_of_dev(dev.name) | ({"attach": attached} if attached else {}))


def _missing_in_ci(engine: DuckDB, ci: Environment) -> Missing | None:
    project, prod = engine.project, engine.project.prod.name
    if ci.name in targets(project):
        found = credentials(project, ci, WAREHOUSE_DIR="elsewhere", CI_PROD_COPY="copy.duckdb")
        copy = _attached(found, prod)
        reads_copy = copy.get("path") == "copy.duckdb" and copy.get("read_only")
        if Path(found["path"]).parts[:1] == ("elsewhere",) and reads_copy and _keeps_history(engine, ci):
            return None
    problem = (
        f"the target {ci} is not what {typed('ci')} needs: a file of WAREHOUSE_DIR that may be removed at any time, and"
        f" {prod}'s version attached to read from."
    )
    values, attached = lines_of_ci(ci.name, prod)
    return _target(project, ci, problem, _without(engine, ci, prod) | values, attached)


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
            and _keeps_history(engine, prod)
        ):
            return None
    problem = (
        f"the target {prod} is not what a release makes: dbt builds the next version beside {prod}, readers open the version that"
        f" is current, and a plugin says so where dbt typed by hand would write {prod}."
    )
    values, attached = lines_of_prod(prod.name)
    kept = _without(engine, prod, prod.name, "not_used")
    values["plugins"] = [*(one for one in kept.get("plugins", []) if one != PLUGIN), PLUGIN]
    return _target(project, prod, problem, kept | values, attached)


def _attached(found: Mapping[str, Any], alias: str) -> Mapping[str, Any]:
    """The database that credentials attach under a name; empty where there is none."""
    return {one["alias"]: one for one in found.get("attach") or []}.get(alias) or {}


def _plugins(found: Mapping[str, Any]) -> list[str]:
    """The modules of dbt-duckdb's plugins that credentials name."""
    return [one["module"] for one in found.get("plugins") or []]


def _keeps_history(engine: DuckDB, environment: Environment) -> bool:
    """Whether the file that a target attaches for monitoring, if it does, is the one that the tasks read."""
    if not any(_is_history(engine, one) for one in _attachments(engine.project, environment)):
        return True
    found = _attached(credentials(engine.project, environment, ELEMENTARY_ENABLED="true"), MONITORING)
    return engine.project.path(found.get("path", "")).resolve() == engine.monitoring(environment).file.resolve()


def _is_history(engine: DuckDB, attached: Lines) -> bool:
    """Whether an attached database is for Elementary's tables; a project without Elementary may have one of that name for itself."""
    return engine.project.settings.monitoring == "elementary" and attached.get("alias") == MONITORING


def lines_of_monitoring(environment: Environment) -> Lines:
    """What a target attaches for monitoring: its file, or an empty database in memory where it is off."""
    on = "(env_var('ELEMENTARY_ENABLED', '') or '" + str(environment.is_prod).lower() + "') | lower == 'true'"
    path = "{{ " + WAREHOUSES + " ~ '/" + environment.name + "/monitoring.duckdb' if " + on + " else ':memory:' }}"
    return {"path": path, "alias": MONITORING}


def _attachments(project: Project, environment: Environment) -> list[Lines]:
    """What a target attaches, as profiles.yml has it."""
    attached = targets(project).get(environment.name, {}).get("attach") or []
    return [one for one in attached if isinstance(one, dict)]


def _others_attached(engine: DuckDB, environment: Environment, aliases: Container[str]) -> list[Lines]:
    """What a target attaches besides some aliases and what the tasks need; monitoring in the file that they read."""
    return [
        lines_of_monitoring(environment) if _is_history(engine, one) else one
        for one in _attachments(engine.project, environment)
        if not (one.get("alias") in aliases or OURS.search(str(one)))
    ]


def _without(engine: DuckDB, environment: Environment, *aliases: str) -> Lines:
    """The settings of a target that stay as they are: all but its file, its database, and what is attached under some names."""
    values = targets(engine.project).get(environment.name) or {}
    kept = {name: value for name, value in values.items() if name not in ("path", "database", "attach")}
    others = _others_attached(engine, environment, aliases)
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
