"""Mollie's JSON: what we send, and what we read of what comes back. Its names are Mollie's.

The fields are those of Mollie's API description (schemas ``refund-request``, ``entity-refund-response``,
``payment-response``, ``error-response``, ``entity-webhook-event``). Orders are the exception: the Orders API is no
longer in that description, so only its documentation of 2024 says what an order holds.
"""
# ruff: noqa: N815 - the names are Mollie's

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs, urlsplit

import attrs

from retour import RetourError
from retour.providers import (
    Disposition,
    ErrorCode,
    Mode,
    Money,
    ProviderError,
    RefundRequest,
    RefundResult,
    RefundStatus,
    Text,
    TextDomain,
    read_json,
)

LONGEST_DESCRIPTION = 140
"""Characters. The description of 2026 allows 255, the documentation of 2024 only 140 (create-payment-refund.rst)."""

text = TextDomain("retour_mollie").text

STATUSES: Mapping[str, RefundStatus] = {
    "queued": RefundStatus.PENDING,
    "pending": RefundStatus.PENDING,
    "processing": RefundStatus.PENDING,
    "refunded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELLED,
}
"""What Mollie says of a refund (https://docs.mollie.com/docs/refunds). Any other word is pending: the description
allows for new ones (``x-speakeasy-unknown-values``)."""

REASONS: Mapping[str, Text] = {
    "queued": text("the balance at Mollie is too low: the refund goes out by itself once there is enough on it"),
    "failed": text("the bank refused the refund, and the money is back on the balance at Mollie"),
}
"""What a person should know of a status (https://docs.mollie.com/docs/refunds)."""

_GAVE_NOTHING = frozenset({RefundStatus.FAILED, RefundStatus.CANCELLED})

CANCELLABLE = frozenset({"queued", "pending"})
"""The statuses in which a refund can still be cancelled (operation ``cancel-refund``)."""

USUAL_PAGE = 50
"""Refunds on a page of a list unless another number is asked for (parameter ``list-limit``)."""

_CURRENCIES = """
AED AUD BGN BRL CAD CHF CNY CZK DKK EUR GBP HKD HUF ILS ISK JPY MXN MYR NOK NZD PHP PLN RON RUB SEK SGD THB TWD
USD ZAR
"""

CURRENCIES = frozenset(_CURRENCIES.split())
"""The currencies that Mollie has, those of payments by PayPal included (source/payments/multicurrency.rst of 2024,
https://docs.mollie.com/docs/multicurrency)."""

_AMOUNT = re.compile(r"-?[0-9]{1,20}(\.[0-9]{1,10})?")


# --- what we send ----------------------------------------------------------------------------------------


def refund_body(request: RefundRequest, *, testmode: bool = False) -> dict[str, object]:
    """A refund as Mollie wants it. The amount is always there, also when all of it goes back: v2 requires it.

    ``testmode`` is for organisation tokens only; with an API key the field must not be sent.
    """
    body: dict[str, object] = {
        "amount": amount_of(request.amount),
        "description": _plain(request.description)[:LONGEST_DESCRIPTION],
        "metadata": {"refund_id": request.refund_id},
    }
    return body | {"testmode": True} if testmode else body


def amount_of(money: Money) -> dict[str, str]:
    """Money as Mollie writes it: a text with exactly the currency's decimals, ``{"currency": "JPY", "value": "12"}``.

    Mollie's decimals are those of ISO 4217 for every currency it has, HUF and TWD included (multicurrency.rst).
    """
    return {"currency": money.currency, "value": str(money.decimal)}


def _plain(words: str) -> str:
    """On one line, and without halves of characters, which no JSON can hold."""
    return " ".join(words.encode(errors="replace").decode().split())


# --- what we read ----------------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class Amount:
    """An amount: a decimal number in a text."""

    currency: str
    value: str

    @property
    def money(self) -> Money:
        """As money; unreadable if it is no plain number, or in no currency."""
        if not _AMOUNT.fullmatch(self.value):
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "an amount is no plain decimal number")
        try:
            return Money.of(self.value, self.currency)
        except RetourError:
            pass
        raise ProviderError(
            ErrorCode.UNREADABLE_ANSWER,
            "an amount cannot be read: it has more decimals than its currency, or is in none",
        )


