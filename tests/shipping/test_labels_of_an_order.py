"""All labels of an order at a provider that says as little as one may: ours and those from the portal, told of in any
order, twice or never, by names that are not those of the next word. What is recorded of a label is its own."""

from __future__ import annotations

import datetime
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import attrs
import database_clock
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st
from shipping.forwarder import Books, Entry, Forwarder, as_json
from shipping.small_carrier import signed_webhook
from shipping.world import ANNA, World, worlds
from sqlalchemy import text

from retour import AttentionKind, Delivery, Label, Paid, ParcelState, RetourError
from retour.model.events.labels import LabelReported, ParcelMoved
from retour.model.labels import Told

BEGIN = datetime.datetime(2026, 11, 2, 12, tzinfo=datetime.UTC)
MINUTE, HOUR, DAY = datetime.timedelta(minutes=1), datetime.timedelta(hours=1), datetime.timedelta(days=1)
MOST = 4
"""Labels of an order at most: with five nothing happens that does not with four."""

SENT = Delivery(paid=Paid.of("0", "EUR"), provider="small_carrier", number="1001")
"""Who delivered the order is asked which returns it has, also where no label of it is known."""

STEPS = {
    (Told.ANNOUNCING, ParcelState.NOT_SENT): [(Told.READY, ParcelState.NOT_SENT), (Told.REFUSED, ParcelState.NOT_SENT)],
    (Told.READY, ParcelState.NOT_SENT): [(Told.READY, ParcelState.ON_ITS_WAY), (Told.CANCELLED, ParcelState.CANCELLED)],
    (Told.READY, ParcelState.ON_ITS_WAY): [(Told.READY, ParcelState.DELIVERED)],
}
"""How a label gets further by itself."""


@attrs.define
class Order:
    """The order in its shop, at its provider, and the time."""

    world: World
    books: Books
    now: list[datetime.datetime]
    pages: int = 0
    said: dict[str, set[tuple[Told, ParcelState]]] = attrs.field(factory=dict)

    @property
    def labels(self) -> dict[str, Label]:
        return dict(self.world.desk.dossier("1001").labels)

    # --- what happens ------------------------------------------------------------------------------------

    def buys(self, chance: random.Random) -> None:
        """Staff order a label; its answer comes, is lost, or the question never arrives."""
        if len(self.books.entries) >= MOST:
            return
        fate = chance.choice(["answered", "lost", "lost", "never arrives"])
        self.books.answers_lost, self.books.never_arrives = fate == "lost", fate == "never arrives"
        open_ones = [one.id for one in self.labels.values() if one.open and not one.in_portal]
        more: dict[str, Any] = {"another_parcel": True}
        if open_ones and chance.random() < 0.5:
            more = {"replaces": open_ones[-1]}
        self.pages += 1
        try:
            self.world.order(f"page-{self.pages}", **more)
        except RetourError:
            return
        event(f"a label is ordered: {fate}")

    def returns_in_the_portal(self, chance: random.Random) -> None:
        if len(self.books.entries) < MOST:
            self.books.make()
            event("a return is made in the portal")

    def gets_further(self, chance: random.Random) -> None:
        """A label gets further at its carrier."""
        going = [one for one in self.books.entries if (one.told, one.progress) in STEPS]
        if going:
            one = chance.choice(going)
            told, progress = chance.choice(STEPS[one.told, one.progress])
            self.books.step(one, told, progress, tracked=chance.random() < 0.5)

    def is_cancelled(self, chance: random.Random) -> None:
        """Staff want a label taken back."""
        if self.labels:
            try:
                self.world.desk.cancel_label("1001", chance.choice(list(self.labels)), by=ANNA)
            except RetourError:
                return
            event("a label is taken back")

    def is_told(self, chance: random.Random) -> None:
        """A webhook comes, of those that were sent: perhaps once more, later."""
        if self.books.webhooks:
            place = chance.randrange(len(self.books.webhooks))
            told = self.books.webhooks[place] if chance.random() < 0.3 else self.books.webhooks.pop(place)
            headers, body = signed_webhook(as_json(told))
            self.world.desk.receive_webhook("small_carrier", headers, body)

    def is_lost(self, chance: random.Random) -> None:
        """A webhook never comes."""
        if self.books.webhooks:
            self.books.webhooks.pop(chance.randrange(len(self.books.webhooks)))

    def is_read(self, chance: random.Random) -> None:
        """Its page is opened."""
        self.world.desk.reconcile_labels("1001")

    def goes_on(self, chance: random.Random) -> None:
        """Some time goes by, and what is due is done."""
        self.work_for(chance.choice([MINUTE, 20 * MINUTE, 3 * HOUR]))

    def work_for(self, time: datetime.timedelta) -> None:
        self.now[0] += time
        for entry in self.books.entries:
            self.note(entry)
        while self.world.desk.work().done:
            pass

    # --- what must hold ----------------------------------------------------------------------------------

    def note(self, entry: Entry) -> None:
        self.said.setdefault(entry.number, set()).add((entry.told, entry.progress))

    def entry_of(self, label: Label) -> Entry | None:
        """The entry of a label in the books: ours by our id, one from the portal by any name."""
        for one in self.books.entries:
            names = {one.number, one.parcel, f"3S{one.number}"}
            if one.label_id == label.id if not label.in_portal else names & names_of(label):
                return one
        return None

    def check(self) -> None:
        """No word is recorded of a label that it is not of."""
        for entry in self.books.entries:
            self.note(entry)
        known: dict[str, str] = {}
        for label in self.labels.values():
            entry = self.entry_of(label)
            if entry is None:
                assert label.told is None, f"{label} is told of, and there is none"
                assert not names_of(label), f"{label} has a name, and there is none"
                continue
            assert entry.label_id == ("" if label.in_portal else label.id), f"{label} is {entry}"
            assert names_of(label) <= {entry.number, entry.parcel, f"3S{entry.number}"}, f"{label} is {entry}"
            assert entry.number not in known, f"{label} and {known[entry.number]} are {entry}"
            known[entry.number] = label.id
        for one in self.world.desk._services.store.events("default", "1001"):
            if isinstance(one.event, LabelReported | ParcelMoved):
                entry = self.entry_of(self.labels[one.event.label_id])
                assert entry is not None, one.event
                states = self.said[entry.number]
                if isinstance(one.event, LabelReported):
                    assert one.event.told in {told for told, _ in states}, f"{one.event} is not of {entry}"
                else:
                    assert one.event.progress in {progress for _, progress in states}, f"{one.event} is not of {entry}"

    def check_nobody_waits_unseen(self) -> None:
        """Whatever nobody can tell, a person is told of. A label that its carrier has not announced needs nobody."""
        listed = {item.about for item in self.world.desk.attention(limit=100).items}
        for label in self.labels.values():
            assert not label.may_be_made or label.id in listed, f"nobody is told of {label}"
            entry = self.entry_of(label)
            nameless = label.open and not names_of(label) and entry is not None and entry.has_parcel
            assert not nameless or label.id in listed, f"nobody is told that {label} has no name"

    def check_books(self) -> None:
        """All that is in the books is known as it is there."""
        known = {entry.number: label for label in self.labels.values() if (entry := self.entry_of(label))}
        for entry in self.books.entries:
            label = known.get(entry.number)
            if label is None:
                assert not entry.label_id, f"{entry} is lost"
                assert not entry.has_parcel or entry.told is Told.CANCELLED, f"nobody knows {entry}"
            elif names_of(label):
                assert (label.told, label.progress) == (entry.told, entry.progress), f"{label} is {entry}"


