"""Base and head: their warehouse files, what was built in them, and how one connection reads both.

A view names its own database, which is the stem of its file. So a file is attached under its stem; where both files have
the same one (every release is called prod.duckdb) the head's gets another name, and its views, which would silently read
the base's tables, are copied by a connection of their own.
"""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import duckdb

from dataops.crosscheck import CannotCompare
from dataops.crosscheck.dialect import quote
from dataops.errors import did_you_mean
from dataops.project import ENVIRONMENTS, STARTED_IN
from dataops.release import CannotRelease, duckdb_file, store
from dataops.warehouse import duckdb_config, how_to_build, is_candidate, wait_until_readable, warehouse_file

RECORD = "dataops_builds"  # written by the package's macro record_build


@dataclass(frozen=True)
class Build:
    """What `dataops.record_build` kept of the last build of a model.

    Attributes:
        unique_id: dbt's id.
        schema, name: where it is.
        target: the environment it was built in.
        checksum: of the code it was built from.
        state: `success`, `error`, `started` for what did not finish, `empty` or `sample` for what is no data.
        started_at: when its run started, UTC.
        recent_days: window of `dataops.recent_rows`, 0 for all rows.
    """

    unique_id: str
    schema: str
    name: str
    target: str
    checksum: str
    state: str
    started_at: datetime
    recent_days: int


@dataclass(frozen=True)
class Dataset:
    """The data of an environment or a warehouse file, as base or head.

    Attributes:
        name: as the user has it: an environment or a file.
        environment: dev, ci or prod; None for another file.
        file: its warehouse file.
        builds: what was built in it, by id.
        kinds: `table` or `view` by schema and name, for all that is in it.
        outside: the views of a version of prod that read outside it, `schema.name` in lower case.
    """

    name: str
    environment: str | None
    file: Path
    builds: dict[str, Build]
    kinds: dict[tuple[str, str], str]
    outside: frozenset[str] = frozenset()

    @property
    def target(self) -> str:
        """The environment that it was built as."""
        return self.environment or next(iter(self.builds.values())).target

    @property
    def built_at(self) -> datetime:
        """When the last run that built anything in it started, UTC."""
        return max(build.started_at for build in self.builds.values())

    def how_to_build(self, arguments: str = "") -> str:
        """What to type to build (a part of) it."""
        return how_to_build(self.environment, arguments)

    def kind(self, build: Build) -> str | None:
        """`table` or `view`, None where it is not in the file."""
        return self.kinds.get((build.schema.lower(), build.name.lower()))

    def reads_outside(self, build: Build) -> bool:
        """Whether it is a view of rows that are not in the version: nobody knows what they were when it was released."""
        return f"{build.schema}.{build.name}".lower() in self.outside


def open_dataset(name: str) -> Dataset:
    """Finds a dataset and reads what was built in it.

    Args:
        name: dev, ci, prod, or a path.

    Raises:
        CannotCompare: there is none of that name, it was not built, or it cannot be read.
    """
    environment, file = _locate(name)
    if environment == "prod" and not is_candidate():
        _require_whole()
    if not file.exists():  # of an environment: a path has been checked
        raise CannotCompare(
            f"{name} was not built: {os.path.relpath(file)} is missing.", f"Type: {how_to_build(environment)}"
        )
    return read_dataset(name, environment, file)


def read_dataset(name: str, environment: str | None, file: Path) -> Dataset:
    """Reads what was built in a warehouse file.

    Args:
        name: as the user writes it.
        environment: dev, ci or prod; None for another file.
        file: the warehouse file.

    Raises:
        CannotCompare: it cannot be read, or holds no record of a build.
    """
    shown, build = os.path.relpath(file), how_to_build(environment) if environment else ""
    if problem := wait_until_readable(file):
        again = f"Try again later, or move the file away and type: {build}" if environment else "Name a warehouse file."
        raise CannotCompare(problem, again)
    remedy = f"Type: {build}" if environment else "Build it with this version of the project, or name another file."
    kinds, builds = _read(file)
    if builds is None:
        raise CannotCompare(f"{name} ({shown}) has no record of what was built in it.", remedy)
    if not builds:
        raise CannotCompare(f"{name} ({shown}) holds nothing that was built.", remedy)
    version = store.Version(file.resolve().parent)
    outside = duckdb_file.reading_outside(version) if version.facts else []
    return Dataset(name, environment, file, builds, kinds, frozenset(outside))


def _read(file: Path) -> tuple[dict[tuple[str, str], str], dict[str, Build] | None]:
    """The relations of a warehouse file (`table` or `view`), and what was built in it; None if that was not recorded."""
    with duckdb.connect() as connection:
        _attach(connection, file, "dataset")
        kinds = {
            (schema.lower(), table.lower()): kind
            for schema, table, kind in connection.execute(
                "select schema_name, table_name, 'table' from duckdb_tables() where database_name = 'dataset'"
                " union all select schema_name, view_name, 'view' from duckdb_views() where database_name = 'dataset'"
            ).fetchall()
        }
        records = sorted(schema for schema, table in kinds if table == RECORD)
        columns = (
            "unique_id, relation_schema, relation_name, target_name, code_checksum, state, run_started_at, recent_days"
        )
        tables = [f"select {columns} from dataset.{quote(schema)}.{quote(RECORD)}" for schema in records]
        builds = [Build(*row) for table in tables for row in connection.execute(table).fetchall()]
    latest = {build.unique_id: build for build in sorted(builds, key=lambda build: build.started_at)}
    return kinds, latest if records else None


