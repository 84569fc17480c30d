"""How a refund goes on: pending stays pending, what fails is told, and what is cancelled is cancelled."""

from __future__ import annotations

import datetime
from functools import partial

import pytest

from retour.providers.capabilities import Support
from retour.providers.errors import Disposition, ProviderError
from retour.providers.refund_request import RefundRequest, RefundStatus
from retour.sandbox import Fault
from retour.testing.contracts.account import A_YEAR, Account
from retour.testing.contracts.any_account import lacks, needs, outcome, refused
from retour.testing.contracts.provider_modules import later
from retour.testing.contracts.webhooks import events, sent


def seen(account: Account, request: RefundRequest, reference: str) -> set[RefundStatus]:
    """What is said of a refund in every way that it can be asked for. Where it can be asked for in none, what the
    newest of its webhooks says; without any it is pending."""
    provider = account.provider()
    found: set[RefundStatus] = set()
    if not lacks(account.capabilities, "fetch_refund"):
        found.add(provider.fetch_refund(request.target, reference).status)
    if not lacks(account.capabilities, "find_refund"):
        by_id = provider.find_refund(request)
        assert by_id is not None
        found.add(by_id.status)
    if not lacks(account.capabilities, "list_refunds"):
        found |= {one.status for one in provider.list_refunds(request.target) if one.reference == reference}
    if not found and lacks(account.capabilities, "webhooks"):
        pytest.skip(f"{account.kind.name} can neither be asked nor tells what became of a refund: a person looks")
    if not found:
        told = [event.refund for webhook in sent(account) for event in events(provider.parse_webhook(webhook))]
        of_it = [RefundStatus.PENDING, *[one.status for one in told if one.reference == reference]]
        found.add(of_it[-1])
    return found


@needs("refund_by_api")
def test_a_refund_that_waits_is_pending_until_it_is_paid(account: Account) -> None:
    """A refund that the bank holds up is pending however long it takes, and succeeded when it is paid, not before.

    A customer who is told "refunded" looks at his bank account (WooCommerce's Stripe plugin #1523).
    """
    payment = account.pay()
    request = account.request(payment)
    account.sandbox.hold()
    made = account.provider().refund(request)
    assert made.status is RefundStatus.PENDING
    account.sandbox.advance(datetime.timedelta(days=30))
    with later(account.kind, datetime.timedelta(days=30)):
        told = seen(account, request, made.reference)
    assert told == {RefundStatus.PENDING}, (
        f"after a month the bank still holds it, and it is told as {', '.join(told)}: a customer who is told of money "
        "that does not come, or who is paid again by hand and then by the bank"
    )
    account.sandbox.release()
    account.sandbox.advance(A_YEAR)
    assert seen(account, request, made.reference) == {RefundStatus.SUCCEEDED}
    assert [booked.status for booked in account.books(payment)] == [RefundStatus.SUCCEEDED]


@needs("refund_by_api")
def test_a_refund_that_the_bank_refuses_is_failed(account: Account) -> None:
    """A pending refund that fails is told as failed, wherever it is asked for: the customer still has to be paid.

    Told as pending, he waits for ever, and nobody looks.
    """
    payment = account.pay()
    request = account.request(payment)
    account.sandbox.hold()
    made = account.provider().refund(request)
    account.sandbox.fail(made.reference)
    assert seen(account, request, made.reference) == {RefundStatus.FAILED}


@needs("refund_by_api")
def test_a_refund_that_fails_after_it_succeeded_is_failed(account: Account) -> None:
    """A bank can send money back days later (closed account): success is no reason to stop believing the provider.

    The customer whose account was closed is told that he was paid, for ever.
    """
    payment = account.pay()
    request = account.request(payment)
    made = account.provider().refund(request)
    account.sandbox.advance(A_YEAR)
    provider = account.provider()
    for status in (RefundStatus.SUCCEEDED, RefundStatus.FAILED):
        if status is RefundStatus.FAILED:
            account.sandbox.fail(made.reference)
        assert seen(account, request, made.reference) == {status}
        if not lacks(account.capabilities, "fetch_refund"):
            assert provider.fetch_refund(request.target, made.reference).status is status, (
                "a customer whose bank sent the money back would never be paid: what was read before is told again"
            )


