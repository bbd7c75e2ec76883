"""Runs dbt commands one after another in one process: starting dbt costs two seconds, a second command 0.2.

dataops build --select orders+
"""

from __future__ import annotations

import contextlib
import os
import re
import sys
import textwrap
from collections.abc import Callable

import click
from dbt.adapters.duckdb.connections import DuckDBConnectionManager
from dbt.cli import requires
from dbt.cli.main import dbtRunner, dbtRunnerResult
from dbt.contracts.graph.manifest import Manifest
from dbt.exceptions import DbtProfileError, DbtProjectError
from dbt_common.events.base_types import EventMsg
from dbt_common.exceptions import DbtBaseException

from dataops import monitoring
from dataops.errors import IMPOSSIBLE, WRONG, DataopsError, Interrupted
from dataops.monitoring import damage, stub
from dataops.project import settings, warehouse_problem
from dataops.release import CannotRelease, store
from dataops.typed import tool
from dataops.warehouse import how_to_build, is_candidate, wait_until_readable, wait_until_writable, warehouse_file

WITHOUT_WAREHOUSE = {"clean", "deps", "list", "ls", "parse"}
FAILURES = ("error", "fail", "runtime error", "partial success")  # how a node can end that stops a build
HEADING = re.compile(r"[A-Z]\w+ Error( in .*)?")  # the first line of an error of dbt's: the next one says what is wrong
BUILDING = {"build", "run", "seed", "snapshot", "retry", "clone"}
fire_event = requires.fire_event


def _fire_unless_interrupted(event, *arguments, **options) -> None:
    """What dbt reports when a command ends with an exception. Of Ctrl-C it would print a traceback."""
    if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
        fire_event(event, *arguments, **options)


requires.fire_event = _fire_unless_interrupted


class CannotStart(Exception):
    """What stands in the way of a dbt command."""


def invoke_dbt(
    *arguments: str, manifest: Manifest | None = None, on_event: Callable[[EventMsg], None] | None = None
) -> dbtRunnerResult:
    """Runs one dbt command and returns dbt's result. dbt prints what it does and what failed.

    Args:
        arguments: what would follow `dbt` on a command line.
        manifest: the project as it was parsed before, which saves dbt reading it again. dbt notes in it what it compiles,
            so one manifest serves one command that builds.
        on_event: gets everything that dbt reports.
    """
    try:
        problem = _prepare(arguments)
        if not problem:
            first, more = monitoring.preparation(target_of(arguments), arguments)
            arguments += tuple(more)
            if first:
                print("Making Elementary's tables, once", flush=True)
                dbtRunner().invoke(first)
        runner = dbtRunner(manifest, callbacks=[on_event] if on_event else [])
        stopped = dbtRunnerResult(success=False, exception=CannotStart(problem))
        result = stopped if problem else runner.invoke(list(arguments))
    except KeyboardInterrupt as interrupt:
        result, problem = dbtRunnerResult(success=False, exception=interrupt), None
    if isinstance(result.exception, KeyboardInterrupt):
        raise Interrupted(
            f"Stopped: dbt {' '.join(arguments)} did not finish. Nothing to clean up. Run the command again."
        )
    if problem or result.exception:
        print(f"dbt {' '.join(arguments)}: {problem or result.exception}", file=sys.stderr)
    return result


def run_dbt(*arguments: str) -> bool:
    """Runs one dbt command like `invoke_dbt` and returns whether it succeeded."""
    return invoke_dbt(*arguments).success


def cause(result: dbtRunnerResult) -> str:
    """Why dbt ended without results, in one line; empty where it reported results."""
    error = result.exception
    if error is None:
        return ""
    return one_line(str(error), quotes_data=not isinstance(error, (CannotStart, DbtProfileError, DbtProjectError)))


def one_line(message: str, quotes_data: bool = True) -> str:
    """An error in one line, without the heading that dbt gives it.

    Args:
        message: dbt's or the database's.
        quotes_data: whether what it quotes may be data, which is then taken out.

    >>> one_line("Runtime Error in model orders (models/orders.sql)\\n  Conversion Error: Could not convert string 'Ada' to INT32")
    "Conversion Error: Could not convert string '...' to INT32"
    >>> one_line("Compilation Error\\n  Model 'orders' depends on a node named 'shop'")
    "Model 'orders' depends on a node named 'shop'"
    """
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    if len(lines) > 1 and HEADING.fullmatch(lines[0]):
        lines = lines[1:]
    line = lines[0] if lines else ""
    if quotes_data and not message.startswith(("Compilation Error", "Parsing Error")):
        line = re.sub(r'"(\w+): [^"]*"', r'"\1: ..."', re.sub("'[^']*'", "'...'", line))
    return textwrap.shorten(line, 300, placeholder=" …")


