"""What the returns of some weeks come to."""

from __future__ import annotations

import datetime

from retour.model.frozen import frozen
from retour.model.money import Money


@frozen(kw_only=True)
class WeekOfReturns:
    """One week, from the ``first`` of its seven calendar days in the shop's zone."""

    first: datetime.date
    """Its first day."""

    returns: int
    """Returns that began in it."""

    refunded: tuple[Money, ...] = ()
    """What was refunded of what was decided in it, an amount for each currency: refunds that succeeded since."""


@frozen(kw_only=True)
class ReturnsForReason:
    """How many returns there were for one reason of the shop's list. One for several is counted for each."""

    reason: str
    """The code of the reason."""

    returns: int
    """Returns of which a line was for it."""


@frozen(kw_only=True)
class RefundsAfterDays:
    """How many refunds took so long."""

    days: int
    """Whole days from the beginning of the order's first return of these weeks until the refund had succeeded."""

    refunds: int
    """Refunds that took so many days."""


@frozen(kw_only=True)
class ReturnFigures:
    """What the returns of some weeks come to."""

    weeks: tuple[WeekOfReturns, ...]
    """The weeks, the oldest first."""

    reasons: tuple[ReturnsForReason, ...]
    """The reasons that were chosen, the most frequent first."""

    days_to_refund: tuple[RefundsAfterDays, ...]
    """How long money took, the fewest days first: of refunds that were decided in these weeks, on orders of which a
    return began in them."""
