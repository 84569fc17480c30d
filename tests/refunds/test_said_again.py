"""What a provider says anew whenever it is asked: it is known, and does not make an order longer for ever."""

from __future__ import annotations

import datetime
import itertools
import logging
from collections.abc import Callable
from typing import Any

import attrs
import pytest
from shipping.small_carrier import Carrier, plugin_of
from shipping.world import BOX, HOME

from retour import Actor, Money, Payment
from retour.providers import AmountStep, ErrorCode, Idempotency, ProviderError, Refundable, RefundResult, RefundStatus
from retour.rules.said_again import MOST_SAID_AGAIN
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
LOOKS = 40
KEPT_LONG = Idempotency(header="Key", window=datetime.timedelta(days=60))
HOUR, DAY = datetime.timedelta(hours=1), datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


def events(world: Any, kind: str) -> list[Any]:
    known = world.desk._commands.known("1001").events
    return [one.event for one in known if one.event.type == kind]


def answering(world: Any, **methods: Callable[..., Any]) -> None:
    """Open the desk with a provider that answers otherwise."""
    world.open()
    made = type("Other", (world.provider.make_provider(world.ledger),), methods)
    world._enter([world.provider.plugin(made)], 10.0)


# --- what was put off ------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [ErrorCode.RATE_LIMITED, ErrorCode.NOT_YET, ErrorCode.NOT_SENT])
def test_a_refund_that_is_put_off_again_and_again_is_not_told_of_each_time_and_goes_out_in_the_end(
    world: Any, code: ErrorCode
) -> None:
    world.open(idempotency=KEPT_LONG)
    world.ledger.before = [ProviderError(code, f"request {number}") for number in range(LOOKS)]
    world.refund()
    for _ in range(LOOKS + 1):
        world.later(2 * HOUR)
    assert len(events(world, "refund_put_off")) == MOST_SAID_AGAIN + 1
    assert (world.states, world.went_back) == (["succeeded"], 40_00)


def test_why_a_refund_is_put_off_is_told_where_that_is_news(world: Any) -> None:
    codes = [ErrorCode.RATE_LIMITED] * LOOKS + [ErrorCode.NOT_YET] * LOOKS
    world.open(idempotency=KEPT_LONG).ledger.before = [ProviderError(code, "not now") for code in codes]
    world.refund()
    for _ in range(len(codes) - 1):
        world.later(2 * HOUR)
    told = [one.because.code.value for one in events(world, "refund_put_off")]
    assert told == ["rate_limited"] * (MOST_SAID_AGAIN + 1) + ["not_yet"] * (MOST_SAID_AGAIN + 1)
    assert world.refunds[0].problem.code.value == "not_yet"


def test_a_label_that_is_put_off_again_and_again_is_not_told_of_each_time_and_is_made_in_the_end(world: Any) -> None:
    carrier = Carrier()
    world.open(plugin_of(carrier))
    return_id = world.desk.request_return("1001", {"cup": 2}, by=Actor.customer("c-17"), request_id="f").return_id
    [option] = world.desk.label_options("1001", sender=HOME, parcel=BOX, by=ANNA)
    carrier.faults.extend(
        [lambda number=number: ProviderError(ErrorCode.RATE_LIMITED, f"request {number}") for number in range(LOOKS)]
    )
    world.desk.order_label("1001", return_id, option, sender=HOME, parcel=BOX, by=ANNA, request_id="l")
    for _ in range(LOOKS):
        world.later(HOUR)
    assert len(events(world, "label_put_off")) == MOST_SAID_AGAIN + 1
    assert len(carrier.bought) == 1


# --- what a payment is called ----------------------------------------------------------------------------


def test_names_of_a_payment_that_come_in_another_order_are_no_news(world: Any) -> None:
    world.open()
    world.ledger.called = {"s_1": "p_1", "c_1": "p_1"}
    world.desk.reconcile("1001")
    world.ledger.called = {"c_1": "p_1", "s_1": "p_1"}
    assert not world.desk.reconcile("1001").changed


def test_a_name_that_is_another_at_each_look_does_not_make_the_order_longer_for_ever(world: Any) -> None:
    world.open()
    for number in range(LOOKS):
        world.ledger.called = {f"session_{number}": "p_1"}
        world.desk.reconcile("1001")
    assert len(events(world, "payment_identified")) <= MOST_SAID_AGAIN + 1
    world.refund()
    assert world.went_back == 40_00