def _locate(name: str) -> tuple[str | None, Path]:
    """The environment and the file that a name stands for. A path is relative to the folder that the command was typed in."""
    from dbt_common.exceptions import DbtBaseException

    try:
        files = {environment: warehouse_file(environment) for environment in ENVIRONMENTS}
    except DbtBaseException as error:
        raise CannotCompare(f"profiles.yml: {error}", "Correct it first.") from None
    if name in files:
        return name, files[name]
    path = STARTED_IN / Path(name).expanduser()
    if path.is_dir():
        found = [os.path.relpath(file, STARTED_IN) for file in sorted(path.glob("*.duckdb"))]
        hint = f"Name a file in it: {', '.join(found)}" if found else "There is no .duckdb file in it."
        raise CannotCompare(f"{name} is a folder.", hint)
    if not path.exists():
        raise CannotCompare(
            f"{name!r} is neither an environment ({', '.join(ENVIRONMENTS)}) nor a file that exists."
            + did_you_mean(name, ENVIRONMENTS),
            "Name one of these, or the path of a warehouse file.",
        )
    for environment, file in files.items():
        if file.exists() and file.samefile(path):
            return environment, file
    return None, path.absolute()


def _require_whole() -> None:
    """Where prod has lost its link or its data, nothing is built: a version that is whole is pointed at again."""
    try:
        prod = store.current()
    except CannotRelease as reason:
        raise CannotCompare(reason.problem, reason.remedy) from None
    if prod and prod.problem:
        raise CannotCompare(f"{prod.id} is prod, and {prod.problem}.", store.how_to_go_back(prod))


def _attach(connection: duckdb.DuckDBPyConnection, file: Path, alias: str) -> None:
    path = str(file).replace("'", "''")
    connection.execute(f"attach '{path}' as {quote(alias)} (read_only)")


class Workspace:
    """One connection that reads base and head.

    Attributes:
        connection: a DuckDB connection, without data of its own.
    """

    def __init__(self, base: Dataset, head: Dataset, folder: Path):
        self._folder = folder
        self.connection = duckdb.connect(config=duckdb_config())
        spill = str(folder / "spill").replace("'", "''")
        self.connection.execute(f"set temp_directory = '{spill}'; set preserve_insertion_order = false")
        self._aliases: dict[str, str] = {}
        taken = {"memory", "system", "temp", "main"}
        for dataset in (base, head):
            alias = dataset.file.stem
            while alias.lower() in taken:
                alias += "_head"
            taken.add(alias.lower())
            self._aliases[dataset.name] = alias
            try:
                _attach(self.connection, dataset.file, alias)
            except duckdb.Error as error:
                raise CannotCompare(f"{dataset.name} cannot be opened: {error}", "Nothing was compared.") from None

    def relation(self, dataset: Dataset, build: Build) -> str:
        """A relation of a dataset as SQL, with the data that the dataset itself would show.

        Raises:
            CannotCompare: the relation is not there.
        """
        kind = dataset.kind(build)
        if not kind:
            raise CannotCompare(
                f"{dataset.name} has no {build.schema}.{build.name}, though it was built: it was dropped since.",
                f"Type: {dataset.how_to_build()}" if dataset.environment else "",
            )
        if kind == "view" and self._aliases[dataset.name] != dataset.file.stem:
            return self._copied(dataset, build)
        return ".".join(map(quote, (self._aliases[dataset.name], build.schema, build.name)))

    def _copied(self, dataset: Dataset, build: Build) -> str:
        """A copy of a view, made where its file has its own name."""
        file = self._folder / "view.duckdb"
        self.connection.execute("detach database if exists copied_view")
        file.unlink(missing_ok=True)
        with duckdb.connect(config=duckdb_config()) as own:
            _attach(own, dataset.file, dataset.file.stem)
            path = str(file).replace("'", "''")
            own.execute(f"attach '{path}' as copied_view")
            view = ".".join(map(quote, (dataset.file.stem, build.schema, build.name)))
            own.execute(f"create table copied_view.main.rows_of_view as from {view}")
        _attach(self.connection, file, "copied_view")
        return '"copied_view"."main"."rows_of_view"'

    def count_rows(self, dataset: Dataset, build: Build) -> int:
        """How many rows a relation of a dataset has. Raises CannotCompare if it does not exist."""
        return self.connection.execute(f"select count(*) from {self.relation(dataset, build)}").fetchone()[0]

    def is_view(self, relation: str) -> bool:
        """Whether a relation that this workspace named is a view."""
        database, schema, name = (part.replace('""', '"') for part in re.findall(r'"((?:[^"]|"")*)"', relation))
        (views,) = self.connection.execute(
            "select count(*) from duckdb_views() where database_name = ? and schema_name = ? and view_name = ?",
            [database, schema, name],
        ).fetchone()
        return bool(views)


@contextmanager
def workspace(base: Dataset, head: Dataset) -> Iterator[Workspace]:
    """A connection that reads base and head, and a folder for what does not fit into memory; both are removed at the end."""
    with tempfile.TemporaryDirectory(prefix="crosscheck-") as folder:
        space = Workspace(base, head, Path(folder))
        try:
            yield space
        finally:
            space.connection.close()
