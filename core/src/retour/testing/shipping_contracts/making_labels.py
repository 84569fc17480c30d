"""What was asked for is what is bought, once, and what was refused cost nothing and says why."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from functools import partial
from typing import Any

import attrs
import pytest

from retour.model.labels import Told
from retour.model.money import Money
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.label_request import LabelRequest, Shipment
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour.testing.contracts.answers import fields
from retour.testing.contracts.any_account import json_of, kept_in, needs, outcome, refused, replaced_by
from retour.testing.contracts.provider_modules import later
from retour.testing.shipping_contracts.shipping_account import A_WHILE, SIDES_MM, Made, ShippingAccount

Json = dict[str, Any]

NO_SUCH_OPTION = "no-such-service"
"""A label that no sandbox sells."""

NAMES = ('Anna-Lü O\'Neill & Søn "Zee" <b>', "宮本 武蔵", "a" * 250, "Zoë\N{ZERO WIDTH SPACE}  -")
"""What people are called."""

AT_MOST_A_WORD = 8
"""Characters of a text in a refusal that says nothing to people: a code, a field."""

_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def _numbers(sent: SandboxRequest) -> set[Decimal]:
    """Every number in what was sent, as a number or in a text."""
    return {Decimal(found) for found in _NUMBER.findall(sent.body.decode())}


@needs("labels")
def test_what_was_asked_for_goes_out(account: ShippingAccount) -> None:
    """The parcel's weight and sides, the order, both addresses, and of the items their weight, price and number go out
    exactly.

    A carrier charges what it weighs beyond that, customs fine what is declared too low, and a parcel with one digit
    less of its street goes nowhere.
    """
    request = account.request(order_id="10017")
    account.provider().create_label(request)
    [sent] = account.sent(request)
    numbers, said = _numbers(sent), sent.body.decode().encode().decode("unicode_escape", "replace")
    weight = request.parcel.weight_grams
    assert _written(weight, numbers), f"the parcel weighs {weight} grams, and that is not in {sorted(numbers)}"
    sides = [{Decimal(side), Decimal(side) / 10, Decimal(side) / 1000} & numbers for side in SIDES_MM]
    assert all(sides) or not any(sides), f"the sides are {SIDES_MM} mm, and {sorted(numbers)} went out"
    for words in (request.order_id, request.sender.postal_code, request.recipient.postal_code):
        assert words in said, f"{words} is not in what was sent"
    for address in (request.sender, request.recipient):
        for words in (address.name, address.street, address.city, address.country):
            assert words in said, f"{words} is not in what was sent"
    for item in request.parcel.items:
        if item.description not in said:
            continue  # this carrier is told of no items
        assert item.price is not None
        assert item.weight_grams is not None
        assert Decimal(item.quantity) in numbers, f"{item.quantity} units are in the parcel"
        prices = {item.price.decimal, Decimal(item.price.minor)}
        assert prices & numbers, f"one costs {item.price}, and customs are told {sorted(numbers)}"
        assert _written(item.weight_grams, numbers), f"one weighs {item.weight_grams} grams"
        for words in (item.hs_code, item.origin_country):
            assert words in said, f"customs ask for {words}, and it is not in what was sent"


def _written(grams: int, numbers: set[Decimal]) -> bool:
    return bool({Decimal(grams), Decimal(grams) / 1000} & numbers)


@needs("labels")
@pytest.mark.parametrize("price", ["0.29", "1.10", "1138.55", "4503599627370.49"])
def test_a_price_is_written_exactly(account: ShippingAccount, price: str) -> None:
    """What an item costs goes out to the cent, also where a computer's own numbers would not have it so.

    Customs fine what is declared too low.
    """
    given = Money.of(price, "EUR")
    [item] = account.request().parcel.items
    parcel = attrs.evolve(account.request().parcel, items=[attrs.evolve(item, price=given)])
    request = account.request(parcel=parcel)
    outcome(lambda: account.provider().create_label(request), price)
    for sent in account.sent(request):
        if item.description in sent.body.decode():
            assert {given.decimal, Decimal(given.minor)} & _numbers(sent), f"one costs {given}: {sent.body!r}"


@needs("labels")
def test_the_parcel_goes_from_the_customer_to_the_shop(account: ShippingAccount) -> None:
    """The customer is the sender and the shop the recipient, wherever fields are called by what they are.

    The other way round, the shop pays for parcels that go to its customers' neighbours.
    """
    request = account.request()
    account.provider().create_label(request)
    [sent] = account.sent(request)
    try:
        body = json.loads(sent.body)
    except ValueError:
        pytest.skip(f"what {account.kind.name} sends is no JSON")
    for address, wrong in ((request.sender, _TO), (request.recipient, _FROM)):
        for path, value in fields(body):
            if value == address.postal_code:
                named = "_".join([str(step) for step in path])
                assert not wrong.search(named), f"the parcel would go the wrong way: {address.city} is {named}"


_TO = re.compile(r"(?:^|_)(?:to|recipient|receiver|consignee|destination|delivery)(?:_|$)", re.IGNORECASE)
_FROM = re.compile(r"(?:^|_)(?:from|sender|shipper|origin|pickup|collection)(?:_|$)", re.IGNORECASE)


@needs("labels")
def test_the_same_request_gives_the_same_bytes(account: ShippingAccount) -> None:
    """Sent again, by another worker and a day later, a request is the same to the last byte.

    What differs is another request: the carrier would make a second label, and nobody would look for it.
    """
    request = account.request()
    with account.faults(Fault.UNAVAILABLE_503, Fault.UNAVAILABLE_503, of=request):
        refused(lambda: account.provider().create_label(request), "status 503")
        with later(account.kind, A_WHILE * 25):
            refused(lambda: account.provider().create_label(request), "status 503")
    first, second = [(one.method, one.path, one.query, one.body) for one in account.sent(request)]
    assert first == second, "the carrier would make a second label: the same request was sent in other words"


@needs("labels")
def test_our_id_of_a_label_goes_along(account: ShippingAccount) -> None:
    """Our id of the label is in what is sent, whole, and the id of the order is not taken for it.

    Without it, nobody can say whether a label was made whose answer was lost.
    """
    request = account.request()
    account.provider().create_label(request)
    assert len(account.sent(request)) == 1
    assert len(account.booked(request)) == 1, "the carrier was not told our id: a lost answer buys a second label"


@needs("labels", "refuses_repeats")
def test_a_label_is_made_once(account: ShippingAccount) -> None:
    """The same request again makes no second label: it is told as made (`ErrorCode.ALREADY_MADE`), or gives the first
    label. So it is of one that was cancelled, and a year later.

    The core sends it again after a lost answer, for as long as it takes: each would be paid for.
    """
    request = account.request()
    provider = account.provider()
    first = Made(request=request, shipment=provider.create_label(request))
    account.sandbox.advance(A_WHILE)
    _again(account, request, first.shipment)
    if account.capabilities.cancel_label.usable:
        provider.cancel_label(*first.names)
        account.sandbox.advance(A_WHILE)
        _again(account, request, first.shipment)
    account.sandbox.advance(A_WHILE * 24 * 366)
    with later(account.kind, A_WHILE * 24 * 366):
        _again(account, request, first.shipment)


def _again(account: ShippingAccount, request: LabelRequest, first: Shipment) -> None:
    for provider in (account.provider(), account.provider()):
        told = outcome(lambda: provider.create_label(request), "the same request again")  # noqa: B023 - called at once
        if isinstance(told, ProviderError):
            assert told.code is ErrorCode.ALREADY_MADE, f"a label is there, and it was told as {told!r}"
            assert told.disposition is Disposition.RECONCILE
        else:
            assert told.reference == first.reference, "it was told as another label"
    assert len(account.booked(request)) == 1, "a lost answer buys a second label"


@needs("labels")
def test_two_labels_of_one_order_are_two(account: ShippingAccount) -> None:
    """A second parcel of the same return has a label of its own, though it is like the first in everything but our id.

    Two parcels with one label are one parcel to the carrier, and the other is lost.
    """
    first, second = account.made(1), account.made(2)
    assert not set(first.names).intersection(set(second.names) - {""}), "two labels have one name"
    assert len(account.sandbox.books()) == 2


@needs("labels")
def test_a_label_is_told_as_the_books_have_it(account: ShippingAccount) -> None:
    """What is told of a new label is what the carrier has: its names, our id, the order, and nothing that is not so
    yet.

    A label that is told as ready before the carrier has it sends the customer to a counter with nothing to show.
    """
    account.sandbox.hold()
    request = account.request()
    made = Made(request=request, shipment=account.provider().create_label(request))
    for told in (made.shipment, account.now(made)):
        [booked] = account.booked(request)
        assert told.reference in ("", booked.reference)
        assert told.parcel in ("", booked.parcel)
        assert told.label_id in ("", request.label_id), "it was told as another label of ours"
        assert told.order_id in ("", request.order_id), "it was told as a label of another order"
        assert told.told is booked.told, f"the carrier has it as {booked.told}, and it is told as {told.told}"
        assert told.progress in (booked.progress, type(booked.progress).UNKNOWN)
        assert account.is_now(told.made_at), f"it was made just now, and {told.made_at} is told: another zone's time?"
    assert made.shipment.reference, "the answer names the label, and its name was not read"
    account.sandbox.release()
    account.sandbox.advance(A_WHILE)
    assert account.now(made).told is Told.READY, "the carrier has it, and the customer waits for his label"


@needs("labels")
def test_a_refusal_says_why_and_buys_nothing(account: ShippingAccount) -> None:
    """A label that is refused at once costs nothing, and is told in the provider's own words, for a person to mend.

    "Refused" alone sends the merchant to the telephone; told as unclear, it is looked for in vain.
    """
    request = attrs.evolve(account.request(), option=NO_SUCH_OPTION)
    answers: list[SandboxResponse] = []
    with account.answers(kept_in(answers), of=request):
        error = refused(lambda: account.provider().create_label(request), "there is no such service")
    assert account.booked(request) == [], "the sandbox sells what there is not"
    assert error.disposition in (Disposition.FINAL, Disposition.FIX), f"it was refused, and told as {error!r}"
    if answers:
        words = [str(value) for _, value in fields(json_of(answers[-1])) if isinstance(value, str)]
        said = [one for one in words if len(one) > AT_MOST_A_WORD]
        assert not said or any(one in error.message for one in said), (
            f"the merchant reads {error.message!r}, and the provider said {said}"
        )


@needs("labels")
@pytest.mark.parametrize("status", [200, 201, 202])
def test_a_refusal_behind_a_success_is_a_refusal(account: ShippingAccount, status: int) -> None:
    """What refuses a label in the body of an answer that says "fine" is not told as a label, also where the answer
    looks like one otherwise.

    The customer is told that his label comes, and waits for what nobody made.
    """
    refusal: list[SandboxResponse] = []
    wrong = attrs.evolve(account.request(9), option=NO_SUCH_OPTION)
    with account.answers(kept_in(refusal), of=wrong):
        refused(lambda: account.provider().create_label(wrong), "there is no such service")
    body = json_of(refusal[-1]) if refusal else None
    if not isinstance(body, dict):
        pytest.skip(f"what {account.kind.name} refuses is not told in a JSON object")
    request = account.request(1)
    with account.answers(replaced_by(SandboxResponse(status=status, body=body)), of=request):
        told = outcome(lambda: account.provider().create_label(request), f"a refusal with status {status}")
    _is_refused(told)
    request = account.request(2)
    with account.answers(partial(_with, status, body), of=request):
        told = outcome(lambda: account.provider().create_label(request), f"a refusal with status {status}")
    _is_refused(told)
    if isinstance(told, ProviderError):
        assert told.disposition is Disposition.RECONCILE, "the label is there, and would be bought again"


def _is_refused(told: Shipment | ProviderError) -> None:
    if isinstance(told, ProviderError):
        assert told.disposition is not Disposition.RETRY, "it would be refused again, without end"
    else:
        assert told.told is Told.REFUSED, f"it was refused, and is told as {told.told}"
        assert told.because, "it was refused, and nobody says why"


@needs("labels")
def test_what_the_carrier_refuses_is_told_in_its_words(account: ShippingAccount) -> None:
    """A label that its carrier refuses, at once or when it is announced, says so in the carrier's words and costs
    nothing.

    Staff read what is wrong with the address, and mend it, or ring up the carrier for nothing.
    """
    because = "The street Lindelaan is closed to vans"
    account.sandbox.refuse(because)
    request = account.request()
    told = outcome(lambda: account.provider().create_label(request), "the carrier refuses it")
    if not isinstance(told, ProviderError):
        made = Made(request=request, shipment=told)
        account.sandbox.advance(A_WHILE)
        now = account.now(made)
        assert now.told is Told.REFUSED, f"the carrier refused it, and it is told as {now.told}"
        assert because in now.because, f"the carrier said why, and the merchant reads {now.because!r}"
    else:
        assert told.disposition in (Disposition.FINAL, Disposition.FIX)
        assert because in told.message, f"the carrier said why, and the merchant reads {told.message!r}"
    assert [booked.charged.minor for booked in account.booked(request)] in ([], [0]), "what was refused is charged"


@needs("labels")
def test_what_an_answer_does_not_say_is_not_filled_in(account: ShippingAccount) -> None:
    """The answer to another label is not told as the one that was asked for: our id and the order are the answer's.

    A cache or a proxy between us can mix them up; the customer gets a label with the address of another one.
    """
    other: list[SandboxResponse] = []
    theirs = account.request(2, order_id="2002")
    with account.answers(kept_in(other), of=theirs):
        reference = account.provider().create_label(theirs).reference
    ours = account.request(1)
    with account.answers(replaced_by(other[-1]), of=ours):
        told = outcome(lambda: account.provider().create_label(ours), "the answer to another label")
    if isinstance(told, ProviderError):
        assert told.disposition is Disposition.RECONCILE, f"ours may be there, and it was told as {told!r}"
        return
    assert told.reference in ("", reference)
    assert told.label_id in ("", theirs.label_id), "the id that was asked for was filled in for the answer's own"
    assert told.order_id in ("", theirs.order_id), "the order that was asked for was filled in for the answer's own"


@needs("labels")
@pytest.mark.parametrize(
    "name", ['Anna-Lü O\'Neill & Søn "Zee" <b>', "宮本 武蔵", "a" * 250, "Zoë\N{ZERO WIDTH SPACE}  -"]
)
def test_a_name_of_any_letters_is_no_accident(account: ShippingAccount, name: str) -> None:
    """Whatever a customer is called, a label is made, or the provider says that it takes no such name.

    Whoever is called so else finds an error of ours where his label should be.
    """
    request = account.request(sender=attrs.evolve(account.sender, name=name))
    told = outcome(lambda: account.provider().create_label(request), "an unusual name")
    made = len(account.booked(request))
    if isinstance(told, ProviderError):
        assert told.disposition in (Disposition.FINAL, Disposition.FIX)
    assert made == (0 if isinstance(told, ProviderError) else 1)


def _with(status: int, more: Json, sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
    """The answer with more in its JSON, and another status."""
    del sent
    return SandboxResponse(status=status, body={**json_of(response), **more})
