"""Looking refunds up: by our id, by theirs, and all of a payment. On "not found" a refund may be sent again."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import attrs

from retour.providers.errors import ProviderError
from retour.providers.refund_request import RefundStatus
from retour.sandbox import SandboxRequest, SandboxResponse
from retour.testing.contracts.account import A_YEAR, Account
from retour.testing.contracts.any_account import lacks, needs, outcome, refused

MANY = 260
"""Refunds of one payment: more than any provider puts on one page."""


@needs("refund_by_api", "fetch_refund")
def test_a_refund_is_fetched_as_the_books_have_it(account: Account) -> None:
    """A refund that is read by its reference has the amount and status of the books, now and when it has settled.

    Everything that a customer is told is read here: a wrong amount or status is a wrong promise.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    reference = provider.refund(request).reference
    for _ in range(2):
        [booked] = account.books(payment)
        found = provider.fetch_refund(request.target, reference)
        assert (found.reference, found.amount, found.status) == (reference, booked.amount, booked.status)
        account.sandbox.advance(A_YEAR)


@needs("refund_by_api", "fetch_refund")
def test_a_refund_of_another_payment_is_not_fetched(account: Account) -> None:
    """A reference is read on its own payment only: another payment's refund would settle the wrong one.

    Its customer is told as paid, and is not.
    """
    one, other = account.pay(), account.pay()
    provider = account.provider()
    reference = provider.refund(account.request(other)).reference
    refused(lambda: provider.fetch_refund(account.target(one), reference), "it is a refund of another payment")


@needs("refund_by_api", "fetch_refund")
def test_a_refund_that_is_not_there_is_not_fetched(account: Account) -> None:
    """A reference that the provider does not know is an error, never some refund.

    Told of as some other refund, what was never made counts as paid.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    reference = provider.refund(request).reference
    other = reference[:-1] + ("8" if reference[-1] != "8" else "9")
    refused(lambda: provider.fetch_refund(request.target, other), "there is no such refund")


@needs("refund_by_api", "find_refund")
def test_a_refund_is_found_by_our_id(account: Account) -> None:
    """The refund that carries our id is found, as the books have it, among others of the same payment.

    Not found, it is made again; found wrongly, ours is told as paid by another.
    """
    payment = account.pay()
    provider = account.provider()
    account.sandbox.refund_in_dashboard(payment.reference, account.amount(20_00))
    request = account.request(payment, account.amount(10_00))
    provider.refund(request)
    provider.refund(account.request(payment, account.amount(30_00), number=2))
    found = provider.find_refund(request)
    assert found is not None
    [booked] = [booked for booked in account.books(payment) if booked.refund_id == request.refund_id]
    assert (found.reference, found.amount, found.status) == (booked.reference, request.amount, booked.status)
    assert found.refund_id == request.refund_id


@needs("refund_by_api", "find_refund")
def test_a_refund_that_was_never_sent_is_not_found(account: Account) -> None:
    """Where there is no refund of ours there is none, and no error.

    An error in place of "none" keeps the refund waiting for a person; a wrong find tells it as paid.
    """
    payment = account.pay()
    assert account.provider().find_refund(account.request(payment)) is None


@needs("refund_by_api", "find_refund")
def test_a_refund_that_is_only_alike_is_not_found(account: Account) -> None:
    """Same payment, same amount, made in the dashboard or by another try: without our id it is not ours.

    Taken for ours, the customer's second cup is told as paid by the refund of the first.
    """
    payment = account.pay()
    provider = account.provider()
    sought = account.request(payment, account.amount(10_00))
    account.sandbox.refund_in_dashboard(payment.reference, sought.amount)
    assert provider.find_refund(sought) is None
    other = account.pay()
    provider.refund(account.request(other, account.amount(10_00), number=2))
    assert provider.find_refund(account.request(other, account.amount(10_00), number=3)) is None
    near = account.request(other, account.amount(10_00), number=2)
    assert provider.find_refund(attrs.evolve(near, refund_id=near.refund_id[:-1])) is None
    assert provider.find_refund(attrs.evolve(near, refund_id="")) is None


@needs("refund_by_api", "find_refund")
def test_a_refund_on_another_payment_is_not_found(account: Account) -> None:
    """A refund is looked for on its own payment: one with our id on another payment is an error, or is not there.

    Found there, ours is told as made, and its customer is never paid.
    """
    one, other = account.pay(), account.pay()
    provider = account.provider()
    request = account.request(one)
    provider.refund(request)
    found = outcome(lambda: provider.find_refund(attrs.evolve(request, target=account.target(other))))
    assert found is None or isinstance(found, ProviderError)


@needs("refund_by_api", "find_refund")
def test_a_failed_refund_is_found_as_failed(account: Account) -> None:
    """A refund of ours that the bank refused is found, and is told as failed: it was made, and no money went.

    Not found, it is made again in place of being told; found as paid, the customer waits for nothing.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    account.sandbox.fail(provider.refund(request).reference)
    found = provider.find_refund(request)
    assert found is not None
    assert found.status is RefundStatus.FAILED


