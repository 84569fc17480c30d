"""Labels of Sendcloud in a desk: bought once, followed by its webhooks, and what its carriers refuse."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from typing import Any

import attrs
import pytest
from shipping.world import move_effects

from retour import (
    Actor,
    Address,
    Delivery,
    LabelForm,
    LabelState,
    MemoryShop,
    Money,
    Paid,
    Parcel,
    ParcelItem,
    ParcelState,
    ReturnDesk,
)
from retour.sandbox import Fault
from retour.testing import a_line, an_order
from retour_sendcloud.sandbox import SendcloudSandbox

ANNA, JANSEN = Actor.staff("anna"), Actor.customer("c-1")
HOME = Address(
    name="Customer", street="Damrak", house_number="70", postal_code="1012 LM", city="Amsterdam", country="NL"
)
SHOP = Address(name="Returns", street="Keizersgracht 1", postal_code="1015 CJ", city="Amsterdam", country="NL")
BOX = Parcel(weight_grams=900, items=[ParcelItem(line_id="cup", description="Cup", quantity=1, reason="11")])
MINUTE, DAY = datetime.timedelta(minutes=1), datetime.timedelta(days=1)


@attrs.define
class Room:
    """A desk with an approved return of order 1001, and Sendcloud."""

    desk: ReturnDesk
    sandbox: SendcloudSandbox
    return_id: str

    def order(self, request_id: str = "form-1", *, sender: Address = HOME, **more: Any) -> Any:
        options = self.desk.label_options("1001", sender=HOME, parcel=BOX, by=ANNA)
        self.desk.order_label(
            "1001", self.return_id, options[0], sender=sender, parcel=BOX, by=ANNA, request_id=request_id, **more
        )
        return self.label

    @property
    def label(self) -> Any:
        return list(self.desk.dossier("1001").labels.values())[-1]

    def hear(self) -> None:
        """Every webhook that Sendcloud sends."""
        for webhook in self.sandbox.take_webhooks():
            self.desk.receive_webhook("sendcloud", webhook.headers, webhook.body)
        self.desk.work()

    def work_for(self, time: datetime.timedelta) -> None:
        self.sandbox.advance(time)
        move_effects(self.desk, time)
        self.desk.work()


@pytest.fixture
def room(sandbox: SendcloudSandbox) -> Iterator[Room]:
    desk = ReturnDesk(
        shop=MemoryShop([an_order(a_line("cup", 2), customer="c-1")]),
        store="sqlite://",
        plugins=["sendcloud"],
        settings={"sendcloud": dict(sandbox.settings)},
        return_address=SHOP,
    )
    made = desk.request_return("1001", {"cup": 1}, by=JANSEN, request_id="request")
    yield Room(desk, sandbox, made.return_id)
    desk.close()


def test_a_label_is_announced_shown_scanned_and_delivered_by_webhook(room: Room) -> None:
    assert room.order().state is LabelState.ANNOUNCING
    room.sandbox.advance(MINUTE)
    room.hear()
    room.work_for(MINUTE)
    label = room.label
    assert (label.state, label.cost) == (LabelState.READY, Money.of("5.45", "EUR"))
    document = room.desk.label_document("1001", label.id, by=JANSEN, form=LabelForm.PDF)
    assert document.content.startswith(b"%PDF-")

    room.sandbox.scan(label.reference)
    room.hear()
    assert room.label.progress is ParcelState.ON_ITS_WAY
    room.sandbox.advance(DAY)
    room.sandbox.deliver(label.reference)
    room.hear()
    assert room.label.progress is ParcelState.DELIVERED


def test_without_a_webhook_it_is_read(room: Room) -> None:
    room.order()
    room.work_for(MINUTE)
    assert room.label.state is LabelState.READY


def test_what_was_delivered_to_the_customer_moves_no_parcel_of_his_return(room: Room) -> None:
    room.order()
    room.work_for(MINUTE)
    room.sandbox.send("1001", postal_code="1012 LM")
    room.hear()
    assert room.label.progress is ParcelState.NOT_SENT


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.ERROR_500_AFTER, Fault.NO_JSON_AFTER])
def test_after_a_lost_answer_the_label_is_found_and_bought_once(room: Room, fault: Fault) -> None:
    room.desk.label_options("1001", sender=HOME, parcel=BOX, by=ANNA)
    room.sandbox.server.faulty = lambda request: request.path.endswith("/returns") and request.method == "POST"
    room.sandbox.server.faults.append(fault)
    assert room.order().state is LabelState.UNKNOWN
    for _ in range(3):
        room.work_for(5 * MINUTE)
    label = room.label
    assert (label.state, label.reference) == (LabelState.READY, "")  # its number comes by webhook alone
    [booked] = room.sandbox.books()
    assert (booked.label_id, booked.parcel, booked.charged) == (label.id, label.parcel, Money.of("5.45", "EUR"))

    room.sandbox.scan(booked.reference)
    room.hear()
    assert room.label.progress is ParcelState.ON_ITS_WAY
    assert room.label.reference == booked.reference


def test_where_a_carrier_refused_without_a_word_the_next_label_says_why(room: Room) -> None:
    room.sandbox.errors_are_told = False
    nowhere = attrs.evolve(HOME, street="Damrak 70", house_number="")
    room.sandbox.refuse("Zone not served")
    room.order()
    room.work_for(MINUTE)
    first = room.label
    assert first.state is LabelState.REFUSED
    room.sandbox.refuse("Zone not served")
    room.order("form-2", sender=nowhere)
    second = room.label
    assert (second.state, second.because is not None) == (LabelState.REFUSED, True)
    assert "Zone not served" in second.because.text("en")
    room.order("form-3", sender=nowhere)
    assert [one.charged.minor for one in room.sandbox.books()] == [0, 545]


def test_what_sendcloud_refuses_is_told_before_the_label_is_asked_for(room: Room) -> None:
    options = room.desk.label_options("1001", sender=HOME, parcel=BOX, by=ANNA)
    wrong = attrs.evolve(HOME, postal_code="99")
    room.desk.order_label("1001", room.return_id, options[0], sender=wrong, parcel=BOX, by=ANNA, request_id="form-1")
    assert room.label.state is LabelState.REFUSED
    assert "The postal code is not valid for NL." in room.label.because.text("en")
    asked = [one.path.rpartition("/")[2] for one in room.sandbox.server.requests if one.method == "POST"]
    assert asked == ["shipping-options", "validate"]


def test_each_thing_costs_the_calls_that_the_page_names(room: Room) -> None:
    """The table of calls in the README."""

    def calls(act: Callable[[], object]) -> list[str]:
        room.sandbox.server.requests.clear()
        act()
        sent = [(one.method, one.path.removeprefix("/api/v3")) for one in room.sandbox.server.requests]
        return [re.sub(r"[0-9]{3,}", "{id}", f"{method} {path}") for method, path in sent]

    desk = room.desk
    options = "POST /shipping-options"
    assert calls(lambda: desk.label_options("1001", sender=HOME, parcel=BOX, by=ANNA)) == [options]
    assert calls(room.order) == [options, "POST /returns/validate", "POST /returns"]
    assert calls(lambda: room.work_for(MINUTE)) == ["GET /returns/{id}"]
    label = room.label.id
    document = "GET /parcels/{id}/documents/label"
    assert calls(lambda: desk.label_document("1001", label, by=ANNA)) == [document]
    assert calls(lambda: desk.reconcile_labels("1001")) == ["GET /returns/{id}", "GET /returns"]
    cancelled = ["PATCH /returns/{id}/cancel", "GET /returns/{id}"]
    assert calls(lambda: desk.cancel_label("1001", label, by=ANNA)) == cancelled


def test_a_label_is_cancelled_unless_its_parcel_is_scanned_first(room: Room) -> None:
    label = room.order()
    room.work_for(MINUTE)
    room.desk.cancel_label("1001", label.id, by=ANNA)
    assert room.label.state is LabelState.CANCELLING
    room.sandbox.scan(room.sandbox.books()[0].reference)
    room.hear()
    room.work_for(DAY)
    label = room.label
    assert (label.state, label.progress) == (LabelState.READY, ParcelState.ON_ITS_WAY)
    assert room.sandbox.books()[0].charged == Money.of("5.45", "EUR")


@pytest.mark.parametrize("reads", [True, False])
def test_two_returns_from_the_portal_are_told_apart_and_each_scan_is_there(room: Room, reads: bool) -> None:
    """What their webhooks say of their parcels comes before their numbers do, and what is read has no number either."""
    room.desk.cancel_return("1001", room.return_id, by=ANNA)
    room.sandbox.send("1001", postal_code="1012 LM")
    numbers = [room.sandbox.return_in_portal("1001", {"cup": 1}, reason="11") for _ in range(2)]
    room.hear()
    room.sandbox.advance(MINUTE)
    if reads:
        assert room.desk.reconcile_labels("1001").changed
    for number in numbers:
        room.sandbox.scan(number)
        room.sandbox.advance(MINUTE)
    room.sandbox.deliver(numbers[0])
    room.hear()
    labels = {one.reference: one for one in room.desk.dossier("1001").labels.values()}
    assert {number: one.parcel for number, one in labels.items()} == {
        one.reference: one.parcel for one in room.sandbox.books()
    }
    assert [labels[number].progress for number in numbers] == [ParcelState.DELIVERED, ParcelState.ON_ITS_WAY]
    assert [words for words, _ in told(room)].count("The carrier has the parcel: " + labels[numbers[0]].tracking_number)
    assert len(room.desk.dossier("1001").returns) == 3


@pytest.mark.parametrize("by", ["page", "look"])
def test_the_parcel_of_a_return_that_nobody_told_of_is_not_that_of_one_that_has_none_yet(room: Room, by: str) -> None:
    """The first is being cancelled before it was announced, so it never gets a parcel; of the second the webhooks were
    lost, and what is read of it has no number."""
    room.desk.cancel_return("1001", room.return_id, by=ANNA)
    room.sandbox.send("1001", postal_code="1012 LM")
    if by == "look":
        sent = Delivery(paid=Paid.of("0", "EUR"), provider="sendcloud", number="1001", postal_code="1012 LM")
        shop: Any = room.desk._services.shops("default").shop
        shop.orders["1001"] = attrs.evolve(shop.orders["1001"], delivery=sent)
        room.desk.shipping_options("1001")
        room.sandbox.advance(MINUTE)
    first = room.sandbox.return_in_portal("1001", {"cup": 1}, reason="11")
    room.hear()
    room.desk.cancel_label("1001", room.label.id, by=ANNA)
    second = room.sandbox.return_in_portal("1001", {"cup": 1}, reason="11")
    room.sandbox.advance(MINUTE)
    room.sandbox.take_webhooks()
    if by == "page":
        room.desk.reconcile_labels("1001")
    else:
        room.sandbox.hold()  # the carrier takes its time to cancel the first
        room.work_for(70 * MINUTE)
        room.sandbox.release()
    labels = {one.reference: one for one in room.desk.dossier("1001").labels.values()}
    assert (labels[first].parcel, labels[first].state) == ("", LabelState.CANCELLING)
    room.work_for(60 * MINUTE)
    room.desk.reconcile_labels("1001")
    booked = {one.reference: one for one in room.sandbox.books()}
    parcels = {one.parcel: one.state for one in room.desk.dossier("1001").labels.values()}
    assert parcels == {"": LabelState.CANCELLED, booked[second].parcel: LabelState.READY}
    assert booked[second].charged.minor == 545


def test_what_goes_out_while_a_return_has_no_parcel_yet_moves_nothing(room: Room) -> None:
    room.desk.cancel_return("1001", room.return_id, by=ANNA)
    room.sandbox.send("1001", postal_code="1012 LM")
    room.sandbox.return_in_portal("1001", {"cup": 1}, reason="11")
    room.sandbox.send("1001", postal_code="1012 LM")
    room.hear()
    assert room.label.progress is ParcelState.NOT_SENT
    room.work_for(5 * MINUTE)
    room.work_for(5 * MINUTE)
    assert (room.label.state, room.label.progress) == (LabelState.READY, ParcelState.NOT_SENT)


def told(room: Room) -> list[tuple[str, str]]:
    """What the timeline says of the parcels, each with its page."""
    entries = room.desk.timeline("1001")
    return [(entry.text("en"), entry.url) for entry in entries if entry.code in ("parcel_moved", "return_sent")]


@pytest.mark.parametrize("cancelled", [True, False])
def test_a_word_that_says_nothing_of_the_parcel_is_no_step_of_it(room: Room, cancelled: bool) -> None:
    label = room.order()
    room.sandbox.advance(MINUTE)
    room.hear()
    if cancelled:
        room.desk.cancel_label("1001", label.id, by=ANNA)
    else:
        room.sandbox.move(label.reference, "delivery-date-changed")
    room.hear()
    assert room.label.state is (LabelState.CANCELLING if cancelled else LabelState.READY)
    assert room.label.progress is ParcelState.NOT_SENT
    assert told(room) == []


def test_a_word_that_nobody_knows_is_a_step_that_is_not_known(room: Room) -> None:
    label = room.order()
    room.sandbox.advance(MINUTE)
    room.sandbox.move(label.reference, "beamed-up")
    room.hear()
    assert room.label.progress is ParcelState.UNKNOWN


def test_a_word_that_says_nothing_of_the_parcel_takes_no_step_back(room: Room) -> None:
    label = room.order()
    room.sandbox.advance(MINUTE)
    room.sandbox.scan(label.reference)
    room.sandbox.move(label.reference, "delivery-address-changed")
    room.hear()
    assert room.label.progress is ParcelState.ON_ITS_WAY


def test_each_step_of_a_parcel_leads_to_that_parcel(room: Room) -> None:
    """A return in two parcels has two numbers at its carrier, and two pages."""
    pages = []
    for number in ("first", "second"):
        label = room.order(number, another_parcel=number == "second")
        room.sandbox.advance(MINUTE)
        room.hear()
        room.sandbox.scan(label.reference)
        room.hear()
        room.desk.reconcile_labels("1001")
        pages.append(room.label.tracking_url)
    first, second = pages
    assert first != second
    assert [url for _, url in told(room)] == [first, first, second]
