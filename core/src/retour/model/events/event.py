"""What every event is: a frozen value that declares, with no default, who reads it, who announces it and its subject.

An event's body is stored as JSON under its ``type`` and ``version``; both are part of the stored format. Events hold
no personal data: notes live apart and are named by ``note_id``.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from typing import ClassVar, Protocol, TypeVar

from retour.model.actor import Actor
from retour.model.fields import Id, checked
from retour.model.frozen import frozen
from retour.model.making import unchecked
from retour.model.timeline import Audience
from retour.model.when import When

STAFF = frozenset({Audience.STAFF})
"""Readers of what is the shop's own business."""

EVERYBODY = frozenset(Audience)
"""Readers of what the customer is told as well, in words of his own."""

RETURN_REQUESTED = "on_return_requested"
RETURN_APPROVED = "on_return_approved"
RETURN_CLOSED = "on_return_closed"
ORDER_RETURNED = "on_order_returned"
RESTOCKED = "on_restocked"
REFUND_CHANGED = "on_refund_changed"
RETURN_RECEIVED = "on_return_received"
ORDER_STATUS_CHANGED = "on_order_status_changed"
PARCEL_MOVED = "on_parcel_moved"
PAYMENT_DISPUTED = "on_payment_disputed"
"""The hooks that announce events."""


@frozen(kw_only=True)
class Subject:
    """What an event is about, by id: a return, a refund, a payment, a label; and what of a person is kept apart from
    it: the note that somebody wrote with it, the bank account that money goes to, the files that he added, what the
    shop tells the customer to do."""

    return_id: str | None = None
    refund_id: str | None = None
    payment: str | None = None
    label_id: str | None = None
    note_id: str | None = None
    account_id: str | None = None
    evidence_ids: tuple[str, ...] = ()
    instructions_id: str | None = None


class Event(Protocol):
    """One type of event. ``readers`` are the audiences whose timeline shows it."""

    type: ClassVar[str]
    version: ClassVar[int]
    readers: ClassVar[frozenset[Audience]]

    @property
    def announced_by(self) -> str | tuple[str, ...] | None:
        """The hook or hooks that tell plugins about it, None when none does."""

    @property
    def subject(self) -> Subject:
        """What it is about."""


def announcing_hooks(event: Event) -> tuple[str, ...]:
    """The hooks that tell plugins about an event."""
    named = event.announced_by
    if named is None:
        return ()
    return (named,) if isinstance(named, str) else named


_E = TypeVar("_E", bound=Event)

EVENT_TYPES: dict[str, type[Event]] = {}
"""Every event class, by its stored type."""

DECLARED = ("type", "version", "readers", "announced_by", "subject")
"""What every event class says of itself, in its own body."""


def event(kind: type[_E]) -> type[_E]:
    """Make a class known as an event; raises TypeError where it does not declare everything itself, or takes a type
    that is taken."""
    missing = [name for name in DECLARED if name not in vars(kind)]
    if missing:
        raise TypeError(f"event {kind.__name__} does not declare {', '.join(missing)}")
    if kind.type in EVENT_TYPES:
        raise TypeError(f"event {kind.__name__} has the type of {EVENT_TYPES[kind.type].__name__}: {kind.type}")
    EVENT_TYPES[kind.type] = kind
    return kind


@frozen(kw_only=True, field_transformer=checked())
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
    request_id: Id | None = None
    request_digest: str | None = None

    @property
    def when(self) -> When:
        """When it happened."""
        return _when(seq=self.seq, at=self.at)


_when = unchecked(When)


def touched_returns(events: Iterable[Recorded]) -> list[str]:
    """The ids of the returns that ``events`` speak of, once each, in their order."""
    ids = [recorded.event.subject.return_id for recorded in events]
    return list(dict.fromkeys([return_id for return_id in ids if return_id is not None]))


def touched_labels(events: Iterable[Recorded]) -> list[str]:
    """The ids of the labels that ``events`` speak of, once each, in their order."""
    ids = [recorded.event.subject.label_id for recorded in events]
    return list(dict.fromkeys([label_id for label_id in ids if label_id is not None]))


def touched_refunds(events: Iterable[Recorded]) -> list[str]:
    """The ids of the refunds that ``events`` speak of, once each, in their order."""
    ids = [recorded.event.subject.refund_id for recorded in events]
    return list(dict.fromkeys([refund_id for refund_id in ids if refund_id is not None]))
