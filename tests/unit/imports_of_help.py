"""Run by path, in a process of its own: prints each subcommand whose --help has imported one of some modules.

python tests/unit/imports_of_help.py dbt,duckdb "" build test
"""

import contextlib
import io
import sys

from dataops.cli import run


def main(modules: list[str], commands: list[str]) -> None:
    """Asks for the help of each command ("" is dataops itself)."""
    for command in commands:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            code = run([*command.split(), "--help"])
        if code or "Usage: dataops" not in printed.getvalue():
            print(f"{command}: exit code {code}")
        for module in modules:
            if sys.modules.pop(module, None):
                print(f"{command}: imports {module}")


if __name__ == "__main__":
    main(sys.argv[1].split(","), sys.argv[2:])
