"""The project: its root, its settings, its environments, and the environment variables that a command reads.

The one module that reads the process's environment variables. `load()` makes a `Project` of them, which services take as an
argument; dbt.py sets variables, for dbt alone.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from dataops.errors import DataopsError, did_you_mean

NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
TARGET_NAME = re.compile(r"[A-Za-z_][\w-]*", re.ASCII)
DOLLAR = re.compile(r"(?<!\\)\$[A-Za-z_]")
MEMORY = re.compile(r"(?=.*[1-9])\d+(\.\d+)? ?[MGT](i?B)?", re.IGNORECASE)
ROLES = ("dev", "ci", "prod")
CHOICES = {
    "monitoring": ("elementary", "none"),
    "alerts": ("slack", "teams", "none"),
    "code_host": ("github", "gitlab", "none"),
}


@dataclass(frozen=True)
class Settings:
    """The table [tool.dataops] of pyproject.toml, or dataops.toml.

    Attributes:
        monitoring: `elementary`, or `none`.
        alerts: where alerts go: `slack`, `teams` or `none`.
        code_host: `github`, `gitlab` or `none`.
        environments: the dbt target of each role: `dev`, `ci` and `prod`.
    """

    monitoring: str = "none"
    alerts: str = "none"
    code_host: str = "none"
    environments: Mapping[str, str] = field(default_factory=lambda: dict(zip(ROLES, ROLES, strict=True)))


@dataclass(frozen=True)
class Environment:
    """One of the project's environments.

    Attributes:
        role: what it is for: `dev`, `ci` or `prod`.
        name: what people type, which is also its dbt target.
        folder: for its warehouse, its versions and what monitoring keeps of it.
    """

    role: str
    name: str
    folder: Path

    @property
    def is_prod(self) -> bool:
        """Whether only releases write it."""
        return self.role == "prod"

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, eq=False)
class Project:
    """A dbt project.

    Attributes:
        root: the folder with dbt_project.yml.
        started_in: the folder that the command was typed in; paths on the command line are relative to it.
        settings: [tool.dataops] of pyproject.toml.
        variables: the environment variables, with those of .env.
        candidate: the id of the version that a release is building. The environment prod means that candidate then.
    """

    root: Path
    started_in: Path
    settings: Settings = Settings()
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)  # some are secrets
    candidate: str | None = None

    @cached_property
    def environments(self) -> tuple[Environment, ...]:
        """dev, ci and prod, under the names that the project gives them."""
        names = self.settings.environments
        return tuple(Environment(role, names[role], self.warehouses / names[role]) for role in ROLES)

    @property
    def dev(self) -> Environment:
        """Where a developer builds."""
        return self.environments[0]

    @property
    def ci(self) -> Environment:
        """Where a run of CI builds."""
        return self.environments[1]

    @property
    def prod(self) -> Environment:
        """What readers use, written by releases only."""
        return self.environments[2]

    def environment(self, name: str, prefix: str = "", *, by_role: bool = False) -> Environment:
        """The environment of a name.

        Args:
            name: as it was typed.
            prefix: what was typed before it: `TARGET=`, `--target `.
            by_role: whether a role will do where no target has that name, so that workflows and hooks need no names of targets.

        Raises:
            DataopsError: the project has none of that name.
        """
        known = [(one.name, one) for one in self.environments]
        for called, environment in [*known, *((one.role, one) for one in self.environments if by_role)]:
            if called == name:
                return environment
        names = [environment.name for environment in self.environments]
        guess = did_you_mean(name, names, prefix)
        raise DataopsError(
            f"{prefix}{name} is not an environment of this project.{guess} The environments are: {', '.join(names)}."
        )

    @property
    def target(self) -> Environment:
        """The environment that a command works in: TARGET (a target or a role), else DBT_TARGET, else dev.

        Raises:
            DataopsError: the project has no such environment.
        """
        if "TARGET" in self.variables:
            return self.environment(self.variables["TARGET"].strip(), "TARGET=", by_role=True)
        name = self.variables.get("DBT_TARGET", "").strip()
        return self.environment(name, "DBT_TARGET=") if name else self.dev

    @cached_property
    def warehouses(self) -> Path:
        """The folder that has one for each environment: WAREHOUSE_DIR, else warehouse/."""
        return self.root / Path(self.variables.get("WAREHOUSE_DIR") or "warehouse").expanduser()

    def target_path(self, environment: Environment) -> Path:
        """dbt's folder for an environment, from the root. One for each: with a shared one, dbt would discard its parse cache
        whenever the environment changes. A release has its own, because prod means another file then."""
        return Path("target", "release" if self.candidate and environment.is_prod else environment.name)

    def path(self, *parts: str | Path) -> Path:
        """A path in the project."""
        return self.root.joinpath(*parts)

    def with_variables(self, **variables: str) -> Project:
        """The same project with other values of some environment variables."""
        return replace(self, variables={**self.variables, **variables})

    def as_candidate(self, id: str) -> Project:
        """The same project while a release builds a version: prod means its candidate."""
        return replace(self, candidate=id)

    def with_target(self, environment: Environment) -> Project:
        """The same project with another environment to work in."""
        variables = {name: value for name, value in self.variables.items() if name != "TARGET"}
        return replace(self, variables={**variables, "DBT_TARGET": environment.name})

    @cached_property
    def pyproject(self) -> dict[str, Any]:
        """pyproject.toml; empty where there is none.

        Raises:
            DataopsError: it is not valid TOML.
        """
        return _read_toml(self.root / "pyproject.toml")


def find_root(start: Path) -> Path | None:
    """The nearest folder with a dbt_project.yml, from a folder upwards; None where there is none."""
    return next((folder for folder in (start, *start.parents) if (folder / "dbt_project.yml").is_file()), None)


def load(*, checked: bool = True) -> Project:
    """The project around the working directory, with the environment variables of this process and of its .env.

    Args:
        checked: whether to read .env and check the variables that everything depends on. Without, any folder will do.

    Raises:
        DataopsError: there is no project, its settings are wrong, or a variable is.
    """
    started_in = Path.cwd()
    root = find_root(started_in)
    if root is None and checked:
        raise DataopsError(
            f"There is no dbt project in {started_in}: no dbt_project.yml in it or in a folder above.",
            "Run dataops in a dbt project.",
        )
    root = root or started_in
    variables = dict(os.environ)
    if not variables.get("DBT_TARGET"):
        variables.pop("DBT_TARGET", None)  # the Makefile of a CI job may set it to nothing
    if not checked:
        return Project(root, started_in, read_settings(root), variables)
    variables = {**read_env_file(root / ".env"), **variables}
    tools = Path(sys.executable).parent
    variables["PATH"] = f"{tools}{os.pathsep}{variables.get('PATH') or os.defpath}"
    settings = read_settings(root)
    target = Project(root, started_in, settings, variables).target
    project = Project(root, started_in, settings, {**variables, "DBT_TARGET": target.name})
    problem = (
        warehouse_problem(variables.get("WAREHOUSE_DIR", ""), root)
        or memory_problem(variables.get("DUCKDB_MEMORY_LIMIT", ""))
        or threads_problem(variables.get("DBT_THREADS", ""))
    )
    if problem:
        raise DataopsError(problem)
    return project


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataopsError(f"{file.name} cannot be read: {error}.", "Fix it, then run the command again.") from None


def place_of_settings(root: Path) -> str:
    """Where the settings of a project are, or belong where it has none, as messages name it.

    Raises:
        DataopsError: pyproject.toml is not valid TOML.
    """
    file = root / "pyproject.toml"
    if "dataops" in _read_toml(file).get("tool", {}) or (file.exists() and not (root / "dataops.toml").exists()):
        return "[tool.dataops] of pyproject.toml"
    return "dataops.toml"


def read_settings(root: Path) -> Settings:
    """The settings of a project: [tool.dataops] of its pyproject.toml, or dataops.toml.

    Raises:
        DataopsError: a setting is misspelt or has an unknown value.
    """
    where = place_of_settings(root)
    in_pyproject = _read_toml(root / "pyproject.toml").get("tool", {}).get("dataops")
    values = dict(_read_toml(root / "dataops.toml") if in_pyproject is None else in_pyproject)
    environments = _environments(values.pop("environments", {}), where)
    for name, value in values.items():
        if name not in CHOICES:
            guess = did_you_mean(name, [*CHOICES, "environments"])
            raise DataopsError(
                f"{where} has a setting {name!r}.{guess}", f"The settings are: {', '.join(CHOICES)}, environments."
            )
        if value not in CHOICES[name]:
            raise DataopsError(f"{where}: {name} is {value!r}.", f"It must be one of: {', '.join(CHOICES[name])}.")
    return Settings(**values, environments=environments)


def _environments(values: Any, where: str) -> dict[str, str]:
    """The dbt target of each role, from the table `environments`."""
    example = 'Write, for example: environments = {dev = "development", ci = "ci", prod = "production"}'
    if not isinstance(values, dict) or not values.keys() <= set(ROLES):
        raise DataopsError(f"{where}: environments must name the targets of dev, ci and prod, not {values!r}.", example)
    names = {role: values.get(role, role) for role in ROLES}
    for name in names.values():
        if not isinstance(name, str) or not TARGET_NAME.fullmatch(name):
            raise DataopsError(f"{where}: {name!r} in environments is not the name of a dbt target.", example)
    if "-" in names["prod"]:
        raise DataopsError(
            f"{where}: {names['prod']!r} in environments also names prod's database, so it cannot have a -.", example
        )
    if len(set(names.values())) < len(names):
        raise DataopsError(f"{where}: environments gives one target to two of dev, ci and prod.", example)
    return names


def read_env_file(file: Path) -> dict[str, str]:
    """The variables of a .env file; none where there is no file.

    python-dotenv would leave out the lines that it cannot read, and the task would go on: in another warehouse, perhaps.

    Raises:
        DataopsError: it cannot be read.
    """
    if not file.exists():
        return {}
    try:
        from dotenv.main import DotEnv
        from dotenv.parser import parse_stream
    except ModuleNotFoundError:  # .venv is from before an update of the template
        raise DataopsError(
            ".env cannot be read: python-dotenv is not installed. Install the tools of the project again."
        ) from None
    try:
        text = file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        line = file.read_bytes()[: error.start].count(b"\n") + 1
        raise DataopsError(
            f".env cannot be read, so nothing was run: line {line} is not UTF-8 text.", "Save it as UTF-8."
        ) from None
    except OSError as error:
        raise DataopsError(f".env cannot be read, so nothing was run: {error.strerror}.") from None
    for line in parse_stream(io.StringIO(text)):
        if problem := problem_of_line(line.key, line.value, line.original.string, line.error):
            number = line.original.line + line.original.string[: -len(line.original.string.lstrip())].count("\n")
            raise DataopsError(
                f".env cannot be read, so nothing was run. Every line must be NAME=value. Line {number}: {problem}"
            )
    found = DotEnv(None, stream=io.StringIO(text), override=False).dict()
    return {name: value for name, value in found.items() if value is not None}


def problem_of_line(name: str | None, value: str | None, line: str, unreadable: bool) -> str | None:
    """What is wrong with a line of .env, or None. Its value may be a secret and is not repeated.

    >>> problem_of_line("DEV_NAME", "ada", "export DEV_NAME = 'ada' # me", False)
    >>> problem_of_line("DEV_NAME", None, "DEV_NAME", False)
    'it has no =.'
    >>> problem_of_line("DEV NAME", "ada", "'DEV NAME'=ada", False)
    "'DEV NAME' is not a valid name."
    >>> problem_of_line("DEV_NAME", "ada l", "DEV_NAME=ada l", False)
    'a value with spaces needs quotes: DEV_NAME="..."'
    >>> problem_of_line("WAREHOUSE_DIR", "$HOME/data", "WAREHOUSE_DIR=$HOME/data", False)
    "a variable is written ${HOME}. For a plain $, put the value in single quotes: WAREHOUSE_DIR='...'"
    """
    if unreadable:
        return "it cannot be read."
    if name is None:  # a comment, or nothing
        return None
    if value is None:
        return "it has no =."
    if not NAME.fullmatch(name):
        return f"{name!r} is not a valid name."
    quote = line.partition("=")[2].lstrip()[:1]
    if quote not in ("'", '"') and len(value.split()) > 1:
        return f'a value with spaces needs quotes: {name}="..."'
    if quote != "'" and DOLLAR.search(value):
        return f"a variable is written ${{HOME}}. For a plain $, put the value in single quotes: {name}='...'"
    return None


def warehouse_problem(folder: str, root: Path) -> str | None:
    """What is wrong with a value of WAREHOUSE_DIR, or None. A missing folder is made inside the project only:
    elsewhere it may be a typing error, and prod would start again from nothing.

    >>> root = Path("/shop")
    >>> warehouse_problem("warehouse", root), warehouse_problem("", root), warehouse_problem("/tmp", root)
    (None, None, None)
    >>> print(warehouse_problem("/wearhouse/my shop", root))
    WAREHOUSE_DIR is /wearhouse/my shop, which does not exist. Outside the project, the folder is not created for you. If the path is right: mkdir -p '/wearhouse/my shop'
    """
    try:
        path = root / Path(folder or "warehouse").expanduser()
        real = path.resolve()
        if path.exists() or real.is_relative_to(root):
            return None
    except (OSError, RuntimeError, ValueError) as error:  # an unknown user's ~, a loop of links
        return f"WAREHOUSE_DIR is {folder}, which cannot be a folder: {error}"
    return (
        f"WAREHOUSE_DIR is {folder or 'warehouse'}, which does not exist. Outside the project, the folder is not created for you."
        f" If the path is right: mkdir -p {shlex.quote(str(real))}"
    )


def memory_problem(limit: str) -> str | None:
    """What is wrong with a value of DUCKDB_MEMORY_LIMIT, or None. DuckDB takes "-1" and "none" as no limit at all.

    >>> [memory_problem(limit) for limit in ("", "1GB", "0.5 GiB", "500mb", "2g")]
    [None, None, None, None, None]
    >>> memory_problem("-1")
    "DUCKDB_MEMORY_LIMIT is '-1'. It must be a number with a unit, as in 500MB or 1.5GB; without it, DuckDB takes up to 80 % of the memory."
    >>> [bool(memory_problem(limit)) for limit in ("lots", "10%", "100", "0GB", " ", "none", "1 PB")]
    [True, True, True, True, True, True, True]
    """
    if not limit or MEMORY.fullmatch(limit):
        return None
    return (
        f"DUCKDB_MEMORY_LIMIT is {limit!r}. It must be a number with a unit, as in 500MB or 1.5GB; without it, DuckDB takes"
        " up to 80 % of the memory."
    )


def threads_problem(threads: str) -> str | None:
    """What is wrong with a value of DBT_THREADS, or None.

    >>> threads_problem(""), threads_problem("4"), threads_problem("0")
    (None, None, "DBT_THREADS is '0'. It must be a number of threads, 1 or more.")
    """
    if not threads or (threads.isdecimal() and int(threads) > 0):
        return None
    return f"DBT_THREADS is {threads!r}. It must be a number of threads, 1 or more."
