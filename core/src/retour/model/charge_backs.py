"""Charge-backs: money that the customer's bank took back of a payment."""

from __future__ import annotations

import datetime

import attrs

from retour.model.money import Money


@attrs.frozen(kw_only=True)
class ChargeBack:
    """How much a bank has taken back of a payment in all, and since when its provider says so. ``refunds_before`` is
    how many refunds the order had when the bank last took more: what they were decided on did not have it yet."""

    amount: Money
    since: datetime.datetime
    refunds_before: int = 0
