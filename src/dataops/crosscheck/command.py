"""dataops crosscheck: compares what two environments hold, model by model."""

from __future__ import annotations

import contextlib
import shlex
from collections.abc import Callable, Iterator

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from dataops.console import new_console
from dataops.crosscheck import CannotCompare, service
from dataops.crosscheck.datasets import Dataset, open_dataset
from dataops.crosscheck.files import remove_results, write_results
from dataops.crosscheck.results import Result, describe_dataset
from dataops.crosscheck.terminal import show
from dataops.engines import EngineError, engine_of
from dataops.errors import DataopsError, Interrupted, was_interrupted
from dataops.project import Project
from dataops.runner import Runner
from dataops.typed import typed


@contextlib.contextmanager
def explained() -> Iterator[None]:
    """Turns whatever can end a comparison into a DataopsError: exit code 1 is for data that differs."""
    try:
        yield
    except EngineError as error:  # its text may hold data
        raise DataopsError(f"{error.problem.rstrip('.')}. Nothing was compared.") from None
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
@click.option("--base", help="What is compared with: an environment or a warehouse file.  [default: prod]")
@click.option("--head", help="The head: an environment or a warehouse file.  [default: TARGET]")
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
@click.pass_obj
@explained()
def main(
    project: Project,
    models: tuple[str, ...],
    base: str | None,
    head: str | None,
    select: tuple[str, ...],
    exclude: tuple[str, ...],
    examples: int,
) -> int:
    """Compare the data of two environments, model by model: columns, rows, values.

    MODELS are more of --select. Without a selection all models are compared; seeds and snapshots only where the selection
    has them.

    Exit codes: 0 the same, or within the thresholds of the models' meta; 1 different; 2 something could not be compared.
    """
    base, head = base or project.prod.name, head or project.target.name
    remove_results(project)
    result = Result(describe_dataset(None, base), describe_dataset(None, head))
    try:
        datasets = open_both(project, base, head)
        result.base, result.head = (describe_dataset(one, one.name) for one in datasets)
        result = compare(project, *datasets, (*_words(select), *models), _words(exclude), examples)
    except (Interrupted, EngineError):
        raise
    except DataopsError as reason:
        result.problem, result.remedy = reason.problem, reason.remedy
    written = write_results(project, result)
    show(new_console(), result, written)
    return result.exit_code


def _words(options: tuple[str, ...]) -> tuple[str, ...]:
    """Several names in one option, as in `--select "orders customers"`."""
    return tuple(word for option in options for word in shlex.split(option))


def open_both(project: Project, base: str, head: str) -> tuple[Dataset, Dataset]:
    """Opens base and head.

    Raises:
        CannotCompare: one of them cannot be read, or both are the same.
    """
    if base == head:
        prod, ci = project.prod.name, project.ci.name
        raise CannotCompare(
            f"{head} would be compared with itself.",
            f"Type: {typed('crosscheck')} ({project.dev.name} against {prod}), {typed('crosscheck', target=ci)},"
            f" or {typed('crosscheck', '--base FILE', target=prod)}",
        )
    datasets = open_dataset(project, base), open_dataset(project, head)
    if datasets[0].data.is_same(datasets[1].data):
        raise CannotCompare(f"{base} and {head} are the same file.", "Name two different ones.")
    return datasets


def compare(
    project: Project, base: Dataset, head: Dataset, select: tuple[str, ...], exclude: tuple[str, ...], examples: int
) -> Result:
    """Parses the project as the head's environment has it, and compares base and head. On a terminal a bar shows the progress.

    Args:
        project: the project.
        base: what is compared with.
        head: what is under test.
        select: models to compare, in dbt's selection syntax; all if empty.
        exclude: models to leave out, in the same syntax.
        examples: rows to show of each kind that differs.

    Raises:
        DataopsError: the project cannot be parsed, nothing is selected, or a dataset cannot be read.
    """
    environment = project.environment(head.target)
    engines = engine_of(project, base.environment), engine_of(project, environment)
    if engines[0].type != engines[1].type:
        raise CannotCompare(
            f"{base.name} is on {engines[0].name} and {head.name} on {engines[1].name}.",
            "Name two that are on the same one.",
        )
    runner = Runner(project.with_target(environment), environment)
    code = runner.parse()
    models = service.select_models(code, runner, select, exclude)
    everything = not select and not exclude
    with progress_bar() as progress:
        return service.compare(
            engines[1], base, head, code, models, everything=everything, examples=examples, progress=progress
        )


@contextlib.contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on standard error, if that is a terminal. Gives what `service.compare` calls to move it."""
    console = Console(stderr=True, highlight=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Reading base and head")
        yield lambda done, total, name: bar.update(task, completed=done, total=total, description=name)