@attrs.frozen(kw_only=True)
class Link:
    """An address that goes with an answer."""

    href: str


@attrs.frozen(kw_only=True)
class Refund:
    """A refund. ``metadata`` is whatever was sent along by whoever made it."""

    id: str
    mode: str
    amount: Amount
    status: str
    paymentId: str
    createdAt: datetime.datetime
    metadata: Any = None

    @property
    def refund_id(self) -> str:
        """Our id, if it is one of ours; an example in Mollie's description has metadata as JSON in a text."""
        metadata = self.metadata
        if isinstance(metadata, str):
            try:
                metadata = read_json(metadata)
            except ValueError:
                return ""
        found = metadata.get("refund_id") if isinstance(metadata, Mapping) else None
        return found if isinstance(found, str) else ""

    def result(self, mode: Mode) -> RefundResult:
        """What it means to us; raises `ProviderError` if it is of the other mode than ours."""
        of_mode(self.mode, mode)
        return RefundResult(
            reference=self.id,
            target=self.paymentId,
            status=STATUSES.get(self.status, RefundStatus.PENDING),
            amount=self.amount.money,
            provider_status=self.status,
            refund_id=self.refund_id,
            reason=str(REASONS.get(self.status, "")),
            created_at=self.createdAt,
        )


def _next(links: Mapping[str, Link | None]) -> str | None:
    """The id that the next page of a list begins with, None on the last. The address around it is not followed: our key
    goes to no host that an answer names."""
    link = links.get("next")
    if link is None:
        return None
    try:
        [start] = parse_qs(urlsplit(link.href).query)["from"]
    except (ValueError, KeyError):
        raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the next page of a list has no beginning") from None
    return start


@attrs.frozen(kw_only=True)
class Refunds:
    """The refunds on one page of a list."""

    refunds: tuple[Refund, ...]


@attrs.frozen(kw_only=True)
class RefundPage:
    """One page of a payment's refunds, newest first."""

    _embedded: Refunds
    _links: dict[str, Link | None]

    @property
    def refunds(self) -> tuple[Refund, ...]:
        """The refunds on it."""
        return self._embedded.refunds

    @property
    def next(self) -> str | None:
        """The id that the next page begins with, None on the last."""
        return _next(self._links)


@attrs.frozen(kw_only=True)
class Chargeback:
    """Money that a bank took back; ``reversedAt`` is when it gave that back, None or absent where it did not."""

    id: str
    amount: Amount
    paymentId: str
    reversedAt: datetime.datetime | None = None


@attrs.frozen(kw_only=True)
class Chargebacks:
    """The chargebacks on one page of a list."""

    chargebacks: tuple[Chargeback, ...]


@attrs.frozen(kw_only=True)
class ChargebackPage:
    """One page of a payment's chargebacks."""

    _embedded: Chargebacks
    _links: dict[str, Link | None]

    @property
    def chargebacks(self) -> tuple[Chargeback, ...]:
        """The chargebacks on it."""
        return self._embedded.chargebacks

    @property
    def next(self) -> str | None:
        """The id that the next page begins with, None on the last."""
        return _next(self._links)


@attrs.frozen(kw_only=True)
class Embedded:
    """What is embedded in a payment that was asked for with ``embed=refunds``: these, the newest first, and the
    chargebacks, where they are given too."""

    refunds: tuple[Refund, ...] | None = None
    chargebacks: tuple[Chargeback, ...] | None = None


