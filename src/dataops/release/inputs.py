"""The files that sources read, as they were when a candidate was built: whether it can still be published as it was compared."""

from __future__ import annotations

import glob
import re
import string
from pathlib import Path
from typing import Any

from dataops.project import PROJECT

# Of dbt-duckdb: how a source says which file it reads (dbt/adapters/duckdb/relation.py).
LOCATION, FORMATTER, PLUGIN = "external_location", "formatter", "plugin"


def read_inputs(manifest: dict[str, Any], own_database: str) -> dict[str, Any]:
    """The files of the project's sources.

    Args:
        manifest: dbt's manifest.
        own_database: the database that is built: what is in it cannot change beside it.

    Returns:
        `files`: size and time of the last change (ns) by path, null for one that is missing; `unknown`: sources that lie
        elsewhere, in a database or on a server, and may change without a trace here.
    """
    files: dict[str, list[int] | None] = {}
    unknown = []
    for id, source in sorted(manifest["sources"].items()):
        if id.split(".")[1] != manifest["metadata"]["project_name"]:
            continue
        paths = _paths(source)
        if paths is None:
            if source.get("database") != own_database:
                unknown.append(f"{source['source_name']}.{source['name']}")
        elif any("://" in path for path in paths):
            unknown.append(f"{source['source_name']}.{source['name']}")
        else:
            for path in paths:
                found = glob.glob(str(PROJECT / Path(path).expanduser()), recursive=True)
                files |= {one: _state(Path(one)) for one in sorted(found)} or {path: None}
    return {"files": files, "unknown": unknown}


def changed_files(before: dict[str, Any], now: dict[str, Any]) -> list[str]:
    """The files that are new, gone or changed.

    >>> changed_files({"files": {"a": [1, 2], "b": [3, 4]}}, {"files": {"a": [1, 2], "b": [3, 5], "c": [1, 1]}})
    ['b', 'c']
    """
    paths = before["files"].keys() | now["files"].keys()
    return sorted(path for path in paths if before["files"].get(path) != now["files"].get(path))


def _paths(source: dict[str, Any]) -> list[str] | None:
    """The paths of a source in files, None for one that is in a database or comes from a plug-in.

    >>> _paths({"name": "orders", "meta": {"external_location": "data/{name}.csv"}})
    ['data/orders.csv']
    >>> _paths({"name": "x", "config": {"external_location": "read_csv('a.csv', header=true)"}})
    ['a.csv']
    """
    config = source.get("config") or {}
    settings = {
        name: value
        for place in (source.get("source_meta"), source.get("meta"), config.get("meta"), config)
        for name, value in (place or {}).items()
    }
    if PLUGIN in settings or LOCATION not in settings:
        return None
    values = settings | {name: source.get(name) for name in ("name", "identifier", "schema", "database")}
    try:
        location = {
            "newstyle": lambda text: text.format_map(values),
            "oldstyle": lambda text: text % values,
            "template": lambda text: string.Template(text).substitute(values),
        }[settings.get(FORMATTER, "newstyle")](settings[LOCATION])
    except (KeyError, ValueError, TypeError):
        return None
    return re.findall(r"'([^']+)'", location) or [location]


def _state(path: Path) -> list[int]:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]
