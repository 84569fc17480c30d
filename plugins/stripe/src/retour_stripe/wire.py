"""Stripe's JSON, as far as retour reads it: version 2024-04-10 and later ones, which only added to these fields.

Source: https://github.com/stripe/openapi, ``openapi/spec3.json``, the schemas of the same names.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from typing import Any, Literal

import attrs

from retour.providers import ErrorCode, ProviderError, RefundResult, RefundStatus, Text, TextDomain
from retour_stripe.money import from_wire

VERSION = "2024-04-10"
"""The version of the API that is asked for in every call; without it, the account's own would decide."""

REFUND_ID = "refund_id"
"""The key in a refund's metadata that holds our own id of it."""

text = TextDomain("retour_stripe").text

REASONS: Mapping[str, Text] = {
    "lost_or_stolen_card": text("the customer's card was lost or stolen"),
    "expired_or_canceled_card": text("the customer's card has expired or was cancelled"),
    "charge_for_pending_refund_disputed": text("the customer disputed the payment while the refund was on its way"),
    "insufficient_funds": text("the balance at Stripe is too low"),
    "declined": text("a bank on the way refused the refund"),
    "merchant_request": text("it was stopped because the shop asked for that"),
    "unknown": text("Stripe does not say why"),
    "processing": text("Stripe is working on it"),
    "charge_pending": text("the payment itself has not arrived yet"),
}
"""What a person should know of ``failure_reason`` (schema ``refund``) and of ``pending_reason``
(https://docs.stripe.com/changelog/basil/2025-04-30/refund-pending-reason); a word that is new stays as it is."""

STATUSES: Mapping[str | None, RefundStatus] = {
    "pending": RefundStatus.PENDING,
    "requires_action": RefundStatus.PENDING,  # the consumer must say where the money goes
    "succeeded": RefundStatus.SUCCEEDED,
    "failed": RefundStatus.FAILED,
    "canceled": RefundStatus.CANCELLED,
}
"""The statuses of a refund (schema ``refund``, field ``status``); one that is not here is pending."""


@attrs.frozen(kw_only=True)
class Refund:
    """A refund. ``pending_reason`` is newer than 2024-04-10."""

    id: str
    object: Literal["refund"]
    amount: int
    currency: str
    created: int
    status: str | None = None
    charge: str | None = None
    payment_intent: str | None = None
    metadata: dict[str, str] | None = None
    failure_reason: str | None = None
    pending_reason: str | None = None

    @property
    def targets(self) -> tuple[str, ...]:
        """What it is made on: the PaymentIntent and its charge, either of which the shop can have stored."""
        return tuple([target for target in (self.payment_intent, self.charge) if target])

    def result(self, target: str = "") -> RefundResult:
        """The refund in the core's words: on the ``target`` that was asked about, where Stripe says that it is."""
        said = self.failure_reason or self.pending_reason or ""
        return RefundResult(
            reference=self.id,
            target=target if target in self.targets else next(iter(self.targets), ""),
            status=STATUSES.get(self.status, RefundStatus.PENDING),
            amount=from_wire(self.amount, self.currency),
            provider_status=self.status or "",
            refund_id=(self.metadata or {}).get(REFUND_ID, ""),
            reason=str(REASONS.get(said, said)),
            created_at=_time(self.created),
        )


@attrs.frozen(kw_only=True)
class RefundList:
    """One page of refunds, the newest first."""

    object: Literal["list"]
    data: list[Refund]
    has_more: bool


@attrs.frozen(kw_only=True)
class Charge:
    """A charge (``ch_…``, ``py_…``). ``refunded`` is true only of one that is wholly refunded.

    ``refunds`` are there where they were asked for with ``expand[]``, the newest ten of them; else absent or null."""

    id: str
    object: Literal["charge"]
    amount_captured: int
    amount_refunded: int
    currency: str
    captured: bool
    disputed: bool
    refunded: bool
    status: str
    livemode: bool
    payment_intent: str | None = None
    refunds: RefundList | None = None


@attrs.frozen(kw_only=True)
class Dispute:
    """A dispute of a charge (``dp_…``, ``du_…``), or an inquiry, whose statuses begin with ``warning_``.

    ``amount`` is what is disputed: "Usually the amount of the charge, but it can differ". ``is_charge_refundable`` is
    whether "it's still possible to refund the disputed payment"."""

    id: str
    object: Literal["dispute"]
    amount: int
    charge: str
    currency: str
    is_charge_refundable: bool
    livemode: bool
    status: str
    payment_intent: str | None = None


@attrs.frozen(kw_only=True)
class DisputeList:
    """One page of disputes, the newest first."""

    object: Literal["list"]
    data: list[Dispute]
    has_more: bool


@attrs.frozen(kw_only=True)
class PaymentIntent:
    """A payment (``pi_…``), with its charge expanded."""

    id: str
    object: Literal["payment_intent"]
    currency: str
    status: str
    livemode: bool
    latest_charge: Charge | None = None


@attrs.frozen(kw_only=True)
class CheckoutSession:
    """A checkout session (``cs_…``), with its payment expanded; without one when it is not paid, or set up a
    subscription."""

    id: str
    object: Literal["checkout.session"]
    livemode: bool
    payment_intent: PaymentIntent | None = None


@attrs.frozen(kw_only=True)
class ListedSession:
    """As much of a checkout session as a list is asked for, its payment not expanded."""

    id: str
    object: Literal["checkout.session"]
    livemode: bool
    payment_intent: str | None = None


@attrs.frozen(kw_only=True)
class SessionList:
    """Checkout sessions of a payment."""

    object: Literal["list"]
    data: list[ListedSession]


@attrs.frozen(kw_only=True)
class Fault:
    """What is inside ``error`` (schema ``api_errors``). ``code`` can be missing."""

    type: str
    code: str = ""
    message: str = ""


@attrs.frozen(kw_only=True)
class ErrorBody:
    """The body of a refusal."""

    error: Fault


@attrs.frozen(kw_only=True)
class EventData:
    """What an event is about: an object as it was then, in the webhook endpoint's version of the API."""

    object: dict[str, Any]


@attrs.frozen(kw_only=True)
class RefundedCharge:
    """As much as is read of a charge that an event is about: its refunds are fetched, whatever the endpoint's version
    of the API says of them."""

    id: str
    object: Literal["charge"]
    payment_intent: str | None = None


@attrs.frozen(kw_only=True)
class DisputedCharge:
    """As much as is read of a dispute that an event is about: which charge it is of. How it is now is asked."""

    object: Literal["dispute"]
    charge: str
    payment_intent: str | None = None


@attrs.frozen(kw_only=True)
class Event:
    """A webhook's body."""

    id: str
    object: Literal["event"]
    type: str
    livemode: bool
    data: EventData


def _time(seconds: int) -> datetime.datetime:
    try:
        return datetime.datetime.fromtimestamp(seconds, datetime.UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "a time that is none @ $.created") from error
