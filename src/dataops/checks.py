"""make test: four kinds of tests, cheapest first.

System and code: everything builds from nothing (`dbt build --empty`, in a throw-away warehouse), unit tests included.
Data and output: the tests on what `make build` has built, in the environment that TARGET names.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click

from dataops.dbt import PASSED_ON, invoke_dbt, options_of_dbt, run_dbt, selected_nothing
from dataops.errors import WRONG, DataopsError
from dataops.typed import typed

SCRATCH = Path("target", "empty")


def builds_from_nothing() -> bool:
    """Builds every model without rows, and runs every unit test, in a warehouse that is removed afterwards."""
    warehouse = SCRATCH / "warehouse"
    shutil.rmtree(warehouse, ignore_errors=True)
    (warehouse / "ci").mkdir(parents=True)
    before = dict(os.environ)
    os.environ.update(WAREHOUSE_DIR=str(warehouse), DBT_TARGET_PATH=str(SCRATCH))
    try:
        return run_dbt("build", "--empty", "--target", "ci")
    finally:
        os.environ.clear()
        os.environ.update(before)
        shutil.rmtree(warehouse, ignore_errors=True)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
def test(options: tuple[str, ...]) -> None:
    """Run all four kinds of tests: system and code from nothing, then the tests on what was built.

    The options are those of dbt test, for the second part.
    """
    print("1/2 System and code: everything builds from nothing, unit tests pass", flush=True)
    if not builds_from_nothing():
        raise DataopsError("The project does not build from nothing; the failures are above.", exit_code=WRONG)
    print("2/2 Data and output: what was built is right", flush=True)
    arguments = ("test", "--exclude-resource-type", "unit_test", *options)
    result = invoke_dbt(*arguments)
    if problem := selected_nothing(result, arguments):
        raise DataopsError(problem)
    if not result.success and not getattr(result.result, "results", None):
        sys.exit(2)  # dbt could not start: the message above says why
    if not result.success:
        raise DataopsError(
            f"Tests failed; they are listed above. Where a table is missing, build it first: {typed('build')}",
            exit_code=WRONG,
        )
