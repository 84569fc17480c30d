"""The inbox: what a webhook says is verified, kept once, and then acted on like any other effect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Protocol, TypeVar

import attrs

from retour.effects.kinds import ReconcilePayment, RecordProviderEvent, account_of, to_store
from retour.effects.reading import as_reported
from retour.model.dossier import Dossier
from retour.model.errors import InvalidWebhook, ProviderUnavailable, UnreadableWebhook
from retour.model.frozen import frozen
from retour.model.ids import crockford
from retour.model.order import Mode, Order, Payment
from retour.model.text import Text, text
from retour.providers.errors import ProviderError
from retour.providers.webhooks import (
    LARGEST_WEBHOOK,
    RawWebhook,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookTrust,
    WebhookUnreadable,
)
from retour.providers.wire import refuse_deep
from retour.rules.matching import ReportedRefund
from retour.store.commit import NewEffect, Question

_Said = TypeVar("_Said", covariant=True)

MOST_HEADERS = 200
"""Headers of a webhook that are read at most; servers take some hundred."""

LARGEST_HEADERS = 64 * 1024
"""Characters that the names and values of its headers may have together."""


@frozen(kw_only=True)
class Notice:
    """One thing that a webhook says of the payment with one of these ``names`` (of a payment, a charge, a capture): a
    refund that was ``seen`` in a verified event, or without one a hint to ask the provider, ``signed`` or by anybody.
    ``taken_back`` says that a verified event told of money that was taken back.

    ``identity`` is the same when an event is said again, so that it is kept once.
    """

    names: tuple[str, ...]
    signed: bool = True
    identity: str = ""
    seen: ReportedRefund | None = None
    taken_back: bool = False

    def as_effect(self, payment: Payment) -> NewEffect | None:
        """The effect that records a verified event; None for a hint."""
        if self.taken_back:
            return to_store(ReconcilePayment(payment=payment.id, taken_back=True), self.identity)
        if self.seen is None:
            return None
        return to_store(RecordProviderEvent(payment=payment.id, seen=self.seen), self.identity)


class ReadsWebhooks(Protocol[_Said]):
    """Who reads webhooks: the caller of a payment or a shipping provider."""

    @property
    def name(self) -> str: ...

    @property
    def reads_webhooks(self) -> bool: ...

    def parse_webhook(self, webhook: RawWebhook) -> _Said: ...


def read(provider: ReadsWebhooks[_Said], headers: Mapping[str, str], body: bytes) -> _Said:
    """What a webhook says, verified by its provider over the raw bytes.

    Raises `InvalidWebhook` for one that is not the provider's, `UnreadableWebhook` for one that is and cannot be read,
    and `ProviderUnavailable` where the provider could not be asked for what the check needs, or its plugin broke over
    it: the log says where.
    """
    if not provider.reads_webhooks:
        raise InvalidWebhook(text("{provider} sends no webhooks that retour reads.", provider=provider.name))
    for fault in _faults(provider.name, headers, body):
        raise InvalidWebhook(fault)
    raw = RawWebhook(headers={name.lower(): value for name, value in headers.items()}, body=body)
    try:
        return provider.parse_webhook(raw)
    except WebhookUnreadable as error:
        raise UnreadableWebhook(
            text(
                "A webhook from {provider} is signed as it should be, and cannot be read: {why}. Answer 503, so that "
                "it is sent again, and look whether there is a newer version of its plugin.",
                provider=provider.name,
                why=str(error),
            )
        ) from error
    except WebhookRejected as error:
        raise InvalidWebhook(
            text("A webhook from {provider} was refused: {why}", provider=provider.name, why=str(error))
        ) from error
    except ProviderError as error:
        raise ProviderUnavailable(
            text(
                "A webhook from {provider} cannot be checked now: {why}. Answer 503, so that it is sent again.",
                provider=provider.name,
                why=error.reason.words,
            )
        ) from error


def _faults(provider: str, headers: Mapping[str, str], body: bytes) -> Iterator[Text]:
    """What nobody looks into. Counted here, before any plugin sees it: the limits are the same for all of them."""
    if len(body) > LARGEST_WEBHOOK:
        yield text("A webhook from {provider} is too large.", provider=provider)
    elif _is_deep(body):
        yield text("A webhook from {provider} is nested too deep.", provider=provider)
    if len(headers) > MOST_HEADERS:
        yield text("A webhook from {provider} has too many headers.", provider=provider)
    elif sum(len(name) + len(value) for name, value in headers.items()) > LARGEST_HEADERS:
        yield text("A webhook from {provider} has headers that are too large.", provider=provider)
    elif len({name.lower() for name in headers}) < len(headers):
        yield text("A webhook from {provider} has a header twice.", provider=provider)


def _is_deep(body: bytes) -> bool:
    """Whether a body that a plugin may read as JSON is nested deeper than anything sound: `refuse_deep` says why this
    is not left to the parser's own error."""
    try:
        refuse_deep(body.decode(json.detect_encoding(body), errors="replace"))
    except ValueError:
        return True
    return False


