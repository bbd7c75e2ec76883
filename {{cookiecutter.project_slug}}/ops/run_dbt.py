"""Runs dbt commands one after another in one process: starting dbt costs two seconds, a second command 0.2.

python -m ops.run_dbt build --select orders+
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from dbt.cli.main import dbtRunner


def run_dbt(*arguments: str) -> bool:
    """Runs one dbt command and returns whether it succeeded. dbt prints what it does and what failed.

    Args:
        arguments: what would follow `dbt` on a command line.
    """
    os.environ.setdefault("DBT_THREADS", str(os.cpu_count() or 4))
    warehouses = Path(os.environ.get("WAREHOUSE_DIR", "warehouse"))
    try:
        for environment in ("dev", "ci", "prod"):  # DuckDB does not make folders
            (warehouses / environment).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        print(f"The warehouse folder cannot be made: {error}. Set WAREHOUSE_DIR to one that can.", file=sys.stderr)
        return False
    result = dbtRunner().invoke(list(arguments))
    if result.exception:
        print(f"dbt {' '.join(arguments)}: {result.exception}", file=sys.stderr)
    return result.success


if __name__ == "__main__":
    sys.exit(not run_dbt(*sys.argv[1:]))
