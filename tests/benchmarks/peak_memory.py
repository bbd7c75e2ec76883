"""Runs a command, and prints the most memory that one of its processes had, in kB: `python peak_memory.py COMMAND ...`."""

import resource
import subprocess
import sys

if __name__ == "__main__":
    done = subprocess.run(sys.argv[1:], check=False)
    print("peak", resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
    sys.exit(done.returncode)
