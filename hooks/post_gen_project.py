"""Removes what was not chosen and makes the first sample data.

Standard library only, no network, no git: this also runs on every template update, in a temporary folder.
"""

import os
import re
import shlex
import shutil
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

CI = "{{ cookiecutter.ci }}"
MONITORING = "{{ cookiecutter.monitoring }}"
ALERTS = "{{ cookiecutter.alerts }}"
EXAMPLE = "{{ cookiecutter.example }}"
SAMPLE_UNTIL = "{{ cookiecutter.sample_until }}"

# Files and folders that come with an answer. A folder cannot be left out by its name: cookiecutter stops at an empty one.
WANTED = {
    ".github": CI == "github",
    ".gitlab": CI == "gitlab",
    ".gitlab-ci.yml": CI == "gitlab",
    "docs/monitoring.md": MONITORING != "none",
    "docs/runbook": MONITORING != "none",
    "macros/elementary.sql": MONITORING != "none",
    "macros/elementary.yml": MONITORING != "none",
}
# YAML files that are copied without rendering mark with comment lines which parts belong to monitoring or to alerts.
KEPT_PARTS = {"monitoring": MONITORING != "none", "alerts": ALERTS != "none"}
PART = re.compile(r"^ *# <(monitoring|alerts)>\n(.*?)^ *# </\1>\n", re.MULTILINE | re.DOTALL)
# The sample's files, and folders that hold nothing else; comments mark its parts of other files (dataops/sample/parts.py).
SAMPLE = [
    "models/staging/shop",
    "models/intermediate",
    "models/marts",
    "models/exposures.yml",
    "seeds/shop",
    "snapshots/product_prices.yml",
    "tests",
    "scripts/sample_data.py",
    "docs/sample-data.md",
]
TEMPORARY = re.compile(r"tmp\w{8}")


def remove(paths):
    for path in map(Path, paths):
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


def settle_parts():
    """Removes the comment lines around the parts, and the parts that were not chosen."""
    for file in Path().rglob("*.yml"):
        text = file.read_bytes().decode()
        settled = PART.sub(lambda part: part[2] if KEPT_PARTS[part[1]] else "", text)
        if settled != text:
            file.write_bytes(settled.encode())


def write_or_remove_sample():
    sys.dont_write_bytecode = True
    sys.path[:0] = ["scripts", "packages/dataops/src"]
    import sample_data

    from dataops.sample import parts

    project = Path()
    if EXAMPLE == "yes":
        until = date.fromisoformat(SAMPLE_UNTIL)
        since = until - timedelta(days=sample_data.DEFAULT_DAYS - 1)
        sample_data.write_csv(project / "seeds" / "shop", since, until)
    parts.write_list(project, SAMPLE)
    if EXAMPLE == "no":
        parts.apply(project, parts.plan(project, parts.read_list(project)))


def next_steps():
    """What to type next; nothing in the temporary folder that cruft generates in, where there is no project to go to."""
    project = Path.cwd()
    if project.parent.parent == Path(tempfile.gettempdir()).resolve() and TEMPORARY.fullmatch(project.parent.name):
        return ""
    here = Path(os.environ.get("PWD", "/"))  # where the command was typed; a hook's own folder is the project
    folder = project.relative_to(here) if project.is_relative_to(here) else project
    return f"{project.name} is generated. Next:\n  cd {shlex.quote(str(folder))}\n  git init\n  make setup build\n"


if __name__ == "__main__":
    settle_parts()
    remove(path for path, wanted in WANTED.items() if not wanted)
    write_or_remove_sample()
    remove(Path("packages").rglob("__pycache__"))  # a template that lies in a folder may have been used there
    print(next_steps(), end="")