@needs("refund_by_api", "find_refund")
def test_a_refund_is_found_behind_hundreds_of_others(account: Account) -> None:
    """Our refund is found however many were made after it: a lookup that stops at a page makes it a second time.

    The customer of a long subscription has his money twice.
    """
    paid = account.amount(MANY * 10)
    payment = account.pay(paid)
    request = account.request(payment, account.amount(10))
    provider = account.provider()
    provider.refund(request)
    for _ in range(MANY):
        account.sandbox.refund_in_dashboard(payment.reference, account.amount(1))
    late = account.request(payment, account.amount(20), number=2)
    provider.refund(late)
    for sought in (request, late):
        found = provider.find_refund(sought)
        assert found is not None
        assert found.amount == sought.amount


@needs("refund_by_api", "list_refunds")
def test_all_refunds_of_a_payment_are_listed_as_the_books_have_them(account: Account) -> None:
    """Ours and the dashboard's, settled and failed: the list has each once, with the amount and status of the books.

    A refund that is not in the list can be given again.
    """
    payment = account.pay()
    provider = account.provider()
    failed = provider.refund(account.request(payment, account.amount(10_00))).reference
    account.sandbox.fail(failed)
    account.sandbox.refund_in_dashboard(payment.reference, account.amount(15_00))
    account.sandbox.advance(A_YEAR / 4)
    account.sandbox.hold()
    provider.refund(account.request(payment, account.amount(20_00), number=2))
    ours = not lacks(account.capabilities, "find_refund")
    booked = account.books(payment)
    assert len(booked) == 3
    listed = provider.list_refunds(account.target(payment))
    assert sorted((one.reference, one.amount.minor, one.status) for one in listed) == sorted(
        (one.reference, one.amount.minor, one.status) for one in booked
    )
    assert {one.amount.currency for one in listed} == {account.currency}
    if ours:
        assert {one.refund_id for one in listed} == {one.refund_id for one in booked}


@needs("refund_by_api", "list_refunds")
def test_a_payment_without_refunds_has_an_empty_list(account: Account) -> None:
    """Where nothing was refunded the list is empty.

    Told as an error, no payment can be refunded for a first time.
    """
    assert list(account.provider().list_refunds(account.target(account.pay()))) == []


@needs("refund_by_api", "list_refunds")
def test_a_list_of_hundreds_is_whole(account: Account) -> None:
    """All pages of a list are read, and no refund stands in it twice.

    A refund that is missing is given again, and one that stands there twice is told as paid twice.
    """
    payment = account.pay(account.amount(MANY * 10))
    for _ in range(MANY):
        account.sandbox.refund_in_dashboard(payment.reference, account.amount(1))
    listed = account.provider().list_refunds(account.target(payment))
    assert sorted(one.reference for one in listed) == sorted(one.reference for one in account.books(payment))


@needs("refund_by_api", "find_refund")
def test_what_was_not_found_is_found_when_it_is_there(account: Account) -> None:
    """A refund that was looked for in vain, and was then made by another worker, is found by who looked before.

    "Not found" that is kept makes the refund a second time.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    assert provider.find_refund(request) is None
    account.provider().refund(request)
    assert provider.find_refund(request) is not None, (
        "a lost answer would pay the customer twice: what was once not found is not looked for again"
    )


@needs("refund_by_api", "list_refunds", "partial_refund")
def test_a_list_that_was_read_is_read_again(account: Account) -> None:
    """What a colleague refunds in the dashboard is in the list of who read it before.

    Else it is offered again, and the customer has it twice.
    """
    payment = account.pay()
    target = account.target(payment)
    provider = account.provider()
    for number in range(3):
        assert len(provider.list_refunds(target)) == number, (
            "what a colleague refunded would be given again: the list is told as it was when it was first read"
        )
        account.sandbox.refund_in_dashboard(payment.reference, account.amount(10_00 + number))


@needs("refund_by_api", "find_refund")
def test_a_list_whose_end_cannot_be_read_proves_nothing(account: Account) -> None:
    """Where the last page does not come, "not found" is not told, and a list is not told as whole.

    The refund that is looked for stands on the page that is missing, and is made a second time.
    """
    payment = account.pay(account.amount(MANY * 10))
    provider = account.provider()
    never_sent = account.request(payment, account.amount(10), number=2)
    for _ in range(MANY):
        account.sandbox.refund_in_dashboard(payment.reference, account.amount(1))
    assert provider.find_refund(never_sent) is None  # and has logged in, if that is what providers do here
    began = len(account.sandbox.server.requests)
    assert provider.find_refund(never_sent) is None
    asked = len(account.sandbox.server.requests) - began
    with _only(account, asked - 1):
        refused(
            lambda: provider.find_refund(never_sent),
            "a lost answer would pay the customer twice: a page did not come, and that was told as not found",
        )
    if not lacks(account.capabilities, "list_refunds"):
        with _only(account, asked - 1):
            refused(
                lambda: provider.list_refunds(never_sent.target),
                "what stands on the page that did not come would be given again: half a list was told as the list",
            )


@contextmanager
def _only(account: Account, most: int) -> Iterator[None]:
    """So many requests are answered, and all that follow with status 500."""
    answered = 0

    def count(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        nonlocal answered
        answered += 1
        error = account.sandbox.server.error_bodies.get(500, {})
        return response if answered <= most else SandboxResponse(status=500, body=error)

    with account.answers(count):
        yield
