"""Whose count it is: one parcel is counted once, and more than was announced only by staff, who sees it flagged."""

from __future__ import annotations

import datetime

import pytest

from retour import Actor, Counted, InvalidArgument, InvalidValue, MemoryShop, NotAllowed, ReturnDesk, WrongState
from retour.model.return_number import return_number
from retour.testing import a_line, an_order

ANNA, BEN, BUYER = Actor.staff("anna"), Actor.staff("ben"), Actor.customer("c-17")
NOW = datetime.datetime(2026, 11, 30, 8, 5, tzinfo=datetime.UTC)


@pytest.fixture
def desk() -> ReturnDesk:
    shop = MemoryShop([an_order(a_line("cup", 6), a_line("pot", 2))])
    return ReturnDesk(shop=shop, store="sqlite://", clock=lambda: NOW)


def requested(desk: ReturnDesk, units: int = 4) -> str:
    return desk.request_return("1001", {"cup": units}, by=BUYER, request_id=f"asked-{units}").return_id


def told(desk: ReturnDesk, language: str = "en", audience: str = "staff") -> list[str]:
    return [entry.text(language) for entry in desk.timeline("1001", audience)]


# --- one parcel, one count -------------------------------------------------------------------------------


def test_a_second_count_of_a_parcel_is_refused_and_says_who_counted_it_when_and_where(desk: ReturnDesk) -> None:
    return_id = requested(desk)
    first = desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="f1", parcel="3SABC123")
    before = desk.dossier("1001")
    with pytest.raises(WrongState) as raised:
        desk.receive("1001", return_id, {"cup": 2}, by=BEN, request_id="f2", parcel="3SABC123")
    assert str(raised.value) == (
        f"Order 1001: parcel 3SABC123 of return {return_number(return_id)} was counted already, by anna on "
        f"30 November 2026 09:05: receipt {first.receipt_id}. If that count is wrong, correct it; another parcel has "
        "another number."
    )
    dutch = raised.value.text("nl")
    assert dutch.startswith(
        f"Bestelling 1001: pakket 3SABC123 van retour {return_number(return_id)} is al geteld, door anna"
    )
    assert "op 30 november 2026 09:05: ontvangst" in dutch
    assert desk.dossier("1001") == before


def test_the_same_form_again_is_no_second_count(desk: ReturnDesk) -> None:
    return_id = requested(desk)
    for _ in range(2):
        desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="f1", parcel="3SABC123")
    assert desk.dossier("1001").came_back() == {"cup": 2}


@pytest.mark.parametrize("typed", ["3sabc123", " 3SABC 123 ", "3S ABC123"])
def test_a_number_is_the_same_however_it_is_typed(desk: ReturnDesk, typed: str) -> None:
    return_id = requested(desk)
    desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="f1", parcel="3SABC123")
    with pytest.raises(WrongState, match="was counted already"):
        desk.receive("1001", return_id, {"cup": 2}, by=BEN, request_id="f2", parcel=typed)


def test_another_parcel_and_one_without_a_number_are_counted(desk: ReturnDesk) -> None:
    return_id = requested(desk)
    for number, parcel in enumerate(("A", "B", "", "")):
        desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id=f"f{number}", parcel=parcel)
    receipts = desk.dossier("1001").return_(return_id).receipts.values()
    assert [(one.parcel, one.by) for one in receipts] == [("A", ANNA), ("B", ANNA), ("", ANNA), ("", ANNA)]
    assert desk.dossier("1001").came_back() == {"cup": 4}


def test_one_parcel_can_hold_goods_of_two_returns_each_counted_once(desk: ReturnDesk) -> None:
    one, other = requested(desk, 2), requested(desk, 3)
    desk.receive("1001", one, {"cup": 2}, by=ANNA, request_id="f1", parcel="A")
    desk.receive("1001", other, {"cup": 2}, by=ANNA, request_id="f2", parcel="A")
    with pytest.raises(WrongState, match=f"parcel A of return {return_number(other)}"):
        desk.receive("1001", other, {"cup": 1}, by=BEN, request_id="f3", parcel="A")


