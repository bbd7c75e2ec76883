"""Runs dbt commands one after another in one process: starting dbt costs two seconds, a second command 0.2.

dataops build --select orders+
"""

from __future__ import annotations

import contextlib
import difflib
import json
import os
import re
import sys
import textwrap
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataops.errors import DONE, IMPOSSIBLE, WRONG, DataopsError, Interrupted
from dataops.monitoring import monitor
from dataops.project import environment_problem, threads_problem, warehouse_problem
from dataops.release import CannotRelease, store
from dataops.typed import tool
from dataops.warehouse import how_to_build, is_candidate, wait_until_readable, wait_until_writable, warehouse_file

if TYPE_CHECKING:  # dbt takes a second to import: `--help` does without it
    from dbt.cli.main import dbtRunnerResult
    from dbt.contracts.graph.manifest import Manifest
    from dbt_common.events.base_types import EventMsg

WITHOUT_WAREHOUSE = {"clean", "deps", "list", "parse"}
FAILURES = ("error", "fail", "runtime error", "partial success")  # how a node can end that stops a build
HEADING = re.compile(r"[A-Z]\w+ Error( in .*)?")  # the first line of an error of dbt's: the next one says what is wrong
BUILDING = {"build", "run", "seed", "snapshot", "retry", "clone"}
OPERATORS = re.compile(r"^(@|\d*\+)|(\+\d*)$")  # of dbt's graph selection: 2+orders, orders+, @orders


class CannotStart(Exception):
    """What stands in the way of a dbt command."""


@dataclass(frozen=True)
class DbtCommand:
    """A dbt command, as dbt itself reads its arguments.

    Attributes:
        name: with its group, and without options: `build`, `docs generate`. `ls` is `list`.
        target: the environment that it works in.
        typed_target: the environment that its own options name; None where they name none.
        select: the words of --select.
        exclude: the words of --exclude.
        selector: the name that --selector gives.
    """

    name: str
    target: str
    typed_target: str | None = None
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None

    @property
    def selection(self) -> str:
        """What limits it to a part of the project; empty where it takes all."""
        return " ".join(self.select) or self.selector or " ".join(self.exclude)


def read_command(arguments: Sequence[str]) -> DbtCommand:
    """Reads a command line with dbt's own option parser. Options that ask for a text (--help) get it and end the command.

    Args:
        arguments: what would follow `dbt` on a command line.

    Raises:
        DataopsError: dbt does not accept the arguments; the message is dbt's.
    """
    from dbt.cli.main import cli

    rest, names, options, typed_target = list(arguments), [], {}, None
    try:
        context = cli.make_context("dbt", rest)  # takes its own options out of the list, as each group below does
        while isinstance(context.command, click.Group):
            _, command, rest = context.command.resolve_command(context, rest)
            context = command.make_context(command.name, rest, parent=context)
            names.append(command.name)
    except click.UsageError as error:
        raise DataopsError(f"dbt {' '.join(arguments)}: {error.format_message()}") from None
    while context:
        options = context.params | {name: value for name, value in options.items() if value is not None}
        if context.get_parameter_source("target") is click.core.ParameterSource.COMMANDLINE:
            typed_target = typed_target or context.params["target"]
        context = context.parent
    return DbtCommand(
        " ".join(names),
        typed_target or os.environ.get("DBT_TARGET") or "dev",
        typed_target,
        _words(options.get("select")),
        _words(options.get("exclude")),
        options.get("selector"),
    )


def _words(option: Sequence[str | Sequence[str]] | None) -> tuple[str, ...]:
    """The words of an option that dbt takes several times, each time with several words."""
    groups = [[group] if isinstance(group, str) else group for group in option or ()]
    return tuple(word for group in groups for text in group for word in text.split())


def invoke_dbt(
    *arguments: str, manifest: Manifest | None = None, on_event: Callable[[EventMsg], None] | None = None
) -> dbtRunnerResult:
    """Runs one dbt command and returns dbt's result. dbt prints what it does and what failed.

    Args:
        arguments: what would follow `dbt` on a command line.
        manifest: the project as it was parsed before, which saves dbt reading it again. dbt notes in it what it compiles,
            so one manifest serves one command that builds.
        on_event: gets everything that dbt reports.

    Raises:
        DataopsError: dbt does not accept the arguments.
        Interrupted: Ctrl-C ended it.
    """
    problem = _set_variables()
    return _invoke(None if problem else read_command(arguments), arguments, problem, manifest, on_event)


def _invoke(
    command: DbtCommand | None,
    arguments: tuple[str, ...],
    problem: str | None = None,
    manifest: Manifest | None = None,
    on_event: Callable[[EventMsg], None] | None = None,
) -> dbtRunnerResult:
    """Runs a command that was read from its arguments; None where a problem was found before."""
    from dbt.cli.main import dbtRunner, dbtRunnerResult

    try:
        problem = problem or _prepare(command)
        with _interrupts_unreported():
            if not problem:
                first, more = monitor().preparation(command.target, command.name, command.select)
                arguments += tuple(more)
                if first:
                    print("Creating the tables of monitoring, once", flush=True)
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


@contextlib.contextmanager
def _interrupts_unreported() -> Iterator[None]:
    """Keeps dbt from printing a traceback when Ctrl-C ends a command: it reports every exception that way."""
    from dbt.cli import requires

    fire_event = requires.fire_event

    def fire_unless_interrupted(event, *arguments, **options) -> None:
        if not isinstance(sys.exc_info()[1], KeyboardInterrupt):
            fire_event(event, *arguments, **options)

    requires.fire_event = fire_unless_interrupted
    try:
        yield
    finally:
        requires.fire_event = fire_event


