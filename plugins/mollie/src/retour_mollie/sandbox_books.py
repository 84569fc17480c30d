"""What the sandbox of Mollie keeps: payments with their refunds."""

from __future__ import annotations

import datetime

import attrs

from retour.providers import Mode, Money

WITHOUT_REFUNDS = frozenset({"paysafecard", "giftcard", "voucher"})
"""Methods of which nothing can be refunded (https://docs.mollie.com/docs/refunds)."""


@attrs.define(kw_only=True)
class SandboxRefund:
    """A refund in the sandbox. ``sent_at`` is when it went to the bank."""

    id: str
    amount: Money
    description: str
    metadata: object
    created_at: datetime.datetime
    status: str
    funded_at: datetime.datetime | None = None
    sent_at: datetime.datetime | None = None


@attrs.define(kw_only=True)
class SandboxPayment:
    """A payment in the sandbox, with its refunds, oldest first. ``extra`` can be refunded beyond what was paid."""

    id: str
    mode: Mode
    amount: Money
    status: str
    method: str
    description: str
    created_at: datetime.datetime
    webhook_url: str
    extra: Money
    refunds: list[SandboxRefund] = attrs.field(factory=list)

    @property
    def refunded(self) -> Money:
        """What was refunded or is under way."""
        counted = [refund.amount for refund in self.refunds if refund.status not in ("failed", "canceled")]
        return sum(counted, Money.zero(self.amount.currency))

    @property
    def remaining(self) -> Money | None:
        """What can still be refunded; None where refunds are not possible at all."""
        if self.status != "paid" or self.method in WITHOUT_REFUNDS:
            return None
        return self.amount + self.extra - self.refunded
