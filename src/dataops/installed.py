"""The dbt packages that are installed in dbt_packages."""

from __future__ import annotations

from pathlib import Path

import yaml

from dataops.project import Project


def installed_packages(project: Project) -> Path:
    """The folder that dbt installs packages in."""
    return project.path("dbt_packages")


def package_version(folder: Path) -> str | None:
    """The version of an unpacked dbt package, or None where there is none."""
    try:
        return str(yaml.safe_load((folder / "dbt_project.yml").read_text(encoding="utf-8"))["version"])
    except (OSError, KeyError, TypeError, yaml.YAMLError):
        return None
