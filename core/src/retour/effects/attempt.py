"""One try of an effect: what it found out, as a change to the order's dossier that can be recorded on any version."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import attrs

from retour.model.frozen import frozen
from retour.model.order import Order
from retour.providers.errors import redacted
from retour.rules.draft import Draft
from retour.store.clock import SECOND
from retour.store.commit import SettledEffect
from retour.store.effects import UNTIL_A_PERSON, ClaimedEffect

_LONGEST_PROBLEM = 500


class Outdated(Exception):
    """What a try found out says nothing of the order as it is by now: nothing of it is recorded, and it is tried
    again."""


@frozen(kw_only=True)
class Attempt:
    """What one try of an effect gave.

    ``settled`` is what becomes of the effect, None where another worker has it now. ``fact`` and ``record`` add the
    events to a draft of the order as it is when they are committed, which may be later than it was when the effect
    began: a ``fact`` is what a provider or the shop answered, true whoever has the effect; ``record`` is what follows
    from it for us, and is for who has the effect alone. ``given`` is the order as the shop has it now, where the try
    had to ask: it is seen with what was found.
    """

    settled: SettledEffect | None
    given: Order | None = None
    fact: Callable[[Draft], None] | None = None
    record: Callable[[Draft], None] | None = None

    @property
    def without_lease(self) -> Attempt:
        """The same try, where another worker has the effect now."""
        return attrs.evolve(self, settled=None, record=None)


@frozen
class Pauses:
    """How long an effect waits after its first, second, … try; after more than that, as long as after the last.

    There is no last try. Each pause is made longer by chance, by up to ``_JITTER`` of it, so that what failed together
    is not tried together.
    """

    steps: tuple[datetime.timedelta, ...]

    @classmethod
    def doubling(cls, first: datetime.timedelta, longest: datetime.timedelta) -> Pauses:
        """``first``, then twice as long after each try, up to ``longest``."""
        steps = [first]
        while steps[-1] < longest:
            steps.append(min(2 * steps[-1], longest))
        return cls(tuple(steps))

    def after(self, tries: int, chance: float) -> int:
        """Microseconds to wait after a try with ``tries`` before it; ``chance`` is from 0 to 1."""
        step = self.steps[min(tries, len(self.steps) - 1)]
        return int(step.total_seconds() * SECOND * (1 + _JITTER * chance))


_JITTER = 0.25


def done(effect: ClaimedEffect) -> SettledEffect:
    """The effect is done."""
    return SettledEffect(id=effect.id, owner=effect.owner, state="done")


def given_back(effect: ClaimedEffect, *, unclear: bool = False) -> SettledEffect:
    """The effect is for the next worker, at once; ``unclear`` if nobody knows how far a try of it came."""
    return SettledEffect(id=effect.id, owner=effect.owner, state="waiting", unclear=unclear or effect.crashed)


def set_aside(effect: ClaimedEffect) -> SettledEffect:
    """The effect is not tried any more: it ended too many processes, and a person has to look at it first."""
    problem = f"it ended {effect.died} processes; it is not tried again until a person has looked at it"
    return SettledEffect(
        id=effect.id, owner=effect.owner, state="waiting", delay=UNTIL_A_PERSON, problem=problem, unclear=True
    )


def postpone(effect: ClaimedEffect, problem: str, pause: datetime.timedelta | None = None) -> SettledEffect:
    """The effect is tried again after ``pause``, or after the pause of its kind.

    ``problem`` is kept with it, without mail addresses and IBANs: what a host's code raises can have them in it.
    """
    delay = effect.pause if pause is None else int(pause.total_seconds() * SECOND)
    kept = redacted(problem)[:_LONGEST_PROBLEM]
    return SettledEffect(id=effect.id, owner=effect.owner, state="waiting", delay=delay, problem=kept)
