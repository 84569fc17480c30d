"""What we send to Sendcloud: bodies as its description has them (schemas ``CreateReturn``, ``shipping-option-filter``).

Weights go in grams and sides in millimetres, which are whole. Prices are numbers in a return's body, and the number
that is written has exactly the digits of the amount."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal

from retour import DEFAULT_RETURN_REASONS
from retour.providers import Address, ErrorCode, LabelForm, LabelRequest, Money, Parcel, ParcelItem, ProviderError

Json = dict[str, object]

DELIVERY_OPTIONS: Mapping[LabelForm, str] = {LabelForm.QR_CODE: "drop_off_labelless", LabelForm.NONE: "in_store"}
"""How a parcel without a printed label is handed in (schema ``DeliveryOption``). With one, the option's code says
it."""

REASONS = frozenset(str(number) for number in (1, 3, 4, *range(6, 33)))
"""The numbers of Sendcloud's reasons (description of ``POST /returns``)."""

OURS: Mapping[str, str] = {
    reason.code: reason.provider_codes["sendcloud"]
    for reason in DEFAULT_RETURN_REASONS
    if "sendcloud" in reason.provider_codes
}
"""The same of retour's own reasons, by their code. Of a host's own the core knows the number."""

OTHER_REASON = "3"
"""Sendcloud's "Other (explain in message)"."""


def return_body(request: LabelRequest) -> Json:
    """The return that a label is made for. Its ``external_reference``, which Sendcloud takes once, is our id of the
    label.

    Raises `ProviderError` (invalid request) for what its description does not allow.
    """
    ship_with: Json = {"type": "shipping_option_code", "shipping_option_code": request.option}
    if request.contract:
        ship_with["contract"] = _number(request.contract, "contract")
    body: Json = {
        "from_address": _address(request.sender),
        "to_address": _address(request.recipient),
        "ship_with": ship_with,
        "weight": _weight(request.parcel.weight_grams),
        "order_number": request.order_id,
        "external_reference": request.label_id,
        "send_tracking_emails": False,
    }
    if request.form in DELIVERY_OPTIONS:
        body["delivery_option"] = DELIVERY_OPTIONS[request.form]
    if sides := _sides(request.parcel):
        body["dimensions"] = {**sides, "unit": "mm"}
    if request.parcel.items:
        body["parcel_items"] = [_item(item) for item in request.parcel.items]
    if request.sender.country != request.recipient.country:
        # "This field is required if it's an international return" (CreateReturn).
        body["customs_invoice_nr"] = request.return_number
    return body


def options_body(sender: Address, recipient: Address, parcel: Parcel) -> Json:
    """The question which labels a parcel back can have, with their prices. Here weights and sides are texts."""
    sent: Json = {"weight": {"value": str(parcel.weight_grams), "unit": "g"}}
    if sides := _sides(parcel):
        sent["dimensions"] = {**{name: str(side) for name, side in sides.items()}, "unit": "mm"}
    return {
        "from_address": _place(sender),
        "to_address": _place(recipient),
        "parcels": [sent],
        "functionalities": {"returns": True},
        "calculate_quotes": True,
    }


def _address(address: Address) -> Json:
    if not address.postal_code.strip():
        raise ProviderError(ErrorCode.INVALID_REQUEST, f"Sendcloud wants a postal code, in {address.country} too")
    optional = {
        "company_name": address.company,
        "house_number": address.house_number,
        "address_line_2": address.addition,
        "state_province_code": address.state,
        "email": address.email,
        "phone_number": address.phone,
    }
    return {
        "name": address.name,
        "address_line_1": address.street,
        "postal_code": address.postal_code,
        "city": address.city,
        "country_code": address.country,
        **{name: value for name, value in optional.items() if value},
    }


def _place(address: Address) -> Json:
    optional = {"postal_code": address.postal_code, "state_province_code": address.state}
    return {
        "country_code": address.country,
        "city": address.city,
        "address_line_1": f"{address.street} {address.house_number}".strip(),
        **{name: value for name, value in optional.items() if value},
    }


def _item(item: ParcelItem) -> Json:
    written: Json = {"item_id": item.line_id, "description": item.description, "quantity": item.quantity}
    if item.weight_grams is not None:
        written["weight"] = _weight(item.weight_grams)
    if item.price is not None:
        written["price"] = {"value": as_number(item.price), "currency": item.price.currency}
    optional = {"sku": item.sku, "hs_code": item.hs_code, "origin_country": item.origin_country}
    written |= {name: value for name, value in optional.items() if value}
    reason = OURS.get(item.reason, item.reason)
    if reason in REASONS:
        written["return_reason_id"] = reason
    elif reason:
        written |= {"return_reason_id": OTHER_REASON, "return_message": item.reason}
    return written


def _weight(grams: int) -> Json:
    return {"value": grams, "unit": "g"}


def _sides(parcel: Parcel) -> dict[str, int]:
    """The three sides, or none: the description has all of them or nothing."""
    sides = {"length": parcel.length_mm, "width": parcel.width_mm, "height": parcel.height_mm}
    known = {name: side for name, side in sides.items() if side is not None}
    return known if len(known) == len(sides) else {}


def as_number(money: Money) -> int | float:
    """An amount as the JSON number with its digits: the only way into JSON is a float, so it is compared with what is
    written. Raises `ProviderError` (invalid request) for an amount of more digits than such a number can have."""
    amount = money.decimal
    if amount == amount.to_integral_value():
        return int(amount)
    number = float(amount)
    if not math.isfinite(number) or Decimal(repr(number)) != amount:
        raise ProviderError(ErrorCode.INVALID_REQUEST, f"{money} has more digits than Sendcloud's numbers can have")
    return number


def _number(written: str, what: str) -> int:
    if not (written.isascii() and written.isdigit() and len(written) <= 18):
        raise ProviderError(ErrorCode.INVALID_REQUEST, f"a {what} of Sendcloud is a number")
    return int(written)
