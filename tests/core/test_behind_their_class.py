"""A value that was made behind the back of its class is refused where a host hands it over, before anything is stored.

`object.__setattr__` writes into a frozen value, and ``attrs.validators.set_disabled`` turns the checks off everywhere.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import pytest

from retour import (
    Actor,
    Consent,
    ConsentWay,
    Counted,
    EvidenceFile,
    InvalidOrder,
    MemoryShop,
    Money,
    Order,
    RequestedLine,
    RestockDecision,
    RetourError,
    ReturnDesk,
)
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
FILE = EvidenceFile(reference="file-1", name="left.jpg")
ORDER = an_order(a_line("cup", 9, "90.00"), a_line("pot", 9, "90.00"), customer="c-1")


def forged(value: Any, field: str, other: object) -> Any:
    """The value with another one in a field, past its class."""
    changed = copy.copy(value)
    object.__setattr__(changed, field, other)
    return changed


@pytest.fixture
def desk() -> ReturnDesk:
    return ReturnDesk(shop=MemoryShop([ORDER]), store="sqlite://")


def requested(desk: ReturnDesk) -> str:
    return desk.request_return("1001", {"cup": 2}, by=ANNA, request_id="requested").return_id


def asked(desk: ReturnDesk) -> str:
    lines = {"cup": 1, "pot": 1}
    return desk.mark_returned("1001", lines, by=ANNA, request_id="asked").return_id


FORGED: dict[str, Callable[[ReturnDesk], object]] = {
    "a file with a name that is too long": lambda desk: desk.add_evidence(
        "1001", requested(desk), [forged(FILE, "name", "x" * 256)], by=ANNA, request_id="form"
    ),
    "a file whose name is a day": lambda desk: desk.request_return(
        "1001", {"cup": 1}, by=ANNA, request_id="form", evidence=[forged(FILE, "name", 5)]
    ),
    "a proof with half a character": lambda desk: desk.mark_sent(
        "1001", requested(desk), by=ANNA, proof=forged(FILE, "reference", "\ud800")
    ),
    "a count of a text": lambda desk: desk.mark_returned(
        "1001", [forged(Counted(line_id="cup", sellable=1), "sellable", "1")], by=ANNA, request_id="form"
    ),
    "half a unit": lambda desk: desk.request_return(
        "1001", [forged(RequestedLine(line_id="cup", quantity=1), "quantity", 0.5)], by=ANNA, request_id="form"
    ),
    "an amount in no currency": lambda desk: desk.confirm_refund(
        "1001",
        "tr_1001",
        forged(Money.of("1", "EUR"), "currency", "x" * 255),
        by=ANNA,
        reference="bank 1",
        request_id="form",
    ),
    "a consent in no way": lambda desk: desk.refund(
        "1001",
        "tr_1001",
        Money.of("1", "EUR"),
        by=ANNA,
        request_id="form",
        consent=forged(Consent(how=ConsentWay.PHONE), "how", "by owl"),
    ),
    "a decision of no kind": lambda desk: desk.answer_restock(
        "1001", asked(desk), forged(RestockDecision.all(), "kind", "some"), by=ANNA
    ),
    "an actor of no kind": lambda desk: desk.cancel_return(
        "1001", requested(desk), by=forged(ANNA, "kind", "somebody")
    ),
    "an outcome of no commit": lambda desk: desk.run(
        forged(desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form"), "commit_id", "\ud800")
    ),
    "an outcome whose returns are a number": lambda desk: desk.run(
        forged(desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form"), "returns", 5)
    ),
}
"""What a host can hand over, by what is wrong with it."""


@pytest.mark.parametrize("act", FORGED.values(), ids=FORGED)
def test_an_argument_that_its_class_would_have_refused_is_refused_in_words(
    desk: ReturnDesk, act: Callable[[ReturnDesk], object]
) -> None:
    with pytest.raises(RetourError) as refused:
        act(desk)
    assert all(refused.value.text(language).encode() for language in ("en", "nl"))
    assert all(entry.text("nl") for audience in ("staff", "customer") for entry in desk.timeline("1001", audience))


class Liar(str):
    """A text that cannot be compared."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        raise RuntimeError("compared")

    __hash__ = str.__hash__


def with_amount(order: Order, field: str, other: object) -> Order:
    """The order with another value in the amount of its payment."""
    payment = order.payments[0]
    return forged(order, "payments", (forged(payment, "captured", forged(payment.captured, field, other)),))


@pytest.mark.parametrize(
    "order",
    [
        with_amount(ORDER, "minor", Liar("1")),
        with_amount(ORDER, "minor", 1.5),
        with_amount(ORDER, "currency", "x" * 255),
        forged(ORDER, "lines", (forged(ORDER.lines[0], "ordered", "9"),)),
        forged(ORDER, "lines", 5),
        forged(ORDER, "customer", 5),
        forged(ORDER, "payments", (a_payment("1", currency="USD"),)),
        forged(ORDER, "payments", (forged(ORDER.payments[0], "payer", "J. Jansen"),)),
    ],
    ids=[
        *("no number", "half a cent", "no currency", "units of text", "no lines", "no customer", "another currency"),
        "no payer",
    ],
)
@pytest.mark.parametrize("before", [False, True], ids=["unseen", "seen"])
def test_an_order_that_its_class_would_have_refused_is_no_order(desk: ReturnDesk, order: Order, before: bool) -> None:
    """Also where it was seen before as it should be; and then it is an order again."""
    shop = desk._services.shops("default").shop
    if before:
        asked(desk)
    shop.orders["1001"] = order
    with pytest.raises(InvalidOrder, match="Order 1001: the shop gave an order that cannot be"):
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form")
    with pytest.raises(InvalidOrder):
        desk.shipping_options("1001")
    shop.orders["1001"] = ORDER
    assert desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form").changed


def test_an_order_whose_id_cannot_be_compared_is_none(desk: ReturnDesk) -> None:
    desk._services.shops("default").shop.orders["1001"] = forged(ORDER, "id", Liar("1001"))
    with pytest.raises(RetourError, match="The shop has no order 1001"):
        desk.mark_returned("1001", by=ANNA)
