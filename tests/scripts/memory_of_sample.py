"""Run by path: writes a sample and prints the most memory that it used, in the unit of getrusage.

memory_of_sample.py FOLDER_OF_SAMPLE_DATA OUTPUT ORDER_LINES
"""

import importlib
import resource
import sys
from datetime import date
from pathlib import Path

if __name__ == "__main__":
    sys.dont_write_bytecode = True
    sys.path.insert(0, sys.argv[1])
    sample_data = importlib.import_module("sample_data")
    sample_data.write_csv(Path(sys.argv[2]), date(2026, 1, 1), date(2026, 3, 1), int(sys.argv[3]))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
