"""Stripe's webhooks: signed, about refunds in two families of events, and about disputes.

Since version 2024-10-28 of the API, ``refund.created``, ``refund.updated`` and ``refund.failed`` come for all refunds;
before, they came for refunds without a charge only, and the others gave ``charge.refund.updated`` and
``charge.refunded`` (https://docs.stripe.com/changelog/acacia/2024-10-28/refund-webhook-update). The version is the
webhook endpoint's own, so both families are read.

What an event says of a dispute is a reason to look at its payment, and no more: several can be on their way at once.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable

from retour.providers import (
    ErrorCode,
    Mode,
    ProviderError,
    RawWebhook,
    RefundEvent,
    Secret,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    check_age,
    check_signed,
    read_json,
    read_wire,
    reading_signed,
)
from retour_stripe.wire import DisputedCharge, Event, Refund, RefundedCharge

TOLERANCE = datetime.timedelta(minutes=5)
"""How old a signature may be, or ahead of our clock. Stripe's own client lets the future pass."""

_OF_A_REFUND = frozenset({"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"})
_OF_A_CHARGE = "charge.refunded"
_OF_A_DISPUTE = frozenset(
    {
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }
)


_ABOUT_MONEY = ("refund.", "charge.refund", "charge.dispute.")
"""How the types of events begin that are about money which goes back."""

_OF_A_PAYMENT = re.compile(r"(?:pi|ch|py)_[0-9A-Za-z_]{1,250}")
_LONGEST = 100
"""Characters of a type that are shown."""


def check_signature(webhook: RawWebhook, secrets: Iterable[Secret], *, now: datetime.datetime) -> None:
    """Check ``Stripe-Signature: t=<unix seconds>,v1=<hex>[,v1=<hex>…]`` at the time ``now``.

    A ``v1`` is the HMAC-SHA256 of the time, a point and the raw body; any one that matches any secret is enough, and
    other schemes are ignored (https://docs.stripe.com/webhooks#verify-manually). Raises `WebhookRejected`.
    """
    parts = [part.partition("=") for part in webhook.headers.get("stripe-signature", "").split(",")]
    times = [value for name, _, value in parts if name.strip() == "t"]
    given = [value.strip() for name, _, value in parts if name.strip() == "v1"]
    if len(times) != 1 or not given:
        raise WebhookRejected("the header Stripe-Signature is missing or malformed")
    [sent] = times
    if not (sent.isascii() and sent.isdigit() and len(sent) < 12):
        raise WebhookRejected("the time in Stripe-Signature is none")
    check_signed(sent.encode() + b"." + webhook.body, given, secrets, setting="webhook_secrets")
    at = datetime.datetime.fromtimestamp(int(sent), datetime.UTC)
    check_age(at, now=now, oldest=TOLERANCE, ahead=TOLERANCE)


def read_events(body: bytes, mode: Mode) -> VerifiedEvents | ToFetch:
    """What a webhook says whose signature was checked. One of the other ``mode`` is about something else.

    A charge that was refunded no longer lists its refunds, so these are fetched, as is the payment of a dispute. The
    PaymentIntent and the charge are both named, with the same event, since the shop can have stored either. A refund
    that cannot be read, and an event about money whose type is not known, have their payment fetched where they name
    it. Raises `WebhookUnreadable`.
    """
    with reading_signed(body):
        event = read_wire(Event, read_json(body))
        if event.livemode is not (mode is Mode.LIVE) or not event.type.startswith(_ABOUT_MONEY):
            return VerifiedEvents(events=())
        if event.type == _OF_A_CHARGE:
            charge = read_wire(RefundedCharge, event.data.object)
            return _to_fetch(charge.payment_intent, charge.id)
        if event.type in _OF_A_DISPUTE:
            dispute = read_wire(DisputedCharge, event.data.object)
            return _to_fetch(dispute.payment_intent, dispute.charge)
        if event.type not in _OF_A_REFUND:
            unknown = ProviderError(ErrorCode.UNREADABLE_ANSWER, f"no event of type {event.type[:_LONGEST]} is known")
            return _payment_of(event, unknown)
        try:
            refund = read_wire(Refund, event.data.object)
            if not refund.targets:
                return VerifiedEvents(events=())
            told = RefundEvent(event_id=event.id, refund=refund.result(), names=refund.targets)
        except ProviderError as error:
            return _payment_of(event, error)
        return VerifiedEvents(events=(told,))


def _payment_of(event: Event, error: ProviderError) -> ToFetch:
    """The payment of an event that cannot be read further; raises the ``error`` where it names none."""
    about = event.data.object
    named = (about.get("payment_intent"), about.get("charge"), about.get("id"))
    found = [name for name in named if isinstance(name, str) and _OF_A_PAYMENT.fullmatch(name)]
    if not found:
        raise error
    return ToFetch(targets=tuple(dict.fromkeys(found)), unread=f"{event.type[:_LONGEST]}: {error.message}")


def _to_fetch(*names: str | None) -> ToFetch:
    return ToFetch(targets=tuple([name for name in names if name]))
