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
from tests.benchmarks.workshop import Workshop
from tests.helpers import REPOSITORY, Done, git_init, run

MOST = 1.1  # times the seconds of the earlier commit
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
    """Seconds now and before, and their ratio: generation, setup, build, commit, release, and a task that does little."""
    templates = {"now": REPOSITORY, "before": earlier_template(workshop)}

    def generation(side: str) -> Done:
        return generate(templates[side], workshop.space(f"generated_{side}"))

    def setup(side: str) -> Done:
        project = new_project(templates[side], workshop.space(f"new_{side}"))
        done = command("make", "setup", cwd=project)
        shutil.rmtree(project)
        return done

    results = compare(workshop, "generation", generation) + compare(workshop, "make setup", setup)

    projects = {side: new_project(template, workshop.space(f"ready_{side}")) for side, template in templates.items()}
    for side, project in projects.items():
        workshop.show(f"preparing: make setup, commit ({side})")
        command("make", "setup", cwd=project)
        command("git", "add", "--all", cwd=project)
        command("git", "commit", "--quiet", "--no-verify", "-m", "feat: start the project", cwd=project)
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
    for name, task in tasks.items():
        results += compare(workshop, name, task)
    own = {"--help": 0.3, "releases": 0.5}
    for argument, most in own.items():
        started = alternate(
            {argument: lambda argument=argument: command(".venv/bin/dataops", argument, cwd=projects["now"])},
            workshop.runs,
            workshop.show,
        )
        results.append(Result(f"dataops {argument}", seconds(started[argument]), target=most))
    return results
