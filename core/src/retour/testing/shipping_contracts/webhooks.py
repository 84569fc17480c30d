"""Webhooks: only the provider can tell where a parcel is, and it can tell it twice."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any, get_args, get_origin, get_type_hints

import attrs
import pytest

from retour.model.labels import ParcelState, Told
from retour.providers.contract import MakesLabels
from retour.providers.errors import ProviderError
from retour.providers.label_request import ShipmentEvent, ShipmentEvents
from retour.providers.settings import Secret, read_settings
from retour.providers.webhooks import LARGEST_WEBHOOK, RawWebhook, WebhookRejected, WebhookUnreadable
from retour.testing.contracts.answers import changed_at, fields, mistakes, unknown_words
from retour.testing.contracts.any_account import another_secret, needs
from retour.testing.contracts.in_threads import PROMPT, within
from retour.testing.contracts.provider_modules import later
from retour.testing.contracts.signing import Watched, signed_by_hmac, watching_comparisons
from retour.testing.contracts.webhooks import FORGERIES, as_handed_over
from retour.testing.shipping_contracts.shipping_account import A_WHILE, Made, ShippingAccount

NONSENSE = {
    "nothing": b"",
    "no JSON": b"hello",
    "half of some": b'{"parcel": {',
    "no object": b"[1, 2]",
    "null": b"null",
    "a number": b"12",
    "a text": b'"parcel"',
    "no text": b"\xff\xfe\x00",
    "half a character": b'{"action": "\\ud83d"}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a long number": b'{"id": ' + b"9" * 20_000 + b"}",
    "no number": b'{"id": NaN, "timestamp": 1e999999}',
    "as large as there are": b'{"a": "' + b"x" * (LARGEST_WEBHOOK - 20) + b'"}',
}
"""What can stand in a webhook that is signed rightly: the provider's next version, and its mistakes."""


def of_a_parcel(account: ShippingAccount) -> tuple[Made, list[RawWebhook]]:
    """A label whose parcel was scanned and delivered, and all webhooks of it."""
    account.sandbox.take_webhooks()
    made = account.made()
    for step in (account.sandbox.scan, account.sandbox.deliver):
        step(account.reference(made))
        account.sandbox.advance(A_WHILE)
    webhooks = [as_handed_over(webhook) for webhook in account.sandbox.take_webhooks()]
    assert webhooks, "a parcel was scanned and delivered, and the sandbox has no webhook to send"
    return made, webhooks


def told_by(provider: MakesLabels, webhook: RawWebhook) -> tuple[ShipmentEvent, ...] | None:
    """What a webhook says; None where it is rejected."""
    try:
        told = provider.parse_webhook(webhook)
    except (WebhookRejected, ProviderError):
        return None
    assert isinstance(told, ShipmentEvents), f"a webhook was read as {told!r}"
    return told.events


SAYS_NOTHING: tuple[object, ...] = (None, ())


@needs("labels", "webhooks")
def test_a_genuine_webhook_is_about_its_parcel(account: ShippingAccount) -> None:
    """The provider's own webhooks are understood, and lead to the label whose parcel it was: the last says delivered,
    none says more than was so.

    What leads to another label counts the parcel of another customer; what is not understood leaves it on its way.
    """
    account.sandbox.take_webhooks()
    made = account.made()
    provider = account.provider()
    early = _events(account, provider)
    account.sandbox.scan(account.reference(made))
    account.sandbox.deliver(account.reference(made))
    late = _events(account, provider)
    known = attrs.evolve(made, shipment=account.now(made))
    names = {*made.names, *known.names, known.shipment.tracking_number, made.request.label_id} - {""}
    for event in (*early, *late):
        said = {*event.shipment.names, event.shipment.label_id} - {""}
        assert not said or said & names, f"a webhook of this parcel leads to another: {event!r}"
    assert ParcelState.DELIVERED not in {event.shipment.progress for event in early}, "delivered before it was sent"
    delivered = [event for event in late if event.shipment.progress is ParcelState.DELIVERED]
    for event in delivered:
        changed = event.shipment.changed_at
        assert account.is_now(changed), f"it was just now, and {changed} is told: a step with a wrong time hides others"
    assert delivered, "the parcel is at the shop, and no webhook was understood to say so"
    assert [event for event in delivered if {*event.shipment.names, event.shipment.label_id} & names], (
        "the webhook that says delivered leads to no label"
    )


