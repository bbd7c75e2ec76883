"""Where the tasks print their tables."""

import sys

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table


def new_console() -> Console:
    """The terminal; into a file or a CI log, whose width nobody knows, as wide as a page of text."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 110)


def measure(console: Console, table: Table) -> Measurement:
    """The columns of text that a table takes up: at least, and if nothing in it is wrapped."""
    return console.measure(table, options=console.options.update(width=10_000))


def print_whole(console: Console, table: Table) -> None:
    """Prints a table, beyond the edge of a terminal that is narrower than the names in it."""
    console.width = max(console.width, measure(console, table).minimum)
    console.print(table)
