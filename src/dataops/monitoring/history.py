"""The history that Elementary keeps of an environment: where it is, and sessions that read or change it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dataops.engines import Data, Session, engine_of
from dataops.errors import DataopsError
from dataops.project import Environment, Project

TABLES = ("metadata", "dbt_invocations")  # two that every version of Elementary makes


def history(project: Project, environment: Environment) -> Data:
    """Where Elementary keeps its tables of an environment."""
    return engine_of(project, environment).monitoring(environment)


def schema_of(session: Session) -> str | None:
    """The schema of Elementary's tables: dbt names it after the schema of the target, which is the project's own affair. None where
    there are no such tables."""
    return next((schema for schema, name in sorted(session.relations()) if name in TABLES), None)


def use_schema(session: Session) -> None:
    """Makes a session look unqualified names up among Elementary's tables."""
    if schema := schema_of(session):
        session.use(schema)


@contextmanager
def opened(project: Project, environment: Environment, *, read_only: bool = True) -> Iterator[Session]:
    """A session that looks unqualified names up among Elementary's tables of an environment.

    Waits while a run writes to them.

    Raises:
        DataopsError: that takes too long.
    """
    with _session(history(project, environment), read_only) as session:
        use_schema(session)
        yield session


def _session(data: Data, read_only: bool = True) -> Session:
    if problem := data.wait(to_write=not read_only):
        raise DataopsError(problem)
    return data.open(read_only=read_only)


def tables_version(project: Project, environment: Environment) -> str | None:
    """The version of Elementary that created an environment's tables. None if the tables do not exist."""
    data = history(project, environment)
    if not data.exists():
        return None
    with _session(data) as session:
        schema = schema_of(session)
        if (schema, "metadata") not in session.relations():
            return None
        metadata = session.address(schema, "metadata")
        return next(iter(session.row(f"select dbt_pkg_version from {metadata}")), None)
