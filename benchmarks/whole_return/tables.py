"""The host of all partners: its orders, its payments and its stock, as tables of the database with the returns."""

from __future__ import annotations

from sqlalchemy import Column, ForeignKey, Integer, MetaData, Table, Text

RETURNED = "returned"
"""The status of an order that came back."""

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
