"""Reads prod again and again until a file appears: reader.py PROD STOP LOG. The log gets what was read, as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import duckdb

from tests.small_project import edition_in


def main(prod: str, stop: Path, log: Path) -> None:
    reads, faults, seen = 0, [], set()
    while not stop.exists():
        try:
            with duckdb.connect(prod, read_only=True) as connection:
                seen.add(edition_in(connection))
                reads += 1
            time.sleep(0.01)
        except Exception as error:  # noqa: BLE001 - a reader reports whatever goes wrong
            faults.append(f"{type(error).__name__}: {error}")
    log.write_text(json.dumps({"reads": reads, "faults": faults[:5], "seen": sorted(seen)}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
