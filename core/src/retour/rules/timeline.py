"""The timeline of an order for one audience: only what is declared for it, in the words that are made for it."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from retour.model.actor import Actor, ActorKind
from retour.model.destinations import account_of_words
from retour.model.dossier import Dossier
from retour.model.events import (  # noqa: F401 - each event has its words then
    attention_words,
    books_words,
    charge_backs_words,
    goods_words,
    labels_words,
    money_words,
    payment_identity_words,
    stock_words,
    transfers_words,
)
from retour.model.events.event import Recorded
from retour.model.events.goods import OrderSeen, ReturnSent
from retour.model.events.labels import ParcelMoved
from retour.model.events.telling import WORDS
from retour.model.evidence import EvidenceFile, evidence_of_words
from retour.model.history import Folding
from retour.model.making import changed
from retour.model.order import Order
from retour.model.return_number import return_number
from retour.model.text import Text, text
from retour.model.timeline import Audience, TimelineEntry

NO_PAGES: Mapping[str, str] = MappingProxyType({})


def entries(
    order: Order,
    events: Iterable[Recorded],
    audience: Audience,
    *,
    kept: Mapping[str, str],
    pages: Mapping[str, str],
    parcels: Mapping[str, str] = NO_PAGES,
    zone: datetime.tzinfo = datetime.UTC,
) -> tuple[TimelineEntry, ...]:
    """The timeline of an order for ``audience``, the oldest first.

    ``kept`` are the words, bank accounts and files that are still kept, by their id, and ``pages`` the payments' pages
    at their providers, by the payment's id: both are for the staff, and of the words the instructions for the customer
    too. ``parcels`` are the pages on which carriers show the parcels, by the id of the label, or of the return where
    the customer sent it without one. Times in sentences are those of the shop's ``zone``.
    """
    staff = audience is Audience.STAFF
    shown_pages = pages if staff else {}
    waiting = sorted(_order_entries(order, shown_pages), key=lambda entry: entry.at)
    found: list[TimelineEntry] = []
    folding = Folding(order.id)
    for recorded in events:
        folding.take(recorded)
        words = _words(folding.dossier, recorded, audience)
        if words is not None:
            while waiting and waiting[0].at <= recorded.at:
                found.append(waiting.pop(0))
            entry = _entry(recorded, audience, words.in_zone(zone), kept, shown_pages)
            if isinstance(recorded.event, ReturnSent | ParcelMoved):
                entry = changed(entry, url=parcels.get(_parcel(folding.dossier, recorded.event), ""))
            found.append(entry)
    return (*found, *waiting)


def _parcel(dossier: Dossier, event: ReturnSent | ParcelMoved) -> str:
    """Which parcel an event is about, when ``dossier`` was as it is: by its label, else by its return."""
    if isinstance(event, ParcelMoved):
        return event.label_id
    with_its_number = [one.id for one in dossier.labels_of(event.return_id) if one.tracking_number == event.tracking]
    return with_its_number[-1] if event.tracking and with_its_number else event.return_id


def _order_entries(order: Order, pages: Mapping[str, str]) -> list[TimelineEntry]:
    """What the order itself tells: when it was placed and paid."""
    found = []
    if order.placed_at is not None:
        found.append(
            TimelineEntry(
                seq=0,
                at=order.placed_at,
                by=Actor.customer(order.customer),
                code="order_placed",
                message=text("Order placed"),
            )
        )
    for payment in order.payments:
        if payment.paid_at is not None:
            found.append(
                TimelineEntry(
                    seq=0,
                    at=payment.paid_at,
                    by=Actor.provider(payment.provider),
                    code="order_paid",
                    message=text("{amount} paid", amount=payment.captured),
                    url=pages.get(payment.id, ""),
                )
            )
    return found


def _words(dossier: Dossier, recorded: Recorded, audience: Audience) -> Text | None:
    """What an event tells ``audience``; None where it may not read it, or it tells nothing new."""
    event = recorded.event
    if audience not in event.readers or (isinstance(event, OrderSeen) and recorded.seq == 1):
        return None  # that an order was placed and paid, the order's own entries tell
    return WORDS[type(event), audience](dossier, event)


def _entry(
    recorded: Recorded, audience: Audience, words: Text, kept: Mapping[str, str], pages: Mapping[str, str]
) -> TimelineEntry:
    event, by, subject = recorded.event, recorded.by, recorded.event.subject
    notes = kept if audience is Audience.STAFF else {}
    if audience is Audience.CUSTOMER and by.kind is ActorKind.STAFF:
        by = Actor.staff("")
    return TimelineEntry(
        seq=recorded.seq,
        at=recorded.at,
        by=by,
        code=event.type,
        message=words,
        note=_there(notes, subject.note_id),
        url=_there(pages, subject.payment),
        account=_masked(_there(notes, subject.account_id)),
        evidence=kept_evidence(notes, subject.evidence_ids),
        instructions=_there(kept, subject.instructions_id),
        return_number=return_number(subject.return_id) if subject.return_id is not None else "",
    )


def kept_evidence(kept: Mapping[str, str], evidence_ids: Iterable[str]) -> tuple[EvidenceFile, ...]:
    """The files with these ids that are still kept."""
    return tuple([evidence_of_words(kept[one]) for one in evidence_ids if one in kept])


def _there(words: Mapping[str, str], name: str | None) -> str:
    """What is there under a name; empty where there is no name, or nothing any more."""
    return "" if name is None else words.get(name, "")


def _masked(words: str) -> str:
    """The bank account that money goes to, masked; empty where it was removed."""
    return account_of_words(words).masked if words else ""
