"""Makes the plain alternative to a generated project: the same dbt project with nothing of ours around it."""

from __future__ import annotations

import json
import os
import re
import shutil
from pathlib import Path
from typing import Any

import yaml

from tests.benchmarks.measure import command

SQL_FOLDERS = ("models", "snapshots", "tests", "analyses")
KEPT = (*SQL_FOLDERS, "seeds", "dbt_project.yml")
MACRO_CALL = re.compile(r"\{\{-?\s*(dataops\.\w+\(.*?\))\s*-?\}\}", re.DOTALL)
ASSIGNMENT = re.compile(r"\{%-?\s*set\b.*?%\}", re.DOTALL)
RELATION = re.compile(r"\b(?:ref|source)\([^()]*\)")
SEPARATOR = "--next--"


def render_calls(project: Path, calls: list[tuple[str, str]]) -> list[str]:
    """The SQL that calls of macros become, rendered by dbt. A ref or source in them stays what it is.

    Args:
        project: a set-up project.
        calls: the `{% set %}` blocks of a file, and a call in it such as `dataops.recent_rows(ref('orders'), 'loaded_at')`.
    """
    relations = sorted({relation for _, call in calls for relation in RELATION.findall(call)})
    places = {relation: f"__relation_{number}__" for number, relation in enumerate(relations)}
    inline = f"\n{SEPARATOR}\n".join(
        f"{assignments}{{{{ {RELATION.sub(lambda found: repr(places[found.group()]), call)} }}}}"
        for assignments, call in calls
    )
    compiling = (".venv/bin/dbt", "--quiet", "compile", "--target", "dev", "--output", "json", "--inline", inline)
    printed = command(*compiling, cwd=project).output
    text = json.loads(printed[printed.index("{") :])["compiled"]
    for relation, place in places.items():
        text = text.replace(place, f"{{{{ {relation} }}}}")
    return [part.strip() for part in text.split(SEPARATOR)]


def replace_macro_calls(project: Path, bare: Path) -> None:
    """Replaces each `{{ dataops.x(...) }}` in the SQL of a copy by what it renders to in the project."""
    files = [file for folder in SQL_FOLDERS for file in (bare / folder).rglob("*.sql")]
    texts = {file: file.read_text(encoding="utf-8") for file in files}
    assignments = {file: "".join(ASSIGNMENT.findall(text)) for file, text in texts.items()}
    calls = sorted({(assignments[file], call) for file, text in texts.items() for call in MACRO_CALL.findall(text)})
    if not calls:
        return
    rendered = dict(zip(calls, render_calls(project, calls), strict=True))
    for file, text in texts.items():
        plain = MACRO_CALL.sub(lambda found, own=assignments[file]: rendered[own, found.group(1)], text)
        file.write_text(plain, encoding="utf-8")


def write_package_tests(project: Path, bare: Path) -> None:
    """Writes the generic tests that the project takes from its package as tests of SQL, as dbt compiles them."""
    command(".venv/bin/dbt", "--quiet", "compile", "--target", "dev", "--select", "resource_type:test", cwd=project)
    manifest = json.loads((project / "target" / "manifest.json").read_text(encoding="utf-8"))
    for node in manifest["nodes"].values():
        if (node.get("test_metadata") or {}).get("namespace") != "dataops":
            continue
        sql = node["compiled_code"]
        for name in node["depends_on"]["nodes"]:
            part = manifest["nodes"].get(name) or manifest["sources"][name]
            is_source = part["resource_type"] == "source"
            call = f"source('{part['source_name']}', '{part['name']}')" if is_source else f"ref('{part['name']}')"
            sql = re.sub(f"{re.escape(part['relation_name'])}(?!\\w)", f"{{{{ {call} }}}}", sql)
        config = {name: node["config"][name] for name in ("severity", "warn_if", "error_if")}
        (bare / "tests" / f"{node['alias']}.sql").write_text(f"{{{{ config(**{config}) }}}}\n{sql}\n", encoding="utf-8")


def without_packages(settings: dict[str, Any]) -> dict[str, Any]:
    """dbt_project.yml without hooks, dispatch and the settings of packages.

    >>> without_packages({"name": "shop", "on-run-end": ["x"], "models": {"shop": {"+schema": "a"}, "elementary": {}}})
    {'name': 'shop', 'models': {'shop': {'+schema': 'a'}}}
    """
    ours = {"on-run-start", "on-run-end", "dispatch", "packages-install-path"}
    kept = {name: value for name, value in settings.items() if name not in ours}
    for kind in ("models", "seeds", "snapshots", "tests", "data_tests", "unit_tests", "sources", "exposures"):
        if kind in kept:
            own = {name: value for name, value in kept[kind].items() if name.startswith("+") or name == kept["name"]}
            kept[kind] = own
    return kept


def without_package_tests(value: Any, packages: tuple[str, ...] = ("elementary.", "dataops.")) -> Any:
    """The content of a YAML file without the generic tests of packages.

    >>> without_package_tests({"data_tests": ["unique", {"elementary.volume_anomalies": {}}]})
    {'data_tests': ['unique']}
    """
    if isinstance(value, dict):
        return {name: without_package_tests(part, packages) for name, part in value.items()}
    if isinstance(value, list):
        names = [next(iter(part)) if isinstance(part, dict) and part else part for part in value]
        return [
            without_package_tests(part, packages)
            for part, name in zip(value, names, strict=True)
            if not str(name).startswith(packages)
        ]
    return value


def write_yaml(file: Path, content: Any) -> None:
    """Writes a YAML file, keys in the order they have."""
    file.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")


def make_bare_project(project: Path, bare: Path) -> None:
    """Writes the same models, seeds, snapshots and tests as a plain dbt project.

    It has no package, macro, selector, Makefile or Python of ours, and a profile of four lines with the threads that
    `make build` uses. Calls of `dataops` macros in its SQL, and tests of that package, are
    replaced by what they render to.

    Args:
        project: a set-up project.
        bare: an empty folder.
    """
    for name in KEPT:
        part = project / name
        if part.is_dir():
            shutil.copytree(part, bare / name)
        elif part.exists():
            shutil.copy(part, bare / name)
    replace_macro_calls(project, bare)
    write_package_tests(project, bare)
    for file in [*bare.glob("models/**/*.yml"), *bare.glob("seeds/**/*.yml"), *bare.glob("snapshots/**/*.yml")]:
        content = yaml.safe_load(file.read_text(encoding="utf-8"))
        if (plain := without_package_tests(content)) != content:
            write_yaml(file, plain)
    settings = yaml.safe_load((bare / "dbt_project.yml").read_text(encoding="utf-8"))
    write_yaml(bare / "dbt_project.yml", without_packages(settings))
    target = {"type": "duckdb", "path": "warehouse.duckdb", "schema": "dev", "threads": os.cpu_count() or 4}
    write_yaml(bare / "profiles.yml", {settings["profile"]: {"target": "dev", "outputs": {"dev": target}}})
