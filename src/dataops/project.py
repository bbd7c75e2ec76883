"""The project: its root, its settings, and the environment variables that a command reads.

A command begins with `prepare()`: it goes to the project's root, reads .env and checks the variables that everything depends on.
What the environment sets wins over .env.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from dataops.errors import DataopsError, did_you_mean


def find_root(start: Path) -> Path | None:
    """The nearest folder with a dbt_project.yml, from a folder upwards; None where there is none."""
    return next((folder for folder in (start, *start.parents) if (folder / "dbt_project.yml").is_file()), None)


STARTED_IN = Path.cwd()  # paths on the command line are relative to it
PROJECT = find_root(STARTED_IN) or STARTED_IN
ENVIRONMENTS = ("dev", "ci", "prod")
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
DOLLAR = re.compile(r"(?<!\\)\$[A-Za-z_]")
MEMORY = re.compile(r"(?=.*[1-9])\d+(\.\d+)? ?[MGT](i?B)?", re.IGNORECASE)


@dataclass(frozen=True)
class Settings:
    """The table [tool.dataops] of pyproject.toml, or dataops.toml.

    Attributes:
        monitoring: `elementary`, or `none`.
        alerts: where alerts go: `slack`, `teams` or `none`.
        code_host: `github`, `gitlab` or `none`.
    """

    monitoring: str = "none"
    alerts: str = "none"
    code_host: str = "none"


CHOICES = {
    "monitoring": ("elementary", "none"),
    "alerts": ("slack", "teams", "none"),
    "code_host": ("github", "gitlab", "none"),
}


def pyproject() -> dict[str, Any]:
    """The project's pyproject.toml; empty where there is none.

    Raises:
        DataopsError: it is not valid TOML.
    """
    return _read_toml(PROJECT / "pyproject.toml")


def _read_toml(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataopsError(f"{file.name} cannot be read: {error}.", "Fix it, then run the command again.") from None


@cache
def settings() -> Settings:
    """The project's settings.

    Raises:
        DataopsError: a setting is misspelt or has an unknown value.
    """
    values = pyproject().get("tool", {}).get("dataops")
    where = "[tool.dataops] in pyproject.toml"
    if values is None:
        values, where = _read_toml(PROJECT / "dataops.toml"), "dataops.toml"
    for name, value in values.items():
        if name not in CHOICES:
            raise DataopsError(f"{where} has a setting {name!r}.", f"The settings are: {', '.join(CHOICES)}.")
        if value not in CHOICES[name]:
            raise DataopsError(f"{where}: {name} is {value!r}.", f"It must be one of: {', '.join(CHOICES[name])}.")
    return Settings(**values)


def read_env_file(file: Path) -> str | None:
    """Sets the variables of a .env file that the environment does not set. Returns None, or what is wrong with the file.

    python-dotenv would leave out the lines that it cannot read, and the task would go on: in another warehouse, perhaps.
    """
    if not file.exists():
        return None
    try:
        from dotenv import load_dotenv
        from dotenv.parser import parse_stream
    except ModuleNotFoundError:  # .venv is from before an update of the template
        return ".env cannot be read: python-dotenv is not installed. Type: make setup"
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        return f".env cannot be read, so nothing was run: {error}"
    for line in parse_stream(io.StringIO(text)):
        if problem := problem_of_line(line.key, line.value, line.original.string, line.error):
            number = line.original.line + line.original.string[: -len(line.original.string.lstrip())].count("\n")
            return f".env cannot be read, so nothing was run. Every line must be NAME=value. Line {number}: {problem}"
    load_dotenv(stream=io.StringIO(text), override=False)
    return None


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


def choose_target() -> str | None:
    """Sets DBT_TARGET to TARGET, where that is given, and dbt's folder to one of that target's own: with a shared one dbt
    would parse the whole project after each change of target. Returns None, or what is wrong with the target."""
    name = "TARGET" if "TARGET" in os.environ else "DBT_TARGET"
    target = os.environ.get(name, "").strip() or ("dev" if name == "DBT_TARGET" else "")
    if problem := environment_problem(target, f"{name}="):
        return problem
    os.environ.update(DBT_TARGET=target, DBT_TARGET_PATH=f"target/{target}")
    return None


def environment_problem(name: str, prefix: str) -> str | None:
    """What is wrong with the name of an environment, or None.

    Args:
        name: what was typed.
        prefix: what was typed before it: `TARGET=`, `--target `.

    >>> environment_problem("prod", "TARGET=")
    >>> environment_problem("pord", "TARGET=")
    'TARGET=pord is not an environment of this project. Did you mean TARGET=prod? The environments are: dev, ci, prod.'
    >>> environment_problem("staging", "--target ")
    '--target staging is not an environment of this project. The environments are: dev, ci, prod.'
    """
    if name in ENVIRONMENTS:
        return None
    guess = did_you_mean(name, ENVIRONMENTS, prefix)
    return (
        f"{prefix}{name} is not an environment of this project.{guess} The environments are: {', '.join(ENVIRONMENTS)}."
    )


def warehouse_problem(folder: str) -> str | None:
    """What is wrong with a value of WAREHOUSE_DIR, or None. A folder that is missing is made inside the project only:
    elsewhere it may be a typing error, and prod would start again from nothing.

    >>> warehouse_problem("warehouse"), warehouse_problem(""), warehouse_problem("/tmp")
    (None, None, None)
    >>> print(warehouse_problem("/wearhouse/my shop"))
    WAREHOUSE_DIR is /wearhouse/my shop, which does not exist. Outside the project, the folder is not made for you. If the path is right: mkdir -p '/wearhouse/my shop'
    """
    try:
        path = PROJECT / Path(folder or "warehouse").expanduser()
        real = path.resolve()
        if path.exists() or real.is_relative_to(PROJECT):
            return None
    except (OSError, RuntimeError, ValueError) as error:  # an unknown user's ~, a loop of links
        return f"WAREHOUSE_DIR is {folder}, which cannot be a folder: {error}"
    return (
        f"WAREHOUSE_DIR is {folder or 'warehouse'}, which does not exist. Outside the project, the folder is not made for you."
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


def prepare() -> None:
    """Goes to the project's root and sets up the environment variables of a command.

    Raises:
        DataopsError: one of them is wrong, or there is no project here.
    """
    if find_root(STARTED_IN) is None:
        raise DataopsError(
            f"There is no dbt project in {STARTED_IN}: no dbt_project.yml in it or in a folder above.",
            "Run dataops in a dbt project.",
        )
    os.chdir(PROJECT)
    if not os.environ.get("DBT_TARGET"):
        os.environ.pop("DBT_TARGET", None)  # the Makefile of a CI job may set it to nothing
    tools = Path(sys.executable).parent
    os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ.get('PATH') or os.defpath}"
    problem = (
        read_env_file(PROJECT / ".env")
        or choose_target()
        or warehouse_problem(os.environ.get("WAREHOUSE_DIR", ""))
        or memory_problem(os.environ.get("DUCKDB_MEMORY_LIMIT", ""))
        or threads_problem(os.environ.get("DBT_THREADS", ""))
    )
    if problem:
        raise DataopsError(problem)
