"""Monitoring by Elementary: where it is on, its dbt package, and what a dbt command needs so that Elementary keeps its results."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

from dataops.errors import DataopsError
from dataops.installed import INSTALLED, package_version
from dataops.monitoring import Monitor, damage, stub
from dataops.monitoring.history import monitoring_file, tables_version
from dataops.warehouse import how_to_build

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


def package_problem() -> str | None:
    """None where Elementary's dbt package is installed and fits its command line, or what is wrong and what to do."""
    wanted, installed = cli_version(), package_version(INSTALLED / stub.PACKAGE)
    if wanted is None:
        return (
            f"Elementary's command line is not installed. Add {DISTRIBUTION} to the dependency group dev of"
            " pyproject.toml, in the version of elementary in packages.yml. Then: make setup"
        )
    if installed is None:
        return "The dbt packages are not installed. Type: make setup"
    if installed == stub.VERSION:
        return (
            "Elementary's dbt package is not installed, so nothing was monitored. There are two ways to get it: set"
            " DBT_PACKAGES_DIR to a folder with the unpacked packages elementary and dbt_utils, or DBT_PACKAGE_HUB_URL to a"
            " mirror of the dbt hub. Then: make setup"
        )
    if installed != wanted:
        return (
            f"Elementary's dbt package is {installed} and its command line {wanted}: they must be equal. Write the same"
            " version into packages.yml and pyproject.toml. Then: make setup"
        )
    return None


class ElementaryMonitor(Monitor):
    """Elementary, in prod and where ELEMENTARY_ENABLED=true."""

    tools = (DISTRIBUTION,)

    def is_on(self, target: str) -> bool:
        return (os.environ.get("ELEMENTARY_ENABLED") or str(target == "prod")).lower() == "true"

    def environment(self, target: str, every_package: bool) -> dict[str, str]:
        return stub.packages_variable(real=every_package or self.is_on(target))

    def make_usable(self, target: str) -> str | None:
        return damage.make_usable(monitoring_file(target)) if self.is_on(target) else None

    def preparation(self, target: str, command: str, select: Sequence[str]) -> tuple[list[str], list[str]]:
        # Elementary's thirty models are built once for each version. After that its hooks fill them, so a build skips them.
        if command.split()[0] not in MONITORED_COMMANDS or not self.is_on(target) or selects_elementary(select):
            return [], []
        if problem := package_problem():
            print(problem, file=sys.stderr)
            return [], []
        first = []
        if tables_version(target) != cli_version():
            first = ["--quiet", "run", "--select", "package:elementary", "--target", target]
        return first, ["--exclude", "package:elementary"] if command in ("build", "run") else []

    def replace_missing(self, packages: list[str], problem: str) -> str | None:
        if packages != [stub.PACKAGE]:
            return None
        stub.write(INSTALLED / stub.PACKAGE, stub.used_tests())
        return stub.MESSAGE.format(problem=problem)

    def setup_problem(self) -> str | None:
        return package_problem() if stub.has_package() else None

    def require_package(self) -> None:
        if problem := package_problem():
            raise DataopsError(problem)

    def require_history(self, target: str) -> None:
        self.require_package()
        file = monitoring_file(target)
        problem = damage.examine(file)
        if isinstance(problem, damage.Damage):
            raise DataopsError(
                damage.described(problem), f"To set it aside and start a new history: {how_to_build(target)}"
            )
        if problem:
            raise DataopsError(problem)
        if tables_version(target) is None:
            how = ("" if target == "prod" else "ELEMENTARY_ENABLED=true ") + how_to_build(target)
            raise DataopsError(
                f"{target} has not been monitored yet: {os.path.relpath(file)} is missing.", f"Type: {how}"
            )


def selects_elementary(words: Sequence[str]) -> bool:
    """Whether words of dbt's selection name Elementary's package, or models in it.

    >>> selects_elementary(["orders+", "package:elementary"]), selects_elementary(["+elementary.edr.dbt_tests,tag:x"])
    (True, True)
    >>> selects_elementary(["elementary_schools"]), selects_elementary(["tag:elementary"]), selects_elementary([])
    (False, False, False)
    """
    return any(ELEMENTARY.fullmatch(part) for word in words for part in word.split(","))
