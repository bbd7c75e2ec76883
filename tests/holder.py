"""Another process that has a DuckDB file open: `holding(file, seconds)`, or python tests/holder.py FILE SECONDS"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def holding(file: Path, seconds: float) -> Iterator[int]:
    """Another process that has a DuckDB file open for a while; gives its number."""
    holder = subprocess.Popen([sys.executable, __file__, str(file), str(seconds)], stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"open\n"
        yield holder.pid
    finally:
        holder.kill()
        holder.wait()


if __name__ == "__main__":
    import duckdb

    connection = duckdb.connect(sys.argv[1])
    print("open", flush=True)
    time.sleep(float(sys.argv[2]))
