"""The history that Elementary keeps of an environment: where it is, and sessions that read or change it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from dataops.engines import Data, Session, engine_of
from dataops.errors import DataopsError
from dataops.project import Environment, Project


def history(project: Project, environment: Environment) -> Data:
    """Where Elementary keeps its tables of an environment."""
    return engine_of(project, environment).monitoring(environment)


def schema(environment: Environment) -> str:
    """The schema of Elementary's tables there."""
    return "elementary" if environment.is_prod else f"{environment}_elementary"


@contextmanager
def opened(project: Project, environment: Environment, *, read_only: bool = True) -> Iterator[Session]:
    """A session that looks unqualified names up among Elementary's tables of an environment.

    Waits while a run writes to them.

    Raises:
        DataopsError: that takes too long.
    """
    with _session(history(project, environment), read_only) as session:
        session.use(schema(environment))
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
        if (schema(environment).lower(), "metadata") not in session.relations():
            return None
        metadata = session.address(schema(environment), "metadata")
        return next(iter(session.row(f"select dbt_pkg_version from {metadata}")), None)
