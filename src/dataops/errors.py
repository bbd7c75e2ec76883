"""The one kind of error that ends a command, and the exit codes.

| code | meaning |
|---|---|
| 0 | done |
| 1 | the data or the code is not right |
| 2 | it could not be done or checked |
| 75 | somebody else holds the lock |
| 130 | interrupted |
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

DONE, WRONG, IMPOSSIBLE, LOCKED, INTERRUPTED = 0, 1, 2, 75, 130


class DataopsError(Exception):
    """Why a command ends without its result, and what to type instead. `cli.py` prints it.

    Attributes:
        problem: what is wrong, in one or more sentences.
        remedy: what to do about it; empty where the problem says it.
        exit_code: of the command.
    """

    def __init__(self, problem: str, remedy: str = "", exit_code: int = IMPOSSIBLE):
        super().__init__(f"{problem} {remedy}".rstrip())
        self.problem = problem
        self.remedy = remedy
        self.exit_code = exit_code


class Interrupted(DataopsError):
    """Ctrl-C ended a command."""

    def __init__(self, problem: str = "Stopped."):
        super().__init__(problem, exit_code=INTERRUPTED)


def was_interrupted(error: BaseException) -> bool:
    """Whether Ctrl-C was pressed: click, DuckDB (during a query) and dbt report it as errors of their own."""
    return (
        isinstance(error, (KeyboardInterrupt, Interrupted))
        or type(error).__name__ == "Abort"  # click's
        or (isinstance(error, RuntimeError) and str(error) == "Query interrupted")
    )


def did_you_mean(name: str, names: Iterable[str], prefix: str = "") -> str:
    """The end of a message about an unknown name: the nearest known one, or nothing.

    Args:
        name: what was typed.
        names: the names that there are.
        prefix: what is typed before a name.

    >>> did_you_mean("pord", ["dev", "ci", "prod"]), did_you_mean("pord", ["prod"], "TARGET="), did_you_mean("x", ["prod"])
    (' Did you mean prod?', ' Did you mean TARGET=prod?', '')
    """
    near = difflib.get_close_matches(name, list(names), n=1)
    return f" Did you mean {prefix}{near[0]}?" if near else ""
