"""The small Python behind the tasks of the Makefile. One module a task, of the same name."""

import sys


def _end_quietly(kind, error, traceback):
    """Ctrl-C ends a task with one word; all else shows where it happened."""
    if issubclass(kind, KeyboardInterrupt):
        print("Stopped.", file=sys.stderr)
    else:
        sys.__excepthook__(kind, error, traceback)


sys.excepthook = _end_quietly
