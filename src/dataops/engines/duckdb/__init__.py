"""DuckDB: a file per environment, and one in the folder of each version of prod.

    warehouse/prod/current -> releases/0042-2026-11-23    what readers open; swapped at once
    warehouse/prod/releases/<id>/prod.duckdb              the data of a version; never changed once it is there
    warehouse/prod/candidate/prod.duckdb                  the version that is being made

The only package that imports duckdb.
"""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import duckdb
from rich.filesize import decimal

from dataops.engines.base import CannotOpen, Copy, Damage, Data, Engine, Pointer, Portable, Relation, Workspace
from dataops.engines.duckdb import ci, files, monitoring
from dataops.engines.duckdb.dialect import DuckDBDialect
from dataops.engines.duckdb.files import LINK, DuckDBFile, clone
from dataops.engines.duckdb.profile import missing_in_profile
from dataops.engines.duckdb.sources import source_files
from dataops.engines.duckdb.workspace import DuckDBWorkspace
from dataops.errors import DataopsError
from dataops.files import sync
from dataops.missing import Missing
from dataops.project import Environment, Project
from dataops.typed import guide, shown

ROOM = 50 * 1000**2  # bytes, for docs, manifest and a build's small changes


class DuckDB(Engine):
    """DuckDB. The methods are documented in the protocol."""

    type = "duckdb"
    name = files.NAME
    atomicity = (
        "Readers that open prod see all of the version before or all of this one, and keep it until they close it."
    )
    tools = ("dbt-duckdb", "duckdb")
    dialect = DuckDBDialect()

    def __init__(self, project: Project):
        super().__init__(project)
        limit = project.variables.get("DUCKDB_MEMORY_LIMIT")
        self._config = {"memory_limit": limit} if limit else {}

    def _data(self, file: Path) -> DuckDBFile:
        return DuckDBFile(file, self._config)

    # Where data is

    def environment(self, environment: Environment) -> DuckDBFile:
        from dataops.dbt import credentials  # here, because dbt takes a second to load

        found = credentials(self.project, environment)
        attached = {one["alias"]: one["path"] for one in found.get("attach") or []}
        path = attached.get(
            found["database"], found["path"]
        )  # the target's own file, or what it attaches as its database
        return self._data(self.project.root / Path(path).expanduser())

    def named(self, name: str) -> DuckDBFile | None:
        started_in = self.project.started_in
        path = started_in / Path(name).expanduser()
        if path.is_dir():
            found = [os.path.relpath(file, started_in) for file in sorted(path.glob("*.duckdb"))]
            hint = f"Name a file in it: {', '.join(found)}" if found else "There is no .duckdb file in it."
            raise DataopsError(f"{name} is a folder.", hint)
        return self._data(path.absolute()) if path.exists() else None

    def version(self, folder: Path) -> DuckDBFile:
        return self._data(folder / f"{self.project.prod.name}.duckdb")

    def prepare(self, environment: Environment) -> str | None:
        data = self.environment(environment)
        try:
            data.file.parent.mkdir(parents=True, exist_ok=True)  # DuckDB does not make folders
            environment.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return f"The warehouse folder cannot be made: {error}. Set WAREHOUSE_DIR to one that can."
        return None

    def missing_in_profile(self, environment: Environment) -> Missing | None:
        return missing_in_profile(self, environment)

    def written_files(self, environment: Environment) -> list[Path]:
        return [self.environment(environment).file]

    def workspace(self, base: Data, head: Data) -> Workspace:
        return DuckDBWorkspace(base, head, self._config)

    # Versions of prod

    def current(self, environment: Environment) -> Pointer:
        link = environment.folder / LINK
        exists = os.path.lexists(link)
        folder = link.resolve() if link.is_symlink() and link.is_dir() else None
        in_the_way = exists and not link.is_symlink()
        put_aside = f"mv {shown(link)} {shown(link)}.old" if in_the_way else ""
        return Pointer(folder, shown(link), exists, put_aside)

    def publish(self, environment: Environment, folder: Path) -> float:
        start = time.perf_counter()
        link = environment.folder / LINK
        beside = link.with_name(f"{LINK}.next")
        beside.unlink(missing_ok=True)
        beside.symlink_to(os.path.relpath(folder, environment.folder))
        os.replace(beside, link)
        sync(environment.folder)
        return (time.perf_counter() - start) * 1000

    def clean_up(self, environment: Environment) -> None:
        (environment.folder / f"{LINK}.next").unlink(missing_ok=True)

    def start_candidate(self, base: Path, facts: Mapping[str, Any], folder: Path) -> Copy:
        source, target = self.version(base), self.version(folder).file
        if problem := source.wait():
            raise CannotOpen(problem, self.made_with(base.name, facts) or "Then run the command again.")
        size = source.file.stat().st_size
        how = "cloned" if clone(source.file, target) else "copied"
        free, needed = shutil.disk_usage(folder).free, size * (1 if how == "cloned" else 2) + ROOM
        if free < needed:
            target.unlink(missing_ok=True)
            parts = "" if how == "cloned" else f"{decimal(size)} for the copy, "
            raise DataopsError(
                f"{shown(folder.parent)} has {decimal(free)} free, and a release needs {decimal(needed)}:"
                f" {parts}{decimal(size)} to build beside it, {decimal(ROOM)} for the rest.",
                f"Free some, or keep fewer versions: RELEASES_KEPT ({guide('.env.example')}).",
            )
        if how == "copied":
            shutil.copyfile(source.file, target)
        return Copy(how, size)

    def reopen(self, folder: Path) -> None:
        os.chmod(self.version(folder).file, 0o644)

    def finish(self, folder: Path) -> None:
        files.finish(self.version(folder))

    def state(self, folder: Path) -> dict[str, Any]:
        file = self.version(folder).file
        if not file.exists():
            return {"size": 0, "modified_ns": None}
        return {"size": file.stat().st_size, "modified_ns": file.stat().st_mtime_ns}

    def problem(self, folder: Path, facts: Mapping[str, Any]) -> str | None:
        file = self.version(folder).file
        if not file.is_file():
            return "its data is missing"
        return None if file.stat().st_size == facts.get("size") else "its data is damaged"

    def made_with(self, name: str, facts: Mapping[str, Any]) -> str | None:
        made = facts.get("tools", {}).get("duckdb", "an unknown version")
        if made == duckdb.__version__:
            return None
        return f"{name} was made with DuckDB {made}; installed is {duckdb.__version__}."

    def read_everything(self, data: Data) -> int:
        return files.read_everything(data)

    def views_reading_outside(self, data: Data) -> dict[Relation, str]:
        return files.views_reading_outside(data)

    def drop(self, data: Data, relations: Mapping[Relation, str]) -> None:
        files.drop(data, relations)

    # CI

    def create_empty(self, folder: Path) -> None:
        duckdb.connect(str(self.version(folder).file)).close()

    def copy_variables(self, folder: Path) -> dict[str, str]:
        return {"CI_PROD_COPY": os.path.relpath(self.version(folder).file, self.project.root)}

    def remove(self, data: Data) -> None:
        ci.remove(data)

    def remove_old_runs(self, environment: Environment, run: str, days: int) -> None:
        ci.remove_old_runs(self.environment(environment).file, run, days)

    def portable(self, environment: Environment) -> Portable:
        data = self.version(environment.folder).file.name
        return Portable((data,), (self.monitoring(environment).file.name,), LINK)

    def carry_over(
        self, prod: Data, target: Data, views: Mapping[Relation, Relation], tables: Mapping[Relation, Relation]
    ) -> None:
        ci.carry_over(prod, target, views, tables)

    def source_files(self, source: Mapping[str, Any]) -> list[str] | None:
        return source_files(source)

    # Monitoring

    def monitoring(self, environment: Environment) -> DuckDBFile:
        return self._data(environment.folder / monitoring.FILE)

    def monitoring_variables(self, data: Data) -> dict[str, str]:
        return {"ELEMENTARY_PATH": str(data.file)}

    def copy_into(self, data: Data, folder: Path) -> DuckDBFile:
        copied = self._data(folder / data.file.name)
        monitoring.copy(data, copied.file)
        return copied

    def damage(self, data: Data, *, to_write: bool = False) -> Damage | str | None:
        return monitoring.examine(data, to_write)

    def set_aside(self, damage: Damage) -> str:
        return shown(monitoring.set_aside(damage.place))
