"""The shop's own tables. They lie in the database in which retour keeps its own, so that an order's status and what
retour knows of its return are saved together."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    Column,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
)

metadata = MetaData()


class Moment(TypeDecorator[datetime.datetime]):
    """A moment in UTC, as a text that sorts by time and reads the same on every database."""

    impl = String(32)
    cache_ok = True

    def process_bind_param(self, value: datetime.datetime | None, dialect: Dialect) -> str | None:
        """As it is kept."""
        del dialect
        return None if value is None else value.astimezone(datetime.UTC).isoformat(timespec="microseconds")

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime.datetime | None:
        """As it is read."""
        del dialect
        return None if value is None else datetime.datetime.fromisoformat(value)


product = Table(
    "shop_product",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("grams", Integer, nullable=False, comment="of one unit, for the label of its parcel"),
    Column("stock", Integer, nullable=False),
)

customer = Table(
    "shop_customer",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("name", String(200), nullable=False),
    Column("email", String(200), nullable=False),
    Column("street", String(200), nullable=False),
    Column("postal_code", String(20), nullable=False),
    Column("city", String(100), nullable=False),
    Column("country", String(2), nullable=False),
)

order = Table(
    "shop_order",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("customer_id", ForeignKey(customer.c.id), nullable=False, index=True),
    Column("status", String(20), nullable=False),
    Column("placed_at", Moment, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("total", Integer, nullable=False, comment="minor units, delivery included"),
    Column("delivery", Integer, nullable=False, comment="minor units, with tax"),
    Column("shipped", Boolean, nullable=False, comment="whether its units went out"),
    Column("shipped_with", String(20), nullable=False, comment="a shipping provider's plugin, or nothing"),
    Column("note", Text, nullable=False, comment="what the customer wrote with the order"),
    Index("shop_order_by_day", "placed_at", "id"),
    Index("shop_order_by_status", "status", "placed_at"),
)

order_line = Table(
    "shop_order_line",
    metadata,
    Column("order_id", ForeignKey(order.c.id), primary_key=True),
    Column("id", String(64), primary_key=True),
    Column("product_id", ForeignKey(product.c.id), nullable=False),
    Column("name", String(200), nullable=False, comment="of the product, when it was ordered"),
    Column("units", Integer, nullable=False),
    Column("net", Integer, nullable=False, comment="minor units, of all units together"),
    Column("tax", Integer, nullable=False, comment="minor units, of all units together"),
    Column("rate", Integer, nullable=False, comment="percent"),
)

payment = Table(
    "shop_payment",
    metadata,
    Column("order_id", ForeignKey(order.c.id), primary_key=True),
    Column("provider", String(50), primary_key=True),
    Column("reference", String(255), primary_key=True),
    Column("method", String(50), nullable=False),
    Column("mode", String(10), nullable=False),
    Column("captured", Integer, nullable=False, comment="minor units"),
    Column("paid_at", Moment, nullable=False),
    Column("payer_name", String(100), nullable=False),
    Column("payer_iban", String(34), nullable=False),
    Index("shop_payment_by_reference", "provider", "reference"),
)

stock_booking = Table(
    "shop_stock_booking",
    metadata,
    Column("movement_id", String(64), primary_key=True, comment="retour's id: each movement is booked once"),
    Column("order_id", String(64), nullable=False),
    Column("line_id", String(64), nullable=False),
    Column("product_id", String(64), nullable=False),
    Column("units", Integer, nullable=False),
    ForeignKeyConstraint(["order_id", "line_id"], ["shop_order_line.order_id", "shop_order_line.id"]),
)

file = Table(
    "shop_file",
    metadata,
    Column("order_id", ForeignKey(order.c.id), primary_key=True),
    Column("about", String(64), primary_key=True, comment="the return or the refund that it belongs to"),
    Column("id", String(64), primary_key=True, comment="of what is in it: the same file is kept once"),
    Column("name", String(200), nullable=False, comment="as whoever sent it called it"),
    Column("content", LargeBinary, nullable=False),
    Column("added_at", Moment, nullable=False),
    Index("shop_file_by_age", "added_at"),
)

session = Table(
    "shop_session",
    metadata,
    Column("id", String(64), primary_key=True, comment="of the key that is in a cookie: see sessions.py"),
    Column("holder", String(80), nullable=False, index=True),
    Column("let_in_by", String(64), nullable=False),
    Column("begun_at", Moment, nullable=False),
    Column("until", Moment, nullable=False, index=True),
)

wrong_guess = Table(
    "shop_wrong_guess",
    metadata,
    Column("bucket", String(40), primary_key=True, comment="of a limit: see guesses.py"),
    Column("wrong", Integer, nullable=False),
    Column("since", Moment, nullable=False),
)
