"""make crosscheck: compares what two environments hold, model by model."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import duckdb
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dataops.console import new_console
from dataops.crosscheck import CannotCompare
from dataops.crosscheck.datasets import Dataset, open_dataset, workspace
from dataops.crosscheck.markdown import as_markdown
from dataops.crosscheck.page import as_page
from dataops.crosscheck.parse import read_code, select_models
from dataops.crosscheck.results import Result, compare_models, describe_dataset
from dataops.crosscheck.terminal import show
from dataops.errors import DataopsError, Interrupted, was_interrupted
from dataops.files import write_whole
from dataops.manifest import Code
from dataops.typed import typed

FOLDER = Path("target", "crosscheck")


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turns whatever can end a comparison into a DataopsError: exit code 1 is for data that differs."""
    try:
        yield
    except duckdb.Error as error:  # its text may hold data
        raise DataopsError(f"DuckDB stopped with {type(error).__name__}. Nothing was compared.") from None
    except OSError as error:
        raise DataopsError(f"The result cannot be written: {error}") from error
    except BaseException as error:
        if was_interrupted(error):
            raise Interrupted(
                "\nStopped: not everything was compared, and nothing was written. Run it again."
            ) from None
        raise


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("models", nargs=-1)
@click.option("--base", default="prod", show_default=True, help="The yardstick: dev, ci, prod or a warehouse file.")
@click.option("--head", help="What is under test: dev, ci, prod or a warehouse file.  [default: TARGET]")
@click.option(
    "--select", "-s", multiple=True, help="Models to compare, in dbt's selection syntax: 'orders+ tag:daily'."
)
@click.option("--exclude", multiple=True, help="Models to leave out, in the same syntax.")
@click.option(
    "--examples",
    type=click.IntRange(0, 100),
    default=3,
    show_default=True,
    help="Rows to show of each kind that differs.",
)
@explained()
def main(
    models: tuple[str, ...],
    base: str,
    head: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    examples: int,
) -> None:
    """Compare the data of two environments, model by model: columns, rows, values.

    MODELS are more of --select. Without a selection all models are compared; seeds and snapshots only where the selection
    has them.

    Exit codes: 0 the same, or within the thresholds of the models' meta; 1 different; 2 something could not be compared.
    """
    head = head or os.environ.get("DBT_TARGET") or "dev"
    remove_results()
    result = Result(describe_dataset(None, base), describe_dataset(None, head))
    try:
        if base == head:
            raise CannotCompare(
                f"{head} would be compared with itself.",
                f"Type: {typed('crosscheck')} (dev against prod), {typed('crosscheck', target='ci')},"
                f" or {typed('crosscheck', '--base FILE', target='prod')}",
            )
        datasets = open_dataset(base), open_dataset(head)
        if datasets[0].file.samefile(datasets[1].file):
            raise CannotCompare(f"{base} and {head} are the same file.", "Name two different ones.")
        result.base, result.head = (describe_dataset(one, one.name) for one in datasets)
        os.environ["DBT_TARGET"] = datasets[1].target
        os.environ["DBT_TARGET_PATH"] = str(Path("target", datasets[1].target))
        code = read_code(datasets[1].target)
        compare(*datasets, code, result, (*_words(select), *models), _words(exclude), examples)
    except CannotCompare as reason:
        result.problem, result.remedy = reason.problem, reason.remedy
    written = write_results(result)
    show(new_console(), result, written)
    sys.exit(result.exit_code)


def _words(options: tuple[str, ...]) -> tuple[str, ...]:
    """Several names in one option, as in `--select "orders customers"`."""
    return tuple(word for option in options for word in shlex.split(option))


def compare(
    base: Dataset,
    head: Dataset,
    code: Code,
    result: Result,
    select: tuple[str, ...] = (),
    exclude: tuple[str, ...] = (),
    examples: int = 3,
) -> None:
    """Compares base and head and fills in the result. On a terminal a bar shows the progress.

    Args:
        base: what is compared with.
        head: what is under test.
        code: the code of today.
        result: gets a verdict for each model.
        select: models to compare, in dbt's selection syntax; all if empty.
        exclude: models to leave out, in the same syntax.
        examples: rows to show of each kind that differs.

    Raises:
        CannotCompare: nothing is selected, or a dataset cannot be read.
    """
    result.project = code.project
    chosen = select_models(code, head.target, select, exclude)
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with (
        workspace(base, head) as space,
        Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        task = progress.add_task("Reading base and head", total=len(chosen))
        whole = not select and not exclude
        names = iter([*(model.name for model in chosen[1:]), ""])
        progress.update(task, description=chosen[0].name)
        for one in compare_models(space, base, head, chosen, code.models, whole, examples):
            result.models.append(one)
            progress.update(task, advance=1, description=next(names, ""))


def remove_results() -> None:
    """Removes what an earlier run wrote: it must not be taken for this one's, however this one ends."""
    for name in ("summary.md", "report.html", "result.json"):
        (FOLDER / name).unlink(missing_ok=True)


def write_results(result: Result) -> list[Path]:
    """Writes summary, page and JSON, each whole or not at all, and returns their paths."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    texts = {
        "summary.md": as_markdown(result),
        "report.html": as_page(result),
        "result.json": json.dumps(result.as_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n",
    }
    for name, text in texts.items():
        write_whole(FOLDER / name, text)
    return [FOLDER / name for name in texts]
