"""A moment of the database's clock, as exactly as a process can tell it."""

from __future__ import annotations

import datetime

from retour.model.frozen import frozen

AHEAD = datetime.timedelta(days=1)
"""How far a clock outside may be ahead of the database's, with the time zone that somebody forgot."""


def is_to_come(told: datetime.datetime, now: datetime.datetime) -> bool:
    """Whether a time that is told ``now`` of something that happened cannot be, since it is still to come."""
    return told - now > AHEAD


@frozen(kw_only=True)
class Moment:
    """What time it is by the database's clock: not before ``earliest`` and not after ``latest``.

    The two are apart by as long as it took to ask. Whoever decides about money takes the one that is safe: a window
    runs from the earliest time of a try and is over at the latest one, a try is old when it is so at the earliest.
    """

    earliest: datetime.datetime
    latest: datetime.datetime

    @classmethod
    def exactly(cls, at: datetime.datetime) -> Moment:
        """A moment that is known exactly."""
        return cls(earliest=at, latest=at)
