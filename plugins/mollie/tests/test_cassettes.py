"""What Mollie answers, played from cassettes: no sandbox runs here, and nothing is listened to or sent.

``pytest plugins/mollie/tests/test_cassettes.py --retour-record`` records them anew: from Mollie itself where
MOLLIE_TEST_KEY holds an API key (``test_…``) and MOLLIE_TEST_PAYMENT a paid test payment of 94.95 euros, of which
nothing was refunded; else from the sandbox. What a person does in the dashboard can be recorded from the sandbox only.
"""

from __future__ import annotations

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
from retour.testing import Cassette
from retour_mollie.provider import Mollie


@pytest.fixture
def mollie(cassette: Cassette) -> Mollie:
    return cassette.provider(
        Mollie,
        settings={"api_key": "test_made_up"},
        environment={"api_key": "MOLLIE_TEST_KEY"},
        headers=["Idempotent-Replayed"],
    )


@pytest.fixture
def payment(cassette: Cassette, mollie: Mollie) -> str:
    """A payment of 94.95."""
    return cassette.fact("payment", lambda sandbox: sandbox.pay(euros("94.95")), environment="MOLLIE_TEST_PAYMENT")


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


def test_a_payment_says_what_is_left_to_refund(mollie: Mollie, payment: str) -> None:
    stored = Payment(provider="mollie", reference=payment, captured=euros("94.95"), mode=Mode.TEST)
    found = mollie.refundable(stored)
    assert (found.possible, found.target, found.remaining) == (True, payment, euros("94.95"))


def test_a_refund_is_made_once_and_found_by_our_id(mollie: Mollie, payment: str) -> None:
    request = request_for(payment, "44.95", 1)
    made = mollie.refund(request)
    assert (made.status, made.amount, made.refund_id) == (RefundStatus.PENDING, euros("44.95"), request.refund_id)
    assert mollie.refund(request) == made
    assert mollie.find_refund(request) == made
    assert mollie.find_refund(request_for(payment, "44.95", 2)) is None


def test_a_refund_of_more_than_was_paid_is_refused(mollie: Mollie, payment: str) -> None:
    with pytest.raises(ProviderError) as refused:
        mollie.refund(request_for(payment, "9000.00", 3))
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.AMOUNT_TOO_HIGH, Disposition.FINAL)


def test_a_payment_that_is_not_there_is_told(mollie: Mollie) -> None:
    with pytest.raises(ProviderError) as unknown:
        mollie.fetch_refund("tr_missing", "re_missing")
    assert unknown.value.code is ErrorCode.UNKNOWN_PAYMENT


def test_refunds_are_listed_whoever_made_them(cassette: Cassette, mollie: Mollie, payment: str) -> None:
    ours = mollie.refund(request_for(payment, "12.50", 4))
    by_hand = cassette.fact("made by hand", lambda sandbox: sandbox.refund_in_dashboard(payment, euros("5.00")))
    listed = mollie.list_refunds(payment)
    assert [(refund.reference, refund.refund_id) for refund in listed] == [
        (by_hand, ""),
        (ours.reference, ours.refund_id),
    ]


def test_a_refund_that_waits_is_cancelled(mollie: Mollie, payment: str) -> None:
    waiting = mollie.refund(request_for(payment, "7.25", 5))
    assert mollie.cancel_refund(payment, waiting.reference).status is RefundStatus.CANCELLED


def test_a_webhook_names_a_payment_whose_refunds_are_fetched(cassette: Cassette, mollie: Mollie, payment: str) -> None:
    made = mollie.refund(request_for(payment, "3.95", 6))
    cassette.fact("the bank refuses it", lambda sandbox: sandbox.fail(made.reference))
    form = {"content-type": "application/x-www-form-urlencoded"}
    hint = mollie.parse_webhook(RawWebhook(headers=form, body=f"id={payment}".encode()))
    assert hint == ToFetch(targets=(payment,))
    [fetched] = mollie.list_refunds(hint.targets[0])
    assert (fetched.reference, fetched.status) == (made.reference, RefundStatus.FAILED)


def test_the_settings_are_checked(mollie: Mollie) -> None:
    mollie.check_settings()
