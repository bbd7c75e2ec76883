"""Copies prod as a release does, and prints the seconds: `python copy_of_prod.py FOLDER`, in a project with its own Python."""

import sys
import time
from pathlib import Path

from dataops import Versions, load

if __name__ == "__main__":
    versions = Versions(load())
    start = time.perf_counter()
    prod = versions.current()
    versions.engine.start_candidate(prod.folder, prod.facts, Path(sys.argv[1]))
    print(time.perf_counter() - start)
