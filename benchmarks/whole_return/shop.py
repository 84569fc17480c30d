"""The orders that all partners give back, and how the host looks before and after."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import attrs
from sqlalchemy import Engine, insert, select

from benchmarks.orders import several_products
from benchmarks.whole_return import tables
from benchmarks.whole_return.instant_plugin import PROVIDER
from retour import LineKind, Mode, Order


def three_products(number: int) -> Order:
    """Three products and postage, paid by the provider that answers at once."""
    given = several_products(number)
    payments = [attrs.evolve(one, provider=PROVIDER, mode=Mode.TEST, method="") for one in given.payments]
    return attrs.evolve(given, payments=payments, delivery=None)


def open_shop(engine: Engine, orders: Sequence[Order]) -> None:
    """Make the tables, with these orders, all of the same products, of which nothing is in stock."""
    tables.metadata.create_all(engine)
    names = {one.product: one.name for one in orders[0].lines}
    with engine.begin() as connection:
        connection.execute(
            insert(tables.product), [{"id": key, "name": name, "stock": 0} for key, name in names.items()]
        )
        connection.execute(
            insert(tables.order),
            [{"id": one.id, "currency": one.currency, "customer": one.customer, "status": "shipped"} for one in orders],
        )
        connection.execute(insert(tables.line), [row for one in orders for row in _line_rows(one)])
        connection.execute(insert(tables.payment), [row for one in orders for row in _payment_rows(one)])


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
        stock = {row.id: row.stock for row in connection.execute(select(tables.product))}
        returned = connection.execute(select(tables.order.c.id).where(tables.order.c.status == tables.RETURNED))
        ids = sorted(returned.scalars())
    if stock != expected:
        raise AssertionError(f"{name}: the stock is {stock}, and {expected} came back")
    if ids != sorted(order.id for order in orders):
        raise AssertionError(f"{name}: not these orders are returned: {ids}")
