"""A damaged history is set aside, so that it does not block a release. It is never deleted."""

from __future__ import annotations

import sys

from dataops.engines import Damage, Data, Engine
from dataops.errors import DataopsError


def make_usable(engine: Engine, data: Data) -> str | None:
    """Waits until a history can be written, and sets a damaged one aside. Returns None, or what prevents it."""
    while isinstance(found := engine.damage(data, to_write=True), Damage):
        try:
            kept = engine.set_aside(found)
        except DataopsError as error:
            return f"{described(found)} {error.problem}"
        rest = "The history of monitoring starts again." if found.is_all else "What it held of the last run is lost."
        print(f"{described(found)} It is kept as {kept}. {rest}", file=sys.stderr, flush=True)
    return found


def described(damage: Damage) -> str:
    """A sentence about a damaged history."""
    return f"{damage.shown} is damaged: {damage.what.rstrip('.!')}."
