"""What runs in a process of its own: a worker that does one order after the other, and which one order ends.

``python -m benchmarks.poisoned_worker STORE ORDERS POISONED``: ``ORDERS`` is how many of the shop of refunds have one,
``POISONED`` the id of the order whose refund ends the process, empty where none does.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

from benchmarks.orders import order_id
from benchmarks.whole_return.instant_plugin import InstantPlugin
from benchmarks.whole_return.provider import InstantProvider, Made
from retour import MemoryShop, ReturnDesk
from retour.cli.worker_command import IN_A_ROUND

CAPTURED = 3_485
"""Minor units of each payment."""


class PoisonedProvider(InstantProvider):
    """A provider that answers at once, but for a payment whose refund ends the process."""

    def __init__(self, poisoned: str) -> None:
        super().__init__()
        self._poisoned = poisoned

    def refund(self, payment: str, amount: int, key: str, note: str = "") -> Made:
        """Make a refund, or end."""
        if payment == self._poisoned:
            os._exit(1)
        return super().refund(payment, amount, key, note)


def books(orders: int, poisoned: str = "") -> InstantPlugin:
    """The provider with the payments of so many orders."""
    provider = PoisonedProvider(payment_of(poisoned))
    provider.pay({payment_of(order_id(number)): CAPTURED for number in range(orders)})
    return InstantPlugin(provider)


def payment_of(order: str) -> str:
    """The reference of an order's payment."""
    return f"pay_{order}" if order else ""


def main() -> None:
    """Be a worker until somebody ends it."""
    store, orders, poisoned = sys.argv[1:]
    plugins: list[Any] = [books(int(orders), poisoned)]
    desk = ReturnDesk(shop=MemoryShop(), store=store, plugins=plugins)
    while True:
        if desk.work(limit=IN_A_ROUND).idle:
            time.sleep(0.05)


if __name__ == "__main__":
    main()
