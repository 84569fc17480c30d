"""The disputes of a sandbox of Stripe: what each says, what it took, and which refunds it stands in the way of."""

from __future__ import annotations

import datetime

import attrs

from retour.providers import Money
from retour.sandbox import SandboxChargeBack, SandboxPayment

STATUSES = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "won",
    "lost",
)
"""Schema ``dispute``, field ``status``: an inquiry's, then a dispute's."""

OVER = ("warning_closed", "won", "lost")
WITHDRAWN = ("needs_response", "under_review", "lost")
"""While a dispute is so, its amount is withdrawn; an inquiry takes nothing, and one that was won gave it back."""


@attrs.define(kw_only=True, eq=False)
class SandboxDispute:
    """A dispute of a payment, or an inquiry. ``withdrawals`` are what it took of the payment, the oldest first.

    ``refundable`` is whether the charge can be refunded while it is as it is: nothing public says so of every status,
    so this is what others found (https://github.com/Automattic/woocommerce-payments/issues/7960), and can be set.
    """

    id: str
    payment: SandboxPayment = attrs.field(repr=False)
    amount: Money
    made_at: datetime.datetime
    status: str
    refundable: bool = False
    withdrawals: list[SandboxChargeBack] = attrs.field(factory=list)

    @property
    def taken(self) -> SandboxChargeBack | None:
        """What it took and did not give back."""
        return next((one for one in self.withdrawals if one.reversed_at is None), None)


def disputes_of(payment: SandboxPayment) -> list[SandboxDispute]:
    """The disputes of a payment, the oldest first."""
    found: list[SandboxDispute] = payment.said.setdefault("disputes", [])
    return found
