"""The goods track: requested, approved or rejected, sent, received, closed; cancelled and expired."""

from __future__ import annotations

import datetime

import pytest

from retour import (
    Actor,
    Counted,
    GoodsState,
    MemoryShop,
    Objection,
    Order,
    RequestedLine,
    RestockDecision,
    ReturnDesk,
    hookimpl,
)
from retour.model.errors import InvalidArgument, InvalidQuantity, NotAllowed, WrongState
from retour.model.return_number import return_number
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
CUSTOMER = Actor.customer("c-17")
TODAY = datetime.datetime(2026, 11, 23, 12, 0, tzinfo=datetime.UTC)


class Clock:
    """A clock that the test sets."""

    def __init__(self) -> None:
        self.now = TODAY

    def __call__(self) -> datetime.datetime:
        self.now += datetime.timedelta(seconds=1)
        return self.now


class Policy:
    """A return_policy that answers what the test says."""

    name = "policy"

    def __init__(self, answer: object) -> None:
        self.answer = answer

    @hookimpl
    def return_policy(self) -> object:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def opened(order: Order, *plugins: object, clock: Clock | None = None) -> ReturnDesk:
    return ReturnDesk(shop=MemoryShop([order]), store="sqlite://", plugins=plugins, clock=clock or Clock())


def goods(desk: ReturnDesk, return_id: str) -> GoodsState:
    return desk.dossier("1001").return_(return_id).goods


@pytest.fixture
def desk() -> ReturnDesk:
    return opened(an_order(a_line("teapot", 2), a_line("cup", 4)))


def test_a_request_without_objections_is_approved(desk: ReturnDesk) -> None:
    asked = desk.request_return("1001", {"cup": 2}, by=CUSTOMER, request_id="form-1")
    assert goods(desk, asked.return_id) is GoodsState.APPROVED


@pytest.mark.parametrize(
    "by, objection, state",
    [
        (CUSTOMER, Objection.refuse("Sale items stay sold"), GoodsState.REJECTED),
        (CUSTOMER, Objection.review("Look at the photo"), GoodsState.REQUESTED),
        (ANNA, Objection.refuse("Sale items stay sold"), GoodsState.REQUESTED),
        (CUSTOMER, ValueError("the policy broke"), GoodsState.REQUESTED),
        (CUSTOMER, "no objection at all", GoodsState.REQUESTED),
        (CUSTOMER, None, GoodsState.APPROVED),
    ],
)
def test_the_strictest_objection_wins_and_a_broken_policy_needs_review(
    by: Actor, objection: object, state: GoodsState
) -> None:
    desk = opened(an_order(a_line("teapot", 2)), Policy(objection))
    asked = desk.request_return("1001", {"teapot": 1}, by=by, request_id="form-1")
    assert goods(desk, asked.return_id) is state


def test_staff_approves_against_an_objection() -> None:
    desk = opened(an_order(a_line("teapot", 2)), Policy(Objection.refuse("Too late")))
    asked = desk.request_return("1001", {"teapot": 1}, by=ANNA, request_id="form-1")
    desk.approve_return("1001", asked.return_id, by=ANNA)
    assert goods(desk, asked.return_id) is GoodsState.APPROVED
    assert desk.dossier("1001").return_(asked.return_id).objections[0].because.said == "Too late"


def test_units_of_a_live_request_cannot_be_in_another_return(desk: ReturnDesk) -> None:
    desk.request_return("1001", {"cup": 3}, by=CUSTOMER, request_id="form-1")
    with pytest.raises(
        InvalidQuantity,
        match=r"1 unit can still come back, so 2 is too many\. Of 4 delivered: 3 announced",
    ):
        desk.request_return("1001", {"cup": 2}, by=CUSTOMER, request_id="form-2")


@pytest.mark.parametrize("end", ["reject", "cancel", "expire"])
def test_a_return_that_ended_frees_its_units_and_never_counts_as_returned(end: str) -> None:
    clock = Clock()
    desk = opened(an_order(a_line("teapot", 2)), Policy(Objection.review("look")), clock=clock)
    return_id = desk.request_return("1001", {"teapot": 2}, by=CUSTOMER, request_id="form-1").return_id
    if end == "reject":
        desk.reject_return("1001", return_id, by=ANNA, because="No")
    elif end == "cancel":
        desk.cancel_return("1001", return_id, by=CUSTOMER)
    else:
        desk.approve_return("1001", return_id, by=ANNA, send_by=TODAY.date())
        clock.now += datetime.timedelta(days=1)
        assert desk.work().expired == 1
    assert not desk.dossier("1001").return_(return_id).live
    assert desk.dossier("1001").claimed() == {}
    outcome = desk.mark_returned("1001", by=ANNA)
    assert outcome.return_id != return_id


