"""A process that is killed while it orders, cancels or looks at a label buys one or none, and never says what is not
so."""

from __future__ import annotations

import datetime
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterator

import attrs
import forked
import pytest
from crash import labeller
from crash.labeller import ANNA
from sqlalchemy import create_engine, text

from retour import Label, LabelState, Money, ParcelState, ReturnDesk
from retour.model.attention import AttentionKind
from retour.sandbox import BookedLabel, Fault, SandboxRequest, SandboxResponse
from retour_sendcloud.sandbox import SendcloudSandbox

MINUTE = datetime.timedelta(minutes=1)
PRICE = Money.of("5.45", "EUR")

SAME_WORD = {
    LabelState.ANNOUNCING: {"announcing"},
    LabelState.READY: {"ready"},
    LabelState.REFUSED: {"refused"},
    LabelState.CANCELLING: {"cancelling"},
    LabelState.CANCELLED: {"cancelled"},
}
"""What the sandbox's books say of a label that is so in the store."""

FAULTS = [fault for fault in Fault if fault not in (Fault.SILENT_AFTER, Fault.TRICKLE_AFTER)]
"""The two slow ones are the plugin's own tests': here they would wait for the whole deadline."""

MOMENTS = [
    "before the provider is called",
    "while the provider works",
    "after the provider was called",
    "before the outcome is committed",
    "after the outcome is committed",
]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


@attrs.define
class Room:
    """A shop with an approved return of one order, a desk in this process, and Sendcloud."""

    database: str
    sandbox: SendcloudSandbox
    desk: ReturnDesk
    return_id: str

    def killed(self, what: str, about: str, moment: str) -> None:
        """Another process does something, and is killed at a moment of that."""
        process: list[int] = []
        known = threading.Event()
        handle = self.sandbox.server.handle
        if moment == "while the provider works":

            def answered_to_nobody(request: SandboxRequest) -> SandboxResponse:
                response = handle(request)
                if not request.path.endswith(("/shipping-options", "/validate")):
                    known.wait()
                    os.kill(process[0], signal.SIGKILL)
                return response

            self.sandbox.server.handle = answered_to_nobody
        started = forked.start(labeller.does, self.database, dict(self.sandbox.settings), what, about, moment)
        assert started.pid is not None
        process.append(started.pid)
        known.set()
        assert forked.ended(started) == -signal.SIGKILL
        self.sandbox.server.handle = handle

    def order(self, request_id: str = "form-1") -> str:
        return labeller.order(self.desk, self.return_id, request_id)

    def ready(self) -> str:
        """Order a label, which is ready then; gives its id."""
        label_id = self.order()
        self.work()
        assert self.label(label_id).state is LabelState.READY
        return label_id

    def label(self, label_id: str) -> Label:
        return self.desk.dossier("1001").label(label_id)

    @property
    def labels(self) -> list[Label]:
        return list(self.desk.dossier("1001").labels.values())

    def work(self, passes: datetime.timedelta = MINUTE, times: int = 3) -> None:
        """Time passes at Sendcloud, every lease and pause is over, and what is due is done; some times over."""
        for _ in range(times):
            self.sandbox.advance(passes)
            self.end_pauses()
            self.desk.work()

    def end_pauses(self) -> None:
        engine = create_engine(self.database)
        with engine.begin() as connection:
            connection.execute(text("UPDATE retour_effect SET lease_until = 0, not_before = 0 WHERE state = 'waiting'"))
        engine.dispose()

    def hear(self) -> None:
        """Every webhook that Sendcloud sends comes."""
        for webhook in self.sandbox.take_webhooks():
            self.desk.receive_webhook("sendcloud", webhook.headers, webhook.body)
        self.desk.work()

    def asked_of_a_person(self) -> dict[str, AttentionKind]:
        return {one.about: one.kind for one in self.desk.attention().items}

    def audit(self) -> list[BookedLabel]:
        """Store and books say the same: every label of the one is one of the other, and what nobody can tell waits for
        a person. Gives the books."""
        books = list(self.sandbox.books("1001"))
        asked = self.asked_of_a_person()
        by_id = {one.label_id: one for one in books}
        assert len(by_id) == len(books), "a label was bought twice"
        assert set(by_id) <= {label.id for label in self.labels}, "a label is in the books and nowhere else"
        for label in self.labels:
            if label.state is LabelState.UNKNOWN:
                assert asked.get(label.id) is AttentionKind.LABEL_UNKNOWN
                continue
            booked = by_id.pop(label.id, None)
            if booked is None:
                assert label.state is LabelState.REFUSED, f"{label.state} and not in the books"
                continue
            assert booked.told.value in SAME_WORD[label.state]
            assert label.reference in ("", booked.reference)
            assert label.parcel in ("", booked.parcel)
        return books


