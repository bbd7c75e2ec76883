"""Generation: the template against a bare one that writes as many files of the same sizes."""

from __future__ import annotations

import json
import sys
from pathlib import Path

from tests.benchmarks.measure import Result, alternate, checked, command, ratios, seconds
from tests.benchmarks.workshop import Workshop
from tests.helpers import Done, cookiecutter

WITHOUT_BRACES = bytes.maketrans(b"{}", b"()")


def make_bare_template(project: Path, template: Path) -> int:
    """Writes a template of the same files as a project, rendered in the usual way but without tags and hooks.

    Braces become parentheses, so that each file keeps its size and Jinja finds nothing in it.

    Returns:
        how many files the template has.
    """
    files = [path for path in project.rglob("*") if path.is_file()]
    for file in files:
        target = template / "{{cookiecutter.project_slug}}" / file.relative_to(project)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.read_bytes().translate(WITHOUT_BRACES))
    answers = {"project_slug": project.name}
    (template / "cookiecutter.json").write_text(json.dumps(answers), encoding="utf-8")
    return len(files)


def count_files(folder: Path) -> int:
    """How many files a folder and the folders in it hold."""
    return sum(path.is_file() for path in folder.rglob("*"))


def measure(workshop: Workshop) -> list[Result]:
    """Seconds to generate a project with the default answers, and how many times a bare template's that is."""
    model = workshop.space("model")
    checked(cookiecutter(model), "cookiecutter --no-input")
    (project,) = model.iterdir()
    bare = workshop.space("bare_template")
    file_count = make_bare_template(project, bare)
    size = sum(path.stat().st_size for path in project.rglob("*") if path.is_file())

    def from_template() -> Done:
        return checked(cookiecutter(workshop.space("generated")), "cookiecutter --no-input")

    def from_bare_template() -> Done:
        folder = workshop.space("generated_bare")
        done = command(sys.executable, "-m", "cookiecutter", bare, "--no-input", "-o", folder, cwd=folder)
        if (made := count_files(folder)) != file_count:
            checked(Done(1, f"{made} files instead of {file_count}", done.seconds), "the bare template")
        return done

    sides = {"this template": from_template, "bare template": from_bare_template}
    ours, plain = alternate(sides, workshop.runs, workshop.show).values()
    return [
        Result(f"this template: {file_count} files, {size / 1000:.0f} kB", seconds(ours), target=1.0),
        Result("bare template, as many files of the same sizes", seconds(plain)),
        Result("this template / bare template", ratios(ours, plain), "times", target=1.5),
    ]