def run_dbt(*arguments: str) -> bool:
    """Runs one dbt command like `invoke_dbt` and returns whether it succeeded."""
    return invoke_dbt(*arguments).success


def exit_code(result: dbtRunnerResult) -> int:
    """The exit code of a command that ended with a result of dbt's. What dbt cannot compile is code that is not right."""
    from dbt.exceptions import ParsingError
    from dbt_common.exceptions import CompilationError

    if result.success:
        return DONE
    found_fault = result.exception is None or isinstance(result.exception, (CompilationError, ParsingError))
    return WRONG if found_fault else IMPOSSIBLE


def cause(result: dbtRunnerResult) -> str:
    """Why dbt ended without results, in one line; empty where it reported results."""
    from dbt.exceptions import DbtProfileError, DbtProjectError

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
    from dbt.adapters.duckdb.connections import DuckDBConnectionManager

    with contextlib.suppress(Exception):  # dbt raises a plain one where nothing was opened
        DuckDBConnectionManager.env().close()
    DuckDBConnectionManager.close_all_connections()


def _set_variables() -> str | None:
    """Sets the environment variables that dbt reads. Returns None, or what is wrong with one that is set."""
    threads = os.environ["DBT_THREADS"] = os.environ.get("DBT_THREADS") or str(os.cpu_count() or 4)
    if problem := threads_problem(threads):
        return problem
    if os.environ.get("NO_COLOR") or not sys.stdout.isatty():
        os.environ.setdefault("DBT_USE_COLORS", "false")
    return warehouse_problem(os.environ.get("WAREHOUSE_DIR", ""))


def _prepare(command: DbtCommand) -> str | None:
    """Readies the environment and the warehouse for a command. Returns None, or what stands in its way."""
    from dbt_common.exceptions import DbtBaseException

    target = command.target
    if problem := environment_problem(target, "--target " if command.typed_target else "DBT_TARGET="):
        return problem
    warehouses = Path(os.environ.get("WAREHOUSE_DIR") or "warehouse").expanduser()  # as DuckDB does
    try:
        for environment in ("dev", "ci", "prod"):  # DuckDB does not make folders
            (warehouses / environment).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"The warehouse folder cannot be made: {error}. Set WAREHOUSE_DIR to one that can."
    os.environ.update(monitor().environment(target, every_package=command.name == "deps"))
    if command.name in WITHOUT_WAREHOUSE:
        return None
    if problem := monitor().make_usable(target):
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
    if command.name in BUILDING:
        return f"prod is written by releases only. Type: {how_to_build(target)}"
    try:
        store.require_prod()
    except CannotRelease as reason:
        return str(reason)
    return wait_until_readable(file)


def selected_nothing(result: dbtRunnerResult, command: DbtCommand) -> str | None:
    """Why a command that succeeded did nothing, where that is a mistake: its selection selects nothing."""
    if not command.selection or not result.success or getattr(result.result, "results", True):
        return None
    words = [OPERATORS.sub("", word) for word in command.select]
    near = [match for word in words for match in difflib.get_close_matches(word, _node_names(), n=1)]
    guess = f" Did you mean {' '.join(near)}?" if near else ""
    return f"Nothing is selected by {command.selection!r}, so nothing was done.{guess} To list everything: {tool('dbt')} ls"


def _node_names() -> list[str]:
    """The names of the models, seeds and snapshots, from the manifest that dbt has just written."""
    file = Path(os.environ.get("DBT_TARGET_PATH") or "target", "manifest.json")
    with contextlib.suppress(OSError, ValueError):
        nodes = json.loads(file.read_text(encoding="utf-8"))["nodes"].values()
        return [node["name"] for node in nodes if node["resource_type"] in ("model", "seed", "snapshot")]
    return []


PASSED_ON = {
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": ["-h", "--help"],
}
options_of_dbt = click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF DBT]")


def run_task(*arguments: str) -> int:
    """Runs a dbt command as a task, and returns its exit code.

    Raises:
        DataopsError: dbt does not accept the arguments, or they select nothing: nothing was built or tested.
    """
    if problem := _set_variables():
        raise DataopsError(f"dbt {' '.join(arguments)}: {problem}")
    command, variable = read_command(arguments), os.environ.get("TARGET")
    target = command.typed_target
    if target and (problem := environment_problem(target, "--target ")):
        raise DataopsError(problem)
    if target and variable and target != variable:
        raise DataopsError(f"TARGET is {variable} and --target is {target}. Name the environment once: TARGET={target}")
    if target:
        os.environ.update(DBT_TARGET=target, DBT_TARGET_PATH=f"target/{target}")
    result = _invoke(command, arguments)
    if problem := selected_nothing(result, command):
        raise DataopsError(problem)
    if result.success and not getattr(result.result, "results", True):
        print("There is nothing to build yet. The README says how to add the first source and model.")
    return exit_code(result)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def build(options: tuple[str, ...]) -> int:
    """Load the seeds, build and test all models, in the environment of TARGET.

    \b
    Options are those of dbt build (dataops dbt build --help lists them):
      dataops build --select orders+ --full-refresh

    Exit codes: 0 built and tested; 1 something failed; 2 it could not start, or the selection selects nothing.
    """
    return run_task("build", *options)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def freshness(options: tuple[str, ...]) -> int:
    """Check that the sources were loaded in time.

    Options are those of dbt source freshness (dataops dbt source freshness --help lists them).

    Exit codes: 0 in time; 1 a source is too old; 2 it could not be checked.
    """
    return run_task("source", "freshness", *options)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def dbt(options: tuple[str, ...]) -> int:
    """Run any dbt command in the environment of TARGET, with the checks of the tasks: dataops dbt ls --select orders+

    Exit codes: 0 done; 1 something failed; 2 it could not start, or the selection selects nothing.
    """
    return run_task(*options)
