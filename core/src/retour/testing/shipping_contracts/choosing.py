"""Which labels can be bought, and what they cost: staff choose by it, and the shop pays what is charged."""

from __future__ import annotations

import pytest

from retour.model.labels import LabelForm
from retour.providers.errors import ErrorCode
from retour.sandbox import Fault
from retour.testing.contracts.any_account import needs, refused
from retour.testing.contracts.on_the_way import ENOUGH, LATER
from retour.testing.shipping_contracts.shipping_account import PARCEL, ShippingAccount


@needs("labels", "options")
def test_what_is_offered_can_be_bought(account: ShippingAccount) -> None:
    """Each option has a name of its own for the provider, and a label is made of it, for this parcel.

    Staff choose one, the customer is told that a label comes, and then there is none.
    """
    options = account.provider().options(account.sender, account.recipient, PARCEL)
    assert options, "there is nothing to choose from for a parcel that the account can send"
    names = [(option.code, option.contract) for option in options]
    assert len(set(names)) == len(names), "two options have one name, and one of them cannot be bought"
    for number, option in enumerate([options[0], options[-1]], start=1):
        assert account.booked(account.made(number, option).request), f"{option.code} was offered, and is not there"


@needs("labels", "options", "prices")
def test_the_cheapest_is_offered_first(account: ShippingAccount) -> None:
    """The options come with their prices, the cheapest first, those without one last.

    Whoever takes the first one pays too much for each return.
    """
    options = account.provider().options(account.sender, account.recipient, PARCEL)
    prices = [option.price for option in options]
    known = [price for price in prices if price is not None]
    assert known, "prices are declared, and no option has one"
    assert prices[: len(known)] == known, "an option without a price stands before one that has one"
    minor = [price.minor for price in known]
    assert minor == sorted(minor), "the shop would pay too much: a dearer option stands before a cheaper one"


@needs("labels", "options", "prices")
def test_a_label_costs_what_was_offered(account: ShippingAccount) -> None:
    """What a label costs in the end is what its option said, to the cent.

    The merchant asks a customer for the cost of his return, or bears it, by that figure.
    """
    for number, option in enumerate(account.provider().options(account.sender, account.recipient, PARCEL), start=1):
        if option.price is None:
            continue
        made = account.made(number, option)
        account.sandbox.scan(account.reference(made))
        [booked] = account.booked(made.request)
        assert booked.charged == option.price, f"{option.code} was offered for {option.price}"
        told = account.now(made).cost
        assert told in (None, booked.charged), f"{booked.charged} was charged, and {told} is told"


@needs("labels", "options")
@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.CUT_AFTER, Fault.NO_JSON_AFTER])
def test_options_that_cannot_be_read_are_not_none(account: ShippingAccount, fault: Fault) -> None:
    """Options that do not come just now are an error that passes, and never "there is none".

    Staff would tell the customer to pay for his own parcel.
    """
    provider = account.provider()
    provider.options(account.sender, account.recipient, PARCEL)
    with account.faults(*[fault] * ENOUGH):
        error = refused(lambda: provider.options(account.sender, account.recipient, PARCEL), f"fault: {fault}")
    assert error.disposition in LATER, f"fault: {fault}, and it was told as {error!r}"


@needs("labels", "fetch_label")
def test_a_form_that_there_is_not_is_refused(account: ShippingAccount) -> None:
    """Whoever asks for the document of a label that is handed in without one gets an error, and nothing else.

    A screen that shows an empty page says nothing to the customer who stands at the counter with his parcel.
    """
    made = account.made()
    error = refused(lambda: account.provider().fetch_label(*made.names, LabelForm.NONE), "there is no such document")
    assert error.code in (ErrorCode.INVALID_REQUEST, ErrorCode.LABEL_NOT_READY)
