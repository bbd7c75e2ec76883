"""dataops docs: the docs site as one page that needs no server."""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from dataops.dbt import Result, read_command
from dataops.errors import DataopsError
from dataops.project import Project
from dataops.runner import Runner
from dataops.tasks import PASSED_ON, options_of_dbt, runner_for

PAGE = Path("target", "docs", "index.html")  # from the project's root
COMMAND = ("--quiet", "docs", "generate", "--static")


def make_page(runner: Runner, *options: str) -> tuple[Result, Path]:
    """Makes the page of what is in a warehouse. dbt prints what did not work. Returns dbt's result, and the page.

    Args:
        runner: dbt in the environment of that warehouse.
        options: of `dbt docs generate`.
    """
    result, page = runner.run(*COMMAND, *options), runner.project.path(PAGE)
    if result.success:
        page.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(runner.path("static_index.html"), page)
    return result, page


@click.command(context_settings=PASSED_ON)
@options_of_dbt
@click.pass_obj
def docs(project: Project, options: tuple[str, ...]) -> None:
    """Make the docs site, one page: target/docs/index.html

    Options are those of dbt docs generate (dataops dbt docs generate --help lists them).

    Exit codes: 0 done; 1 the code is not right; 2 the page could not be made.
    """
    result, page = make_page(runner_for(project, read_command((*COMMAND, *options), project)), *options)
    if not result.success:
        raise DataopsError("The docs could not be made; the message above says why.", exit_code=result.exit_code)
    print(f"Docs: {page.resolve().as_uri()}")
