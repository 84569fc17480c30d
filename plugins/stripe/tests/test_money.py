"""Amounts at Stripe: exactly the money that was meant, whatever the currency."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour import InvalidAmount
from retour.providers import ErrorCode, Money, ProviderError
from retour_stripe.money import CURRENCIES, from_wire, to_wire

# https://docs.stripe.com/currencies#zero-decimal and #three-decimal, and the special cases below them
ZERO_DECIMAL = ["BIF", "CLP", "DJF", "GNF", "JPY", "KMF", "KRW", "MGA", "PYG", "RWF", "VND", "VUV", "XAF", "XOF", "XPF"]
THREE_DECIMAL = ["BHD", "JOD", "KWD", "OMR", "TND"]
TWO_DECIMAL = ["EUR", "USD", "GBP", "HUF", "TWD", "CZK", "PLN", "SEK", "NOK", "DKK", "CHF", "RON", "ISK", "UGX"]


@pytest.mark.parametrize(
    "amount, currency, wire",
    [
        ("44.95", "EUR", 4495),
        ("0.01", "EUR", 1),
        ("500", "JPY", 500),
        ("5", "UGX", 500),
        ("1", "ISK", 100),
        ("7", "MGA", 7),
        ("5.120", "KWD", 5120),
        ("10.45", "HUF", 1045),
    ],
)
def test_an_amount_is_written_in_stripes_smallest_unit(amount: str, currency: str, wire: int) -> None:
    assert to_wire(Money.of(amount, currency)) == wire
    assert from_wire(wire, currency.lower()) == Money.of(amount, currency)


@pytest.mark.parametrize(
    "currencies, one", [(ZERO_DECIMAL, 1), (TWO_DECIMAL, 100), (THREE_DECIMAL, 1000)], ids=["zero", "two", "three"]
)
def test_one_unit_of_every_currency_on_stripes_lists_has_the_lists_decimals(currencies: list[str], one: int) -> None:
    assert {currency: to_wire(Money.of(1, currency)) for currency in currencies} == dict.fromkeys(currencies, one)


@pytest.mark.parametrize(
    "amount, currency",
    [("5.124", "KWD"), ("0.001", "BHD"), ("1.20", "MGA"), ("1.000", "IQD"), ("1.000", "LYD"), ("1.00", "SDG")],
)
def test_an_amount_that_stripe_cannot_write_is_refused_before_it_is_sent(amount: str, currency: str) -> None:
    with pytest.raises(ProviderError) as caught:
        to_wire(Money.of(amount, currency))
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.INVALID_REQUEST, "final")


@pytest.mark.parametrize(
    "number, currency", [(4010, "isk"), (501, "ugx"), (1, "xxx"), (1, "€"), (1, ""), (1, "iqd"), (1, "sdg")]
)
def test_an_amount_that_is_none_is_unreadable(number: int, currency: str) -> None:
    with pytest.raises(ProviderError) as caught:
        from_wire(number, currency)
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


def _currencies() -> list[str]:
    """Every currency that a Money can have."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    found = []
    for code in (a + b + c for a in letters for b in letters for c in letters):
        try:
            Money.zero(code)
        except InvalidAmount:
            continue
        found.append(code)
    return found


@given(st.integers(min_value=0, max_value=10**12), st.sampled_from(_currencies()))
def test_any_money_is_identical_after_it_was_written_and_read(minor: int, currency: str) -> None:
    amount = Money(minor=minor, currency=currency)
    try:
        wire = to_wire(amount)
    except ProviderError:
        assert currency in ("MGA", *THREE_DECIMAL) or currency not in CURRENCIES
        return
    assert type(wire) is int
    assert from_wire(wire, currency.lower()) == amount
