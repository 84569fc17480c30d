"""The names of a payment: a shop stored one of them, and a webhook uses another. The core asks for the rest."""

from __future__ import annotations

from functools import partial

import attrs
import pytest

from retour.providers.errors import ProviderError
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour.testing.contracts.account import Account
from retour.testing.contracts.answers import mixed_up
from retour.testing.contracts.any_account import needs, outcome, refused
from retour.testing.contracts.on_the_way import ENOUGH, LATER, UNREADABLE_READS
from retour.testing.contracts.refund_links import ODD_REFERENCES

MOST_QUESTIONS = 2
"""What the names of one payment may cost: the payment, and one thing more."""

_UNSEEN = "a colleague's refund would not be seen, and the customer is paid again"
_STRANGER = "another customer's refund would be looked for on this order"


@needs("payment_names")
def test_every_name_of_a_payment_leads_to_all_of_them(account: Account) -> None:
    """Asked by any name of a payment, the provider gives all that a shop can have stored of it, and none of another.

    A webhook names the charge and the shop stored the checkout: where the one does not lead to the other, what a
    colleague refunded is never seen, is offered again, and is paid twice.
    """
    payment, other = account.pay(), account.pay()
    ours, theirs = account.names(payment), account.names(other)
    provider = account.provider()
    for names, others in ((ours, theirs), (theirs, ours), (ours, theirs)):
        for name in names:
            told = list(provider.payment_names(name))
            missing = [one for one in names if one not in told]
            assert missing == [], f"{_UNSEEN}: {name} does not lead to {', '.join(missing)}"
            mixed = [one for one in told if one in others]
            assert mixed == [], f"{_STRANGER}: {name} leads to {', '.join(mixed)} of another payment"


@needs("payment_names")
def test_the_names_of_a_payment_cost_two_questions_at_most(account: Account) -> None:
    """Whatever it is asked by, the names of a payment are found with two questions.

    Anybody can send a webhook about a name that nobody knows: each question more is one that a customer's refund waits
    for, when the provider says that there were too many.
    """
    names = account.names(account.pay())
    provider = account.provider()
    for name in [*names, _nobodys(names[0])]:
        before = len(account.sandbox.server.requests)
        provider.payment_names(name)
        asked = [one.path for one in account.sandbox.server.requests[before:] if one.method == "GET"]
        assert len(asked) <= MOST_QUESTIONS, f"refunds would wait behind questions: {name} took {', '.join(asked)}"


@needs("payment_names")
def test_a_name_that_the_provider_does_not_have_leads_nowhere(account: Account) -> None:
    """A name of the right shape that is not there has no names, not even its own, and what is no name of this provider
    has none either, or is refused.

    What nobody knows is left alone for an hour. Told as an error it is asked for again and again, and what is known
    waits behind it; told as there, the shop is asked for somebody else's order.
    """
    payment = account.pay()
    provider = account.provider()
    unknown = _nobodys(payment.reference)
    told = outcome(partial(provider.payment_names, unknown), f"nobody has {unknown}")
    assert not isinstance(told, ProviderError), f"it would be asked for without end: {unknown} was told as {told!r}"
    assert list(told) == [], f"{_STRANGER}: nobody has {unknown}, and it has the names {', '.join(told)}"
    for odd in ODD_REFERENCES.values():
        told = outcome(partial(provider.payment_names, odd), f"{odd[:40]!r} is no name")
        assert isinstance(told, ProviderError) or list(told) == [], f"{_STRANGER}: {odd[:40]!r} has the names {told!r}"


@needs("payment_names")
@pytest.mark.parametrize("fault", [*UNREADABLE_READS, "a gateway's 404"])
def test_a_name_that_cannot_be_asked_about_is_not_one_that_nobody_has(account: Account, fault: Fault | str) -> None:
    """A question that is not answered, or by a gateway, is an error and never "no names".

    What nobody knows is left alone for an hour: a webhook that came in a bad second is forgotten, and what a colleague
    refunded is paid again.
    """
    name = account.pay().reference
    provider = account.provider()
    before = set(provider.payment_names(name))  # what was told before is no answer to what is asked now
    ask = partial(provider.payment_names, name)
    if isinstance(fault, Fault):
        with account.faults(*[fault] * ENOUGH):
            error = refused(ask, f"{_UNSEEN}: fault {fault}")
    else:
        with account.answers(_not_found_by_a_gateway):
            error = refused(ask, f"{_UNSEEN}: {fault}")
    assert error.disposition in LATER, f"nobody would ask again: {error!r}"
    assert set(provider.payment_names(name)) == before


@needs("payment_names")
def test_the_answer_about_another_payment_gives_no_names(account: Account) -> None:
    """The answer to a question about another payment is not believed: its names are never told as those of ours.

    What was refunded to one customer would be looked for on another one's order.
    """
    one, other = account.pay(), account.pay()
    provider = account.provider()
    theirs = account.names(other)
    with mixed_up(account, lambda: provider.payment_names(other.reference)):
        told = outcome(partial(provider.payment_names, one.reference), "the answer is about another payment")
    if not isinstance(told, ProviderError):
        assert [name for name in told if name in theirs] == [], f"{_STRANGER}: {told!r} was told of {one.reference}"


@needs("payment_names")
def test_a_name_is_of_its_own_account(account: Account, other_account: Account) -> None:
    """The name of another account's payment leads nowhere, or is refused, whoever was asked for it before.

    A webhook of one shop would be looked for among the orders of another, and found.
    """
    theirs = other_account.pay()
    other_account.provider().payment_names(theirs.reference)
    for name in other_account.names(theirs):
        told = outcome(partial(account.provider().payment_names, name), f"{name} is of another account")
        assert isinstance(told, ProviderError) or list(told) == [], (
            f"one shop would look for the refunds of another: {name} of another account has the names {told!r}"
        )


@needs("refund_by_api", "partial_refund", "refundable")
def test_by_whatever_name_it_is_refunded_it_is_the_same_money(account: Account) -> None:
    """Every name that a shop can have stored leads to one payment: what is refunded by one is no longer left by any.

    A shop that stores an order today and its charge tomorrow would refund the same payment once by each.
    """
    payment = account.pay()
    names = account.names(payment)
    provider = account.provider()
    left = provider.refundable(payment).remaining
    for number, name in enumerate(names, start=1):
        stored = attrs.evolve(payment, reference=name)
        made = provider.refund(account.request(stored, account.amount(10_00 + number), number))
        left -= made.amount
        for other in names:
            found = provider.refundable(attrs.evolve(payment, reference=other))
            assert found.remaining == left, (
                f"the customer would be paid once by each name: {made.amount} went back by {name}, and by {other} "
                f"there is {found.remaining} left instead of {left}"
            )
    assert len(account.books(payment)) == len(names), "a refund was made on something else than the payment"


def _nobodys(name: str) -> str:
    """A name of the same shape that nobody has, as long as no sandbox counts so far."""
    return name[:-1] + ("8" if name[-1] != "8" else "9")


def _not_found_by_a_gateway(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
    """What is read is not found, in nobody's words; a login gets its answer."""
    return SandboxResponse(status=404, body=b"<html>Not found</html>") if sent.method == "GET" else response
