"""What a page offers of a return is what the desk does: by one rule, for staff and for customers."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from shipping.small_carrier import OPTION, Carrier, plugin_of
from shipping.world import BOX, HOME, SHOP

from retour import (
    Actor,
    CanDo,
    Counted,
    DeskStep,
    EvidenceFile,
    InvalidQuantity,
    MemoryShop,
    NotAllowed,
    Objection,
    Order,
    RestockDecision,
    ReturnDesk,
    UnknownReceipt,
    WrongState,
    hookimpl,
    in_words,
)
from retour.testing import a_line, an_order

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-1")
NOON = datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC)


class LookAtAll:
    """A policy that lets nothing pass by itself."""

    name = "look-at-all"

    @hookimpl
    def return_policy(self) -> Objection:
        return Objection.review("look")


def order() -> Order:
    return an_order(a_line("cup", 3), a_line("pot", 1), customer="c-1")


def a_desk(*plugins: object, **more: Any) -> ReturnDesk:
    given: Any = {"return_address": SHOP, "clock": lambda: NOON, **more}
    return ReturnDesk(shop=MemoryShop([order()]), store="sqlite://", plugins=[LookAtAll(), *plugins], **given)


def requested(desk: ReturnDesk) -> str:
    return str(desk.request_return("1001", {"cup": 2}, by=BUYER, request_id="f").return_id)


def after(*steps: Callable[[ReturnDesk, str], object]) -> Callable[[ReturnDesk], str]:
    def arrange(desk: ReturnDesk) -> str:
        return_id = requested(desk)
        for step in steps:
            step(desk, return_id)
        return return_id

    return arrange


def approve(desk: ReturnDesk, one: str) -> object:
    return desk.approve_return("1001", one, by=ANNA, send_by=NOON.date())


def count(desk: ReturnDesk, one: str) -> object:
    return desk.receive("1001", one, {"cup": 1}, by=ANNA, request_id="count")


def look_at_later(desk: ReturnDesk, one: str) -> object:
    counts = [Counted(line_id="cup", to_inspect=1)]
    return desk.receive("1001", one, counts, by=ANNA, request_id="count")


def answer(desk: ReturnDesk, one: str) -> object:
    return desk.answer_restock("1001", one, RestockDecision.by_hand(), by=ANNA)


def count_the_rest(desk: ReturnDesk, one: str) -> object:
    return desk.receive("1001", one, {"cup": 1}, by=ANNA, request_id="rest")


def close(desk: ReturnDesk, one: str) -> object:
    return desk.close_return("1001", one, by=ANNA)


def cancel(desk: ReturnDesk, one: str) -> object:
    return desk.cancel_return("1001", one, by=ANNA)


def label(desk: ReturnDesk, one: str) -> object:
    given: Any = {"sender": HOME, "parcel": BOX, "by": ANNA, "request_id": "label"}
    return desk.order_label("1001", one, OPTION, **given)


RETURNS: Mapping[str, Callable[[ReturnDesk], str]] = {
    "requested": requested,
    "approved": after(approve),
    "rejected": after(lambda desk, one: desk.reject_return("1001", one, by=ANNA, because="no")),
    "sent": after(approve, lambda desk, one: desk.mark_sent("1001", one, by=BUYER)),
    "cancelled": after(cancel),
    "cancelled, and asked for anew": after(
        cancel, lambda desk, _: desk.request_return("1001", {"cup": 3}, by=BUYER, request_id="anew")
    ),
    "with a label": after(approve, label),
    "partly counted, and asked about": after(approve, count),
    "partly counted": after(approve, count, answer),
    "counted, to be inspected": after(approve, look_at_later),
    "received": after(approve, count, answer, count_the_rest, answer),
    "closed": after(approve, count, answer, close),
}
"""How a return came to be where it is; it is on order 1001, of which two other units are in none."""

DO: Mapping[DeskStep, Callable[[ReturnDesk, str, Actor], object]] = {
    DeskStep.APPROVE_RETURN: lambda desk, one, by: desk.approve_return("1001", one, by=by),
    DeskStep.REJECT_RETURN: lambda desk, one, by: desk.reject_return("1001", one, by=by, because="so"),
    DeskStep.MARK_SENT: lambda desk, one, by: desk.mark_sent("1001", one, by=by),
    DeskStep.ADD_EVIDENCE: lambda desk, one, by: desk.add_evidence(
        "1001", one, [EvidenceFile(reference="f")], by=by, request_id="e"
    ),
    DeskStep.RECEIVE: lambda desk, one, by: desk.receive("1001", one, {"cup": 1}, by=by, request_id="r"),
    DeskStep.ANSWER_RESTOCK: lambda desk, one, by: desk.answer_restock("1001", one, RestockDecision.all(), by=by),
    DeskStep.CANCEL_RETURN: lambda desk, one, by: desk.cancel_return("1001", one, by=by),
    DeskStep.CLOSE_RETURN: lambda desk, one, by: desk.close_return("1001", one, by=by),
    DeskStep.REOPEN_RETURN: lambda desk, one, by: desk.reopen_return("1001", one, by=by),
    DeskStep.ORDER_LABEL: lambda desk, one, by: desk.order_label(
        "1001", one, OPTION, sender=HOME, parcel=BOX, by=by, request_id="l"
    ),
    DeskStep.CORRECT_RECEIPT: lambda desk, one, by: desk.correct_receipt(
        "1001", a_receipt(desk, one), {"cup": 0}, by=by
    ),
    DeskStep.INSPECT_RECEIPT: lambda desk, one, by: desk.inspect_receipt(
        "1001", a_receipt(desk, one), {"cup": 1}, by=by, request_id="i"
    ),
}


REFUSED = (WrongState, NotAllowed, InvalidQuantity, UnknownReceipt)
"""What the desk says of what cannot be done now: it is not so far, he may not, there are no such units, no count."""


def a_receipt(desk: ReturnDesk, return_id: str) -> str:
    return next(iter(desk.dossier("1001").return_(return_id).receipts), "rc00000000000000000000000000")


@pytest.mark.parametrize("by", [ANNA, BUYER], ids=["staff", "customer"])
@pytest.mark.parametrize("where", RETURNS)
def test_what_is_offered_of_a_return_is_what_the_desk_does(where: str, by: Actor) -> None:
    for step, do in DO.items():
        desk = a_desk(plugin_of(Carrier()))
        return_id = RETURNS[where](desk)
        offered = desk.can_do("1001", by=by).returns[return_id]
        try:
            do(desk, return_id, by)
            done = True
        except REFUSED:
            done = False
        assert done is (step in offered), step
        desk.close()


@pytest.mark.parametrize("by", [ANNA, BUYER], ids=["staff", "customer"])
@pytest.mark.parametrize("where", [*RETURNS, "with a label, and on its way", "with a label that was taken back"])
def test_another_parcel_is_offered_where_a_label_beside_one_that_exists_is_made(where: str, by: Actor) -> None:
    desk = a_desk(plugin_of(Carrier()))
    return_id = {**RETURNS, **WITH_A_LABEL}[where](desk)
    offered = return_id in desk.can_do("1001", by=by).another_parcel
    has_one = any(one.open for one in desk.dossier("1001").labels_of(return_id))
    given: Any = {"sender": HOME, "parcel": BOX, "by": by, "request_id": "beside", "another_parcel": True}
    try:
        done = desk.order_label("1001", return_id, OPTION, **given).changed
    except REFUSED:
        done = False
    assert offered is (done and has_one)
    assert offered is (where in ("with a label", "with a label, and on its way"))
    desk.close()


WITH_A_LABEL: Mapping[str, Callable[[ReturnDesk], str]] = {
    "with a label, and on its way": after(approve, label, lambda desk, one: desk.mark_sent("1001", one, by=BUYER)),
    "with a label that was taken back": after(
        approve, label, lambda desk, _: desk.cancel_label("1001", next(iter(desk.dossier("1001").labels)), by=ANNA)
    ),
}


def test_units_that_can_be_asked_back_and_counted_are_told(database: str) -> None:
    desk = ReturnDesk(shop=MemoryShop([order()]), store=database, migrate=True)
    first = desk.can_do("1001", by=BUYER)
    assert (first.to_request, first.to_count, first.order) == ({"cup": 3, "pot": 1}, {}, (DeskStep.REQUEST_RETURN,))
    desk.request_return("1001", {"cup": 2}, by=BUYER, request_id="f")
    desk.mark_returned("1001", {"pot": 1}, by=ANNA, request_id="g")
    now = desk.can_do("1001", by=ANNA)
    assert (now.to_request, now.to_count) == ({"cup": 1}, {"cup": 3})
    desk.mark_returned("1001", by=ANNA)
    end = desk.can_do("1001", by=ANNA)
    assert (end.to_request, end.to_count) == ({}, {})
    assert DeskStep.MARK_RETURNED not in end.order
    assert DeskStep.REQUEST_RETURN not in end.order
    desk.close()


def test_a_label_is_shown_replaced_and_cancelled_until_a_carrier_has_its_parcel() -> None:
    carrier = Carrier()
    desk = a_desk(plugin_of(carrier))
    RETURNS["with a label"](desk)
    (label_id,) = desk.dossier("1001").labels
    usable = {DeskStep.LABEL_DOCUMENT, DeskStep.ORDER_LABEL, DeskStep.CANCEL_LABEL}
    for by in (ANNA, BUYER):
        assert set(desk.can_do("1001", by=by).labels[label_id]) == usable
    desk.cancel_label("1001", label_id, by=BUYER)
    assert desk.can_do("1001", by=BUYER).labels[label_id] == ()


def test_a_label_whose_last_day_has_passed_is_replaced_and_not_shown() -> None:
    carrier, now = Carrier(), [NOON]
    desk = a_desk(plugin_of(carrier), clock=lambda: now[0])
    RETURNS["with a label"](desk)
    carrier.bought[-1].valid_until = NOON.date()
    desk.reconcile_labels("1001")
    (label_id,) = desk.dossier("1001").labels
    assert DeskStep.LABEL_DOCUMENT in desk.can_do("1001", by=BUYER).labels[label_id]
    now[0] += datetime.timedelta(days=1)
    offered = desk.can_do("1001", by=BUYER).labels[label_id]
    assert (DeskStep.LABEL_DOCUMENT in offered, DeskStep.ORDER_LABEL in offered) == (False, True)


def test_no_label_is_offered_where_none_can_be_made() -> None:
    for desk in (a_desk(), a_desk(plugin_of(Carrier()), return_address=None)):
        return_id = RETURNS["approved"](desk)
        assert DeskStep.ORDER_LABEL not in desk.can_do("1001", by=BUYER).returns[return_id]


def test_a_customer_is_told_of_his_own_orders_alone() -> None:
    desk = a_desk()
    with pytest.raises(NotAllowed):
        desk.can_do("1001", by=Actor.customer("c-2"))


def test_every_step_is_a_method_of_the_desk_with_words_for_a_button() -> None:
    for step in DeskStep:
        assert callable(getattr(ReturnDesk, step))
        assert in_words(step, "nl") != in_words(step, "en")
    assert CanDo().order == ()
