"""make docs: the docs site as one page that needs no server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import click

from dataops.dbt import PASSED_ON, options_of_dbt, run_dbt
from dataops.errors import WRONG, DataopsError

PAGE = Path("target", "docs", "index.html")


def make_page(*arguments: str) -> bool:
    """Makes the page of what is in the warehouse, and returns whether that worked. dbt prints what did not.

    Args:
        arguments: options of `dbt docs generate`.
    """
    if not run_dbt("--quiet", "docs", "generate", "--static", *arguments):
        return False
    made = Path(os.environ.get("DBT_TARGET_PATH", "target"), "static_index.html")
    PAGE.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(made, PAGE)
    print(f"Docs: {PAGE.resolve().as_uri()}")
    return True


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def docs(options: tuple[str, ...]) -> None:
    """Make the docs site, one page: target/docs/index.html. The options are those of dbt docs generate."""
    if not make_page(*options):
        raise DataopsError("The docs could not be made; the message above says why.", exit_code=WRONG)
