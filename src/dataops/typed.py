"""How a command is typed in this project: `make release` where its Makefile has the task, `dataops release` elsewhere.

The one place that decides it. Messages call `typed()`; the project is the one around the working directory.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from dataops.project import Environment, find_root

NEEDS_NO_QUOTES = re.compile(r"[\w./:=<>+-]+")


def root() -> Path:
    """The project around the working directory; the working directory itself where there is none."""
    return find_root(Path.cwd()) or Path.cwd()


def typed(task: str, arguments: str = "", *, target: str = "", to: str | int = "", project: Path | None = None) -> str:
    """A task as a person types it in the project's folder.

    Args:
        task: its name, as in `dataops --help`.
        arguments: options of the command.
        target: the environment, where it is not the default.
        to: the version that a rollback makes prod.
        project: the project's folder, where it is not the one around the working directory.

    >>> typed("rollback", to=41, project=Path("no-makefile"))
    'dataops rollback 41'
    >>> typed("build", "--select orders", target="ci", project=Path("no-makefile"))
    'TARGET=ci dataops build --select orders'
    """
    project = project or root()
    if has_make_task(task, project):
        quoted = arguments if NEEDS_NO_QUOTES.fullmatch(arguments) else f'"{arguments}"'
        variables = (("TO", to), ("TARGET", target), ("ARGS", arguments and quoted))
        return " ".join(["make", task, *(f"{name}={value}" for name, value in variables if value)])
    # Who works with make has no venv activated.
    program = tool("dataops", project) if _makefile(project) else "dataops"
    words = (f"TARGET={target}" if target else "", program, task, str(to), arguments)
    return " ".join(filter(None, words))


def how_to_build(environment: Environment, arguments: str = "") -> str:
    """What to type to build an environment, or a part of it. Prod is always released whole."""
    if environment.is_prod:
        return typed("release")
    return typed("build", arguments, target="" if environment.role == "dev" else environment.name)


def has_make_task(task: str, project: Path | None = None) -> bool:
    """Whether the project has a Makefile that calls `dataops` and has the task."""
    return re.search(rf"^{re.escape(task)}:", _makefile(project or root()), re.MULTILINE) is not None


def _makefile(project: Path) -> str:
    """The project's Makefile; empty where there is none, and where it never mentions dataops: its `build` is another then."""
    try:
        text = (project / "Makefile").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return text if "dataops" in text else ""


def tool(name: str, project: Path | None = None) -> str:
    """A program as a person types it in the project's folder: the one in .venv where that has it.

    >>> tool("dbt", Path("no-venv"))
    'dbt'
    """
    return f".venv/bin/{name}" if ((project or root()) / ".venv" / "bin" / name).exists() else name


def guide(path: str, project: Path | None = None) -> str:
    """A page or example that generated projects have, as a message names it.

    >>> guide("docs/quarantine.md", Path("no-project"))
    'docs/quarantine.md in the template of dbt-dataops'
    """
    return path if _has(path, project or root()) else f"{path} in the template of dbt-dataops"


def shown(path: Path | str) -> str:
    """A path as a person types it in the project's folder."""
    return os.path.relpath(path)


def _has(path: str, project: Path) -> bool:
    return (project / path).exists()