@needs("refund_by_api", "idempotency")
def test_a_request_sent_again_never_says_more_than_the_books(account: Account) -> None:
    """The answer to a repeated request is the first answer or the refund as it is now; it never makes up a success.

    A customer is told of money that the bank sent back.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    account.sandbox.hold()
    first = provider.refund(request)
    account.sandbox.fail(first.reference)
    again = provider.refund(request)
    assert again.reference == first.reference
    assert again.status in (first.status, RefundStatus.FAILED)


@needs("refund_by_api", "cancel_refund")
def test_a_refund_that_waits_can_be_cancelled(account: Account) -> None:
    """A cancelled refund is cancelled in the books, and told so everywhere; where that is partly possible, a refusal
    leaves it as it was.

    Told as cancelled and still paid, it is paid twice.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    can_be_asked = not lacks(account.capabilities, "refundable")
    before = provider.refundable(payment).remaining if can_be_asked else None
    account.sandbox.hold()
    made = provider.refund(request)
    try:
        cancelled = provider.cancel_refund(request.target, made.reference)
    except ProviderError:
        assert account.capabilities.cancel_refund is Support.PARTIAL, "cancelling is declared, and refused"
        assert [booked.status for booked in account.books(payment)] == [RefundStatus.PENDING]
        return
    assert (cancelled.reference, cancelled.status) == (made.reference, RefundStatus.CANCELLED)
    assert [booked.status for booked in account.books(payment)] == [RefundStatus.CANCELLED]
    assert seen(account, request, made.reference) == {RefundStatus.CANCELLED}
    if can_be_asked:
        assert provider.refundable(payment).remaining == before, "what was cancelled can be refunded again"


@needs("refund_by_api", "cancel_refund")
def test_a_refund_of_another_payment_is_not_cancelled(account: Account) -> None:
    """A reference is cancelled on its own payment only: mixed up, it takes another customer's money back.

    He waits for a refund that is told as on its way.
    """
    one, other = account.pay(), account.pay()
    provider = account.provider()
    account.sandbox.hold()
    made = provider.refund(account.request(other))
    refused(lambda: provider.cancel_refund(account.target(one), made.reference), "it is a refund of another payment")
    assert [booked.status for booked in account.books(other)] == [RefundStatus.PENDING]


@needs("refund_by_api")
def test_a_refund_that_was_paid_is_never_told_as_cancelled(account: Account) -> None:
    """What is paid out cannot be taken back: an error says so, whether or not the provider can cancel at all.

    Told as cancelled, it is paid a second time in another way.
    """
    if not hasattr(account.kind, "cancel_refund"):
        pytest.skip(f"{account.kind.name} has no cancel_refund")
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    made = provider.refund(request)
    account.sandbox.advance(A_YEAR)
    refused(lambda: provider.cancel_refund(request.target, made.reference), "it was paid out")
    assert [booked.status for booked in account.books(payment)] == [RefundStatus.SUCCEEDED]


@needs("refund_by_api", "cancel_refund")
def test_a_refund_that_is_not_there_is_not_cancelled(account: Account) -> None:
    """A reference that the provider does not know is refused: nothing was cancelled.

    "Gone, so it is cancelled" tells a refund as taken back that is still on its way.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    account.sandbox.hold()
    reference = provider.refund(request).reference
    other = reference[:-1] + ("8" if reference[-1] != "8" else "9")
    refused(
        lambda: provider.cancel_refund(request.target, other),
        "a refund that still goes out would be paid again: there is no such refund, and it was told as cancelled",
    )
    assert [booked.status for booked in account.books(payment)] == [RefundStatus.PENDING]


@needs("refund_by_api", "cancel_refund")
@pytest.mark.parametrize("fault", [fault for fault in Fault if fault not in (Fault.SILENT_AFTER, Fault.TRICKLE_AFTER)])
def test_after_a_fault_the_error_tells_the_truth_about_a_cancelled_refund(account: Account, fault: Fault) -> None:
    """A refund is told as cancelled only where it is; where the answer was lost, that is unclear, and no more.

    Told as cancelled and still paid, the customer has the money twice; told as certainly not, he may never have it.
    """
    account.sandbox.hold()
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    made = provider.refund(request)
    server = account.sandbox.server
    with account.faults(fault):
        server.faulty = lambda sent: sent.method != "GET"
        told = outcome(partial(provider.cancel_refund, request.target, made.reference), f"fault: {fault}")
    [booked] = account.books(payment)
    if not isinstance(told, ProviderError):
        assert told.status is not RefundStatus.CANCELLED or booked.status is RefundStatus.CANCELLED, (
            f"the customer would have the money twice: {fault}, and it was told as cancelled while it goes out"
        )
    elif booked.status is RefundStatus.CANCELLED:
        assert told.disposition is Disposition.RECONCILE, (
            f"the customer would never be paid: {fault}, it was cancelled, and is told as certainly not: {told!r}"
        )
