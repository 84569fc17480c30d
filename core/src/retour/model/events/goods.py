"""What happens to the goods: announced, on their way, counted; and what the shop's order says of them."""

from __future__ import annotations

import datetime
from operator import attrgetter
from typing import ClassVar

from retour.model.events.event import (
    EVERYBODY,
    ORDER_RETURNED,
    ORDER_STATUS_CHANGED,
    RETURN_APPROVED,
    RETURN_CLOSED,
    RETURN_RECEIVED,
    RETURN_REQUESTED,
    STAFF,
    Subject,
    event,
)
from retour.model.fields import Id, Reference, checked
from retour.model.frozen import frozen
from retour.model.order import Order
from retour.model.return_reasons import ReturnReason
from retour.model.returns import Counted, Extent, Objection, OrderStatus, RequestedLine

_arrived = attrgetter("arrived")


@event
@frozen(kw_only=True, field_transformer=checked())
class OrderSeen:
    """The host's order was read for the first time, or differs from what we last saw. Without personal data."""

    type: ClassVar = "order_seen"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    order: Order

    @property
    def subject(self) -> Subject:
        return Subject()


@event
@frozen(kw_only=True, field_transformer=checked())
class ReturnRequested:
    """Somebody wants to send goods back. ``objections`` are the policies', the strictest first.

    ``reasons`` are those of the host's list that its lines name, as they were then: a line that names none of them has
    a text of its own, as all had before there was a list. ``by_reason`` are the same units once more where a line has
    more than one reason: one for each of them, and ``lines`` have the first.
    """

    type: ClassVar = "return_requested"
    version: ClassVar = 2
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = RETURN_REQUESTED

    return_id: Id
    lines: tuple[RequestedLine, ...]
    objections: tuple[Objection, ...] = ()
    note_id: Id | None = None
    reasons: tuple[ReturnReason, ...] = ()
    evidence_ids: tuple[Id, ...] = ()
    by_reason: tuple[RequestedLine, ...] = ()

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id, evidence_ids=self.evidence_ids)


@event
@frozen(kw_only=True, field_transformer=checked())
class EvidenceAdded:
    """Somebody added files to a return. Which, is kept apart: a file's name can be about a person."""

    type: ClassVar = "evidence_added"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    evidence_ids: tuple[Id, ...]
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id, evidence_ids=self.evidence_ids)


@event
@frozen(kw_only=True, field_transformer=checked())
class ReturnApproved:
    """The goods may come back, until the end of ``send_by`` (a day in the shop's zone) if it is given; again, where
    that or what the customer is told changed.

    ``overrides`` are the objections of policies that it is approved against: none where it was approved by itself, and
    in rows of before they were kept. ``instructions_id`` names the words for the customer, which are kept apart.
    """

    type: ClassVar = "return_approved"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = RETURN_APPROVED

    return_id: Id
    send_by: datetime.date | None = None
    note_id: Id | None = None
    overrides: tuple[Objection, ...] = ()
    instructions_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id, instructions_id=self.instructions_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class ReturnRejected:
    """The goods may not come back; ``because`` is the reason for the customer, in the words of who gave it."""

    type: ClassVar = "return_rejected"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = RETURN_CLOSED

    return_id: Id
    because: str
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class ReturnSent:
    """The customer has sent the goods: with ``tracking`` if there is a number, by a ``carrier`` as he named it, on the
    day ``sent_on`` where that was said. ``evidence_ids`` names the file that proves it."""

    type: ClassVar = "return_sent"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = None

    return_id: Id
    tracking: Reference = ""
    note_id: Id | None = None
    carrier: Reference = ""
    sent_on: datetime.date | None = None
    evidence_ids: tuple[Id, ...] = ()

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id, evidence_ids=self.evidence_ids)


