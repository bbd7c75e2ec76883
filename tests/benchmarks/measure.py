"""Runs what is measured. A command that fails ends the benchmark with its output; it never becomes a number."""

from __future__ import annotations

import statistics
import subprocess
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import click

from tests.helpers import Done, run

LONGEST_COMMAND = 1800  # seconds; what takes longer hangs

Say = Callable[[str], None]


class MeasurementFailed(click.ClickException):
    """Something that is measured, or needed for it, did not work. The message holds all that it printed."""


@dataclass(frozen=True)
class Result:
    """One measured thing.

    Attributes:
        name: what was measured, in words.
        values: one value a run, in the order of the runs.
        unit: `s` (seconds), `ms` (milliseconds), `times` (a ratio) or `MB` (10^6 bytes, nearly).
        target: the most that the median may be, in the same unit; None where nothing is asked.
    """

    name: str
    values: tuple[float, ...]
    unit: str = "s"
    target: float | None = None

    @property
    def median(self) -> float:
        """The middle of the values, in `unit`."""
        return statistics.median(self.values)

    @property
    def verdict(self) -> str:
        """`met` or `missed`; empty where there is no target."""
        if self.target is None:
            return ""
        return "met" if self.median <= self.target else "missed"


def checked(done: Done, what: str) -> Done:
    """Hands on a finished command that succeeded, and raises MeasurementFailed with the output of one that did not."""
    if done.code:
        raise MeasurementFailed(f"{what}: {done}")
    return done


def command(*parts: str | Path, cwd: Path) -> Done:
    """Runs a command in a folder as its user would, and hands back its output and its seconds.

    Raises:
        MeasurementFailed: it failed, or it took longer than `LONGEST_COMMAND`.
    """
    what = " ".join(map(str, parts))
    try:
        return checked(run(*parts, cwd=cwd, timeout=LONGEST_COMMAND), what)
    except subprocess.TimeoutExpired as late:
        raise MeasurementFailed(f"{what}: not done after {LONGEST_COMMAND} s\n{late.output or ''}") from late


def alternate(
    sides: Mapping[str, Callable[[], Done]], runs: int, say: Say, warm_up: bool = True
) -> dict[str, list[Done]]:
    """Measures several sides turn by turn (A B A B), so that a machine that gets slower does so for all of them.

    Args:
        sides: by name, what prepares one measurement and makes it. Only the command that it hands back is timed.
        runs: how often each side is measured.
        say: shows a line of progress.
        warm_up: whether a round that is not counted goes first.
    """
    measured: dict[str, list[Done]] = {name: [] for name in sides}
    for number in range(0 if warm_up else 1, runs + 1):
        for name, measure in sides.items():
            done = measure()
            say(f"{name}: {done.seconds:.2f} s ({f'run {number} of {runs}' if number else 'warm-up, not counted'})")
            if number:
                measured[name].append(done)
    return measured


def seconds(measured: Iterable[Done]) -> tuple[float, ...]:
    """The seconds of each run."""
    return tuple(done.seconds for done in measured)


def ratios(ours: Iterable[Done], plain: Iterable[Done]) -> tuple[float, ...]:
    """How many times the plain side's seconds each of our runs took: each run against the one next to it."""
    return tuple(one.seconds / other.seconds for one, other in zip(ours, plain, strict=True))
