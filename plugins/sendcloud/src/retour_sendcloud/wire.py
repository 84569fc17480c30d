"""Sendcloud's JSON as we read it. Its names are Sendcloud's (schemas ``Return``, ``shipping-option``, ``errors`` of API
v3, ``ParcelResponseShort`` of API v2)."""

from __future__ import annotations

import datetime
import re
from collections.abc import Sequence
from decimal import Decimal, InvalidOperation
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from retour import RetourError
from retour.providers import (
    Charged,
    ErrorCode,
    LabelForm,
    LabelOption,
    Money,
    ParcelState,
    ProviderError,
    SentItem,
    Shipment,
    Told,
)
from retour_sendcloud.errors import words_of
from retour_sendcloud.statuses import RETURN_STATUSES, parent_status, standing

_LABEL_OF = re.compile(r"https?://[^/]+/api/v3/parcels/([0-9]{1,18})/documents/label")
_DIGITS = re.compile(r"[0-9]{1,18}(\.[0-9]{1,10})?")
_LARGEST_EXPONENT = 20
"""Of a number that is an amount or a weight: of a larger one nothing can be computed, or only for hours."""

_GRAMS = {"g": Decimal(1), "kg": Decimal(1000), "oz": Decimal("28.349523125"), "lbs": Decimal("453.59237")}
"""Of a unit of weight (``weight-units``); the pound and the ounce by the agreement of 1959."""

CHARGED = {"label_creation": Charged.WHEN_MADE, "first_scan": Charged.WHEN_SCANNED}
"""When a label is invoiced (``charging_type`` of ``shipping-option``)."""


# --- amounts ---------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Price:
    """A price: its value is a number in some documents, a text in others, and once was both in two answers of a
    kind."""

    value: Any = None
    currency: str | None = None

    @property
    def money(self) -> Money | None:
        """As money; None where it is no amount of its currency. Nothing else of an answer is lost for it."""
        value = _decimal(self.value)
        if value is None or self.currency is None:
            return None
        try:
            return Money.of(value, self.currency)
        except RetourError:
            return None


def _decimal(value: object) -> Decimal | None:
    if isinstance(value, bool) or not isinstance(value, int | str | Decimal):
        return None
    if isinstance(value, str) and not _DIGITS.fullmatch(value):
        return None
    try:
        found = Decimal(value)
    except InvalidOperation:
        return None
    return found if found.is_finite() and found >= 0 and abs(found.adjusted()) <= _LARGEST_EXPONENT else None


# --- what a label costs, and which there are -------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Weight:
    """A weight, its value written as a text."""

    value: Any = None
    unit: str | None = None

    @property
    def grams(self) -> Decimal | None:
        """In grams; None where it cannot be read."""
        value, unit = _decimal(self.value), _GRAMS.get(self.unit or "")
        return None if value is None or unit is None else value * unit


@attrs.frozen(kw_only=True)
class WeightRange:
    """From a weight to another."""

    min: Weight | None = None
    max: Weight | None = None

    def holds(self, grams: int) -> bool:
        """Whether a parcel of this weight is within it; a bound that cannot be read is none."""
        low = None if self.min is None else self.min.grams
        high = None if self.max is None else self.max.grams
        return (low is None or low <= grams) and (high is None or grams <= high)


@attrs.frozen(kw_only=True)
class QuotedPrice:
    """The price of a quote in all."""

    total: Price | None = None


@attrs.frozen(kw_only=True)
class Quote:
    """What parcels within a range of weights cost."""

    weight: WeightRange | None = None
    price: QuotedPrice | None = None


@attrs.frozen(kw_only=True)
class Carrier:
    """A carrier."""

    code: str
    name: str | None = None


@attrs.frozen(kw_only=True)
class Contract:
    """A contract of the account with a carrier."""

    id: int
    name: str | None = None


@attrs.frozen(kw_only=True)
class Functionalities:
    """What an option does: is it for returns, with a QR code instead of a label, fetched at the customer's."""

    returns: bool | None = None
    labelless: bool | None = None
    pick_up: bool | None = None
    first_mile: str | None = None