@attrs.frozen(kw_only=True)
class Payment:
    """A payment. ``amountRefunded`` and ``amountRemaining`` are absent when no refund is possible; older recordings
    have null for them.

    ``amountChargedBack`` is what a bank took back in all, absent where that is nothing; its description does not say
    whether it falls when some of it is reversed. ``orderId`` is there where the payment was made for an order, which
    can have others (schema ``entity-payment-response``)."""

    id: str
    mode: str
    status: str
    amount: Amount
    _links: dict[str, Link | None]
    method: str | None = None
    amountRefunded: Amount | None = None
    amountRemaining: Amount | None = None
    amountCaptured: Amount | None = None
    amountChargedBack: Amount | None = None
    orderId: str | None = None
    _embedded: Embedded | None = None

    @property
    def captured(self) -> Money | None:
        """What was received: less than the amount where only a part of a card payment was captured. None where it is
        not paid."""
        if self.amountCaptured is not None:
            return self.amountCaptured.money
        return self.amount.money if self.status == "paid" else None

    @property
    def charged_back(self) -> Money:
        """What a bank took back, with or without what it gave back since."""
        return Money.zero(self.amount.currency) if self.amountChargedBack is None else self.amountChargedBack.money

    @property
    def chargebacks(self) -> tuple[Chargeback, ...] | None:
        """Its chargebacks, where they came with it; else None, and the list has them."""
        return None if self._embedded is None else self._embedded.chargebacks

    def left(self, charged_back: Money) -> Money | None:
        """What can still be refunded where a bank has so much of it; None where nothing can be."""
        if self.amountRemaining is None:
            return None
        remaining = self.amountRemaining.money
        captured = self.captured
        if not charged_back or captured is None:
            return remaining
        refunded = Money.zero(captured.currency) if self.amountRefunded is None else self.amountRefunded.money
        return max(min(remaining, captured - refunded - charged_back), Money.zero(captured.currency))

    @property
    def refunds(self) -> tuple[Refund, ...] | None:
        """Its refunds, where the answer certainly has all of them; else None, and the list has them.

        "Embed all refunds created for this payment", says the description (``get-payment``), and has no next page for
        them. It does not say that there is no limit either. So as many as a page of the list has are not taken for
        all, nor are those that come to less than ``amountRefunded``.
        """
        found = None if self._embedded is None else self._embedded.refunds
        if found is None or len(found) >= USUAL_PAGE:
            return None
        refunded = Money.zero(self.amount.currency) if self.amountRefunded is None else self.amountRefunded.money
        amounts = [one.amount.money for one in found if STATUSES.get(one.status) not in _GAVE_NOTHING]
        given = sum(amount.minor for amount in amounts if amount.currency == refunded.currency)
        return found if given >= refunded.minor else None

    @property
    def dashboard(self) -> str:
        """The payment's own page, where a person can refund it."""
        link = self._links.get("dashboard")
        return link.href if link is not None and link.href.startswith("https://") else ""


@attrs.frozen(kw_only=True)
class OrderedPayment:
    """As much of a payment as an order is asked for."""

    id: str
    status: str


@attrs.frozen(kw_only=True)
class Payments:
    """The payments embedded in an order."""

    payments: tuple[OrderedPayment, ...] = ()


@attrs.frozen(kw_only=True)
class Order:
    """An order of the Orders API, with its payments (source/reference/v2/orders-api/get-order.rst of 2024)."""

    id: str
    mode: str
    _embedded: Payments | None = None

    @property
    def paid(self) -> tuple[OrderedPayment, ...]:
        """Its payments that were paid; failed and expired tries stay on an order beside them."""
        embedded = self._embedded or Payments()
        return tuple([payment for payment in embedded.payments if payment.status == "paid"])


@attrs.frozen(kw_only=True)
class Profile:
    """The website profile that an API key is of."""

    id: str
    mode: str


@attrs.frozen(kw_only=True)
class Organization:
    """The organisation that a token is of."""

    id: str


@attrs.frozen(kw_only=True)
class Fault:
    """An error. Mollie has no codes: what there is to go by is the status, the field and the words."""

    status: int
    title: str
    detail: str
    field: str | None = None


@attrs.frozen(kw_only=True)
class EventEntity:
    """What a next-gen event is about, as it was then; a refund is read in full later."""

    entity: Any = None


@attrs.frozen(kw_only=True)
class Event:
    """A next-gen webhook event: ``type`` is such as ``refund.refunded``. The entity is only in a full payload."""

    id: str
    type: str
    _embedded: EventEntity | None = None

    @property
    def entity(self) -> Any:
        """The refund, payment or whatever it is about, not read yet; None if it was not sent along."""
        return None if self._embedded is None else self._embedded.entity


def of_mode(answered: str, ours: Mode) -> None:
    """Refuse an answer about live money where we work in test, and the other way round."""
    if answered != ours.value:
        raise ProviderError(
            ErrorCode.CONFIGURATION,
            f"Mollie answered about {answered} payments, and we asked about {ours.value} ones.",
            disposition=Disposition.RECONCILE,
        )
