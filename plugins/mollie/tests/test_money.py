"""Money as Mollie writes it."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour.providers import ErrorCode, Money, ProviderError, read_wire
from retour_mollie import wire

# Currencies and their decimals: source/payments/multicurrency.rst of 2024, BGN and HRK with them, in which orders were
# paid before the euro; and the enumeration `currencies` in the description of 2026, which adds none.
TWO_DECIMALS = [
    *("AED", "AUD", "BGN", "BRL", "CAD", "CHF", "CZK", "DKK", "EUR", "GBP", "HKD", "HRK", "HUF", "ILS", "MXN"),
    *("MYR", "NOK", "NZD", "PHP", "PLN", "RON", "RUB", "SEK", "SGD", "THB", "TWD", "USD", "ZAR"),
]
NO_DECIMALS = ["ISK", "JPY"]

amounts = st.builds(Money, minor=st.integers(0, 10**12), currency=st.sampled_from(TWO_DECIMALS + NO_DECIMALS))


@given(amounts)
def test_money_to_mollie_and_back_is_the_same_money(money: Money) -> None:
    sent = json.loads(json.dumps(wire.amount_of(money)), parse_float=Decimal)
    assert read_wire(wire.Amount, sent).money == money


@given(amounts)
def test_an_amount_is_a_text_with_exactly_the_decimals_of_its_currency(money: Money) -> None:
    value = wire.amount_of(money)["value"]
    whole, point, decimals = value.partition(".")
    assert whole.isdecimal()
    assert (point, len(decimals)) == (("", 0) if money.currency in NO_DECIMALS else (".", 2))


@pytest.mark.parametrize(
    "amount, currency, value",
    [
        ("5.95", "EUR", "5.95"),
        ("0.01", "EUR", "0.01"),
        ("10", "EUR", "10.00"),
        ("1200", "JPY", "1200"),
        ("1200", "ISK", "1200"),
        ("1200", "HUF", "1200.00"),
        ("12", "TWD", "12.00"),
        ("10000000000.00", "EUR", "10000000000.00"),
    ],
)
def test_amounts_as_in_mollies_table(amount: str, currency: str, value: str) -> None:
    assert wire.amount_of(Money.of(amount, currency)) == {"currency": currency, "value": value}


@pytest.mark.parametrize(
    "value", ["", " 5.95", "5,95", "5.955", "5.", ".5", "1e2", "NaN", "Infinity", "1_000", "+1", "9" * 500_000]
)
def test_what_is_no_amount_is_unreadable(value: str) -> None:
    with pytest.raises(ProviderError) as caught:
        _ = wire.Amount(currency="EUR", value=value).money
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


@pytest.mark.parametrize("currency", ["BGNN", "eur", "", "XXX"])
def test_a_currency_that_is_none_is_unreadable(currency: str) -> None:
    with pytest.raises(ProviderError) as caught:
        _ = wire.Amount(currency=currency, value="5.95").money
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


def test_a_negative_amount_is_read_as_it_is() -> None:
    assert wire.Amount(currency="EUR", value="-5.95").money == Money.of("-5.95", "EUR")
