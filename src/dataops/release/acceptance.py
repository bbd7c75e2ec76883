"""What people accept of what a crosscheck finds different: all of it, or what they name."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from dataops.typed import typed

TRAILER = "Accept-Differences"  # of a commit's message
MOST_NAMES = 5
NEW_START = "a new start"
NAMES = re.compile(r"(?P<names>[\w.]+(?:\s*,\s*[\w.]+)*)\s*:\s+(?P<reason>\S.*)")


@dataclass(frozen=True)
class Acceptance:
    """One person's statement that differences are meant.

    Attributes:
        reason: why.
        models: the names of the models whose differences are meant; empty for every model's.
    """

    reason: str
    models: frozenset[str] = frozenset()

    def covers(self, model: str) -> bool:
        """Whether the differences of a model are meant."""
        return not self.models or model in self.models

    def lacks_reason(self, known: set[str]) -> bool:
        """Whether the reason consists of names of models only, or of one word that looks like such a name: a misspelt name must
        not accept everything."""
        if self.models:
            return False
        words = re.split(r"[\s,]+", self.reason)
        is_misspelt = len(words) == 1 and bool(difflib.get_close_matches(words[0], known, n=1, cutoff=0.8))
        return is_misspelt or set(words) <= known

    def __str__(self) -> str:
        names = ", ".join(sorted(self.models))
        return f"{names}: {self.reason}" if names else self.reason


def read_acceptance(text: str) -> Acceptance:
    """Reads a reason, and the models that it names before a colon.

    A name that is not a model's accepts nothing, so a misspelt one never accepts more than was meant.

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
        known: the names of all models. Naming models without giving a reason accepts nothing.
    """
    reasoned = [one for one in accepted if not one.lacks_reason(known)]
    return sorted(model for model in models if not any(one.covers(model) for one in reasoned))


def misspelt(acceptance: Acceptance, known: set[str]) -> dict[str, str | None]:
    """The names that are not a model's, each with the most similar name, or None.

    >>> misspelt(read_acceptance("frist, zzz: why"), {"first", "second"})
    {'frist': 'first', 'zzz': None}
    """
    near = {name: difflib.get_close_matches(name, sorted(known), n=1) for name in sorted(acceptance.models - known)}
    return {name: found[0] if found else None for name, found in near.items()}


def misspelt_in_commits(accepted: Iterable[Acceptance], known: set[str]) -> list[str]:
    """Warnings about names in trailers that are not a model's, a line each. They stop nothing, since a commit cannot easily be changed.

    >>> print(*misspelt_in_commits([read_acceptance("frist: why")], {"first"}))
    Accept-Differences of a commit names frist, which is not a model (did you mean first?): it accepts nothing. Another commit \
can (git commit --allow-empty).
    """
    return [
        f"{TRAILER} of a commit names {name}, which is not a model{f' (did you mean {near}?)' if near else ''}: it accepts"
        " nothing. Another commit can (git commit --allow-empty)."
        for one in accepted
        for name, near in misspelt(one, known).items()
    ]


def corrected(acceptance: Acceptance, wrong: dict[str, str | None]) -> str:
    """What was probably meant; `MODEL` stands for a name that resembles no model's.

    >>> corrected(read_acceptance("frist, zzz: why"), {"frist": "first", "zzz": None})
    'MODEL, first: why'
    """
    names = {wrong.get(name, name) or "MODEL" for name in acceptance.models}
    return str(Acceptance(acceptance.reason, frozenset(names)))


def objections(
    left: list[str], accepted: Sequence[Acceptance], known: set[str], broken: Mapping[str, str] = MappingProxyType({})
) -> list[str]:
    """Why differences are not accepted, a sentence each.

    Args:
        left: the models whose differences nobody accepted.
        accepted: what people accept, which may be misspelt.
        known: the names of all models.
        broken: what of a model's contract is broken, by its name.
    """
    named = {name for one in accepted for name in one.models}
    return [
        *(
            f"{name} breaks its contract ({broken[name]}), and nobody accepted that"
            if name in broken
            else f"{name} differs, and nobody accepted that"
            for name in left
        ),
        *(f"{name}, which is accepted, is not a model" for name in sorted(named - known)),
        *(
            f"{one.reason!r} names models and no reason: '{one.reason}: why'"
            for one in accepted
            if one.lacks_reason(known)
        ),
    ]


def reason_for(models: list[str]) -> str:
    """What to write to accept the differences of some models, with no more names than fit on a line.

    >>> reason_for(["customers", "orders"]), reason_for(["a", "b", "c", "d", "e"])
    ('customers, orders: why', 'why')
    """
    return f"{', '.join(models)}: why" if 0 < len(models) < MOST_NAMES else "why"


def how_to_accept(reason: str | Acceptance, options: str = "") -> str:
    """What to type to release and accept differences.

    Args:
        reason: why, after the models that it is about.
        options: more options of the command.
    """
    return typed("release", f"--accept '{reason}' {options}".rstrip())


def is_new_start(verdicts: Iterable[str]) -> bool:
    """Whether prod and the candidate have no model in common, as after the sample was removed.

    >>> is_new_start(["gone", "new"]), is_new_start(["gone", "same"])
    (True, False)
    """
    return set(verdicts) <= {"gone", "new"}


def as_text(accepted: Iterable[Acceptance]) -> str | None:
    """All reasons on one line; None where nothing is accepted."""
    return "; ".join(map(str, accepted)) or None
