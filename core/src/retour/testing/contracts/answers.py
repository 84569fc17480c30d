"""Answers that are not as described: a gateway's, a truncated one, one of next year. What cannot be read proves
nothing."""

from __future__ import annotations

import copy
import datetime
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any, cast

import attrs
import pytest

from retour.model.money import Money
from retour.model.order import Payment
from retour.providers.contract import RefundsByApi
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.refund_request import RefundRequest, RefundStatus
from retour.providers.webhooks import RawWebhook, ToFetch, VerifiedEvents, WebhookRejected
from retour.sandbox import SandboxRequest, SandboxResponse
from retour.testing.contracts.account import A_YEAR, Account
from retour.testing.contracts.any_account import json_of, lacks, needs, outcome, refused

BODIES = {
    "nothing": b"",
    "a web page": b"<html><body>Bad gateway</body></html>",
    "half an object": b'{"id": "',
    "null": b"null",
    "a number": b"3",
    "a text": b'"refunded"',
    "a list": b"[]",
    "an empty object": b"{}",
    "an object of other things": b'{"message": "Forbidden", "id": 1, "status": [], "data": null, "error": "no"}',
    "NaN": b'{"amount": NaN}',
    "no UTF-8": b'{"id": "\xff\xfe"}',
    "very deep": b"[" * 100_000,
    "a very large number": b'{"amount": 1' + b"0" * 5000 + b"}",
}
"""Bodies that no provider sends by itself."""

STATUSES = (200, 201, 302, 400, 404, 409, 410, 418, 422, 500, 502)
"""With these a gateway can stand in for a provider that did the work. A 401, 403 or 429 comes before the work."""

READ_STATUSES = (200, 201, 302, 400, 401, 403, 404, 410, 422, 429, 500)
"""With these a question is answered once; a 502, 503 or 504 is asked again by the session itself, which takes time."""

METHODS = (
    "refundable",
    "payment_names",
    "refund",
    "fetch_refund",
    "find_refund",
    "list_refunds",
    "cancel_refund",
    "check_settings",
)
"""Every method that asks the provider something."""

GONE = object()
"""In place of a field: it is not there."""

_OTHERS: tuple[object, ...] = (GONE, None, 3, "x", [], {})
"""What a field may become."""


@needs("refund_by_api")
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_an_answer_that_is_not_the_providers_own_decides_nothing(account: Account, body: bytes) -> None:
    """A refund that was made, and answered in words that are not the provider's, is unclear with every status.

    A proxy that answers 400 or 404 for a provider that is still working must not turn the refund into a failed one.
    """
    provider = account.provider()
    for number, status in enumerate(STATUSES, start=1):
        payment = account.pay()
        request = account.request(payment, number=number)
        with account.answers(_always(status, body), of=request):
            error = refused(partial(provider.refund, request), f"the answer was {status} {body[:40]!r}")
        assert len(account.books(payment)) == 1
        assert error.disposition is Disposition.RECONCILE, f"{status} {body[:40]!r} was taken for {error.code}"


@needs("refund_by_api")
@pytest.mark.parametrize("method", METHODS)
def test_a_method_raises_provider_errors_and_nothing_else(account: Account, method: str) -> None:
    """Whatever comes back, a method answers or raises `ProviderError`; the core knows no other way to go on.

    Anything else would leave a refund without a word about what became of it.
    """
    if not hasattr(account.kind, method):
        pytest.skip(f"{account.kind.name} has no {method}")
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    reference = provider.refund(request).reference
    for body in BODIES.values():
        fresh = account.provider()  # one that has to log in first, if that is what providers do here
        for asked, status in itertools.product((fresh, provider), READ_STATUSES):
            told = f"{method} was answered with {status} {body[:40]!r}"
            with account.answers(_always(status, body)):
                answered = outcome(partial(_ask, method, asked, payment, request, reference), told)
            if isinstance(answered, ProviderError):
                assert answered.code in ErrorCode, told
            else:
                assert _is_harmless(method, answered), f"{told}, and believed it: {answered!r}"


