"""What PayPal answers, played from cassettes: no sandbox runs here, and nothing is listened to or sent.

``pytest plugins/paypal/tests/test_cassettes.py --retour-record`` records them anew: from PayPal's own sandbox where
PAYPAL_SANDBOX_CLIENT and PAYPAL_SANDBOX_SECRET hold the credentials of an app there and PAYPAL_SANDBOX_CAPTURE a
capture of 94.95 euros, of which nothing was refunded; else from the sandbox of this plugin. What PayPal does by itself
can be recorded from the latter only.
"""

from __future__ import annotations

import itertools
import json
import uuid
from types import SimpleNamespace

import pytest

from retour.providers import (
    Disposition,
    ErrorCode,
    Mode,
    Money,
    Payment,
    ProviderError,
    RefundRequest,
    RefundStatus,
    ToFetch,
)
from retour.testing import Cassette
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox
from retour_paypal.webhooks import read_event


@pytest.fixture
def ids_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """The ids of the plugin's sandbox are random; counted instead, the same recording gives the same file."""
    counted = itertools.count(1)
    numbered = SimpleNamespace(uuid4=lambda: uuid.UUID(hex=f"{next(counted):017x}{'0' * 15}"))
    for module in ("sandbox", "sandbox_issues"):
        monkeypatch.setattr(f"retour_paypal.{module}.uuid", numbered)


@pytest.fixture
def paypal(cassette: Cassette, ids_in_order: None) -> PayPal:
    return cassette.provider(
        PayPal,
        settings={"client_id": "made-up-client", "client_secret": "made-up-secret", "environment": "sandbox"},
        environment={"client_id": "PAYPAL_SANDBOX_CLIENT", "client_secret": "PAYPAL_SANDBOX_SECRET"},
        headers=["Prefer"],
    )


@pytest.fixture
def capture(cassette: Cassette, paypal: PayPal) -> str:
    """A payment of 94.95."""
    return cassette.fact("capture", lambda sandbox: sandbox.pay(euros("94.95")), environment="PAYPAL_SANDBOX_CAPTURE")


def euros(value: str) -> Money:
    return Money.of(value, "EUR")


def request_for(capture: str, amount: str, number: int) -> RefundRequest:
    """Each number is another refund."""
    return RefundRequest(
        refund_id=f"rf{number:026d}",
        key=f"rf{number:026d}-1",
        order_id="1001",
        target=capture,
        amount=euros(amount),
        description="Retour 1001",
    )


def test_a_payment_says_what_is_left_to_refund(paypal: PayPal, capture: str) -> None:
    stored = Payment(provider="paypal", reference=capture, captured=euros("94.95"), mode=Mode.TEST)
    found = paypal.refundable(stored)
    assert (found.possible, found.target, found.remaining) == (True, capture, euros("94.95"))


def test_a_refund_is_made_once_and_found_by_our_id(paypal: PayPal, capture: str) -> None:
    request = request_for(capture, "44.95", 1)
    made = paypal.refund(request)
    assert (made.status, made.amount, made.refund_id) == (RefundStatus.SUCCEEDED, euros("44.95"), request.refund_id)
    assert paypal.refund(request) == made
    assert paypal.find_refund(request) == made
    assert paypal.find_refund(request_for(capture, "44.95", 2)) is None


def test_a_refund_of_more_than_was_paid_is_refused(paypal: PayPal, capture: str) -> None:
    with pytest.raises(ProviderError) as refused:
        paypal.refund(request_for(capture, "9000.00", 3))
    assert (refused.value.code, refused.value.disposition) == (ErrorCode.AMOUNT_TOO_HIGH, Disposition.FINAL)
    assert refused.value.provider_code == "REFUND_AMOUNT_EXCEEDED"


def test_a_refund_that_is_not_there_is_told(paypal: PayPal) -> None:
    with pytest.raises(ProviderError) as unknown:
        paypal.fetch_refund("3C679366HH908993F", "1JU08902781691411")
    assert unknown.value.code is ErrorCode.UNKNOWN_PAYMENT


def test_refunds_are_listed_whoever_made_them(cassette: Cassette, paypal: PayPal, capture: str) -> None:
    ours = paypal.refund(request_for(capture, "12.50", 4))
    by_hand = cassette.fact("made by hand", lambda sandbox: sandbox.refund_in_dashboard(capture, euros("5.00")))
    listed = paypal.list_refunds(capture)
    assert sorted((refund.reference, refund.refund_id) for refund in listed) == sorted(
        [(by_hand, ""), (ours.reference, ours.refund_id)]
    )


def test_an_access_token_that_was_revoked_is_renewed(cassette: Cassette, paypal: PayPal, capture: str) -> None:
    made = paypal.refund(request_for(capture, "7.25", 5))
    cassette.fact("all tokens are revoked", lambda sandbox: sandbox.revoke_tokens())
    assert paypal.fetch_refund(capture, made.reference) == made


def test_a_webhook_of_a_reversal_names_a_capture_whose_refunds_are_fetched(
    cassette: Cassette, paypal: PayPal, capture: str
) -> None:
    made = paypal.refund(request_for(capture, "3.95", 6))

    def charge_back(sandbox: PayPalSandbox) -> object:
        sandbox.take_webhooks()  # the refund's own
        sandbox.charge_back(capture)
        [webhook] = sandbox.take_webhooks()
        return json.loads(webhook.body)

    hint = read_event(json.dumps(cassette.fact("webhook", charge_back)).encode())
    assert isinstance(hint, ToFetch)
    assert (hint.targets, bool(hint.taken_back)) == ((capture,), True)
    assert paypal.list_refunds(hint.targets[0]) == (made,)


def test_the_settings_are_checked(paypal: PayPal) -> None:
    paypal.check_settings()
