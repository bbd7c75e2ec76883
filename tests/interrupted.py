"""Runs `dataops` with Ctrl-C coming in the middle of a function: interrupted.py FUNCTION TASK [OPTIONS]"""

from __future__ import annotations

import pkgutil
import sys

from dataops import cli


def main(function: str, *arguments: str) -> int:
    """Runs a task, in which a function raises what Ctrl-C raises; in a query DuckDB makes an error of its own of it."""
    module, _, name = function.rpartition(".")
    error = RuntimeError("Query interrupted") if name == "read_everything" else KeyboardInterrupt()

    def interrupted(*arguments, **options):
        raise error

    setattr(pkgutil.resolve_name(module), name, interrupted)
    return cli.run(list(arguments))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
