"""Base and head: where their data is, and what was built in it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from dataops import typed
from dataops.crosscheck import CannotCompare
from dataops.engines import Data, Relation, engine_of
from dataops.errors import DataopsError, did_you_mean
from dataops.project import Environment, Project
from dataops.versions import CannotRelease, Version, Versions

RECORD = "dataops_builds"  # written by the package's macro record_build
COLUMNS = "unique_id, relation_schema, relation_name, target_name, code_checksum, state, run_started_at, recent_days"


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
    """The data of an environment, of a version of prod or of a warehouse file, as base or head.

    Attributes:
        name: as the user writes it: an environment, a version or a file.
        environment: that it belongs to; None for another file.
        data: where its relations are.
        builds: what was built in it, by id.
        kinds: `table` or `view` by schema and name, for every relation in it.
        outside: the views of a version of prod that read outside it, `schema.name` in lower case.
    """

    name: str
    environment: Environment | None
    data: Data
    builds: dict[str, Build]
    kinds: dict[Relation, str]
    outside: frozenset[str] = frozenset()

    @property
    def target(self) -> str:
        """The name of the environment that it was built as."""
        return self.environment.name if self.environment else next(iter(self.builds.values())).target

    @property
    def built_at(self) -> datetime:
        """When the last run that built anything in it started, UTC."""
        return max(build.started_at for build in self.builds.values())

    def how_to_build(self, arguments: str = "") -> str:
        """What to type to build it, or a part of it; empty where it belongs to no environment."""
        return typed.how_to_build(self.environment, arguments) if self.environment else ""

    def kind(self, build: Build) -> str | None:
        """`table` or `view`; None where the relation is not there."""
        return self.kinds.get((build.schema.lower(), build.name.lower()))

    def reads_outside(self, build: Build) -> bool:
        """Whether it is a view of rows that are not in the version: nobody knows what they were when it was released."""
        return f"{build.schema}.{build.name}".lower() in self.outside


def open_dataset(project: Project, name: str) -> Dataset:
    """Finds a dataset and reads what was built in it.

    Args:
        project: the project. Where it is building a candidate, prod means that candidate.
        name: an environment, or how the engine names other data: a path.

    Raises:
        CannotCompare: there is none of that name, it was not built, or it cannot be read.
    """
    try:
        environment, data = _locate(project, name)
        if environment and environment.is_prod and not project.candidate:
            _require_whole(project)
        if not data.exists():  # of an environment: a path has been checked
            raise CannotCompare(
                f"{name} was not built: {data.shown} is missing.", f"Type: {typed.how_to_build(environment)}"
            )
        version = _version_of(project, data)
    except CannotCompare:
        raise
    except DataopsError as error:  # of profiles.yml, or of the engine
        raise CannotCompare(error.problem, error.remedy) from None
    return read_dataset(data, name, environment, version.views_reading_outside if version else ())


def dataset_of(version: Version, name: str) -> Dataset:
    """The dataset of a version of prod.

    Args:
        version: the version.
        name: that results and messages give it.

    Raises:
        CannotCompare: it cannot be read, or holds no record of a build.
    """
    return read_dataset(version.data, name, version.engine.project.prod, version.views_reading_outside)


def read_dataset(data: Data, name: str, environment: Environment | None = None, outside: Iterable[str] = ()) -> Dataset:
    """Reads what was built in some data.

    Args:
        data: the data.
        name: that results and messages give it.
        environment: that it belongs to; None for another file.
        outside: the views that read outside the data, `schema.name` in lower case.

    Raises:
        CannotCompare: it cannot be read, or holds no record of a build.
    """
    build = typed.how_to_build(environment) if environment else ""
    again = f"Try again later, or move it away and type: {build}" if environment else "Name a warehouse file."
    if problem := data.wait():
        raise CannotCompare(problem, again)
    try:
        kinds, builds = _read(data)
    except DataopsError as error:
        raise CannotCompare(error.problem, again) from None
    remedy = f"Type: {build}" if environment else "Build it with this version of the project, or name another file."
    if builds is None:
        raise CannotCompare(f"{name} ({data.shown}) has no record of what was built in it.", remedy)
    if not builds:
        raise CannotCompare(f"{name} ({data.shown}) holds nothing that was built.", remedy)
    return Dataset(name, environment, data, builds, kinds, frozenset(outside))


def _read(data: Data) -> tuple[dict[Relation, str], dict[str, Build] | None]:
    """The relations of some data (`table` or `view`), and what was built in it; None if that was not recorded."""
    with data.open() as session:
        kinds = session.relations()
        records = sorted(schema for schema, name in kinds if name == RECORD)
        tables = [f"select {COLUMNS} from {session.address(schema, RECORD)}" for schema in records]
        builds = [Build(*row) for table in tables for row in session.rows(table)]
    latest = {build.unique_id: build for build in sorted(builds, key=lambda build: build.started_at)}
    return kinds, latest if records else None


def _locate(project: Project, name: str) -> tuple[Environment | None, Data]:
    """The environment and the data that a name stands for."""
    names = [environment.name for environment in project.environments]
    if name in names:
        environment = project.environment(name)
        return environment, engine_of(project, environment).environment(environment)
    engine = engine_of(project)
    data = engine.named(name)
    if data is None:
        raise CannotCompare(
            f"{name!r} is neither an environment ({', '.join(names)}) nor a {engine.data_word} that exists."
            + did_you_mean(name, names),
            f"Name one of these, or the path of a warehouse {engine.data_word}.",
        )
    for environment in project.environments:
        if engine_of(project, environment).environment(environment).is_same(data):
            return environment, data
    return None, data


def _version_of(project: Project, data: Data) -> Version | None:
    """The version of prod, or the candidate, that some data is; None where it is none."""
    versions = Versions(project)
    known = [*versions.kept(), *versions.stopped(), versions.dry_run(), versions.version(versions.candidate)]
    return next((version for version in known if version and version.data.is_same(data)), None)


def _require_whole(project: Project) -> None:
    """Where prod has lost its link or its data, nothing is built: a version that is whole is made prod again."""
    versions = Versions(project)
    try:
        if versions.current():
            versions.require_prod()
    except CannotRelease as reason:
        raise CannotCompare(reason.problem, reason.remedy) from None
