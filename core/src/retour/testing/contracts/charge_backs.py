"""Money that the customer's bank took back, of a provider whose sandbox can do that: it is gone, and nobody pays twice.

A sandbox that has `ChargesBack` is asked these; what a bank gives back, one that has `GivesBack` besides.
"""

from __future__ import annotations

from functools import partial

import pytest

from retour.model.money import Money
from retour.model.order import Payment
from retour.providers.errors import ProviderError
from retour.providers.refund_request import Refundable, RefundStatus
from retour.providers.webhooks import RawWebhook, ToFetch
from retour.sandbox import ChargesBack, GivesBack, SandboxRequest, SandboxResponse
from retour.testing.contracts.account import Account
from retour.testing.contracts.answers import mixed_up
from retour.testing.contracts.any_account import needs, outcome, refused

_TWICE = "the customer would be paid twice, by his bank and by the shop"
_GONE = (RefundStatus.SUCCEEDED, RefundStatus.PENDING)

UNREAD = (403, 404, 422, 500)
"""With these a question about what the bank took is not answered."""


@needs("refundable")
def test_what_a_bank_took_back_is_told_and_cannot_be_refunded(account: Account) -> None:
    """A payment that the customer's bank took back whole says so, by its amount, and nothing of it can be refunded.

    Told as received, it is suggested when the goods come back, and the customer is paid by his bank and by the shop.
    """
    payment = account.pay()
    _charge_back(account, payment)
    found = account.provider().refundable(payment)
    assert found.charged_back == payment.captured, f"{_TWICE}: {payment.captured} was charged back"
    assert found.captured in (None, payment.captured), "what was received is told, whatever became of it"
    assert (found.possible, bool(found.reason)) == (False, True), f"{_TWICE}: it is told as refundable"
    assert not found.remaining, f"{_TWICE}: {found.remaining} is told as left"


@needs("refundable", "refund_by_api")
def test_what_a_bank_took_back_is_refused_when_it_is_refunded_all_the_same(account: Account) -> None:
    """A refund of what the bank has is refused, in words, and is not told as made.

    A refund that is told as made while it was refused is a customer who waits, and books that do not agree.
    """
    payment = account.pay()
    _charge_back(account, payment)
    error = refused(partial(account.provider().refund, account.request(payment)), _TWICE)
    assert error.message
    assert account.books(payment) == []


@needs("refundable")
def test_of_a_part_that_a_bank_took_back_that_part_is_told(account: Account) -> None:
    """Of what the bank took in parts, all parts together are told, and no more than these are gone.

    Too little told is paid twice; too much is withheld from a customer who sends the rest back.
    """
    payment = account.pay()
    taken = account.amount(0)
    for minor in (25_00, 10_01):
        part = account.amount(minor)
        _charge_back(account, payment, part)
        taken += part
        found = account.provider().refundable(payment)
        assert found.charged_back == taken, f"{taken} was charged back, and {found.charged_back} is told"
        assert found.remaining <= payment.captured - taken, f"{_TWICE}: {found.remaining} is told as left"


@needs("refundable", "refund_by_api", "partial_refund", "list_refunds")
def test_what_was_refunded_before_is_not_told_as_charged_back(account: Account) -> None:
    """What went back as a refund and what the bank took are two figures, each told once.

    Told as one, a refund that fails later would seem to be with the bank, and is never paid again.
    """
    payment = account.pay()
    made = account.provider().refund(account.request(payment, account.amount(10_00)))
    _charge_back(account, payment)
    found = account.provider().refundable(payment)
    assert found.charged_back == payment.captured, f"{payment.captured} was charged back"
    assert not found.remaining, f"{_TWICE}: {found.remaining} is told as left"
    listed = account.provider().list_refunds(found.target)
    gone = [(one.reference, one.amount) for one in listed if one.status in _GONE]
    assert gone == [(made.reference, made.amount)], "what the bank took is no refund"


@needs("refundable", "refund_by_api")
def test_what_a_bank_gave_back_is_told_as_given_back_and_can_be_refunded(account: Account) -> None:
    """After the bank gave back what it took, zero is told as charged back, and the payment can be refunded again.

    A mark of the past that is taken for the present closes the payment for ever; no figure at all leaves it counted as
    gone, and the customer who sends his goods back gets nothing.
    """
    payment = account.pay()
    _charge_back(account, payment)
    bank = account.sandbox
    if not isinstance(bank, GivesBack):
        pytest.skip(f"the sandbox of {account.kind.name} knows no bank that gives back")
    bank.give_back(payment.reference)
    found = account.provider().refundable(payment)
    assert found.charged_back == account.amount(0), "it would be counted as gone for ever"
    assert (found.possible, found.remaining) == (True, payment.captured), f"it cannot be refunded: {found.reason}"
    made = account.provider().refund(account.request(payment))
    assert [one.reference for one in account.books(payment)] == [made.reference]


