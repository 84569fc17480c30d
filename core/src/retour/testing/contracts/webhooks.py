"""Webhooks: a genuine one is understood, a forged one moves nothing, and the same one twice counts once."""

from __future__ import annotations

import datetime
import json
import re
import traceback
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import attrs
import pytest

from retour.model.money import Money
from retour.model.order import Payment
from retour.providers.contract import RefundsByApi
from retour.providers.errors import ProviderError
from retour.providers.refund_request import RefundRequest, RefundResult, RefundStatus
from retour.providers.settings import read_settings
from retour.providers.webhooks import (
    RawWebhook,
    RefundEvent,
    ToFetch,
    VerifiedEvents,
    WebhookRejected,
    WebhookTrust,
    WebhookUnreadable,
)
from retour.sandbox import SandboxWebhook, TellsOfRefunds
from retour.testing.contracts.account import A_YEAR, Account
from retour.testing.contracts.answers import (
    GONE,
    changed_at,
    fields,
    mistakes,
    of_the_other_mode,
    unknown_words,
    value_at,
)
from retour.testing.contracts.any_account import another_secret, lacks, needs
from retour.testing.contracts.making_refunds import CURRENCIES
from retour.testing.contracts.provider_modules import later
from retour.testing.contracts.signing import (
    Signed,
    Watched,
    hmacs_of,
    keys_of,
    signed_by_hmac,
    signed_in_the_body,
    stands_in_the_body,
    watching_comparisons,
)

SHORTEST_SIGNATURE = 16
"""Characters. What is shorter is a version or a name."""

MOST_PLACES = 40
"""Places at which a body is changed, for each kind of byte; and each of its values is changed once."""

_VALUE = re.compile(rb"[A-Za-z0-9_.+-]+")


