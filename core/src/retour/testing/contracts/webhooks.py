"""Webhooks: a genuine one is understood, a forged one moves nothing, and the same one twice counts once."""

from __future__ import annotations

import datetime
import re
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress

import attrs
import pytest

from retour.model.order import Payment
from retour.providers.errors import ProviderError
from retour.providers.refund_request import RefundStatus
from retour.providers.webhooks import (
    RawWebhook,
    RefundEvent,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookTrust,
)
from retour.testing.contracts.account import A_YEAR, Account, needs

SHORTEST_SIGNATURE = 16
"""Characters. What is shorter is a version or a name."""

MOST_PLACES = 40
"""Places at which a body is changed, for each kind of byte."""


def _other_body(webhook: RawWebhook, others: Sequence[RawWebhook]) -> list[RawWebhook]:
    """The body changed by one byte: another digit, a letter in the other case, something after its end."""
    del others
    body = webhook.body
    digits = [place for place in range(len(body)) if body[place : place + 1].isdigit()]
    letters = [place for place in range(len(body)) if body[place : place + 1].isalpha()]
    changed = [
        body[:place] + _other_byte(body[place : place + 1]) + body[place + 1 :]
        for places in (digits, letters)
        for place in places[:: len(places) // MOST_PLACES + 1]
    ]
    return [attrs.evolve(webhook, body=other) for other in (*changed, body + b" ")]


def _other_byte(byte: bytes) -> bytes:
    if byte.isalpha():
        return byte.swapcase()
    return b"1" if byte == b"2" else b"2"


def _no_headers(webhook: RawWebhook, others: Sequence[RawWebhook]) -> list[RawWebhook]:
    """Nothing but the body, with the type of its content or without."""
    del others
    kept = {name: value for name, value in webhook.headers.items() if name == "content-type"}
    return [attrs.evolve(webhook, headers={}), attrs.evolve(webhook, headers=kept)]


def _other_headers(webhook: RawWebhook, others: Sequence[RawWebhook]) -> list[RawWebhook]:
    """Every header but the type changed a little, emptied, or filled with what is no header."""
    del others
    fillings: list[str | None] = [None, "", "é\U0001f600" * 9, "9" * 9000]
    return [
        attrs.evolve(
            webhook,
            headers={
                name: value if name == "content-type" else (_a_little(value) if filling is None else filling)
                for name, value in webhook.headers.items()
            },
        )
        for filling in fillings
    ]


def _a_little(value: str) -> str:
    """The value with another last character."""
    return value[:-1] + ("A" if value[-1:] != "A" else "B")


def _headers_of_another(webhook: RawWebhook, others: Sequence[RawWebhook]) -> list[RawWebhook]:
    """The headers, signature included, of another genuine webhook."""
    return [attrs.evolve(webhook, headers=other.headers) for other in others if other.body != webhook.body]


FORGERIES: dict[str, Callable[[RawWebhook, Sequence[RawWebhook]], list[RawWebhook]]] = {
    "another body": _other_body,
    "no headers": _no_headers,
    "other headers": _other_headers,
    "the headers of another webhook": _headers_of_another,
}
"""What somebody can do who has seen a genuine webhook and does not have the secret."""


def _one_of_each(account: Account) -> tuple[Payment, list[RawWebhook]]:
    """A payment with a refund by us that fails after it was paid and one in the dashboard, and all webhooks of it."""
    account.sandbox.take_webhooks()
    payment = account.pay()
    made = account.provider().refund(account.request(payment, account.amount(44_95)))
    account.sandbox.refund_in_dashboard(payment.reference, account.amount(10_00))
    account.sandbox.advance(A_YEAR)
    account.sandbox.fail(made.reference)
    account.sandbox.advance(datetime.timedelta(hours=1))
    return payment, _sent(account)


def _sent(account: Account) -> list[RawWebhook]:
    """The webhooks that nobody took yet, as the core hands them over."""
    return [
        RawWebhook(headers={name.lower(): value for name, value in sent.headers.items()}, body=sent.body)
        for sent in account.sandbox.take_webhooks()
    ]


def _events(told: VerifiedEvents | ToFetch) -> tuple[RefundEvent, ...]:
    return told.events if isinstance(told, VerifiedEvents) else ()


@needs("refund_by_api", "webhooks")
def test_a_genuine_webhook_is_about_the_payment_that_it_is_about(account: Account) -> None:
    """The provider's own webhooks are understood, lead to the payment, and say of a refund what the books say.

    What leads to another payment settles the wrong refund; what is not understood leaves it open for ever.
    """
    payment, webhooks = _one_of_each(account)
    assert webhooks, "a payment was refunded and a refund failed, and the sandbox has no webhook to send"
    provider = account.provider()
    told = [provider.parse_webhook(webhook) for webhook in webhooks]
    target = account.target(payment)
    hinted = {one for said in told if isinstance(said, ToFetch) for one in said.targets}
    events = [event for said in told for event in _events(said)]
    assert target in hinted | {event.payments[0] for event in events}
    booked = {one.reference: one for one in account.books(payment)}
    for event in events:
        assert event.event_id
        assert event.refund.reference in booked, "a refund that the payment does not have"
        one = booked[event.refund.reference]
        assert event.refund.amount == one.amount
        assert event.refund.refund_id in ("", one.refund_id)


@needs("refund_by_api", "webhooks")
def test_a_signed_webhook_tells_that_a_refund_failed(account: Account) -> None:
    """Where webhooks are signed, one of them says that the refund failed, or says to look.

    A refund that comes back is the one thing that nobody looks for.
    """
    if account.capabilities.webhooks is not WebhookTrust.SIGNED:
        pytest.skip(f"webhooks of {account.kind.name} are hints")
    payment, webhooks = _one_of_each(account)
    provider = account.provider()
    told = [provider.parse_webhook(webhook) for webhook in webhooks]
    failed = {one.reference for one in account.books(payment) if one.status is RefundStatus.FAILED}
    said = {
        event.refund.reference for one in told for event in _events(one) if event.refund.status is RefundStatus.FAILED
    }
    last = told[-1]
    assert said == failed or (isinstance(last, ToFetch) and account.target(payment) in last.targets)


@needs("refund_by_api", "webhooks")
def test_a_webhook_never_says_more_than_the_books(account: Account) -> None:
    """Of a refund that the bank holds up, every webhook says that it is pending, or says to look."""
    account.sandbox.hold()
    payment = account.pay()
    account.provider().refund(account.request(payment))
    account.sandbox.advance(datetime.timedelta(days=1))
    provider = account.provider()
    told = [provider.parse_webhook(webhook) for webhook in _sent(account)]
    assert {event.refund.status for one in told for event in _events(one)} <= {RefundStatus.PENDING}


@needs("refund_by_api", "webhooks")
def test_the_same_webhook_twice_is_the_same_event(account: Account) -> None:
    """A webhook that is sent again says the same, under the same id, so that it counts once; two events have two ids.

    Providers promise "at least once" and mean it.
    """
    _, webhooks = _one_of_each(account)
    provider, other = account.provider(), account.provider()
    told = [provider.parse_webhook(webhook) for webhook in webhooks]
    assert [other.parse_webhook(webhook) for webhook in webhooks] == told
    said = {(event.event_id, event.refund.reference, event.refund.status) for one in told for event in _events(one)}
    assert len({event_id for event_id, _, _ in said}) == len(said)


@needs("refund_by_api", "webhooks")
@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=list(FORGERIES))
def test_a_forged_webhook_says_nothing_of_a_refund(
    account: Account, forgery: Callable[[RawWebhook, Sequence[RawWebhook]], list[RawWebhook]]
) -> None:
    """Without the provider's signature over exactly these bytes, a webhook is rejected or is a hint to ask, and never
    says how a refund is. Of a provider that signs all of them it is not even a hint.

    Whoever knows the address could otherwise tell a shop that a customer was paid.
    """
    _, webhooks = _one_of_each(account)
    provider = account.provider()
    forged = [one for webhook in webhooks for one in forgery(webhook, webhooks)]
    for webhook in forged:
        try:
            told: VerifiedEvents | ToFetch = provider.parse_webhook(webhook)
        except (WebhookRejected, ProviderError):
            continue
        assert _events(told) == (), f"believed: {str(webhook)[:400]}"
        if account.capabilities.webhooks is WebhookTrust.SIGNED and isinstance(told, ToFetch):
            assert told.targets == (), f"asked about, though all webhooks are signed: {str(webhook)[:400]}"


