"""Before: the tasks of a generated project against those of a project that an earlier commit of the template generates.

Not among the benchmarks that run without a name: it takes two set-ups, builds and releases a run. `--before` names the commit.
"""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from tests.benchmarks.hooks import changing_mart
from tests.benchmarks.measure import Result, alternate, checked, command, ratios, seconds
from tests.benchmarks.parse import IN_MODELS, MODELS, Tests, tests_of_the_package, write_project
from tests.benchmarks.workshop import Workshop
from tests.helpers import REPOSITORY, Done, copy_project, git_init, run

MOST = 1.1  # times the seconds of the earlier commit
MOST_SECONDS = {"--help": 0.3, "releases": 0.5, "rollback --dry-run": 0.5}
RENAMED = {"no_overlaps", "reconciles_with"}  # their arguments had other names: no model can use them on both sides
RELEASE = ("make", "release", "ARGS=--accept 'a benchmark'")


def earlier_template(workshop: Workshop) -> Path:
    """The template of the earlier commit, from `git archive`."""
    folder = workshop.space("earlier_template")
    archive = workshop.space("archive") / "template.tar"
    command("git", "archive", "--output", archive, workshop.before, cwd=REPOSITORY)
    command("tar", "--extract", "--file", archive, cwd=folder)
    return folder


def generate(template: Path, folder: Path) -> Done:
    """Generates a project with the default answers."""
    options = ("-m", "cookiecutter", template, "--no-input", "-o", folder)
    return checked(run(sys.executable, *options, cwd=folder), "cookiecutter --no-input")


def new_project(template: Path, folder: Path) -> Path:
    """A generated project that is a git repository."""
    generate(template, folder)
    (project,) = folder.iterdir()
    git_init(project)
    return project


def compare(workshop: Workshop, name: str, measure: Callable[[str], Done]) -> list[Result]:
    """The seconds of one task on both sides, and their ratio."""
    sides = {f"{name}, {side}": lambda side=side: measure(side) for side in ("now", "before")}
    now, before = alternate(sides, workshop.runs, workshop.show).values()
    return [
        Result(f"{name}, now", seconds(now)),
        Result(f"{name}, at {workshop.before}", seconds(before)),
        Result(f"{name}, now / before", ratios(now, before), "times", target=MOST),
    ]


def measure(workshop: Workshop) -> list[Result]:
    """Seconds now and before, and their ratio: a new project, its tasks, a parse of many models. Then how long `dataops` takes to start."""
    templates = {"now": REPOSITORY, "before": earlier_template(workshop)}
    return [
        *measure_new_projects(workshop, templates),
        *measure_parse(workshop, templates),
        *measure_tasks(workshop, templates),
    ]


def measure_new_projects(workshop: Workshop, templates: dict[str, Path]) -> list[Result]:
    """Generation and setup."""

    def generation(side: str) -> Done:
        return generate(templates[side], workshop.space(f"generated_{side}"))

    def setup(side: str) -> Done:
        project = new_project(templates[side], workshop.space(f"new_{side}"))
        done = command("make", "setup", cwd=project)
        shutil.rmtree(project)
        return done

    return compare(workshop, "generation", generation) + compare(workshop, "make setup", setup)


def measure_parse(workshop: Workshop, templates: dict[str, Path]) -> list[Result]:
    """dbt's full parse of a large project with the package of each side, by the same dbt."""
    dbt = workshop.ready_project / ".venv/bin/dbt"
    bodies = [own for own, _ in IN_MODELS.values()]
    tests = [one for one in tests_of_the_package() if not RENAMED.intersection(names_of(one))]
    large = {
        side: write_project(workshop.space(f"large_{side}"), bodies, tests, package, names=True)
        for side, package in templates.items()
    }

    def parse(side: str) -> Done:
        return command(dbt, "--quiet", "parse", "--no-partial-parse", cwd=large[side])

    return compare(workshop, f"dbt parse, {MODELS} models", parse)


def names_of(tests: Tests) -> set[str]:
    """The names of the generic tests of a model, without their package."""
    return {name.removeprefix("dataops.") for of_column in tests.values() for test in of_column for name in test}


def measure_tasks(workshop: Workshop, templates: dict[str, Path]) -> list[Result]:
    """Build, commit and release of the sample, and how long `dataops` takes to start."""
    before = new_project(templates["before"], workshop.space("ready_before"))
    workshop.show("preparing: make setup, commit (before)")
    command("make", "setup", cwd=before)
    command("git", "add", "--all", cwd=before)
    command("git", "commit", "--quiet", "--no-verify", "-m", "feat: start the project", cwd=before)
    projects = {"now": copy_project(workshop.ready_project, workshop.space("ready_now")), "before": before}
    marts = {side: changing_mart(project) for side, project in projects.items()}

    def commit(side: str) -> Done:
        marts[side].change()
        command("git", "add", marts[side].file, cwd=projects[side])
        return command("git", "commit", "-m", "fix: change a mart", cwd=projects[side])

    tasks = {
        "make build": lambda side: command("make", "build", cwd=projects[side]),
        "git commit": commit,
        "make release": lambda side: command(*RELEASE, cwd=projects[side]),
        "make releases": lambda side: command("make", "releases", cwd=projects[side]),
    }
    compared = [result for name, task in tasks.items() for result in compare(workshop, name, task)]
    return compared + measure_starts(workshop, projects["now"])


def measure_starts(workshop: Workshop, project: Path) -> list[Result]:
    """Seconds of the commands that must start at once, in a project with two versions of prod."""
    starts = {name: lambda name=name: command(".venv/bin/dataops", *name.split(), cwd=project) for name in MOST_SECONDS}
    measured = alternate(starts, workshop.runs, workshop.show)
    return [Result(f"dataops {name}", seconds(measured[name]), target=most) for name, most in MOST_SECONDS.items()]
