"""dataops ci: what a pull request runs after lint. dataops ci state push|pull: prod as the artifact of a release."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path

import click

from dataops.ci import SUMMARY
from dataops.errors import DONE, WRONG, DataopsError


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
def ci(context: click.Context, examples: int, only_parse: bool) -> None:
    """Build without rows, build what changed since prod's version, and compare its data with prod's.

    Exit codes: 0 nothing is wrong; 1 something is; 2 it could not be checked.
    """
    if context.invoked_subcommand:
        return
    # Set even when empty: for dbt's parse cache, unset and empty are different values.
    os.environ.update(DBT_TARGET="ci", DBT_TARGET_PATH="target/ci", CI_RUN_ID=os.environ.get("CI_RUN_ID") or "local")
    from dataops.ci import pipeline

    if only_parse:
        print(f"The project is parsed: {pipeline.parse_only()}")
        return
    sys.exit(_run(pipeline, examples))


def _run(pipeline, examples: int) -> int:
    """Runs the pipeline, prints and writes its summary, and returns the exit code."""
    from dataops.ci.summary import write_summary
    from dataops.console import new_console
    from dataops.crosscheck.command import remove_results
    from dataops.crosscheck.terminal import show

    SUMMARY.unlink(missing_ok=True)
    remove_results()
    summary = pipeline.run(examples, say=lambda text: print(text, flush=True))
    if summary.crosscheck:
        show(new_console(), summary.crosscheck, summary.crosscheck_files)
    write_summary(summary)
    print(f"\n{summary.headline}\n{SUMMARY}")
    return WRONG if summary.verdict == "failed" else DONE


@ci.group()
def state() -> None:
    """Keep prod between CI jobs, where runners lose their disk."""


@state.command()
def push() -> None:
    """Pack prod into target/prod, for the artifacts of a release. For CI jobs (docs/ci.md)."""
    from dataops.ci.state import pack

    print(pack())


@state.command()
@click.option(
    "--current", is_flag=True, help="Only prod's version, to read. Without it: every version and the histories."
)
@click.option("--start-empty", is_flag=True, help="Start with an empty prod if the last artifact has expired.")
def pull(current: bool, start_empty: bool) -> None:
    """Download prod from the last release's artifacts, unless it is here already. For CI jobs (docs/ci.md)."""
    from dataops.ci.hosts import Expired, explained
    from dataops.ci.state import pull_prod

    with explained("pull") as host, tempfile.TemporaryDirectory() as folder:
        try:
            print(pull_prod(host.download, current, Path(folder)))
        except Expired as expired:
            if not (start_empty or current):
                raise DataopsError(
                    expired.problem, "To go on without prod's data: make ci-state-pull ARGS=--start-empty"
                ) from None
            print(f"{expired.problem} There is no prod.")
