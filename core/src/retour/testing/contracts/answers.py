"""Answers that are not as described: a gateway's, a truncated one, one of next year. What cannot be read proves
nothing."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any, cast

import attrs
import pytest

from retour.model.order import Payment
from retour.providers.contract import RefundsByApi
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.refund_request import RefundRequest, RefundStatus
from retour.providers.webhooks import RawWebhook, ToFetch, VerifiedEvents, WebhookRejected
from retour.sandbox import SandboxRequest, SandboxResponse
from retour.testing.contracts.account import Account, json_of, lacks, needs, outcome, refused

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


@needs("refund_by_api")
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
    for path, other in _mistakes(described):
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
    """A refund that was made, and whose answer is not complete, is never told as another one or as refused."""
    seen: list[Any] = []
    request = account.request(account.pay())
    with account.answers(_noting(seen), of=request):
        account.provider().refund(request)
    if seen[-1] is None:
        pytest.skip(f"the answers of {account.kind.name} are no JSON")
    for number, (path, other) in enumerate(_mistakes(seen[-1]), start=2):
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
    with account.answers(_noting(seen)):
        provider.fetch_refund(request.target, real.reference)
    if not [body for body in seen if body is not None]:
        pytest.skip(f"the answers of {account.kind.name} are no JSON")

    def is_the_word(value: object) -> bool:
        return isinstance(value, str | int) and str(value).casefold() == real.provider_status.casefold()

    assert [value for body in seen for _, value in _fields(body) if is_the_word(value)], (
        f"provider_status is {real.provider_status!r}, and that is not the provider's own word"
    )

    def renamed(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent
        body = json_of(response)
        for path, value in [(path, value) for path, value in _fields(body) if is_the_word(value)]:
            body = _changed(body, path, 987_654 if isinstance(value, int) else "held_by_the_moon")
        return attrs.evolve(response, body=body)

    with account.answers(renamed):
        found = [
            provider.fetch_refund(request.target, real.reference),
            provider.refund(account.request(account.pay(), number=2)),
        ]
        if not lacks(account.capabilities, "list_refunds"):
            found += provider.list_refunds(request.target)
    for one in found:
        assert one.status is RefundStatus.PENDING
        assert one.provider_status.casefold() in ("held_by_the_moon", "987654")


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


@needs("refund_by_api")
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


@needs("refund_by_api", "partial_refund")
@pytest.mark.parametrize("method", ["fetch_refund", "cancel_refund"])
def test_a_refund_that_was_not_asked_for_is_not_told(account: Account, method: str) -> None:
    """Who asks for one refund of a payment and is answered with another of it is told that, and never how ours is."""
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
    """A provider may add fields whenever it likes: an answer with more in it is read as before."""
    payment = account.pay()
    request = account.request(payment)
    with account.answers(_with_news):
        provider = account.provider()
        result = provider.refund(request)
        assert provider.fetch_refund(request.target, result.reference).amount == request.amount
        assert not lacks(account.capabilities, "find_refund") or provider.refundable(payment).target == request.target
        if not lacks(account.capabilities, "find_refund"):
            assert provider.find_refund(request) is not None
    assert len(account.books(payment)) == 1


@needs("webhooks")
@pytest.mark.parametrize("body", BODIES.values(), ids=list(BODIES))
def test_a_webhook_that_cannot_be_read_is_rejected_and_no_accident(account: Account, body: bytes) -> None:
    """Anybody can post anything to a webhook's address; it is rejected, or says nothing of any refund."""
    provider = account.provider()
    for headers in ({}, {"content-type": "application/json"}, {"content-type": "application/x-www-form-urlencoded"}):
        try:
            told = outcome(partial(provider.parse_webhook, RawWebhook(headers=headers, body=body)), repr(body[:40]))
        except WebhookRejected:
            continue
        if isinstance(told, ProviderError):
            continue
        assert told in (VerifiedEvents(events=()), ToFetch(targets=())), f"{body[:40]!r} was believed: {told!r}"


def _ask(method: str, provider: RefundsByApi, payment: Payment, request: RefundRequest, reference: str) -> object:
    """Call a method with what it is about."""
    match method:
        case "refundable":
            return provider.refundable(payment)
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
        return attrs.evolve(response, body=_changed(json_of(response), path, other))

    return change


def _with_news(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
    del sent
    body = json_of(response)
    if not isinstance(body, dict):
        return response
    return attrs.evolve(response, body={**body, "new_in_2031": [{"amount": 1.5}], "newer": {"status": "failed"}})


def _fields(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Every field in some JSON with its path, however deep."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    named: Iterable[tuple[str | int, Any]] = inner
    for name, field in named:
        yield (*path, name), field
        yield from _fields(field, (*path, name))


def _mistakes(body: Any) -> Iterator[tuple[tuple[str | int, ...], object]]:
    """Each field of some JSON, with everything that it may become and that is of another type than it is."""
    for path, value in _fields(body):
        for other in _OTHERS:
            if other is GONE or type(other) is not type(value):
                yield path, other


def _changed(body: Any, path: tuple[str | int, ...], other: object) -> Any:
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
