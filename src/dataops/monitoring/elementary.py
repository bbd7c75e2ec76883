"""Monitoring by Elementary: where it is on, its dbt package, and what a dbt command needs so that Elementary keeps its results."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from dataops.engines import Damage, engine_of
from dataops.errors import DataopsError
from dataops.installed import installed_packages, package_version
from dataops.monitoring import Monitor, damage, stub
from dataops.monitoring.history import history, tables_version
from dataops.project import Environment, Project
from dataops.typed import how_to_build, typed

DISTRIBUTION = "elementary-data"
# The commands whose results Elementary keeps.
MONITORED_COMMANDS = {"build", "run", "test", "seed", "snapshot", "source"}
ELEMENTARY = re.compile(
    r"(@|\d*\+)?(package:|fqn:|path:\S*/)?elementary([./]\S*)?(\+\d*)?"
)  # in dbt's selection syntax


def cli_version() -> str | None:
    """The version of Elementary's command line, or None where it is not installed."""
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:
        return None


def package_problem(project: Project) -> str | None:
    """None where Elementary's dbt package is installed and fits its command line, or what is wrong and what to do."""
    wanted, installed = cli_version(), package_version(installed_packages(project) / stub.PACKAGE)
    setup = typed("setup")
    if wanted is None:
        return (
            f"Elementary's command line is not installed. Add {DISTRIBUTION} to the dependency group dev of"
            f" pyproject.toml, in the version of elementary in packages.yml. Then: {setup}"
        )
    if installed is None:
        return f"The dbt packages are not installed. Type: {setup}"
    if installed == stub.VERSION:
        return (
            "Elementary's dbt package is not installed, so nothing was monitored. There are two ways to get it: set"
            " DBT_PACKAGES_DIR to a folder with the unpacked packages elementary and dbt_utils, or DBT_PACKAGE_HUB_URL to a"
            f" mirror of the dbt hub. Then: {setup}"
        )
    if installed != wanted:
        return (
            f"Elementary's dbt package is {installed} and its command line {wanted}: they must be equal. Write the same"
            f" version into packages.yml and pyproject.toml. Then: {setup}"
        )
    return None


class ElementaryMonitor(Monitor):
    """Elementary, in prod and where ELEMENTARY_ENABLED=true."""

    tools = (DISTRIBUTION,)

    def is_on(self, environment: Environment) -> bool:
        return (self.project.variables.get("ELEMENTARY_ENABLED") or str(environment.is_prod)).lower() == "true"

    def variables(self, environment: Environment, every_package: bool) -> dict[str, str]:
        is_on = self.is_on(environment)
        packages = stub.packages_variable(self.project, real=every_package or is_on)
        return {"ELEMENTARY_ENABLED": str(is_on).lower(), **packages}

    def make_usable(self, environment: Environment) -> str | None:
        if not self.is_on(environment):
            return None
        engine = engine_of(self.project, environment)
        return damage.make_usable(engine, engine.monitoring(environment))

    def preparation(self, environment: Environment, command: str, select: Sequence[str]) -> tuple[list[str], list[str]]:
        # Elementary's thirty models are built once for each version. After that its hooks fill them, so a build skips them.
        is_monitored = command.split()[0] in MONITORED_COMMANDS and self.is_on(environment)
        if not is_monitored or selects_elementary(select):
            return [], []
        if problem := package_problem(self.project):
            print(problem, file=sys.stderr)
            return [], []
        first = []
        if tables_version(self.project, environment) != cli_version():
            first = ["--quiet", "run", "--select", "package:elementary"]
        return first, ["--exclude", "package:elementary"] if command in ("build", "run") else []

    def replace_missing(self, packages: list[str], problem: str) -> str | None:
        if packages != [stub.PACKAGE]:
            return None
        stub.write(installed_packages(self.project) / stub.PACKAGE, stub.used_tests(self.project))
        return stub.summary(problem)

    def setup_problem(self) -> str | None:
        return package_problem(self.project) if stub.has_package(self.project) else None

    def require_package(self) -> None:
        if problem := package_problem(self.project):
            raise DataopsError(problem)

    def require_history(self, environment: Environment) -> None:
        self.require_package()
        data = history(self.project, environment)
        problem = engine_of(self.project, environment).damage(data)
        build = how_to_build(environment)
        if isinstance(problem, Damage):
            raise DataopsError(damage.described(problem), f"To set it aside and start a new history: {build}")
        if problem:
            raise DataopsError(problem)
        if tables_version(self.project, environment) is None:
            how = build if environment.is_prod else f"ELEMENTARY_ENABLED=true {build}"
            raise DataopsError(f"{environment} has not been monitored yet: {data.shown} is missing.", f"Type: {how}")


def selects_elementary(words: Sequence[str]) -> bool:
    """Whether words of dbt's selection name Elementary's package, or models in it.

    >>> selects_elementary(["orders+", "package:elementary"]), selects_elementary(["+elementary.edr.dbt_tests,tag:x"])
    (True, True)
    >>> selects_elementary(["elementary_schools"]), selects_elementary(["tag:elementary"]), selects_elementary([])
    (False, False, False)
    """
    return any(ELEMENTARY.fullmatch(part) for word in words for part in word.split(","))