@frozen(kw_only=True)
class Sender:
    """Who a webhook is from: verified with the settings of one ``account`` and ``mode`` of a shop at a provider. What
    it says counts for the payments of these alone."""

    shop: str
    provider: str
    account: str
    mode: Mode

    def has(self, payment: Payment) -> bool:
        """Whether a payment is one of its own."""
        return (payment.provider, payment.account, payment.mode) == (self.provider, self.account, self.mode)

    def question(self, order_id: str, payment: Payment, *, signed: bool) -> Question:
        """The one question that all hints of a payment ask."""
        identity = identity_of(*attrs.astuple(self), order_id, payment.id)
        hints = None if signed else (self.provider, self.account, self.mode.value)
        asked = to_store(ReconcilePayment(payment=payment.id), identity, account=account_of(payment))
        return Question(effect=asked, hints=hints)


def notices(sender: Sender, said: VerifiedEvents | ToFetch, trust: WebhookTrust) -> Iterator[Notice]:
    """What a webhook says, one thing after the other. Of a provider that signs all of them, hints are signed too.

    What was said to one shop was said to no other: two can share an account, and each gets its own.
    """
    if isinstance(said, VerifiedEvents):
        for event in said.events:
            refund = event.refund
            identity = identity_of(*attrs.astuple(sender), event.event_id, refund.reference, refund.status)
            yield Notice(names=event.payments, identity=identity, seen=as_reported(refund))
    elif said.taken_back is not None and said.targets and trust is WebhookTrust.SIGNED:
        identity = identity_of(*attrs.astuple(sender), said.taken_back, "taken back")
        yield Notice(names=said.targets, identity=identity, taken_back=True)
    else:
        for target in said.targets:
            yield Notice(names=(target,), signed=trust is WebhookTrust.SIGNED)


def payment_named(order: Order, dossier: Dossier, sender: Sender, names: Sequence[str]) -> Payment | None:
    """Which payment of an order a webhook means: by the reference that the shop stored, by what its provider calls it,
    or by what we refunded. Also one that has left the order since: what is said of it counts."""
    now = [payment for payment in order.payments if sender.has(payment)]
    left = [payment for payment in dossier.payments.values() if sender.has(payment) and payment not in now]
    for payment in (*now, *left):
        identity = dossier.identities.get(payment.id)
        told = identity.names if identity is not None else ()
        if not set(names).isdisjoint((*payment.names, *told)):
            return payment
    for refund in dossier.refunds.values():
        if refund.instruction is not None and refund.instruction.target in names:
            return next((payment for payment in (*now, *left) if payment.id == refund.payment), None)
    return now[0] if len(now) == 1 else None


def identity_of(*said: str) -> str:
    """An id that is the same whenever the same is ``said``, and else another."""
    told = json.dumps(said).encode()  # so that no two are the same text
    return "ev" + crockford(int.from_bytes(hashlib.sha256(told).digest()[:17]) >> 6, 26)
