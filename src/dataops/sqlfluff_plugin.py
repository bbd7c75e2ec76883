"""SQLFluff's plugin: points its Jinja templater at dbt's names (sqlfluff_context/), so that .sqlfluff needs no path to them."""

from __future__ import annotations

from pathlib import Path

from sqlfluff.core.plugin import hookimpl


@hookimpl
def load_default_config() -> dict[str, dict[str, dict[str, str]]]:
    """The settings that SQLFluff starts from; a `library_path` in .sqlfluff wins."""
    return {"templater": {"jinja": {"library_path": str(Path(__file__).with_name("sqlfluff_context"))}}}