@needs("refund_by_api", "fetch_refund")
def test_a_field_that_is_missing_or_mistyped_is_never_guessed(account: Account) -> None:
    """With any one field of a refund missing or of another type, the refund is unreadable, or it is read as it is.

    A guessed amount is a wrong amount, and a guessed status is a customer who waits for money that does not come.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    real = provider.refund(request)
    seen: list[Any] = []
    with account.answers(_noting(seen)):
        provider.fetch_refund(request.target, real.reference)
    [described] = [body for body in seen if body is not None] or [None]
    if described is None:
        pytest.skip(f"the answers of {account.kind.name} are no JSON")
    for path, other in mistakes(described):
        with account.answers(_with(path, other)):
            read = outcome(partial(provider.fetch_refund, request.target, real.reference), f"{path}: {_shown(other)}")
        told = f"{path} is {_shown(other)}, and that was read as {read!r}"
        if isinstance(read, ProviderError):
            assert read.code is ErrorCode.UNREADABLE_ANSWER, told
            continue
        assert (read.reference, read.amount) == (real.reference, real.amount), told
        assert read.status in (real.status, RefundStatus.PENDING), told
        assert read.refund_id in (real.refund_id, ""), told


@needs("refund_by_api")
def test_a_refund_whose_answer_lacks_a_field_is_unclear_or_as_it_is(account: Account) -> None:
    """A refund that was made, and whose answer is not complete, is never told as another one or as refused.

    Told as refused, it is paid again by hand.
    """
    seen: list[Any] = []
    request = account.request(account.pay())
    with account.answers(_noting(seen), of=request):
        account.provider().refund(request)
    if seen[-1] is None:
        pytest.skip(f"the answers of {account.kind.name} are no JSON")
    for number, (path, other) in enumerate(mistakes(seen[-1]), start=2):
        payment = account.pay()
        request = account.request(payment, number=number)
        provider = account.provider()
        with account.answers(_with(path, other), of=request):
            made = outcome(partial(provider.refund, request), f"{path}: {_shown(other)}")
        told = f"{path} is {_shown(other)}, and that was read as {made!r}"
        if isinstance(made, ProviderError):
            assert made.disposition is Disposition.RECONCILE, told
            continue
        assert made.amount == request.amount, told
        assert made.status in (account.books(payment)[0].status, RefundStatus.PENDING), told
        assert made.refund_id in (request.refund_id, ""), told


@needs("refund_by_api")
def test_an_unknown_status_is_pending(account: Account) -> None:
    """A status that came into the world after the plugin is pending: not paid, not failed, and looked at again.

    It is told in the provider's own word, so that a person can look it up.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    real = provider.refund(request)
    seen: list[Any] = []
    can_be_fetched = not lacks(account.capabilities, "fetch_refund")
    with account.answers(_noting(seen)):
        if can_be_fetched:
            provider.fetch_refund(request.target, real.reference)
        else:
            provider.refund(account.request(account.pay(), number=1_000))
    if not [body for body in seen if body is not None]:
        pytest.skip(f"the answers of {account.kind.name} are no JSON")

    def is_the_word(value: object) -> bool:
        return isinstance(value, str | int) and str(value).casefold() == real.provider_status.casefold()

    assert [value for body in seen for _, value in fields(body) if is_the_word(value)], (
        f"provider_status is {real.provider_status!r}, and that is not the provider's own word"
    )

    def renamed(to: str, sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        body = json_of(response)
        for path, value in [(path, value) for path, value in fields(body) if is_the_word(value)]:
            body = changed_at(body, path, 987_654 if isinstance(value, int) else to)
        return attrs.evolve(response, body=body)

    for number, word in enumerate(unknown_words(real.provider_status), start=2):
        fresh = account.request(account.pay(), number=number)
        with account.answers(partial(renamed, word)):
            asked: list[Callable[[], Any]] = [partial(provider.refund, fresh)]
            if can_be_fetched:
                asked.append(partial(provider.fetch_refund, request.target, real.reference))
            if not lacks(account.capabilities, "list_refunds"):
                asked.append(lambda: provider.list_refunds(request.target)[0])
            found = [outcome(ask, f"the status is {word}") for ask in asked]
        for one in found:
            assert not isinstance(one, ProviderError), f"{word} is a status that nobody told us of: {one!r}"
            assert one.status is RefundStatus.PENDING, (
                f"a customer would be told what nobody knows: {word} is a status that came after the plugin, and is "
                f"told as {one.status}"
            )
            assert one.provider_status.casefold() in (word.casefold(), "987654")


@needs("refund_by_api", "fetch_refund")
def test_a_word_that_holds_the_word_for_paid_is_not_paid(account: Account) -> None:
    """A status is the word as a whole: what is "unpaid", or "paid" with something after it, is not paid.

    A customer would be told of money that did not go.
    """
    request = account.request(account.pay())
    provider = account.provider()
    reference = provider.refund(request).reference
    account.sandbox.advance(A_YEAR)
    paid = provider.fetch_refund(request.target, reference).provider_status

    def renamed(to: str, sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        body = json_of(response)
        for path, value in list(fields(body)):
            if isinstance(value, str) and value.casefold() == paid.casefold():
                body = changed_at(body, path, to)
        return attrs.evolve(response, body=body)

    for word in unknown_words(paid):
        with account.answers(partial(renamed, word)):
            told = outcome(partial(provider.fetch_refund, request.target, reference), f"the status is {word}")
        assert isinstance(told, ProviderError) or (told.status, told.provider_status) != (
            RefundStatus.SUCCEEDED,
            word,
        ), f"a customer would be told of money that did not go: {word} was taken for {paid}"


@needs("refund_by_api")
def test_a_failure_of_the_provider_is_unclear_whatever_it_says(account: Account) -> None:
    """A refund that was made, and is answered with status 500, 502 or 504 and the words of a refusal, is unclear.

    The status says that something broke, perhaps after the money went; the words are of a part that did not know.
    """
    refusals: list[SandboxResponse] = []
    payment = account.pay()
    wrong = [
        account.request(payment, account.amount(94_96)),
        account.request(payment, account.amount(0), number=2),
        attrs.evolve(account.request(payment, number=3), target=account.target(payment)[:-1] + "x"),
    ]
    for request in wrong:
        with account.answers(_keeping(refusals)):
            outcome(partial(account.provider().refund, request))
    bodies = [refusal for refusal in refusals if refusal.status >= 400]
    cases = [(attrs.evolve(body, status=status)) for body in bodies for status in (500, 502, 504)]
    for number, case in enumerate(cases, start=4):
        paid = account.pay()
        request = account.request(paid, number=number)
        with account.answers(_instead([case]), of=request):
            error = refused(partial(account.provider().refund, request), f"the answer was status {case.status}")
        assert len(account.books(paid)) == 1
        assert error.disposition is Disposition.RECONCILE, (
            f"a customer would be paid again by hand: status {case.status} came after the refund was made, and its "
            f"words were taken for {error!r}"
        )


@needs("refund_by_api")
def test_an_amount_that_was_not_asked_for_is_told(account: Account) -> None:
    """Where the provider refunded another amount than it was asked for, that is told, or the refund is unclear.

    What was asked for, told as what was done, is a customer who misses a part and an order that looks settled.
    """
    request = account.request(account.pay(), account.amount(44_95))
    other = account.amount(44_94)
    changed: list[bool] = []

    def less(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        body = json_of(response)
        for path, value in list(fields(body)):
            for before, after in zip(_written(request.amount), _written(other), strict=True):
                if type(value) is type(before) and value == before:
                    body = changed_at(body, path, after)
                    changed.append(True)
        return attrs.evolve(response, body=body)

    with account.answers(less):
        told = outcome(partial(account.provider().refund, request))
    if not changed:
        pytest.skip(f"{account.kind.name} does not say what it refunded, or in a way that the suite does not know")
    if isinstance(told, ProviderError):
        assert told.disposition is Disposition.RECONCILE, f"it was made, and is told as certainly not: {told!r}"
    else:
        assert told.amount == other, (
            f"a customer would miss {request.amount - other}: the provider says that it refunded {other}, and "
            f"{told.amount} is told"
        )


@needs("refund_by_api")
def test_a_refund_on_another_payment_is_not_told_as_made(account: Account) -> None:
    """An answer that names another payment than the refund was made for leaves the refund unclear.

    Taken for ours, one customer is told of the money that another one got.
    """
    one, other = account.pay(), account.pay()
    request = account.request(one)
    names = {one.reference: other.reference, request.target: account.target(other)}
    changed: list[bool] = []

    def elsewhere(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        body = json_of(response)
        for path, value in list(fields(body)):
            for ours, theirs in names.items():
                if isinstance(value, str) and ours in value:  # by itself, or as a part of an address
                    body = changed_at(body, path, value.replace(ours, theirs))
                    changed.append(True)
        return attrs.evolve(response, body=body)

    with account.answers(elsewhere, of=request):
        told = outcome(partial(account.provider().refund, request))
    if not changed:
        pytest.skip(f"{account.kind.name} does not say on which payment a refund was made")
    assert isinstance(told, ProviderError), (
        f"a customer would be told of another one's money: the answer names {names[request.target]}, and was "
        f"believed: {told!r}"
    )
    assert told.disposition is Disposition.RECONCILE


@needs("refund_by_api", "refundable")
def test_a_payment_that_was_not_asked_for_is_not_refunded(account: Account) -> None:
    """The answer about another payment, which a cache or a proxy mixed up with ours, makes nothing refundable.

    Its target would be refunded in place of ours: somebody else's money.
    """
    one, other = account.pay(account.amount(94_95)), account.pay(account.amount(20_00))
    with mixed_up(account, partial(account.provider().refundable, other)):
        found = outcome(partial(account.provider().refundable, one))
    assert isinstance(found, ProviderError) or not found.possible, (
        f"another customer's payment would be refunded: its answer was believed: {found!r}"
    )


@needs("refund_by_api", "list_refunds")
def test_a_list_of_another_payment_is_not_told(account: Account) -> None:
    """The answer with another payment's refunds is an error, and never the list of ours.

    Another customer's refund would close ours, and ours is never paid.
    """
    one, other = account.pay(), account.pay()
    theirs = account.sandbox.refund_in_dashboard(other.reference, account.amount(10_00))
    target, provider = account.target(one), account.provider()
    with mixed_up(account, partial(account.provider().list_refunds, account.target(other))):
        found = outcome(partial(provider.list_refunds, target))
    assert isinstance(found, ProviderError) or theirs not in [refund.reference for refund in found], (
        "another customer's refund would close ours: it stood in the answer, and its payment was not looked at"
    )


@needs("refund_by_api")
def test_an_answer_of_the_other_mode_is_not_believed(account: Account) -> None:
    """A payment, or an account, that says of itself that it is live, is none for settings of a test account.

    Believed, a test refunds real money, or a customer is told of money that there never was.
    """
    payment = account.pay()
    request = account.request(payment)
    said = []
    for name in ("refundable", "check_settings"):
        ask = account.questions(account.provider(), payment, request, "").get(name)
        if ask is None:
            continue
        changed: list[bool] = []
        with account.answers(partial(_of_the_other_mode, changed)):
            found = outcome(ask)
        if changed:
            said.append(name)
            assert isinstance(found, ProviderError) or not getattr(found, "possible", True), (
                f"a test would refund real money: {name} was answered with what is live, and believed it: {found!r}"
            )
            assert not isinstance(found, ProviderError) or found.disposition is not Disposition.RETRY
    if not said:
        pytest.skip(f"the answers of {account.kind.name} do not say whether they are live")


@needs("refund_by_api", "fetch_refund")
def test_a_time_with_another_offset_is_the_same_moment(account: Account) -> None:
    """A time is read with its offset: providers write theirs in local time, in summer another than in winter.

    A refund that looks two hours older than the request for it is taken for somebody else's, and is made again.
    """
    request = account.request(account.pay())
    provider = account.provider()
    reference = provider.refund(request).reference
    before = provider.fetch_refund(request.target, reference).created_at
    changed: list[bool] = []

    def in_the_east(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        body = json_of(response)
        for path, value in list(fields(body)):
            if isinstance(value, str) and _TIME.fullmatch(value):
                moment = datetime.datetime.fromisoformat(value).astimezone(_IN_THE_EAST)
                body = changed_at(body, path, moment.isoformat(timespec="seconds"))
                changed.append(True)
        return attrs.evolve(response, body=body)

    with account.answers(in_the_east):
        read = outcome(partial(provider.fetch_refund, request.target, reference), "a time with another offset")
    if not changed or before is None:
        pytest.skip(f"the answers of {account.kind.name} have no times with an offset")
    if not isinstance(read, ProviderError):
        assert read.created_at is not None
        assert abs(read.created_at - before) < datetime.timedelta(seconds=2), (
            f"a refund that looks older than the request for it is somebody else's, and ours is made again: {before} "
            f"was written in another zone, and is read as {read.created_at}"
        )


@needs("refund_by_api")
def test_an_answer_about_another_amount_and_payment_is_not_believed(account: Account) -> None:
    """The answer to somebody else's request is never told as ours, also by a provider that cannot find a refund again:
    it is unclear, or its amount is told as it is.

    Believed, one customer is told of another one's money.
    """
    one, other = account.pay(), account.pay()
    first = account.request(one, account.amount(10_00), number=1)
    second = account.request(other, account.amount(20_00), number=2)
    kept: list[SandboxResponse] = []
    with account.answers(_keeping(kept), of=first):
        account.provider().refund(first)
    with account.answers(_instead(kept), of=second):
        told = outcome(partial(account.provider().refund, second))
    assert isinstance(told, ProviderError), (
        f"one customer would be told of another one's refund: the answer was about {first.amount} on another payment, "
        f"and is told as {told!r}"
    )
    assert told.disposition is Disposition.RECONCILE


@needs("refund_by_api", "find_refund")
def test_an_answer_about_another_refund_is_not_believed(account: Account) -> None:
    """The answer to somebody else's request, which a cache or a proxy mixed up with ours, leaves ours unclear.

    Believed, two customers are told of one refund, and one of them is never paid.
    """
    one, other = account.pay(), account.pay()
    first, second = account.request(one, number=1), account.request(other, number=2)
    provider = account.provider()
    kept: list[SandboxResponse] = []
    with account.answers(_keeping(kept), of=first):
        provider.refund(first)
    with account.answers(_instead(kept), of=second):
        error = refused(lambda: provider.refund(second), "it was answered with another refund")
    assert error.disposition is Disposition.RECONCILE
    assert len(account.books(other)) == 1


@needs("refund_by_api", "refundable")
def test_an_answer_about_another_payment_is_not_believed(account: Account) -> None:
    """Who asks what is left of one payment and is answered with another is told that, and never what is left of it.

    Believed, the refund is made on the other one: another customer has the money.
    """
    one, other = account.pay(), account.pay()
    provider = account.provider()
    kept: list[SandboxResponse] = []
    with account.answers(_keeping(kept)):
        provider.refundable(other)
    with account.answers(_instead(kept)):
        error = refused(lambda: provider.refundable(one), "it was answered with another payment")
    assert error.disposition is Disposition.RECONCILE


@needs("refund_by_api", "partial_refund", "fetch_refund")
@pytest.mark.parametrize("method", ["fetch_refund", "cancel_refund"])
def test_a_refund_that_was_not_asked_for_is_not_told(account: Account, method: str) -> None:
    """Who asks for one refund of a payment and is answered with another of it is told that, and never how ours is.

    The fate of one refund would be told of another, and one of two customers is not paid.
    """
    if method == "cancel_refund" and lacks(account.capabilities, method):
        pytest.skip(f"{account.kind.name} declares that {lacks(account.capabilities, method)}")
    account.sandbox.hold()
    payment = account.pay()
    request = account.request(payment, account.amount(10_00))
    provider = account.provider()
    ours = provider.refund(request).reference
    other = account.sandbox.refund_in_dashboard(payment.reference, account.amount(20_00))
    kept: list[SandboxResponse] = []
    with account.answers(_keeping(kept)):
        provider.fetch_refund(request.target, other)
    with account.answers(_instead(kept)):
        error = refused(lambda: getattr(provider, method)(request.target, ours), "it was answered with another refund")
    assert error.disposition is Disposition.RECONCILE


@needs("refund_by_api")
def test_fields_that_are_new_change_nothing(account: Account) -> None:
    """A provider may add fields whenever it likes: an answer with more in it is read as before.

    Else all refunds stop on the day on which the provider adds one.
    """
    payment = account.pay()
    request = account.request(payment)
    with account.answers(_with_news):
        provider = account.provider()
        result = provider.refund(request)
        if not lacks(account.capabilities, "fetch_refund"):
            assert provider.fetch_refund(request.target, result.reference).amount == request.amount
        if not lacks(account.capabilities, "find_refund"):
            assert provider.find_refund(request) is not None
        elif not lacks(account.capabilities, "refundable"):
            assert provider.refundable(payment).target == request.target
    assert len(account.books(payment)) == 1


@needs("webhooks")
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_a_webhook_that_cannot_be_read_is_rejected_and_no_accident(account: Account, body: bytes) -> None:
    """Anybody can post anything to a webhook's address; it is rejected, or says nothing of any refund.

    An accident stops the webhooks behind it, and the news that a refund failed is among them.
    """
    provider = account.provider()
    for headers in ({}, {"content-type": "application/json"}, {"content-type": "application/x-www-form-urlencoded"}):
        try:
            told = outcome(partial(provider.parse_webhook, RawWebhook(headers=headers, body=body)), repr(body[:40]))
        except WebhookRejected:
            continue
        if isinstance(told, ProviderError):
            continue
        assert told in (VerifiedEvents(events=()), ToFetch(targets=())), f"{body[:40]!r} was believed: {told!r}"


def unknown_words(known: str) -> list[str]:
    """Words for a status that no provider has: a new one, and such as have a known one in them."""
    return ["held_by_the_moon", f"un{known}", f"{known}_not_yet", f"not_{known}"]


def _written(amount: Money) -> list[object]:
    """An amount in the ways in which providers write it."""
    decimal = amount.decimal
    return [amount.minor, str(amount.minor), str(decimal), float(decimal)]


@contextmanager
def mixed_up(account: Account, other: Callable[[], object]) -> Iterator[None]:
    """What is read is answered as ``other`` was, question by question; what is sent, a login say, is not touched."""
    kept: list[SandboxResponse] = []

    def keep(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        if sent.method == "GET":
            kept.append(response)
        return response

    with account.answers(keep):
        other()
    waiting = iter(kept)

    def instead(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        return next(waiting, response) if sent.method == "GET" else response

    with account.answers(instead):
        yield


_MODES = {"test": "live", "sandbox": "live"}


def of_the_other_mode(body: Any, changed: list[bool]) -> Any:
    """The JSON with every word or mark that says test saying live; notes in ``changed`` that there is one."""
    for path, value in list(fields(body)):
        name = str(path[-1]).casefold()
        other: object = None
        if isinstance(value, str) and "mode" in name:
            other = _MODES.get(value)
        elif isinstance(value, bool) and "live" in name:
            other = not value
        if other is not None:
            body = changed_at(body, path, other)
            changed.append(True)
    return body


def _of_the_other_mode(changed: list[bool], sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
    del sent
    return attrs.evolve(response, body=of_the_other_mode(json_of(response), changed))


_IN_THE_EAST = datetime.timezone(datetime.timedelta(hours=2))
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:?[0-9]{2})")


def _ask(method: str, provider: RefundsByApi, payment: Payment, request: RefundRequest, reference: str) -> object:
    """Call a method with what it is about."""
    match method:
        case "refundable":
            return provider.refundable(payment)
        case "payment_names":
            return provider.payment_names(payment.reference)
        case "refund" | "find_refund":
            return getattr(provider, method)(request)
        case "fetch_refund" | "cancel_refund":
            return getattr(provider, method)(request.target, reference)
        case "list_refunds":
            return provider.list_refunds(request.target)
        case _:
            provider.check_settings()
            return None


def _always(status: int, body: bytes) -> Callable[[SandboxRequest, SandboxResponse], SandboxResponse]:
    def change(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent, response
        return SandboxResponse(status=status, body=body)

    return change


def _keeping(kept: list[SandboxResponse]) -> Callable[[SandboxRequest, SandboxResponse], SandboxResponse]:
    """Changes nothing, and keeps every answer."""

    def keep(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        kept.append(response)
        return response

    return keep


def _instead(kept: list[SandboxResponse]) -> Callable[[SandboxRequest, SandboxResponse], SandboxResponse]:
    """The last answer that was kept, whatever is asked."""

    def answer(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent, response
        return kept[-1]

    return answer


def _noting(seen: list[Any]) -> Callable[[SandboxRequest, SandboxResponse], SandboxResponse]:
    """Changes nothing, and keeps the JSON of every answer."""

    def note(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        seen.append(json_of(response))
        return response

    return note


def _with(path: tuple[str | int, ...], other: object) -> Callable[[SandboxRequest, SandboxResponse], SandboxResponse]:
    def change(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        return attrs.evolve(response, body=changed_at(json_of(response), path, other))

    return change


def _with_news(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
    del sent
    body = json_of(response)
    if not isinstance(body, dict):
        return response
    return attrs.evolve(response, body={**body, "new_in_2031": [{"amount": 1.5}], "newer": {"status": "failed"}})


def fields(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every field in some JSON with its path, however deep."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    named: Iterable[tuple[str | int, Any]] = inner
    for name, field in named:
        yield (*path, name), field
        yield from fields(field, (*path, name))


def mistakes(body: Any) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Each field of some JSON, with everything that it may become and that is of another type than it is."""
    for path, value in fields(body):
        for other in _OTHERS:
            if other is GONE or type(other) is not type(value):
                yield path, other


def value_at(body: Any, path: tuple[str | int, ...]) -> Any:
    """What stands at ``path`` in some JSON; `GONE` where there is no such path."""
    place = body
    try:
        for step in path:
            place = place[step]
    except (KeyError, IndexError, TypeError):
        return GONE
    return place


def changed_at(body: Any, path: tuple[str | int, ...], other: object) -> Any:
    """The JSON with another value at ``path``; unchanged where there is no such path."""
    changed = copy.deepcopy(body)
    *way, last = cast(tuple[Any, ...], path)
    place: Any = changed
    try:
        for step in way:
            place = place[step]
        if other is GONE:
            del place[last]
        elif isinstance(place, list) or last in place:
            place[last] = other
    except (KeyError, IndexError, TypeError):
        return body
    return changed


def _shown(other: object) -> str:
    return "missing" if other is GONE else repr(other)


def _is_harmless(method: str, answered: Any) -> bool:
    """Whether what was read out of nothing can do no harm: nothing is left, or nothing was asked."""
    return method == "check_settings" or (method == "refundable" and not answered.possible)