def names_of(label: Label) -> set[str]:
    return {one for one in (label.reference, label.parcel, label.tracking_number) if one}


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    database_clock.install()
    yield tmp_path
    database_clock.tell(None)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(0, 10**9), steps=st.integers(3, 30))
def test_every_word_is_of_the_label_that_it_is_recorded_of_and_in_the_end_all_is_known(
    folder: Path, seed: int, steps: int
) -> None:
    now = [BEGIN]
    database_clock.tell(lambda: now[0])
    books = Books(lambda: now[0])
    path = folder / f"{random.SystemRandom().randrange(10**12)}.db"
    for make in worlds_of(f"sqlite:///{path}"):
        world = make(provider=Forwarder, books=books, delivery=SENT, desk={"clock": lambda: now[0]})
        order = Order(world, books, now)
        live(order, random.Random(seed), steps)


def worlds_of(database: str) -> Iterator[Any]:
    yield from worlds(database)


def live(order: Order, chance: random.Random, steps: int) -> None:
    can = [order.buys, order.buys, order.returns_in_the_portal, order.gets_further, order.gets_further, order.is_told]
    can += [order.is_told, order.is_told, order.is_lost, order.is_cancelled, order.is_read, order.goes_on]
    for _ in range(steps):
        chance.choice(can)(chance)
        order.now[0] += datetime.timedelta(seconds=chance.randint(1, 30))
        order.check()
    while order.books.webhooks:
        chance.choice([order.is_told, order.is_told, order.is_lost])(chance)
    for _ in range(8):
        order.work_for(6 * HOUR)
        order.check()
    order.is_read(chance)
    order.check()
    order.check_nobody_waits_unseen()
    for _ in range(3):
        attend(order)
        for _ in range(7):
            order.work_for(DAY)
    order.is_read(chance)
    order.check()
    order.check_books()
    assert waiting(order) == [], "what was said waits for ever"


def attend(order: Order) -> None:
    """A person says of each label what he sees at the provider."""
    for item in order.world.desk.attention(AttentionKind.LABEL_UNKNOWN, limit=100).items:
        event("a person was asked")
        seen = [one.number for one in order.books.entries if one.label_id == item.about]
        reference = seen[0] if seen else ""
        order.world.desk.settle_label("1001", item.about, by=ANNA, made=bool(seen), reference=reference)


def waiting(order: Order) -> list[Any]:
    query = text("SELECT problem, body FROM retour_effect WHERE state = 'waiting' AND kind = 'shipment_event'")
    with order.world.desk._services.store.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]
