"""What happened to an order's returns: one class for each type of event.

An event's body is stored as JSON under its ``type`` and ``version``; both are part of the stored format. Events hold
no personal data: notes live apart and are named by ``note_id``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import ClassVar, TypeAlias

import attrs

from retour.model.actor import Actor
from retour.model.money import Money
from retour.model.order import Order
from retour.model.refunds import RefundOrder, Reported
from retour.model.returns import (
    Counted,
    Extent,
    Objection,
    RequestedLine,
    RestockDecision,
    StockMovement,
)


@attrs.frozen(kw_only=True)
class OrderSeen:
    """The host's order was read for the first time, or differs from what we last saw. Without personal data."""

    type: ClassVar = "order_seen"
    version: ClassVar = 1
    order: Order


@attrs.frozen(kw_only=True)
class ReturnRequested:
    """Somebody wants to send goods back. ``objections`` are the policies', the strictest first."""

    type: ClassVar = "return_requested"
    version: ClassVar = 1
    return_id: str
    lines: tuple[RequestedLine, ...]
    objections: tuple[Objection, ...] = ()
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class ReturnApproved:
    """The goods may come back, until the end of ``send_by`` (a day in the shop's zone) if it is given."""

    type: ClassVar = "return_approved"
    version: ClassVar = 1
    return_id: str
    send_by: datetime.date | None = None
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class ReturnRejected:
    """The goods may not come back; ``because`` is the reason for the customer."""

    type: ClassVar = "return_rejected"
    version: ClassVar = 1
    return_id: str
    because: str
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class ReturnSent:
    """The customer has sent the goods: with ``tracking`` if there is a number."""

    type: ClassVar = "return_sent"
    version: ClassVar = 1
    return_id: str
    tracking: str = ""
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class ReturnCancelled:
    """The goods will not come back after all."""

    type: ClassVar = "return_cancelled"
    version: ClassVar = 1
    return_id: str
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class ReturnExpired:
    """The day until which the goods could be sent has passed."""

    type: ClassVar = "return_expired"
    version: ClassVar = 1
    return_id: str


@attrs.frozen(kw_only=True)
class ReturnClosed:
    """Nothing more is expected of this return."""

    type: ClassVar = "return_closed"
    version: ClassVar = 1
    return_id: str
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class GoodsReceived:
    """One count of what arrived: a receipt. ``extent`` speaks of the whole order."""

    type: ClassVar = "goods_received"
    version: ClassVar = 1
    return_id: str
    receipt_id: str
    lines: tuple[Counted, ...]
    extent: Extent
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class ReceiptCorrected:
    """A receipt was counted wrong: ``lines`` are the right counts of the lines that change."""

    type: ClassVar = "receipt_corrected"
    version: ClassVar = 1
    return_id: str
    receipt_id: str
    lines: tuple[Counted, ...]
    extent: Extent
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class RestockAsked:
    """The merchant has to say what goes back in stock. ``because`` says why we ask when a policy could not answer."""

    type: ClassVar = "restock_asked"
    version: ClassVar = 1
    return_id: str
    because: str = ""


@attrs.frozen(kw_only=True)
class RestockDecided:
    """What goes back in stock: the movements to make, and the units to book by hand, per order line.

    ``by_hand`` is the whole list after this decision. A correction below what went back gives a movement below zero.
    """

    type: ClassVar = "restock_decided"
    version: ClassVar = 1
    return_id: str
    decision: RestockDecision
    movements: tuple[StockMovement, ...] = ()
    by_hand: dict[str, int] = attrs.field(factory=dict)
    corrects: bool = False


@attrs.frozen(kw_only=True)
class StockApplied:
    """The shop has booked these movements."""

    type: ClassVar = "stock_applied"
    version: ClassVar = 1
    return_id: str
    movement_ids: tuple[str, ...]


@attrs.frozen(kw_only=True)
class StockFailed:
    """The shop could not book a movement. ``final``: it never will; its units go to the list by hand."""

    type: ClassVar = "stock_failed"
    version: ClassVar = 1
    return_id: str
    movement_id: str
    because: str
    final: bool


@attrs.frozen(kw_only=True)
class RefundPlanned:
    """A refund by API was decided. Unless ``hold`` says why it waits for a person, it is being sent: the intent.

    ``sent`` is fixed from now on. ``page`` is the payment's page as the provider named it when it was asked.
    """

    type: ClassVar = "refund_planned"
    version: ClassVar = 1
    refund_id: str
    payment: str
    amount: Money
    sent: RefundOrder
    return_id: str | None = None
    hold: str = ""
    note_id: str | None = None
    page: str = ""


@attrs.frozen(kw_only=True)
class RefundLinkOpened:
    """A person opened the link, or took the bank transfer, to refund this much; the amount is reserved."""

    type: ClassVar = "refund_link_opened"
    version: ClassVar = 1
    refund_id: str
    payment: str
    amount: Money
    return_id: str | None = None
    note_id: str | None = None
    by_transfer: bool = False


@attrs.frozen(kw_only=True)
class RefundSubmitted:
    """A refund that had waited for a person, or that certainly did not happen, is being sent (again)."""

    type: ClassVar = "refund_submitted"
    version: ClassVar = 1
    refund_id: str
    because: str = ""


