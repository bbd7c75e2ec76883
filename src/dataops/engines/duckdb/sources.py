"""Which files a source reads, as dbt-duckdb is told (its dbt/adapters/duckdb/relation.py)."""

from __future__ import annotations

import re
import string
from collections.abc import Mapping
from typing import Any

LOCATION, FORMATTER, PLUGIN = "external_location", "formatter", "plugin"


def source_files(source: Mapping[str, Any]) -> list[str] | None:
    """The paths of a source in files, None for one that is in a database or comes from a plug-in.

    >>> source_files({"name": "orders", "meta": {"external_location": "data/{name}.csv"}})
    ['data/orders.csv']
    >>> source_files({"name": "x", "config": {"external_location": "read_csv('a.csv', header=true)"}})
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