def test_an_approved_return_does_not_expire_on_its_last_day() -> None:
    clock = Clock()
    desk = opened(an_order(a_line("teapot", 2)), Policy(Objection.review("look")), clock=clock)
    return_id = desk.request_return("1001", {"teapot": 2}, by=CUSTOMER, request_id="form-1").return_id
    desk.approve_return("1001", return_id, by=ANNA, send_by=TODAY.date())
    clock.now = datetime.datetime(2026, 11, 23, 22, 59, tzinfo=datetime.UTC)  # 23:59 in Amsterdam
    assert desk.work().expired == 0
    clock.now = datetime.datetime(2026, 11, 23, 23, 1, tzinfo=datetime.UTC)  # the next day in Amsterdam
    assert desk.work().expired == 1


def test_a_return_arrives_in_several_parcels(desk: ReturnDesk) -> None:
    return_id = desk.request_return("1001", {"teapot": 1, "cup": 2}, by=CUSTOMER, request_id="form-1").return_id
    desk.mark_sent("1001", return_id, by=CUSTOMER, tracking="3SABC")
    assert goods(desk, return_id) is GoodsState.IN_TRANSIT
    desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="parcel-1")
    assert goods(desk, return_id) is GoodsState.PARTLY_RECEIVED
    desk.receive("1001", return_id, {"teapot": 1}, by=ANNA, request_id="parcel-2")
    assert goods(desk, return_id) is GoodsState.RECEIVED


def test_more_than_announced_is_refused_unless_staff_says_so(desk: ReturnDesk) -> None:
    return_id = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1").return_id
    with pytest.raises(InvalidQuantity, match=r"return [\w-]+ waits for 1 unit, so 2 is too many\. Announced: 1"):
        desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="parcel-1")
    desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="parcel-1", more_than_requested=True)
    assert desk.dossier("1001").claimed() == {"cup": 2}


def test_even_staff_cannot_count_more_than_was_fulfilled(desk: ReturnDesk) -> None:
    return_id = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1").return_id
    with pytest.raises(InvalidQuantity, match=r"4 units can still come back .*, so 5 is too many"):
        desk.receive("1001", return_id, {"cup": 5}, by=ANNA, request_id="parcel-1", more_than_requested=True)


def test_marking_an_order_returned_counts_announced_units_on_their_own_returns(desk: ReturnDesk) -> None:
    first = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1").return_id
    second = desk.request_return("1001", {"teapot": 1, "cup": 2}, by=CUSTOMER, request_id="form-2").return_id
    outcome = desk.mark_returned("1001", by=ANNA)
    assert [one.return_id for one in outcome.returns][:2] == [first, second]
    assert len(outcome.returns) == 3
    assert {state.goods for state in desk.dossier("1001").returns.values()} == {GoodsState.RECEIVED}
    assert desk.dossier("1001").came_back() == {"teapot": 2, "cup": 4}


def test_closing_frees_units_that_were_announced_and_never_came(desk: ReturnDesk) -> None:
    return_id = desk.request_return("1001", {"cup": 4}, by=CUSTOMER, request_id="form-1").return_id
    desk.receive("1001", return_id, [Counted(line_id="cup", damaged=1)], by=ANNA, request_id="parcel-1")
    desk.close_return("1001", return_id, by=ANNA)
    assert desk.dossier("1001").claimed() == {"cup": 1}


def test_a_return_with_an_open_question_cannot_be_closed(desk: ReturnDesk) -> None:
    return_id = desk.mark_returned("1001", by=ANNA).return_id
    with pytest.raises(WrongState, match="waits for an answer about the stock"):
        desk.close_return("1001", return_id, by=ANNA)
    desk.answer_restock("1001", return_id, RestockDecision.by_hand(), by=ANNA)
    desk.close_return("1001", return_id, by=ANNA)
    assert goods(desk, return_id) is GoodsState.CLOSED


@pytest.mark.parametrize("step", ["approve", "reject", "send", "cancel", "close", "receive"])
def test_a_rejected_return_can_do_nothing_more(step: str) -> None:
    desk = opened(an_order(a_line("teapot", 2)), Policy(Objection.review("look")))
    return_id = desk.request_return("1001", {"teapot": 1}, by=CUSTOMER, request_id="form-1").return_id
    desk.reject_return("1001", return_id, by=ANNA, because="No")
    steps = {
        "approve": lambda: desk.approve_return("1001", return_id, by=ANNA),
        "reject": lambda: desk.reject_return("1001", return_id, by=ANNA, because="No"),
        "send": lambda: desk.mark_sent("1001", return_id, by=CUSTOMER),
        "cancel": lambda: desk.cancel_return("1001", return_id, by=CUSTOMER),
        "close": lambda: desk.close_return("1001", return_id, by=ANNA),
        "receive": lambda: desk.receive("1001", return_id, {"teapot": 1}, by=ANNA, request_id="r"),
    }
    with pytest.raises(WrongState, match=f"Order 1001: return {return_number(return_id)} is rejected"):
        steps[step]()
    assert goods(desk, return_id) is GoodsState.REJECTED


