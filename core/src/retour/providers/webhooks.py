"""Webhooks: what a provider sends by itself, and how far it can be trusted. The types carry the trust."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs

from retour.model.fields import Id, checked
from retour.providers.errors import unreadable
from retour.providers.refund_request import RefundResult

LARGEST_WEBHOOK = 1024 * 1024
"""Bytes of a webhook's body that are read at most. What is larger need not be read from the network at all."""


class WebhookTrust(StrEnum):
    """What a webhook of this provider is worth: signed, only a hint to fetch, or there are none."""

    SIGNED = "signed"
    FETCH = "fetch"
    NONE = "none"


@attrs.frozen(kw_only=True)
class RawWebhook:
    """A webhook as it came in: ``headers`` with lower-case names, and the raw ``body``, which signatures are over.
    Neither is shown: it can be about people."""

    headers: Mapping[str, str] = attrs.field(repr=False)
    body: bytes = attrs.field(repr=False)


@attrs.frozen(kw_only=True, field_transformer=checked(unreadable))
class RefundEvent:
    """A refund that the provider speaks of, in a webhook whose signature was checked. ``event_id`` is the provider's,
    the same when it is sent again. ``target`` is the payment, charge or capture it is on."""

    event_id: Id
    target: Id
    refund: RefundResult


@attrs.frozen(kw_only=True, field_transformer=checked(unreadable))
class VerifiedEvents:
    """What a signed webhook says; empty when it is about something else."""

    events: tuple[RefundEvent, ...]


@attrs.frozen(kw_only=True, field_transformer=checked(unreadable))
class ToFetch:
    """What an unsigned webhook hints at: payments, charges or captures whose refunds must be fetched to be believed."""

    targets: tuple[Id, ...]


class WebhookRejected(Exception):
    """A webhook with a wrong, old or missing signature. Answer 400, keep nothing."""
