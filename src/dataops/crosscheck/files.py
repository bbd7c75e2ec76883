"""The files of a result: a summary for a pull request, a page, and JSON."""

from __future__ import annotations

import json
from pathlib import Path

from dataops.crosscheck.markdown import as_markdown
from dataops.crosscheck.page import as_page
from dataops.crosscheck.results import Result
from dataops.files import write_whole
from dataops.project import Project

FOLDER = Path("target", "crosscheck")
NAMES = ("summary.md", "report.html", "result.json")


def remove_results(project: Project) -> None:
    """Removes what an earlier run wrote: it must not be taken for this one's, however this one ends."""
    for name in NAMES:
        project.path(FOLDER, name).unlink(missing_ok=True)


def write_results(project: Project, result: Result) -> list[Path]:
    """Writes summary, page and JSON, each whole or not at all, and returns their paths."""
    folder = project.path(FOLDER)
    folder.mkdir(parents=True, exist_ok=True)
    json_text = json.dumps(result.as_json(), indent=2, ensure_ascii=False, allow_nan=False) + "\n"
    files = [folder / name for name in NAMES]
    for file, text in zip(files, (as_markdown(result), as_page(result), json_text), strict=True):
        write_whole(file, text)
    return files
