"""The terminal that tasks print their tables to."""

import sys

from rich.console import Console
from rich.measure import Measurement
from rich.table import Table


def new_console() -> Console:
    """The terminal, or a console of 110 columns where the output goes to a file or a CI log."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 110)


def counted(count: int, noun: str) -> str:
    """A number of things.

    >>> counted(1, "test"), counted(1200, "test")
    ('1 test', '1,200 tests')
    """
    return f"{count:,} {noun}{'s' * (count != 1)}"


def measure(console: Console, table: Table) -> Measurement:
    """The width of a table in characters: the minimum, and the maximum, at which nothing is wrapped."""
    return console.measure(table, options=console.options.update(width=10_000))


def print_whole(console: Console, table: Table) -> None:
    """Prints a table without cutting names off, even if it is wider than the terminal."""
    console.width = max(console.width, measure(console, table).minimum)
    console.print(table)
