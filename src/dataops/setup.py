"""dataops setup, once the Python tools are installed: the dbt packages and the git hooks."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import click

from dataops import __version__
from dataops.deps import install_packages
from dataops.engines import engine_of
from dataops.errors import DataopsError
from dataops.git import ask
from dataops.installed import installed_packages, package_version
from dataops.monitoring import monitor
from dataops.project import Project
from dataops.typed import how_to_build, typed

HOOKS = ["pre-commit", "commit-msg", "pre-push"]
# In a git hook: pre-commit names its own Python there. A commit from before scripts/ready.sh can be checked out, too.
PYTHON_OF_HOOK = re.compile(r"^INSTALL_PYTHON=.*$", re.MULTILINE)
CHECKED_PYTHON = """[ ! -f scripts/ready.sh ] || sh scripts/ready.sh || exit 1
INSTALL_PYTHON=.venv/bin/python"""


def install_hooks(project: Project) -> str:
    """Installs the git hooks where that is possible, and says in one line what came of it."""
    setup, lint = typed("setup"), typed("lint")
    top = ask(project.root, "rev-parse", "--show-toplevel")
    if top is None:
        return f"not installed: this is not a git repository yet. After `git init`: {setup}"
    if Path(top).resolve() != project.root.resolve():
        return f"not installed: the git repository is {top}, and hooks belong to its root. `{lint}` runs them all"
    if shared := ask(project.root, "config", "core.hooksPath"):
        return (
            f"not installed: git takes its hooks from {shared}. `{lint}` runs them all; to have them at each"
            f" commit: git config --unset core.hooksPath, then {setup}"
        )
    stages = [option for hook in HOOKS for option in ("--hook-type", hook)]
    command = [sys.executable, "-m", "pre_commit", "install", *stages]
    done = subprocess.run(
        command, check=False, cwd=project.root, env=dict(project.variables), capture_output=True, text=True
    )
    if done.returncode:
        return f"not installed: {(done.stderr or done.stdout).strip()}"
    for hook in HOOKS:  # so that after a move of the project a hook says what to do
        file = project.path(ask(project.root, "rev-parse", "--git-path", f"hooks/{hook}"))
        file.write_text(PYTHON_OF_HOOK.sub(CHECKED_PYTHON, file.read_text(encoding="utf-8")), encoding="utf-8")
    return f"{', '.join(HOOKS)}: installed"


def tools_summary(project: Project) -> str:
    """How many packages .venv holds, and the versions of those that matter."""
    tools = ["dbt-core", *engine_of(project).tools, *monitor(project).tools]
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in tools)
    return f"{len(list(metadata.distributions()))} packages: {versions}; Python {platform.python_version()}"


def require_equal_versions(project: Project) -> None:
    """Makes sure that both halves of dataops, the command and the dbt package, are of one version.

    Raises:
        DataopsError: they are not.
    """
    macros = package_version(installed_packages(project) / "dataops")
    if macros not in (None, __version__):
        raise DataopsError(
            f"The dbt package dataops is {macros} and the Python package dbt-dataops is {__version__}: they must be equal.",
            f"Set packages.yml and [tool.uv.sources] in pyproject.toml to one version. Then: {typed('setup')}",
        )


@click.command()
@click.pass_obj
def setup(project: Project) -> None:
    """Install the dbt packages and the git hooks. The Python tools are installed already: this command is one of them."""
    if "'" in str(project.root):  # dbt-duckdb writes the path of a seed into SQL as it is
        raise DataopsError(
            f"dbt cannot load seeds from a folder with an apostrophe in its path: {project.root}. Move the project."
        )
    print(f"    {tools_summary(project)}")
    print("2/3 dbt packages: ", end="", flush=True)
    print(install_packages(project))
    require_equal_versions(project)
    if problem := monitor(project).setup_problem():
        raise DataopsError(problem)
    print("3/3 Git hooks", install_hooks(project))
    print(f"Ready. Next: {how_to_build(project.dev)}")