def test_a_way_of_paying_that_is_called_otherwise_at_each_look_does_not_either(world: Any) -> None:
    steps = (AmountStep(currency="EUR", minor_units=5, method="cash"),)
    world.open(steps=steps)
    for number in range(LOOKS):
        world.ledger.methods["p_1"] = f"card ending in {number}"
        world.desk.reconcile("1001")
    assert len(events(world, "payment_identified")) <= MOST_SAID_AGAIN + 1
    world.ledger.methods["p_1"] = "cash"
    world.desk.reconcile("1001")
    assert world.desk.dossier("1001").identities["ledger:p_1"].step == 5, "what can go back is heard all the same"


def test_that_two_payments_are_one_is_heard_after_however_many_names(world: Any) -> None:
    """Else money that went back on one of them would go back on the other too."""
    world.open()
    paid = [a_payment("100.00", provider="ledger", reference=reference) for reference in ("p_1", "p_2")]
    world.ledger.paid["p_2"] = Money.of("100", "EUR")
    world.shop.orders["1001"] = an_order(a_line("cup", 4, "200.00"), payments=paid)
    for number in range(LOOKS):
        world.ledger.called = {f"session_{number}": "p_1"}
        world.desk.reconcile("1001")
    world.ledger.called = {"session": "p_1", "p_2": "p_1"}
    world.desk.reconcile("1001")
    assert world.desk.dossier("1001").doubled()
    world.ledger.called = {"session": "p_1"}
    world.desk.reconcile("1001")
    assert not world.desk.dossier("1001").doubled(), "and one wrong answer is put right by the next"


# --- answers about something else ------------------------------------------------------------------------


def test_a_provider_that_answers_each_time_with_another_amount_makes_an_order_no_longer_for_ever(world: Any) -> None:
    amounts = itertools.count(1)

    def fetch_refund(self: Any, target: str, reference: str) -> RefundResult:
        return attrs.evolve(world.ledger.refunds[reference], amount=Money(minor=next(amounts), currency="EUR"))

    answering(world, fetch_refund=fetch_refund)
    world.ledger.new_status = RefundStatus.PENDING
    world.refund()
    for _ in range(LOOKS):
        world.later(DAY)
    assert len(events(world, "refund_held")) == MOST_SAID_AGAIN + 1
    (refund_id,) = world.desk.dossier("1001").refunds
    listed = [one for one in world.desk.attention().items if one.about == refund_id]
    assert len(listed) == 1, "and a person looks at the last of them"
    assert next(amounts) > LOOKS / 2, "it was asked all the same"


def test_books_with_another_amount_at_each_look_make_an_order_no_longer_for_ever(world: Any) -> None:
    amounts = itertools.count(50_00)

    def list_refunds(self: Any, target: str) -> list[RefundResult]:
        return [
            attrs.evolve(one, amount=Money(minor=next(amounts), currency="EUR"))
            for one in world.ledger.refunds.values()
        ]

    answering(world, list_refunds=list_refunds)
    world.refund()
    before = len(world.desk._commands.known("1001").events)
    for _ in range(LOOKS):
        world.desk.reconcile("1001")
    assert len(world.desk._commands.known("1001").events) <= before + MOST_SAID_AGAIN + 2


def test_why_nothing_can_go_back_is_no_news_where_only_its_words_are_others(world: Any) -> None:
    numbers = itertools.count(1)

    def refundable(self: Any, payment: Payment) -> Refundable:
        return Refundable(
            target="p_1",
            remaining=Money.of("100", "EUR"),
            possible=False,
            code=ErrorCode.DISPUTED,
            disputed=True,
            reason=f"a dispute, seen at {next(numbers)}",
        )

    answering(world, refundable=refundable)
    world.desk.reconcile("1001")
    for _ in range(LOOKS):
        assert not world.desk.reconcile("1001").changed


# --- times that cannot be --------------------------------------------------------------------------------


def test_a_refund_of_a_time_to_come_is_not_taken_for_one_that_was_made_after_the_link(world: Any) -> None:
    """It was there before: a clock that is wrong by years would make any refund the one that somebody waits for."""
    world.open()
    made = world.ledger.add("p_1", Money.of("40", "EUR"))
    world.ledger.refunds[made.reference] = attrs.evolve(made, created_at=world.now.replace(year=2099))
    world.ledger.lookup_fails = 1  # so that nobody sees it when the link is opened
    world.open_link()
    world.desk.reconcile("1001")
    assert sorted(world.states) == ["awaiting_merchant", "succeeded"]
