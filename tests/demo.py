"""make demo: the template from the first command to the docs page, in demo/corner_shop, each part timed."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

import click
from rich.console import Console
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from tests.helpers import REPOSITORY, UV_FOLDER, clean_environment, run

FOLDER = REPOSITORY / "demo"
PROJECT = FOLDER / "corner_shop"
LOG = FOLDER / "demo.log"
SHOWN_LINES = 25  # of a failed step


def steps() -> list[tuple[str, str, list[str], Path]]:
    """What is shown: name, the command as a person would type it, the command as it is run, and where."""
    generate = [sys.executable, "-m", "cookiecutter", str(REPOSITORY), "--no-input", "--output-dir", str(FOLDER)]
    tasks = [
        ("set up", "make setup"),
        ("build in dev", "make build"),
        ("lint", "make lint"),
        ("make the docs page", "make docs"),
    ]
    return [
        ("generate", f"cookiecutter {os.path.relpath(REPOSITORY, FOLDER.parent)} --no-input", generate, FOLDER),
        *((name, command, command.split(), PROJECT) for name, command in tasks),
    ]


def callers_environment() -> dict[str, str]:
    """The caller's own, without this repository's uv: the project must still work when the demo is over."""
    environment = clean_environment(NO_COLOR="1")
    path = [folder for folder in environment["PATH"].split(os.pathsep) if folder != str(UV_FOLDER)]
    environment["PATH"] = os.pathsep.join(path)
    del environment["USER"]
    own = ("USER", "DBT_PACKAGES_DIR", "DBT_PACKAGE_HUB_URL")
    return environment | {name: os.environ[name] for name in own if name in os.environ}


def run_step(command: list[str], folder: Path) -> tuple[int, str, float]:
    """Runs one step; returns its exit code, what it printed (also kept in demo.log) and the seconds it took."""
    done = run(*command, cwd=folder, environment=callers_environment(), timeout=1800)
    with LOG.open("a", encoding="utf-8") as log:
        log.write(f"$ {' '.join(command)}\n{done.output}\n")
    return done.code, done.output, done.seconds


def result(name: str, output: str) -> str:
    """What a step came to, read from what it printed or left on disk."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    if name == "generate":
        return f"{sum(1 for path in PROJECT.rglob('*') if path.is_file())} files in {PROJECT.relative_to(REPOSITORY)}"
    if name == "build in dev":
        return next((line.split("Done. ", 1)[1] for line in reversed(lines) if "Done. " in line), "")
    if name == "lint":
        return f"{sum(line.endswith('Passed') for line in lines)} checks passed"
    if name == "make the docs page":
        return "target/docs/index.html"
    return lines[-1] if lines else ""


def tables_of_the_warehouse() -> Table:
    """The marts as they stand in the dev warehouse."""
    import duckdb

    table = Table(box=None, pad_edge=False)
    table.add_column("mart in the dev warehouse", style="cyan")
    table.add_column("rows", justify="right")
    (warehouse,) = (PROJECT / "warehouse" / "dev").glob("*.duckdb")
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for (name,) in connection.sql(
            "select table_name from information_schema.tables where table_schema = 'dev_marts' order by 1"
        ).fetchall():
            (rows,) = connection.sql(f'select count(*) from dev_marts."{name}"').fetchone()
            table.add_row(name, f"{rows:,}")
    return table


@click.command(help=__doc__)
@click.option("--picture", type=click.Path(dir_okay=False), help="Also save what is shown as an SVG file.")
def main(picture: str | None) -> None:
    """See the module."""
    console = Console(record=bool(picture), width=100 if picture else None, highlight=False)
    shutil.rmtree(FOLDER, ignore_errors=True)
    FOLDER.mkdir(parents=True)
    table = Table(box=None, pad_edge=False)
    table.add_column("", style="green")
    table.add_column("step", style="bold")
    table.add_column("seconds", justify="right")
    table.add_column("what came of it")
    console.print("[bold]$ make demo[/]")
    total = 0.0
    for name, typed, command, folder in steps():
        with console.status(f"{name}: {typed}"):
            code, output, seconds = run_step(command, folder)
        total += seconds
        if code:
            console.print(f"[red]✗[/] {name}: [bold]{typed}[/] ended with exit code {code}. Its last lines:")
            console.print(Text("\n".join(output.splitlines()[-SHOWN_LINES:])))
            console.print(f"All of it: {LOG.relative_to(REPOSITORY)}")
            sys.exit(1)
        console.print(f"[green]✓[/] {name:20} [dim]{typed:40}[/]")
        table.add_row("", name, f"{seconds:.1f}", result(name, output))
    table.add_row("", "all", f"{total:.1f}", "")
    console.print()
    console.print(table)
    console.print()
    console.print(tables_of_the_warehouse())
    console.print()
    next_steps = Text.from_markup(
        "[bold]cd demo/corner_shop[/]\n"
        "[bold]make help[/]                     every task\n"
        "[bold]make test[/]                     code, system, data and output\n"
        "[bold]open target/docs/index.html[/]   the docs site (xdg-open on Linux)"
    )
    console.print(Panel(next_steps, title="What to type next", title_align="left", expand=False))
    if picture:
        console.save_svg(picture, title="dbt-dataops")


if __name__ == "__main__":
    main()