def test_a_customer_may_only_request_send_and_cancel(desk: ReturnDesk) -> None:
    return_id = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1").return_id
    for command in (
        lambda: desk.mark_returned("1001", by=CUSTOMER),
        lambda: desk.receive("1001", return_id, {"cup": 1}, by=CUSTOMER, request_id="r"),
        lambda: desk.close_return("1001", return_id, by=CUSTOMER),
        lambda: desk.reject_return("1001", return_id, by=CUSTOMER, because="No"),
    ):
        with pytest.raises((NotAllowed, WrongState)):
            command()
    assert goods(desk, return_id) is GoodsState.APPROVED


def test_reasons_are_kept_with_their_lines(desk: ReturnDesk) -> None:
    line = RequestedLine(line_id="cup", quantity=1, reason="too small")
    return_id = desk.request_return("1001", [line], by=CUSTOMER, request_id="form-1").return_id
    assert desk.dossier("1001").return_(return_id).reasons == {"cup": "too small"}


def test_a_cancelled_request_cannot_be_cancelled_after_its_goods_were_counted(desk: ReturnDesk) -> None:
    return_id = desk.request_return("1001", {"cup": 1}, by=CUSTOMER, request_id="form-1").return_id
    desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id="parcel-1")
    with pytest.raises(WrongState, match="is received"):
        desk.cancel_return("1001", return_id, by=CUSTOMER)


@pytest.mark.parametrize("because", ["", "  "])
def test_a_return_is_rejected_for_a_reason_that_the_customer_reads(because: str) -> None:
    desk = opened(an_order(a_line("teapot", 2)), Policy(Objection.review("look")))
    return_id = desk.request_return("1001", {"teapot": 1}, by=CUSTOMER, request_id="form-1").return_id
    with pytest.raises(InvalidArgument, match="say why the return is rejected"):
        desk.reject_return("1001", return_id, by=ANNA, because=because)
    assert goods(desk, return_id) is GoodsState.REQUESTED


HOW_TO_BE = {
    "approved": lambda desk, one: None,
    "on its way": lambda desk, one: desk.mark_sent("1001", one, by=CUSTOMER),
    "partly received": lambda desk, one: desk.receive("1001", one, {"cup": 1}, by=ANNA, request_id="parcel"),
    "received": lambda desk, one: desk.receive("1001", one, {"cup": 2}, by=ANNA, request_id="parcel"),
    "cancelled": lambda desk, one: desk.cancel_return("1001", one, by=ANNA),
}
REFUSED = [
    ("cancel", "cancelled", "ALREADY.*Reopen it to let it go on"),
    ("reject", "approved", "cannot be rejected.*cancel it when it will not come"),
    ("close", "approved", "cannot be closed.*cancel it when it will not come"),
    ("cancel", "partly received", "cannot be cancelled.*close it when nothing more does, or correct the receipt"),
    ("approve", "on its way", "cannot be approved.*Count it when it is here"),
    ("send", "received", "cannot be on its way.*It can be closed"),
    ("send", "cancelled", "cannot be on its way"),
]


@pytest.mark.parametrize("command, state, says", REFUSED)
def test_what_cannot_be_done_any_more_says_what_can(desk: ReturnDesk, command: str, state: str, says: str) -> None:
    one = desk.request_return("1001", {"cup": 2}, by=CUSTOMER, request_id="form-1").return_id
    HOW_TO_BE[state](desk, one)
    commands = {
        "approve": lambda: desk.approve_return("1001", one, by=ANNA),
        "reject": lambda: desk.reject_return("1001", one, by=ANNA, because="No"),
        "send": lambda: desk.mark_sent("1001", one, by=CUSTOMER),
        "cancel": lambda: desk.cancel_return("1001", one, by=ANNA),
        "close": lambda: desk.close_return("1001", one, by=ANNA),
    }
    expected = f"is {state}, so it {says}".replace(", so it ALREADY", " already")
    with pytest.raises(WrongState, match=expected):
        commands[command]()


def test_a_request_for_too_many_names_the_returns_that_have_the_rest(desk: ReturnDesk) -> None:
    first = desk.request_return("1001", {"cup": 3}, by=CUSTOMER, request_id="form-1").return_id
    told = rf"3 announced on return {return_number(first)}, 1 in no return\. What is announced is free again"
    with pytest.raises(InvalidQuantity, match=told):
        desk.request_return("1001", {"cup": 2}, by=CUSTOMER, request_id="form-2")
    desk.cancel_return("1001", first, by=CUSTOMER)
    desk.request_return("1001", {"cup": 4}, by=CUSTOMER, request_id="form-2")
