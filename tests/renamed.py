"""A generated project whose targets have other names: what docs/existing-project.md says under "Other names for the targets"."""

from __future__ import annotations

import re
from pathlib import Path

TARGETS = {"dev": "development", "ci": "ci", "prod": "production"}
# In profiles.yml: the names of targets, folders, files, databases; schemas and logins stay.
IN_PROFILES = (
    (r"^(    )dev:", r"\1development:"),
    (r"^(    )prod:", r"\1production:"),
    (r"/dev/", "/development/"),
    (r"/prod/(candidate|current)/prod\.duckdb", r"/production/\1/production.duckdb"),
    (r"'DBT_TARGET', 'dev'", "'DBT_TARGET', 'development'"),
    (r"^(      database:) prod$", r"\1 production"),
    (r"(alias:.*)\bprod\b", r"\1production"),
)
WITH_MONITORING = (
    (r"/prod/monitoring", "/production/monitoring"),
    (r"'DBT_TARGET', 'prod'", "'DBT_TARGET', 'production'"),
)


def rename_targets(project: Path) -> None:
    """Renames dev to development and prod to production."""
    _replace(project / "profiles.yml", *IN_PROFILES)
    if (project / "docs/monitoring.md").is_file():
        _replace(project / "profiles.yml", *WITH_MONITORING)
    settings = 'environments = {dev = "development", ci = "ci", prod = "production"}'
    _replace(project / "pyproject.toml", (r"^\[tool\.dataops\]$", f"[tool.dataops]\n{settings}"))
    _replace(
        project / "dbt_project.yml",
        (r"\{dev: dev, ci: ci, prod: prod\}", "{dev: development, ci: ci, prod: production}"),
    )
    if (project / "docs/monitoring.md").is_file():
        _replace(project / "dbt_project.yml", (r"target\.name == 'prod'", "target.name == 'production'"))


def _replace(file: Path, *replacements: tuple[str, str]) -> None:
    text = file.read_text(encoding="utf-8")
    for pattern, new in replacements:
        text, count = re.subn(pattern, new, text, flags=re.MULTILINE)
        assert count, f"{pattern} is not in {file}"
    file.write_text(text, encoding="utf-8")
