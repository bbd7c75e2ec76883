"""dataops test: four kinds of tests, cheapest first.

System and code: everything builds from nothing (`dbt build --empty`, in a throw-away warehouse), unit tests included.
Data and output: the tests on what `dataops build` has built, in the environment that TARGET names.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import click

from dataops.dbt import Result, read_command
from dataops.engines import engine_of
from dataops.errors import DataopsError
from dataops.project import Project
from dataops.runner import Runner
from dataops.tasks import PASSED_ON, options_of_dbt, require_selected, runner_for
from dataops.typed import how_to_build

SCRATCH = Path("target", "empty")  # from the project's root


def build_from_nothing(project: Project) -> Result:
    """Builds every model without rows, and runs every unit test, in a warehouse that is removed afterwards."""
    warehouse = SCRATCH / "warehouse"
    shutil.rmtree(project.path(warehouse), ignore_errors=True)
    scratch = project.with_variables(WAREHOUSE_DIR=str(warehouse))
    try:
        return Runner(scratch, scratch.ci, SCRATCH).run("build", "--empty")
    finally:
        shutil.rmtree(project.path(warehouse), ignore_errors=True)


@click.command(context_settings=PASSED_ON)
@options_of_dbt
@click.pass_obj
def test(project: Project, options: tuple[str, ...]) -> None:
    """Run all four kinds of tests: system and code from nothing, then data and output, on what was built.

    Options are those of dbt test (dataops dbt test --help lists them), for the second part.

    Exit codes: 0 all passed; 1 something failed; 2 the tests could not run, or the selection selects none.
    """
    arguments = ("test", "--exclude-resource-type", "unit_test", *options)
    command = read_command(arguments, project)
    runner = runner_for(project, command)
    environment = runner.environment
    is_built = environment.is_prod or engine_of(project, environment).environment(environment).exists()
    print("1/2 System and code: everything builds from scratch, unit tests pass", flush=True)
    result = build_from_nothing(project)
    if not result.success:
        raise DataopsError(
            "The project does not build from scratch; the failures are above.", exit_code=result.exit_code
        )
    build = how_to_build(environment)
    if not result.is_empty and not is_built:
        raise DataopsError(f"{environment} was not built, so there is no data to test.", f"Type: {build}")
    print("2/2 Data and output: tests of what was built", flush=True)
    result = runner.run_command(command, arguments)
    require_selected(runner, result, command)
    if not result.success:
        remedy = "" if result.problem else f"Where a table is missing, build it first: {build}"
        raise DataopsError("Tests failed; the messages above say why.", remedy, result.exit_code)
