"""What can be refunded, and refunds of the whole and of a part: to the last unit, on the right payment."""

from __future__ import annotations

import datetime
from functools import partial

import attrs
import pytest

from retour.model.money import Money
from retour.model.order import Mode, Payment
from retour.providers.errors import Disposition, ProviderError
from retour.providers.refund_request import RefundStatus
from retour.testing.contracts.account import Account
from retour.testing.contracts.any_account import lacks, needs, outcome, refused
from retour.testing.contracts.provider_modules import in_the_zone, later
from retour.testing.contracts.refund_links import ODD_REFERENCES

SENT = (RefundStatus.PENDING, RefundStatus.SUCCEEDED)
"""What a refund is that was just made."""

AMOUNTS = (1, 7, 10, 99, 1_10, 19_99, 94_94, 1_000_00, 1_234_56)
"""Minor units that floats, rounding, percentages, powers of ten and thousands with a comma get wrong."""

CURRENCIES = ("JPY 1230", "ISK 1230", "HUF 1500.00", "TWD 300.00", "KWD 1.230", "KWD 1.234", "TND 9.870", "USD 0.01")
"""Amounts in currencies whose decimals are not two, or not two everywhere. Those that end in a zero a provider must
take if it lists the currency; some take no others."""

DESCRIPTIONS = {
    "nothing": "",
    "a blank": " ",
    "very long": "x" * 5000,
    "other letters": "Ünïcode €✓",
    "two lines": "one\r\ntwo\ttabs",
    "half a character": "\ud800",
    "a null": "a\x00b",
}
"""What shops write to customers, or call an order."""


@needs("refund_by_api", "refundable")
def test_a_payment_resolves_to_what_can_be_refunded(account: Account) -> None:
    """What the shop stored leads to what a refund is made on, and to how much of it is left, without moving money.

    What does not lead there is refunded by hand, order by order.
    """
    payment = account.pay()
    found = account.provider().refundable(payment)
    assert found.possible, found.reason
    assert found.target
    assert found.remaining >= payment.captured
    assert account.books(payment) == []


@needs("refund_by_api", "partial_refund", "refundable")
def test_what_was_refunded_is_no_longer_left(account: Account) -> None:
    """After a part there is less left, after the whole nothing can be refunded.

    A person who is offered the same money twice pays it twice.
    """
    payment = account.pay()
    provider = account.provider()
    before = provider.refundable(payment)
    provider.refund(account.request(payment, account.amount(44_95)))
    between = provider.refundable(payment)
    assert between.remaining == before.remaining - account.amount(44_95)
    provider.refund(account.request(payment, account.amount(50_00), number=2))
    after = provider.refundable(payment)
    assert not after.possible
    assert after.reason


@needs("refund_by_api", "partial_refund", "refundable")
def test_a_refund_in_the_dashboard_is_no_longer_left(account: Account) -> None:
    """What a colleague refunded in the dashboard is not left either, whether or not it carries an id of ours.

    Counted as left, it is given again.
    """
    payment = account.pay()
    provider = account.provider()
    before = provider.refundable(payment).remaining
    account.sandbox.refund_in_dashboard(payment.reference, account.amount(44_95))
    assert provider.refundable(payment).remaining == before - account.amount(44_95)


@needs("refund_by_api", "partial_refund", "refundable")
def test_what_did_not_go_out_is_left_again(account: Account) -> None:
    """A refund that the bank refused takes nothing of its payment.

    Counted as gone, it leaves a customer who can never be paid: the account was closed, and the payment looks refunded.
    """
    payment = account.pay()
    provider = account.provider()
    before = provider.refundable(payment).remaining
    account.sandbox.fail(provider.refund(account.request(payment)).reference)
    assert provider.refundable(payment).remaining == before


@needs("refund_by_api")
@pytest.mark.parametrize("reference", ODD_REFERENCES.values(), ids=list(ODD_REFERENCES))
def test_a_reference_that_is_none_cannot_be_refunded(account: Account, reference: str) -> None:
    """What is no payment of this provider is refused with an error of the closed list or a reason, never refundable.

    Shops store odd things; none of them may lead to somebody else's payment.
    """
    genuine = account.pay()
    provider = account.provider()
    _is_not_possible(account, account.stored(reference, genuine.captured))
    request = attrs.evolve(account.request(genuine), target=reference)
    error = refused(lambda: provider.refund(request), "the target is no payment")
    assert error.disposition is not Disposition.RETRY, "it would be sent for ever"
    if not lacks(account.capabilities, "fetch_refund"):
        refused(lambda: provider.fetch_refund(reference, reference), "there is no such refund")
    assert account.books(genuine) == []


@needs("refund_by_api")
@pytest.mark.parametrize("ending", ["x", "?x=1", "#x", "/refunds", "/../x", "%2Frefunds", ";x"])
def test_a_reference_with_something_after_it_is_another_payment(account: Account, ending: str) -> None:
    """A reference is looked up as a whole: what comes after it cannot turn it into an address of another thing.

    A reference that was tampered with would refund, or cancel, what its author likes.
    """
    genuine = account.pay()
    request = account.request(genuine)
    altered = genuine.reference + ending
    provider = account.provider()
    _is_not_possible(account, account.stored(altered, genuine.captured))
    refused(lambda: provider.refund(attrs.evolve(request, target=request.target + ending)), "the target is no payment")
    assert account.books(genuine) == []


