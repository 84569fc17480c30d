"""When a refund that succeeded is looked at again: a bank can send money back days later, and webhooks get lost."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from zlib import crc32

from retour.model.dossier import Dossier
from retour.model.events.event import Recorded
from retour.model.events.money import ExternalRefundFound, RefundMatched, RefundReported
from retour.model.refunds import Refund, RefundState, Reported

_DAY = datetime.timedelta(days=1)

_LOOKS = (1 * _DAY, 3 * _DAY, 7 * _DAY, 14 * _DAY, 30 * _DAY, 60 * _DAY)
"""When it is looked at, from its success on: banks send back most of what they do within days. Then every `_RARELY`,
and at last when it can no longer come back."""

_RARELY = 30 * _DAY

_SPREAD = 0.25
"""How much later each look is at most, by refund: those that succeeded together are not looked at together."""

LONGEST = 365 * _DAY
"""After this nobody looks any more, whatever a provider declares and however long its plugin was off."""


def can_come_back(refund: Refund | None) -> bool:
    """Whether a provider can be asked if a refund is still with the customer: it said itself that it succeeded. What a
    person confirmed may have gone another way, under a reference that is his bank's."""
    if refund is None or not refund.reference:
        return False
    return refund.state is RefundState.SUCCEEDED and Reported.SUCCEEDED in refund.reported


def refunds_that_can_come_back(dossier: Dossier, events: Iterable[Recorded]) -> list[str]:
    """The refunds of a ``dossier`` that succeeded by ``events``, the last of which made it what it is."""
    told = (RefundReported, ExternalRefundFound, RefundMatched)
    named = dict.fromkeys([one.event.refund_id for one in events if isinstance(one.event, told)])
    return [refund_id for refund_id in named if can_come_back(dossier.refunds.get(refund_id))]


def first_look(refund_id: str) -> datetime.timedelta:
    """How long after its success a refund is looked at for the first time."""
    return _LOOKS[0] * _later(refund_id)


def until_next_look(
    refund: Refund, now: datetime.datetime, within: datetime.timedelta = LONGEST
) -> datetime.timedelta | None:
    """How long to wait until a refund that can fail ``within`` a time is looked at again; None where that was over
    before ``now``. The last look is when it is over, and looks that nobody made in time are made once."""
    if refund.succeeded_at is None:
        return None
    age = now - refund.succeeded_at
    over = min(within, LONGEST) + _DAY * (_later(refund.id) - 1)
    if age >= over:
        return None
    planned = (step * _later(refund.id) for step in _LOOKS)
    return min(next((look for look in planned if look > age), age + _RARELY), over) - age


def _later(refund_id: str) -> float:
    return 1 + _SPREAD * crc32(refund_id.encode()) / 2**32
