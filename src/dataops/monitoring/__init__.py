"""Monitoring by Elementary: where it is on, where its tables are, and that they are there before a run writes to them."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path

import duckdb

from dataops.errors import DataopsError
from dataops.installed import INSTALLED, package_version
from dataops.monitoring.damage import Damage, described, examine
from dataops.project import PROJECT, settings
from dataops.warehouse import how_to_build, wait_until_readable, wait_until_writable

PACKAGE = INSTALLED / "elementary"
ENVIRONMENTS = ("prod", "dev", "ci")
STAND_IN_VERSION = "0.0.0"  # of no release (stand_in.py)
ELEMENTARY = re.compile(r"(@|\d*\+)?(package:|fqn:|path:\S*/)?elementary([./]\S*)?(\+\d*)?")  # in a selection of dbt's
# The commands whose results Elementary keeps.
MONITORED_COMMANDS = {"build", "run", "test", "seed", "snapshot", "source"}


def is_on(target: str) -> bool:
    """Whether a run in an environment is monitored: in prod, and where ELEMENTARY_ENABLED says so."""
    return (
        settings().monitoring == "elementary"
        and (os.environ.get("ELEMENTARY_ENABLED") or str(target == "prod")).lower() == "true"
    )


def monitoring_file(target: str) -> Path:
    """The DuckDB file with Elementary's tables of an environment."""
    warehouses = Path(os.environ.get("WAREHOUSE_DIR") or "warehouse").expanduser()
    return PROJECT / warehouses / target / "monitoring.duckdb"


def schema(target: str) -> str:
    """The schema of Elementary's tables in that file."""
    return "elementary" if target == "prod" else f"{target}_elementary"


def has_package() -> bool:
    """Whether dbt_packages has Elementary itself, not what stands in for it."""
    return package_version(PACKAGE) not in (None, STAND_IN_VERSION)


def package_problem() -> str | None:
    """None where Elementary's dbt package is installed and fits its command line, or what is wrong and what to do."""
    wanted, found = version("elementary-data"), package_version(PACKAGE)
    if found is None:
        return "The dbt packages are not installed. Type: make setup"
    if found == STAND_IN_VERSION:
        return (
            "Elementary's dbt package is not installed, so nothing was monitored. Two ways to get it: set DBT_PACKAGES_DIR to"
            " a folder with the unpacked packages elementary and dbt_utils, or DBT_PACKAGE_HUB_URL to a mirror of the dbt"
            " hub. Then: make setup"
        )
    if found != wanted:
        return (
            f"Elementary's dbt package is {found} and its command line {wanted}: they must be equal. Write the same version"
            " into packages.yml and pyproject.toml. Then: make setup"
        )
    return None


@contextmanager
def opened(target: str, read_only: bool = True) -> Iterator[duckdb.DuckDBPyConnection]:
    """A connection to Elementary's tables of an environment, whose schema need not be named.

    Waits while a run writes to the file, and ends the program where that takes too long.
    """
    file = monitoring_file(target)
    if problem := (wait_until_readable if read_only else wait_until_writable)(file):
        raise DataopsError(problem)
    with duckdb.connect(str(file), read_only=read_only) as connection:
        connection.execute(f"use {schema(target)}")
        yield connection


def tables_version(target: str) -> str | None:
    """The version of Elementary that made the tables of an environment, or None where there are none."""
    if not monitoring_file(target).exists():
        return None
    try:
        with opened(target) as connection:
            (found,) = connection.execute("select dbt_pkg_version from metadata").fetchone()
    except (duckdb.CatalogException, TypeError):
        return None
    return found


def require(target: str) -> None:
    """Ends the program with what to do where there is nothing to read."""
    if problem := package_problem():
        raise DataopsError(problem)
    problem = examine(monitoring_file(target))
    if isinstance(problem, Damage):
        raise DataopsError(f"{described(problem)} To set it aside and start the history again: {how_to_build(target)}")
    if problem:
        raise DataopsError(problem)
    if tables_version(target) is None:
        how = ("" if target == "prod" else "ELEMENTARY_ENABLED=true ") + how_to_build(target)
        raise DataopsError(
            f"{target} has not been monitored yet: {os.path.relpath(monitoring_file(target))} is missing. Type: {how}"
        )


def preparation(target: str, command: str, select: Sequence[str]) -> tuple[list[str], list[str]]:
    """What a dbt command needs so that Elementary keeps its results.

    Elementary's own thirty models are made once for each version: after that its hooks fill them, so a build leaves
    them out.

    Args:
        target: the environment.
        command: dbt's name of the command: `build`, `source freshness`.
        select: the words of its --select. Where they name Elementary itself, the command is left as it is.

    Returns:
        A dbt command to run before, empty where none is needed, and options to add to the command itself.
    """
    if command.split()[0] not in MONITORED_COMMANDS or not is_on(target) or selects_elementary(select):
        return [], []
    if problem := package_problem():
        print(problem, file=sys.stderr)
        return [], []
    first = []
    if tables_version(target) != version("elementary-data"):
        first = ["--quiet", "run", "--select", "package:elementary", "--target", target]
    return first, ["--exclude", "package:elementary"] if command in ("build", "run") else []


def selects_elementary(words: Sequence[str]) -> bool:
    """Whether words of dbt's selection name Elementary's package, or models in it.

    >>> selects_elementary(["orders+", "package:elementary"]), selects_elementary(["+elementary.edr.dbt_tests,tag:x"])
    (True, True)
    >>> selects_elementary(["elementary_schools"]), selects_elementary(["tag:elementary"]), selects_elementary([])
    (False, False, False)
    """
    return any(ELEMENTARY.fullmatch(part) for word in words for part in word.split(","))