def close_warehouse() -> None:
    """Closes the DuckDB files, which dbt keeps open until its process ends, for who reads them in the same process."""
    with contextlib.suppress(Exception):  # dbt raises a plain one where nothing was opened
        DuckDBConnectionManager.env().close()
    DuckDBConnectionManager.close_all_connections()


def _prepare(arguments: tuple[str, ...]) -> str | None:
    """Readies the environment and the warehouse for a command. Returns None, or what stands in its way."""
    threads = os.environ["DBT_THREADS"] = os.environ.get("DBT_THREADS") or str(os.cpu_count() or 4)
    if not (threads.isdecimal() and int(threads) > 0):
        return f"DBT_THREADS is {threads!r}. It must be a number of threads, 1 or more."
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        os.environ.setdefault("DBT_USE_COLORS", "false")
    if problem := warehouse_problem(os.environ.get("WAREHOUSE_DIR", "")):
        return problem
    target = target_of(arguments)
    if settings().monitoring != "none":
        packages = stub.packages_folder(monitored=monitoring.is_on(target) or "deps" in arguments)
        os.environ["DATAOPS_PACKAGES_FOLDER"] = os.path.relpath(packages)  # the same in every check-out
    if WITHOUT_WAREHOUSE.intersection(arguments):
        return None
    if monitoring.is_on(target) and (problem := damage.make_usable(monitoring.monitoring_file(target))):
        return problem
    try:
        file = warehouse_file(target)
    except DbtBaseException as error:
        return f"profiles.yml: {error}"
    if target != "prod" or is_candidate():
        try:
            file.parent.mkdir(parents=True, exist_ok=True)  # DuckDB does not make folders
        except OSError as error:
            return f"The warehouse folder cannot be made: {error}. Set WAREHOUSE_DIR to one that can."
        return wait_until_writable(file)
    if BUILDING.intersection(arguments):
        return f"prod is written by a release alone. Type: {how_to_build(target)}"
    try:
        store.require_prod()
    except CannotRelease as reason:
        return str(reason)
    return wait_until_readable(file)


def target_of(arguments: tuple[str, ...]) -> str:
    """The environment that a command works in."""
    return _option(arguments, "--target", "-t") or os.environ.get("DBT_TARGET") or "dev"


def _option(arguments: tuple[str, ...], *names: str) -> str | None:
    """The value of an option among arguments, written `--name value` or `--name=value`."""
    for argument, following in zip(arguments, [*arguments[1:], None], strict=True):
        name, equals, value = argument.partition("=")
        if name in names:
            return value if equals else following
    return None


def selected_nothing(result: dbtRunnerResult, arguments: tuple[str, ...]) -> str | None:
    """Why a command that succeeded had nothing to do, where that is a mistake: it was told what to select."""
    if not result.success or getattr(result.result, "results", True):
        return None
    if selection := _option(arguments, "--select", "-s", "--selector", "--exclude"):
        return f"Nothing here is selected by {selection!r}, so nothing was done. What there is: {tool('dbt')} ls"
    return None


PASSED_ON = {"ignore_unknown_options": True, "allow_interspersed_args": False}
options_of_dbt = click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF DBT]")


def run_task(*arguments: str) -> None:
    """Runs a dbt command as a task. A selection that selects nothing has failed: nothing was built or tested.

    Raises:
        DataopsError: dbt could not start, something failed, or nothing was selected.
    """
    target, variable = _option(arguments, "--target", "-t"), os.environ.get("DBT_TARGET")
    if target and variable and target != variable:
        raise DataopsError(f"TARGET is {variable} and --target is {target}. Name the environment once: TARGET={target}")
    result = invoke_dbt(*arguments)
    if problem := selected_nothing(result, arguments):
        raise DataopsError(problem)
    if result.success and not getattr(result.result, "results", True):
        print("There is nothing to build yet. The README says how to add the first source and model.")
    if not result.success:
        sys.exit(WRONG if result.exception is None else IMPOSSIBLE)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def build(options: tuple[str, ...]) -> None:
    """Load the seeds, build and test all models. The options are those of dbt build: .venv/bin/dbt build --help"""
    run_task("build", *options)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def freshness(options: tuple[str, ...]) -> None:
    """Check that the sources were loaded in time. The options are those of dbt source freshness."""
    run_task("source", "freshness", *options)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def dbt(options: tuple[str, ...]) -> None:
    """Run any dbt command in the environment of TARGET, with the checks of the tasks: dataops dbt ls --select orders+"""
    run_task(*options)
