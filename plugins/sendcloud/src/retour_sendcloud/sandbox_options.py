"""What can be bought at the sandbox of Sendcloud, and what it refuses in the words of Sendcloud's errors.

The options, contracts and prices are the sandbox's own: those of a real account depend on its carriers and contracts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence, Set
from decimal import Decimal
from typing import Any

import attrs

Json = dict[str, Any]

_EU = frozenset(
    {
        *("AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU"),
        *("IE", "IT", "LT", "LU", "LV", "MT", "NL", "PL", "PT", "RO", "SE", "SI", "SK"),
    }
)
_GRAMS = {"g": Decimal(1), "kg": Decimal(1000)}
_DUTCH_POSTAL_CODE = re.compile(r"[1-9][0-9]{3} ?[A-Za-z]{2}")


@attrs.frozen(kw_only=True)
class SandboxOption:
    """One option. ``prices`` are in euros, by the weight in grams up to which they hold; ``countries`` those in which
    the customer can be, empty for all."""

    code: str
    name: str
    carrier: str
    contract: int
    prices: Mapping[int, str]
    countries: frozenset[str] = frozenset({"NL", "BE", "DE"})
    charging: str = "label_creation"
    labelless: bool = False
    returns: bool = True
    first_mile: str = "dropoff"

    def serves(self, country: str) -> bool:
        """Whether its contract is for parcels of customers in a country."""
        return not self.countries or country in self.countries

    def price(self, grams: Decimal) -> str | None:
        """What a parcel costs, None where it is too heavy."""
        return next((price for most, price in sorted(self.prices.items()) if grams <= most), None)


OPTIONS: Sequence[SandboxOption] = (
    SandboxOption(
        code="postnl:standard/return",
        name="PostNL return, drop-off",
        carrier="postnl",
        contract=101,
        prices={10_000: "5.45", 23_000: "10.95"},
    ),
    SandboxOption(
        code="postnl:standard/return,labelless",
        name="PostNL return without a printer",
        carrier="postnl",
        contract=101,
        prices={10_000: "5.65", 23_000: "11.15"},
        charging="first_scan",
        labelless=True,
    ),
    SandboxOption(
        code="dpd:return/return",
        name="DPD return",
        carrier="dpd",
        contract=202,
        prices={31_500: "6.15"},
        charging="first_scan",
    ),
    SandboxOption(
        code="dpd:return/return",
        name="DPD return, second contract",
        carrier="dpd",
        contract=203,
        prices={31_500: "5.95"},
    ),
    SandboxOption(
        code="dhl:return/pickup",
        name="DHL, fetched at the customer's",
        carrier="dhl",
        contract=301,
        prices={31_500: "8.95"},
        first_mile="pickup",
    ),
    SandboxOption(
        code="ups:standard/return",
        name="UPS Standard return",
        carrier="ups",
        contract=401,
        prices={30_000: "14.80"},
        countries=frozenset(),
    ),
    SandboxOption(
        code="postnl:standard/signature",
        name="PostNL to the customer",
        carrier="postnl",
        contract=101,
        prices={23_000: "6.95"},
        returns=False,
    ),
)


def grams_of(weight: Json) -> Decimal:
    """A weight in grams; one in another unit than grams and kilograms is too heavy for everybody."""
    try:
        return Decimal(str(weight["value"])) * _GRAMS[weight["unit"]]
    except (KeyError, ArithmeticError):
        return Decimal("Infinity")


def find(code: str, contract: int | None) -> list[SandboxOption]:
    """The options with a code, of one contract if that is named."""
    return [one for one in OPTIONS if one.code == code and contract in (None, one.contract)]


def offered(country: str, grams: Decimal, wanted: Mapping[str, Any]) -> list[SandboxOption]:
    """The options for a parcel from a country, with these functionalities."""
    return [
        one
        for one in OPTIONS
        if one.serves(country)
        and one.price(grams) is not None
        and all(functionalities(one).get(name) == value for name, value in wanted.items())
    ]


def functionalities(option: SandboxOption) -> Json:
    """Schema ``carrier-shipping-functionalities``, as far as options differ here."""
    return {
        "returns": option.returns,
        "labelless": option.labelless,
        "first_mile": option.first_mile,
        "pick_up": option.first_mile == "pickup",
        "tracked": True,
    }


def faults_of(body: Json, used: Set[str]) -> Iterator[Json]:
    """What is wrong with a return that is asked for, as errors of schema ``errors``; ``used`` are the references that
    other returns have."""
    for name in ("from_address", "to_address", "ship_with", "weight"):
        if not isinstance(body.get(name), dict):
            yield _fault(name, "required", "This field is required.")
            return
    for whose in ("from_address", "to_address"):
        yield from _address_faults(whose, body[whose])
    if body.get("external_reference") in used:
        yield _fault("external_reference", "invalid", "External reference has already been used in another return.")
    yield from _option_faults(body)
    if not {body["from_address"].get("country_code"), body["to_address"].get("country_code")} <= _EU:
        yield from _customs_faults(body)


def _address_faults(whose: str, address: Json) -> Iterator[Json]:
    for name in ("name", "address_line_1", "postal_code", "city", "country_code"):
        if not address.get(name):
            yield _fault(f"{whose}.{name}", "required", "This field is required.")
    code = address.get("postal_code") or ""
    if address.get("country_code") == "NL" and code and not _DUTCH_POSTAL_CODE.fullmatch(code):
        yield _fault(f"{whose}.postal_code", "invalid", "The postal code is not valid for NL.")


def _option_faults(body: Json) -> Iterator[Json]:
    ship_with = body["ship_with"]
    code, contract = ship_with.get("shipping_option_code"), ship_with.get("contract")
    if ship_with.get("type") != "shipping_option_code" or not code:
        yield _fault("ship_with.shipping_option_code", "required", "This field is required.")
    elif not find(code, None):
        yield _fault("ship_with.shipping_option_code", "invalid_choice", f"{code} is not available for this account.")
    elif not find(code, contract):
        yield _fault("ship_with.contract", "invalid", "Invalid contract.")
    elif len(find(code, contract)) > 1:
        yield _fault("ship_with.contract", "required", "There are several contracts with this carrier.")
    elif not find(code, contract)[0].serves(body["from_address"].get("country_code") or ""):
        yield _fault("ship_with.contract", "invalid", "The contract is not available for the sender's country.")
    elif find(code, contract)[0].price(grams_of(body["weight"])) is None:
        yield _fault("weight", "invalid", "The weight is not allowed for this shipping option.")


def _customs_faults(body: Json) -> Iterator[Json]:
    """The description says these are mandatory for returns from outside the EU."""
    if not body.get("customs_invoice_nr"):
        yield _fault("customs_invoice_nr", "required", "This field is required for international returns.")
    if not body.get("parcel_items"):
        yield _fault("parcel_items", "required", "This field is required for international returns.")
    for number, item in enumerate(body.get("parcel_items") or []):
        for name in ("hs_code", "origin_country"):
            if not item.get(name):
                yield _fault(f"parcel_items.{number}.{name}", "required", "This field is required.")


def refused_by_carrier(body: Json) -> str:
    """What a carrier says of a return that Sendcloud took: some faults it alone sees. Empty for nothing."""
    address = body["from_address"]
    if not address.get("house_number") and not any(one.isdigit() for one in address["address_line_1"]):
        return "Shipper address: house number is missing"
    return ""


def _fault(field: str, code: str, message: str) -> Json:
    return {"field": field, "code": code, "message": message}
