"""Webhooks: what a provider sends by itself, and how far it can be trusted. The types carry the trust."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum

import attrs

from retour.model.fields import Id, checked, wanted_instead
from retour.model.frozen import frozen
from retour.model.personal import SECRET
from retour.providers.errors import ErrorCode, ProviderError, unreadable
from retour.providers.refund_request import RefundResult
from retour.providers.wire import read_json

LARGEST_WEBHOOK = 1024 * 1024
"""Bytes of a webhook's body that are read at most. What is larger need not be read from the network at all."""


class WebhookTrust(StrEnum):
    """What a webhook of this provider is worth: signed, only a hint to fetch, or there are none."""

    SIGNED = "signed"  #: what it says is true
    FETCH = "fetch"  #: a hint: what it is about is fetched
    NONE = "none"  #: there are none


@frozen(kw_only=True)
class RawWebhook:
    """A webhook as it came in. Nothing of it is shown: it can be about people."""

    headers: Mapping[str, str] = attrs.field(repr=False, metadata=SECRET)
    """With lower-case names."""

    body: bytes = attrs.field(repr=False, metadata=SECRET)
    """The raw bytes, which signatures are over."""


@frozen(kw_only=True, field_transformer=checked(unreadable))
class RefundEvent:
    """A refund that the provider speaks of, in a webhook whose signature was checked.

    What the refund is on is its ``target``, or one of the ``names`` under which the shop may know that payment
    (a charge and its intent): one of these there must be.
    """

    event_id: Id
    """The provider's, the same when it is sent again, and another for each thing that a webhook of several says."""

    refund: RefundResult
    """The refund as the webhook has it."""

    names: tuple[Id, ...] = ()
    """Under which the shop may know the payment that the refund is on (a charge and its intent). Without any the refund
    has a ``target``."""

    def __attrs_post_init__(self) -> None:
        if not self.payments:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, f"event {self.event_id} names no payment")

    @property
    def payments(self) -> tuple[str, ...]:
        """Every name of the payment that the refund is on, each once."""
        return tuple(dict.fromkeys([name for name in (self.refund.target, *self.names) if name]))


@frozen(kw_only=True, field_transformer=checked(unreadable))
class VerifiedEvents:
    """What a signed webhook says, several things where it holds several; empty when it is about something else.

    The signature can stand in a header or in the body, over all of it or over some fields: what none covers is not
    read from it.

    >>> from retour.providers import Money, RefundResult, RefundStatus
    >>> refund = RefundResult(
    ...     reference="re_1", target="tr_1", status=RefundStatus.SUCCEEDED, amount=Money.of("10.00", "EUR"),
    ...     provider_status="refunded",
    ... )
    >>> len(VerifiedEvents(events=(RefundEvent(event_id="evt_1", refund=refund),)).events)
    1
    """

    events: tuple[RefundEvent, ...]
    """One for each refund that it speaks of."""


@frozen(kw_only=True, field_transformer=checked(unreadable))
class ToFetch:
    """What an unsigned webhook hints at: payments, charges or captures whose refunds must be fetched to be believed.

    >>> ToFetch(targets=("tr_1",)).targets
    ('tr_1',)
    """

    targets: tuple[Id, ...]
    """What to ask the provider about."""

    taken_back: Id | None = None
    """The provider's id of a signed event that says that money of them was taken back, past the merchant: a person
    looks where the payment then shows nothing of it. Of an unsigned webhook it is not believed."""

    unread: str = ""
    """What of a signed event could not be read, where it could still be told which payments it is about: they are
    fetched, and a person is told, so that the plugin is brought up to date. Of an unsigned webhook it is not believed
    either."""


class WebhookRejected(Exception):
    """A webhook with a wrong, old or missing signature. Answer 400, keep nothing."""


class WebhookUnreadable(WebhookRejected):
    """A webhook that is the provider's own, its signature was checked, and that cannot be read: a person is told of it,
    and the provider is to send it again. Never raised of one whose signature was not checked or is wrong: anybody can
    send such, as many as he likes. ``event`` is the provider's id of it, by which a person finds it there."""

    def __init__(self, why: str, *, event: str = "") -> None:
        super().__init__(why)
        self.event = event


@contextmanager
def reading_signed(body: bytes) -> Iterator[None]:
    """Read what stands in a webhook whose signature was checked: what raises ValueError or `ProviderError` in this
    block makes it a `WebhookUnreadable`.

    >>> from retour.providers import ErrorCode
    >>> with reading_signed(b'{"id": "evt_1"}'):
    ...     raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "required field missing @ $.type")
    Traceback (most recent call last):
    retour.providers.webhooks.WebhookUnreadable: signed, but not readable: required field missing @ $.type
    """
    try:
        yield
    except ValueError as error:
        raise WebhookUnreadable("signed, but no JSON", event=_id_of(body)) from error
    except ProviderError as error:
        raise WebhookUnreadable(f"signed, but not readable: {error.message}", event=_id_of(body)) from error


def _id_of(body: bytes) -> str:
    """The id in an event's JSON, where nearly all providers have it; empty where there is none."""
    try:
        told = read_json(body)
    except ValueError:
        return ""
    found = told.get("id") if isinstance(told, dict) else None
    return found if isinstance(found, str) and wanted_instead(found, Id) is None else ""
