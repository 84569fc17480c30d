"""Charge-backs: money that the customer's bank took back of a payment; and disputes, by which it may."""

from __future__ import annotations

import datetime
from enum import StrEnum

from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.when import When


@frozen(kw_only=True)
class ChargeBack:
    """How much a bank has taken back of a payment in all."""

    amount: Money
    """All that was taken back so far."""

    told: When
    """When its provider said so."""

    refunds_before: int = 0
    """How many refunds the order had when the bank last took more: what they were decided on did not have it yet."""

    @property
    def since(self) -> datetime.datetime:
        """When that was told, by the clock of the process that recorded it: UTC."""
        return self.told.at


@frozen(kw_only=True)
class Dispute:
    """A payment that the customer disputes, and nobody has decided that."""

    told: When
    """When its provider said so."""

    only_whole: bool = False
    """Whether meanwhile the whole payment can go back, and no part of it."""

    @property
    def since(self) -> datetime.datetime:
        """When that was told, by the clock of the process that recorded it: UTC."""
        return self.told.at


class DisputeStep(StrEnum):
    """What happened to a payment at the customer's bank, or at its provider on his word."""

    OPENED = "opened"  #: the customer disputes the payment
    CHANGED = "changed"  #: something else holds of the dispute now
    WON = "won"  #: decided for the merchant
    LOST = "lost"  #: decided for the customer
    TAKEN_BACK = "taken_back"  #: the bank took money back
    GIVEN_BACK = "given_back"  #: the bank gave it back to the merchant
    NOT_SHOWN = "not_shown"  #: money was taken back, and nobody is told how much


@frozen(kw_only=True)
class PaymentDispute:
    """One step of what the customer's bank does with a payment, as ``on_payment_disputed`` tells it.

    A dispute that is over is ``LOST`` where the bank has more than when it was opened, as far as the provider has said,
    else ``WON``. ``NOT_SHOWN``: the provider told that money was taken back, and does not show how much.
    """

    payment: str
    """Its `Payment.id`."""

    step: DisputeStep
    """What happened."""

    taken_back: Money
    """What the bank has of it in all after this step. Where the provider does not show how much was taken
    (``NOT_SHOWN``), without that."""

    difference: Money
    """How much that is more than before: below zero where the bank gave some back, zero where only the dispute
    changed."""

    only_whole: bool = False
    """Whether meanwhile the whole payment can go back, and no part of it."""
