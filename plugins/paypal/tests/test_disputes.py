"""Disputes at PayPal: what a capture says of one, what it does not say, and what is never guessed."""

from __future__ import annotations

from typing import Any

import pytest

from retour.providers import Disposition, ErrorCode, Money, ProviderError
from retour.sandbox import SandboxResponse
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox

PAID = Money.of("94.95", "EUR")
NOTHING = Money.zero("EUR")


@pytest.fixture
def capture(sandbox: PayPalSandbox) -> str:
    return sandbox.pay(PAID)


@pytest.mark.parametrize("called", ["", "PENDING", "DECLINED", "PARTIALLY_REFUNDED", "REFUNDED"])
def test_a_capture_that_the_bank_took_back_has_nothing_left_whatever_it_is_called(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, called: str
) -> None:
    sandbox.charge_back(capture)
    sandbox.stored(capture).said["called"] = called
    can = paypal.refundable(a.payment(capture))
    assert (can.captured, can.charged_back, can.remaining, can.possible) == (PAID, PAID, NOTHING, False)
    assert (can.code, can.disputed) == (ErrorCode.NOT_REFUNDABLE, False), "it is decided"
    assert "does not say how much of it" in can.reason


def test_the_capture_of_an_order_says_so_too(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    sandbox.charge_back(capture)
    can = paypal.refundable(a.payment(f"order:{sandbox.order_of(capture)}"))
    assert (can.target, can.charged_back, can.possible) == (capture, PAID, False)


def test_what_was_refunded_before_is_listed_beside_what_the_bank_took(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    made = paypal.refund(a.request(capture, "10.00"))
    sandbox.charge_back(capture)
    can = paypal.refundable(a.payment(capture))
    assert (can.charged_back, can.remaining, can.refunds) == (PAID, NOTHING, (made,))


@pytest.mark.parametrize("called", ["PENDING", "DECLINED", "FAILED"])
def test_a_disputed_capture_that_is_held_is_not_refundable_and_says_where_to_answer(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, called: str
) -> None:
    """Whether its money is gone nobody says, so nothing is told of it."""
    sandbox.open_dispute(capture, called=called)
    can = paypal.refundable(a.payment(capture))
    assert (can.possible, can.charged_back) == (False, None)
    assert f"which calls it {called} meanwhile: answer the case in PayPal's Resolution Center" in can.reason


def test_a_disputed_capture_that_is_completed_is_left_to_refund_and_nothing_is_told_of_a_bank(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    sandbox.open_dispute(capture)
    can = paypal.refundable(a.payment(capture))
    assert (can.possible, can.remaining, can.charged_back) == (True, PAID, None)
    assert (can.disputed, can.only_whole) == (True, True)
    sandbox.close_dispute(capture)
    can = paypal.refundable(a.payment(capture))
    assert (can.charged_back, can.disputed, can.only_whole) == (NOTHING, False, False)


@pytest.mark.parametrize("called", ["PARTIALLY_REFUNDED", "REFUNDED"])
@pytest.mark.parametrize("refund", ["none", "one that failed", "one that was made"])
def test_what_is_called_refunded_and_shows_no_refund_waits_for_a_person(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, called: str, refund: str
) -> None:
    """Where PayPal shows any refund, also one that failed since, that is what it is called so for."""
    if refund != "none":
        made = paypal.refund(a.request(capture, "10.00"))
        if refund == "one that failed":
            sandbox.fail(made.reference)
    sandbox.open_dispute(capture, called=called, says_so=False)
    can = paypal.refundable(a.payment(capture))
    assert can.possible is (called == "PARTIALLY_REFUNDED" and refund != "none")
    assert ("a dispute may be open" in can.reason) is (refund == "none")


@pytest.mark.parametrize(
    ("reason", "code", "words"),
    [
        ("", ErrorCode.NOT_REFUNDABLE, "as it also does while a dispute is open"),
        ("disputed", ErrorCode.DISPUTED, "the customer disputes it"),
        ("charged back", ErrorCode.NOT_REFUNDABLE, "the customer's bank took it back"),
    ],
)
def test_what_names_no_order_says_what_is_so_and_not_that_it_was_refunded(
    paypal: PayPal, sandbox: PayPalSandbox, reason: str, code: ErrorCode, words: str
) -> None:
    capture = sandbox.pay(PAID, names_order=False)
    if reason == "charged back":
        sandbox.charge_back(capture)
        sandbox.stored(capture).said["called"] = "REFUNDED"
    else:
        sandbox.open_dispute(capture, called="PARTIALLY_REFUNDED", says_so=bool(reason))
    with pytest.raises(ProviderError, match=words) as caught:
        paypal.list_refunds(capture)
    assert (caught.value.code, caught.value.disposition) == (code, Disposition.RECONCILE)
    assert "was refunded" not in caught.value.message


@pytest.mark.parametrize("status", [404, 403, 500])
def test_what_a_capture_says_is_told_also_where_its_order_cannot_be_read(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any, status: int
) -> None:
    """The refunds stand there; whoever lists them is told that they could not be read."""
    sandbox.charge_back(capture)
    handle = sandbox.server.handle
    sandbox.server.handle = lambda sent: (
        SandboxResponse(status=status, body=b"{}") if "/checkout/orders/" in sent.path else handle(sent)
    )
    can = paypal.refundable(a.payment(capture))
    assert (can.charged_back, can.refunds, can.possible) == (PAID, None, False)
    with pytest.raises(ProviderError):
        paypal.list_refunds(capture)
