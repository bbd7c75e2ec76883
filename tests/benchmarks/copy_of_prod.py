"""Copies prod as a release does, and prints the seconds: `python copy_of_prod.py FOLDER`, in a project with its own Python."""

import sys
import time
from pathlib import Path

from dataops.release import duckdb_file, store

if __name__ == "__main__":
    start = time.perf_counter()
    duckdb_file.copy_from(store.current(), Path(sys.argv[1]))
    print(time.perf_counter() - start)
