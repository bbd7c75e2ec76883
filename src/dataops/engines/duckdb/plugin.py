"""A plugin of dbt-duckdb, named by the target prod in profiles.yml: dbt typed by hand gets the guard and the remedy of the tasks.

dbt loads a plugin before it opens the warehouse. A macro is too late: DuckDB cannot attach a version that does not exist, and dbt
creates schemas before it runs any hook.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.flags import get_flags

from dataops.typed import typed

# The commands that write models, as dbt names them in its flags.
WRITES = frozenset({"build", "clone", "retry", "run", "seed", "snapshot"})


class Plugin(BasePlugin):
    """Looks at prod's current version, which the target attaches to read, before DuckDB opens it."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """dbt-duckdb calls this before it opens the warehouse. Inside a release it does nothing: there the target is a file.

        Raises:
            RuntimeError: the command would write prod, or nothing was released yet. This is the type that dbt-duckdb shows as a
                message, without a traceback.
        """
        prod = self.creds.database
        current = next((one for one in self.creds.attach or [] if one.alias == prod and one.read_only), None)
        if current is None:
            return
        if getattr(get_flags(), "WHICH", "") in WRITES:
            raise RuntimeError(f"{prod} is written by releases only. Type: {typed('release')}")
        if not Path(current.path).exists():
            raise RuntimeError(f"Nothing was released yet: {current.path} is missing. Type: {typed('release')}")
