"""dbt as the tasks run it: with its environment ready, monitored, and kept from writing prod."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from dataops import dbt
from dataops.dbt import DbtCommand, Result, read_command
from dataops.engines import engine_of
from dataops.engines.registry import names_of_macros
from dataops.errors import IMPOSSIBLE, DataopsError
from dataops.manifest import Code
from dataops.monitoring import monitor
from dataops.project import Environment, Project
from dataops.typed import how_to_build
from dataops.versions import CannotRelease, Versions

WITHOUT_WAREHOUSE = {"clean", "deps", "list", "parse"}
BUILDING = {"build", "run", "seed", "snapshot", "retry", "clone"}


class CannotParse(DataopsError):
    """dbt cannot parse the project."""


def require_same_names(project: Project) -> None:
    """Checks that the dbt package knows the project's environments under the same names, because its macros guard prod.

    Raises:
        DataopsError: it does not.
    """
    names, known = dict(project.settings.environments), names_of_macros(project)
    if names != known:
        lines = ", ".join(f"{role}: {name}" for role, name in names.items())
        raise DataopsError(
            f"The settings call the environments {', '.join(names.values())}, and the macros {', '.join(known.values())}.",
            f"In dbt_project.yml, write: vars: {{dataops: {{environments: {{{lines}}}}}}}",
        )


class Runner:
    """dbt in one environment of a project.

    Args:
        project: the project. While a release builds a version of it, prod means the candidate.
        environment: that dbt works in.
        target_path: dbt's folder, from the root; the environment's own without.

    Attributes:
        target_path: dbt's folder, from the root.
    """

    def __init__(self, project: Project, environment: Environment, target_path: Path | None = None):
        self.project = project
        self.environment = environment
        self.target_path = target_path or project.target_path(environment)

    def run(self, *arguments: str, parsed: object = None) -> Result:
        """Runs one dbt command. dbt prints what it does and what failed.

        Args:
            arguments: what would follow `dbt` on a command line, without --target.
            parsed: of the result of `parse`; serves one command that builds.

        Raises:
            DataopsError: dbt does not accept the arguments.
            Interrupted: Ctrl-C ended it.
        """
        return self.run_command(read_command(arguments, self.project), arguments, parsed)

    def run_command(self, command: DbtCommand, arguments: tuple[str, ...], parsed: object = None) -> Result:
        """Like `run`, where the arguments were read before."""
        require_same_names(self.project)
        watching = monitor(self.project)
        variables = watching.variables(self.environment, every_package=command.name == "deps")
        if problem := self._prepare(command):
            print(f"dbt {' '.join(arguments)}: {problem}", file=sys.stderr)
            return Result(IMPOSSIBLE, problem)
        first, more = watching.preparation(self.environment, command.name, command.select)
        if first:
            print("Creating the tables of monitoring, once", flush=True)
            self._execute(first, variables)
        return self._execute((*arguments, *more), variables, parsed)

    def _execute(self, arguments, variables, parsed=None) -> Result:
        return dbt.execute(
            self.project,
            self.environment,
            arguments,
            target_path=self.target_path,
            variables=variables,
            parsed=parsed,
        )

    def _prepare(self, command: DbtCommand) -> str | None:
        """Readies the warehouse for a command. Returns None, or what stands in its way."""
        if command.name in WITHOUT_WAREHOUSE:
            return None
        if problem := monitor(self.project).make_usable(self.environment):
            return problem
        engine, environment = engine_of(self.project, self.environment), self.environment
        try:
            if not environment.is_prod or self.project.candidate:
                return engine.prepare(environment) or engine.environment(environment).wait(to_write=True)
            if command.name in BUILDING:
                return f"{environment} is written by releases only. Type: {how_to_build(environment)}"
            Versions(self.project).require_prod()
            return engine.environment(environment).wait()
        except CannotRelease as reason:
            return str(reason)
        except DataopsError as error:  # of profiles.yml
            return error.problem

    def parse(self) -> Code:
        """Parses the project, and reads the manifest that dbt writes.

        Raises:
            CannotParse: dbt cannot parse it.
            DataopsError: a model's thresholds are invalid.
        """
        result = self.run("--quiet", "parse")
        if not result.success:
            cause = (result.problem or "its message is above").rstrip(".")
            raise CannotParse(f"dbt cannot parse the project: {cause}.", "Fix the code first.")
        code = Code(json.loads(self.path("manifest.json").read_text(encoding="utf-8")), result.parsed)
        code.models  # noqa: B018 - read here, so that invalid thresholds stop a release before its build
        return code

    def path(self, name: str) -> Path:
        """A file that dbt writes."""
        return self.project.path(self.target_path, name)

    def node_names(self) -> list[str]:
        """The names of the models, seeds and snapshots in the manifest that dbt wrote last; empty where there is none."""
        try:
            nodes = json.loads(self.path("manifest.json").read_text(encoding="utf-8"))["nodes"].values()
        except (OSError, ValueError, KeyError):
            return []
        return [node["name"] for node in nodes if node["resource_type"] in ("model", "seed", "snapshot")]
