"""Mollie's two kinds of webhooks: the classic one, which is only a hint, and the signed events of the next generation.

Classic: a form ``id=tr_…`` to the payment's ``webhookUrl``, unsigned, also for its refunds and chargebacks, and
``id=ord_…`` to an order's (source/overview/webhooks.rst). Next-gen: JSON with ``X-Mollie-Signature`` (https://docs.mollie.com/reference/webhooks-new,
``SignatureValidator`` in mollie/mollie-api-php).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from urllib.parse import parse_qs

from retour.providers import (
    Mode,
    RawWebhook,
    RefundEvent,
    Secret,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    check_signed,
    read_json,
    read_wire,
    reading_signed,
)
from retour_mollie import wire

SIGNATURE = "x-mollie-signature"
PREFIX = "sha256="
FORM = "application/x-www-form-urlencoded"

_TARGET = re.compile(r"(?:tr|ord)_[0-9A-Za-z]{1,64}")


def parse(webhook: RawWebhook, secrets: Iterable[Secret], mode: Mode) -> VerifiedEvents | ToFetch:
    """Read a webhook; raises `WebhookRejected` and nothing else.

    One with a signature, even an empty one, is next-gen and must be signed with one of ``secrets``. One without is a
    classic one if it is a form, and else nobody's.
    """
    if SIGNATURE in webhook.headers:
        return _events(webhook, secrets, mode)
    return _hint(webhook)


def _hint(webhook: RawWebhook) -> ToFetch:
    """The payment or the order that a classic webhook names: a shop can have stored either.

    A form with one id of something else (a subscription, a payment link) hints at nothing of ours, and is answered like
    any other: a refusal would only make Mollie repeat it. What is no such form is not Mollie's.
    """
    if webhook.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise WebhookRejected("neither signed nor a form")
    try:
        named = parse_qs(webhook.body.decode("ascii"), strict_parsing=True, max_num_fields=10).get("id", [])
    except ValueError:
        named = []
    if len(named) != 1:
        raise WebhookRejected("a form without one id")  # from nothing: the fault of the parser repeats the form
    [reference] = named
    return ToFetch(targets=(reference,) if _TARGET.fullmatch(reference) else ())


def _events(webhook: RawWebhook, secrets: Iterable[Secret], mode: Mode) -> VerifiedEvents:
    """What a signed event says of a refund; nothing if it is about something else, or of the other mode.

    One of the signatures in the header is by one of the secrets, with or without the prefix.
    There is no timestamp in the signature, so an old event can come again: it has the same ``event_id``.
    """
    given = [part.strip().removeprefix(PREFIX) for part in webhook.headers[SIGNATURE].split(",")]
    check_signed(webhook.body, given, secrets, setting="webhook_secrets")
    with reading_signed(webhook.body):
        event = read_wire(wire.Event, read_json(webhook.body))
        if not event.type.startswith("refund.") or event.entity is None:
            return VerifiedEvents(events=())
        refund = read_wire(wire.Refund, event.entity)
        if refund.mode != mode.value:
            return VerifiedEvents(events=())
        told = RefundEvent(event_id=event.id, refund=refund.result(mode))
    return VerifiedEvents(events=(told,))
