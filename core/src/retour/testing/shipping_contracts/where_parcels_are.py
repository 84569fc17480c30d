"""Where a parcel is: what the carrier says, and never more. Counting, and money behind it, wait for it."""

from __future__ import annotations

import datetime
from functools import partial
from typing import Any

import pytest

from retour.model.labels import SCANNED, ParcelState, Told
from retour.providers.errors import ErrorCode, ProviderError
from retour.sandbox import SandboxRequest, SandboxResponse
from retour.testing.contracts.answers import changed_at, fields, unknown_words
from retour.testing.contracts.any_account import json_of, kept_in, lacks, needs, outcome, refused, replaced_by
from retour.testing.shipping_contracts.shipping_account import Made, ShippingAccount, sent_since

STEPS = {
    "scan": SCANNED - {ParcelState.DELIVERED, ParcelState.RETURNED_TO_SENDER, ParcelState.LOST},
    "deliver": {ParcelState.DELIVERED},
    "lose": {ParcelState.LOST, ParcelState.PROBLEM},
    "send_back": {ParcelState.RETURNED_TO_SENDER},
}
"""What a parcel can be told as after a carrier's step; one that is lost may have no word of its own."""

A_DAY = datetime.timedelta(days=1)
"""For which a parcel stays where it is."""

ODD_REFERENCES = ("", " ", "..", "../account", "a/b", "1?x=1", "1#x", "%2e%2e", "é", "0", "-1", "x" * 300, "1\r\nX: 1")


@needs("labels", "fetch_shipment")
def test_a_parcel_that_nobody_sent_is_not_sent(account: ShippingAccount) -> None:
    """A label that is ready and not used is told so, however long the customer waits.

    Told as on its way, the shop waits for a parcel that lies in the customer's hall.
    """
    made = account.made()
    now = account.now(made)
    assert (now.told, now.progress) == (Told.READY, ParcelState.NOT_SENT)


@needs("labels", "fetch_shipment")
@pytest.mark.parametrize("step", STEPS)
def test_a_parcel_is_told_where_it_is(account: ShippingAccount, step: str) -> None:
    """A parcel that was scanned, delivered, lost or sent back is told so, with the carrier's own word and its label as
    it was, and the time when it was so.

    What is told as delivered is counted, and what is lost or goes back to the customer is looked at by a person; a step
    with a wrong time hides the one after it.
    """
    made = account.made()
    if step != "scan":
        account.sandbox.scan(account.reference(made))
    getattr(account.sandbox, step)(account.reference(made))
    now = account.now(made)
    assert now.progress in STEPS[step], f"the carrier said {step}, and the parcel is told as {now.progress}"
    assert account.is_now(now.changed_at), f"it was just now, and {now.changed_at} is told: another zone's time?"
    assert now.provider_status, "the carrier's own word is not kept"
    assert now.told is Told.READY, f"its label was used, and is told as {now.told}"


@needs("labels", "fetch_shipment")
def test_times_stay_until_a_parcel_gets_further(account: ShippingAccount) -> None:
    """When a label was made is the same wherever it is read, and when its parcel got where it is the same until it gets
    further.

    By the one a label whose answer was lost is known in the list of its order; by the other it is told which of two
    words came last, and each new time of the same word is kept with the order.
    """
    made = account.made()
    account.sandbox.scan(account.reference(made))
    first = account.now(made)
    account.sandbox.advance(A_DAY)
    again = account.now(made)
    assert again.changed_at == first.changed_at, "nothing happened to the parcel, and it is told of another time"
    shown = [first, again]
    if account.capabilities.list_shipments.usable:
        shown += account.provider().list_shipments(made.request.order_id, account.since)
    times = {one.made_at for one in shown if one.made_at is not None}
    assert len(times) <= 1, f"one label was made at {len(times)} times: {sorted(times)}"


@needs("labels", "fetch_shipment")
def test_a_word_that_nobody_knows_is_unknown_and_kept(account: ShippingAccount) -> None:
    """A word that the carrier's next version says is no step that we know: the word is kept, for a person to read.

    Guessed as delivered, goods are waited for in the hall; as lost, the customer is paid for what arrives tomorrow.
    """
    made = account.made()
    account.sandbox.scan(account.reference(made))
    before = account.now(made).progress
    account.sandbox.deliver(account.reference(made))
    now = account.now(made)
    for word in [*unknown_words(now.provider_status), f"not {now.provider_status}", f"{now.provider_status} to nobody"]:
        with account.answers(partial(_word, now.provider_status, word)):
            told = account.provider().fetch_shipment(*made.names)
        said = f"{word!r} was told as {told.told}, {told.progress}"
        assert told.progress in (ParcelState.UNKNOWN, before), said
        assert told.provider_status == word, f"the carrier said {word!r}, and {told.provider_status!r} is kept"
        assert told.told in (Told.READY, Told.ANNOUNCING), said


