"""Lint: `make lint` as a project grows."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import cycle, islice, pairwise
from pathlib import Path

from tests.benchmarks.hooks import ChangingFile, changing_mart, hook_results
from tests.benchmarks.measure import MeasurementFailed, Result, alternate, command, seconds
from tests.benchmarks.workshop import Workshop
from tests.helpers import Done, copy_project

SIZES = (20, 200, 1000)  # models in all
DETAILED_SIZE = 200  # the size whose hooks are shown one by one
TARGETS = {200: 10.0}  # seconds
# Where a YAML file names its model and its unit tests: the top level of its lists.
NAMES = re.compile(r"^(  - name: |    model: )(\S+)$", re.MULTILINE)


def documented_models(project: Path) -> list[Path]:
    """The SQL files of the models that have a YAML file beside them, staging before marts."""
    return sorted(
        (file for file in (project / "models").rglob("*.sql") if file.with_suffix(".yml").exists()),
        key=lambda file: (file.parts[-2], file.name),
    )


def grow(project: Path, size: int) -> None:
    """Adds models until a project has `size` of them.

    They are copies of the sample's own, in turn, under other names and with their YAML: described, owned, tested and
    with unit tests, so the lint passes and has as much to do for each as for a real one.
    """
    samples = documented_models(project)
    present = len(list((project / "models").rglob("*.sql")))
    if not samples or size < present:
        raise MeasurementFailed(f"the project has {present} models already, {len(samples)} of them to copy: not {size}")
    for number, sample in enumerate(islice(cycle(samples), size - present), start=1):
        suffix = f"_{number:04d}"
        copy = sample.with_stem(sample.stem + suffix)
        description = sample.with_suffix(".yml").read_text(encoding="utf-8")
        copy.write_bytes(sample.read_bytes())
        copy.with_suffix(".yml").write_text(NAMES.sub(rf"\g<0>{suffix}", description), encoding="utf-8")


def grown_project(workshop: Workshop, size: int) -> Path:
    """A set-up, committed project with `size` models that dbt has parsed once."""
    workshop.show(f"preparing: a project of {size} models, parsed once")
    project = copy_project(workshop.ready_project, workshop.space(f"lint_{size}"))
    grow(project, size)
    command("git", "add", "--all", cwd=project)
    command("git", "commit", "--quiet", "--no-verify", "-m", "feat: more models", cwd=project)
    command(".venv/bin/pre-commit", "run", "--hook-stage", "pre-push", "--all-files", cwd=project)
    return project


def lint_everything(project: Path) -> Callable[[], Done]:
    """What lints a project of which one mart and the lint's own settings have changed: no earlier result counts."""
    mart, settings = changing_mart(project), ChangingFile(project / ".sqlfluff", "#")

    def lint() -> Done:
        mart.change()
        settings.change()
        return command("make", "lint", "ARGS=--verbose", cwd=project)

    return lint


def lint_again(project: Path) -> Callable[[], Done]:
    """What lints a project of which one mart has changed since the lint last passed."""
    mart = changing_mart(project)

    def lint() -> Done:
        mart.change()
        return command("make", "lint", "ARGS=--verbose", cwd=project)

    return lint


def milliseconds_for_each(small: list[Done], large: list[Done], models: int) -> tuple[float, ...]:
    """Milliseconds that each of the models by which two sizes differ adds, run by run."""
    return tuple(1000 * (b.seconds - a.seconds) / models for a, b in zip(small, large, strict=True))


def growth_results(measured: dict[int, list[Done]]) -> list[Result]:
    """What a further model costs between the sizes, and whether late models cost more than early ones."""
    steps = {
        (small, large): milliseconds_for_each(measured[small], measured[large], large - small)
        for small, large in pairwise(SIZES)
    }
    early, *_, late = steps.values()
    growth = tuple(last / first for first, last in zip(early, late, strict=True))
    return [
        *(Result(f"each further model, from {a} to {b}", values, "ms") for (a, b), values in steps.items()),
        Result("growth: a late further model / an early one (1 is linear)", growth, "times"),
    ]


def measure(workshop: Workshop) -> list[Result]:
    """Seconds of `make lint` at each size, its hooks at one of them, milliseconds for each further model."""
    projects = {size: grown_project(workshop, size) for size in SIZES}
    again = f"{DETAILED_SIZE} models, again"
    sides = {f"{size} models": lint_everything(project) for size, project in projects.items()}
    sides[again] = lint_again(projects[DETAILED_SIZE])
    runs = alternate(sides, workshop.runs, workshop.show, warm_up=False)
    runs_again = runs.pop(again)
    measured = dict(zip(SIZES, runs.values(), strict=True))
    results = []
    for size, done in measured.items():
        results.append(Result(f"make lint, {size} models", seconds(done), target=TARGETS.get(size)))
        if size == DETAILED_SIZE:
            results += hook_results(done)
            name = f"make lint again, {size} models, one mart changed"
            results.append(Result(name, seconds(runs_again), target=TARGETS[size]))
    return results + growth_results(measured)