def _other_body(webhook: RawWebhook, others: Sequence[RawWebhook]) -> list[RawWebhook]:
    """The body changed by one byte: another digit, a letter in the other case, something after its end."""
    del others
    body = webhook.body
    digits = [place for place in range(len(body)) if body[place : place + 1].isdigit()]
    letters = [place for place in range(len(body)) if body[place : place + 1].isalpha()]
    in_values = [(found.start() + found.end()) // 2 for found in _VALUE.finditer(body)]
    places = [*digits[:: len(digits) // MOST_PLACES + 1], *letters[:: len(letters) // MOST_PLACES + 1], *in_values]
    changed = [body[:place] + _other_byte(body[place : place + 1]) + body[place + 1 :] for place in sorted(set(places))]
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
    """The value with another last character, in whatever case it is read."""
    return value[:-1] + ("A" if value[-1:].casefold() != "a" else "B")


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


def one_of_each(account: Account) -> tuple[Payment, list[RawWebhook]]:
    """A payment with a refund by us that fails after it was paid and one in the dashboard, and all webhooks of it."""
    account.sandbox.take_webhooks()
    payment = account.pay()
    made = account.provider().refund(account.request(payment, account.amount(44_95)))
    account.sandbox.refund_in_dashboard(payment.reference, account.amount(10_00))
    account.sandbox.advance(A_YEAR)
    account.sandbox.fail(made.reference)
    account.sandbox.advance(datetime.timedelta(hours=1))
    return payment, sent(account)


def two_that_fail(account: Account) -> tuple[list[RefundRequest], list[RefundResult], list[RawWebhook]]:
    """Refunds of two payments that fail at once, and all webhooks of that."""
    account.sandbox.hold()
    requests = [account.request(account.pay(), number=number) for number in (1, 2)]
    made = [account.provider().refund(request) for request in requests]
    account.sandbox.take_webhooks()
    for one in made:
        account.sandbox.fail(one.reference)
    return requests, made, sent(account)


def sent(account: Account) -> list[RawWebhook]:
    """The webhooks that nobody took yet, as the core hands them over."""
    return [as_handed_over(webhook) for webhook in account.sandbox.take_webhooks()]


def as_handed_over(webhook: SandboxWebhook) -> RawWebhook:
    """A webhook as the core hands it to the provider."""
    return RawWebhook(headers={name.lower(): value for name, value in webhook.headers.items()}, body=webhook.body)


def events(told: VerifiedEvents | ToFetch) -> tuple[RefundEvent, ...]:
    return told.events if isinstance(told, VerifiedEvents) else ()


@needs("refund_by_api", "webhooks")
def test_a_genuine_webhook_is_about_the_payment_that_it_is_about(account: Account) -> None:
    """The provider's own webhooks are understood, lead to the payment, and say of a refund what the books say.

    What leads to another payment settles the wrong refund; what is not understood leaves it open for ever.
    """
    payment, webhooks = one_of_each(account)
    assert webhooks, "a payment was refunded and a refund failed, and the sandbox has no webhook to send"
    provider = account.provider()
    told = [provider.parse_webhook(webhook) for webhook in webhooks]
    target = account.target(payment)
    hinted = {one for said in told if isinstance(said, ToFetch) for one in said.targets}
    said_of_refunds = [event for said in told for event in events(said)]
    assert target in hinted | {event.payments[0] for event in said_of_refunds}
    booked = {one.reference: one for one in account.books(payment)}
    for event in said_of_refunds:
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
    payment, webhooks = one_of_each(account)
    provider = account.provider()
    told = [provider.parse_webhook(webhook) for webhook in webhooks]
    failed = {one.reference for one in account.books(payment) if one.status is RefundStatus.FAILED}
    said = {
        event.refund.reference for one in told for event in events(one) if event.refund.status is RefundStatus.FAILED
    }
    last = told[-1]
    assert said == failed or (isinstance(last, ToFetch) and account.target(payment) in last.targets)


@needs("refund_by_api", "webhooks")
def test_a_webhook_never_says_more_than_the_books(account: Account) -> None:
    """Of a refund that the bank holds up, every webhook says that it is pending, or says to look.

    Told as paid, the customer looks at his account in vain.
    """
    account.sandbox.hold()
    payment = account.pay()
    account.provider().refund(account.request(payment))
    account.sandbox.advance(datetime.timedelta(days=1))
    provider = account.provider()
    told = [provider.parse_webhook(webhook) for webhook in sent(account)]
    assert {event.refund.status for one in told for event in events(one)} <= {RefundStatus.PENDING}


@needs("refund_by_api", "webhooks")
def test_the_same_webhook_twice_is_the_same_event(account: Account) -> None:
    """A webhook that is sent again says the same, under the same id, so that it counts once; two events have two ids.

    Providers promise "at least once" and mean it.
    """
    _, webhooks = one_of_each(account)
    provider, other = account.provider(), account.provider()
    told = [provider.parse_webhook(webhook) for webhook in webhooks]
    assert [other.parse_webhook(webhook) for webhook in webhooks] == told
    with later(account.kind, datetime.timedelta(days=1)):
        again = [read_webhook(provider, webhook) for webhook in webhooks]  # None where its signature is too old by then
    assert [one for one, before in zip(again, told, strict=True) if one not in (None, before)] == [], (
        "one event would count twice: sent again the next day, it has another id"
    )
    said = {(event.event_id, event.refund.reference, event.refund.status) for one in told for event in events(one)}
    assert len({event_id for event_id, _, _ in said}) == len(said)


@needs("refund_by_api", "webhooks")
def test_every_refund_that_failed_is_told(account: Account) -> None:
    """Where refunds of two payments fail at once, both are told, also where the provider puts them into one webhook.

    The second one, dropped, is a customer who waits for money that came back to the shop.
    """
    if account.capabilities.webhooks is not WebhookTrust.SIGNED:
        pytest.skip(f"webhooks of {account.kind.name} are hints")
    requests, made, webhooks = two_that_fail(account)
    provider = account.provider()
    told = [provider.parse_webhook(webhook) for webhook in webhooks]
    failed = {
        (event.refund.reference, name)
        for one in told
        for event in events(one)
        if event.refund.status is RefundStatus.FAILED
        for name in event.payments
    }
    hinted = {target for one in told if isinstance(one, ToFetch) for target in one.targets}
    missing = [
        one.reference
        for one, request in zip(made, requests, strict=True)
        if (one.reference, request.target) not in failed and request.target not in hinted
    ]
    assert missing == [], "a customer would wait for money that came back: two refunds failed, and not both were told"
    ids = [event.event_id for one in told for event in events(one)]
    said = {(event.event_id, event.refund.reference, event.refund.status) for one in told for event in events(one)}
    assert len(set(ids)) == len(said), "two events have one id: the second would be taken for the first, sent again"


@needs("refund_by_api", "webhooks")
def test_what_cannot_be_asked_is_told(account: Account) -> None:
    """Where refunds can be neither fetched nor listed, the outcome of each is told, also of one that a person made in
    the dashboard: the newest that is said of it is what the books say.

    Nothing else tells it. What a colleague refunded is offered again, and what came back is paid to nobody.
    """
    if not (lacks(account.capabilities, "fetch_refund") and lacks(account.capabilities, "list_refunds")):
        pytest.skip(f"{account.kind.name} can be asked what became of a refund")
    payment, webhooks = one_of_each(account)
    provider = account.provider()
    told = {
        event.refund.reference: (event.refund.status, event.refund.amount)
        for webhook in webhooks
        for event in events(provider.parse_webhook(webhook))
    }
    assert told == {one.reference: (one.status, one.amount) for one in account.books(payment)}, (
        "nobody would hear what became of a refund: there is no other way to learn it"
    )


@needs("refund_by_api", "webhooks")
def test_a_webhook_with_an_unknown_status_is_pending(account: Account) -> None:
    """A signed webhook with a status that came into the world after the plugin is pending, or says to look.

    Taken for success, a customer is told of money that does not come; for failure, he is paid twice.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    for signed in signed_by_hmac(account, webhooks):
        body = _json(signed.webhook)
        genuine = events(provider.parse_webhook(signed.webhook))
        for event in genuine:
            known = event.refund.provider_status.casefold()
            for word in unknown_words(event.refund.provider_status):
                other = body
                for path, value in list(fields(body)):
                    if isinstance(value, str) and value.casefold() == known:
                        other = changed_at(other, path, word)
                told = read_webhook(provider, signed.with_body(other))
                for said in events(told) if told is not None else ():
                    as_before = [
                        (one.refund.status, one.refund.provider_status)
                        for one in genuine
                        if one.refund.reference == said.refund.reference
                    ]
                    pending = [(RefundStatus.PENDING, shown) for shown in (word, *[shown for _, shown in as_before])]
                    assert (said.refund.status, said.refund.provider_status) in pending + as_before, (
                        f"a customer would be told what nobody knows: {word} was taken for {said.refund.status}"
                    )


@needs("refund_by_api", "webhooks")
def test_a_signed_webhook_that_lacks_a_field_is_never_guessed(account: Account) -> None:
    """With any one field missing or of another type, a signed webhook is rejected, or is read as it is.

    A provider's next version signs as well as this one did.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    for signed in signed_by_hmac(account, webhooks):
        body = _json(signed.webhook)
        genuine = events(provider.parse_webhook(signed.webhook))
        for path, other in mistakes(body):
            told = read_webhook(provider, signed.with_body(changed_at(body, path, other)))
            for event in events(told) if told is not None else ():
                said = f"{path} is missing or of another type, and that was read as {event!r}"
                as_before = [
                    one.refund
                    for one in genuine
                    if one.refund.reference == event.refund.reference and event.payments[0] in one.payments
                ]
                assert event.refund.amount in [one.amount for one in as_before], said
                assert event.refund.status in [RefundStatus.PENDING, *[one.status for one in as_before]], said


@needs("refund_by_api", "webhooks")
def test_a_signed_webhook_that_cannot_be_read_is_told_as_such(account: Account) -> None:
    """A webhook that is signed rightly in a header and is no JSON, or an empty object, raises `WebhookUnreadable`.

    Rejected like a forged one it is on no list: what the provider said of money, in a form that came into the world
    after the plugin, is lost without a word.
    """
    _, webhooks = one_of_each(account)
    signed = next((one for one in signed_by_hmac(account, webhooks) if not one.places), None)
    if signed is None:
        pytest.skip(f"the signature of a webhook of {account.kind.name} stands in its body")
    provider = account.provider()
    other: list[object] = [[], {}]
    for body in other:
        with pytest.raises(WebhookUnreadable):
            provider.parse_webhook(signed.with_body(body))


@needs("refund_by_api", "webhooks")
def test_a_webhook_that_is_signed_with_nothing_is_rejected(account: Account) -> None:
    """Where a merchant leaves the secret out, no webhook is believed: least of all one that is signed with nothing.

    An empty secret is one that everybody has.
    """
    _, webhooks = one_of_each(account)
    whole = account.sandbox.settings
    for signed in signed_by_hmac(account, webhooks):
        for name, value in whole.items():
            if not any(map(signed.is_by, _texts(value))):
                continue
            for without in _without(name):
                given = {other: said for other, said in whole.items() if other != name} | without
                settings, _ = read_settings(account.kind.settings_type, given, account.kind.name)
                if settings is None:
                    continue
                provider = account.provider(given)
                for key in (b"", b"None", b"\x00"):
                    told = read_webhook(provider, signed.with_key(key))
                    assert told in SAYS_NOTHING, (
                        f"anybody could tell the shop that a customer was paid: without {name}, a webhook that is "
                        f"signed with {key!r} was believed"
                    )


@needs("refund_by_api", "webhooks")
def test_a_webhook_that_is_signed_with_another_secret_is_rejected(account: Account) -> None:
    """Only the webhook's own secret counts, and no other of the account: an API key has been in more hands.

    Whoever has seen that key could tell a shop that its customers were paid.
    """
    _, webhooks = one_of_each(account)
    whole = account.sandbox.settings
    provider = account.provider()
    for signed in signed_by_hmac(account, webhooks):
        own = [name for name, value in whole.items() if any(map(signed.is_by, _texts(value)))]
        others = [text for name, value in whole.items() if name not in own for text in _texts(value)]
        for other in [key for text in others for key in keys_of(text)]:
            told = read_webhook(provider, signed.with_key(other))
            assert told in SAYS_NOTHING, (
                "whoever has seen another setting could tell the shop that a customer was paid: a webhook that is "
                "signed with it was believed"
            )


@needs("refund_by_api", "webhooks")
def test_each_of_several_secrets_counts(account: Account) -> None:
    """Where a setting takes several secrets, a webhook that is signed with any one of them is read, and none counts
    only if the others do.

    While a secret is replaced by another, all news of refunds that fail would be dropped.
    """
    _, webhooks = one_of_each(account)
    whole = account.sandbox.settings
    for signed in signed_by_hmac(account, webhooks):
        lists = [
            (name, secret)
            for name, value in whole.items()
            if isinstance(value, list | tuple)
            for secret in value
            if signed.is_by(secret)
        ]
        if not lists:
            pytest.skip(f"the settings of {account.kind.name} take one secret for webhooks")
        [(name, secret), *_] = lists
        before = account.provider().parse_webhook(signed.webhook)
        for secrets in ([secret, another_secret(secret)], [another_secret(secret), secret]):
            provider = account.provider({**whole, name: secrets})
            assert read_webhook(provider, signed.webhook) == before, (
                "a customer would wait for money that came back: while a secret is replaced, webhooks are dropped"
            )


@needs("refund_by_api", "webhooks")
def test_a_webhook_of_the_other_mode_says_nothing(account: Account) -> None:
    """A signed webhook that says of itself that it is live says nothing of a test account's refunds.

    A test of last week would tell that this week's customer was paid.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    changed: list[bool] = []
    for signed in signed_by_hmac(account, webhooks):
        other = of_the_other_mode(_json(signed.webhook), changed)
        told = read_webhook(provider, signed.with_body(other))
        assert not changed or told in SAYS_NOTHING, (
            f"a customer would be told of money that there never was: a webhook of the other mode says {told!r}"
        )
    if not changed:
        pytest.skip(f"the webhooks of {account.kind.name} do not say whether they are live")


@needs("refund_by_api", "webhooks")
@pytest.mark.parametrize("words", CURRENCIES)
def test_an_amount_in_a_webhook_is_exact_in_every_currency(account: Account, words: str) -> None:
    """A webhook says of a refund what the books say, in currencies with none, two or three decimals.

    What is left is counted by it, and would be given twice or never.
    """
    currency, _, number = words.partition(" ")
    amount = Money.of(number, currency)
    listed = account.capabilities.currencies
    if listed and currency not in listed:
        pytest.skip(f"{account.kind.name} does not list {currency}")
    try:
        payment = account.pay(Money(minor=amount.minor * 10, currency=currency))
        made = account.sandbox.refund_in_dashboard(payment.reference, amount)
    except (ValueError, ProviderError):
        pytest.skip(f"nobody can pay or refund {amount} in the sandbox")
    account.sandbox.fail(made)
    provider = account.provider()
    told = [event for webhook in sent(account) for event in events(provider.parse_webhook(webhook))]
    assert {event.refund.amount for event in told} <= {amount}, (
        "what is left would be counted wrongly, and given twice or never: a webhook tells another amount"
    )


@needs("refund_by_api", "webhooks")
def test_a_signature_is_compared_in_a_time_that_tells_nothing(account: Account) -> None:
    """A signature is compared by `hmac.compare_digest`, which takes as long for a wrong one as for a right one.

    With ``==`` the time tells how many letters are right, and a forger finds one after the other.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    for webhook in webhooks:
        compared: list[str] = []
        watched = {
            name: value if name == "content-type" else Watched(value, compared)
            for name, value in webhook.headers.items()
        }
        with watching_comparisons(account, compared):
            provider.parse_webhook(attrs.evolve(webhook, headers=watched))
        assert compared == [], "a forger could find the signature letter by letter: it was compared with =="


@needs("refund_by_api", "webhooks")
@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=list(FORGERIES))
def test_a_forged_webhook_says_nothing_of_a_refund(
    account: Account, forgery: Callable[[RawWebhook, Sequence[RawWebhook]], list[RawWebhook]]
) -> None:
    """Without the provider's signature over exactly these bytes, or over what is read of them, a webhook is rejected or
    is a hint to ask, and never says how a refund is. Of a provider that signs all of them it is not even a hint.

    Whoever knows the address could otherwise tell a shop that a customer was paid.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    for genuine in webhooks:
        in_body = stands_in_the_body(account, genuine)
        signed = events(provider.parse_webhook(genuine)) if in_body else ()
        for webhook in forgery(genuine, webhooks):
            try:
                told: VerifiedEvents | ToFetch = provider.parse_webhook(webhook)
            except WebhookUnreadable:
                pytest.fail(
                    "whoever knows the address fills the list of what staff must look at: a forged webhook is told as "
                    "one that is signed rightly and cannot be read"
                )
            except (WebhookRejected, ProviderError):
                continue
            assert_only(events(told), signed, webhook)
            if account.capabilities.webhooks is WebhookTrust.SIGNED and isinstance(told, ToFetch):
                assert told.targets == (), f"asked about, though all webhooks are signed: {str(webhook)[:400]}"


def assert_only(told: Sequence[RefundEvent], signed: Sequence[RefundEvent], webhook: RawWebhook) -> None:
    """Nothing is told of a forged webhook but what stands in it with a signature."""
    believed = [event for event in told if event not in signed]
    assert believed == [], (
        f"whoever knows the address could tell that a customer was paid, and this was believed: {webhook.body[:600]!r}"
    )


@needs("refund_by_api", "webhooks")
def test_a_webhook_whose_signature_is_wrong_by_a_letter_says_nothing(account: Account) -> None:
    """The sandbox's own webhook about two refunds, with one letter of its signature changed, is rejected; where each
    item has a signature, the item with the wrong one is at least not told.

    Whoever looks at the first signature only, or whether there is one, believes what a forger adds.
    """
    sandbox = account.sandbox
    if not isinstance(sandbox, TellsOfRefunds):
        pytest.skip(f"webhooks of {account.kind.name} do not say how a refund is")
    _, made, _ = two_that_fail(account)
    about: list[SandboxWebhook] = []
    for refunds in (made[:1], made[1:], made):
        with suppress(ValueError):  # no webhook of this provider speaks of several
            about.append(sandbox.webhook_about(*[one.reference for one in refunds]))
    provider = account.provider()
    assert about, "the sandbox has no webhook about a refund that failed"
    for webhook in about:
        genuine = as_handed_over(webhook)
        spoilt = as_handed_over(sandbox.with_spoilt_signature(webhook))
        signed, told = provider.parse_webhook(genuine), read_webhook(provider, spoilt)
        if not stands_in_the_body(account, genuine):
            assert told in SAYS_NOTHING, f"anybody could tell that a customer was paid: {told!r} was believed"
        elif isinstance(told, VerifiedEvents):
            assert_only(events(told), events(signed), spoilt)
            assert len(told.events) < len(events(signed)), (
                f"anybody could tell that a customer was paid: an item with a wrong signature was believed: {told!r}"
            )


@needs("refund_by_api", "webhooks")
def test_each_item_of_a_webhook_needs_its_own_signature(account: Account) -> None:
    """Where each item of a webhook is signed in the body, one without a signature, with an empty one or with that of
    another item is not told, wherever it stands.

    A forger puts his item beside a genuine one.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    for signed in signed_in_the_body(account, webhooks):
        body = _json(signed.webhook)
        signatures = [value_at(body, place) for place in signed.places]
        for number, (place, item) in enumerate(zip(signed.places, signed.items, strict=True)):
            without = attrs.evolve(signed.webhook, body=json.dumps(changed_at(body, item, GONE)).encode())
            beside = events(provider.parse_webhook(without)) if item else ()
            others = [one for one in signatures if one != signatures[number]]
            for signature in (GONE, None, "", "0", [], *others):
                forged = attrs.evolve(signed.webhook, body=json.dumps(changed_at(body, place, signature)).encode())
                told = read_webhook(provider, forged)
                assert_only(events(told) if told is not None else (), beside, forged)


@needs("refund_by_api", "webhooks")
def test_what_a_signature_does_not_cover_is_not_believed(account: Account) -> None:
    """Where a signature stands in the body and covers some fields, nothing that is told changes with another field: no
    amount, no status, no id of the event, no words.

    The rest of a genuine webhook is whatever somebody on the way wrote there.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    for signed in signed_in_the_body(account, webhooks):
        body = _json(signed.webhook)
        genuine = events(provider.parse_webhook(signed.webhook))
        values = [value for _, value in fields(body)]
        for path, value in list(fields(body)):
            if path in signed.places:
                continue
            for other in _others_like(value, values):
                forged = attrs.evolve(signed.webhook, body=json.dumps(changed_at(body, path, other)).encode())
                told = read_webhook(provider, forged)
                assert_only(events(told) if told is not None else (), genuine, forged)


def _others_like(value: object, values: Sequence[object]) -> list[object]:
    """Other values of this type: changed a little, gone, and all of this type that stand elsewhere."""
    found: list[object] = [GONE, *[one for one in values if type(one) is type(value) and one != value]]
    if isinstance(value, bool):
        return [GONE, not value]
    if isinstance(value, str):
        found += [f"{value}x", f"x{value}", f" {value} ", value.swapcase(), ""]
    if isinstance(value, int):
        found += [value + 1, -value, value * 100]
    return found


@needs("refund_by_api", "webhooks")
def test_a_signed_field_cannot_pass_for_the_next(account: Account) -> None:
    """Where a signature covers some fields in a row, a part of one field that is moved to the one beside it is not what
    was signed.

    Joined by a mark that can stand in a field too, and is not escaped, they read the same: a customer writes half of a
    signed field himself.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    moved = False
    for signed in signed_in_the_body(account, webhooks):
        body = _json(signed.webhook)
        genuine = events(provider.parse_webhook(signed.webhook))
        for item in signed.items:
            texts = [(item + path, one) for path, one in fields(value_at(body, item)) if isinstance(one, str)]
            texts = [(path, one) for path, one in texts if path not in signed.places]
            for path, value in texts:
                for at in [place for place, letter in enumerate(value) if not letter.isalnum() and letter != " "]:
                    before, mark, after = value[:at], value[at], value[at + 1 :]
                    for beside, other in texts:
                        if beside == path:
                            continue
                        moved = True
                        for kept, joined in ((after, f"{other}{mark}{before}"), (before, f"{after}{mark}{other}")):
                            forged_body = changed_at(changed_at(body, path, kept), beside, joined)
                            forged = attrs.evolve(signed.webhook, body=json.dumps(forged_body).encode())
                            told = read_webhook(provider, forged)
                            assert_only(events(told) if told is not None else (), genuine, forged)
    if not moved:
        pytest.skip(f"no signed field of {account.kind.name} has a mark in it")


@needs("refund_by_api", "webhooks")
def test_each_item_of_a_webhook_is_told_by_itself(account: Account) -> None:
    """Where a webhook is of several signed items, each is told as it is told alone: in any order, beside any other, and
    once more under the same id where it stands there twice.

    One that is about something else would hide that the refund beside it failed.
    """
    webhooks = [*one_of_each(account)[1], *two_that_fail(account)[2]]
    provider = account.provider()
    several = False
    for signed in signed_in_the_body(account, webhooks):
        if len(signed.items) < 2 or len({item[:-1] for item in signed.items}) > 1:
            continue
        several = True
        items = value_at(_json(signed.webhook), signed.items[0][:-1])
        alone = {event for item in items for event in _told_of(provider, signed, [item])}
        assert alone, "no item says anything of a refund"
        for some in (items, items[::-1], items * 2, items[1:] + items[:1]):
            assert _told_of(provider, signed, some) == alone, (
                "a customer would wait for money that came back: items of one webhook hide each other"
            )
    if not several:
        pytest.skip(f"a webhook of {account.kind.name} is of one item")


def _told_of(provider: RefundsByApi, signed: Signed, items: list[Any]) -> set[RefundEvent]:
    """What a webhook says that has these items in place of its own."""
    where = signed.items[0][:-1]
    other = changed_at(_json(signed.webhook), where, items) if where else items
    return set(events(provider.parse_webhook(attrs.evolve(signed.webhook, body=json.dumps(other).encode()))))


@needs("refund_by_api", "webhooks")
def test_a_webhook_that_names_another_account_says_nothing(account: Account) -> None:
    """Where signed webhooks name the account that they are for, as the settings do, those for another are not told.

    At some providers one secret serves all shops of a company: one would be told of the customers of another.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    hidden = account.secrets()
    own = {text for value in account.sandbox.settings.values() for text in _texts(value)} - hidden
    named = False
    for signed in signed_by_hmac(account, webhooks):
        body = _json(signed.webhook)
        places = [path for path, value in fields(body) if isinstance(value, str) and value in own]
        if not places:
            continue
        named, other = True, body
        for path in places:
            other = changed_at(other, path, f"{value_at(body, path)}Two")
        told = read_webhook(provider, signed.with_body(other))
        assert told in SAYS_NOTHING, f"one shop would be told of another one's customers: {told!r}"
    if not named:
        pytest.skip(f"the webhooks of {account.kind.name} name no account that is in the settings")


@needs("refund_by_api", "webhooks")
def test_a_rejection_does_not_help_the_forger(account: Account) -> None:
    """What is said of a rejected webhook, in its traceback too, holds no secret and no signature that would have done.

    It ends in a log, or in the answer; from there the forger signs what he likes.
    """
    _, webhooks = one_of_each(account)
    provider = account.provider()
    in_body = {one.webhook.body: one for one in hmacs_of(account, webhooks) if one.places}
    for genuine in webhooks:
        signed = in_body.get(genuine.body)
        forged_ones = [*_no_headers(genuine, webhooks), *_other_headers(genuine, webhooks)]
        if signed is not None:
            forged_ones = [signed.with_key(b"another"), *_with_other_signatures(signed)]
        for forged in forged_ones:
            with suppress(ProviderError):
                try:
                    provider.parse_webhook(forged)
                except WebhookRejected as rejected:
                    said = "\n".join([repr(rejected), *traceback.format_exception(rejected)])
                    right = _words(genuine, signed) - _words(forged, signed)
                    told = [word for word in account.secrets() | right if word in said]
                    assert told == [], "the rejection helps to forge the next one"


def _with_other_signatures(signed: Signed) -> list[RawWebhook]:
    """Every signature in a body emptied, and filled with what is none."""
    found = []
    for filling in ("", "0" * 44, "9" * 9000):
        body = _json(signed.webhook)
        for place in signed.places:
            body = changed_at(body, place, filling)
        found.append(attrs.evolve(signed.webhook, body=json.dumps(body).encode()))
    return found


def _words(webhook: RawWebhook, signed: Signed | None) -> set[str]:
    """What stands in the headers and could be a signature, and the signatures in a ``signed`` body."""
    values = [value for name, value in webhook.headers.items() if name != "content-type"]
    words = {word for value in values for word in re.split(r"[\s,;=]+", value) if len(word) >= SHORTEST_SIGNATURE}
    return words | {str(value_at(_json(webhook), place)) for place in (signed.places if signed is not None else ())}


@needs("refund_by_api", "webhooks")
def test_a_webhook_moves_no_money(account: Account) -> None:
    """Reading webhooks changes nothing at the provider, in whatever order they come.

    They come twice and out of order, and whoever knows the address can post: each of them would be a refund.
    """
    payment, webhooks = one_of_each(account)
    before = account.books(payment)
    provider = account.provider()
    for webhook in [*reversed(webhooks), *webhooks]:
        provider.parse_webhook(webhook)
    assert account.books(payment) == before


SAYS_NOTHING: tuple[object, ...] = (None, VerifiedEvents(events=()), ToFetch(targets=()))
"""What a webhook says that says nothing."""


def read_webhook(provider: RefundsByApi, webhook: RawWebhook) -> VerifiedEvents | ToFetch | None:
    """What a provider reads in a webhook; None where it rejects it."""
    try:
        return provider.parse_webhook(webhook)
    except (WebhookRejected, ProviderError):
        return None


def _json(webhook: RawWebhook) -> Any:
    """The JSON in a webhook's body; a rule is skipped where it is none."""
    try:
        return json.loads(webhook.body)
    except ValueError:
        pytest.skip("the webhooks are no JSON")


def _without(name: str) -> list[dict[str, object]]:
    """The ways in which a setting is left out."""
    return [{}, {name: ""}, {name: None}, {name: []}]


def _texts(value: object) -> list[str]:
    """The texts in a setting."""
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list | tuple) else []
