"""One try of an effect: what it found out, as a change to the order's dossier that can be recorded on any version."""

from __future__ import annotations

import datetime
from collections.abc import Callable

import attrs

from retour.providers.errors import without_people
from retour.rules.draft import Draft
from retour.store.clock import SECOND
from retour.store.store import ClaimedEffect, SettledEffect

LONGEST_PAUSE = 3600 * SECOND
"""The longest pause between two tries of one effect, in microseconds. There is no last try."""

_LONGEST_PROBLEM = 500


@attrs.frozen(kw_only=True)
class Attempt:
    """What one try of an effect gave.

    ``settled`` is what becomes of the effect. ``record`` adds the events to a draft of the order as it is when they
    are committed, which may be later than it was when the effect began.
    """

    settled: SettledEffect
    record: Callable[[Draft], None] | None = None


def done(effect: ClaimedEffect) -> SettledEffect:
    """The effect is done."""
    return SettledEffect(id=effect.id, owner=effect.owner, state="done")


def put_off(effect: ClaimedEffect, problem: str, pause: datetime.timedelta | None = None) -> SettledEffect:
    """The effect is tried again after ``pause``, or after a pause that doubles with every try.

    ``problem`` is kept with it, without mail addresses and IBANs: what a host's code raises can have them in it.
    """
    delay = min(LONGEST_PAUSE, 5 * SECOND << min(effect.attempts, 20))
    if pause is not None:
        delay = int(pause.total_seconds() * SECOND)
    kept = without_people(problem)[:_LONGEST_PROBLEM]
    return SettledEffect(id=effect.id, owner=effect.owner, state="waiting", delay=delay, problem=kept)
