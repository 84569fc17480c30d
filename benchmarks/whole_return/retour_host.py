"""The partner that embeds retour, through its public names alone, as docs/embed.md says: orders, stock and returns are
tables of one database.

``python -m benchmarks.whole_return.retour_host URL``
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from decimal import Decimal
from importlib.metadata import version

from sqlalchemy import Engine, bindparam, select, update
from sqlalchemy.dialects import postgresql, sqlite

from benchmarks.whole_return import shop
from benchmarks.whole_return.instant_plugin import InstantPlugin
from benchmarks.whole_return.partner import be_partner
from benchmarks.whole_return.provider import InstantProvider
from retour import (
    Actor,
    LineKind,
    Mode,
    Money,
    Order,
    OrderLine,
    Paid,
    Payment,
    RestockDecision,
    ReturnDesk,
    StockMovement,
    StockRefused,
    TaxPart,
    connect,
    hookimpl,
)

_STAFF = Actor.staff("anna")

_ORDER = select(
    shop.order.c.currency,
    shop.order.c.customer,
    shop.payment.c.reference,
    shop.payment.c.captured,
).where(shop.order.c.id == bindparam("order_id"), shop.payment.c.order_id == shop.order.c.id)
_LINES = (
    select(
        shop.line.c.number,
        shop.line.c.product_id,
        shop.line.c.name,
        shop.line.c.kind,
        shop.line.c.units,
        shop.line.c.gross,
        shop.line.c.net,
    )
    .where(shop.line.c.order_id == bindparam("order_id"))
    .order_by(shop.line.c.id)
)
_OF_PAYMENT = select(shop.payment.c.order_id).where(shop.payment.c.reference == bindparam("reference"))
_PAYMENT = select(shop.payment.c.reference, shop.payment.c.captured).where(
    shop.payment.c.order_id == bindparam("order_id")
)
_SET_RETURNED = update(shop.order).where(shop.order.c.id == bindparam("order_id")).values(status=shop.RETURNED)
_ADD_STOCK = (
    update(shop.product)
    .where(shop.product.c.id == bindparam("product"))
    .values(stock=shop.product.c.stock + bindparam("units"))
)
_INSERTS = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


class TableShop:
    """The host's `Shop`: its own tables, in the database in which retour keeps its own."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        insert = _INSERTS[engine.dialect.name]
        self._book = insert(shop.booking).on_conflict_do_nothing().returning(shop.booking.c.movement)

    def order(self, order_id: str) -> Order | None:
        """The order with its lines and its payment."""
        asked = {"order_id": order_id}
        with self._engine.connect() as connection:
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
                    provider=shop.PROVIDER,
                    reference=reference,
                    captured=Money(minor=captured, currency=currency),
                    mode=Mode.TEST,
                )
            ],
            customer=customer,
        )

    def find_order(self, provider: str, reference: str) -> str | None:
        """The order that was paid by a reference."""
        if provider != shop.PROVIDER:
            return None
        with self._engine.connect() as connection:
            return connection.execute(_OF_PAYMENT, {"reference": reference}).scalar_one_or_none()

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        """Book all of them, each once: their ids and the stock in one transaction."""
        with self._engine.begin() as connection:
            rows = [{"movement": one.id} for one in movements]
            new = set(connection.execute(self._book, rows).scalars())
            booked = [one for one in movements if one.id in new]
            if not booked:
                return
            units = [{"product": one.product, "units": one.quantity} for one in booked]
            if connection.execute(_ADD_STOCK, units).rowcount != len(booked):
                raise StockRefused("a product is gone", movements=[one.id for one in booked])


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
    """A host that gives an order back: the order's row and its return in one transaction, then the refund."""

    def __init__(self, engine: Engine, provider: InstantProvider) -> None:
        self._engine = engine
        self.shop = TableShop(engine)
        self._desk = ReturnDesk(shop=self.shop, store=engine, plugins=[InstantPlugin(provider), RestockAll()])

    def give_back(self, order_id: str) -> None:
        """Set the order to Returned, put its goods in stock, and refund all that was paid."""
        with self._engine.begin() as connection:
            reference, captured = connection.execute(_PAYMENT, {"order_id": order_id}).one()
            connection.execute(_SET_RETURNED, {"order_id": order_id})
        self._desk.mark_returned(order_id, by=_STAFF)
        refunded = self._desk.refund(
            order_id, reference, Money(minor=captured, currency="EUR"), by=_STAFF, request_id=f"refund-{order_id}"
        )
        if refunded.refund is None or refunded.refund.state != "succeeded":
            raise AssertionError(f"order {order_id} was not refunded: {refunded}")


def main(url: str) -> None:
    """Be a partner."""
    provider = InstantProvider()
    be_partner(provider, RetourHost(connect(url), provider).give_back, version("retour"))


if __name__ == "__main__":
    main(sys.argv[1])
