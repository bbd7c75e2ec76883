"""The command line of the benchmarks: `make bench`, or `make bench ARGS="build --runs 3"`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

import click
from rich.console import Console

from tests.benchmarks import (
    before,
    build,
    crosscheck,
    generation,
    hooks,
    lint,
    monitoring,
    parse,
    quarantine,
    release,
    report,
    setup,
    slim_ci,
)
from tests.benchmarks.machine import describe_machine, describe_versions
from tests.benchmarks.measure import NotMeasured, Result
from tests.benchmarks.workshop import Workshop

MODULES = (generation, setup, build, monitoring, hooks, lint, quarantine, crosscheck, parse, slim_ci, release)
BENCHMARKS = {module.__name__.rpartition(".")[2]: module.measure for module in (*MODULES, before)}
UNNAMED = [name for name in BENCHMARKS if name != "before"]  # those that run when none is named


def in_a_folder(_context: click.Context, _parameter: click.Parameter, file: Path | None) -> Path | None:
    """Refuses a file whose folder is not there, before anything is measured."""
    if file and not file.absolute().parent.is_dir():
        raise click.BadParameter(f"the folder of {file} is not there. Make it first, or name another.")
    return file


def console(stderr: bool = False) -> Console:
    """Where to print: as wide as the terminal, and 110 columns into a file, whose width nobody knows."""
    width = None if (sys.stderr if stderr else sys.stdout).isatty() else 110
    return Console(stderr=stderr, width=width, highlight=False, markup=not stderr)


@click.command()
@click.argument("names", nargs=-1, type=click.Choice(list(BENCHMARKS)), metavar=f"[{'|'.join(BENCHMARKS)}]...")
@click.option("--runs", type=click.IntRange(min=1), default=5, show_default=True, help="How often to measure each.")
@click.option(
    "--before",
    "commit",
    default="HEAD",
    show_default=True,
    metavar="COMMIT",
    help="The commit that the benchmark `before` compares the working tree with.",
)
@click.option(
    "--json",
    "json_file",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    callback=in_a_folder,
    metavar="FILE",
    help="Write all values to this file too.",
)
def main(names: tuple[str, ...], runs: int, commit: str, json_file: Path | None) -> None:
    """Measure the template and the projects it makes: all benchmarks (but `before`), or those named.

    Each figure is the median of some runs. A ratio is taken against the plain alternative, run by run in turn. Targets
    are shown, not enforced: a missed one is marked, and the exit code stays 0.
    """
    progress, tables = console(stderr=True), console()
    machine = describe_machine()
    results: dict[str, list[Result]] = {}
    with tempfile.TemporaryDirectory(prefix="benchmarks-") as folder:
        workshop = Workshop(Path(folder), runs, progress.print, commit)
        for name in dict.fromkeys(names or UNNAMED):
            progress.rule(name)
            try:
                results[name] = BENCHMARKS[name](workshop)
            except NotMeasured as reason:
                tables.print(f"{name}: not measured. {reason}")
                continue
            tables.print(report.results_table(name, results[name]))
        versions = describe_versions(workshop.ready_project if workshop.is_ready else None)
    tables.print(report.facts_table("machine", machine))
    tables.print(report.facts_table("versions", versions))
    if json_file:
        json_file.write_text(json.dumps(report.as_json(machine, versions, results), indent=2) + "\n", encoding="utf-8")
        progress.print(f"All values: {json_file}")


if __name__ == "__main__":
    main(prog_name="python -m tests.benchmarks")
