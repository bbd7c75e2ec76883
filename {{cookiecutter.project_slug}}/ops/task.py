"""Runs a module of ops as a task of the Makefile does: in the environment of TARGET, and with the variables of .env.

python -m ops.task ops.release --dry-run

What the environment sets wins over .env. A variable that cannot be right ends the task before it starts.
"""

from __future__ import annotations

import io
import os
import re
import runpy
import shlex
import sys
from pathlib import Path

PROJECT = Path(__file__).resolve().parent.parent
ENVIRONMENTS = ("dev", "ci", "prod")
NAME = re.compile(r"[A-Za-z_]\w*", re.ASCII)
DOLLAR = re.compile(r"(?<!\\)\$[A-Za-z_]")
MEMORY = re.compile(r"(?=.*[1-9])\d+(\.\d+)? ?[MGT](i?B)?", re.IGNORECASE)


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
    if target not in ENVIRONMENTS:
        return f"{name}={target} is not an environment of this project. Try: TARGET=dev, TARGET=ci or TARGET=prod"
    os.environ.update(DBT_TARGET=target, DBT_TARGET_PATH=f"target/{target}")
    return None


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


def prepare() -> str | None:
    """Sets up the environment variables of a task. Returns None, or which of them is wrong."""
    if not os.environ.get("DBT_TARGET"):
        os.environ.pop("DBT_TARGET", None)  # the Makefile of a CI job may set it to nothing
    tools = Path(sys.executable).parent
    os.environ["PATH"] = f"{tools}{os.pathsep}{os.environ.get('PATH') or os.defpath}"
    return (
        read_env_file(PROJECT / ".env")
        or choose_target()
        or warehouse_problem(os.environ.get("WAREHOUSE_DIR", ""))
        or memory_problem(os.environ.get("DUCKDB_MEMORY_LIMIT", ""))
    )


def main() -> None:
    if problem := prepare():
        print(problem, file=sys.stderr)
        sys.exit(2)
    module, sys.argv[1:] = sys.argv[1], sys.argv[2:]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
