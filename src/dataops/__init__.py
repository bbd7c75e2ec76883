"""DataOps for dbt projects: releases, crosscheck, quarantine, CI and monitoring, as the `dataops` command and for scripts.

These names are stable; they are imported when they are used:

    load          the project around the working directory, as a Project
    Project       its root, settings, environments and variables
    Environment   dev, ci or prod
    DataopsError  what every function raises that cannot do its work: a problem, a remedy, an exit code
    Versions      the versions of prod: which are kept, which one is current, what happened to them
    release       release.open(42) and release.as_of(moment): a connection that reads a version
    Engine        what to derive from to add a database

>>> from dataops import Versions, load, release
>>> [version.id for version in Versions(load()).kept()]  # doctest: +SKIP
['0042-2026-11-24', '0041-2026-11-23']
>>> release.open(42).sql("select count(*) from marts.orders")  # doctest: +SKIP
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

__version__ = "0.1.0"
PUBLIC = {
    "DataopsError": "dataops.errors",
    "Engine": "dataops.engines",
    "Environment": "dataops.project",
    "Project": "dataops.project",
    "Versions": "dataops.versions",
    "load": "dataops.project",
}
__all__ = ["__version__", "release", *PUBLIC]  # noqa: PLE0604 - names all


def __getattr__(name: str) -> Any:
    if name in PUBLIC:
        return getattr(import_module(PUBLIC[name]), name)
    if name == "release":
        return import_module("dataops.release")
    raise AttributeError(f"module 'dataops' has no attribute {name!r}")
