"""One refund is one refund, two are two: however often it is sent, whoever sends it, whatever the amounts are."""

from __future__ import annotations

import datetime
from functools import partial

import attrs
import pytest

from retour.model.order import Payment
from retour.providers.contract import RefundsByApi
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.refund_request import RefundRequest, RefundResult
from retour.sandbox import Fault, SandboxRequest
from retour.testing.contracts.account import Account
from retour.testing.contracts.any_account import needs, outcome, refused
from retour.testing.contracts.in_threads import at_once
from retour.testing.contracts.provider_modules import later

WORKERS = 6
"""Threads that refund at once."""

_TOO_MUCH = (ErrorCode.AMOUNT_TOO_HIGH, ErrorCode.ALREADY_REFUNDED)
_SENT_NO_MORE = (Disposition.FINAL, Disposition.RECONCILE)
"""What is refused for good, or unclear: the same request is not sent again by itself."""


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
    provider = account.provider()
    for _ in range(2):
        with account.faults(Fault.CUT_BEFORE, of=request):
            refused(lambda: provider.refund(request), "the connection was cut")
        account.sandbox.advance(datetime.timedelta(minutes=1))
    with later(account.kind, datetime.timedelta(days=1)):
        account.provider().refund(request)
    first, *others = [_told_apart(account, sent) for sent in account.sent(request)]
    assert len(others) == 2
    for when, again in zip(("at the second try", "the next day, by another process"), others, strict=True):
        assert again == first, f"a lost answer would pay the customer twice: {when} other bytes were sent"


