"""What travels back of an order: who sends it, what a parcel weighs, and which label was chosen for it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from sqlalchemy import Connection, select

from retour import Actor, Address, LabelOption, Order, Parcel, ParcelItem, reading
from webshop import tables
from webshop.orders import Customer, details_of
from webshop.running import RunningShop

WRAPPING_GRAMS = 150
"""What a box adds to what is in it, in the shop's own estimate: a carrier weighs a parcel itself."""


def sender_of(customer: Customer) -> Address:
    """The customer, as a label names him."""
    return Address(
        name=customer.name,
        street=customer.street,
        postal_code=customer.postal_code,
        city=customer.city,
        country=customer.country,
        email=customer.email,
    )


def parcel_of(connection: Connection, order: Order, units: Mapping[str, int]) -> Parcel:
    """A parcel with so many units of each line of an order."""
    weights = select(tables.order_line.c.id, tables.product.c.grams).where(
        tables.order_line.c.order_id == order.id, tables.order_line.c.product_id == tables.product.c.id
    )
    grams = {row.id: row.grams for row in connection.execute(weights)}
    items = [
        ParcelItem(
            line_id=line_id, description=order.line(line_id).name, quantity=quantity, weight_grams=grams[line_id]
        )
        for line_id, quantity in units.items()
    ]
    return Parcel(weight_grams=WRAPPING_GRAMS + sum(grams[one.line_id] * one.quantity for one in items), items=items)


class Sending(TypedDict):
    """Who sends what, as the desk is told it."""

    sender: Address
    parcel: Parcel
    by: Actor


def sending(shop: RunningShop, order: Order, units: Mapping[str, int], by: Actor) -> Sending | None:
    """What the customer of an order sends back, as ``by`` tells it; None where there is no such order."""
    with reading(shop.engine) as connection:
        details = details_of(connection, order.id)
        if details is None:
            return None
        return {"sender": sender_of(details.customer), "parcel": parcel_of(connection, order, units), "by": by}


def called(option: LabelOption) -> str:
    """What a form calls a label that can be bought."""
    return f"{option.code} {option.contract}".strip()


def chosen(options: Iterable[LabelOption], wanted: str) -> LabelOption | None:
    """The one of some labels that a form calls so."""
    return next((option for option in options if called(option) == wanted), None)


def label_of(return_id: str) -> str:
    """What a form makes that orders a label: the next of this return, whoever orders it."""
    return f"label {return_id}"
