"""When something of an order happened: which of its events that was, and what a clock said."""

from __future__ import annotations

import datetime

from retour.model.frozen import frozen


@frozen(kw_only=True)
class When:
    """When something happened, by the order's timeline and by a clock.

    Which of two was first, the numbers say. Times are for people: each process has a clock of its own, and a host's can
    be hours ahead of another's, so an order that began yesterday can go on before it began.
    """

    seq: int
    """The number of its event on the order's timeline, from 1 on."""

    at: datetime.datetime
    """What a clock said then (UTC)."""

    def __lt__(self, other: When) -> bool:
        return self.seq < other.seq
