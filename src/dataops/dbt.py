"""dbt, in this process: starting it costs two seconds, a second command 0.2.

The only module that imports dbt, and the only one that sets environment variables, for dbt and while it runs. What dbt says of
its work is read from the JSON that it writes.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import sys
import textwrap
from argparse import Namespace
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from dataops.errors import DONE, IMPOSSIBLE, WRONG, DataopsError, Interrupted
from dataops.project import Environment, Project
from dataops.typed import typed

FAILURES = ("error", "fail", "runtime error", "partial success")  # how a node can end that stops a build
HEADING = re.compile(r"[A-Z]\w+ Error( in .*)?")  # the first line of an error of dbt's: the next one says what is wrong
CAUSE = "dataops release"  # of the dbt runs that build a candidate


@dataclass(frozen=True)
class DbtCommand:
    """A dbt command, as dbt itself reads its arguments.

    Attributes:
        name: with its group, and without options: `build`, `docs generate`. `ls` is `list`.
        target: the environment that its own options name; None where they name none.
        select: the words of --select.
        exclude: the words of --exclude.
        selector: the name that --selector gives.
    """

    name: str
    target: str | None = None
    select: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    selector: str | None = None

    @property
    def selection(self) -> str:
        """What limits it to a part of the project; empty where it takes all."""
        return " ".join(self.select) or self.selector or " ".join(self.exclude)


@dataclass(frozen=True)
class Result:
    """How a dbt command ended.

    Attributes:
        exit_code: 0 done, 1 something is not right, 2 it could not be done.
        problem: why it ended without results, in one line and without data; empty where it reported results.
        nodes: the results of run_results.json, if it wrote one.
        is_empty: whether it succeeded and had nothing to do.
        lines: what `ls` lists.
        parsed: the project as dbt keeps it in memory, after `parse`: a command can start from it.
    """

    exit_code: int
    problem: str = ""
    nodes: list[dict[str, Any]] = field(default_factory=list)
    is_empty: bool = False
    lines: list[str] = field(default_factory=list)
    parsed: Any = None

    @property
    def success(self) -> bool:
        """Whether everything went well."""
        return self.exit_code == DONE


def read_command(arguments: Sequence[str], project: Project | None = None) -> DbtCommand:
    """Reads a command line with dbt's own option parser. Options that ask for a text (--help) get it and end the command.

    Args:
        arguments: what would follow `dbt` on a command line.
        project: whose environment variables dbt reads as options; those of this process without.

    Raises:
        DataopsError: dbt does not accept the arguments (the message is dbt's), or the project has no profiles.yml.
    """
    from dbt.cli.main import cli

    if project is not None:
        require_profiles(project)  # dbt's own message would be about an option
        with environ(project.variables):
            return read_command(arguments)
    rest, names, options, target = list(arguments), [], {}, None
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
            target = target or context.params["target"]
        context = context.parent
    return DbtCommand(
        " ".join(names), target, _words(options.get("select")), _words(options.get("exclude")), options.get("selector")
    )


def _words(option: Sequence[str | Sequence[str]] | None) -> tuple[str, ...]:
    """The words of an option that dbt takes several times, each time with several words."""
    groups = [[group] if isinstance(group, str) else group for group in option or ()]
    return tuple(word for group in groups for text in group for word in text.split())


def variables_of(project: Project, environment: Environment, target_path: Path | None = None) -> dict[str, str]:
    """The environment variables that dbt gets.

    Args:
        project: with the variables of the process.
        environment: that dbt works in.
        target_path: dbt's folder, from the root; the environment's own without.
    """
    variables = {name: value for name, value in project.variables.items() if name != "DATAOPS_CANDIDATE"}
    variables["DBT_TARGET"] = environment.name
    variables["DBT_TARGET_PATH"] = str(target_path or project.target_path(environment))
    variables["DBT_THREADS"] = variables.get("DBT_THREADS") or str(os.cpu_count() or 4)
    if variables.get("NO_COLOR") or not sys.stdout.isatty():
        variables.setdefault("DBT_USE_COLORS", "false")
    if project.candidate:
        # Monitoring keeps the cause with the run, and so knows in which version something failed.
        variables |= {"DATAOPS_CANDIDATE": "true", "DATAOPS_RELEASE": project.candidate}
        variables |= {"DBT_CAUSE_CATEGORY": CAUSE, "DBT_CAUSE": project.candidate}
    return variables


@contextlib.contextmanager
def environ(variables: Mapping[str, str]) -> Iterator[None]:
    """Replaces the environment variables of this process, for dbt and what calls it."""
    before = dict(os.environ)
    os.environ.clear()
    os.environ.update(variables)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def require_profiles(project: Project) -> None:
    """Checks that the project has a profiles.yml: dbt would look in ~/.dbt, which is not the same for everybody who releases.

    Raises:
        DataopsError: it is missing.
    """
    if not project.path("profiles.yml").is_file():
        raise DataopsError(
            "profiles.yml is missing: dbt finds the targets dev, ci and prod in it, beside dbt_project.yml.",
            f"The lines to write: {typed('doctor')}",
        )


def credentials(project: Project, environment: Environment, **variables: str) -> dict[str, Any]:
    """dbt's credentials of an environment, as profiles.yml has them, with Jinja rendered.

    Args:
        project: the project, whose candidate prod means, if it has one.
        environment: its target is read.
        variables: environment variables that the profile reads instead of the project's own.

    Raises:
        DataopsError: profiles.yml is missing, cannot be read, or lacks the target.
    """
    from dbt.config.runtime import load_profile
    from dbt.flags import set_from_args
    from dbt_common.context import set_invocation_context
    from dbt_common.exceptions import DbtBaseException

    require_profiles(project)
    values = {**variables_of(project, environment), **variables}
    with environ(values):
        set_invocation_context(values)
        set_from_args(Namespace(PROFILES_DIR=str(project.root)), None)
        try:
            found = load_profile(str(project.root), {}, target_override=environment.name).credentials
        except DbtBaseException as error:
            raise DataopsError(f"profiles.yml: {error}", "Fix it, then run the command again.") from None
    return {"type": found.type, **found.to_dict(omit_none=False)}


def execute(
    project: Project,
    environment: Environment,
    arguments: Sequence[str],
    *,
    target_path: Path | None = None,
    variables: Mapping[str, str] | None = None,
    parsed: Any = None,
) -> Result:
    """Runs one dbt command. dbt prints what it does and what failed.

    Args:
        project: the project.
        environment: that it works in.
        arguments: what would follow `dbt` on a command line.
        target_path: dbt's folder, from the root; the environment's own without.
        variables: more environment variables for it.
        parsed: the project as it was parsed before, which saves dbt reading it again. dbt notes in it what it compiles, so it
            serves one command that builds.

    Raises:
        Interrupted: Ctrl-C ended it.
    """
    from dbt.cli.main import dbtRunner

    values = {**variables_of(project, environment, target_path), **(variables or {})}
    results = project.path(values["DBT_TARGET_PATH"], "run_results.json")
    before = results.stat().st_mtime_ns if results.exists() else None
    interrupted, done = None, None
    with environ(values), contextlib.chdir(project.root), _interrupts_unreported():
        try:
            done = dbtRunner(parsed).invoke(list(arguments))
            interrupted = done.exception if isinstance(done.exception, KeyboardInterrupt) else None
        except KeyboardInterrupt as interrupt:
            interrupted = interrupt
    if interrupted:
        raise Interrupted(
            f"Stopped: dbt {' '.join(arguments)} did not finish. Nothing to clean up. Run the command again."
        )
    if done.exception:
        print(f"dbt {' '.join(arguments)}: {done.exception}", file=sys.stderr)
    is_new = results.exists() and results.stat().st_mtime_ns != before
    lines = done.result if isinstance(done.result, list) and all(isinstance(one, str) for one in done.result) else []
    return Result(
        _exit_code(done),
        _cause(done.exception),
        read_results(results) if is_new else [],
        bool(done.success and not getattr(done.result, "results", True)),
        lines,
        done.result if arguments and "parse" in arguments else None,
    )


def read_results(file: Path) -> list[dict[str, Any]]:
    """The results of each node in a run_results.json; none where it cannot be read."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))["results"]
    except (OSError, ValueError, KeyError):
        return []


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


def _exit_code(done: Any) -> int:
    """The exit code of a command that ended with a result of dbt's. What dbt cannot compile is code that is not right."""
    from dbt.exceptions import ParsingError
    from dbt_common.exceptions import CompilationError

    if done.success:
        return DONE
    found_fault = done.exception is None or isinstance(done.exception, (CompilationError, ParsingError))
    return WRONG if found_fault else IMPOSSIBLE


def _cause(error: BaseException | None) -> str:
    from dbt.exceptions import DbtProfileError, DbtProjectError

    if error is None:
        return ""
    return one_line(str(error), quotes_data=not isinstance(error, (DbtProfileError, DbtProjectError)))


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


def close_connections() -> None:
    """Closes what dbt keeps open until its process ends, for those who read it in the same process."""
    from dbt.adapters.factory import FACTORY

    for adapter in list(FACTORY.adapters.values()):
        manager = type(adapter.connections)
        for close in (getattr(manager, "close_all_connections", None), adapter.cleanup_connections):
            with contextlib.suppress(Exception):  # dbt raises a plain one where nothing was opened
                close()
        with contextlib.suppress(Exception):
            manager.env().close()  # dbt-duckdb keeps the file open beside its connections
