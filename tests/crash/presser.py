"""A merchant's process that returns and refunds an order by one press, with his orders and his stock in the database of
the desk; it kills itself at the moment it is told to."""

from __future__ import annotations

import os
import signal
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Engine, text

from retour import Actor, MemoryShop, Mode, Money, Outcome, ReturnDesk, StockMovement, connect
from retour.store.store import Store
from retour.testing import a_line, a_payment, an_order

EUR40 = Money.of("40", "EUR")

STEPS = (
    "the order is written",
    "the stock is booked",
    "the intent is committed",
    "the provider is called",
    "the outcome is committed",
)
"""All that a press does, in its order."""


class TableShop(MemoryShop):
    """Orders in memory; their status and the stock are tables of the desk's database."""

    def __init__(self, engine: Engine, reference: str) -> None:
        payment = a_payment("40.00", provider="stripe", reference=reference, mode=Mode.TEST)
        super().__init__([an_order(a_line("cup", 2, "40.00"), payments=[payment])])
        self.engine = engine
        self.moment = ""
        with engine.begin() as connection:
            connection.execute(text("CREATE TABLE IF NOT EXISTS press_status (status VARCHAR(40))"))
            connection.execute(text("CREATE TABLE IF NOT EXISTS press_stock (movement VARCHAR(40), units INTEGER)"))

    def reached(self, moment: str) -> None:
        """The process is killed where this is its moment."""
        if moment == self.moment:
            os.kill(os.getpid(), signal.SIGKILL)

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        with self.engine.begin() as connection:
            self.book_stock_on(connection, movements)

    def book_stock_on(self, connection: Connection, movements: Sequence[StockMovement]) -> None:
        self.reached("before the stock is booked")
        rows = [{"movement": one.id, "units": one.quantity} for one in movements]
        connection.execute(text("INSERT INTO press_stock VALUES (:movement, :units)"), rows)
        self.reached("after the stock is booked")

    def set_returned(self, connection: Connection) -> None:
        """What the host writes with it."""
        self.reached("before the order is written")
        connection.execute(text("INSERT INTO press_status VALUES ('returned')"))
        self.reached("after the order is written")

    def found(self) -> tuple[list[str], int]:
        """The statuses that were written, and the units in stock."""
        with self.engine.connect() as connection:
            statuses = list(connection.execute(text("SELECT status FROM press_status")).scalars())
            units = connection.execute(text("SELECT coalesce(sum(units), 0) FROM press_stock")).scalar_one()
        return statuses, int(units)


def opened(database: str, reference: str, settings: Mapping[str, object]) -> tuple[ReturnDesk, TableShop]:
    """The desk of a shop with one order of EUR 40.00."""
    shop = TableShop(connect(database), reference)
    desk = ReturnDesk(shop=shop, store=shop.engine, plugins=["stripe"], settings={"stripe": settings}, migrate=True)
    return desk, shop


def press(desk: ReturnDesk, shop: TableShop, reference: str) -> Outcome:
    """All of it."""
    return desk.return_and_refund(
        "1001", reference, EUR40, by=Actor.staff("anna"), request_id="form-1", also=shop.set_returned
    )


def press_and_die(database: str, reference: str, settings: dict[str, object], moment: str) -> None:
    """Press, and be killed at a moment of that."""
    desk, shop = opened(database, reference, settings)
    shop.moment = moment
    kind: Any = desk._services.registry.payment["stripe"][0]
    refund, save, saves = kind.refund, Store.save, iter(("the intent is committed", "the outcome is committed"))

    def asked(*given: Any) -> Any:
        shop.reached("before the provider is called")
        made = refund(*given)
        shop.reached("after the provider is called")
        return made

    def saved(*given: Any) -> None:
        what = next(saves)
        shop.reached(f"before {what}")
        save(*given)
        shop.reached(f"after {what}")

    kind.refund, Store.save = asked, saved  # type: ignore[method-assign]
    press(desk, shop, reference)