@attrs.frozen(kw_only=True)
class Option:
    """A shipping option."""

    code: str
    name: str | None = None
    carrier: Carrier | None = None
    contract: Contract | None = None
    functionalities: Functionalities | None = None
    charging_type: str | None = None
    quotes: tuple[Quote, ...] | None = None

    @property
    def is_for_returns(self) -> bool:
        """Whether Sendcloud says that it is: it was asked for such ones alone."""
        return self.functionalities is not None and self.functionalities.returns is True

    def option(self, grams: int) -> LabelOption:
        """What it means to us, for a parcel of this weight."""
        can = self.functionalities or Functionalities()
        try:
            return LabelOption(
                code=self.code,
                name=self.name or self.code,
                carrier="" if self.carrier is None else self.carrier.code,
                form=LabelForm.QR_CODE if can.labelless else LabelForm.PDF,
                contract="" if self.contract is None else str(self.contract.id),
                price=self._price(grams),
                charged=CHARGED.get(self.charging_type or "", Charged.UNKNOWN),
                pick_up=bool(can.pick_up) or can.first_mile == "pickup",
            )
        except RetourError:
            pass
        raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "an option has a name or a code that cannot be one")

    def _price(self, grams: int) -> Money | None:
        """The one price that its quotes have for this weight; None for none, and for several that differ."""
        fitting = [quote for quote in self.quotes or () if quote.weight is None or quote.weight.holds(grams)]
        prices = {None if one.price is None or one.price.total is None else one.price.total.money for one in fitting}
        return prices.pop() if len(prices) == 1 else None


@attrs.frozen(kw_only=True)
class Options:
    """The options for a parcel; ``data`` can be null."""

    data: tuple[Option, ...] | None


# --- a return --------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Created:
    """A return that was made. ``errors`` are not described here; where there are any, it was refused."""

    return_id: int
    parcel_id: int
    errors: Any = None

    @property
    def shipment(self) -> Shipment:
        """What it means to us: the carrier does not have it yet."""
        because = words_of(self.errors)
        return Shipment(
            told=Told.REFUSED if because else Told.ANNOUNCING,
            reference=str(self.return_id),
            parcel=str(self.parcel_id),
            because=because,
        )


@attrs.frozen(kw_only=True)
class Reason:
    """Why something comes back, by Sendcloud's number."""

    id: int | None = None


@attrs.frozen(kw_only=True)
class Item:
    """Something in a return. Its reason is a number in one place and a text in another."""

    quantity: int | None = None
    sku: str | None = None
    description: str | None = None
    return_reason: Reason | None = None
    return_reason_id: Any = None

    def sent(self, otherwise: str) -> SentItem:
        """What it means to us; ``otherwise`` is the reason of the whole return. A quantity that is not told is 0."""
        mine = self.return_reason.id if self.return_reason is not None else self.return_reason_id
        return SentItem(
            quantity=self.quantity or 0,
            sku=self.sku or "",
            description=self.description or "",
            reason=str(mine) if isinstance(mine, int | str) and mine else otherwise,
        )


@attrs.frozen(kw_only=True)
class Step:
    """One entry of the history of a return."""

    parent_status: str | None = None
    carrier_message: str | None = None
    carrier_code: str | None = None
    carrier_update_timestamp: str | None = None

    @property
    def at(self) -> datetime.datetime | None:
        """When it was; None where it does not say so, or without a zone."""
        return _time(self.carrier_update_timestamp)


@attrs.frozen(kw_only=True)
class Labels:
    """Where the label of a return is."""

    label_printer: str | None = None


@attrs.frozen(kw_only=True)
class Return:
    """A return as it is now. It has neither its own number nor our reference; the number of its parcel stands only in
    the address of its label, once that is there."""

    status_history: tuple[Step, ...]
    created_at: str
    is_cancellable: bool | None = None
    order_number: str | None = None
    label: Labels | None = None
    label_url: str | None = None
    label_cost: Price | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    parcel_items: tuple[Item, ...] | None = None
    reason: Reason | None = None
    status: str | None = None
    errors: Any = None

    @property
    def made_at(self) -> datetime.datetime | None:
        """When it was made."""
        return _time(self.created_at)

    @property
    def parcel(self) -> str:
        """The number of its parcel, from the address of its label (example of ``label``); empty while there is none."""
        printer = None if self.label is None else self.label.label_printer
        for address in (printer, self.label_url):
            found = _LABEL_OF.fullmatch(address.partition("?")[0]) if address else None
            if found:
                return found[1]
        return ""

    @property
    def shipment(self) -> Shipment:
        """What it means to us; raises `ProviderError` where it names neither order, parcel nor tracking number."""
        steps = in_order(self.status_history)
        words = [step.parent_status for step in steps if step.parent_status]
        stands, last = standing(words), steps[-1] if steps else Step()
        status = words[-1] if words else ""
        told, because = stands.told or Told.ANNOUNCING, words_of(self.errors)
        if self.status is not None and self.status in RETURN_STATUSES:
            told, status = RETURN_STATUSES[self.status], self.status
        elif told is Told.ANNOUNCING and because and not self.parcel and status != "announcing":
            told = Told.REFUSED
        if not because and (told is Told.REFUSED or stands.progress is ParcelState.PROBLEM):
            because = last.carrier_message or ""
        return Shipment(
            told=told,
            parcel=self.parcel,
            order_id=self.order_number or "",
            progress=stands.progress or ParcelState.UNKNOWN,
            provider_status=status,
            because=because,
            carrier=next((step.carrier_code for step in reversed(steps) if step.carrier_code), ""),
            tracking_number=self.tracking_number or "",
            tracking_url=https_only(self.tracking_url),
            cancellable=self.is_cancellable,
            cost=None if self.label_cost is None else self.label_cost.money,
            made_at=self.made_at,
            changed_at=last.at,
            items=tuple([item.sent(self._reason) for item in self.parcel_items or ()]),
        )

    @property
    def _reason(self) -> str:
        return "" if self.reason is None or not self.reason.id else str(self.reason.id)


