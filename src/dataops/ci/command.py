"""dataops ci: what a pull request runs after lint. dataops ci state push|pull: prod as the artifact of a release."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from dataops.ci import SUMMARY
from dataops.errors import DONE, WRONG, DataopsError
from dataops.project import Project


@click.group(invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--examples",
    type=click.IntRange(0, 100),
    default=0,
    show_default=True,
    help="Rows of prod's data to show of each kind that differs. Everyone who can read the pull request sees them.",
)
@click.option(
    "--only-parse", is_flag=True, help="Only parse the project, to fill the parse cache that runs start from."
)
@click.pass_context
def ci(context: click.Context, examples: int, only_parse: bool) -> int:
    """Build without rows, build what changed since prod's version, and compare its data with prod's.

    Exit codes: 0 nothing is wrong; 1 something is; 2 it could not be checked.
    """
    if context.invoked_subcommand:
        return DONE
    from dataops.ci import pipeline

    if only_parse:
        print(f"The project is parsed: {pipeline.parse_only(context.obj)}")
        return DONE
    return _run(context.obj, examples)


def _run(project: Project, examples: int) -> int:
    """Runs the pipeline, prints and writes its summary, and returns the exit code."""
    from dataops.ci import pipeline
    from dataops.ci.summary import write_summary
    from dataops.console import new_console
    from dataops.crosscheck.files import remove_results
    from dataops.crosscheck.terminal import show

    project.path(SUMMARY).unlink(missing_ok=True)
    remove_results(project)
    summary = pipeline.run(project, examples, report=lambda text: print(text, flush=True))
    if summary.crosscheck:
        show(new_console(), summary.crosscheck, summary.crosscheck_files)
    write_summary(project, summary)
    print(f"\n{summary.headline}\n{SUMMARY}")
    return WRONG if summary.verdict == "failed" else DONE


@ci.group()
def state() -> None:
    """Keep prod between CI jobs, where runners lose their disk."""


@state.command()
@click.pass_obj
def push(project: Project) -> None:
    """Pack prod into target/prod, for the artifacts of a release. For CI jobs (docs/ci.md)."""
    from dataops.ci.state import pack

    print(pack(project))


@state.command()
@click.option(
    "--current", is_flag=True, help="Only prod's version, to read. Without it: every version and the histories."
)
@click.option("--start-empty", is_flag=True, help="Start with an empty prod if the last artifact has expired.")
@click.pass_obj
def pull(project: Project, current: bool, start_empty: bool) -> None:
    """Download prod from the last release's artifacts, unless it is here already. For CI jobs (docs/ci.md)."""
    from dataops.ci.hosts import Expired, explained
    from dataops.ci.state import how_to, pull_prod

    with explained(project, "pull") as host, tempfile.TemporaryDirectory() as folder:
        try:
            print(pull_prod(project, host.download, current, Path(folder)))
        except Expired as expired:
            if not (start_empty or current):
                remedy = f"To go on without prod's data: {how_to('pull', '--start-empty')}"
                raise DataopsError(expired.problem, remedy) from None
            print(f"{expired.problem} There is no prod.")
