"""Holds a DuckDB file open, as a program that writes it does, until it is ended: hold_warehouse.py FILE"""

import sys
import time

import duckdb

if __name__ == "__main__":
    connection = duckdb.connect(sys.argv[1])
    print("open", flush=True)
    time.sleep(120)