def _events(account: ShippingAccount, provider: MakesLabels) -> list[ShipmentEvent]:
    webhooks = [as_handed_over(webhook) for webhook in account.sandbox.take_webhooks()]
    return [event for webhook in webhooks for event in provider.parse_webhook(webhook).events]


@needs("labels", "webhooks")
@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=list(FORGERIES))
def test_a_forged_webhook_is_rejected(
    account: ShippingAccount, forgery: Callable[[RawWebhook, Sequence[RawWebhook]], list[RawWebhook]]
) -> None:
    """Without the provider's signature over exactly these bytes a webhook is rejected, and is not even a hint.

    Whoever knows the address could otherwise tell that a parcel is at the shop, and be paid for it.
    """
    _, webhooks = of_a_parcel(account)
    provider = account.provider()
    for genuine in webhooks:
        for forged in forgery(genuine, webhooks):
            with pytest.raises(WebhookRejected) as caught:
                _show(provider.parse_webhook(forged), forged)
            assert not isinstance(caught.value, WebhookUnreadable), (
                "whoever knows the address fills the list of what staff must look at: a forged webhook is told as one "
                "that is signed rightly and cannot be read"
            )


def _show(told: object, webhook: RawWebhook) -> None:
    pytest.fail(f"anybody could tell that a parcel is at the shop: {webhook.body[:300]!r} was read as {told!r}")


@needs("labels", "webhooks")
def test_a_webhook_whose_signature_is_wrong_by_a_letter_is_rejected(account: ShippingAccount) -> None:
    """The sandbox's own webhook, with one letter of its signature changed, is rejected.

    Whoever looks only whether there is a signature believes anybody.
    """
    account.sandbox.take_webhooks()
    account.made()
    for webhook in account.sandbox.take_webhooks():
        spoilt = as_handed_over(account.sandbox.with_spoilt_signature(webhook))
        with pytest.raises(WebhookRejected):
            _show(account.provider().parse_webhook(spoilt), spoilt)


@needs("labels", "webhooks")
def test_a_webhook_without_a_secret_names_the_setting(account: ShippingAccount) -> None:
    """Where a merchant leaves the secret out, no webhook is believed, and the refusal names the setting to fill in.

    An empty secret is one that everybody has; and without the name he looks for what is wrong at the carrier.
    """
    _, webhooks = of_a_parcel(account)
    whole = account.sandbox.settings
    tried = False
    for signed in signed_by_hmac(account, webhooks)[:1]:
        for name, value in whole.items():
            if not isinstance(value, str) or not signed.is_by(value):
                continue
            for given in (_without(whole, name), _without_secrets(account)):
                settings, _ = read_settings(account.kind.settings_type, given, account.kind.name)
                if settings is None:
                    continue
                tried = True
                provider = account.kind(settings, None)
                for webhook in (signed.webhook, signed.with_key(b""), signed.with_key(b"None")):
                    with pytest.raises(WebhookRejected) as rejected:
                        _show(provider.parse_webhook(webhook), webhook)
                assert name in str(rejected.value), f"the setting {name} is empty, and one reads {rejected.value}"
    if not tried:
        pytest.skip(f"the settings of {account.kind.name} cannot be without the secret that webhooks are signed with")


@needs("labels", "webhooks")
def test_each_of_several_secrets_counts(account: ShippingAccount) -> None:
    """Where a setting takes several secrets for webhooks, one that is signed with any of them is read, and one with
    none of them is not.

    While a secret is replaced by another, all that carriers tell would be dropped.
    """
    _, webhooks = of_a_parcel(account)
    [signed, *_] = signed_by_hmac(account, webhooks)
    whole = account.sandbox.settings
    right = [value for value in whole.values() if isinstance(value, str) and signed.is_by(value)]
    types = get_type_hints(account.kind.settings_type)
    lists = [name for name, kind in types.items() if get_origin(kind) is tuple and Secret in get_args(kind)]
    if not lists or not right:
        pytest.skip(f"the settings of {account.kind.name} take one secret for webhooks")
    before, other = account.provider().parse_webhook(signed.webhook), another_secret(right[0])
    for name in lists:
        for secrets in ([right[0], other], [other, right[0]]):
            told = told_by(account.provider({**whole, name: secrets}), signed.webhook)
            assert told == before.events, "while a secret is replaced, what carriers tell is dropped"
        assert told_by(account.provider({**whole, name: [other]}), signed.webhook) in SAYS_NOTHING, (
            "a secret that was replaced still counts: whoever had it can tell that a parcel is at the shop"
        )


