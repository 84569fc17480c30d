"""The host's shop of a campaign: orders from the plan, their payments as they are called now, and a stock that outlives
every process."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

import attrs

from retour import Order, StockMovement

from .plan import Plan
from .spellings import Spellings


class PlannedShop:
    """A booking and its movement's id are one row, so that booking it again changes nothing. A payment is called as
    ``spellings`` says at the moment, in an order and where one is looked for."""

    def __init__(self, plan: Plan, stock: Path, spellings: Spellings) -> None:
        self._plan = plan
        self._stock = stock
        self._spellings = spellings
        self._named = {
            (payment.provider, name.strip()): payment
            for payments in plan.payments.values()
            for payment in payments
            for name in payment.names
        }

    def order(self, order_id: str) -> Order | None:
        order = self._plan.orders.get(order_id)
        if order is None:
            return None
        stored = [one for payment in self._plan.payments[order_id] for one in self._spellings.payments(payment)]
        return order if list(order.payments) == stored else attrs.evolve(order, payments=tuple(stored))

    def find_order(self, provider: str, reference: str) -> str | None:
        payment = self._named.get((provider, reference.strip()))
        if payment is None or reference.strip() not in [one.strip() for one in self._spellings.names(payment)]:
            return None
        return payment.order_id

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        connection = sqlite3.connect(self._stock, timeout=30)
        with connection:
            connection.executemany(
                "INSERT OR IGNORE INTO booking VALUES (?, ?, ?)",
                [(movement.id, movement.product, movement.quantity) for movement in movements],
            )
        connection.close()


def empty_stock(path: Path) -> None:
    """A stock without bookings."""
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("CREATE TABLE booking (id TEXT PRIMARY KEY, product TEXT, quantity INTEGER)")
    connection.close()


def booked(path: Path) -> dict[str, int]:
    """Units booked of each product."""
    connection = sqlite3.connect(path)
    rows = dict(connection.execute("SELECT product, sum(quantity) FROM booking GROUP BY product"))
    connection.close()
    return rows
