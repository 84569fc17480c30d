"""Two shops in one process, each with its account at the same provider: what one is told is never the other's."""

from __future__ import annotations

import decimal
import locale
import logging
import os
import socket
import sys
import time
from functools import partial

import pytest

from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.refund_request import RefundStatus
from retour.testing.contracts.account import Account
from retour.testing.contracts.any_account import lacks, needs, outcome, refused
from retour.testing.contracts.provider_modules import noting_environment
from retour.testing.contracts.signing import signed_by_hmac
from retour.testing.contracts.statuses import seen
from retour.testing.contracts.webhooks import SAYS_NOTHING, one_of_each, read_webhook

MIXED_UP = "one shop would pay for the other"


@needs("refund_by_api")
@pytest.mark.parametrize("first", ["ours first", "theirs first"])
def test_two_accounts_refund_their_own(account: Account, other_account: Account, first: str) -> None:
    """Whichever account is made, and used, first: each asks, refunds and reads at its own address and with its own key.

    Two shops of one host share a process. What is kept on a class or a module is kept for both.
    """
    accounts = [account, other_account] if first == "ours first" else [other_account, account]
    amounts = [accounts[0].amount(94_95), accounts[1].amount(20_00)]
    payments = [one.pay(amount) for one, amount in zip(accounts, amounts, strict=True)]
    providers = [one.provider() for one in accounts]
    for one, provider, payment in zip(accounts, providers, payments, strict=True):
        if not lacks(one.capabilities, "refundable"):
            found = provider.refundable(payment)
            assert found.remaining == payment.captured, f"{MIXED_UP}: {found!r} is of the other account"
    made = []
    for number, (one, provider, payment) in enumerate(zip(accounts, providers, payments, strict=True), start=1):
        request = one.request(payment, one.amount(10_00 + number), number)
        made.append((one, provider, payment, request, provider.refund(request)))
    for one, provider, payment, request, result in made:
        assert [(booked.reference, booked.amount) for booked in one.books(payment)] == [
            (result.reference, request.amount)
        ], f"{MIXED_UP}: the refund is not in its own account"
        if not lacks(one.capabilities, "fetch_refund"):
            assert provider.fetch_refund(request.target, result.reference).amount == request.amount, MIXED_UP
        if not lacks(one.capabilities, "find_refund"):
            found_again = provider.find_refund(request)
            assert found_again is not None, f"a lost answer would pay the customer twice: {MIXED_UP}"
            assert found_again.amount == request.amount, MIXED_UP
        if not lacks(one.capabilities, "list_refunds"):
            assert [listed.amount for listed in provider.list_refunds(request.target)] == [request.amount], MIXED_UP
        if not lacks(one.capabilities, "refundable"):
            left = provider.refundable(payment).remaining
            assert left == payment.captured - request.amount, f"{MIXED_UP}: {left} is left"


@needs("refund_by_api")
def test_a_refund_that_failed_is_told_in_its_own_account(account: Account, other_account: Account) -> None:
    """A refund that the bank refused in one account says nothing of the refund with that reference in the other.

    References begin anew in each account of some providers, and in each sandbox.
    """
    told = []
    for one in (account, other_account):
        one.sandbox.hold()
        request = one.request(one.pay())
        told.append((one, request, one.provider().refund(request).reference))
    account.sandbox.fail(told[0][2])
    statuses = [seen(one, request, reference) for one, request, reference in told]
    assert statuses == [{RefundStatus.FAILED}, {RefundStatus.PENDING}], (
        "a customer would be paid again by hand: his refund is told as failed because another shop's was"
    )


@needs("refund_by_api", "cancel_refund")
def test_a_refund_is_cancelled_in_its_own_account(account: Account, other_account: Account) -> None:
    """What one shop cancels goes on in the other, though it has the same reference there.

    Mixed up, one shop takes back the money of another shop's customer.
    """
    made = []
    for one in (account, other_account):
        one.sandbox.hold()
        payment = one.pay()
        request = one.request(payment)
        made.append((one, payment, one.provider(), request))
    references = [provider.refund(request).reference for _, _, provider, request in made]
    _, _, provider, request = made[1]
    told = outcome(partial(provider.cancel_refund, request.target, references[1]))
    expected = RefundStatus.PENDING if isinstance(told, ProviderError) else RefundStatus.CANCELLED
    booked = [[refund.status for refund in one.books(payment)] for one, payment, _, _ in made]
    assert booked == [[RefundStatus.PENDING], [expected]], "another shop's customer would never get his money"