@event
@frozen(kw_only=True, field_transformer=checked())
class ReturnCancelled:
    """The goods will not come back after all."""

    type: ClassVar = "return_cancelled"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = RETURN_CLOSED

    return_id: Id
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class ReturnExpired:
    """The day until which the goods could be sent has passed."""

    type: ClassVar = "return_expired"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = RETURN_CLOSED

    return_id: Id

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class ReturnClosed:
    """Nothing more is expected of this return; ``uncounted`` says that not all that was announced had been counted."""

    type: ClassVar = "return_closed"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY

    return_id: Id
    note_id: Id | None = None
    uncounted: bool = False

    @property
    def announced_by(self) -> tuple[str, ...]:
        """Plugins heard that all was received when the last of it was counted; where it never was, they hear it now."""
        return (RETURN_RECEIVED, RETURN_CLOSED) if self.uncounted else (RETURN_CLOSED,)

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class ReturnReopened:
    """A return that had ended goes on where it was, until the end of ``send_by`` if there is one: its units are taken
    again."""

    type: ClassVar = "return_reopened"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = None

    return_id: Id
    send_by: datetime.date | None = None
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class GoodsReceived:
    """One count of what arrived: a receipt, of the parcel that is called ``parcel`` where that was said.

    ``extent`` is kept for those who read the stored body; what is told of the whole order is made from all counts.
    ``completes`` says that with it all that was announced is counted, and ``order_status`` is what the order's status
    became by it, None where it stayed what it was.
    """

    type: ClassVar = "goods_received"
    version: ClassVar = 2
    readers: ClassVar = EVERYBODY

    return_id: Id
    receipt_id: Id
    lines: tuple[Counted, ...]
    extent: Extent
    note_id: Id | None = None
    parcel: Reference = ""
    completes: bool = False
    order_status: OrderStatus | None = None

    @property
    def announced_by(self) -> tuple[str, ...]:
        """Plugins hear of goods that came, and of no parcel in which nothing was; and of what it makes of the rest."""
        return _hooks(came=self.came, completes=self.completes, order_status=self.order_status)

    @property
    def came(self) -> bool:
        """Whether anything was in the parcel."""
        return any(map(_arrived, self.lines))

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class ReceiptCorrected:
    """A receipt was counted wrong: ``lines`` are the right counts of the lines that change.

    ``came_after_all`` says that goods came of which plugins heard nothing: by the first count there were none.
    ``extent``, ``completes`` and ``order_status`` are as in `GoodsReceived`.
    """

    type: ClassVar = "receipt_corrected"
    version: ClassVar = 2
    readers: ClassVar = EVERYBODY

    return_id: Id
    receipt_id: Id
    lines: tuple[Counted, ...]
    extent: Extent
    note_id: Id | None = None
    came_after_all: bool = False
    completes: bool = False
    order_status: OrderStatus | None = None

    @property
    def announced_by(self) -> tuple[str, ...]:
        """Plugins heard of the receipt when goods came, and hear of it once."""
        return _hooks(came=self.came_after_all, completes=self.completes, order_status=self.order_status)

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class GoodsInspected:
    """Units of a receipt that nobody had judged were inspected: ``lines`` are those units, as what they turned out to
    be. ``order_status`` is as in `GoodsReceived`: what turns out to be missing or another article is not back."""

    type: ClassVar = "goods_inspected"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY

    return_id: Id
    receipt_id: Id
    lines: tuple[Counted, ...]
    note_id: Id | None = None
    order_status: OrderStatus | None = None

    @property
    def announced_by(self) -> tuple[str, ...]:
        """Plugins heard of the units when they came."""
        return _hooks(came=False, completes=False, order_status=self.order_status)

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, note_id=self.note_id)


def _hooks(*, came: bool, completes: bool, order_status: OrderStatus | None) -> tuple[str, ...]:
    """The hooks that announce a count: by what came, and by what it makes of its return and of the order."""
    told = ((ORDER_RETURNED, came), (RETURN_RECEIVED, completes), (ORDER_STATUS_CHANGED, order_status is not None))
    return tuple([hook for hook, is_news in told if is_news])
