"""What people accept of what a crosscheck finds different: all of it, or what they name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

TRAILER = "Accept-Differences"  # of a commit's message
MOST_NAMES = 5
NEW_START = "a new start"
NAMES = re.compile(r"(?P<names>[\w.]+(?:\s*,\s*[\w.]+)*)\s*:\s+(?P<reason>\S.*)")


@dataclass(frozen=True)
class Acceptance:
    """One person's word that differences are meant.

    Attributes:
        reason: why.
        models: the names of the models whose differences are meant; none: every model's.
    """

    reason: str
    models: frozenset[str] = frozenset()

    def covers(self, model: str) -> bool:
        """Whether the differences of a model are meant."""
        return not self.models or model in self.models

    def lacks_reason(self, known: set[str]) -> bool:
        """Whether only models are named, of those that there are."""
        return not self.models and set(re.split(r"[\s,]+", self.reason)) <= known

    def __str__(self) -> str:
        names = ", ".join(sorted(self.models))
        return f"{names}: {self.reason}" if names else self.reason


def read_acceptance(text: str) -> Acceptance:
    """What a reason says, of the models that it names before a colon.

    A word that is no model's accepts nothing, so a misspelt name never accepts more than was meant.

    >>> read_acceptance("prices were wrong").models
    frozenset()
    >>> sorted(read_acceptance("orders, customers: prices were wrong").models)
    ['customers', 'orders']
    """
    if found := NAMES.fullmatch(text.strip()):
        return Acceptance(found["reason"], frozenset(re.split(r"\s*,\s*", found["names"])))
    return Acceptance(text.strip())


def not_accepted(models: Iterable[str], accepted: Sequence[Acceptance], known: set[str]) -> list[str]:
    """The models whose differences nobody accepted, sorted.

    Args:
        models: those that differ.
        accepted: what people accept.
        known: the names of all models. A reason of such names alone is none, and accepts nothing.
    """
    reasoned = [one for one in accepted if not one.lacks_reason(known)]
    return sorted(model for model in models if not any(one.covers(model) for one in reasoned))


def objections(left: list[str], accepted: Sequence[Acceptance], known: set[str]) -> list[str]:
    """Why differences are not accepted, a sentence each.

    Args:
        left: the models whose differences nobody accepted.
        accepted: what people accept, which may be misspelt.
        known: the names of all models.
    """
    named = {name for one in accepted for name in one.models}
    return [
        *(f"{name} differs, and nobody accepted that" for name in left),
        *(f"{name}, which is accepted, is no model" for name in sorted(named - known)),
        *(
            f"{one.reason!r} names models and no reason: '{one.reason}: why'"
            for one in accepted
            if one.lacks_reason(known)
        ),
    ]


def wording(models: list[str]) -> str:
    """What to write where the differences of some models are meant; no more names than fit on a line.

    >>> wording(["customers", "orders"]), wording(["a", "b", "c", "d", "e"])
    ('customers, orders: why', 'why')
    """
    return f"{', '.join(models)}: why" if 0 < len(models) < MOST_NAMES else "why"


def is_new_start(verdicts: Iterable[str]) -> bool:
    """Whether prod and the candidate have no model in common, as after `make remove-sample`.

    >>> is_new_start(["gone", "new"]), is_new_start(["gone", "same"])
    (True, False)
    """
    return set(verdicts) <= {"gone", "new"}


def as_text(accepted: Iterable[Acceptance]) -> str | None:
    """All reasons on one line; None where nothing is accepted."""
    return "; ".join(map(str, accepted)) or None
