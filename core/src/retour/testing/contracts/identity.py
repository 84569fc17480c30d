"""One refund is one refund, two are two: however often it is sent, whoever sends it, whatever the amounts are."""

from __future__ import annotations

import datetime
import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

import attrs
import pytest

from retour.providers.errors import Disposition, ProviderError
from retour.providers.refund_request import RefundRequest, RefundResult
from retour.sandbox import Fault
from retour.testing.contracts.account import Account, needs, outcome, refused

_T = TypeVar("_T")

WORKERS = 6
"""Threads that refund at once."""


@needs("refund_by_api", "idempotency")
def test_the_same_request_twice_is_one_refund(account: Account) -> None:
    """A request that is sent again gives the first refund, and the books have one.

    A browser, a worker or a person repeats things; a customer must not be paid for each time (WooCommerce #13614).
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    first, again = provider.refund(request), provider.refund(request)
    assert (again.reference, again.amount) == (first.reference, first.amount)
    assert [booked.reference for booked in account.books(payment)] == [first.reference]


@needs("refund_by_api")
def test_the_same_request_is_the_same_bytes(account: Account) -> None:
    """A request sent again, after a crash and by another process, is byte for byte the one that was sent before.

    Providers compare: with another byte a repeat is refused as another request, or is a second refund.
    """
    payment = account.pay()
    request = account.request(payment)
    with account.faults(Fault.CUT_BEFORE, of=request):
        refused(lambda: account.provider().refund(request), "the connection was cut")
    account.sandbox.advance(datetime.timedelta(minutes=1))
    account.provider().refund(request)
    first, again = account.sent(request)
    assert (again.method, again.path, again.query, again.body) == (first.method, first.path, first.query, first.body)
    own = {"content-type", "accept", "prefer"}
    assert [(name, again.headers.get(name)) for name in sorted(own)] == [
        (name, first.headers.get(name)) for name in sorted(own)
    ]


@needs("refund_by_api", "idempotency")
def test_the_key_of_a_refund_is_in_the_declared_header(account: Account) -> None:
    """The idempotency key is the request's own, in the header that the capabilities name, each time the same.

    A new key for a retry is how a lost answer becomes a second refund (Medusa #16681).
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    provider.refund(request)
    provider.refund(request)
    idempotency = account.capabilities.idempotency
    assert idempotency is not None
    keys = [sent.headers.get(idempotency.header.lower()) for sent in account.sent(request)]
    assert keys == [request.key, request.key]


@needs("refund_by_api", "idempotency", "partial_refund")
def test_a_key_that_was_used_for_another_amount_makes_no_second_refund(account: Account) -> None:
    """The key of one refund with the amount of another is refused, and what that means is not "certainly not done"."""
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    provider.refund(request)
    other = attrs.evolve(request, amount=account.amount(10_00))
    error = refused(lambda: provider.refund(other), "the key is another refund's")
    assert error.disposition is Disposition.RECONCILE
    assert [booked.amount for booked in account.books(payment)] == [request.amount]


@needs("refund_by_api", "partial_refund")
def test_two_refunds_of_one_amount_are_two_refunds(account: Account) -> None:
    """Two cups for 10.00 that come back a day apart are refunded twice, at once or after the time that is told.

    A second refund that is merged into the first is told as paid, and never is (Mollie's Magento plugin #456).
    """
    payment = account.pay()
    first = account.provider().refund(account.request(payment, account.amount(10_00)))
    second = _refund_when_allowed(account, account.request(payment, account.amount(10_00), number=2))
    assert first.reference != second.reference
    assert [booked.amount for booked in account.books(payment)] == [account.amount(10_00)] * 2


@needs("refund_by_api", "partial_refund")
def test_a_refund_in_the_dashboard_is_another_than_ours(account: Account) -> None:
    """A refund that a person made is not taken for ours, even if it is of the same payment and amount."""
    payment = account.pay()
    theirs = account.sandbox.refund_in_dashboard(payment.reference, account.amount(10_00))
    ours = _refund_when_allowed(account, account.request(payment, account.amount(10_00)))
    assert ours.reference != theirs
    assert [booked.reference for booked in account.books(payment)] == [theirs, ours.reference]


@needs("refund_by_api", "partial_refund")
@pytest.mark.parametrize("spent", [0, 50_00, 94_95], ids=["nothing", "a part", "everything"])
def test_more_than_is_left_is_refused_and_not_failed_blindly(account: Account, spent: int) -> None:
    """More than is left is not refunded, and is no final failure: perhaps an earlier try of ours took the money.

    What is told as failed is tried again in another way, and then the customer has it twice.
    """
    payment = account.pay()
    provider = account.provider()
    if spent:
        provider.refund(account.request(payment, account.amount(spent)))
    more = account.request(payment, account.amount(94_95 - spent + 1), number=2)
    error = refused(lambda: provider.refund(more), "there is less left")
    assert error.disposition is Disposition.RECONCILE
    assert [booked.amount.minor for booked in account.books(payment)] == ([spent] if spent else [])


@needs("refund_by_api")
def test_a_refusal_says_why(account: Account) -> None:
    """A refusal has words for the person who reads it, and the provider's own code, to look up or to ask about."""
    payment = account.pay()
    more = account.request(payment, account.amount(94_96))
    error = refused(lambda: account.provider().refund(more), "there is less left")
    assert error.message.strip()
    assert error.provider_code.strip()


@needs("refund_by_api")
def test_threads_that_share_a_provider_make_each_refund_once(account: Account) -> None:
    """One provider instance serves several workers at once: every refund is made once, as it was asked."""
    payments = [account.pay() for _ in range(WORKERS)]
    requests = [
        account.request(payment, account.amount(10_00 + number), number)
        for number, payment in enumerate(payments, start=1)
    ]
    provider = account.provider()
    results = _at_once([partial(provider.refund, request) for request in requests])
    for payment, request, result in zip(payments, requests, results, strict=True):
        assert isinstance(result, RefundResult), result
        assert result.amount == request.amount
        assert result.refund_id in ("", request.refund_id)
        assert [(booked.reference, booked.amount) for booked in account.books(payment)] == [
            (result.reference, request.amount)
        ]


@needs("refund_by_api", "idempotency")
def test_threads_that_send_one_refund_make_it_once(account: Account) -> None:
    """Two workers that send the same refund at the same time make one; each is told of it, or that it is unclear."""
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    results = _at_once([partial(provider.refund, request)] * WORKERS)
    [booked] = account.books(payment)
    for result in results:
        if isinstance(result, RefundResult):
            assert result.reference == booked.reference
        else:
            assert isinstance(result, ProviderError), result
            assert result.disposition in (Disposition.RECONCILE, Disposition.RETRY)
    assert [result for result in results if isinstance(result, RefundResult)]


def _refund_when_allowed(account: Account, request: RefundRequest) -> RefundResult:
    """Send a refund; where the provider says that it is too early, once more when the time has come."""
    provider = account.provider()
    made = outcome(partial(provider.refund, request), "a second refund of one amount was sent")
    if not isinstance(made, ProviderError):
        return made
    assert made.disposition is Disposition.RETRY, f"a second refund of one amount is refused: {made}"
    assert made.not_before, "a second refund of one amount has to wait, and it is not said how long"
    account.sandbox.advance(made.not_before + datetime.timedelta(minutes=1))
    return provider.refund(request)


def _at_once(calls: list[Callable[[], _T]]) -> list[_T | Exception]:
    """What the calls give or raise, made in threads that all start together."""
    together = threading.Barrier(len(calls))
    results: dict[int, _T | Exception] = {}

    def run(number: int) -> None:
        together.wait(30)
        try:
            results[number] = calls[number]()
        except Exception as error:  # noqa: BLE001 - told by the test that asked
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(len(calls))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return [results[number] for number in range(len(calls))]
