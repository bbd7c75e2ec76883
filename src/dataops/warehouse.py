"""The warehouse of an environment: where its file is, and whether this process may write it.

DuckDB lets one process write a file. dbt would try for minutes, in silence, and then print a traceback.
"""

from __future__ import annotations

import os
import re
import sys
import time
from argparse import Namespace
from pathlib import Path
from typing import Any

from dataops.project import PROJECT
from dataops.typed import typed

HOLDER = re.compile(r"held in (?P<program>.+?) \(PID (?P<process>\d+)\)")


def credentials(target: str, **variables: str) -> Any:
    """dbt's credentials of an environment (dev, ci or prod), as profiles.yml has them.

    Args:
        target: the environment.
        variables: environment variables that the profile reads instead of the process's own.
    """
    # Imported here: dbt takes a second to load, and who only waits for a file does not need it.
    from dbt.config.runtime import load_profile
    from dbt.flags import set_from_args
    from dbt_common.context import set_invocation_context

    set_invocation_context({**os.environ, **variables})
    set_from_args(Namespace(PROFILES_DIR=str(PROJECT)), None)
    return load_profile(str(PROJECT), {}, target_override=target).credentials


def warehouse_file(target: str, **variables: str) -> Path:
    """The DuckDB file of an environment: the target's own, or what it attaches under the name of its database. The arguments
    are those of `credentials`."""
    found = credentials(target, **variables)
    attached = {one.alias: one.path for one in found.attach or []}
    return PROJECT / Path(attached.get(found.database, found.path)).expanduser()


def is_candidate() -> bool:
    """Whether prod means the version that a release is making. Only `make release` says so; profiles.yml reads it too."""
    return os.environ.get("DATAOPS_CANDIDATE") == "true"


def duckdb_config() -> dict[str, str]:
    """Settings for a DuckDB connection: how much memory it may take, where .env says so."""
    limit = os.environ.get("DUCKDB_MEMORY_LIMIT")
    return {"memory_limit": limit} if limit else {}


def how_to_build(target: str, arguments: str = "") -> str:
    """What to type to build an environment, or a part of it."""
    if target == "prod":  # a release builds everything
        return typed("release")
    return typed("build", arguments, target="" if target == "dev" else target)


def wait_until_writable(file: Path, seconds: float = 60) -> str | None:
    """Waits while another process has a DuckDB file open, and says so. Returns None, or what is wrong with the file.

    Args:
        file: the file; one that is not there yet is writable.
        seconds: how long to wait before giving up.
    """
    return _wait(file, seconds, read_only=False)


def wait_until_readable(file: Path, seconds: float = 60) -> str | None:
    """Like `wait_until_writable`, where the file is only read: others that read it too are not waited for."""
    return _wait(file, seconds, read_only=True)


def _wait(file: Path, seconds: float, read_only: bool) -> str | None:
    import duckdb

    name, until, told = os.path.relpath(file), time.monotonic() + seconds, False
    while file.exists():
        try:
            duckdb.connect(str(file), read_only=read_only).close()
            break
        except duckdb.Error as error:
            holder = HOLDER.search(str(error))
            if not holder:
                return f"{name} cannot be opened: {error}"
            who = f"{holder['program']} (process {holder['process']}) has {name} open"
            if time.monotonic() > until:
                do = "read" if read_only else "write"
                return f"{who}, so nothing else may {do} it. Close it there; in dev, DEV_NAME names another file."
            if not told:
                print(f"{who}. Waiting for it, at most {seconds:.0f} seconds; Ctrl-C stops.", file=sys.stderr)
                told = True
            time.sleep(0.2)
    return None
