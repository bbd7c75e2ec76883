"""make sample: newer sample data, by the project's own scripts/sample_data.py."""

from __future__ import annotations

import subprocess
import sys

import click

from dataops.errors import DONE, IMPOSSIBLE, DataopsError
from dataops.project import Project, load


@click.command(
    add_help_option=False,  # the script's own help lists its options
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def main(project: Project | None, options: tuple[str, ...]) -> int:
    """Make newer sample data, up to today or SAMPLE_UNTIL. The options are those of scripts/sample_data.py."""
    project = project or load(checked=False)  # --help is the script's
    script = project.path("scripts", "sample_data.py")
    if not script.is_file():
        raise DataopsError("This project has no sample: scripts/sample_data.py is missing.")
    done = subprocess.run(
        [sys.executable, script, *options], cwd=project.started_in, env=dict(project.variables), check=False
    )
    return IMPOSSIBLE if done.returncode else DONE