@needs("refundable")
def test_what_a_bank_took_of_one_payment_is_not_told_of_another(account: Account) -> None:
    """A payment that no bank touched has nothing charged back, whatever was of the payments beside it.

    One customer would get nothing for his goods because another one went to his bank.
    """
    untouched, charged_back = account.pay(), account.pay()
    _charge_back(account, charged_back)
    provider = account.provider()
    provider.refundable(charged_back)
    found = provider.refundable(untouched)
    assert not found.charged_back, f"{found.charged_back} of another payment is told"
    assert (found.possible, found.remaining) == (True, untouched.captured), f"it cannot be refunded: {found.reason}"


@needs("refundable")
def test_what_a_bank_took_is_not_told_as_nothing_where_it_cannot_be_read(account: Account) -> None:
    """Where a question about the payment gets no answer, or one that this key may not have, the payment is not told as
    one that no bank touched, nor as one of which all is left.

    What nobody could read is taken for nothing, and is paid to a customer who has it from his bank.
    """
    payment = account.pay()
    _charge_back(account, payment)
    provider = account.provider()
    questions = _reads(account, payment)
    for number in range(questions):
        for status in UNREAD:
            asked: list[SandboxRequest] = []

            def unread(
                sent: SandboxRequest,
                response: SandboxResponse,
                asked: list[SandboxRequest] = asked,
                number: int = number,
                status: int = status,
            ) -> SandboxResponse:
                if sent.method != "GET":
                    return response
                asked.append(sent)
                return SandboxResponse(status=status, body=b"{}") if len(asked) == number + 1 else response

            with account.answers(unread):
                found = outcome(partial(provider.refundable, payment), f"question {number + 1} got status {status}")
            told = f"question {number + 1} got status {status}, and was told as {found!r}"
            assert isinstance(found, ProviderError) or not found.possible, f"{_TWICE}: {told}"
            assert _is_true_or_unknown(found, payment.captured), f"{_TWICE}: {told}"


@needs("refundable")
def test_the_answer_about_another_payment_gives_no_charge_back(account: Account) -> None:
    """The answer to a question about another payment is not believed: what a bank took of it is told of none, and the
    payment that it took is not told as untouched.

    A cache on the way would pay one customer twice, and another one not at all.
    """
    untouched, charged_back = account.pay(), account.pay()
    _charge_back(account, charged_back)
    provider = account.provider()
    for asked, other, true in (
        (untouched, charged_back, account.amount(0)),
        (charged_back, untouched, charged_back.captured),
    ):
        with mixed_up(account, partial(provider.refundable, other)):
            found = outcome(partial(provider.refundable, asked), "the answer is about another payment")
        assert _is_true_or_unknown(found, true), f"{_TWICE}: {found!r} is told of {asked.reference}"


@needs("refundable", "webhooks")
def test_a_webhook_about_a_charge_back_leads_to_its_payment(account: Account) -> None:
    """What a provider sends when a bank takes money back is a reason to look at that payment, and at no other.

    Where it is passed over, the goods that come back tomorrow are paid once more.
    """
    payment, other = account.pay(), account.pay()
    account.sandbox.take_webhooks()
    _charge_back(account, payment)
    sent = account.sandbox.take_webhooks()
    if not sent:
        pytest.skip(f"{account.kind.name} sends nothing about a charge-back")
    provider = account.provider()
    hints: set[str] = set()
    for webhook in sent:
        headers = {name.lower(): value for name, value in webhook.headers.items()}
        told = provider.parse_webhook(RawWebhook(headers=headers, body=webhook.body))
        assert isinstance(told, ToFetch) or not told.events, f"it is no news of a refund: {told!r}"
        hints |= {*told.targets} if isinstance(told, ToFetch) else set()
    assert hints & {*account.names(payment)}, f"{_TWICE}: {hints or 'nothing'} is to be looked at"
    assert not hints & {*account.names(other)}, "another payment is to be looked at"


def _charge_back(account: Account, payment: Payment, amount: Money | None = None) -> None:
    """The customer's bank takes money back; skips the test where the sandbox has no such bank, or none that takes
    parts."""
    bank = account.sandbox
    if not isinstance(bank, ChargesBack):
        pytest.skip(f"the sandbox of {account.kind.name} knows no bank that takes money back")
    try:
        bank.charge_back(payment.reference, amount)
    except ValueError as error:
        if amount is None:
            raise
        pytest.skip(f"{account.kind.name} says nothing of parts: {error}")


def _reads(account: Account, payment: Payment) -> int:
    """How many questions what can be refunded of a payment takes."""
    before = len(account.sandbox.server.requests)
    account.provider().refundable(payment)
    return len([one for one in account.sandbox.server.requests[before:] if one.method == "GET"])


def _is_true_or_unknown(found: Refundable | ProviderError, true: Money) -> bool:
    """Whether what was charged back is told as it is, or not at all."""
    return isinstance(found, ProviderError) or found.charged_back in (None, true)