def _without(whole: Any, *names: str) -> dict[str, object]:
    return {name: value for name, value in whole.items() if name not in names}


def _without_secrets(account: ShippingAccount) -> dict[str, object]:
    """The settings without any key: what is left where they belong together."""
    hidden = account.secrets()
    keys = [name for name, value in account.sandbox.settings.items() if value in hidden or "key" in name]
    return _without(account.sandbox.settings, *keys)


@needs("labels", "webhooks")
def test_a_webhook_of_another_account_is_rejected(account: ShippingAccount) -> None:
    """A webhook that is signed with the secret of one account says nothing to another, whichever was used first.

    Whoever has an account at the provider could tell every other shop that its parcels are there.
    """
    _, webhooks = of_a_parcel(account)
    given = account.with_other_secrets()
    if given is None:
        pytest.skip(f"the settings of {account.kind.name} take no other secret")
    for order in (("theirs", "ours", "theirs"), ("ours", "theirs", "ours")):
        providers = {"ours": account.provider(), "theirs": account.provider(given)}
        for whose in order:
            for webhook in webhooks:
                told = told_by(providers[whose], webhook)
                if whose == "ours":
                    assert told is not None, "the news of one shop is dropped: the secret of another is used for it"
                else:
                    assert told in SAYS_NOTHING, f"anybody with an account could tell that a parcel is there: {told!r}"


@needs("labels", "webhooks")
def test_the_same_webhook_twice_is_the_same_event(account: ShippingAccount) -> None:
    """A webhook that is sent again says the same, under the same id, also tomorrow; two things have two ids.

    Sent again as another, one parcel is counted twice; two under one id, and the second is never told.
    """
    _, webhooks = of_a_parcel(account)
    second = account.made(2, order_id="2002")
    account.sandbox.scan(account.reference(second))
    webhooks += [as_handed_over(webhook) for webhook in account.sandbox.take_webhooks()]
    provider, other = account.provider(), account.provider()
    told = [provider.parse_webhook(webhook) for webhook in webhooks]
    assert [other.parse_webhook(webhook) for webhook in webhooks] == told
    with later(account.kind, A_WHILE * 24):
        again = [told_by(provider, webhook) for webhook in webhooks]
    assert [one for one, before in zip(again, told, strict=True) if one not in (None, before.events)] == [], (
        "one parcel would be told twice: sent again the next day, a webhook is another event"
    )
    events = [event for one in told for event in one.events]
    said = {(event.event_id, *event.shipment.names, event.shipment.progress, event.shipment.told) for event in events}
    assert len({event.event_id for event in events}) == len(said), "two things have one id: the second is never told"


@needs("labels", "webhooks")
@pytest.mark.parametrize("body", NONSENSE.values(), ids=list(NONSENSE))
def test_a_webhook_that_cannot_be_read_is_rejected_and_no_accident(account: ShippingAccount, body: bytes) -> None:
    """Whatever stands in a webhook that is signed rightly, it is read as it is, or rejected: quickly, and nothing else
    is raised.

    One that ends its worker is sent again, and ends the next.
    """
    _, webhooks = of_a_parcel(account)
    [signed, *_] = signed_by_hmac(account, webhooks)
    if signed.places:
        pytest.skip(f"the signature of a webhook of {account.kind.name} stands in its body")
    before = signed.webhook.body
    made = {one: attrs.evolve(one, message=one.message.replace(before, body)) for one in signed.signings}
    headers = dict(signed.webhook.headers)
    for genuine, other in made.items():
        for was, now in zip(genuine.forms(), other.forms(), strict=True):
            headers = {name: value.replace(was, now) for name, value in headers.items()}
    webhook = RawWebhook(headers=headers, body=body)
    for one in (webhook, attrs.evolve(webhook, headers={})):
        told = within(PROMPT, lambda: told_by(account.provider(), one), "a webhook holds a worker")  # noqa: B023
        assert told in SAYS_NOTHING, f"{body[:60]!r} was read as {told!r}"
    if told_by(account.provider(), webhook) is None:
        with pytest.raises(WebhookUnreadable):  # else it is on no list, and what it said of a parcel is lost
            account.provider().parse_webhook(webhook)


