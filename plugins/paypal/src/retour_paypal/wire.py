"""PayPal's JSON: what we send, what we read, and how its words and amounts become ours.

The fields are those of PayPal's descriptions of Payments v2 and Orders v2
(https://github.com/paypal/paypal-rest-api-specifications, ``payments_payment_v2.json``, ``checkout_orders_v2.json``).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from decimal import Decimal
from urllib.parse import urlsplit

import attrs

from retour import InvalidAmount
from retour.providers import (
    ErrorCode,
    Money,
    ProviderError,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Text,
    TextDomain,
)

_CURRENCIES = """
AUD BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS JPY MXN MYR NOK NZD PHP PLN RUB SEK SGD THB TWD USD
"""

CURRENCIES = frozenset(_CURRENCIES.split())
"""The currencies that PayPal has: https://developer.paypal.com/docs/api/reference/currency-codes/."""

WHOLE_UNITS = frozenset({"HUF", "JPY", "TWD"})
"""Currencies that PayPal takes no decimals of; all others have two.

https://developer.paypal.com/docs/api/reference/currency-codes/. ISO 4217 gives HUF and TWD two decimals.
"""

LONGEST_NOTE = 255
"""Characters of ``note_to_payer`` (schema ``refund_request``)."""

text = TextDomain("retour_paypal").text

REASONS: Mapping[str, Text] = {
    "ECHECK": text("the customer paid from his bank account, and PayPal does not have that money yet"),
}
"""What a person should know of the only reason that is documented (schema ``refund_status_details``); a word that is
new stays as it is."""

STATUSES: Mapping[str, RefundStatus] = {
    "COMPLETED": RefundStatus.SUCCEEDED,
    "PENDING": RefundStatus.PENDING,
    "FAILED": RefundStatus.FAILED,
    "CANCELLED": RefundStatus.CANCELLED,
}
"""Schema ``refund_status``. Any other status is pending."""

_VALUE = re.compile(r"-?[0-9]+|-?[0-9]*\.[0-9]+")
_LONGEST_VALUE = 32
_CAPTURE_PATH = re.compile(r"/v2/payments/captures/([A-Z0-9]{1,36})")
_ORDER_PATH = re.compile(r"/v2/checkout/orders/([A-Z0-9]{1,36})")


# --- money ---------------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class WireMoney:
    """An amount as PayPal writes it: a decimal in a text."""

    currency_code: str
    value: str


def write_money(amount: Money) -> dict[str, str]:
    """An amount for PayPal: ``{"currency_code": "EUR", "value": "44.95"}``.

    Raises `ProviderError` for an amount that PayPal's decimals cannot tell: HUF 0.50, KWD 1.234.
    """
    decimals = 0 if amount.currency in WHOLE_UNITS else 2
    scaled = amount.decimal.scaleb(decimals)
    if scaled != scaled.to_integral_value():
        raise ProviderError(
            ErrorCode.INVALID_REQUEST, f"PayPal takes {amount.currency} with {decimals} decimals, not {amount}"
        )
    value = Decimal(int(scaled)).scaleb(-decimals)
    return {"currency_code": amount.currency, "value": f"{value:f}"}


def read_money(wire: WireMoney) -> Money:
    """PayPal's amount as money; raises `ProviderError` (unreadable) where it is none."""
    if len(wire.value) > _LONGEST_VALUE or not _VALUE.fullmatch(wire.value):
        raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "an amount is no decimal number")
    try:
        return Money.of(Decimal(wire.value), wire.currency_code)
    except InvalidAmount:
        pass
    raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "an amount has more decimals than its currency, or is in none")


# --- what is sent --------------------------------------------------------------------------------------------


def refund_body(request: RefundRequest) -> dict[str, object]:
    """The body of a refund, from the request alone.

    The amount is always said, since "all that is left" may be another amount by the time that PayPal reads it.
    ``custom_id`` is our refund's id, which finds it again. There is no ``invoice_id``: PayPal refuses one that it saw
    before. ``note_to_payer`` is one line (schema ``refund_request``).
    """
    body: dict[str, object] = {"amount": write_money(request.amount), "custom_id": request.refund_id}
    note = " ".join(request.description.encode(errors="replace").decode().split())[:LONGEST_NOTE].strip()
    if note:
        body["note_to_payer"] = note
    return body


# --- what is read --------------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Link:
    """A link of an answer: ``rel="up"`` of a refund is its capture."""

    href: str
    rel: str


