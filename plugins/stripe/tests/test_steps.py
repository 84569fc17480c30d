"""The smallest amounts that Stripe pays back of each currency, and how they are written."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs

import attrs
import pytest

from retour.providers import ErrorCode, Money, ProviderError, RefundRequest
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox

STEPS = [
    ("EUR", "0.01", "1"),
    ("HUF", "0.01", "1"),
    ("TWD", "0.01", "1"),
    ("JPY", "1", "1"),
    ("KRW", "1", "1"),
    ("BHD", "0.010", "10"),  # three decimals, of which the last is 0
    ("JOD", "0.010", "10"),
    ("KWD", "0.010", "10"),
    ("OMR", "0.010", "10"),
    ("TND", "0.010", "10"),
    ("ISK", "1", "100"),  # no decimals, and written with two that are 00
    ("UGX", "1", "100"),
    ("MGA", "1.00", "1"),  # two decimals by ISO 4217, and none at Stripe
]


@pytest.mark.parametrize(("currency", "smallest", "written"), STEPS)
def test_the_smallest_amount_of_each_currency_is_declared_and_goes_back_whole(
    sandbox: StripeSandbox,
    stripe: Stripe,
    refund_of: Callable[..., RefundRequest],
    currency: str,
    smallest: str,
    written: str,
) -> None:
    least = Money.of(smallest, currency)
    assert Stripe.capabilities.step(currency) == Stripe.capabilities.largest_step(currency) == least.minor
    reference = sandbox.pay(Money.of("2990", currency))
    assert stripe.refund(refund_of(reference, smallest, currency)).amount == least
    [form] = [parse_qs(one.body.decode()) for one in sandbox.server.requests if one.method == "POST"]
    assert form["amount"] == [written]
    assert sandbox.stored(reference).refunded == least


@pytest.mark.parametrize(
    ("currency", "smallest"),
    [(currency, smallest) for currency, smallest, _ in STEPS if Money.of(smallest, currency).minor > 1],
)
def test_what_is_between_two_steps_is_not_sent(
    sandbox: StripeSandbox,
    stripe: Stripe,
    refund_of: Callable[..., RefundRequest],
    currency: str,
    smallest: str,
) -> None:
    step = Money.of(smallest, currency).minor
    reference = sandbox.pay(Money.of("2990", currency))
    asked = refund_of(reference, smallest, currency)
    for minor in (step - 1, step + 1):
        with pytest.raises(ProviderError) as caught:
            stripe.refund(attrs.evolve(asked, amount=Money(minor=minor, currency=currency)))
        assert caught.value.code is ErrorCode.INVALID_REQUEST
    assert not [one for one in sandbox.server.requests if one.method == "POST"]
    assert not sandbox.stored(reference).refunded
