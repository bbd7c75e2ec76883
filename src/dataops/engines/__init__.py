"""Engines: what is different from one database to another.

base.py        the protocol that an engine implements
registry.py    finds the engine of a target, by its type in profiles.yml
duckdb/        DuckDB

Nothing outside `engines` knows a database. An engine is a class that derives from `base.Engine` and is named by an entry point
of the group `dataops.engines`, under dbt's name of the adapter.
"""

from dataops.engines.base import (
    CannotOpen,
    Copy,
    Damage,
    Data,
    Dialect,
    Engine,
    EngineError,
    Pointer,
    Portable,
    Relation,
    Session,
    ViewFails,
    Workspace,
    quote,
)
from dataops.engines.registry import engine_of

__all__ = [
    "CannotOpen",
    "Copy",
    "Damage",
    "Data",
    "Dialect",
    "Engine",
    "EngineError",
    "Pointer",
    "Portable",
    "Relation",
    "Session",
    "ViewFails",
    "Workspace",
    "engine_of",
    "quote",
]