def test_a_part_of_the_order_that_came_in_a_parcel_is_counted_once(desk: ReturnDesk) -> None:
    requested(desk, 2)
    counted = desk.mark_returned("1001", {"cup": 3}, by=ANNA, request_id="f1", parcel="A")
    assert len(counted.returns) == 2
    with pytest.raises(WrongState, match="was counted already, by anna"):
        desk.mark_returned("1001", {"pot": 1}, by=BEN, request_id="f2", parcel="a")
    assert desk.dossier("1001").came_back() == {"cup": 3}


def test_a_parcel_of_a_return_that_ended_can_be_counted_on_another(desk: ReturnDesk) -> None:
    wrong = desk.mark_returned("1001", {"cup": 3}, by=ANNA, request_id="f1", parcel="A")
    desk.correct_receipt("1001", str(wrong.receipt_id), {"cup": 0}, by=ANNA)
    desk.mark_returned("1001", {"pot": 1}, by=BEN, request_id="f2", parcel="A")
    assert desk.dossier("1001").came_back() == {"pot": 1}


@pytest.mark.parametrize("parcel", ["x" * 256, "a\0b", "\ud83d"])
def test_a_number_that_nobody_could_store_is_refused(desk: ReturnDesk, parcel: str) -> None:
    return_id = requested(desk)
    with pytest.raises((InvalidArgument, InvalidValue)):
        desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id="f1", parcel=parcel)


# --- more than was announced -----------------------------------------------------------------------------


@pytest.mark.parametrize("by", [Actor.system("scanner"), Actor.provider("sendcloud")])
def test_only_staff_counts_more_than_was_announced(desk: ReturnDesk, by: Actor) -> None:
    return_id = requested(desk, 1)
    with pytest.raises(NotAllowed, match="may not count more than was announced; staff may"):
        desk.receive("1001", return_id, {"cup": 2}, by=by, request_id="f1", more_than_requested=True)
    assert desk.dossier("1001").came_back() == {}
    desk.receive("1001", return_id, {"cup": 1}, by=by, request_id="f2")


@pytest.mark.parametrize("audience", ["staff", "customer"])
def test_more_than_was_announced_is_flagged_on_the_return_and_on_its_timeline(desk: ReturnDesk, audience: str) -> None:
    return_id = requested(desk, 2)
    desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id="f1")
    assert desk.dossier("1001").return_(return_id).more_than_requested() == {}
    counts = {"cup": 3, "pot": 1}
    desk.receive("1001", return_id, counts, by=ANNA, request_id="f2", more_than_requested=True)
    assert desk.dossier("1001").return_(return_id).more_than_requested() == {"cup": 2, "pot": 1}
    said = "Returned: 3 × Cup, 1 × Pot. More than announced: 2 × Cup, 1 × Pot"
    assert said in told(desk, audience=audience)
    gezegd = "Geretourneerd: 3 × Cup, 1 × Pot. Meer dan aangemeld: 2 × Cup, 1 × Pot"
    assert gezegd in told(desk, "nl", audience)


def test_a_correction_says_what_is_still_more_than_was_announced(desk: ReturnDesk) -> None:
    return_id = requested(desk, 2)
    counted = desk.receive("1001", return_id, {"cup": 4}, by=ANNA, request_id="f1", more_than_requested=True)
    desk.correct_receipt("1001", str(counted.receipt_id), {"cup": 3}, by=ANNA)
    assert told(desk)[-1] == "Count corrected. Returned: 3 × Cup. More than announced: 1 × Cup"
    desk.correct_receipt("1001", str(counted.receipt_id), {"cup": 2}, by=ANNA)
    assert told(desk)[-1] == "Count corrected. Returned: 2 × Cup"
    assert desk.dossier("1001").return_(return_id).more_than_requested() == {}


def test_a_missing_unit_that_comes_later_and_a_return_that_nobody_announced_are_not_flagged(desk: ReturnDesk) -> None:
    return_id = requested(desk, 2)
    desk.receive("1001", return_id, [Counted(line_id="cup", missing=2)], by=ANNA, request_id="f1")
    desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="f2")
    desk.mark_returned("1001", {"pot": 1}, by=ANNA, request_id="f3")
    assert [one.more_than_requested() for one in desk.dossier("1001").returns.values()] == [{}, {}]
    assert not [one for one in told(desk) if "More than announced" in one]
