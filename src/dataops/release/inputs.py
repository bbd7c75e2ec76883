"""The files that sources read, as they were when a candidate was built: whether it can still be published as it was compared."""

from __future__ import annotations

import glob
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dataops.engines import Engine


def read_inputs(engine: Engine, manifest: Mapping[str, Any], database: str) -> dict[str, Any]:
    """The files of the project's sources.

    Args:
        engine: of prod.
        manifest: dbt's.
        database: the one that is built (`Data.database`): what is in it cannot change beside it.

    Returns:
        `files`: size and time of the last change (ns) by path, null for one that is missing; `unknown`: sources that lie
        elsewhere, in a database or on a server, and may change without a trace here.
    """
    files: dict[str, list[int] | None] = {}
    unknown = []
    for id, source in sorted(manifest["sources"].items()):
        if id.split(".")[1] != manifest["metadata"]["project_name"]:
            continue
        paths = engine.source_files(source)
        if paths is None and source.get("database") == database:
            continue
        if paths is None or any("://" in path for path in paths):
            unknown.append(f"{source['source_name']}.{source['name']}")
            continue
        for path in paths:
            matches = glob.glob(str(engine.project.path(Path(path).expanduser())), recursive=True)
            files |= {match: _state(Path(match)) for match in sorted(matches)} or {path: None}
    return {"files": files, "unknown": unknown}


def changed_files(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The files that are new, gone or changed.

    >>> changed_files({"files": {"a": [1, 2], "b": [3, 4]}}, {"files": {"a": [1, 2], "b": [3, 5], "c": [1, 1]}})
    ['b', 'c']
    """
    paths = before["files"].keys() | now["files"].keys()
    return sorted(path for path in paths if before["files"].get(path) != now["files"].get(path))


def _state(path: Path) -> list[int]:
    state = path.stat()
    return [state.st_size, state.st_mtime_ns]
