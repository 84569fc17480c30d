"""The partner that is written by hand with SQLAlchemy Core and is as safe as retour: the intent is committed before the
provider is called and the outcome after, stock is booked once, a repeated request is seen, and each step is on record.

``python -m benchmarks.whole_return.core_host URL``
"""

from __future__ import annotations

import json
import sys
import time
import uuid
from collections.abc import Mapping
from typing import Any

import sqlalchemy
from sqlalchemy import (
    BigInteger,
    Column,
    Engine,
    ForeignKey,
    Integer,
    MetaData,
    Table,
    Text,
    bindparam,
    func,
    insert,
    select,
    update,
)

from benchmarks.whole_return import tables
from benchmarks.whole_return.partner import be_partner
from benchmarks.whole_return.provider import InstantProvider
from retour import connect

metadata = MetaData()

request = Table(
    "hand_request", metadata, Column("id", Text, primary_key=True), Column("refund_id", Text, nullable=False)
)
returned = Table(
    "hand_return",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
)
returned_line = Table(
    "hand_return_line",
    metadata,
    Column("return_id", Text, ForeignKey("hand_return.id"), primary_key=True),
    Column("line_id", Integer, primary_key=True),
    Column("units", Integer, nullable=False),
)
refund = Table(
    "hand_refund",
    metadata,
    Column("id", Text, primary_key=True),
    Column("order_id", Text, nullable=False, index=True),
    Column("payment", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Column("reference", Text, nullable=False),
)
step = Table(
    "hand_step",
    metadata,
    Column("number", Integer, primary_key=True),
    Column("order_id", Text, nullable=False, index=True),
    Column("at", BigInteger, nullable=False),
    Column("by", Text, nullable=False),
    Column("what", Text, nullable=False),
    Column("body", Text, nullable=False),
)

_OF_ORDER = bindparam("order_id")
_ORDER = (
    select(tables.payment.c.reference, tables.payment.c.captured)
    .where(tables.order.c.id == _OF_ORDER, tables.payment.c.order_id == tables.order.c.id)
    .with_for_update(of=tables.order)
)
_LINES = select(tables.line.c.id, tables.line.c.product_id, tables.line.c.units).where(
    tables.line.c.order_id == _OF_ORDER, tables.line.c.kind == "goods"
)
_UNITS_BACK = (
    select(returned_line.c.line_id, func.sum(returned_line.c.units))
    .join(returned)
    .where(returned.c.order_id == _OF_ORDER)
    .group_by(returned_line.c.line_id)
)
_MONEY_BACK = select(func.coalesce(func.sum(refund.c.amount), 0)).where(
    refund.c.order_id == _OF_ORDER, refund.c.state != "failed"
)
_SEEN = select(refund).join(request, request.c.refund_id == refund.c.id).where(request.c.id == bindparam("request_id"))
_ADD_STOCK = (
    update(tables.product)
    .where(tables.product.c.id == bindparam("of"))
    .values(stock=tables.product.c.stock + bindparam("units"))
)
_SET_RETURNED = update(tables.order).where(tables.order.c.id == bindparam("of")).values(status=tables.RETURNED)
_SETTLE = (
    update(refund)
    .where(refund.c.id == bindparam("of"), refund.c.state == "submitting")
    .values(state="succeeded", reference=bindparam("made"))
)


class CoreHost:
    """A host that gives an order back in two transactions, with the provider's call between them."""

    version = sqlalchemy.__version__

    def __init__(self, engine: Engine) -> None:
        self.provider = InstantProvider()
        self._engine = engine

    def make_tables(self) -> None:
        """Its requests, returns, refunds and steps."""
        metadata.create_all(self._engine)

    def give_back(self, order_id: str) -> None:
        """The same request again does nothing; one whose outcome nobody knows is sent with the same key."""
        intent = self._intent(order_id, f"return-{order_id}")
        if intent["state"] == "submitting":
            made = self.provider.refund(intent["payment"], intent["amount"], intent["id"])
            self._outcome(intent, made.reference)

    def _intent(self, order_id: str, request_id: str) -> Mapping[str, Any]:
        """The refund that is to be sent, and all that is decided with it; the first one of a request that was seen."""
        now = time.time_ns() // 1000
        with self._engine.begin() as connection:
            reference, captured = connection.execute(_ORDER, {"order_id": order_id}).one()
            before = connection.execute(_SEEN, {"request_id": request_id}).mappings().one_or_none()
            if before is not None:
                return before
            back = dict(connection.execute(_UNITS_BACK, {"order_id": order_id}).all())
            lines = [
                {"id": one.id, "product": one.product_id, "units": one.units - back.get(one.id, 0)}
                for one in connection.execute(_LINES, {"order_id": order_id})
            ]
            amount = captured - connection.execute(_MONEY_BACK, {"order_id": order_id}).scalar_one()
            if amount <= 0 or not any(one["units"] for one in lines):
                raise ValueError(f"order {order_id} was given back before")
            return_id = uuid.uuid4().hex
            intent = {
                "id": uuid.uuid4().hex,
                "order_id": order_id,
                "payment": reference,
                "amount": amount,
                "state": "submitting",
                "reference": "",
            }
            connection.execute(insert(returned), {"id": return_id, "order_id": order_id, "at": now})
            connection.execute(
                insert(returned_line),
                [{"return_id": return_id, "line_id": one["id"], "units": one["units"]} for one in lines],
            )
            connection.execute(insert(tables.booking), [{"movement": f"{return_id}:{one['id']}"} for one in lines])
            connection.execute(_ADD_STOCK, [{"of": one["product"], "units": one["units"]} for one in lines])
            connection.execute(_SET_RETURNED, {"of": order_id})
            connection.execute(insert(refund), intent)
            connection.execute(insert(request), {"id": request_id, "refund_id": intent["id"]})
            steps = [("returned", lines), ("restocked", lines), ("refund planned", intent)]
            connection.execute(insert(step), [_step(order_id, now, what, body) for what, body in steps])
        return intent

    def _outcome(self, intent: Mapping[str, Any], reference: str) -> None:
        """What became of a refund; nothing, where another process has settled it."""
        now = time.time_ns() // 1000
        with self._engine.begin() as connection:
            if connection.execute(_SETTLE, {"of": intent["id"], "made": reference}).rowcount:
                body = {"id": intent["id"], "reference": reference}
                connection.execute(insert(step), _step(intent["order_id"], now, "refunded", body))

    def costs(self, order_id: str) -> Mapping[str, int]:
        """Statements, transactions and commits."""
        from benchmarks.whole_return.costs import counted  # it imports more than the host does

        return counted(self._engine, lambda: self.give_back(order_id))


def _step(order_id: str, at: int, what: str, body: object) -> dict[str, Any]:
    return {"order_id": order_id, "at": at, "by": "anna", "what": what, "body": json.dumps(body)}


if __name__ == "__main__":
    be_partner(CoreHost(connect(sys.argv[1])))
