"""A stub of Elementary's dbt package, for where the package cannot be had or has nothing to do.

It declares Elementary's tests as disabled, so that none of them is ever reported as passed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from dataops.installed import installed_packages, package_version
from dataops.project import Project
from dataops.typed import typed

PACKAGE = "elementary"
VERSION = "0.0.0"  # no release has it
MESSAGE = """monitoring is off.
    {problem} Elementary's dbt package is not installed; everything else works.
    To install it: DBT_PACKAGES_DIR=<a folder with elementary and dbt_utils>, or DBT_PACKAGE_HUB_URL=<a mirror>, {setup}"""

FOLDERS = ("models", "seeds", "snapshots", "tests")
# Replaces dbt_packages where a run is not monitored: parsing Elementary takes dbt some seconds.
UNMONITORED = Path("target", "unmonitored_packages")
DECLARED_TEST = re.compile(r"\{%-?\s*test\s+(\w+)")
USED_TEST = re.compile(r"^\s*- elementary\.(\w+)\s*:?\s*$", re.MULTILINE)

DBT_PROJECT = f"""name: {PACKAGE}
version: {VERSION}
config-version: 2
"""
TEST = """{{% test {name}(model) %}}
    {{{{ config(enabled=false) }}}}
    {{%- set unused = kwargs -%}}
    select 1 as {name}
{{% endtest %}}
"""
MATERIALIZATION = """{% macro materialization_test_default() %}
    {{ return(dbt.materialization_test_default()) }}
{% endmacro %}
"""
MODEL = """{{ config(materialized='ephemeral') }}
select 1 as nothing
"""


def has_package(project: Project) -> bool:
    """Whether dbt_packages has Elementary itself, not the stub."""
    return package_version(installed_packages(project) / PACKAGE) not in (None, VERSION)


def summary(problem: str) -> str:
    """What setup prints where the stub replaces the package.

    Args:
        problem: why the package cannot be had.
    """
    return MESSAGE.format(problem=problem, setup=typed("setup"))


def used_tests(project: Project) -> list[str]:
    """The Elementary tests that the project's YAML files name."""
    files = (file for folder in FOLDERS for file in project.path(folder).rglob("*.y*ml"))
    return sorted({name for file in files for name in USED_TEST.findall(file.read_text(encoding="utf-8"))})


def declared_tests(project: Project) -> list[str]:
    """The tests that the installed Elementary package has."""
    files = (installed_packages(project) / PACKAGE / "macros").rglob("*.sql")
    return sorted({name for file in files for name in DECLARED_TEST.findall(file.read_text(encoding="utf-8"))})


def write(folder: Path, tests: Iterable[str]) -> None:
    """Writes the stub into a folder, replacing it.

    Args:
        folder: of the package.
        tests: the names of the tests that it declares.
    """
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "macros").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text(DBT_PROJECT, encoding="utf-8")
    (folder / "macros" / "tests.sql").write_text("\n".join(TEST.format(name=name) for name in tests), encoding="utf-8")
    (folder / "macros" / "materialization.sql").write_text(MATERIALIZATION, encoding="utf-8")
    # dbt warns of settings for a package without models. An ephemeral model that nothing reads is never built. `enabled=false`
    # would not do: the project's own settings can switch a model on.
    (folder / "models" / "nothing.sql").write_text(MODEL, encoding="utf-8")


def packages_variable(project: Project, *, real: bool) -> dict[str, str]:
    """The environment variable that says where dbt finds its packages; the path is the same in every check-out.

    Args:
        project: the project.
        real: whether dbt needs Elementary itself, or the stub will do.
    """
    use_installed = real or not has_package(project)
    folder = installed_packages(project) if use_installed else packages_with_stub(project)
    return {"DATAOPS_PACKAGES_FOLDER": os.path.relpath(folder, project.root)}


def packages_with_stub(project: Project) -> Path:
    """The installed packages with the stub in place of Elementary, as a folder of links."""
    installed, unmonitored = installed_packages(project), project.path(UNMONITORED)
    names = {package.name for package in installed.iterdir()}
    if not unmonitored.is_dir() or {package.name for package in unmonitored.iterdir()} != names:
        unmonitored.parent.mkdir(exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=unmonitored.parent))
        for name in names - {PACKAGE}:
            (beside / name).symlink_to(os.path.relpath(installed / name, unmonitored))
        write(beside / PACKAGE, declared_tests(project))
        shutil.rmtree(unmonitored, ignore_errors=True)
        try:
            os.replace(beside, unmonitored)
        except OSError:  # another task was faster
            shutil.rmtree(beside)
    return unmonitored