@needs("refund_by_api")
def test_a_payment_that_the_provider_does_not_have_is_unknown(account: Account) -> None:
    """A payment of the right shape that is not there is refused, with the error that says so or a reason.

    What is told as not there yet is asked for without end; what is told as there is somebody else's.
    """
    genuine = account.pay()
    last = genuine.reference[-1]
    other = genuine.reference[:-1] + ("8" if last != "8" else "9")
    assert other not in (genuine.reference, account.pay().reference)
    _is_not_possible(account, account.stored(other, genuine.captured))
    if lacks(account.capabilities, "refundable"):
        request = attrs.evolve(account.request(genuine), target=other)
        error = refused(lambda: account.provider().refund(request), "the provider does not have that payment")
        assert error.disposition is not Disposition.RETRY, "it would be sent for ever"


@needs("refund_by_api", "refundable")
def test_live_money_is_not_refunded_with_test_settings(account: Account) -> None:
    """A payment of the other mode is refused before anything is sent.

    A test key that "refunds" a live order leaves a customer unpaid behind a green screen.
    """
    payment = account.pay()
    live = attrs.evolve(payment, mode=Mode.LIVE)
    _is_not_possible(account, live)
    assert account.books(payment) == []


@needs("refund_by_api", "refundable")
def test_a_payment_in_another_currency_is_told(account: Account) -> None:
    """Where shop and provider disagree about the currency, nothing can be refunded or the true currency is told.

    100 crowns that are refunded as 100 euros are a loss that nobody gives back.
    """
    payment = account.pay()
    other = Money(minor=payment.captured.minor, currency="CHF" if account.currency != "CHF" else "EUR")
    found = outcome(partial(account.provider().refundable, attrs.evolve(payment, captured=other)))
    assert isinstance(found, ProviderError) or not found.possible or found.remaining.currency == account.currency


@needs("refund_by_api")
def test_a_whole_payment_is_refunded_once(account: Account) -> None:
    """A refund of everything is one refund of exactly that amount, and the answer is what the books say.

    Twice is the merchant's loss; another amount in the answer is a wrong promise to the customer.
    """
    payment = account.pay()
    result = account.provider().refund(account.request(payment, payment.captured))
    [booked] = account.books(payment)
    assert (booked.reference, booked.amount) == (result.reference, payment.captured)
    assert result.amount == payment.captured
    assert result.status in SENT
    assert result.created_at is None or result.created_at.utcoffset() == datetime.timedelta(0)


