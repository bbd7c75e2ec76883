"""A dbt project whose commands run in this process, which saves the seconds that dbt takes to start."""

from __future__ import annotations

import contextlib
import io
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb

from tests.helpers import REPOSITORY, clean_environment

PROJECT = Path(__file__).parent / "project"
MODELS = PROJECT / "models"


@dataclass(frozen=True)
class Outcome:
    """How a dbt command ended.

    Attributes:
        success: whether dbt would have exited with 0.
        output: what dbt printed, and the error that ended it.
        result: dbt's own result: a manifest, or the results of the nodes.
    """

    success: bool
    output: str
    result: Any

    def messages(self) -> dict[str, str]:
        """What dbt reports of each node, by name."""
        return {one.node.name: str(one.message) for one in self.result.results}


@dataclass(frozen=True)
class DbtProject:
    """A copy of tests/dbt_package/project in a folder of its own."""

    folder: Path

    @classmethod
    def create(cls, folder: Path, *, without: tuple[str, ...] = ()) -> DbtProject:
        """Copies the project into an empty folder, without some folders of models, and installs the package with `dbt deps`."""
        project = cls(folder / "project")
        shutil.copytree(
            PROJECT, project.folder, ignore=shutil.ignore_patterns("target", "logs", "dbt_packages", *without)
        )
        packages = f"packages:\n  - local: {REPOSITORY}\n"
        (project.folder / "packages.yml").write_text(packages, encoding="utf-8")
        project.succeed("deps")
        return project

    def copy(self, folder: Path) -> DbtProject:
        """A copy that a test may change."""
        return type(self)(shutil.copytree(self.folder, folder / self.folder.name, symlinks=True))

    def dbt(self, *arguments: str, listen: Callable[[Any], None] | None = None, **environment: str) -> Outcome:
        """Runs a dbt command in the project's folder.

        Args:
            arguments: what would be typed after `dbt`.
            listen: called with each event that dbt logs.
            environment: added to the environment variables that dbt sees.
        """
        from dbt.adapters.duckdb.connections import DuckDBConnectionManager
        from dbt.cli.main import dbtRunner

        output = io.StringIO()
        with (
            mock.patch.dict(os.environ, clean_environment(DBT_USE_COLORS="false") | environment, clear=True),
            contextlib.chdir(self.folder),
            contextlib.redirect_stdout(output),
        ):
            done = dbtRunner(callbacks=[listen] if listen else []).invoke(["--quiet", *arguments])
            DuckDBConnectionManager.close_all_connections()  # else the next project writes to this one's warehouse
        return Outcome(done.success, f"{output.getvalue()}{done.exception or ''}", done.result)

    def succeed(self, *arguments: str, **environment: str) -> Outcome:
        """Like `dbt`, and fails the test where the command fails."""
        outcome = self.dbt(*arguments, **environment)
        assert outcome.success, f"dbt {' '.join(arguments)}: {outcome.output}"
        return outcome

    def statements(self, *arguments: str) -> list[str]:
        """The SQL statements that a dbt command runs, in order."""
        found: list[str] = []

        def listen(event: Any) -> None:
            if event.info.name == "SQLQuery":
                found.append(event.data.sql)

        assert self.dbt(*arguments, listen=listen).success
        return found

    def compiled(self, *calls: str, **environment: str) -> list[str]:
        """The SQL that calls of the package's macros become, from one dbt command."""
        inline = "\n--next--\n".join(f"{{{{ dataops.{call} }}}}" for call in calls)
        (result,) = self.succeed("compile", "--inline", inline, **environment).result.results
        return result.node.compiled_code.split("\n--next--\n")

    def sql(self, statement: str, *values: object, target: str = "dev") -> list[tuple]:
        """Runs a statement in the warehouse of a target."""
        with duckdb.connect(str(self.folder / f"{target}.duckdb")) as warehouse:
            return warehouse.execute(statement, values).fetchall()
