"""Charge-backs: money that the customer's bank took back of a payment; and disputes, by which it may."""

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


@attrs.frozen(kw_only=True)
class Dispute:
    """Since when the customer disputes a payment, as its provider says, and nobody has decided that. ``only_whole``
    says that meanwhile the whole payment can go back, and no part of it."""

    since: datetime.datetime
    only_whole: bool = False
