"""The port that retour asks: this shop's orders, its stock, and how its people are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import attrs
from sqlalchemy import Connection, Engine, Row, insert, select, update

from retour import (
    Actor,
    ActorKind,
    BankAccount,
    Delivery,
    Mode,
    Money,
    Order,
    OrderLine,
    Paid,
    Payment,
    StockMovement,
    StockRefused,
    TaxPart,
    reading,
)
from webshop import tables


@attrs.frozen
class Webshop:
    """What retour needs of this shop. Its orders and its stock lie in the desk's own database, so a return and the
    stock that it moves are saved in one transaction. ``staff`` is how those who log in are called, by their id."""

    engine: Engine
    staff: Mapping[str, str]

    def order(self, order_id: str) -> Order | None:
        """The order as it is now, or None."""
        return self.read_orders([order_id]).get(order_id)

    def read_orders(self, order_ids: Sequence[str]) -> Mapping[str, Order]:
        """The orders with these ids: three queries, however many they are."""
        joined = select(tables.order, tables.customer.c.postal_code, tables.customer.c.country).join(
            tables.customer, tables.customer.c.id == tables.order.c.customer_id
        )
        with reading(self.engine) as connection:
            orders = connection.execute(joined.where(tables.order.c.id.in_(order_ids))).all()
            lines = _by_order(connection, tables.order_line, order_ids)
            payments = _by_order(connection, tables.payment, order_ids)
        return {row.id: _order(row, lines[row.id], payments[row.id]) for row in orders}

    def find_order(self, provider: str, reference: str) -> str | None:
        """Which order was paid by this reference?"""
        paid = select(tables.payment.c.order_id).where(
            tables.payment.c.provider == provider, tables.payment.c.reference == reference
        )
        with reading(self.engine) as connection:
            return connection.execute(paid).scalars().first()

    def book_stock(self, movements: Sequence[StockMovement]) -> None:
        """Book all of them or none, each once."""
        with self.engine.begin() as connection:
            self.book_stock_on(connection, movements)

    def book_stock_on(self, connection: Connection, movements: Sequence[StockMovement]) -> None:
        """The same in a transaction of retour's own: the decision and the stock are one commit."""
        bookings = tables.stock_booking
        booked = set(
            connection.execute(
                select(bookings.c.movement_id).where(bookings.c.movement_id.in_([one.id for one in movements]))
            ).scalars()
        )
        for movement in movements:
            if movement.id in booked:
                continue
            here = tables.product.c.id == movement.product
            changed = connection.execute(
                update(tables.product).where(here).values(stock=tables.product.c.stock + movement.quantity)
            )
            if not changed.rowcount:
                raise StockRefused(f"there is no product {movement.product} any more", movements=[movement.id])
            connection.execute(
                insert(bookings).values(
                    movement_id=movement.id,
                    order_id=movement.order_id,
                    line_id=movement.line_id,
                    product_id=movement.product,
                    units=movement.quantity,
                )
            )

    def name_actors(self, actors: Sequence[Actor]) -> Mapping[Actor, str]:
        """How the staff and the customers of one order are called."""
        named = {one: self.staff[one.id] for one in actors if one.kind is ActorKind.STAFF and one.id in self.staff}
        ids = [one.id for one in actors if one.kind is ActorKind.CUSTOMER]
        if ids:
            people = select(tables.customer.c.id, tables.customer.c.name).where(tables.customer.c.id.in_(ids))
            with reading(self.engine) as connection:
                named |= {Actor.customer(row.id): row.name for row in connection.execute(people)}
        return named


def _by_order(connection: Connection, table: Any, order_ids: Sequence[str]) -> Mapping[str, list[Row[Any]]]:
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    of_these = select(table).where(table.c.order_id.in_(order_ids)).order_by(*table.primary_key.columns)
    for row in connection.execute(of_these):
        found[row.order_id].append(row)
    return found


def _order(row: Row[Any], lines: Iterable[Row[Any]], payments: Iterable[Row[Any]]) -> Order:
    paid = Paid(gross=Money(minor=row.delivery, currency=row.currency))
    return Order(
        id=row.id,
        currency=row.currency,
        lines=[_line(line, row.currency, shipped=row.shipped) for line in lines],
        payments=[_payment(payment, row.currency) for payment in payments],
        delivery=Delivery(
            paid=paid,
            provider=row.shipped_with,
            number=row.id if row.shipped_with else "",
            postal_code=row.postal_code,
            country=row.country,
        ),
        placed_at=row.placed_at,
        customer=row.customer_id,
    )


def _line(row: Row[Any], currency: str, *, shipped: bool) -> OrderLine:
    net, tax = Money(minor=row.net, currency=currency), Money(minor=row.tax, currency=currency)
    return OrderLine(
        id=row.id,
        product=row.product_id,
        name=row.name,
        ordered=row.units,
        fulfilled=row.units if shipped else 0,
        paid=Paid(gross=net + tax, taxes=[TaxPart(rate=Decimal(row.rate), net=net, tax=tax)]),
    )


def _payment(row: Row[Any], currency: str) -> Payment:
    payer = BankAccount(name=row.payer_name, iban=row.payer_iban) if row.payer_iban else None
    return Payment(
        provider=row.provider,
        reference=row.reference,
        captured=Money(minor=row.captured, currency=currency),
        mode=Mode(row.mode),
        method=row.method,
        paid_at=row.paid_at,
        payer=payer,
    )