@needs("labels", "webhooks")
def test_a_webhook_with_a_word_that_nobody_knows_is_unknown(account: ShippingAccount) -> None:
    """A signed webhook with a word that came into the world after the plugin tells no step, and keeps the word.

    Guessed as delivered, goods are counted that are not there.
    """
    _, webhooks = of_a_parcel(account)
    provider = account.provider()
    for signed in signed_by_hmac(account, webhooks):
        body = json.loads(signed.webhook.body)
        for event in provider.parse_webhook(signed.webhook).events:
            if not event.shipment.provider_status:
                continue
            places = [path for path, value in fields(body) if _same_word(value, event.shipment.provider_status)]
            for word in unknown_words(event.shipment.provider_status) if places else ():
                other = body
                for path in places:
                    other = changed_at(other, path, word)
                for said in told_by(provider, signed.with_body(other)) or ():
                    assert said.shipment.progress is ParcelState.UNKNOWN, f"{word!r}: {said.shipment.progress}"
                    assert said.shipment.provider_status == word, "the carrier's word is not kept"
                    assert said.shipment.told in (Told.ANNOUNCING, Told.READY)


def _same_word(value: object, word: str) -> bool:
    plain = word.casefold().replace("-", " ")
    return isinstance(value, str) and value.casefold().replace("-", " ") == plain


@needs("labels", "webhooks")
def test_a_signed_webhook_that_lacks_a_field_is_never_guessed(account: ShippingAccount) -> None:
    """With any one field missing or of another type, a signed webhook is rejected, or tells no more than it did.

    A provider's next version signs as well as this one did.
    """
    _, webhooks = of_a_parcel(account)
    provider = account.provider()
    for signed in signed_by_hmac(account, webhooks)[-2:]:
        genuine = provider.parse_webhook(signed.webhook).events
        names = {name for event in genuine for name in (*event.shipment.names, event.shipment.label_id)}
        steps = {ParcelState.UNKNOWN, ParcelState.NOT_SENT, *[event.shipment.progress for event in genuine]}
        body = json.loads(signed.webhook.body)
        for path, other in mistakes(body):
            for event in told_by(provider, signed.with_body(changed_at(body, path, other))) or ():
                said = f"{path} is missing or of another type, and that was read as {event!r}"
                assert event.shipment.progress in steps, said
                assert {*event.shipment.names, event.shipment.label_id} <= names | {""}, said


@needs("labels", "webhooks")
def test_a_signature_is_compared_in_a_time_that_tells_nothing(account: ShippingAccount) -> None:
    """A signature is compared by `hmac.compare_digest`, which takes as long for a wrong one as for a right one.

    With ``==`` the time tells how many letters are right, and a forger finds one after the other.
    """
    _, webhooks = of_a_parcel(account)
    provider = account.provider()
    for webhook in webhooks:
        compared: list[str] = []
        headers = {
            name: value if name == "content-type" else Watched(value, compared)
            for name, value in webhook.headers.items()
        }
        with watching_comparisons(account, compared):
            provider.parse_webhook(attrs.evolve(webhook, headers=headers))
        assert compared == [], "a forger could find the signature letter by letter: it was compared with =="


@needs("labels", "webhooks")
def test_a_webhook_moves_nothing(account: ShippingAccount) -> None:
    """Reading webhooks asks nothing of the provider, and changes nothing there, in whatever order they come.

    They come twice and out of order, and whoever knows the address can post: each would hold up a worker.
    """
    _, webhooks = of_a_parcel(account)
    before, asked = list(account.sandbox.books()), len(account.sandbox.server.requests)
    provider = account.provider()
    for webhook in [*reversed(webhooks), *webhooks]:
        provider.parse_webhook(webhook)
    assert list(account.sandbox.books()) == before
    assert len(account.sandbox.server.requests) == asked, "whoever knows the address makes the provider ask"
