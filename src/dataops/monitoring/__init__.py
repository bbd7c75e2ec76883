"""Monitoring, chosen by the setting `monitoring` in [tool.dataops]: `elementary`, or `none`.

The rest of the package asks `monitor()` and knows nothing of Elementary:

elementary.py   Elementary: where it is on, its dbt package, what a dbt command needs
history.py      its tables: where they are, sessions that read them
damage.py       what to do about damaged ones
stub.py         replaces Elementary's dbt package where it cannot be had or has nothing to do
edr.py          its Python, configured for one environment
candidates.py   which runs built a candidate that did not become prod
report.py, alerts.py, stats.py, clean.py    the commands; messages.py has what alerts.py sends
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import click

from dataops.errors import DataopsError
from dataops.project import Environment, Project, place_of_settings
from dataops.typed import typed

OFF = 'Monitoring is off: the setting monitoring is "none" in {place}.'
SWITCH_ON = (
    'To switch it on, write monitoring = "elementary" there. Elementary needs packages and settings too: generate a project'
    " with monitoring=elementary, and copy what its pyproject.toml, packages.yml, profiles.yml, dbt_project.yml and"
    " macros/elementary.* have for it. Then: {setup}"
)


class Monitor(ABC):
    """What monitors dbt's runs.

    Args:
        project: whose runs they are.

    Attributes:
        tools: the Python distributions that it needs.
    """

    tools: tuple[str, ...] = ()

    def __init__(self, project: Project):
        self.project = project

    @abstractmethod
    def is_on(self, environment: Environment) -> bool:
        """Whether runs in an environment are monitored."""

    @abstractmethod
    def variables(self, environment: Environment, every_package: bool) -> dict[str, str]:
        """The environment variables that dbt needs.

        Args:
            environment: that dbt works in.
            every_package: whether dbt must see the packages as they are installed, as `dbt deps` must.
        """

    @abstractmethod
    def make_usable(self, environment: Environment) -> str | None:
        """Readies what a run in an environment writes to. Returns None, or why that is not possible."""

    @abstractmethod
    def preparation(self, environment: Environment, command: str, select: Sequence[str]) -> tuple[list[str], list[str]]:
        """What a dbt command needs so that its results are kept.

        Args:
            environment: that dbt works in.
            command: dbt's name of the command: `build`, `source freshness`.
            select: the words of its --select. If they name the monitoring package itself, the command is left as it is.

        Returns:
            A dbt command to run first, empty where none is needed, and options to add to the command itself.
        """

    @abstractmethod
    def replace_missing(self, packages: list[str], problem: str) -> str | None:
        """Installs a stub in place of packages that cannot be had.

        Args:
            packages: the names of the dbt packages that are missing.
            problem: why they cannot be had.

        Returns:
            What was done, or None where a stub cannot replace them.
        """

    @abstractmethod
    def setup_problem(self) -> str | None:
        """What is wrong with the installed packages, or None."""

    @abstractmethod
    def require_package(self) -> None:
        """Checks that the monitoring package is installed.

        Raises:
            DataopsError: it is not, or monitoring is off.
        """

    @abstractmethod
    def require_history(self, environment: Environment) -> None:
        """Checks that an environment has been monitored and that its history can be read.

        Raises:
            DataopsError: there is nothing to read, or monitoring is off.
        """


def _is_off(project: Project) -> DataopsError:
    return DataopsError(OFF.format(place=place_of_settings(project.root)), SWITCH_ON.format(setup=typed("setup")))


class NoMonitor(Monitor):
    """Monitoring is off. Elementary may still be installed: dbt sees its stub then, and its hooks do nothing."""

    def is_on(self, environment: Environment) -> bool:
        return False

    def variables(self, environment: Environment, every_package: bool) -> dict[str, str]:
        from dataops.monitoring import stub

        return {"ELEMENTARY_ENABLED": "false", **stub.packages_variable(self.project, real=every_package)}

    def make_usable(self, environment: Environment) -> str | None:
        return None

    def preparation(self, environment: Environment, command: str, select: Sequence[str]) -> tuple[list[str], list[str]]:
        return [], []

    def replace_missing(self, packages: list[str], problem: str) -> str | None:
        return None

    def setup_problem(self) -> str | None:
        return None

    def require_package(self) -> None:
        raise _is_off(self.project)

    def require_history(self, environment: Environment) -> None:
        raise _is_off(self.project)


environment_option = click.option(
    "--environment", "environment_name", metavar="NAME", help="Which environment; prod by default."
)


def chosen(project: Project, name: str | None) -> Environment:
    """The environment that `environment_option` names; prod where it names none.

    Raises:
        DataopsError: the project has none of that name.
    """
    return project.environment(name, "--environment ", by_role=True) if name else project.prod


def monitor(project: Project) -> Monitor:
    """The project's monitor, as the setting `monitoring` has it."""
    if project.settings.monitoring == "none":
        return NoMonitor(project)
    from dataops.monitoring.elementary import ElementaryMonitor

    return ElementaryMonitor(project)
