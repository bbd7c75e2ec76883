"""dataops build, freshness and dbt: dbt commands as tasks.

dataops build --select orders+
"""

from __future__ import annotations

import difflib
import re

import click

from dataops.dbt import DbtCommand, Result, read_command
from dataops.errors import DataopsError
from dataops.project import Project
from dataops.runner import Runner
from dataops.typed import tool

OPERATORS = re.compile(r"^(@|\d*\+)|(\+\d*)$")  # of dbt's graph selection: 2+orders, orders+, @orders
NOTHING_TO_DO = {
    "build": "There is nothing to build yet. The README says how to add the first source and model.",
    "source freshness": "No source has freshness rules, so nothing was checked. Write `freshness` in the YAML of a source.",
}
PASSED_ON = {
    "ignore_unknown_options": True,
    "allow_interspersed_args": False,
    "help_option_names": ["-h", "--help"],
}
options_of_dbt = click.argument("options", nargs=-1, type=click.UNPROCESSED, metavar="[OPTIONS OF DBT]")


def require_selected(runner: Runner, result: Result, command: DbtCommand) -> None:
    """Checks that a command did something.

    Raises:
        DataopsError: it succeeded, and its selection selects nothing.
    """
    if not (command.selection and result.is_empty):
        return
    words, names = [OPERATORS.sub("", word) for word in command.select], runner.node_names()
    near = [match for word in words for match in difflib.get_close_matches(word, names, n=1)]
    guess = f" Did you mean {' '.join(near)}?" if near else ""
    raise DataopsError(
        f"Nothing is selected by {command.selection!r}, so nothing was done.{guess}",
        f"To list everything: {tool('dbt')} ls",
    )


def runner_for(project: Project, command: DbtCommand) -> Runner:
    """dbt in the environment that a command names, else in that of TARGET.

    Raises:
        DataopsError: the project has no such environment, or TARGET names another one.
    """
    if command.target is None:
        return Runner(project, project.target)
    environment, variable = project.environment(command.target, "--target "), project.variables.get("TARGET")
    if variable and project.target != environment:
        raise DataopsError(
            f"TARGET is {variable} and --target is {command.target}. Name the environment once: TARGET={command.target}"
        )
    return Runner(project.with_target(environment), environment)


def run_task(project: Project, *arguments: str) -> int:
    """Runs a dbt command as a task, and returns its exit code.

    Raises:
        DataopsError: dbt does not accept the arguments, or they select nothing: nothing was built or tested.
    """
    command = read_command(arguments, project)
    runner = runner_for(project, command)
    result = runner.run_command(command, arguments)
    require_selected(runner, result, command)
    if result.is_empty:
        print(NOTHING_TO_DO.get(command.name, f"dbt {command.name} found nothing to do."))
    return result.exit_code


@click.command(context_settings=PASSED_ON)
@options_of_dbt
@click.pass_obj
def build(project: Project, options: tuple[str, ...]) -> int:
    """Load the seeds, build and test all models, in the environment of TARGET.

    \b
    Options are those of dbt build (dataops dbt build --help lists them):
      dataops build --select orders+ --full-refresh

    Exit codes: 0 built and tested; 1 something failed; 2 it could not start, or the selection selects nothing.
    """
    return run_task(project, "build", *options)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
@click.pass_obj
def freshness(project: Project, options: tuple[str, ...]) -> int:
    """Check that the sources were loaded in time.

    Options are those of dbt source freshness (dataops dbt source freshness --help lists them).

    Exit codes: 0 in time; 1 a source is too old; 2 it could not be checked.
    """
    return run_task(project, "source", "freshness", *options)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
@click.pass_obj
def dbt(project: Project, options: tuple[str, ...]) -> int:
    """Run any dbt command in the environment of TARGET, with the checks of the tasks: dataops dbt ls --select orders+

    Exit codes: 0 done; 1 something failed; 2 it could not start, or the selection selects nothing.
    """
    return run_task(project, *options)