@pytest.fixture
def room(database: str) -> Iterator[Room]:
    with SendcloudSandbox() as sandbox:
        desk = labeller.a_desk(database, dict(sandbox.settings))
        made = desk.request_return("1001", {"cup": 1}, by=labeller.CUSTOMER, request_id="request")
        yield Room(database, sandbox, desk, made.return_id)
        desk.close()


@pytest.mark.parametrize("at_once", [True, False], ids=["announced late", "announced"])
@pytest.mark.parametrize("moment", ["before the intent is committed", "after the intent is committed", *MOMENTS])
def test_a_label_whose_process_is_killed_at_any_moment_is_bought_once_or_not_at_all(
    room: Room, moment: str, at_once: bool
) -> None:
    if at_once:
        room.sandbox.hold()  # its carrier is not told while a worker finds out what became of it
    room.killed("order", room.return_id, moment)
    room.work()
    decided = moment != "before the intent is committed"
    assert len(room.labels) == len(room.audit()) == decided
    room.sandbox.release()
    label_id = room.order()  # the same form again: the label that is there, or the first one
    room.work()
    assert [label.id for label in room.labels] == [label_id]
    room.hear()
    room.work()
    label = room.label(label_id)
    [booked] = room.audit()
    assert (label.state, label.cost) == (LabelState.READY, PRICE)
    assert (label.reference, label.parcel, label.cost) == (booked.reference, booked.parcel, booked.charged)
    assert room.asked_of_a_person() == {}


@pytest.mark.parametrize("moment", ["while the provider works", "after the provider was called"])
def test_a_label_that_was_found_before_its_carrier_knew_it_can_be_shown_though_no_webhook_comes(
    room: Room, moment: str
) -> None:
    """Until then nothing that is read of it names it, and afterwards its parcel has a number."""
    room.sandbox.hold()
    room.killed("order", room.return_id, moment)
    room.work()
    [label] = room.labels
    assert (label.state, label.reference, label.parcel) == (LabelState.ANNOUNCING, "", "")
    room.sandbox.release()
    room.work()
    [label], [booked] = room.labels, room.audit()
    assert (label.state, label.parcel, label.cost) == (LabelState.READY, booked.parcel, PRICE)
    assert room.desk.label_document("1001", label.id, by=labeller.CUSTOMER).content.startswith(b"%PDF-")


@pytest.mark.parametrize("moment", ["before the intent is committed", "after the intent is committed", *MOMENTS])
def test_a_label_that_is_cancelled_by_a_process_that_is_killed_is_taken_back_or_as_it_was(
    room: Room, moment: str
) -> None:
    label_id = room.ready()
    room.killed("cancel", label_id, moment)
    room.work()
    room.audit()
    if moment == "before the intent is committed":
        assert room.label(label_id).state is LabelState.READY
        room.desk.cancel_label("1001", label_id, by=ANNA)
    room.work(31 * MINUTE)
    [booked] = room.audit()
    assert room.label(label_id).state is LabelState.CANCELLED
    assert booked.charged.minor == 0


@pytest.mark.parametrize("moment", MOMENTS[:-1])
def test_a_parcel_that_is_scanned_after_the_process_that_cancels_was_killed_is_never_called_cancelled(
    room: Room, moment: str
) -> None:
    label_id = room.ready()
    room.killed("cancel", label_id, moment)
    room.sandbox.scan(room.sandbox.books()[0].reference)
    room.work(31 * MINUTE)
    [booked] = room.audit()
    label = room.label(label_id)
    assert (label.state, label.progress) == (LabelState.READY, ParcelState.ON_ITS_WAY)
    assert booked.charged == label.cost == PRICE
    assert room.asked_of_a_person() == {label_id: AttentionKind.LABEL_NOT_CANCELLED}


@pytest.mark.parametrize("moment", MOMENTS)
def test_a_worker_that_is_killed_while_it_looks_at_a_label_leaves_the_look_to_another(room: Room, moment: str) -> None:
    label_id = room.ready()
    room.sandbox.scan(room.sandbox.books()[0].reference)
    room.end_pauses()
    room.killed("work", "", moment)
    room.work()
    room.audit()
    assert room.label(label_id).progress is ParcelState.ON_ITS_WAY
    room.sandbox.deliver(room.sandbox.books()[0].reference)
    room.work()
    assert room.label(label_id).progress is ParcelState.DELIVERED


