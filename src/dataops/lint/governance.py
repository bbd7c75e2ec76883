"""The rules of dbt-bouncer.yml, checked on dbt's manifest: one line for each thing that they refuse.

dbt-bouncer prints a table as wide as the terminal, which cuts its messages and file names off.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Collection
from pathlib import Path
from typing import Any

import click
import yaml

from dataops.errors import DataopsError
from dataops.project import Project

CONFIG = Path("dbt-bouncer.yml")
OWN_CHECKS = Path(__file__).with_name("checks")
TESTED_KEY = "check_model_has_unique_test"


def rules_of(name: str, file: Path = CONFIG) -> list[dict[str, Any]]:
    """The rules of dbt-bouncer.yml that have a name; empty where there is none."""
    if not file.exists():
        return []
    rules = yaml.safe_load(file.read_text(encoding="utf-8")).get("manifest_checks") or []
    return [rule for rule in rules if rule.get("name") == name]


def has_tested_key(path: str, tests: Collection[str], rules: list[dict[str, Any]]) -> bool | None:
    """Whether a model is tested as the rules ask: with a uniqueness test of its own. None where no rule covers it.

    Args:
        path: of the model's file, from the project's folder.
        tests: the data tests of the model, those of a package with its name.
        rules: of dbt-bouncer.yml.

    >>> rules = [{"accepted_uniqueness_tests": ["unique"], "exclude": "^models/staging/[^/]+/base/"}]
    >>> has_tested_key("models/marts/orders.sql", ["not_null", "unique"], rules)
    True
    >>> has_tested_key("models/marts/orders.sql", ["not_null"], rules)
    False
    >>> has_tested_key("models/staging/shop/base/base_shop__orders.sql", [], rules) is None
    True
    """

    def matches(rule: dict[str, Any], option: str) -> bool:
        patterns = rule[option] if isinstance(rule[option], list) else [rule[option]]
        return any(re.match(pattern, path) for pattern in patterns)

    covering = [
        rule
        for rule in rules
        if not ("include" in rule and not matches(rule, "include"))
        and not ("exclude" in rule and matches(rule, "exclude"))
    ]
    if not covering:
        return None
    return all(set(tests) & set(rule.get("accepted_uniqueness_tests") or ["unique"]) for rule in covering)


def write_config(folder: Path, project: Project) -> Path:
    """Writes the project's rules with absolute paths to dbt's artifacts and to the checks of this package; returns the file.

    dbt-bouncer takes one folder of checks, so those of a project that has its own are copied into the same one.

    Args:
        folder: an empty one, for the file and the checks.
        project: whose dbt-bouncer.yml it is. Without dbt_artifacts_dir there, dbt's artifacts of dev are checked.
    """
    file = project.path(CONFIG)
    try:
        config = yaml.safe_load(file.read_text(encoding="utf-8")) or {}
    except FileNotFoundError:
        raise DataopsError(f"There is no {CONFIG}, which lists the rules to check.", "Restore it from git.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise DataopsError(f"{CONFIG} cannot be read: {error}") from None
    if not isinstance(config, dict):
        raise DataopsError(f"{CONFIG} holds no settings: it must be a list of `name: value`.")
    root, checks = project.root.resolve(), folder / "checks"
    own = config.get("custom_checks_dir")
    if own and not (root / own).is_dir():
        raise DataopsError(f"{CONFIG}: custom_checks_dir is {own!r}, which is not a folder of the project.")
    for source in (OWN_CHECKS, *([root / own] if own else [])):
        shutil.copytree(source, checks, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    artifacts = root / (config.get("dbt_artifacts_dir") or project.target_path(project.dev))
    written = folder / "dbt-bouncer.yml"
    paths = {"custom_checks_dir": str(checks), "dbt_artifacts_dir": str(artifacts)}
    written.write_text(yaml.safe_dump(config | paths), encoding="utf-8")
    return written


@click.command()
@click.pass_obj
def main(project: Project) -> None:
    """Check the rules of dbt-bouncer.yml on dbt's manifest."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = [Path(sys.executable).with_name("dbt-bouncer"), "--config-file", write_config(Path(folder), project)]
        command += ["--output-file", report, "--output-only-failures"]
        done = subprocess.run(
            list(map(str, command)), check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, encoding="utf-8"
        )
        failures = json.loads(report.read_text(encoding="utf-8")) if report.is_file() else []
    for failure in failures:
        rule = failure["check_run_id"].split(":")[0]
        print(f"{failure['file_path']}: {failure['failure_message']} ({rule})")
    if done.returncode and not failures:  # it could not check: a wrong rule, no manifest
        print(done.stdout)
    sys.exit(done.returncode)
