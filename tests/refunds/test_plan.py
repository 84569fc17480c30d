"""Which payment gets how much: the host's own policy, and what happens when it cannot say."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

import pytest

from retour import (
    Actor,
    HookContext,
    MemoryShop,
    Money,
    Order,
    RefundPlan,
    RefundQuote,
    ReturnDesk,
    ReturnedLine,
    hookimpl,
)
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")
GIFT_CARD, CARD = "gift:g_1", "card:c_1"
Plan = Callable[[RefundQuote], object]


class Policy:
    """A refund_plan that answers what the test says, and remembers what it was told."""

    name = "policy"

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.told: list[tuple[Sequence[ReturnedLine], RefundQuote, HookContext]] = []

    @hookimpl
    def refund_plan(
        self, order: Order, returned: Sequence[ReturnedLine], quote: RefundQuote, ctx: HookContext
    ) -> object:
        self.told.append((returned, quote, ctx))
        return self.plan(quote)


def opened(*plugins: object) -> ReturnDesk:
    """A desk with one order of EUR 60.00: EUR 50.00 by gift card, then EUR 10.00 by card."""
    payments = [
        a_payment("50.00", provider="gift", reference="g_1", method="gift_card"),
        a_payment("10.00", provider="card", reference="c_1"),
    ]
    order = an_order(a_line("cup", 2, "40.00"), a_line("saucer", 1, "20.00"), payments=payments)
    return ReturnDesk(shop=MemoryShop([order]), store="sqlite://", plugins=plugins)


def suggested(desk: ReturnDesk) -> dict[str, str]:
    return {option.payment.id: str(option.suggested.decimal) for option in desk.refund_options("1001")}


def euros(amount: str) -> Money:
    return Money.of(amount, "EUR")


def test_a_policy_says_which_payment_gets_how_much() -> None:
    policy = Policy(
        lambda quote: [
            RefundPlan(payment=CARD, amount=euros("10.00")),
            RefundPlan(payment=GIFT_CARD, amount=euros("10")),
        ]
    )
    desk = opened(policy)
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    assert suggested(desk) == {GIFT_CARD: "10.00", CARD: "10.00"}
    (returned, quote, ctx), *_ = policy.told
    assert [(line.line_id, line.sellable) for line in returned] == [("cup", 1)]
    assert quote.suggested == euros("20.00")
    assert [(share.payment.id, share.left, share.suggested) for share in quote.shares] == [
        (GIFT_CARD, euros("50.00"), euros("20.00")),
        (CARD, euros("10.00"), euros("0")),
    ]
    assert ctx.shop == "default"


def test_without_a_policy_the_payments_are_refunded_in_their_order() -> None:
    desk = opened(Policy(lambda _: None))
    desk.mark_returned("1001", by=ANNA)
    assert suggested(desk) == {GIFT_CARD: "50.00", CARD: "10.00"}


def test_a_payment_that_the_plan_leaves_out_gets_nothing() -> None:
    desk = opened(Policy(lambda _: [RefundPlan(payment=CARD, amount=euros("5.00"))]))
    desk.mark_returned("1001", by=ANNA)
    assert suggested(desk) == {GIFT_CARD: "0.00", CARD: "5.00"}
    assert [option.because for option in desk.refund_options("1001")] == [None, None]


def test_a_policy_hears_all_that_came_back_so_far() -> None:
    policy = Policy(lambda _: None)
    desk = opened(policy)
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1")
    desk.mark_returned("1001", {"cup": 1, "saucer": 1}, by=ANNA, request_id="form-2")
    desk.refund_options("1001")
    assert {line.line_id: line.sellable for line in policy.told[-1][0]} == {"cup": 2, "saucer": 1}


def test_a_policy_is_asked_only_when_something_is_owed() -> None:
    policy = Policy(lambda _: None)
    desk = opened(policy)
    desk.refund_options("1001")
    assert policy.told == []


def failing(_: RefundQuote) -> object:
    raise ValueError("no table of amounts")


@pytest.mark.parametrize(
    ("plan", "said"),
    [
        (failing, "no table of amounts"),
        (lambda _: "all", "it returned str, no list"),
        (lambda _: ["all"], "it returned str, not RefundPlan"),
        (lambda _: [RefundPlan(payment="x:y", amount=euros("1.00"))], "there is no payment x:y"),
        (lambda _: [RefundPlan(payment=CARD, amount=euros("10.01"))], "10.00 is left"),
        (lambda _: [RefundPlan(payment=CARD, amount=Money.of("1.00", "USD"))], "10.00 is left"),
        (lambda _: [RefundPlan(payment=CARD, amount=euros("1.00"))] * 2, "is planned twice"),
    ],
)
def test_a_policy_that_cannot_say_leaves_it_to_the_merchant(
    caplog: pytest.LogCaptureFixture, plan: Plan, said: str
) -> None:
    caplog.set_level(logging.CRITICAL, "retour")
    desk = opened(Policy(plan))
    desk.mark_returned("1001", by=ANNA)
    assert suggested(desk) == {GIFT_CARD: "0.00", CARD: "0.00"}
    for option in desk.refund_options("1001"):
        assert str(option.because) == "plugin policy (policy) failed"
        assert option.because is not None
        assert said in option.because.said
        assert option.left == option.captured
