"""make test: four kinds of tests, cheapest first.

System and code: everything builds from nothing (`dbt build --empty`, in a throw-away warehouse), unit tests included.
Data and output: the tests on what `make build` has built, in the environment that TARGET names.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import click

from dataops.dbt import PASSED_ON, exit_code, invoke_dbt, options_of_dbt, read_command, selected_nothing
from dataops.errors import DataopsError
from dataops.typed import typed

if TYPE_CHECKING:
    from dbt.cli.main import dbtRunnerResult

SCRATCH = Path("target", "empty")


def build_from_nothing() -> dbtRunnerResult:
    """Builds every model without rows, and runs every unit test, in a warehouse that is removed afterwards."""
    warehouse = SCRATCH / "warehouse"
    shutil.rmtree(warehouse, ignore_errors=True)
    (warehouse / "ci").mkdir(parents=True)
    before = dict(os.environ)
    os.environ.update(WAREHOUSE_DIR=str(warehouse), DBT_TARGET_PATH=str(SCRATCH))
    try:
        return invoke_dbt("build", "--empty", "--target", "ci")
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(warehouse, ignore_errors=True)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def test(options: tuple[str, ...]) -> None:
    """Run all four kinds of tests: system and code from nothing, then data and output, on what was built.

    Options are those of dbt test (dataops dbt test --help lists them), for the second part.

    Exit codes: 0 all passed; 1 something failed; 2 the tests could not run, or the selection selects none.
    """
    arguments = ("test", "--exclude-resource-type", "unit_test", *options)
    command = read_command(arguments)
    print("1/2 System and code: everything builds from nothing, unit tests pass", flush=True)
    result = build_from_nothing()
    if not result.success:
        raise DataopsError(
            "The project does not build from nothing; the failures are above.", exit_code=exit_code(result)
        )
    print("2/2 Data and output: what was built is right", flush=True)
    result = invoke_dbt(*arguments)
    if problem := selected_nothing(result, command):
        raise DataopsError(problem)
    if not result.success:
        remedy = "" if result.exception else f"Where a table is missing, build it first: {typed('build')}"
        raise DataopsError("Tests failed; the messages above say why.", remedy, exit_code(result))
