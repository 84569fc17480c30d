"""The payment provider of all partners: in their own process, without a network, it answers at once.

Nothing but the standard library: Django's environment has it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Refused(Exception):
    """It makes no such refund, and says why."""


class Made(NamedTuple):
    """A refund that was made: its ``reference``, ``amount`` in minor units of a ``payment``, and the ``note`` of who
    asked for it."""

    reference: str
    payment: str
    amount: int
    note: str


class InstantProvider:
    """Payments of one currency, and what went back on each. A repeated key is the same refund."""

    def __init__(self) -> None:
        self._captured: dict[str, int] = {}
        self._made: dict[str, list[Made]] = {}
        self._by_key: dict[str, Made] = {}

    def pay(self, payments: Mapping[str, int]) -> None:
        """Customers pay: amounts in minor units by the reference of their payment."""
        self._captured.update(payments)

    def captured(self, payment: str) -> int:
        """What was paid, in minor units. Raises `Refused` for a payment that it has not."""
        if payment not in self._captured:
            raise Refused(f"there is no payment {payment}")
        return self._captured[payment]

    def refunds(self, payment: str) -> list[Made]:
        """All refunds of a payment."""
        return self._made.get(payment, [])

    def refund(self, payment: str, amount: int, key: str, note: str = "") -> Made:
        """Make a refund, once for a ``key``. Raises `Refused`."""
        if key in self._by_key:
            before = self._by_key[key]
            if (before.payment, before.amount) != (payment, amount):
                raise Refused(f"the key {key} was used for another refund")
            return before
        made = self._made.setdefault(payment, [])
        if not 0 < amount <= self.captured(payment) - sum(one.amount for one in made):
            raise Refused(f"{amount} is not left of payment {payment}")
        refund = Made(f"re_{len(self._by_key) + 1:08d}", payment, amount, note)
        made.append(refund)
        self._by_key[key] = refund
        return refund
