"""A plugin of dbt-duckdb, named by the target prod in profiles.yml: before the first release, dbt typed by hand says what to type.

No macro could say it: dbt opens the warehouse before it runs any, and DuckDB cannot attach a file that does not exist.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin

from dataops.typed import typed


class Plugin(BasePlugin):
    """Looks for the files that the target attaches for reading, before DuckDB opens them."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """dbt-duckdb calls this before it opens the warehouse.

        Raises:
            RuntimeError: a file is missing. This is the type that dbt-duckdb shows as a message, without a traceback.
        """
        for attached in self.creds.attach or []:
            if attached.read_only and not Path(attached.path).exists():
                raise RuntimeError(f"Nothing was released yet: {attached.path} is missing. Type: {typed('release')}")
