"""The host's shop of a campaign: orders from the plan, and a stock that outlives every process."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path

from retour import Order, StockMovement

from .plan import Plan


class PlannedShop:
    """A booking and its movement's id are one row, so that booking it again changes nothing."""

    def __init__(self, plan: Plan, stock: Path) -> None:
        self._plan = plan
        self._stock = stock

    def order(self, order_id: str) -> Order | None:
        return self._plan.orders.get(order_id)

    def find_order(self, provider: str, reference: str) -> str | None:
        return self._plan.order_of(provider, reference)

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
