"""The partner that embeds retour, through its public names alone, as docs/embed.md says: orders, stock and returns are
tables of one database.

``python -m benchmarks.whole_return.retour_host URL``
"""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from decimal import Decimal
from importlib import import_module

from sqlalchemy import Connection, Engine, bindparam, insert, select, update

from benchmarks.whole_return import tables
from benchmarks.whole_return.instant_plugin import PROVIDER, InstantPlugin
from benchmarks.whole_return.partner import be_partner
from benchmarks.whole_return.provider import InstantProvider
from retour import (
    Actor,
    LineKind,
    Mode,
    Money,
    Order,
    OrderLine,
    Outcome,
    Paid,
    Payment,
    RestockDecision,
    ReturnDesk,
    StockMovement,
    StockRefused,
    TaxPart,
    connect,
    hookimpl,
    reading,
)

STAFF = Actor.staff("anna")

_ORDER = select(
    tables.order.c.currency,
    tables.order.c.customer,
    tables.payment.c.reference,
    tables.payment.c.captured,
).where(tables.order.c.id == bindparam("order_id"), tables.payment.c.order_id == tables.order.c.id)
_LINES = (
    select(
        tables.line.c.number,
        tables.line.c.product_id,
        tables.line.c.name,
        tables.line.c.kind,
        tables.line.c.units,
        tables.line.c.gross,
        tables.line.c.net,
    )
    .where(tables.line.c.order_id == bindparam("order_id"))
    .order_by(tables.line.c.id)
)
_OF_PAYMENT = select(tables.payment.c.order_id).where(tables.payment.c.reference == bindparam("reference"))
_PAYMENT = select(tables.payment.c.reference, tables.payment.c.captured).where(
    tables.payment.c.order_id == bindparam("order_id")
)
_SET_RETURNED = update(tables.order).where(tables.order.c.id == bindparam("of")).values(status=tables.RETURNED)
_ADD_STOCK = (
    update(tables.product)
    .where(tables.product.c.id == bindparam("of"))
    .values(stock=tables.product.c.stock + bindparam("units"))
)
_BOOK = insert(tables.booking)


class TableShop:
    """The host's `Shop`: its own tables, in the database in which retour keeps its own. ``reads`` counts how often an
    order was read."""

    def __init__(self, engine: Engine) -> None:
        self.reads = 0
        self.engine = engine
        of_dialect = import_module(f"sqlalchemy.dialects.{engine.dialect.name}")  # of the one that it uses
        insert_new = of_dialect.insert(tables.booking)
        self._book_new = insert_new.on_conflict_do_nothing().returning(tables.booking.c.movement)

    def order(self, order_id: str) -> Order | None:
        """The order with its lines and its payment."""
        self.reads += 1
        asked = {"order_id": order_id}
        with reading(self.engine) as connection:
            found = connection.execute(_ORDER, asked).one_or_none()
            if found is None:
                return None
            lines = connection.execute(_LINES, asked).all()
        currency, customer, reference, captured = found
        return Order(
            id=order_id,
            currency=currency,
            lines=[
                OrderLine(
                    id=number,
                    product=product,
                    name=name,
                    ordered=units,
                    fulfilled=units,
                    paid=_paid(gross, net, currency),
                    kind=LineKind(kind),
                )
                for number, product, name, kind, units, gross, net in lines
            ],
            payments=[
                Payment(
                    provider=PROVIDER,
                    reference=reference,
                    captured=Money(minor=captured, currency=currency),
                    mode=Mode.TEST,
                )
            ],
            customer=customer,
        )

    def find_order(self, provider: str, reference: str) -> str | None:
        """The order that was paid by a reference."""
        if provider != PROVIDER:
            return None
        with reading(self.engine) as connection:
            return connection.execute(_OF_PAYMENT, {"reference": reference}).scalar_one_or_none()

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        """Book all of them, each once: their ids and the stock in one transaction."""
        with self.engine.begin() as connection:
            rows = [{"movement": one.id} for one in movements]
            new = set(connection.execute(self._book_new, rows).scalars())
            self._add([one for one in movements if one.id in new], connection)

    def book_stock_on(self, connection: Connection, movements: Sequence[StockMovement]) -> None:
        """The same in the transaction that saves what retour knows of it; one that is there already takes it back."""
        connection.execute(_BOOK, [{"movement": one.id} for one in movements])
        self._add(movements, connection)

    def _add(self, movements: Sequence[StockMovement], connection: Connection) -> None:
        units = [{"of": one.product, "units": one.quantity} for one in movements]
        if units and connection.execute(_ADD_STOCK, units).rowcount != len(units):
            there = set(connection.execute(select(tables.product.c.id)).scalars())
            gone = [one.id for one in movements if one.product not in there]
            raise StockRefused("a product is gone", movements=gone)


def _paid(gross: int, net: int, currency: str) -> Paid:
    part = TaxPart(
        rate=Decimal(21), net=Money(minor=net, currency=currency), tax=Money(minor=gross - net, currency=currency)
    )
    return Paid(gross=Money(minor=gross, currency=currency), taxes=(part,))


class RestockAll:
    """The host's rule: all that came back sellable goes back in stock, and nobody is asked."""

    name = "restock-all"

    @hookimpl
    def restock_policy(self) -> RestockDecision:
        """All of it."""
        return RestockDecision.all()


class RetourHost:
    """A host that lets retour count, restock and refund an order by one press, and sets its status with that."""

    version = ""

    def __init__(self, engine: Engine) -> None:
        self.provider = InstantProvider()
        self.engine = engine
        self._shop = TableShop(engine)
        plugins = [InstantPlugin(self.provider), RestockAll()]
        self.desk = ReturnDesk(shop=self._shop, store=engine, plugins=plugins)

    def make_tables(self) -> None:
        """The desk has made them."""

    def give_back(self, order_id: str) -> None:
        """What the merchant's button does."""
        with reading(self.engine) as connection:
            reference, captured = connection.execute(_PAYMENT, {"order_id": order_id}).one()
        refunded = self.press(order_id, reference, Money(minor=captured, currency="EUR"))
        if refunded.refund is None or refunded.refund.state != "succeeded":
            raise AssertionError(f"order {order_id} was not refunded: {refunded}")

    def press(self, order_id: str, payment: str, amount: Money) -> Outcome:
        """All at once: the order's status is in the commit with the return and the intent to refund it."""
        return self.desk.return_and_refund(
            order_id,
            payment,
            amount,
            by=STAFF,
            request_id=f"return-{order_id}",
            also=lambda connection: self.set_returned(order_id, connection),
        )

    def set_returned(self, order_id: str, connection: Connection) -> None:
        """The order's status."""
        connection.execute(_SET_RETURNED, {"of": order_id})

    def costs(self, order_id: str) -> Mapping[str, int]:
        """Statements, transactions, commits, and how often the order was read."""
        from benchmarks.whole_return.costs import counted  # it imports more than the host does

        self._shop.reads = 0
        found = counted(self.engine, lambda: self.give_back(order_id))
        return {**found, "reads of the order": self._shop.reads}


if __name__ == "__main__":
    be_partner(RetourHost(connect(sys.argv[1])))
