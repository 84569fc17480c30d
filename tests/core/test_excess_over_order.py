"""What already happened beyond an order that the shop changed: on which line or payment, and how much."""

from __future__ import annotations

import attrs
import pytest

from retour import Actor, MemoryShop, Money, Objection, Order, OrderLine, Payment, ReturnDesk, hookimpl
from retour.model.dossier import Dossier
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
CUP, TEAPOT = a_line("cup", 4, "80.00"), a_line("teapot", 2, "20.00")
CARD = a_payment("70.00", reference="tr_card")
GIFT = a_payment("30.00", provider="gift", reference="g_1")


def order_of(*parts: OrderLine | Payment) -> Order:
    payments = [part for part in parts if isinstance(part, Payment)]
    return an_order(*[part for part in parts if isinstance(part, OrderLine)], payments=payments)


ORDER = order_of(CUP, TEAPOT, CARD, GIFT)


class NeedsReview:
    """So that a request waits, and can be rejected."""

    @hookimpl
    def return_policy(self) -> Objection:
        return Objection.review("look")


@pytest.fixture(scope="module")
def dossier() -> Dossier:
    """Of 4 cups 3 came back and of 2 teapots 1 is announced; EUR 45.00 of the card and EUR 30.00 of the gift card
    went back or are reserved. A rejected return of a cup and a cancelled refund count for nothing."""
    desk = ReturnDesk(shop=MemoryShop([ORDER]), store="sqlite://", plugins=[NeedsReview()])
    desk.mark_returned("1001", {"cup": 3}, by=ANNA, request_id="1")
    desk.request_return("1001", {"teapot": 1}, by=ANNA, request_id="2")
    rejected = desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="3").return_id
    desk.reject_return("1001", rejected, by=ANNA, because="used")
    for number, (payment, amount) in enumerate([("tr_card", "40"), ("g_1", "30")]):
        money = Money.of(amount, "EUR")
        desk.confirm_refund("1001", payment, money, reference=f"re_{number}", by=ANNA, request_id=f"c{number}")
    desk.open_refund_link("1001", "tr_card", Money.of("5", "EUR"), by=ANNA, request_id="4")
    given_up = desk.open_refund_link("1001", "tr_card", Money.of("25", "EUR"), by=ANNA, request_id="5").refund_id
    assert given_up is not None
    desk.cancel_refund("1001", given_up, by=ANNA)
    return desk.dossier("1001")


def fulfilled(line: OrderLine, units: int) -> OrderLine:
    return attrs.evolve(line, fulfilled=units)


def captured(payment: Payment, amount: str) -> Payment:
    return attrs.evolve(payment, captured=Money.of(amount, "EUR"))


@pytest.mark.parametrize(
    "order, excess",
    [
        pytest.param(ORDER, {}, id="nothing changed"),
        pytest.param(order_of(fulfilled(CUP, 3), TEAPOT, CARD, GIFT), {}, id="exactly what came back is left"),
        pytest.param(order_of(fulfilled(CUP, 2), TEAPOT, CARD, GIFT), {"cup": 1}, id="one unit below"),
        pytest.param(order_of(fulfilled(CUP, 0), TEAPOT, CARD, GIFT), {"cup": 3}, id="none was fulfilled"),
        pytest.param(order_of(TEAPOT, CARD, GIFT), {"cup": 3}, id="the line is gone"),
        pytest.param(order_of(CUP, fulfilled(TEAPOT, 0), CARD, GIFT), {"teapot": 1}, id="what is announced counts"),
        pytest.param(order_of(CUP, TEAPOT, captured(CARD, "45"), GIFT), {}, id="exactly what went back is left"),
        pytest.param(
            order_of(CUP, TEAPOT, captured(CARD, "44.99"), GIFT), {"mollie:tr_card": 1}, id="one minor unit below"
        ),
        pytest.param(
            order_of(CUP, TEAPOT, captured(CARD, "10"), captured(GIFT, "29")),
            {"mollie:tr_card": 3500, "gift:g_1": 100},
            id="each payment for itself, what is reserved included",
        ),
        pytest.param(order_of(CUP, TEAPOT, CARD), {"gift:g_1": 3000}, id="the payment is gone"),
        pytest.param(
            order_of(fulfilled(CUP, 1), fulfilled(TEAPOT, 0), captured(CARD, "40"), GIFT),
            {"cup": 2, "teapot": 1, "mollie:tr_card": 500},
            id="lines and payments at once",
        ),
    ],
)
def test_what_is_above_the_order_is_excess_and_nothing_else(
    dossier: Dossier, order: Order, excess: dict[str, int]
) -> None:
    assert attrs.evolve(dossier, order=order).excess_over_order() == excess


def test_nothing_is_above_an_order_that_was_never_seen(dossier: Dossier) -> None:
    assert attrs.evolve(dossier, order=None).excess_over_order() == {}
