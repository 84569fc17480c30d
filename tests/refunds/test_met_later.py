"""A payment that the shop adds after our first event is seen where it is met, and no question about it stays open."""

from __future__ import annotations

from typing import Any

import attrs
import pytest

from retour import Actor, Money, Order, Payment
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
EUR40 = Money.of("40", "EUR")


def with_second_payment(world: Any) -> Payment:
    """A first event, and then the shop adds a payment."""
    world.open()
    world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f1")
    world.ledger.paid["p_2"] = Money.of("100", "EUR")
    payments = [a_payment("100.00", provider="ledger", reference=name) for name in ("p_1", "p_2")]
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "200.00"), payments=payments)
    return payments[1]


def test_reconcile_reads_a_payment_that_was_added_later(world: Any) -> None:
    payment = with_second_payment(world)
    world.ledger.add("p_2", EUR40)
    outcome = world.desk.reconcile("1001")
    assert outcome.not_asked == ()
    assert [(one.payment, one.state) for one in world.refunds] == [(payment.id, "succeeded")]


@pytest.mark.parametrize("body", [b"fetch:p_2", b"event:re_1"])
@pytest.mark.parametrize("inline_seconds", [0, 10])
def test_a_webhook_about_a_payment_that_was_added_later_is_acted_on(
    world: Any, body: bytes, inline_seconds: float
) -> None:
    payment = with_second_payment(world)
    world.open(inline_seconds=inline_seconds)
    world.shop.orders["1001"] = attrs.evolve(
        world.shop.orders["1001"], payments=(*world.shop.orders["1001"].payments, payment)
    )
    world.ledger.add("p_2", EUR40)
    assert world.desk.receive_webhook("ledger", {"Signature": "right"}, body).kept == 1
    world.later()
    assert [(one.payment, one.state) for one in world.refunds] == [(payment.id, "succeeded")]
    assert world.desk.work().postponed == ()
    assert world.desk.find_order("ledger", "p_2") == "1001"


def test_the_order_is_seen_once_where_a_webhook_meets_it_first(world: Any) -> None:
    world.open().ledger.add("p_1", EUR40)
    world.desk.receive_webhook("ledger", {"Signature": "right"}, b"event:re_1")
    world.desk.receive_webhook("ledger", {"Signature": "right"}, b"event:re_1")
    codes = [one.event.type for one in world.desk._services.store.events("default", "1001")]
    assert codes == ["order_seen", "external_refund_found"]


def without_payments(order: Order) -> Order:
    return attrs.evolve(order, payments=())


@pytest.mark.parametrize("left", ["the payment", "the order"])
def test_what_was_told_of_a_payment_is_recorded_though_it_left_the_shop_meanwhile(world: Any, left: str) -> None:
    world.open(inline_seconds=0).ledger.add("p_1", EUR40)
    world.desk.receive_webhook("ledger", {"Signature": "right"}, b"event:re_1")
    if left == "the order":
        del world.shop.orders["1001"]
    else:
        world.shop.orders["1001"] = without_payments(world.shop.orders["1001"])
    world.later()
    assert world.desk.work().postponed == ()
    (told,) = [one.event for one in world.desk._services.store.events("default", "1001") if one.seq > 1]
    assert (told.type, told.reference) == ("external_refund_found", "re_1")


def test_a_refund_on_its_way_ends_although_the_shop_removed_its_payment(world: Any) -> None:
    world.open(inline_seconds=0)
    refund_id = world.refund().refund_id
    world.shop.orders["1001"] = without_payments(world.shop.orders["1001"])
    world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f9")
    world.later()
    assert world.desk.dossier("1001").refunds[refund_id].state == "succeeded"


def test_a_webhook_about_an_order_that_the_shop_lost_is_kept_where_we_know_the_order(world: Any) -> None:
    world.open()
    world.desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f1")
    del world.shop.orders["1001"]
    world.ledger.add("p_1", EUR40)
    assert world.desk.receive_webhook("ledger", {"Signature": "right"}, b"event:re_1").kept == 1
    assert [one.event.type for one in world.desk._services.store.events("default", "1001")][
        -1
    ] == "external_refund_found"
