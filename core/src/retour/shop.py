"""The port that a host implements: what retour needs from a shop, and nothing more."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from typing import Protocol, runtime_checkable

from retour.model.order import Order
from retour.model.returns import StockMovement


@runtime_checkable
class Shop(Protocol):
    """A host's shop. Every method may be called from several threads at once."""

    def order(self, order_id: str) -> Order | None:
        """The order as it is now, or None when there is no such order.

        Read again by every command that counts units or money, so it should be cheap: one or two queries.
        """

    def find_order(self, provider: str, reference: str) -> str | None:
        """The id of the order that was paid by ``reference`` at ``provider`` (``"mollie"``, ``"tr_…"``), or None.

        ``reference`` is the provider's own name for the payment. A shop that stores it with a prefix (``capture:…``)
        finds it without the prefix too: it is one of `Payment.names`.
        """

    def apply_stock(self, movement: StockMovement) -> None:
        """Add ``movement.quantity`` units (below zero: take them out) of ``movement.product`` to the stock.

        Called at least once for each movement. Called again with the same ``movement.id`` it does nothing: keep the
        id with the booking, in the same transaction. Raise `StockRefused` when this can never be done (the product
        is gone); any other exception means "try again later".
        """


class MemoryShop:
    """A shop in memory, for tests, examples and the demo.

    ``stock`` counts units per product; ``bookings`` are the movements that were applied, in their order.
    """

    def __init__(self, orders: Iterable[Order] = ()) -> None:
        self.orders: dict[str, Order] = {order.id: order for order in orders}
        self.stock: dict[str, int] = {}
        self.bookings: dict[str, StockMovement] = {}
        self._lock = threading.Lock()

    def order(self, order_id: str) -> Order | None:
        """The order, or None."""
        return self.orders.get(order_id)

    def find_order(self, provider: str, reference: str) -> str | None:
        """The id of the order with such a payment, or None."""
        for order in self.orders.values():
            for payment in order.payments:
                if payment.provider == provider and reference in payment.names:
                    return order.id
        return None

    def apply_stock(self, movement: StockMovement) -> None:
        """Book a movement, once."""
        with self._lock:
            if movement.id not in self.bookings:
                self.bookings[movement.id] = movement
                self.stock[movement.product] = self.stock.get(movement.product, 0) + movement.quantity
