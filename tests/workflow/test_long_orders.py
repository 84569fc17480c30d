"""An order to which four times as much happened costs four times as much, and not sixteen times.

Nothing is timed: calls of functions are counted, which are the same on every machine.
"""

from __future__ import annotations

import datetime
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from typing import Any

import attrs
import pytest

from retour import Actor, MemoryShop, Money, RestockDecision, ReturnDesk, When
from retour.model.dossier import Dossier
from retour.model.history import fold
from retour.model.refunds import Refund, RefundSource, RefundState
from retour.rules.attention import needs_attention
from retour.testing import a_line, an_order

pytestmark = pytest.mark.long

ANNA = Actor.staff("anna")
ONE = Money.of("1.00", "EUR")
PAYMENT = "mollie:tr_1001"
SHORT, LONG = 30, 120
"""Parts in which two orders came back and were refunded."""

names = (f"name {number}" for number in count())


@contextmanager
def counted() -> Iterator[list[int]]:
    """Counts the calls of functions while the block runs."""
    calls = [0]

    def one_more(_: Any, event: str, __: Any) -> None:
        calls[0] += event in ("call", "c_call")

    sys.setprofile(one_more)
    try:
        yield calls
    finally:
        sys.setprofile(None)


def a_desk(**line: Any) -> ReturnDesk:
    return ReturnDesk(shop=MemoryShop([an_order(a_line("cup", 1000, "1000.00", **line))]), store="sqlite://")


def comes_back(desk: ReturnDesk) -> None:
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id=next(names))


def is_refunded(desk: ReturnDesk) -> str:
    confirmed = desk.confirm_refund("1001", PAYMENT, ONE, reference=next(names), by=ANNA, request_id=next(names))
    return str(confirmed.refund_id)


def waits_for_a_person(desk: ReturnDesk) -> None:
    needs_attention(fold("1001", desk._services.store.events("default", "1001")))


DONE: dict[str, Callable[[ReturnDesk], object]] = {
    "dossier": lambda desk: desk.dossier("1001"),
    "timeline": lambda desk: desk.timeline("1001"),
    "customer's timeline": lambda desk: desk.timeline("1001", "customer"),
    "refund_options": lambda desk: desk.refund_options("1001"),
    "what waits for a person": waits_for_a_person,
    "confirm_refund": is_refunded,
    "mark_returned": comes_back,
    "mark_returned, all the rest": lambda desk: desk.mark_returned("1001", by=ANNA),
}


def in_proportion(short: Callable[[], object], long: Callable[[], object]) -> bool:
    """Whether the calls that the long order takes are at most as many times those of the short one as its parts are,
    but for a twentieth."""
    calls = []
    for do in (short, long):
        with counted() as found:
            do()
        calls.append(found[0])
    return calls[1] <= 1.05 * calls[0] * LONG / SHORT


@pytest.mark.parametrize("stock_tracked", [False, True], ids=["stock not counted", "stock booked"])
def test_an_order_in_many_parts_costs_in_proportion(stock_tracked: bool) -> None:
    first, short, long = (a_desk(stock_tracked=stock_tracked) for _ in range(3))
    for desk, parts in ((short, SHORT), (long, LONG)):
        for _ in range(parts):
            comes_back(desk)
            desk.open_refund_link("1001", PAYMENT, ONE, by=ANNA, request_id=next(names))
            is_refunded(desk)
    for what, do in DONE.items():
        do(first)  # what a process does but once, it has done
        assert in_proportion(partial(do, short), partial(do, long)), what


@contextmanager
def calls_of(function: Any) -> Iterator[list[int]]:
    """Counts the calls of one function while the block runs."""
    calls, code = [0], function.__code__

    def one_more(frame: Any, event: str, _: Any) -> None:
        calls[0] += event == "call" and frame.f_code is code

    sys.setprofile(one_more)
    try:
        yield calls
    finally:
        sys.setprofile(None)


ASK_WHAT_CAME_BACK = ["confirm_refund", "mark_returned", "mark_returned, all the rest", "refund_options"]


@pytest.mark.parametrize("what", ASK_WHAT_CAME_BACK)
@pytest.mark.parametrize("changed", [False, True], ids=["the order as it was", "the order changed meanwhile"])
def test_a_command_goes_through_all_that_came_back_once_before_it_and_once_after(changed: bool, what: str) -> None:
    """What the units are worth, which are still on the order, and what each return is worth are asked for by the rules
    and by the rows of lists: each would go through all receipts again. Where the order is what it was, what they add up
    to is known already."""
    desk = a_desk()
    for _ in range(3):
        comes_back(desk)
    if changed:
        shop: Any = desk._services.shops("default").shop
        shop.orders["1001"] = an_order(a_line("cup", 1000, "900.00"))
        comes_back(desk)
    with calls_of(Dossier._came_back_one_by_one) as calls:
        DONE[what](desk)
    assert changed <= calls[0] <= 2


def test_a_return_that_comes_in_many_parcels_costs_in_proportion() -> None:
    first, short, long = (a_desk() for _ in range(3))
    announced = {}
    for desk, parcels in ((first, 1), (short, SHORT), (long, LONG)):
        made = desk.request_return("1001", {"cup": 2 * parcels}, by=ANNA, request_id=next(names))
        announced[desk] = str(made.return_id)
        for _ in range(parcels):
            is_counted(desk, announced[desk])
    for what, do in ({"receive": lambda desk: is_counted(desk, announced[desk])} | DONE).items():
        do(first)
        assert in_proportion(partial(do, short), partial(do, long)), what


def is_counted(desk: ReturnDesk, return_id: str) -> None:
    received = desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id=next(names))
    if received.restock.needs_answer:
        desk.answer_restock("1001", return_id, RestockDecision.all(), by=ANNA)


@pytest.mark.parametrize("source", [RefundSource.API, RefundSource.EXTERNAL])
@pytest.mark.parametrize("state", [RefundState.FAILED, RefundState.SUCCEEDED, RefundState.UNKNOWN])
def test_what_waits_for_a_person_is_found_in_proportion(source: RefundSource, state: RefundState) -> None:
    order = an_order(a_line("cup", 1000, "1000.00"))
    dossier = Dossier(order_id="1001", order=order, payments={PAYMENT: order.payments[0]})

    def look(parts: int) -> Callable[[], object]:
        refunds = [a_refund(number, source=source, state=state) for number in range(parts)]
        return partial(needs_attention, attrs.evolve(dossier, refunds={one.id: one for one in refunds}))

    look(1)()
    assert in_proportion(look(SHORT), look(LONG))


def a_refund(number: int, **values: Any) -> Refund:
    when = When(seq=number + 1, at=datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC))
    return Refund(
        id=f"rf{number}", payment=PAYMENT, amount=ONE, opened=when, changed=when, reference=f"re{number}", **values
    )