@needs("refund_by_api")
def test_a_refund_was_made_when_it_was_made(account: Account) -> None:
    """The time of a refund is the provider's, in UTC, and stays what it was; or none is told.

    A local time that is taken for UTC makes a refund older than the request for it, and then it is somebody else's.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    made = provider.refund(request)
    when = account.sandbox.clock.now()
    said = [made]
    account.sandbox.advance(datetime.timedelta(days=2))
    if not lacks(account.capabilities, "fetch_refund"):
        with later(account.kind, datetime.timedelta(days=2)):
            said.append(provider.fetch_refund(request.target, made.reference))
        with in_the_zone("Asia/Kathmandu"):
            said.append(provider.fetch_refund(request.target, made.reference))
    for told in said:
        assert told.created_at is None or abs(told.created_at - when) < datetime.timedelta(minutes=1), (
            f"a refund that looks older than the request for it is somebody else's, and ours is made again: {told!r}"
        )


@needs("refund_by_api", "partial_refund")
@pytest.mark.parametrize("minor", AMOUNTS)
def test_a_part_of_a_payment_is_refunded_to_the_last_unit(account: Account, minor: int) -> None:
    """The amount that was asked for is the amount in the answer and in the books, and no other.

    A partial refund that goes out as a whole one is the merchant's loss (django-payments#399), a cent less a complaint.
    """
    payment = account.pay(account.amount(2_000_00))
    result = account.provider().refund(account.request(payment, account.amount(minor)))
    assert result.amount == account.amount(minor)
    assert [booked.amount for booked in account.books(payment)] == [account.amount(minor)]


@needs("refund_by_api", "partial_refund")
@pytest.mark.parametrize("words", CURRENCIES)
def test_an_amount_is_exact_in_every_currency(account: Account, words: str) -> None:
    """In currencies with none, two or three decimals the refund is exact, or it is refused and nothing is refunded.

    A provider that writes JPY as if it had cents refunds a hundred times too much.
    """
    currency, _, number = words.partition(" ")
    amount = Money.of(number, currency)
    listed = account.capabilities.currencies
    if listed and currency not in listed:
        pytest.skip(f"{account.kind.name} does not list {currency}")
    paid = Money(minor=amount.minor * 10, currency=currency)
    try:
        payment = account.pay(paid)
    except (ValueError, ProviderError):
        if listed:
            raise
        pytest.skip(f"nobody can pay {currency} in the sandbox")
    provider = account.provider()
    if not lacks(account.capabilities, "refundable"):
        assert provider.refundable(payment).remaining == paid
    request = account.request(payment, amount)
    result = outcome(partial(provider.refund, request))
    if isinstance(result, ProviderError):
        assert currency not in listed or amount.minor % 10, f"{currency} is listed, and {amount} is refused: {result}"
        assert result.disposition in (Disposition.FINAL, Disposition.FIX)
        assert account.books(payment) == []
    else:
        assert result.amount == amount
        assert [booked.amount for booked in account.books(payment)] == [amount]
        told = {}
        if not lacks(account.capabilities, "fetch_refund"):
            told["fetch_refund"] = provider.fetch_refund(request.target, result.reference)
        if not lacks(account.capabilities, "find_refund"):
            told["find_refund"] = provider.find_refund(request) or result
        if not lacks(account.capabilities, "list_refunds"):
            [told["list_refunds"]] = provider.list_refunds(request.target)
        assert {name: one.amount for name, one in told.items()} == dict.fromkeys(told, amount), (
            "what is left would be counted wrongly, and given twice or never: one refund has several amounts"
        )


@needs("refund_by_api")
@pytest.mark.parametrize("minor", [0, -1])
def test_nothing_and_less_than_nothing_are_not_refunded(account: Account, minor: int) -> None:
    """An amount of zero or less is refused; it is never read as "all that is left".

    A return of nothing would give the whole payment back.
    """
    payment = account.pay()
    request = account.request(payment, account.amount(minor))
    refused(lambda: account.provider().refund(request), f"an amount of {minor} was sent")
    assert account.books(payment) == []


@needs("refund_by_api")
def test_a_refund_in_another_currency_is_never_told_as_made(account: Account) -> None:
    """A refund in another currency than the payment's is refused; where the provider takes no currency and refunds its
    own, that is unclear and not what was asked for.

    Told as made, 44.95 of one currency stand in the books for 44.95 of another.
    """
    payment = account.pay()
    other = Money(minor=44_95, currency="CHF" if account.currency != "CHF" else "EUR")
    error = refused(lambda: account.provider().refund(account.request(payment, other)), "another currency was sent")
    if account.books(payment):
        assert error.disposition is Disposition.RECONCILE


@needs("refund_by_api", "find_refund")
def test_a_refund_carries_our_id(account: Account) -> None:
    """The refund's id goes along and comes back: in the answer, when it is read again, and in the books.

    It is the only thing that tells our refund from one of the same amount (Medusa's pull request 16682 used amounts).
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    result = provider.refund(request)
    assert result.refund_id == request.refund_id
    if not lacks(account.capabilities, "fetch_refund"):
        assert provider.fetch_refund(request.target, result.reference).refund_id == request.refund_id
    assert [booked.refund_id for booked in account.books(payment)] == [request.refund_id]


@needs("refund_by_api")
@pytest.mark.parametrize("words", DESCRIPTIONS.values(), ids=list(DESCRIPTIONS))
def test_no_description_stops_a_refund(account: Account, words: str) -> None:
    """Whatever the shop calls an order or writes to the customer, the refund goes out or is refused with an error.

    It is fixed before it is first sent: a refund that can never be written would be tried for ever.
    """
    payment = account.pay()
    request = attrs.evolve(account.request(payment), description=words, order_id=words or "1001")
    result = outcome(partial(account.provider().refund, request), f"the description was {words[:40]!r}")
    if isinstance(result, ProviderError):
        assert result.disposition is Disposition.FINAL
        assert account.books(payment) == []
    else:
        assert result.amount == request.amount
        assert len(account.books(payment)) == 1


@needs("refund_by_api")
def test_refunds_of_two_payments_stay_apart(account: Account) -> None:
    """A refund is on the payment that it was made for, and on no other of the same customer or amount.

    Else one customer is paid twice, and the other never.
    """
    one, other, none = account.pay(), account.pay(), account.pay()
    provider = account.provider()
    first = provider.refund(account.request(one, number=1))
    second = provider.refund(account.request(other, number=2))
    assert [booked.reference for booked in account.books(one)] == [first.reference]
    assert [booked.reference for booked in account.books(other)] == [second.reference]
    assert account.books(none) == []
    if not lacks(account.capabilities, "list_refunds"):
        assert [listed.reference for listed in provider.list_refunds(account.target(other))] == [second.reference]


def _is_not_possible(account: Account, payment: Payment) -> None:
    """Where it can be asked what can be refunded, that gives a reason, or an error that is not repeated for ever."""
    if lacks(account.capabilities, "refundable"):
        return
    found = outcome(partial(account.provider().refundable, payment))
    if isinstance(found, ProviderError):
        assert found.disposition is not Disposition.RETRY, "it would be asked for ever"
    else:
        assert not found.possible
        assert found.reason