@pytest.mark.parametrize("again", MOMENTS)
def test_a_worker_that_is_killed_while_it_finds_out_what_became_of_a_label_buys_no_second_one(
    room: Room, again: str
) -> None:
    room.killed("order", room.return_id, "while the provider works")
    room.end_pauses()
    room.killed("work", "", again)
    room.work()
    room.hear()
    room.work()
    [label], [booked] = room.labels, room.audit()
    assert (label.state, label.reference, booked.charged) == (LabelState.READY, booked.reference, PRICE)


@pytest.mark.parametrize("moment", ["before the provider is called", "while the provider works"])
def test_a_label_that_ends_every_process_waits_for_a_person_who_says_what_he_saw(room: Room, moment: str) -> None:
    room.killed("order", room.return_id, moment)
    for _ in range(2):
        room.end_pauses()
        room.killed("work", "", moment)
    room.work()
    [label] = room.labels
    books = list(room.sandbox.books())
    assert room.asked_of_a_person() == {label.id: AttentionKind.LABEL_UNKNOWN}
    seen = {"reference": books[0].reference} if books else {}
    assert len(books) == (moment == "while the provider works")
    room.desk.settle_label("1001", label.id, by=ANNA, made=bool(books), **seen)
    room.work()
    if not books:
        room.order("form-2")
        room.work()
    [booked] = room.audit()
    assert (room.labels[-1].state, room.labels[-1].cost, booked.charged) == (LabelState.READY, PRICE, PRICE)


@pytest.mark.parametrize("late", [1, 2, 3, 4])
def test_webhooks_that_come_late_change_nothing_that_is_known(room: Room, late: int) -> None:
    """A label is cancelled, and then a webhook comes of what it was before: created, announced, ready, cancelling."""
    label_id = room.ready()
    room.desk.cancel_label("1001", label_id, by=ANNA)
    room.work(31 * MINUTE)
    sent = room.sandbox.take_webhooks()
    for webhook in sent[late - 1 : late]:
        room.desk.receive_webhook("sendcloud", webhook.headers, webhook.body)
    room.work()
    room.audit()
    assert room.label(label_id).state is LabelState.CANCELLED


def _posts(path: str) -> Callable[[SandboxRequest], bool]:
    return lambda request: request.method != "GET" and request.path.endswith(path)


@pytest.mark.parametrize("fault", FAULTS, ids=str)
@pytest.mark.parametrize("heard", [False, True], ids=["webhooks lost", "webhooks heard"])
def test_a_label_at_a_provider_that_fails_in_any_way_is_bought_once(room: Room, fault: Fault, heard: bool) -> None:
    room.sandbox.server.faulty = _posts("/returns")
    room.sandbox.server.faults.append(fault)
    label_id = room.order()
    not_sent = fault is Fault.REFUSED_429
    assert room.label(label_id).state is (LabelState.ORDERED if not_sent else LabelState.UNKNOWN)
    room.work()
    if heard:
        room.hear()
    room.work()
    [booked] = room.audit()
    label = room.label(label_id)
    assert (label.state, booked.charged) == (LabelState.READY, PRICE)
    assert room.asked_of_a_person() == {}


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_label_that_is_cancelled_at_a_provider_that_fails_in_any_way_is_taken_back(room: Room, fault: Fault) -> None:
    label_id = room.ready()
    room.sandbox.server.faulty = _posts("/cancel")
    room.sandbox.server.faults.append(fault)
    room.desk.cancel_label("1001", label_id, by=ANNA)
    room.work()
    room.audit()
    room.work(31 * MINUTE)
    [booked] = room.audit()
    assert (room.label(label_id).state, booked.charged.minor) == (LabelState.CANCELLED, 0)


@pytest.mark.parametrize("what", ["order", "cancel"])
def test_while_the_provider_is_down_in_the_middle_nothing_is_lost_and_nothing_bought_twice(
    room: Room, what: str
) -> None:
    """It does what it was asked, is gone before it can say so, and comes back after some tries."""
    label_id = room.ready() if what == "cancel" else ""
    room.sandbox.server.faulty = lambda request: not request.path.endswith("/shipping-options")
    room.sandbox.server.faults += [Fault.CUT_AFTER, *5 * [Fault.CUT_BEFORE]]
    if what == "order":
        label_id = room.order()
    else:
        room.desk.cancel_label("1001", label_id, by=ANNA)
    while room.sandbox.server.faults:
        room.work(times=1)
    room.work(31 * MINUTE)
    [booked] = room.audit()
    expected = (LabelState.READY, 545) if what == "order" else (LabelState.CANCELLED, 0)
    assert (room.label(label_id).state, booked.charged.minor) == expected
