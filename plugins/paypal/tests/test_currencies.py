"""Currencies that PayPal has, and those that it has not: before any call, and in PayPal's own words after one."""

from __future__ import annotations

import json
from typing import Any

import pytest
import requests

from retour import Actor, MemoryShop, Mode, Money, Payment, ReturnDesk, WrongState
from retour.testing import a_line, an_order
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import CREDENTIALS, PayPalSandbox

ANNA = Actor.staff("anna")


@pytest.mark.parametrize("currency, captured", [("KWD", "12.345"), ("ISK", "1200"), ("RON", "94.95")])
def test_a_payment_in_a_currency_that_paypal_has_not_is_refused_before_any_call(currency: str, captured: str) -> None:
    with PayPalSandbox() as sandbox:
        payment = Payment(
            provider="paypal", reference="3C679366HH908993F", captured=Money.of(captured, currency), mode=Mode.TEST
        )
        order = an_order(a_line("teapot", 1, captured, currency=currency), payments=[payment])
        desk = ReturnDesk(
            shop=MemoryShop([order]), store="sqlite://", plugins=["paypal"], settings={"paypal": sandbox.settings}
        )
        with pytest.raises(WrongState) as refused:
            desk.refund("1001", payment.id, payment.captured, by=ANNA, request_id="form-1")
        assert f"PayPal does not refund {currency}" in refused.value.text("en")
        assert currency in refused.value.text("nl")
        assert list(sandbox.server.requests) == []
        desk.close()


def ask_for(sandbox: PayPalSandbox, capture: str, amount: dict[str, str]) -> tuple[int, Any]:
    token = requests.post(
        f"{sandbox.url}/v1/oauth2/token", {"grant_type": "client_credentials"}, auth=CREDENTIALS, timeout=20
    ).json()["access_token"]
    answer = requests.post(
        f"{sandbox.url}/v2/payments/captures/{capture}/refund",
        json={"amount": amount},
        headers={"Authorization": f"Bearer {token}"},
        timeout=20,
    )
    return answer.status_code, json.loads(answer.text)["details"][0]["issue"]


@pytest.mark.parametrize(
    "currency, value, issue",
    [
        ("KWD", "1.234", "INVALID_CURRENCY_CODE"),
        ("KWD", "1.23", "INVALID_CURRENCY_CODE"),
        ("XXX", "1.23", "INVALID_CURRENCY_CODE"),
        ("CZK", "1.23", "REFUND_CAPTURE_CURRENCY_MISMATCH"),
        ("EUR", "1.234", "DECIMAL_PRECISION"),
        ("EUR", "9" * 32, "REFUND_AMOUNT_EXCEEDED"),
        ("EUR", "0." + "0" * 30, "DECIMAL_PRECISION"),
    ],
)
def test_an_amount_that_paypal_cannot_take_is_refused_in_its_own_words(currency: str, value: str, issue: str) -> None:
    with PayPalSandbox() as sandbox:
        capture = sandbox.pay(Money.of("94.95", "EUR"))
        assert ask_for(sandbox, capture, {"currency_code": currency, "value": value}) == (422, issue)
        assert list(sandbox.books(capture)) == []


def test_paypal_declares_the_currencies_that_its_sandbox_takes() -> None:
    assert PayPal.capabilities.currencies == PayPalSandbox.currencies
    assert {step.currency for step in PayPal.capabilities.steps} <= PayPal.capabilities.currencies
