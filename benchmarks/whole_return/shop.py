"""The host of all partners: its orders, its payments and its stock, as tables; and what it looks like afterwards."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
from sqlalchemy import Column, Engine, ForeignKey, Integer, MetaData, Table, Text, insert, select

from benchmarks.orders import several_products
from retour import LineKind, Mode, Order

PROVIDER = "instant"
RETURNED = "returned"

metadata = MetaData()

product = Table(
    "shop_product",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("stock", Integer, nullable=False),
)
order = Table(
    "shop_order",
    metadata,
    Column("id", Text, primary_key=True),
    Column("currency", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("status", Text, nullable=False),
)
line = Table(
    "shop_line",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("order_id", Text, ForeignKey("shop_order.id"), nullable=False, index=True),
    Column("number", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("product_id", Text, ForeignKey("shop_product.id"), nullable=False),
    Column("kind", Text, nullable=False),
    Column("units", Integer, nullable=False),
    Column("gross", Integer, nullable=False),
    Column("net", Integer, nullable=False),
)
payment = Table(
    "shop_payment",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("order_id", Text, ForeignKey("shop_order.id"), nullable=False, index=True),
    Column("reference", Text, nullable=False),
    Column("captured", Integer, nullable=False),
)
booking = Table("shop_booking", metadata, Column("movement", Text, primary_key=True))
"""The movements of stock that were booked, for the partners that book each once."""


def three_products(number: int) -> Order:
    """Three products and postage, paid by the provider that answers at once."""
    given = several_products(number)
    payments = [attrs.evolve(one, provider=PROVIDER, mode=Mode.TEST, method="") for one in given.payments]
    return attrs.evolve(given, payments=payments, delivery=None)


def open_shop(engine: Engine, orders: Sequence[Order]) -> None:
    """Make the tables, with these orders, all of the same products, of which nothing is in stock."""
    metadata.create_all(engine)
    names = {one.product: one.name for one in orders[0].lines}
    with engine.begin() as connection:
        connection.execute(insert(product), [{"id": key, "name": name, "stock": 0} for key, name in names.items()])
        connection.execute(
            insert(order),
            [{"id": one.id, "currency": one.currency, "customer": one.customer, "status": "shipped"} for one in orders],
        )
        connection.execute(insert(line), [row for one in orders for row in _line_rows(one)])
        connection.execute(insert(payment), [row for one in orders for row in _payment_rows(one)])


def _line_rows(given: Order) -> Iterable[dict[str, Any]]:
    for one in given.lines:
        (tax,) = one.paid.taxes
        yield {
            "order_id": given.id,
            "number": one.id,
            "name": one.name,
            "product_id": one.product,
            "kind": one.kind.value,
            "units": one.fulfilled,
            "gross": one.paid.gross.minor,
            "net": tax.net.minor,
        }


def _payment_rows(given: Order) -> Iterable[dict[str, Any]]:
    for one in given.payments:
        yield {"order_id": given.id, "reference": one.reference, "captured": one.captured.minor}


def check_shop(name: str, engine: Engine, orders: Sequence[Order]) -> None:
    """All orders must be returned, and all their goods in stock, once."""
    expected = {one.product: 0 for one in orders[0].lines}
    for given in orders:
        for one in given.lines:
            if one.kind is LineKind.GOODS:
                expected[one.product] += one.fulfilled
    with engine.connect() as connection:
        stock = {row.id: row.stock for row in connection.execute(select(product))}
        open_orders = connection.execute(select(order.c.id).where(order.c.status != RETURNED)).scalars().all()
    if stock != expected:
        raise AssertionError(f"{name}: the stock is {stock}, and {expected} came back")
    if open_orders:
        raise AssertionError(f"{name}: not returned: {open_orders}")