@attrs.frozen(kw_only=True)
class StatusDetails:
    """Why something is pending or failed."""

    reason: str | None = None


@attrs.frozen(kw_only=True)
class WireRefund:
    """A refund. ``amount`` is missing where PayPal answers briefly: in ``return=minimal``, perhaps in an order."""

    id: str
    status: str
    status_details: StatusDetails | None = None
    amount: WireMoney | None = None
    custom_id: str | None = None
    create_time: datetime.datetime | None = None
    links: tuple[Link, ...] = ()

    @property
    def capture(self) -> str:
        """The id of the capture it is on; empty where PayPal does not say."""
        return linked_capture(self.links)

    def result(self) -> RefundResult:
        """The refund in our words; raises `ProviderError` (unreadable) without an amount."""
        if self.amount is None:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the refund has no amount @ $.amount")
        said = (self.status_details and self.status_details.reason) or ""
        return RefundResult(
            reference=self.id,
            target=self.capture,
            status=STATUSES.get(self.status, RefundStatus.PENDING),
            amount=read_money(self.amount),
            provider_status=self.status,
            refund_id=self.custom_id or "",
            reason=str(REASONS.get(said, said)),
            created_at=self.create_time,
        )


@attrs.frozen(kw_only=True)
class RelatedIds:
    """What a capture belongs to."""

    order_id: str | None = None


@attrs.frozen(kw_only=True)
class SupplementaryData:
    """More about a capture. Not every capture has it."""

    related_ids: RelatedIds | None = None


@attrs.frozen(kw_only=True)
class WireCapture:
    """A captured payment: what a refund is made on. ``status_details`` says why it is as it is, also of a dispute."""

    id: str
    status: str
    amount: WireMoney
    status_details: StatusDetails | None = None
    supplementary_data: SupplementaryData | None = None
    links: tuple[Link, ...] = ()

    @property
    def reason(self) -> str:
        """Why it is as it is, in PayPal's word; empty where PayPal does not say."""
        return (self.status_details and self.status_details.reason) or ""

    @property
    def order(self) -> str:
        """The id of its order; empty where PayPal does not say."""
        if self.supplementary_data and self.supplementary_data.related_ids:
            named = self.supplementary_data.related_ids.order_id
            if named:
                return named
        return next((found for link in self.links if link.rel == "up" and (found := _last(_ORDER_PATH, link))), "")


@attrs.frozen(kw_only=True)
class Authorization:
    """Money that is set aside and not captured."""

    id: str | None = None


@attrs.frozen(kw_only=True)
class Payments:
    """What was paid and given back in one purchase unit."""

    authorizations: tuple[Authorization, ...] = ()
    captures: tuple[WireCapture, ...] = ()
    refunds: tuple[WireRefund, ...] = ()


@attrs.frozen(kw_only=True)
class PurchaseUnit:
    """A part of an order."""

    payments: Payments | None = None


@attrs.frozen(kw_only=True)
class WireOrder:
    """An order, which is the only place where PayPal lists refunds."""

    id: str
    status: str
    purchase_units: tuple[PurchaseUnit, ...]

    @property
    def payments(self) -> tuple[Payments, ...]:
        """The payments of its purchase units."""
        return tuple(unit.payments for unit in self.purchase_units if unit.payments)

    @property
    def captures(self) -> tuple[WireCapture, ...]:
        """All its captures."""
        return tuple(capture for payments in self.payments for capture in payments.captures)

    @property
    def refunds(self) -> tuple[WireRefund, ...]:
        """All its refunds."""
        return tuple(refund for payments in self.payments for refund in payments.refunds)


@attrs.frozen(kw_only=True)
class Token:
    """An access token and for how many seconds it is good."""

    access_token: str = attrs.field(repr=False)
    expires_in: int


def linked_capture(links: tuple[Link, ...]) -> str:
    """The id of the capture that ``links`` lead up to, else the one that they are the links of; empty without one."""
    for rel in ("up", "self"):
        for link in links:
            if link.rel == rel and (found := _last(_CAPTURE_PATH, link)):
                return found
    return ""


def _last(path: re.Pattern[str], link: Link) -> str:
    """The id at the end of a link of this shape, else nothing."""
    try:
        found = path.fullmatch(urlsplit(link.href).path)
    except ValueError:
        return ""
    return found[1] if found else ""
