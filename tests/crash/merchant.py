"""A merchant's process for the crash tests. It marks one order returned, and kills itself at the moment it is told to;
or all orders that it is handed, until there are no more."""

from __future__ import annotations

import os
import signal
import sqlite3
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection

from retour import Actor, Order, ReturnDesk, StockMovement
from retour.store.commit import Commit
from retour.store.store import Store
from retour.testing import a_line, an_order


class FileShop:
    """A shop whose stock outlives its process: a booking and its id are one row."""

    def __init__(self, path: str) -> None:
        self.path = path
        connection = sqlite3.connect(path, timeout=30)
        connection.execute("CREATE TABLE IF NOT EXISTS booking (id TEXT PRIMARY KEY, product TEXT, quantity INTEGER)")
        connection.close()

    def order(self, order_id: str) -> Order | None:
        return an_order(a_line("cup", 3), order_id=order_id)

    def find_order(self, provider: str, reference: str) -> str | None:
        return None

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        connection = sqlite3.connect(self.path, timeout=30)
        with connection:
            connection.executemany(
                "INSERT OR IGNORE INTO booking VALUES (?, ?, ?)",
                [(movement.id, movement.product, movement.quantity) for movement in movements],
            )
        connection.close()


def die() -> None:
    """End as a power cut does."""
    os.kill(os.getpid(), signal.SIGKILL)


def killed(moment: str, what: str, function: Callable[..., object]) -> Callable[..., object]:
    """``function``, with the process killed before or after it if that is the ``moment``."""

    def call(*arguments: object, **more: object) -> object:
        if moment == f"before {what}":
            die()
        result = function(*arguments, **more)
        if moment == f"after {what}":
            die()
        return result

    return call


def mark_one(database: str, shop_file: str, order_id: str, moment: str) -> None:
    """Mark an order returned, and be killed at a moment of that."""
    shop = FileShop(shop_file)
    desk = ReturnDesk(shop=shop, store=database, migrate=True)
    arrange(shop, moment)
    desk.mark_returned(order_id, by=Actor.staff("anna"))


def mark_all(database: str, shop_file: str, handed: Connection) -> None:
    """Mark each order returned that is handed over, until there is an end to it."""
    desk = ReturnDesk(shop=FileShop(shop_file), store=database, migrate=True)
    while order_id := handed.recv():
        desk.mark_returned(order_id, by=Actor.staff("anna"))


def arrange(shop: FileShop, moment: str) -> None:
    """Put the process's end where it belongs: the first save is the intent, the second the outcome."""
    shop.book_stock = killed(moment, "the stock is booked", shop.book_stock)  # type: ignore[method-assign,assignment]
    save = Store.save
    saved: list[Commit] = []

    def counting(store: Store, commit: Commit, *rest: object) -> object:
        saved.append(commit)
        what = "the intent is committed" if len(saved) == 1 else "the outcome is committed"
        return killed(moment, what, save)(store, commit, *rest)

    Store.save = counting  # type: ignore[method-assign,assignment]
