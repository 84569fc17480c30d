"""What to do with a refund that may have been sent: the recovery rule.

Ask the provider first. Found by our key: that is the outcome. Not found is no proof: inside the idempotency window the
stored request is sent again unchanged; outside it only where the provider's lookup is complete and the last try is
older than its delay; else a person looks at it with all evidence.

All times are the database's. A window is over when it can be, and a try is old when it has to be.
"""

from __future__ import annotations

import datetime
from enum import StrEnum

from retour.model.moment import Moment
from retour.model.refunds import Refund

MARGIN = datetime.timedelta(minutes=5)
"""Taken off every idempotency window, for a provider's clock that differs and a request that is long on its way."""


class Next(StrEnum):
    """What happens to an unclear refund that the provider does not find by our key."""

    RESEND = "resend"  # the same request with the same key: the provider recognises it
    SEND_ANEW = "send anew"  # it certainly did not happen: the same request begins again
    WAIT = "wait"  # too early to tell
    HOLD = "hold"  # a person has to look


def begins_anew(refund: Refund, now: Moment, *, window: datetime.timedelta | None) -> bool:
    """Whether ``refund``, which certainly did not happen yet, has to be submitted anew before it is sent.

    So it is when its window has gone by while it was put off or waited for a worker: with the new time of sending, a
    try that gets lost now is still recognised later.
    """
    if window is None or window <= MARGIN:
        return False
    ends = window_ends(refund, window)
    return ends is None or now.latest >= ends


def next_step(
    refund: Refund,
    now: Moment,
    *,
    window: datetime.timedelta | None,
    lookup_complete_after: datetime.timedelta | None,
) -> Next:
    """What to do with ``refund``, which the provider did not find.

    ``window`` is how long the provider recognises a repeated request, from its first try; None: it never does.
    ``lookup_complete_after`` is how old a try must be before "not found" proves that it did not happen; None: never.
    """
    ends = window_ends(refund, window)
    if ends is not None and now.latest < ends:
        return Next.RESEND
    if lookup_complete_after is not None and refund.unclear_at is not None:
        return Next.SEND_ANEW if now.earliest > refund.unclear_at + lookup_complete_after else Next.WAIT
    return Next.HOLD


def window_ends(refund: Refund, window: datetime.timedelta | None) -> datetime.datetime | None:
    """Until when a request of ``refund`` may begin, so that the provider recognises it if it is not the first; None
    where it never would."""
    if window is None or window <= MARGIN or refund.sent_at is None:
        return None
    return refund.sent_at + window - MARGIN
