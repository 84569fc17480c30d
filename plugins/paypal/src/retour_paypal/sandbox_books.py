"""What the sandbox of PayPal keeps: captures with their refunds."""

from __future__ import annotations

import datetime

import attrs

from retour.providers import Money


@attrs.define(kw_only=True)
class SandboxCapture:
    """A captured payment with its refunds, the oldest first."""

    id: str
    order: str
    amount: Money
    made_at: datetime.datetime
    status: str
    names_order: bool
    disputed: bool = False
    charged_back: bool = False
    refunds: list[SandboxRefund] = attrs.field(factory=list)

    @property
    def left(self) -> Money:
        """What is not refunded yet; a failed or cancelled refund took nothing."""
        left = self.amount
        for refund in self.refunds:
            if refund.status not in ("FAILED", "CANCELLED"):
                left -= refund.amount
        return left

    @property
    def status_now(self) -> str:
        """Its status, refunds included."""
        if self.status != "COMPLETED" or self.left == self.amount:
            return self.status
        return "PARTIALLY_REFUNDED" if self.left else "REFUNDED"


@attrs.define(kw_only=True)
class SandboxRefund:
    """A refund. ``done_at`` is when it is completed at the earliest."""

    id: str
    capture: str
    amount: Money
    made_at: datetime.datetime
    changed_at: datetime.datetime
    status: str
    total: Money
    done_at: datetime.datetime
    said: dict[str, str] = attrs.field(factory=dict)
