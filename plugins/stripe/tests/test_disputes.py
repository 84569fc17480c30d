"""Disputes at Stripe: what was lost is gone, what is open waits for its answer, and what is over stands in no way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import attrs
import pytest

from retour.providers import ErrorCode, Money, Payment, ProviderError, RefundRequest, RefundStatus, Secret, ToFetch
from retour.sandbox import SandboxRequest, SandboxResponse
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox

PAID = Money.of("94.95", "EUR")
PART = Money.of("25.00", "EUR")
NOTHING = Money.zero("EUR")

PaymentOf = Callable[..., Payment]
RefundOf = Callable[..., RefundRequest]


def asked(sandbox: StripeSandbox) -> list[str]:
    """The paths that were asked for, which this forgets."""
    paths = [request.path.removeprefix("/v1/") for request in sandbox.server.requests]
    sandbox.server.requests.clear()
    return paths


def told_otherwise(sandbox: StripeSandbox, change: Callable[[Any], Any]) -> None:
    """The list of disputes comes back changed."""
    truth = sandbox.server.handle

    def handle(request: SandboxRequest) -> SandboxResponse:
        response = truth(request)
        if request.path != "/v1/disputes":
            return response
        return attrs.evolve(response, body=change(response.body))

    sandbox.server.handle = handle


# --- what it costs ---------------------------------------------------------------------------------------


def test_only_a_disputed_charge_takes_one_question_more(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf
) -> None:
    reference = sandbox.pay(PAID)
    assert stripe.refundable(payment(reference)).charged_back == NOTHING
    assert asked(sandbox) == [f"payment_intents/{reference}"]
    sandbox.open_dispute(reference)
    stripe.refundable(payment(reference))
    [query] = [request.query for request in sandbox.server.requests if request.path == "/v1/disputes"]
    assert asked(sandbox) == [f"payment_intents/{reference}", "disputes"]
    assert query == {"charge": sandbox.charge_of(reference), "limit": "100"}


# --- what was lost ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("stored", ["intent", "charge", "checkout"])
def test_what_was_lost_is_charged_back_whatever_the_shop_stored(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, stored: str
) -> None:
    pay = {"intent": sandbox.pay, "charge": sandbox.pay_by_charge, "checkout": sandbox.check_out}[stored]
    reference = pay(PAID)
    dispute = sandbox.charge_back(reference, PART)
    can = stripe.refundable(payment(reference))
    assert (can.captured, can.charged_back, can.remaining) == (PAID, PART, PAID - PART)
    assert (can.possible, can.reason) == (
        False,
        f"dispute {dispute} of EUR 25.00 was lost, and Stripe refunds nothing more of the payment",
    )
    assert (can.code, can.disputed) == (ErrorCode.NOT_REFUNDABLE, False), "it is decided"


def test_the_rest_of_a_payment_that_was_lost_in_part_goes_where_stripe_lets_it(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    sandbox.move_dispute(sandbox.open_dispute(reference, PART), "lost", refundable=True)
    can = stripe.refundable(payment(reference))
    assert (can.charged_back, can.remaining, can.possible) == (PART, PAID - PART, True)
    assert stripe.refund(refund_of(reference, "69.95")).status is RefundStatus.SUCCEEDED
    can = stripe.refundable(payment(reference))
    assert (can.remaining, can.reason) == (NOTHING, "everything is refunded, or was lost in a dispute")


def test_of_several_disputes_each_that_was_lost_counts_and_each_can_be_in_the_way(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf
) -> None:
    reference = sandbox.pay(PAID)
    for amount, status in (("10.00", "lost"), ("20.00", "won"), ("30.00", "lost")):
        sandbox.move_dispute(sandbox.open_dispute(reference, Money.of(amount, "EUR")), status, refundable=True)
    can = stripe.refundable(payment(reference))
    assert (can.charged_back, can.possible) == (Money.of("40.00", "EUR"), True)
    still_open = sandbox.open_dispute(reference, PART)
    can = stripe.refundable(payment(reference))
    assert (can.charged_back, can.possible) == (Money.of("40.00", "EUR"), False)
    assert (can.code, can.disputed) == (ErrorCode.DISPUTED, True), "one of them is not decided"
    assert still_open in can.reason


def test_a_dispute_that_stands_on_the_page_twice_counts_once(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf
) -> None:
    reference = sandbox.pay(PAID)
    sandbox.charge_back(reference, PART)
    told_otherwise(sandbox, lambda page: page | {"data": page["data"] * 2})
    assert stripe.refundable(payment(reference)).charged_back == PART


def test_where_currencies_moved_no_more_is_lost_than_was_captured(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf
) -> None:
    """The amount "can differ (usually because of currency fluctuation …)": schema ``dispute``."""
    reference = sandbox.pay(PAID)
    sandbox.charge_back(reference)
    told_otherwise(sandbox, lambda page: page | {"data": [one | {"amount": 99_95} for one in page["data"]]})
    can = stripe.refundable(payment(reference))
    assert (can.charged_back, can.remaining, can.possible) == (PAID, NOTHING, False)


def test_what_was_lost_and_what_was_refunded_before_leave_nothing_and_never_less(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf
) -> None:
    reference = sandbox.pay(PAID)
    sandbox.refund_in_dashboard(reference, PART)
    sandbox.charge_back(reference)
    can = stripe.refundable(payment(reference))
    assert (can.charged_back, can.remaining, can.refunds and can.refunds[0].amount) == (PAID, NOTHING, PART)


# --- what is open, and what is over ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("status", "refundable", "words"),
    [
        ("needs_response", False, "a dispute is open ({dispute}, EUR 94.95): answer it in the Stripe dashboard"),
        ("under_review", False, "a dispute is open ({dispute}, EUR 94.95): answer it in the Stripe dashboard"),
        ("warning_under_review", False, "a question about the payment (inquiry {dispute} of EUR 94.95)"),
        ("warning_needs_response", True, ""),
        ("warning_closed", True, ""),
        ("warning_closed", False, "inquiry {dispute} of EUR 94.95 is closed, and Stripe refunds nothing more"),
        ("won", True, ""),
        ("won", False, ""),  # the money is with the merchant: Stripe refuses what it does not want
        ("prevented", True, "Stripe calls dispute {dispute} of EUR 94.95 prevented"),  # newer than 2024-04-10
    ],
)
def test_a_dispute_says_whether_its_charge_can_be_refunded_now(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, status: str, refundable: bool, words: str
) -> None:
    reference = sandbox.pay(PAID)
    dispute = sandbox.open_dispute(reference)
    change = {"status": status, "is_charge_refundable": refundable}
    told_otherwise(sandbox, lambda page: page | {"data": [one | change for one in page["data"]]})
    can = stripe.refundable(payment(reference))
    assert (can.possible, can.charged_back, can.remaining) == (not words, NOTHING, PAID)
    assert words.format(dispute=dispute) in can.reason
    is_open = status not in ("won", "warning_closed")
    assert can.disputed is is_open
    assert can.code is (None if not words else ErrorCode.DISPUTED if is_open else ErrorCode.NOT_REFUNDABLE)


def test_stripe_refuses_a_refund_while_a_dispute_is_open_and_makes_it_when_it_is_won(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    dispute = sandbox.open_dispute(reference)
    with pytest.raises(ProviderError) as caught:
        stripe.refund(refund_of(reference))
    assert (caught.value.code, caught.value.provider_code) == (ErrorCode.DISPUTED, "charge_disputed")
    sandbox.move_dispute(dispute, "won")
    assert stripe.refundable(payment(reference)).possible
    assert stripe.refund(refund_of(reference, number=2)).status is RefundStatus.SUCCEEDED


# --- what cannot be told ---------------------------------------------------------------------------------


def test_a_key_that_may_not_read_disputes_is_told_which_permission_it_lacks_and_nothing_is_guessed(
    sandbox: StripeSandbox, payment: PaymentOf, provider_with: Callable[..., Stripe]
) -> None:
    disputed, untouched = sandbox.pay(PAID), sandbox.pay(PAID)
    sandbox.move_dispute(sandbox.open_dispute(disputed), "won")
    sandbox.restricted_from = ("disputes",)
    restricted = provider_with(sandbox, api_key=Secret(sandbox.restricted_key))
    can = restricted.refundable(payment(disputed))
    assert (can.possible, can.charged_back) == (False, None)
    assert "give it the permission to read Disputes" in can.reason
    assert restricted.refundable(payment(untouched)).possible


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda page: page | {"has_more": True}, "more than 100 disputes"),
        (lambda page: page | {"data": []}, "shows no dispute of it"),
        (
            lambda page: page | {"data": [one | {"currency": "usd"} for one in page["data"]]},
            "of USD 25.00 on a payment",
        ),
        (lambda page: page | {"data": [one | {"amount": -25_00} for one in page["data"]]}, "cannot be counted"),
    ],
    ids=["more than one page", "none", "another currency", "less than nothing"],
)
def test_what_cannot_be_counted_is_not_believed_and_waits_for_a_person(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, change: Callable[[Any], Any], words: str
) -> None:
    reference = sandbox.pay(PAID)
    sandbox.move_dispute(sandbox.open_dispute(reference, PART), "lost", refundable=True)
    told_otherwise(sandbox, change)
    can = stripe.refundable(payment(reference))
    assert (can.possible, can.charged_back) == (False, None)
    assert words in can.reason
    assert "look at" in can.reason


@pytest.mark.parametrize(
    ("change", "code"),
    [({"charge": "ch_of_somebody_else"}, ErrorCode.UNREADABLE_ANSWER), ({"livemode": True}, ErrorCode.CONFIGURATION)],
    ids=["another charge", "the other mode"],
)
def test_an_answer_about_another_charge_or_mode_is_refused(
    sandbox: StripeSandbox, stripe: Stripe, payment: PaymentOf, change: dict[str, Any], code: ErrorCode
) -> None:
    reference = sandbox.pay(PAID)
    sandbox.move_dispute(sandbox.open_dispute(reference), "won")
    told_otherwise(sandbox, lambda page: page | {"data": [one | change for one in page["data"]]})
    with pytest.raises(ProviderError) as caught:
        stripe.refundable(payment(reference))
    assert caught.value.code is code


# --- webhooks --------------------------------------------------------------------------------------------


def test_every_event_of_a_dispute_is_a_reason_to_look_at_its_payment(sandbox: StripeSandbox, stripe: Stripe) -> None:
    reference = sandbox.pay(PAID)
    sandbox.take_webhooks()
    dispute = sandbox.open_inquiry(reference)
    for status in ("warning_under_review", "needs_response", "won"):
        sandbox.move_dispute(dispute, status)
    kinds = [event["type"].removeprefix("charge.dispute.") for event in sandbox.events]
    assert kinds == ["created", "updated", "updated", "funds_withdrawn", "closed", "funds_reinstated"]
    to_look_at = ToFetch(targets=(reference, sandbox.charge_of(reference)))
    assert [stripe.parse_webhook(sandbox.webhook(event)) for event in sandbox.events] == [to_look_at] * 6


def test_the_dispute_of_a_charge_without_an_intent_names_the_charge(sandbox: StripeSandbox, stripe: Stripe) -> None:
    charge = sandbox.pay_by_charge(PAID)
    sandbox.open_dispute(charge)
    assert stripe.parse_webhook(sandbox.webhook(sandbox.events[-1])) == ToFetch(targets=(charge,))
