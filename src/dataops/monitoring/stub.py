"""What takes the place of the Elementary package where it cannot be had or has nothing to do.

It declares Elementary's tests, switched off, so that none of them is ever reported as passed.
"""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from dataops.installed import INSTALLED
from dataops.monitoring import STAND_IN_VERSION, has_package
from dataops.project import PROJECT

PACKAGE = "elementary"
MESSAGE = """monitoring is off.
    {problem} Elementary's dbt package is not installed; all else works.
    To have it: DBT_PACKAGES_DIR=<a folder with elementary and dbt_utils>, or DBT_PACKAGE_HUB_URL=<a mirror>, make setup"""

FOLDERS = ("models", "seeds", "snapshots", "tests")
# In place of dbt_packages where a run is not monitored: dbt needs some seconds to parse Elementary anew.
UNMONITORED = PROJECT / "target" / "unmonitored_packages"
DECLARED_TEST = re.compile(r"\{%-?\s*test\s+(\w+)")
USED_TEST = re.compile(r"^\s*- elementary\.(\w+)\s*:?\s*$", re.MULTILINE)

DBT_PROJECT = f"""name: {PACKAGE}
version: {STAND_IN_VERSION}
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


def used_tests() -> list[str]:
    """The Elementary tests that the project's YAML files name."""
    files = (file for folder in FOLDERS for file in (PROJECT / folder).rglob("*.y*ml"))
    return sorted({name for file in files for name in USED_TEST.findall(file.read_text(encoding="utf-8"))})


def declared_tests() -> list[str]:
    """The tests that the installed Elementary package has."""
    files = (INSTALLED / PACKAGE / "macros").rglob("*.sql")
    return sorted({name for file in files for name in DECLARED_TEST.findall(file.read_text(encoding="utf-8"))})


def make(folder: Path, tests: Iterable[str]) -> None:
    """Writes the package with some tests into a folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "macros").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text(DBT_PROJECT, encoding="utf-8")
    (folder / "macros" / "tests.sql").write_text("\n".join(TEST.format(name=name) for name in tests), encoding="utf-8")
    (folder / "macros" / "materialization.sql").write_text(MATERIALIZATION, encoding="utf-8")
    # dbt would warn of settings for a package without models. An ephemeral one that nothing reads is never built; the
    # project's own settings can switch a model on, so `enabled=false` would not do.
    (folder / "models" / "nothing.sql").write_text(MODEL, encoding="utf-8")


def packages_folder(monitored: bool) -> Path:
    """Where dbt is to look for packages: dbt_packages, or where nothing is monitored, the same without Elementary."""
    if monitored or not has_package():
        return INSTALLED
    names = {package.name for package in INSTALLED.iterdir()}
    if not UNMONITORED.is_dir() or {package.name for package in UNMONITORED.iterdir()} != names:
        UNMONITORED.parent.mkdir(exist_ok=True)
        beside = Path(tempfile.mkdtemp(dir=UNMONITORED.parent))
        for name in names - {PACKAGE}:
            (beside / name).symlink_to(os.path.relpath(INSTALLED / name, UNMONITORED))
        make(beside / PACKAGE, declared_tests())
        shutil.rmtree(UNMONITORED, ignore_errors=True)
        try:
            os.replace(beside, UNMONITORED)
        except OSError:  # Another task was faster.
            shutil.rmtree(beside)
    return UNMONITORED
