"""What travels back of an order: who sends it, and what a parcel with a return in it weighs."""

from __future__ import annotations

from sqlalchemy import Connection, select

from retour import Address, Order, Parcel, ParcelItem, Return
from webshop import tables
from webshop.orders import Customer

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


def parcel_of(connection: Connection, order: Order, return_: Return) -> Parcel:
    """A parcel with all that was announced of a return."""
    weights = select(tables.order_line.c.id, tables.product.c.grams).where(
        tables.order_line.c.order_id == order.id, tables.order_line.c.product_id == tables.product.c.id
    )
    grams = {row.id: row.grams for row in connection.execute(weights)}
    items = [
        ParcelItem(line_id=line_id, description=order.line(line_id).name, quantity=units, weight_grams=grams[line_id])
        for line_id, units in return_.requested.items()
    ]
    return Parcel(weight_grams=WRAPPING_GRAMS + sum(grams[one.line_id] * one.quantity for one in items), items=items)
