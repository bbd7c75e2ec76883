"""make sample: newer sample data, by the project's own scripts/sample_data.py."""

from __future__ import annotations

import subprocess
import sys

import click

from dataops.errors import DONE, IMPOSSIBLE, DataopsError
from dataops.project import PROJECT, STARTED_IN

SCRIPT = PROJECT / "scripts" / "sample_data.py"


@click.command(
    add_help_option=False,  # the script's own help lists its options
    context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False},
)
@click.argument("options", nargs=-1, type=click.UNPROCESSED)
def main(options: tuple[str, ...]) -> int:
    """Make newer sample data, up to today or SAMPLE_UNTIL. The options are those of scripts/sample_data.py."""
    if not SCRIPT.is_file():
        raise DataopsError("This project has no sample: scripts/sample_data.py is missing.")
    done = subprocess.run([sys.executable, SCRIPT, *options], cwd=STARTED_IN, check=False)
    return IMPOSSIBLE if done.returncode else DONE
