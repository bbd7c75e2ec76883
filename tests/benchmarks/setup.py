"""Setup: from a generated project to one that can build."""

from __future__ import annotations

import shutil

from tests.benchmarks.measure import Result, alternate, command, seconds
from tests.benchmarks.workshop import Workshop
from tests.helpers import Done


def measure(workshop: Workshop) -> list[Result]:
    """Seconds of the first `make setup` in a new project, when uv has the packages in its cache."""

    def set_up() -> Done:
        project = workshop.new_project("new")
        done = command("make", "setup", cwd=project)
        shutil.rmtree(project)
        return done

    measured = alternate({"make setup": set_up}, workshop.runs, workshop.show)
    return [Result("make setup in a new project, packages in uv's cache", seconds(measured["make setup"]), target=15.0)]
