"""make docs: the docs site as one page that needs no server."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataops.dbt import PASSED_ON, exit_code, invoke_dbt, options_of_dbt
from dataops.errors import DataopsError

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

PAGE = Path("target", "docs", "index.html")


def make_page(*arguments: str) -> bool:
    """Makes the page of what is in the warehouse, and returns whether that worked. dbt prints what did not.

    Args:
        arguments: options of `dbt docs generate`.
    """
    return _generate(*arguments).success


def _generate(*arguments: str) -> dbtRunnerResult:
    result = invoke_dbt("--quiet", "docs", "generate", "--static", *arguments)
    if result.success:
        made = Path(os.environ.get("DBT_TARGET_PATH", "target"), "static_index.html")
        PAGE.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(made, PAGE)
        print(f"Docs: {PAGE.resolve().as_uri()}")
    return result


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def docs(options: tuple[str, ...]) -> None:
    """Make the docs site, one page: target/docs/index.html

    Options are those of dbt docs generate (dataops dbt docs generate --help lists them).

    Exit codes: 0 done; 1 the code is not right; 2 the page could not be made.
    """
    result = _generate(*options)
    if not result.success:
        raise DataopsError("The docs could not be made; the message above says why.", exit_code=exit_code(result))
