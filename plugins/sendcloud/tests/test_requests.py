"""What we send: weights, prices and reasons exactly as they are."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal

import attrs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour import DEFAULT_RETURN_REASONS
from retour.providers import LabelForm, LabelRequest, Money, ParcelItem, ProviderError
from retour_sendcloud.requests import OURS, REASONS, as_number, options_body, return_body


@given(minor=st.integers(min_value=0, max_value=10**13), currency=st.sampled_from(["EUR", "JPY", "KWD", "HUF"]))
def test_the_number_that_is_written_has_the_digits_of_the_amount(minor: int, currency: str) -> None:
    money = Money(minor=minor, currency=currency)
    written = json.loads(json.dumps(as_number(money)), parse_float=Decimal)
    assert Decimal(written) == money.decimal


def test_an_amount_of_more_digits_than_a_number_can_have_is_refused() -> None:
    with pytest.raises(ProviderError, match="more digits than"):
        as_number(Money(minor=9_007_199_254_740_993_001, currency="EUR"))


def test_a_weight_is_in_whole_grams_and_the_option_lies_flat(request_for: Callable[..., LabelRequest]) -> None:
    body = return_body(request_for())
    assert body["weight"] == {"value": 1200, "unit": "g"}
    assert body["dimensions"] == {"length": 300, "width": 200, "height": 150, "unit": "mm"}
    assert body["ship_with"] == {
        "type": "shipping_option_code",
        "shipping_option_code": "postnl:standard/return",
        "contract": 101,
    }
    assert (body["external_reference"], body["order_number"]) == (request_for().label_id, "1001")
    assert "delivery_option" not in body
    assert "customs_invoice_nr" not in body


@pytest.mark.parametrize(
    "form, option", [(LabelForm.PDF, None), (LabelForm.QR_CODE, "drop_off_labelless"), (LabelForm.NONE, "in_store")]
)
def test_how_a_parcel_is_handed_in_follows_from_what_the_customer_gets(
    request_for: Callable[..., LabelRequest], form: LabelForm, option: str | None
) -> None:
    assert return_body(request_for(form=form)).get("delivery_option") == option


@pytest.mark.parametrize(
    "reason, written",
    [
        ("", {}),
        ("11", {"return_reason_id": "11"}),
        ("32", {"return_reason_id": "32"}),
        ("2", {"return_reason_id": "3", "return_message": "2"}),
        ("too_small", {"return_reason_id": "31"}),
        ("other", {"return_reason_id": "3"}),
        ("smells", {"return_reason_id": "3", "return_message": "smells"}),
    ],
)
def test_a_reason_is_one_of_sendclouds_or_told_in_words(
    request_for: Callable[..., LabelRequest], reason: str, written: dict[str, str]
) -> None:
    item = ParcelItem(line_id="1", description="Teapot", quantity=1, reason=reason)
    parcel = attrs.evolve(request_for().parcel, items=(item,))
    [sent] = return_body(request_for(parcel=parcel))["parcel_items"]  # type: ignore[misc]
    assert {name: value for name, value in sent.items() if name.startswith("return_")} == written


def test_every_reason_of_retour_itself_is_one_of_sendclouds() -> None:
    assert {reason.code for reason in DEFAULT_RETURN_REASONS} == set(OURS)
    assert set(OURS.values()) <= REASONS


def test_a_return_from_another_country_names_its_invoice(request_for: Callable[..., LabelRequest]) -> None:
    berlin = attrs.evolve(request_for().sender, country="DE", city="Berlin", postal_code="10115")
    assert return_body(request_for(sender=berlin))["customs_invoice_nr"] == "R1001-1"


def test_options_are_asked_for_with_texts(request_for: Callable[..., LabelRequest]) -> None:
    request = request_for()
    body = options_body(request.sender, request.recipient, request.parcel)
    assert body["parcels"] == [
        {
            "weight": {"value": "1200", "unit": "g"},
            "dimensions": {"length": "300", "width": "200", "height": "150", "unit": "mm"},
        }
    ]
    assert body["functionalities"] == {"returns": True}
    assert "Customer" not in json.dumps(body)
