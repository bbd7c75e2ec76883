"""The `dataops` command: each task of the Makefile is a subcommand of the same name, imported when it is called.

The one place where errors are printed and become exit codes (errors.py).
"""

from __future__ import annotations

import io
import os
import sys
import traceback
from importlib import import_module

import click

from dataops import __version__, project
from dataops.errors import IMPOSSIBLE, INTERRUPTED, DataopsError, did_you_mean, was_interrupted

# By name: the module, its click command, and the line of --help. Commands without one are called by hooks and workflows.
COMMANDS = {
    "setup": ("dataops.setup", "setup", "Install the dbt packages and git hooks."),
    "build": ("dataops.tasks", "build", "Load the seeds, build and test all models."),
    "test": ("dataops.checks", "test", "Test code, system, data and output."),
    "ci": ("dataops.ci.command", "ci", "Build what changed since prod's version, and compare its data with prod's."),
    "rejected": ("dataops.quarantine", "main", "Count the rows that break a rule."),
    "crosscheck": ("dataops.crosscheck.command", "main", "Compare the data of two environments."),
    "release": ("dataops.release.command", "main", "Build the next version of prod beside it, audit it, swap it in."),
    "releases": ("dataops.release.listing", "main", "List the versions of prod."),
    "rollback": ("dataops.release.rollback", "main", "Make an earlier version prod again."),
    "freshness": ("dataops.tasks", "freshness", "Check that the sources were loaded in time."),
    "doctor": ("dataops.doctor", "main", "Say what this project still needs, with the lines to add."),
    "lint": ("dataops.lint.hooks", "lint", "Run every check of the git hooks on all files."),
    "format": ("dataops.lint.hooks", "format_", "Format all files the way lint expects."),
    "dbt": ("dataops.tasks", "dbt", "Run any dbt command, with the checks of the tasks."),
    "docs": ("dataops.docs", "docs", "Make the docs site, one page."),
    "report": ("dataops.monitoring.report", "main", "Write the monitoring report."),
    "alerts": ("dataops.monitoring.alerts", "main", "Send new failures of prod to their owner."),
    "stats": ("dataops.monitoring.stats", "main", "Print runs, failures and times of each environment, week by week."),
    "monitor-clean": ("dataops.monitoring.clean", "main", "Remove old rows of monitoring."),
    "ci-comment": ("dataops.ci.hosts.command", "comment", "Write the summary of ci on the pull request (in CI)."),
    "sample": ("dataops.sample.make", "main", "Make newer sample data, up to today or SAMPLE_UNTIL."),
    "remove-sample": ("dataops.sample.remove", "main", "Remove the sample: models, data, docs, settings."),
    "check-message": ("dataops.lint.message", "main", ""),
    "check-schema": ("dataops.lint.schema", "main", ""),
    "check-governance": ("dataops.lint.governance", "main", ""),
}
# They run with what is there, or change nothing in the project.
UNPREPARED = {"ci-comment", "check-message", "check-schema", "check-governance"}


class Group(click.Group):
    """Subcommands that are imported when they are called."""

    def list_commands(self, context: click.Context) -> list[str]:
        return [name for name, (_, _, help) in COMMANDS.items() if help]

    def get_command(self, context: click.Context, name: str) -> click.Command | None:
        if name not in COMMANDS:
            return None
        module, attribute, _ = COMMANDS[name]
        command = getattr(import_module(module), attribute)
        command.name = name
        return command

    def resolve_command(self, context: click.Context, arguments: list[str]):
        name = arguments[0]
        if name not in COMMANDS and not name.startswith("-"):
            guess = did_you_mean(name, self.list_commands(context))
            raise DataopsError(f"dataops has no command {name!r}.{guess}", "To list the commands: dataops --help")
        if not {"-h", "--help"}.intersection(arguments):
            context.obj = project.load(checked=name not in UNPREPARED)
            if name not in UNPREPARED:
                os.chdir(context.obj.root)
        return super().resolve_command(context, arguments)

    def format_commands(self, context: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, help) for name, (_, _, help) in COMMANDS.items() if help])


@click.group(cls=Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dataops")
def cli() -> None:
    """DataOps for dbt: releases of prod, crosscheck, quarantine, CI, monitoring.

    \b
    Exit codes: 0 done; 1 the data or the code is not right; 2 it could not be done or checked;
    75 somebody else holds the lock of prod; 130 interrupted.
    """


class Output(io.FileIO):
    """Standard output or standard error. When its reader leaves (`dataops releases | head -1`), the command goes on silently."""

    def write(self, data) -> int:
        try:
            return super().write(data)
        except BrokenPipeError:
            return len(data)


def outlive_the_reader(stream: io.TextIOWrapper | None) -> io.TextIOWrapper | None:
    """The same stream, whose reader may leave before the end. None, as Python has it for a closed one, stays None."""
    if stream is None:
        return None
    raw = Output(stream.fileno(), "w", closefd=False)
    by_line = stream.line_buffering or stream.write_through
    return io.TextIOWrapper(
        io.BufferedWriter(raw), encoding=stream.encoding, errors=stream.errors, line_buffering=by_line
    )


def main() -> None:
    """The command line."""
    sys.stdout, sys.stderr = outlive_the_reader(sys.stdout), outlive_the_reader(sys.stderr)
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs a command and returns its exit code. Whatever ends it early is printed to standard error.

    Args:
        arguments: what follows `dataops`.
    """
    try:
        result = cli(arguments, prog_name="dataops", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        return IMPOSSIBLE
    except DataopsError as error:
        sys.stdout.flush()
        print(*filter(None, (error.problem, error.remedy)), sep="\n", file=sys.stderr)
        return error.exit_code
    except (KeyboardInterrupt, Exception) as error:  # noqa: BLE001 - the one place that ends a command
        if not was_interrupted(error):
            traceback.print_exc()  # a fault of dataops itself
            return IMPOSSIBLE
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    return result if isinstance(result, int) else 0