@attrs.frozen(kw_only=True)
class RefundPutOff:
    """A try certainly did nothing; the same request goes out again after ``not_before``, by itself."""

    type: ClassVar = "refund_put_off"
    version: ClassVar = 1
    refund_id: str
    because: str
    not_before: datetime.datetime


@attrs.frozen(kw_only=True)
class RefundUnclear:
    """A try ended without a clear answer: the refund is unknown until the provider says what became of it.

    ``tried`` is False when nothing was sent, only asked.
    """

    type: ClassVar = "refund_unclear"
    version: ClassVar = 1
    refund_id: str
    because: str
    tried: bool = True


@attrs.frozen(kw_only=True)
class RefundHeld:
    """A refund waits for a person, who is told why. One that may have been sent stays unknown meanwhile."""

    type: ClassVar = "refund_held"
    version: ClassVar = 1
    refund_id: str
    because: str


@attrs.frozen(kw_only=True)
class RefundRefused:
    """The provider refused a refund for good, and no try of it ever ended unclear."""

    type: ClassVar = "refund_refused"
    version: ClassVar = 1
    refund_id: str
    because: str


@attrs.frozen(kw_only=True)
class RefundFellBack:
    """The provider cannot make a refund any more, and no try of it can have happened: the merchant transfers it."""

    type: ClassVar = "refund_fell_back"
    version: ClassVar = 1
    refund_id: str
    because: str


@attrs.frozen(kw_only=True)
class RefundHandedOver:
    """A refund by bank transfer is in the file for the bank that is called ``batch``; empty: it was taken out again."""

    type: ClassVar = "refund_handed_over"
    version: ClassVar = 1
    refund_id: str
    batch: str


@attrs.frozen(kw_only=True)
class RefundCancelAsked:
    """The provider is asked to take back a refund that it has not paid out yet."""

    type: ClassVar = "refund_cancel_asked"
    version: ClassVar = 1
    refund_id: str
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class RefundCancelRefused:
    """The provider does not take a refund back: it goes on as it was."""

    type: ClassVar = "refund_cancel_refused"
    version: ClassVar = 1
    refund_id: str
    because: str


@attrs.frozen(kw_only=True)
class RefundReported:
    """The provider says what became of a refund. ``found`` says how it was recognised."""

    type: ClassVar = "refund_reported"
    version: ClassVar = 1
    refund_id: str
    status: Reported
    reference: str
    provider_status: str = ""
    because: str = ""
    found: str = ""


@attrs.frozen(kw_only=True)
class ExternalRefundFound:
    """A refund that nobody asked retour for, found at the provider."""

    type: ClassVar = "external_refund_found"
    version: ClassVar = 1
    refund_id: str
    payment: str
    amount: Money
    status: Reported
    reference: str
    provider_status: str = ""


@attrs.frozen(kw_only=True)
class RefundCancelled:
    """A refund that was not sent, or that waited for the merchant, will not be made."""

    type: ClassVar = "refund_cancelled"
    version: ClassVar = 1
    refund_id: str
    because: str = ""
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class RefundMatched:
    """A person says that an external refund is this one of ours: they are one refund."""

    type: ClassVar = "refund_matched"
    version: ClassVar = 1
    refund_id: str
    external_id: str


@attrs.frozen(kw_only=True)
class RefundConfirmed:
    """A person says: this much went back on this payment, and the provider or bank calls it ``reference``.

    ``refund_id`` is a refund that waited for the merchant, or a new one.
    """

    type: ClassVar = "refund_confirmed"
    version: ClassVar = 1
    refund_id: str
    payment: str
    amount: Money
    reference: str
    return_id: str | None = None
    note_id: str | None = None


@attrs.frozen(kw_only=True)
class RefundReversed:
    """A person says: the money of a refund that he had confirmed came back to the merchant, and the bank calls that
    ``reference``."""

    type: ClassVar = "refund_reversed"
    version: ClassVar = 1
    refund_id: str
    reference: str
    note_id: str | None = None


Event: TypeAlias = (
    OrderSeen
    | ReturnRequested
    | ReturnApproved
    | ReturnRejected
    | ReturnSent
    | ReturnCancelled
    | ReturnExpired
    | ReturnClosed
    | GoodsReceived
    | ReceiptCorrected
    | RestockAsked
    | RestockDecided
    | StockApplied
    | StockFailed
    | RefundPlanned
    | RefundLinkOpened
    | RefundSubmitted
    | RefundPutOff
    | RefundUnclear
    | RefundHeld
    | RefundRefused
    | RefundFellBack
    | RefundHandedOver
    | RefundCancelAsked
    | RefundCancelRefused
    | RefundReported
    | ExternalRefundFound
    | RefundCancelled
    | RefundMatched
    | RefundConfirmed
    | RefundReversed
)


@attrs.frozen(kw_only=True)
class Recorded:
    """An event as it stands on the timeline of its order.

    ``seq`` counts from 1 without gaps. ``command`` is the ``seq`` of the first event of the same command; that
    first event carries the command's ``request_id`` and the digest of its arguments, if it had one.
    """

    seq: int
    command: int
    at: datetime.datetime
    by: Actor
    event: Event
    request_id: str | None = None
    request_digest: str | None = None


def touched_returns(events: Iterable[Recorded]) -> list[str]:
    """The ids of the returns that ``events`` speak of, once each, in their order."""
    ids = [getattr(recorded.event, "return_id", None) for recorded in events]
    return list(dict.fromkeys([return_id for return_id in ids if return_id is not None]))
