"""PayPal's JSON: amounts exactly, statuses, and what leads from a refund to its capture."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour.providers import ErrorCode, Money, ProviderError, RefundStatus, read_wire
from retour_paypal.wire import (
    STATUSES,
    WHOLE_UNITS,
    Link,
    WireMoney,
    WireRefund,
    linked_capture,
    read_money,
    write_money,
)

CURRENCIES = (
    *("AUD", "BRL", "CAD", "CNY", "CZK", "DKK", "EUR", "HKD", "HUF", "ILS", "JPY", "MYR"),
    *("MXN", "TWD", "NZD", "NOK", "PHP", "PLN", "GBP", "SGD", "SEK", "CHF", "THB", "USD"),
)
"""https://developer.paypal.com/docs/api/reference/currency-codes/"""


@st.composite
def money(draw: st.DrawFn) -> Money:
    """Money that PayPal can write: whole units where it takes no decimals."""
    currency = draw(st.sampled_from(CURRENCIES))
    if currency in WHOLE_UNITS:
        return Money.of(draw(st.integers(0, 10**12)), currency)
    return Money(minor=draw(st.integers(0, 10**15)), currency=currency)


@given(amount=money())
def test_any_money_is_the_same_after_a_trip_to_paypal_and_back(amount: Money) -> None:
    wire = json.loads(json.dumps(write_money(amount)))
    assert read_money(read_wire(WireMoney, wire)) == amount


@given(amount=money())
def test_an_amount_has_exactly_the_decimals_that_paypal_wants(amount: Money) -> None:
    value = write_money(amount)["value"]
    assert len(value.partition(".")[2]) == (0 if amount.currency in WHOLE_UNITS else 2)
    assert Decimal(value) == amount.decimal
    assert "E" not in value


@pytest.mark.parametrize(
    "amount, wire",
    [
        (Money.of("51.90", "EUR"), "51.90"),
        (Money.of("0.01", "EUR"), "0.01"),
        (Money.of("10", "EUR"), "10.00"),
        (Money.of("1200", "JPY"), "1200"),
        (Money.of("1200", "HUF"), "1200"),
        (Money.of("1200", "TWD"), "1200"),
        (Money.of("1.230", "KWD"), "1.23"),
    ],
)
def test_amounts_that_went_wrong_elsewhere_are_written_right(amount: Money, wire: str) -> None:
    assert write_money(amount) == {"currency_code": amount.currency, "value": wire}


@pytest.mark.parametrize("amount, currency", [("0.50", "HUF"), ("0.01", "TWD"), ("1.234", "KWD")])
def test_an_amount_with_more_decimals_than_paypal_takes_is_never_rounded(amount: str, currency: str) -> None:
    with pytest.raises(ProviderError, match=currency) as caught:
        write_money(Money.of(amount, currency))
    assert caught.value.code is ErrorCode.INVALID_REQUEST


@pytest.mark.parametrize("value", ["", ".", "1.", "1e3", "+1", " 1", "1,00", "NaN", "Infinity", "0x1", "١", "1" * 33])
def test_what_is_no_decimal_number_is_unreadable(value: str) -> None:
    with pytest.raises(ProviderError) as caught:
        read_money(WireMoney(currency_code="EUR", value=value))
    assert caught.value.code is ErrorCode.UNREADABLE_ANSWER


@pytest.mark.parametrize("value, minor", [("10", 1000), ("10.5", 1050), (".5", 50), ("10.000", 1000), ("-1.00", -100)])
def test_every_way_that_paypal_may_write_a_decimal_is_read(value: str, minor: int) -> None:
    assert read_money(WireMoney(currency_code="EUR", value=value)) == Money(minor=minor, currency="EUR")


def test_every_status_in_paypals_description_is_known(description: Any) -> None:
    schema = description.document["components"]["schemas"]["refund_status"]
    assert set(schema["properties"]["status"]["enum"]) == set(STATUSES)


@pytest.mark.parametrize(
    "status, ours", [*STATUSES.items(), ("", RefundStatus.PENDING), ("completed", RefundStatus.PENDING)]
)
def test_a_status_is_read_and_an_unknown_one_is_pending(status: str, ours: RefundStatus) -> None:
    refund = read_wire(
        WireRefund, {"id": "1JU08902781691411", "status": status, "amount": {"currency_code": "EUR", "value": "1.00"}}
    )
    assert (refund.result().status, refund.result().provider_status) == (ours, status)


CAPTURE = "3C679366HH908993F"


@pytest.mark.parametrize(
    "links, capture",
    [
        ([(f"https://api.paypal.com/v2/payments/captures/{CAPTURE}", "up")], CAPTURE),
        ([(f"https://api.paypal.com/v2/payments/captures/{CAPTURE}", "self")], CAPTURE),
        (
            [("https://x/v2/payments/captures/OTHER", "self"), (f"https://x/v2/payments/captures/{CAPTURE}", "up")],
            CAPTURE,
        ),
        ([("https://api.paypal.com/v2/checkout/orders/5O190127TN364715T", "up")], ""),
        ([(f"https://api.paypal.com/v2/payments/captures/{CAPTURE}/refund", "refund")], ""),
        ([(f"https://api.paypal.com/v2/payments/captures/{CAPTURE}/refund", "up")], ""),
        ([("https://api.paypal.com/v2/payments/captures/..", "up")], ""),
        ([("http://[", "up")], ""),
        ([], ""),
    ],
)
def test_a_refund_leads_to_its_capture_by_its_links(links: list[tuple[str, str]], capture: str) -> None:
    assert linked_capture(tuple(Link(href=href, rel=rel) for href, rel in links)) == capture