def _word(before: str, after: str, sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
    """An answer in which the carrier says another word."""
    del sent
    body = json_of(response)
    for path, value in list(fields(body)):
        if isinstance(value, str) and value.casefold() == before.casefold():
            body = changed_at(body, path, after)
    return response if body is None else SandboxResponse(status=response.status, body=body)


@needs("labels", "fetch_shipment")
def test_a_label_that_nobody_has_is_told_so(account: ShippingAccount) -> None:
    """What is asked of a label that the provider has not is refused as such, in the shape of a real one or in another.

    Told as a bad moment, it is asked for again, for ever; told as nothing, a label seems to be lost.
    """
    made = account.made()
    provider = account.provider()
    other = [_another(name) for name in made.names]
    calls: dict[str, Any] = {"fetch_shipment": provider.fetch_shipment}
    if not lacks(account.capabilities, "cancel_label"):
        calls["cancel_label"] = provider.cancel_label
    for method, call in calls.items():
        error = refused(partial(call, *other), f"{method}: nobody has this label")
        assert error.code is ErrorCode.UNKNOWN_SHIPMENT, f"{method}: told as {error!r}"


def _another(name: str) -> str:
    """A name of the same shape that nobody has: its digits, all nines."""
    return "".join(["9" if letter.isdigit() else letter for letter in name])


@needs("labels", "fetch_shipment")
@pytest.mark.parametrize("reference", ODD_REFERENCES, ids=range(len(ODD_REFERENCES)))
def test_a_reference_of_any_shape_leads_nowhere_else(account: ShippingAccount, reference: str) -> None:
    """A reference that is none is refused, and changes nothing of the address that is called.

    It came from a form or from another system; part of an address, it calls what nobody meant to call.
    """
    provider = account.provider()
    began = len(account.sandbox.server.requests)
    calls: list[Any] = [
        partial(provider.fetch_shipment, reference, reference),
        partial(provider.fetch_label, reference, reference, next(iter(account.capabilities.forms))),
    ]
    if not lacks(account.capabilities, "cancel_label"):
        calls.append(partial(provider.cancel_label, reference, reference))
    for call in calls:
        error = refused(call, f"{reference!r} is no label")
        assert error.code in (ErrorCode.UNKNOWN_SHIPMENT, ErrorCode.LABEL_NOT_READY, ErrorCode.INVALID_REQUEST)
    for sent in sent_since(account, began):
        assert ".." not in sent.path, f"{reference!r} called {sent.path}"
        assert not reference or reference.strip() != "a/b" or "a/b" not in sent.path, f"it called {sent.path}"
        assert "x" not in sent.query, f"{reference!r} became a part of the address"


@needs("labels", "fetch_shipment")
def test_the_answer_about_another_shipment_is_not_believed(account: ShippingAccount) -> None:
    """The answer to a question about another parcel says nothing of ours.

    A cache or a proxy between us can mix them up: a customer is paid for the parcel of another one.
    """
    ours, theirs = account.made(1), account.made(2, order_id="2002")
    account.sandbox.scan(account.reference(theirs))
    account.sandbox.deliver(account.reference(theirs))
    kept: list[SandboxResponse] = []
    with account.answers(kept_in(kept)):
        account.provider().fetch_shipment(*theirs.names)
    with account.answers(replaced_by(kept[-1])):
        told = outcome(lambda: account.provider().fetch_shipment(*ours.names), "the answer about another parcel")
    assert isinstance(told, ProviderError) or not _says_ours(ours, told), (
        f"the parcel of another customer was told as ours: {told!r}"
    )


def _says_ours(ours: Made, told: Any) -> bool:
    """Whether what is told claims to be about our label, by any of its names."""
    return told.label_id == ours.request.label_id or bool({*told.names} & ({*ours.names} - {""}))


@needs("labels", "fetch_shipment")
@pytest.mark.parametrize("scheme", ["http:", "javascript:", "HTTPS:", ""])
def test_a_tracking_page_is_https(account: ShippingAccount, scheme: str) -> None:
    """An address of a tracking page that is not https is not shown, and takes nothing else from what is told.

    The customer follows it from the shop's own page.
    """
    made = account.made()
    account.sandbox.scan(account.reference(made))
    url = account.now(made).tracking_url
    if not url:
        pytest.skip(f"{account.kind.name} tells no tracking page")
    assert url.startswith("https://")
    with account.answers(partial(_word, url, url.replace("https:", scheme))):
        told = outcome(lambda: account.provider().fetch_shipment(*made.names), f"{scheme} in place of https:")
    assert not isinstance(told, ProviderError), f"where the parcel is was lost for the address beside it: {told!r}"
    assert not told.tracking_url or told.tracking_url.startswith("https://")
    assert told.progress in STEPS["scan"]
