"""What customers' banks do: they take a payment back, past the merchant, or a part of it; and some give it back."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping
from typing import Any

import attrs

from retour import Money
from retour.sandbox import ChargesBack, GivesBack

from .plan import PlannedPayment

TAKES_BACK = 0.015
"""How often a bank does, of the moments at which it could."""

GIVES_BACK = 0.3
"""How often one that has money of a payment gives it back in place of taking more."""


@attrs.frozen
class Banks:
    """The banks of all customers, at the providers from which they can take money back."""

    sandboxes: Mapping[str, Any]
    chance: random.Random
    counts: Counter[str]

    def act_on(self, payment: PlannedPayment) -> None:
        """Take a payment back, or half of it, now and then; or give back all that was taken of it."""
        sandbox = self.sandboxes[payment.provider]
        if self.chance.random() > TAKES_BACK or not isinstance(sandbox, ChargesBack):
            return
        if self.hold(payment) and isinstance(sandbox, GivesBack) and self.chance.random() < GIVES_BACK:
            sandbox.give_back(payment.reference)
            self.counts["payments that a bank gave back"] += 1
            return
        half = Money(minor=payment.captured.minor // 2, currency=payment.captured.currency)
        try:
            sandbox.charge_back(payment.reference, self.chance.choice((None, half)))
            self.counts["payments that a bank took back"] += 1
        except ValueError:  # it has it already, or it is a part of what is only ever taken whole
            self.counts["payments that no bank could take back"] += 1

    def hold(self, payment: PlannedPayment) -> Money:
        """What a bank has of a payment, by its provider's books."""
        if not isinstance(self.sandboxes[payment.provider], ChargesBack):
            return Money.zero(payment.captured.currency)
        held: Money = self.sandboxes[payment.provider].stored(payment.reference).charged_back
        return held