def in_order(history: Sequence[Step]) -> list[Step]:
    """The steps of a history, the oldest first. Which way it is written is not described: the times tell, and of two at
    one time the order in which they stand. Without a time on each of them, they are taken as they stand."""
    times = [step.at for step in history]
    known = [time for time in times if time is not None]
    if len(known) < len(times) or not known:
        return list(history)
    steps = list(reversed(history)) if known[0] > known[-1] else list(history)
    return sorted(steps, key=lambda step: step.at or known[0])


@attrs.frozen(kw_only=True)
class ReturnPage:
    """One page of a list of returns."""

    data: tuple[Return, ...]
    next: str | None = None

    @property
    def cursor(self) -> str:
        """What asks for the next page, empty on the last. The address around it is not followed: our keys go to no host
        that an answer names."""
        if not self.next:
            return ""
        try:
            [cursor] = parse_qs(urlsplit(self.next).query)["cursor"]
        except (ValueError, KeyError):
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the next page of returns has no cursor") from None
        return cursor


# --- a parcel alone --------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class ParcelStatus:
    """The status of a parcel, in the words that people read."""

    message: str


@attrs.frozen(kw_only=True)
class ReturnedParcel:
    """The parcel of a return, as API v2 has it. Its ``external_reference`` is its own, and not known to be the
    return's."""

    id: int
    status: ParcelStatus
    order_number: str | None = None
    tracking_number: str | None = None
    tracking_url: str | None = None
    is_return: bool | None = None

    @property
    def shipment(self) -> Shipment:
        """What it means to us."""
        status = parent_status(self.status.message)
        stands = standing([status])
        return Shipment(
            told=stands.told or Told.ANNOUNCING,
            parcel=str(self.id),
            order_id=self.order_number or "",
            progress=stands.progress or ParcelState.UNKNOWN,
            provider_status=status,
            tracking_number=self.tracking_number or "",
            tracking_url=https_only(self.tracking_url),
        )


@attrs.frozen(kw_only=True)
class ParcelAnswer:
    """One parcel."""

    parcel: ReturnedParcel


# --- the return portal -----------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class OutgoingParcel:
    """A parcel that went to a customer, as API v2 finds it."""

    id: int
    order_number: str | None = None
    tracking_number: str | None = None
    postal_code: str | None = None
    shipment_uuid: str | None = None
    is_return: bool | None = None


@attrs.frozen(kw_only=True)
class OutgoingParcels:
    """The parcels of an order or with a tracking number."""

    parcels: tuple[OutgoingParcel, ...]


@attrs.frozen(kw_only=True)
class PortalUrl:
    """Where the return portal is for a shipment; can be empty in API v2."""

    url: str | None


@attrs.frozen(kw_only=True)
class PortalAnswer:
    """The same, as API v3 writes it."""

    data: PortalUrl


@attrs.frozen(kw_only=True)
class Account:
    """Whose keys were used."""

    integration_id: int


@attrs.frozen(kw_only=True)
class AccountAnswer:
    """The answer to the question whose keys were used."""

    data: Account


def https_only(address: str | None) -> str:
    """An address that can be shown; empty for any other."""
    return address if address and address.startswith("https://") else ""


def _time(written: str | None) -> datetime.datetime | None:
    """A time with its offset, in UTC; None for any other: what a parcel does is not lost for the time that it did
    it."""
    try:
        time = datetime.datetime.fromisoformat(written or "")
    except ValueError:
        return None
    try:
        return None if time.tzinfo is None else time.astimezone(datetime.UTC)
    except OverflowError:
        return None
