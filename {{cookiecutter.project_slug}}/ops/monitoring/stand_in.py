"""What takes the place of the Elementary package where it cannot be had, so that all else works without it.

It declares the Elementary tests that the project uses, switched off, so that none of them is ever reported as passed.
"""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from ops.monitoring import PROJECT, STAND_IN_VERSION

PACKAGE = "elementary"
MESSAGE = """monitoring is off.
    {problem} Elementary's dbt package is not installed; all else works.
    To have it: DBT_PACKAGES_DIR=<a folder with elementary and dbt_utils>, or DBT_PACKAGE_HUB_URL=<a mirror>, make setup"""

FOLDERS = ("models", "seeds", "snapshots", "tests")
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


def make(folder: Path) -> None:
    """Writes the package into a folder, in place of what was there."""
    shutil.rmtree(folder, ignore_errors=True)
    (folder / "macros").mkdir(parents=True)
    (folder / "models").mkdir()
    (folder / "dbt_project.yml").write_text(DBT_PROJECT, encoding="utf-8")
    tests = "\n".join(TEST.format(name=name) for name in used_tests())
    (folder / "macros" / "tests.sql").write_text(tests, encoding="utf-8")
    (folder / "macros" / "materialization.sql").write_text(MATERIALIZATION, encoding="utf-8")
    # dbt would warn of settings for a package without models. An ephemeral one that nothing reads is never built; the
    # project's own settings can switch a model on, so `enabled=false` would not do.
    (folder / "models" / "nothing.sql").write_text(MODEL, encoding="utf-8")
