"""The smallest amounts that PayPal pays back of each currency, and how they are written."""

from __future__ import annotations

import json
from typing import Any

import attrs
import pytest

from retour.providers import ErrorCode, Money, ProviderError
from retour.sandbox import SandboxRequest
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox

STEPS = [
    ("EUR", "0.01", "0.01"),
    ("CZK", "0.01", "0.01"),
    ("HUF", "1", "1"),  # two decimals by ISO 4217, and none at PayPal
    ("TWD", "1", "1"),
    ("JPY", "1", "1"),
]


def sent(sandbox: PayPalSandbox) -> list[SandboxRequest]:
    return [one for one in sandbox.server.requests if one.path.endswith("/refund")]


@pytest.mark.parametrize(("currency", "smallest", "written"), STEPS)
def test_the_smallest_amount_of_each_currency_is_declared_and_goes_back_whole(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any, currency: str, smallest: str, written: str
) -> None:
    least = Money.of(smallest, currency)
    assert PayPal.capabilities.step(currency) == PayPal.capabilities.largest_step(currency) == least.minor
    capture = sandbox.pay(Money.of("2990", currency))
    assert paypal.refund(a.request(capture, smallest, currency=currency)).amount == least
    [request] = sent(sandbox)
    assert json.loads(request.body)["amount"] == {"currency_code": currency, "value": written}
    assert sandbox.stored(capture).refunded == least


@pytest.mark.parametrize("currency", ["HUF", "TWD"])
@pytest.mark.parametrize("minor", [1, 99, 101, 99_667])
def test_what_is_between_two_steps_is_not_sent(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any, currency: str, minor: int
) -> None:
    capture = sandbox.pay(Money.of("2990", currency))
    asked = attrs.evolve(a.request(capture, "1", currency=currency), amount=Money(minor=minor, currency=currency))
    with pytest.raises(ProviderError) as caught:
        paypal.refund(asked)
    assert caught.value.code is ErrorCode.INVALID_REQUEST
    assert sent(sandbox) == []
    assert not sandbox.stored(capture).refunded
