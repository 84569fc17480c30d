"""The shop's own orders: one of them, a page of them, and their status."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import Connection, Row, Select, func, or_, select, update

from retour import Money
from webshop import tables
from webshop.statuses import WITH_THE_CUSTOMER, Status

PAGE = 25
"""Orders on a page."""


@attrs.frozen(kw_only=True)
class Filters:
    """Which orders are wanted: what was typed, a status, and calendar days from ``first`` to ``last``, both included,
    in ``zone``."""

    search: str = ""
    status: Status | None = None
    first: datetime.date | None = None
    last: datetime.date | None = None
    zone: datetime.tzinfo = datetime.UTC


@attrs.frozen(kw_only=True)
class OrderRow:
    """An order as a list shows it."""

    id: str
    customer: str
    placed_at: datetime.datetime
    status: Status
    total: Money


@attrs.frozen(kw_only=True)
class OrderPage:
    """A page of a list: page ``number`` of ``pages``, of ``count`` orders in all."""

    orders: Sequence[OrderRow]
    number: int
    pages: int
    count: int


def page_of_orders(connection: Connection, filters: Filters, number: int) -> OrderPage:
    """The orders that fit, the newest first. A page beyond the last one is the last one."""
    fitting = _fitting(select(tables.order.c.id), filters)
    count = connection.execute(select(func.count()).select_from(fitting.subquery())).scalar_one()
    pages = max(1, -(-count // PAGE))
    number = min(max(1, number), pages)
    wanted = _fitting(select(tables.order, tables.customer.c.name.label("customer")), filters)
    newest = wanted.order_by(tables.order.c.placed_at.desc(), tables.order.c.id.desc())
    rows = connection.execute(newest.limit(PAGE).offset((number - 1) * PAGE))
    return OrderPage(orders=[_order_row(row) for row in rows], number=number, pages=pages, count=count)


def _order_row(row: Row[Any]) -> OrderRow:
    return OrderRow(
        id=row.id,
        customer=row.customer,
        placed_at=row.placed_at,
        status=Status(row.status),
        total=Money(minor=row.total, currency=row.currency),
    )


def _fitting(wanted: Select[Any], filters: Filters) -> Select[Any]:
    """Only what the filters let through."""
    orders = tables.order.c
    wanted = wanted.join(tables.customer, tables.customer.c.id == orders.customer_id)
    if filters.search:
        paid_so = select(tables.payment.c.order_id).where(tables.payment.c.reference == filters.search)
        wanted = wanted.where(
            or_(
                orders.id.istartswith(filters.search, autoescape=True),
                tables.customer.c.name.icontains(filters.search, autoescape=True),
                tables.customer.c.email.istartswith(filters.search, autoescape=True),
                orders.id.in_(paid_so),
            )
        )
    if filters.status is not None:
        wanted = wanted.where(orders.status == filters.status.value)
    if filters.first is not None:
        wanted = wanted.where(orders.placed_at >= _begin(filters.first, filters.zone))
    if filters.last is not None:
        wanted = wanted.where(orders.placed_at < _begin(filters.last + datetime.timedelta(days=1), filters.zone))
    return wanted


def _begin(day: datetime.date, zone: datetime.tzinfo) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time(), tzinfo=zone)


# --- one order -------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Customer:
    """Who ordered, and where it was sent."""

    name: str
    email: str
    street: str
    postal_code: str
    city: str
    country: str


@attrs.frozen(kw_only=True)
class OrderDetails:
    """What the shop knows of an order and retour does not need: its status, its customer, and what he wrote."""

    status: Status
    customer: Customer
    note: str
    stock: Mapping[str, int]
    """What of its products is in stock, by the product."""


def details_of(connection: Connection, order_id: str) -> OrderDetails | None:
    """An order's details, or None where there is no such order."""
    joined = select(tables.order.c.status, tables.order.c.note, tables.customer).join(
        tables.customer, tables.customer.c.id == tables.order.c.customer_id
    )
    row = connection.execute(joined.where(tables.order.c.id == order_id)).one_or_none()
    if row is None:
        return None
    stock = (
        select(tables.product.c.id, tables.product.c.stock)
        .join(tables.order_line, tables.order_line.c.product_id == tables.product.c.id)
        .where(tables.order_line.c.order_id == order_id)
    )
    named = {field.name: getattr(row, field.name) for field in attrs.fields(Customer)}
    return OrderDetails(
        status=Status(row.status),
        customer=Customer(**named),
        note=row.note,
        stock={one.id: one.stock for one in connection.execute(stock)},
    )


def locked_status(connection: Connection, order_id: str) -> Status | None:
    """An order's status, which nobody else changes until this transaction ends; None where there is no such order."""
    row = select(tables.order.c.status).where(tables.order.c.id == order_id).with_for_update()
    found = connection.execute(row).scalar_one_or_none()
    return None if found is None else Status(found)


def set_status(connection: Connection, order_id: str, status: Status) -> None:
    """Write an order's status. With one that says that the customer has the goods, its units have gone out."""
    values: dict[str, object] = {"status": status.value}
    if status in WITH_THE_CUSTOMER:
        values["shipped"] = True
    connection.execute(update(tables.order).where(tables.order.c.id == order_id).values(values))


# --- several orders --------------------------------------------------------------------------------------


MOST_NAMED = 100
"""Orders at most that a name leads to."""


class TooManyNamed(Exception):
    """More orders are of customers with such a name than a list is made of."""


def orders_of(connection: Connection, name: str) -> Sequence[str]:
    """The orders of the customers in whose name this stands, the newest first. Raises `TooManyNamed`."""
    rows = tables.order.c
    named = select(rows.id).join(tables.customer, tables.customer.c.id == rows.customer_id)
    wanted = named.where(tables.customer.c.name.icontains(name, autoescape=True))
    newest = wanted.order_by(rows.placed_at.desc(), rows.id.desc()).limit(MOST_NAMED + 1)
    found = connection.execute(newest).scalars().all()
    if len(found) > MOST_NAMED:
        raise TooManyNamed
    return found


def customers_of(connection: Connection, order_ids: Sequence[str]) -> Mapping[str, str]:
    """How the customers of these orders are called, by the order: one query, however many they are."""
    named = select(tables.order.c.id, tables.customer.c.name).join(
        tables.customer, tables.customer.c.id == tables.order.c.customer_id
    )
    rows = connection.execute(named.where(tables.order.c.id.in_(order_ids)))
    return {row.id: row.name for row in rows}
