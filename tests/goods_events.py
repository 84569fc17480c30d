"""What happened to the goods of one order, with what a test is not about filled in."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any

from retour import Counted, Order
from retour.model.events.goods import (
    GoodsReceived,
    OrderSeen,
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnRequested,
    ReturnSent,
)
from retour.model.returns import Extent, Objection, RequestedLine


def asked(units: Mapping[str, int], reasons: Mapping[str, str] | None = None) -> tuple[RequestedLine, ...]:
    """The lines of a request, by their units."""
    why = reasons or {}
    return tuple(
        [RequestedLine(line_id=one, quantity=number, reason=why.get(one, "")) for one, number in units.items()]
    )


def requested(return_id: str, *objections: Objection, **units: int) -> ReturnRequested:
    """A return was announced."""
    return ReturnRequested(return_id=return_id, lines=asked(units), objections=objections)


def approved(return_id: str, send_by: datetime.date | None = None, **more: Any) -> ReturnApproved:
    """The goods may come back."""
    return ReturnApproved(return_id=return_id, send_by=send_by, **more)


def sent(return_id: str, tracking: str = "") -> ReturnSent:
    """They are on their way."""
    return ReturnSent(return_id=return_id, tracking=tracking)


def found(line_id: str, sellable: int = 0, **more: int) -> Counted:
    """What one count found of a line."""
    return Counted(line_id=line_id, sellable=sellable, **more)


def received(return_id: str, receipt_id: str, *counts: Counted, parcel: str = "") -> GoodsReceived:
    """A parcel was counted."""
    return GoodsReceived(return_id=return_id, receipt_id=receipt_id, lines=counts, extent=Extent.PART, parcel=parcel)


def cancelled(return_id: str) -> ReturnCancelled:
    """The goods will not come."""
    return ReturnCancelled(return_id=return_id)


def closed(return_id: str) -> ReturnClosed:
    """Nothing more is expected."""
    return ReturnClosed(return_id=return_id)


def order_became(order: Order) -> OrderSeen:
    """The shop changed the order."""
    return OrderSeen(order=order.without_personal_data())