@needs("refund_by_api", "idempotency")
def test_the_key_of_a_refund_is_where_it_is_declared(account: Account) -> None:
    """The idempotency key is the request's own, in the header or the field that the capabilities name, each time the
    same.

    A new key for a retry is how a lost answer becomes a second refund (Medusa #16681).
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    provider.refund(request)
    provider.refund(request)
    idempotency = account.capabilities.idempotency
    assert idempotency is not None
    where = f"the field {idempotency.field} of the body" if idempotency.field else f"the header {idempotency.header}"
    keys = [account.key_of(sent) for sent in account.sent(request)]
    assert keys == [request.key, request.key], f"the key is not what {where} has, once for each time that it was sent"


@needs("refund_by_api", "idempotency", "partial_refund")
def test_a_key_that_was_used_for_another_amount_makes_no_second_refund(account: Account) -> None:
    """The key of one refund with the amount of another is refused, and what that means is not "certainly not done".

    Told as certainly not done, the first refund is paid again.
    """
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
    """Cups for 10.00 each that come back a day apart are refunded twice, at once or after the time that is told.

    A second refund that is merged into the first is told as paid, and never is (Mollie's Magento plugin #456).
    """
    payment = account.pay()
    provider = account.provider()
    first = provider.refund(account.request(payment, account.amount(10_00)))
    second = _refund_when_allowed(account, account.request(payment, account.amount(10_00), number=2), provider)
    third = _refund_when_allowed(account, account.request(payment, account.amount(10_00), number=3))
    assert len({first.reference, second.reference, third.reference}) == 3, (
        "a customer would be told that a cup is paid, and never be: its refund was taken for that of another"
    )
    assert [booked.amount for booked in account.books(payment)] == [account.amount(10_00)] * 3


@needs("refund_by_api", "partial_refund")
def test_a_refund_in_the_dashboard_is_another_than_ours(account: Account) -> None:
    """A refund that a person made is not taken for ours, even if it is of the same payment and amount.

    Taken for ours, a customer who was promised two refunds gets one.
    """
    payment = account.pay()
    theirs = account.sandbox.refund_in_dashboard(payment.reference, account.amount(10_00))
    ours = _refund_when_allowed(account, account.request(payment, account.amount(10_00)))
    assert ours.reference != theirs
    assert [booked.reference for booked in account.books(payment)] == [theirs, ours.reference]


@needs("refund_by_api", "partial_refund")
@pytest.mark.parametrize("spent", [0, 50_00, 94_95], ids=["nothing", "a part", "everything"])
def test_more_than_is_left_is_refused_and_not_failed_blindly(account: Account, spent: int) -> None:
    """More than is left is not refunded, and is told as too much, or as refunded already.

    Told as something else, nobody looks for the colleague who refunded it, and the customer has it twice.
    """
    payment = account.pay()
    provider = account.provider()
    if spent:
        provider.refund(account.request(payment, account.amount(spent)))
    more = account.request(payment, account.amount(94_95 - spent + 1), number=2)
    error = refused(lambda: provider.refund(more), "there is less left")
    assert error.disposition in _SENT_NO_MORE, f"it would be sent again, though there is less left: {error!r}"
    assert error.code in _TOO_MUCH or error.disposition is Disposition.RECONCILE, (
        f"a colleague's refund would not be looked for: {error!r}"
    )
    assert [booked.amount.minor for booked in account.books(payment)] == ([spent] if spent else [])


@needs("refund_by_api", "partial_refund")
def test_the_whole_is_not_what_is_left_of_it(account: Account) -> None:
    """The whole payment, asked for after a colleague refunded a part of it, is refused as too much.

    A provider that is sent no amount refunds what is left: less than was asked for, and told as all of it.
    """
    payment = account.pay()
    request = account.request(payment, payment.captured)
    account.sandbox.refund_in_dashboard(payment.reference, account.amount(44_95))
    error = refused(
        lambda: account.provider().refund(request),
        f"a customer would be told of {payment.captured} and get less: {account.amount(44_95)} had gone before",
    )
    assert error.disposition in _SENT_NO_MORE, f"it would be sent again, though there is less left: {error!r}"
    assert [booked.amount for booked in account.books(payment)] == [account.amount(44_95)]


@needs("refund_by_api", "idempotency")
def test_a_key_is_known_for_as_long_as_is_declared(account: Account) -> None:
    """A request that is sent again just before the declared window ends is the same refund.

    The core sends again as long as the window is open, without another look.
    """
    payment = account.pay()
    request = account.request(payment)
    made = account.provider().refund(request)
    window = account.capabilities.idempotency.window if account.capabilities.idempotency else datetime.timedelta()
    account.sandbox.advance(window - datetime.timedelta(minutes=1))
    again = outcome(partial(account.provider().refund, request), f"sent again within {window}")
    booked = [one.reference for one in account.books(payment)]
    assert booked == [made.reference], (
        f"a lost answer would pay the customer twice: a window of {window} is declared, and within it the same key "
        "made a second refund"
    )
    if isinstance(again, ProviderError):
        assert again.disposition is Disposition.RECONCILE, f"it was made, and is told as certainly not: {again!r}"
    else:
        assert again.reference == made.reference


@needs("refund_by_api")
def test_a_refusal_says_why(account: Account) -> None:
    """A refusal has words for the person who reads it, and the provider's own code, to look up or to ask about.

    Without them a merchant cannot mend it, the provider's support cannot help, and a customer waits.
    """
    payment = account.pay()
    more = account.request(payment, account.amount(94_96))
    error = refused(lambda: account.provider().refund(more), "there is less left")
    assert error.message.strip()
    assert error.provider_code.strip()


@needs("refund_by_api")
def test_threads_that_share_a_provider_make_each_refund_once(account: Account) -> None:
    """One provider instance serves several workers at once: every refund is made once, as it was asked.

    What is kept in the instance between two lines is another customer's by then.
    """
    payments = [account.pay() for _ in range(WORKERS)]
    requests = [
        account.request(payment, account.amount(10_00 + number), number)
        for number, payment in enumerate(payments, start=1)
    ]
    provider = account.provider()
    results = at_once([partial(provider.refund, request) for request in requests])
    for payment, request, result in zip(payments, requests, results, strict=True):
        assert isinstance(result, RefundResult), result
        assert result.amount == request.amount
        assert result.refund_id in ("", request.refund_id)
        assert [(booked.reference, booked.amount) for booked in account.books(payment)] == [
            (result.reference, request.amount)
        ]


@needs("refund_by_api", "partial_refund")
def test_threads_that_ask_are_told_of_their_own(account: Account) -> None:
    """Several workers that ask one provider instance at once are each told of their own payment and refund.

    What is kept in the instance between two lines is another customer's by then.
    """
    provider = account.provider()
    payments = [account.pay(account.amount(100_00 + number)) for number in range(WORKERS)]
    requests = [
        account.request(payment, account.amount(10_00 + number), number)
        for number, payment in enumerate(payments, start=1)
    ]
    made = [provider.refund(request) for request in requests]

    def ask(payment: Payment, request: RefundRequest, reference: str) -> list[object]:
        return [question() for question in account.questions(provider, payment, request, reference).values()]

    if not account.questions(provider, payments[0], requests[0], made[0].reference):
        pytest.skip(f"{account.kind.name} can be asked nothing")
    asked = [
        partial(ask, payment, request, one.reference)
        for payment, request, one in zip(payments, requests, made, strict=True)
    ]
    one_by_one = [each() for each in asked]
    assert at_once(asked) == one_by_one, "one customer would be told of another one's money: workers are mixed up"


@needs("refund_by_api", "idempotency")
def test_threads_that_send_one_refund_make_it_once(account: Account) -> None:
    """Two workers that send the same refund at the same time make one; each is told of it, or that it is unclear.

    Made twice, the customer has it twice.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    results = at_once([partial(provider.refund, request)] * WORKERS)
    [booked] = account.books(payment)
    for result in results:
        if isinstance(result, RefundResult):
            assert result.reference == booked.reference
        else:
            assert isinstance(result, ProviderError), result
            assert result.disposition in (Disposition.RECONCILE, Disposition.RETRY)
    assert [result for result in results if isinstance(result, RefundResult)]


def _told_apart(account: Account, sent: SandboxRequest) -> list[object]:
    """What a provider compares of two requests under one key, and the key."""
    idempotency = account.capabilities.idempotency
    own = ["accept", "content-type", "prefer", *([idempotency.header.lower()] if idempotency is not None else [])]
    return [sent.method, sent.path, sent.query, sent.body, [(name, sent.headers.get(name)) for name in own]]


def _refund_when_allowed(
    account: Account, request: RefundRequest, provider: RefundsByApi | None = None
) -> RefundResult:
    """Send a refund; where the provider says that it is too early, once more when the time has come."""
    provider = provider or account.provider()
    made = outcome(partial(provider.refund, request), "a second refund of one amount was sent")
    if not isinstance(made, ProviderError):
        return made
    assert made.disposition is Disposition.RETRY, f"a second refund of one amount is refused: {made}"
    assert made.not_before, "a second refund of one amount has to wait, and it is not said how long"
    account.sandbox.advance(made.not_before + datetime.timedelta(minutes=1))
    return provider.refund(request)