@needs("refund_by_api")
def test_a_key_is_of_its_own_account(account: Account) -> None:
    """Two accounts at one address: the wrong key of the one is refused, before and after the other was used, and the
    other goes on to work.

    All accounts of a provider share its address. A token that is kept by address pays from somebody else's account.
    """
    given = account.with_other_secrets()
    if given is None:
        pytest.skip(f"the settings of {account.kind.name} have no secret, or take no other")
    payment = account.pay()
    request = account.request(payment)
    ours, theirs = account.provider(), account.provider(given)
    asked = account.questions(theirs, payment, request, "")
    calls = [asked[method] for method in ("check_settings", "refundable") if method in asked]
    calls.append(partial(theirs.refund, request))
    if "check_settings" in asked:
        ours.check_settings()
    for _ in range(2):
        for call in calls:
            error = refused(call, f"{MIXED_UP}: the key of one account worked for another")
            assert error.code in (ErrorCode.AUTHENTICATION, ErrorCode.CONFIGURATION), f"{MIXED_UP}: {error!r}"
            assert error.disposition is Disposition.FIX
        told = outcome(partial(ours.refund, request))
        assert not isinstance(told, ProviderError), f"one shop's wrong key would stop all others: {told!r}"
    assert len(account.books(payment)) == 1


@needs("refund_by_api", "webhooks")
def test_a_webhook_of_another_account_is_rejected(account: Account) -> None:
    """A webhook that is signed with the secret of one account says nothing to another, whichever was used first.

    Whoever has an account at the provider could tell every other shop that its customers were paid.
    """
    _, webhooks = one_of_each(account)
    signed = [one.webhook for one in signed_by_hmac(account, webhooks)]
    given = account.with_other_secrets()
    if given is None:
        pytest.skip(f"the settings of {account.kind.name} take no other secret")
    for order in (("theirs", "ours", "theirs"), ("ours", "theirs", "ours")):
        providers = {"ours": account.provider(), "theirs": account.provider(given)}
        for whose in order:
            for webhook in signed:
                told = read_webhook(providers[whose], webhook)
                if whose == "ours":
                    assert told is not None, "the news of one shop is dropped: the secret of another is used for it"
                else:
                    assert told in SAYS_NOTHING, (
                        f"anybody with an account could tell that a customer was paid: {told!r}"
                    )


@needs("refund_by_api")
def test_nothing_is_changed_for_the_rest_of_the_process(account: Account) -> None:
    """What belongs to the whole process is afterwards as it was: how long sockets wait, how decimals round, the
    locale, the environment, how much is logged.

    Another provider's amounts are rounded with it, and its calls end early, or never.
    """
    payment = account.pay()
    request = account.request(payment)
    before = of_the_process()
    provider = account.provider()
    made = provider.refund(request)
    for ask in account.questions(provider, payment, request, made.reference).values():
        ask()
    after = of_the_process()
    changed = [name for name in before if before[name] != after[name]]
    assert changed == [], f"every other provider's refunds would go another way: this one changed {', '.join(changed)}"


def of_the_process() -> dict[str, object]:
    """What all of a process share, and what all of a thread share of decimals."""
    decimals = decimal.getcontext()
    return {
        "how long sockets wait": socket.getdefaulttimeout(),
        "how decimals round": (decimals.prec, decimals.rounding),
        "the locale": locale.setlocale(locale.LC_ALL),
        "the environment": dict(os.environ),
        "the time zone": time.tzname,
        "the folder": os.getcwd(),
        "how much is logged": (logging.root.level, logging.root.manager.disable),
        "how often a worker is interrupted": sys.getswitchinterval(),
    }


@needs("refund_by_api")
def test_the_settings_are_all_that_there_is(account: Account) -> None:
    """Nothing is read from the process's environment: settings come from the core, one set for each account.

    A key in a variable is the key of every shop of the host, and its refunds go out from the wrong account.
    """
    payment = account.pay()
    request = account.request(payment)
    with noting_environment(account.kind) as read:
        provider = account.provider()
        made = provider.refund(request)
        for ask in account.questions(provider, payment, request, made.reference).values():
            ask()
    assert read == set(), f"every shop of the host would share {', '.join(sorted(read))}"
