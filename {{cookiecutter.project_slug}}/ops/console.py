"""Where the tasks print their tables."""

import sys

from rich.console import Console


def new_console() -> Console:
    """The terminal; into a file or a CI log, whose width nobody knows, as wide as a page of text."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else 110)
