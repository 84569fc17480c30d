"""What the sandbox of Stripe keeps: payments, and refunds with the way that each has to go."""

from __future__ import annotations

import datetime
from collections import deque

import attrs


@attrs.frozen(kw_only=True)
class Step:
    """One status in the life of a refund: it comes ``after`` this long in the one before it."""

    status: str
    after: datetime.timedelta = datetime.timedelta()
    failure_reason: str = ""


AT_ONCE = (Step(status="succeeded"),)
"""How a card is refunded, unless the sandbox is told otherwise."""

LATER = (Step(status="pending"), Step(status="succeeded", after=datetime.timedelta(days=1)))
"""How any other way of paying is refunded. How many days it takes at Stripe depends on the bank."""


@attrs.define(kw_only=True, eq=False)
class SandboxPayment:
    """A charge, and its PaymentIntent where it has one, with its refunds, the oldest first. Amounts are Stripe's."""

    charge: str
    intent: str | None
    amount: int
    currency: str
    method: str
    status: str
    created: int
    disputed: bool = False
    refunds: list[SandboxRefund] = attrs.field(factory=list)

    @property
    def refunded(self) -> int:
        """What was refunded or is under way; what a failed or cancelled refund took is not."""
        return sum(refund.amount for refund in self.refunds if refund.counts)


@attrs.define(kw_only=True, eq=False)
class SandboxRefund:
    """A refund, with the ``steps`` that it still has to go; ``since`` is when its status began."""

    id: str
    payment: SandboxPayment
    amount: int
    reason: str | None
    metadata: dict[str, str]
    created: int
    status: str
    failure_reason: str
    since: datetime.datetime
    steps: deque[Step]
    short_of_balance: bool = False

    @property
    def counts(self) -> bool:
        """Whether it takes from what can be refunded still."""
        return self.status not in ("failed", "canceled")
