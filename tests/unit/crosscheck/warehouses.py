"""Warehouse files as dbt and `dataops.record_build` would leave them, and the comparison of two of them in process."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import duckdb

from dataops.crosscheck import service
from dataops.crosscheck.datasets import Dataset, read_dataset
from dataops.crosscheck.results import ModelResult, Result
from dataops.engines.duckdb import DuckDB
from dataops.engines.duckdb.files import DuckDBFile
from dataops.manifest import Code
from tests.helpers import project_at

STARTED = datetime(2026, 11, 24, 6, 0)
COLUMNS = {
    "unique_id": "varchar",
    "relation_schema": "varchar",
    "relation_name": "varchar",
    "materialized": "varchar",
    "target_name": "varchar",
    "code_checksum": "varchar",
    "state": "varchar",
    "invocation_id": "varchar",
    "run_started_at": "timestamp",
    "recent_days": "integer",
}


@dataclass
class Built:
    """A model in a warehouse file.

    Attributes:
        select: its rows, as SQL.
        kind: `table`, `view`, or empty if it was dropped.
        checksum: of its code; None for that of today's code.
        hours: after the first build, when its run started.
    """

    select: str
    kind: str = "table"
    state: str = "success"
    checksum: str | None = None
    hours: int = 0
    recent_days: int = 0


def write(file: Path, code: Code, models: dict[str, Built]) -> Path:
    """Writes a warehouse file with some models of the code, in the order in which they read each other.

    Args:
        file: which does not exist yet.
        code: whose checksums are recorded.
        models: by id.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    known = {model.unique_id: model.checksum for model in code.models.values()}
    with duckdb.connect(str(file)) as connection:
        connection.execute("create schema marts; create schema main_record")
        described = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"create table main_record.dataops_builds ({described})")
        for id, built in models.items():
            name = id.split(".")[2]
            if built.kind:
                connection.execute(f"create {built.kind} marts.{name} as {built.select}")
            checksum = built.checksum or known.get(id, "of earlier code")
            started = STARTED + timedelta(hours=built.hours)
            row = (id, "marts", name, built.kind, "dev", checksum, built.state, "", started, built.recent_days)
            connection.execute(f"insert into main_record.dataops_builds values ({', '.join('?' * len(row))})", row)
    return file


def dataset(file: Path, role: str | None) -> Dataset:
    """A file as base or head; that of an environment, given by its role, must be as new as the code."""
    environments = {one.role: one for one in project_at(file.parent).environments}
    environment = environments[role] if role else None
    return read_dataset(DuckDBFile(file), environment.name if environment else str(file), environment)


def compare(base: Dataset, head: Dataset, code: Code, examples: int = 3) -> Result:
    """Compares all models of the code."""
    models = service.all_models(code)
    engine = DuckDB(project_at(Path.cwd()))
    return service.compare(engine, base, head, code, models, everything=True, examples=examples)


def of_model(result: Result, name: str) -> ModelResult:
    """The result for one model."""
    (found,) = (model for model in result.models if model.name == name)
    return found
