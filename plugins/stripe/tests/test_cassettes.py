"""What Stripe answers, played from cassettes: no sandbox runs here, and nothing is listened to or sent.

``pytest plugins/stripe/tests/test_cassettes.py --retour-record`` records them anew: from Stripe itself where
STRIPE_TEST_KEY holds a secret key (``sk_test_…``), STRIPE_TEST_PAYMENT a PaymentIntent of 94.95 euros, paid by card, of
which nothing was refunded, and STRIPE_TEST_CHARGE its charge; else from the sandbox. What Stripe does by itself can be
recorded from the sandbox only.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import time

import attrs
import pytest

from retour.providers import (
    Disposition,
    ErrorCode,
    Mode,
    Money,
    Payment,
    ProviderError,
    RawWebhook,
    RefundRequest,
    RefundStatus,
    ToFetch,
)
from retour.sandbox import Step
from retour.testing import Cassette
from retour_stripe.provider import Stripe


@pytest.fixture
def stripe(cassette: Cassette) -> Stripe:
    return cassette.provider(
        Stripe,
        settings={"api_key": "sk_test_made_up", "webhook_secrets": ["whsec_made_up"]},
        environment={"api_key": "STRIPE_TEST_KEY"},
        headers=["Stripe-Version", "Stripe-Should-Retry"],
    )


@pytest.fixture
def payment(cassette: Cassette, stripe: Stripe) -> str:
    """A payment of 94.95 by card."""
    return cassette.fact("payment", lambda sandbox: sandbox.pay(euros("94.95")), environment="STRIPE_TEST_PAYMENT")


def euros(value: str) -> Money:
    return Money.of(value, "EUR")


def request_for(payment: str, amount: str, number: int) -> RefundRequest:
    """Each number is another refund."""
    return RefundRequest(
        refund_id=f"rf{number:026d}",
        key=f"rf{number:026d}-1",
        order_id="1001",
        target=payment,
        amount=euros(amount),
        description="Retour 1001",
    )


def test_a_payment_says_what_is_left_to_refund(stripe: Stripe, payment: str) -> None:
    stored = Payment(provider="stripe", reference=payment, captured=euros("94.95"), mode=Mode.TEST)
    found = stripe.refundable(stored)
    assert (found.possible, found.target, found.remaining) == (True, payment, euros("94.95"))


def test_a_refund_is_made_once_and_found_by_our_id(stripe: Stripe, payment: str) -> None:
    request = request_for(payment, "44.95", 1)
    made = stripe.refund(request)
    assert (made.status, made.amount, made.refund_id) == (RefundStatus.SUCCEEDED, euros("44.95"), request.refund_id)
    assert stripe.refund(request) == made
    assert stripe.find_refund(request) == made
    assert stripe.find_refund(request_for(payment, "44.95", 2)) is None


def test_a_refund_of_more_than_was_paid_is_refused(stripe: Stripe, payment: str) -> None:
    with pytest.raises(ProviderError) as refused:
        stripe.refund(request_for(payment, "9000.00", 3))
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.AMOUNT_TOO_HIGH, Disposition.FINAL)


def test_a_refund_that_is_not_there_is_told(stripe: Stripe) -> None:
    with pytest.raises(ProviderError) as unknown:
        stripe.fetch_refund("pi_missing", "re_missing")
    assert unknown.value.code is ErrorCode.UNKNOWN_PAYMENT


def test_refunds_are_listed_whoever_made_them(cassette: Cassette, stripe: Stripe, payment: str) -> None:
    ours = stripe.refund(request_for(payment, "12.50", 4))
    by_hand = cassette.fact("made by hand", lambda sandbox: sandbox.refund_in_dashboard(payment, euros("5.00")))
    listed = stripe.list_refunds(payment)
    assert [(refund.reference, refund.refund_id) for refund in listed] == [
        (by_hand, ""),
        (ours.reference, ours.refund_id),
    ]


def test_only_a_refund_that_waits_for_the_consumer_is_cancelled(
    cassette: Cassette, stripe: Stripe, payment: str
) -> None:
    done = stripe.refund(request_for(payment, "7.25", 5))
    cassette.fact(
        "the next waits for the consumer", lambda sandbox: sandbox.plans.append([Step(status="requires_action")])
    )
    waiting = stripe.refund(request_for(payment, "7.50", 6))
    assert stripe.cancel_refund(payment, waiting.reference).status is RefundStatus.CANCELLED
    with pytest.raises(ProviderError) as refused:
        stripe.cancel_refund(payment, done.reference)
    assert refused.value.disposition is Disposition.FINAL


def test_a_webhook_names_a_charge_whose_refunds_are_fetched(cassette: Cassette, stripe: Stripe, payment: str) -> None:
    charge = cassette.fact(
        "charge", lambda sandbox: sandbox.charge_of(payment), environment="STRIPE_TEST_CHARGE"
    )  # fmt: skip
    made = stripe.refund(request_for(payment, "3.95", 7))
    told = {"id": charge, "object": "charge", "payment_intent": payment, "currency": "eur", "status": "succeeded"}
    amounts = {"amount_captured": 9495, "amount_refunded": 395}
    flags = {"captured": True, "disputed": False, "refunded": False, "livemode": False}
    webhook = signed(stripe, "charge.refunded", {**told, **amounts, **flags})
    hint = stripe.parse_webhook(webhook)
    assert hint == ToFetch(targets=(payment, charge))
    for target in hint.targets:
        assert attrs.evolve(made, target=target) in stripe.list_refunds(target)


def signed(stripe: Stripe, kind: str, about: object) -> RawWebhook:
    """An event as Stripe sends it, signed now."""
    event = {"id": "evt_1", "object": "event", "type": kind, "livemode": False, "data": {"object": about}}
    body = json.dumps(event).encode()
    sent = str(int(time.time()))
    secret = stripe.settings.webhook_secrets[0].reveal()
    signature = hmac.new(secret.encode(), f"{sent}.".encode() + body, hashlib.sha256).hexdigest()
    return RawWebhook(headers={"stripe-signature": f"t={sent},v1={signature}"}, body=body)


def test_the_settings_are_checked(stripe: Stripe) -> None:
    stripe.check_settings()
