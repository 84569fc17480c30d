"""A draft of one order, to try a rule on: what is known of the order by its events, and what the rule makes of it."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from retour import Actor, ActorKind, Money, Order, RetourError
from retour.model.dossier import Dossier
from retour.model.events.event import Event
from retour.model.ids import NewId
from retour.model.moment import Moment
from retour.rules.draft import Draft

ANNA = Actor.staff("anna")
MAKER = Actor.system("shop")
"""Who did all that is known when a rule is tried."""

NOON = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)
SECOND = datetime.timedelta(seconds=1)
HOUR = datetime.timedelta(hours=1)
DATABASE = Moment(earliest=NOON + HOUR, latest=NOON + HOUR + SECOND)
"""What time it is for money: by the database's clock, which is an hour ahead of the one that the timeline shows."""

ACTORS = {
    ActorKind.CUSTOMER: Actor.customer("c-17"),
    ActorKind.STAFF: ANNA,
    ActorKind.PROVIDER: Actor.provider("mollie"),
    ActorKind.SYSTEM: Actor.system("cron"),
}

IN_WORDS = {
    ActorKind.CUSTOMER: "a customer",
    ActorKind.STAFF: "a member of staff",
    ActorKind.PROVIDER: "a provider",
    ActorKind.SYSTEM: "retour itself",
}
"""Each kind of actor as a sentence names him."""


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def numbered() -> NewId:
    """New ids are numbered, each kind by itself: ``rf-1``, ``rf-2``, ``rt-1``."""
    made: Counter[str] = Counter()

    def new_id(kind: str) -> str:
        made[kind] += 1
        return f"{kind}-{made[kind]}"

    return new_id


def a_draft(
    order: Order, *known: Event | datetime.timedelta, by: Actor = ANNA, moment: Moment | None = DATABASE
) -> Draft:
    """The draft of what ``by`` does with an order of which all that is ``known`` happened before, at noon; a time among
    the events goes by between them."""
    before = Draft(dossier=Dossier(order_id=order.id), at=NOON, by=MAKER, new_id=numbered())
    before.see(order)
    for one in known:
        if isinstance(one, datetime.timedelta):
            before.at += one
        else:
            before.record(one)
    return Draft(dossier=before.dossier, at=before.at, by=by, new_id=numbered(), moment=moment)


def news(draft: Draft) -> list[Event]:
    """What a rule recorded."""
    return [one.event for one in draft.events]


def said_by(draft: Draft) -> list[Actor]:
    """Who said what a rule recorded."""
    return [one.by for one in draft.events]


def words(draft: Draft, note_id: str | None) -> str | None:
    """The words that are kept under an id; None for no id."""
    return None if note_id is None else next(note.words for note in draft.notes if note.id == note_id)


@contextmanager
def refused(kind: type[RetourError], sentence: str, *, in_code: str | None = None) -> Iterator[None]:
    """What is done in here is refused by an error of just this kind, in this sentence, and with this for who writes
    the application."""
    with pytest.raises(RetourError) as caught:
        yield
    assert (type(caught.value), str(caught.value)) == (kind, sentence)
    assert in_code in (None, caught.value.in_code)