@needs("refund_by_api", "webhooks")
def test_a_rejection_does_not_help_the_forger(account: Account) -> None:
    """What is said of a rejected webhook, in its traceback too, holds no secret and no signature that would have done.

    It ends in a log, or in the answer; from there the forger signs what he likes.
    """
    _, webhooks = _one_of_each(account)
    provider = account.provider()
    for genuine in webhooks:
        for forged in [*_no_headers(genuine, webhooks), *_other_headers(genuine, webhooks)]:
            with suppress(ProviderError):
                try:
                    provider.parse_webhook(forged)
                except WebhookRejected as rejected:
                    said = "\n".join([repr(rejected), *traceback.format_exception(rejected)])
                    told = [word for word in account.secrets() | (_words(genuine) - _words(forged)) if word in said]
                    assert told == [], "the rejection helps to forge the next one"


def _words(webhook: RawWebhook) -> set[str]:
    """What stands in the headers and could be a signature."""
    values = [value for name, value in webhook.headers.items() if name != "content-type"]
    return {word for value in values for word in re.split(r"[\s,;=]+", value) if len(word) >= SHORTEST_SIGNATURE}


@needs("refund_by_api", "webhooks")
def test_a_webhook_moves_no_money(account: Account) -> None:
    """Reading webhooks changes nothing at the provider, in whatever order they come."""
    payment, webhooks = _one_of_each(account)
    before = account.books(payment)
    provider = account.provider()
    for webhook in [*reversed(webhooks), *webhooks]:
        provider.parse_webhook(webhook)
    assert account.books(payment) == before
