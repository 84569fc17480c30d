"""What goes wrong between us and the provider: what is told of it decides whether a customer is paid never, once or
twice."""

from __future__ import annotations

import datetime
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import pytest

from retour.providers.contract import RefundsByApi
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.http import Answer, ProviderSession
from retour.providers.refund_request import RefundRequest, RefundResult
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour.testing.contracts.account import A_YEAR, Account
from retour.testing.contracts.any_account import PATIENT, lacks, needs, outcome, refused
from retour.testing.contracts.in_threads import within
from retour.testing.contracts.provider_modules import later

UNREADABLE_READS = (
    Fault.REFUSED_429,
    Fault.ERROR_500_BEFORE,
    Fault.UNAVAILABLE_503,
    Fault.CUT_AFTER,
    Fault.NO_JSON_AFTER,
)
"""Faults of a question about a refund."""

ODD_WAITS = ("", "soon", "-5", "nan", "inf", "1e9", "7, 7", "²", "9" * 40, "Fri, 31 Dec 2027 23:59:59 GMT")
"""What stands in ``Retry-After``, the last one rightly (RFC 9110, 10.2.3)."""

LATER = (Disposition.RETRY, Disposition.RECONCILE)
"""What a bad moment may mean: it passes, and nobody has to do anything."""

_HELD_BACK = (Fault.SILENT_AFTER, Fault.TRICKLE_AFTER)

ENOUGH = 8
"""Times that a fault is repeated, so that neither the session's own retries nor a second question get round it."""


class _Counting(ProviderSession):
    """A session that counts its calls."""

    def __init__(self) -> None:
        super().__init__(deadline=PATIENT)
        self.calls = 0

    def read(self, url: str, **more: Any) -> Answer:
        self.calls += 1
        return super().read(url, **more)

    def write(self, method: str, url: str, **more: Any) -> Answer:
        self.calls += 1
        return super().write(method, url, **more)


@needs("refund_by_api")
@pytest.mark.parametrize("fault", Fault)
def test_after_a_fault_the_error_tells_the_truth_about_the_money(account: Account, fault: Fault) -> None:
    """Whatever happens to a refund on its way, "certainly not done" is only said if it was not done, and a bad moment
    never ends it.

    A refund that was made and is told as failed is paid again by hand; that is the most expensive lie there is.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = _waiting(account, fault)
    with account.faults(fault, of=request):
        error = within(
            account.deadline + PATIENT,
            lambda: refused(lambda: provider.refund(request), f"fault: {fault}"),
            f"one answer that does not come would hold a worker for ever: {fault}, and the provider waits on",
        )
    done = len(account.books(payment))
    assert done == ("after" in fault.value), "the sandbox does not do what the fault says"
    assert len(account.sent(request)) == 1, "a refund was repeated by the provider itself; only the core may"
    assert error.disposition in LATER, "the same request would succeed in a moment"
    if done:
        assert error.disposition is Disposition.RECONCILE
    if fault is Fault.REFUSED_429:
        assert (error.code, error.disposition) == (ErrorCode.RATE_LIMITED, Disposition.RETRY)


@needs("refund_by_api")
def test_the_wait_that_a_429_asks_for_is_told(account: Account) -> None:
    """A refusal of one request too many is certainly not done, and says how long to wait where the provider does.

    Who asks again at once is shut out for longer, and the refunds of a whole morning wait behind it.
    """
    payment = account.pay()
    request = account.request(payment)
    with _too_many(account, request, "7"):
        error = refused(lambda: account.provider().refund(request), "status 429")
    assert (error.code, error.disposition) == (ErrorCode.RATE_LIMITED, Disposition.RETRY)
    assert error.not_before is not None, "Retry-After: 7, and no wait is told"
    assert datetime.timedelta(seconds=7) <= error.not_before <= datetime.timedelta(days=1)
    assert account.books(payment) == []


@needs("refund_by_api")
@pytest.mark.parametrize("wait", ODD_WAITS)
def test_a_wait_that_cannot_be_read_is_no_accident(account: Account, wait: str) -> None:
    """Whatever stands where the wait should be, the refusal is the same, and the wait is a time ahead or none.

    A refund that an odd header ends, or puts off for a century, is never paid.
    """
    request = account.request(account.pay())
    with _too_many(account, request, wait):
        error = refused(lambda: account.provider().refund(request), f"status 429, Retry-After: {wait}")
    assert (error.code, error.disposition) == (ErrorCode.RATE_LIMITED, Disposition.RETRY)
    assert error.not_before is None or datetime.timedelta(0) <= error.not_before <= 2 * A_YEAR


@needs("refund_by_api")
@pytest.mark.parametrize("fault", Fault)
def test_after_a_fault_there_is_one_refund_in_the_end(account: Account, fault: Fault) -> None:
    """After a lost answer the refund is found by our id, or sent again as the same one: never a second in the books.

    A second one is the merchant's loss, and none is the customer's.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = _waiting(account, fault)
    with account.faults(fault, of=request):
        error = within(
            account.deadline + PATIENT,
            lambda: refused(lambda: provider.refund(request), f"fault: {fault}"),
            f"one answer that does not come would hold a worker for ever: {fault}, and the provider waits on",
        )
    result = _recovered(account, request, error)
    if result is None:
        pytest.skip(
            f"{account.kind.name} declares that a lost refund can neither be found nor sent again: a person looks"
        )
    [booked] = account.books(payment)
    assert (booked.reference, booked.amount) == (result.reference, request.amount)


@needs("refund_by_api", "find_refund")
def test_a_lost_refund_is_found_when_its_key_is_forgotten(account: Account) -> None:
    """A refund whose answer was lost is found by our id weeks later too, when the provider no longer knows its key.

    Not found, it is sent again, and by then the key makes a second refund.
    """
    payment = account.pay()
    request = account.request(payment)
    with account.faults(Fault.CUT_AFTER, of=request):
        refused(lambda: account.provider().refund(request), "the answer was lost")
    idempotency = account.capabilities.idempotency
    window = idempotency.window if idempotency is not None else datetime.timedelta(0)
    account.sandbox.advance(window + datetime.timedelta(days=1))
    with later(account.kind, window + datetime.timedelta(days=1)):
        found = account.provider().find_refund(request)
    assert found is not None, "a lost answer would pay the customer twice: it is there, and was not found"
    assert [found.reference] == [booked.reference for booked in account.books(payment)]


@needs("refund_by_api", "find_refund")
@pytest.mark.parametrize("fault", UNREADABLE_READS)
def test_a_lookup_that_fails_is_not_a_refund_that_is_not_there(account: Account, fault: Fault) -> None:
    """A question that is not answered is an error, never None: "not found" can send the money again.

    The customer has it twice because a gateway was busy for a second.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    assert provider.find_refund(request) is None  # what was told before is no answer to what is asked now
    account.provider().refund(request)
    with account.faults(*[fault] * ENOUGH):
        error = refused(lambda: provider.find_refund(request), f"fault: {fault}")
    assert error.disposition in LATER
    assert provider.find_refund(request) is not None


@needs("refund_by_api", "list_refunds")
@pytest.mark.parametrize("fault", UNREADABLE_READS)
def test_a_list_that_cannot_be_read_is_not_an_empty_list(account: Account, fault: Fault) -> None:
    """A list that does not come is an error, never empty: the refunds of the dashboard would be offered again.

    What was paid once is paid twice, by a person who sees nothing of it.
    """
    payment = account.pay()
    account.sandbox.refund_in_dashboard(payment.reference, account.amount(44_95))
    target = account.target(payment)
    provider = account.provider()
    provider.list_refunds(target)  # what was told before is no answer to what is asked now
    with account.faults(*[fault] * ENOUGH):
        error = refused(lambda: provider.list_refunds(target), f"fault: {fault}")
    assert error.disposition in LATER
    assert len(provider.list_refunds(target)) == 1


@needs("refund_by_api")
@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.NO_JSON_AFTER])
def test_a_question_that_is_not_answered_decides_nothing(account: Account, fault: Fault) -> None:
    """A payment or a refund that cannot be read just now is asked for again: it is not refused, and nobody has to mend
    anything.

    Told as final, a bad second of the provider ends the refund of a customer who then waits for nothing.
    """
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    reference = provider.refund(request).reference
    questions = account.questions(provider, payment, request, reference)
    asked = [ask for method, ask in questions.items() if method in ("refundable", "fetch_refund")]
    if not asked:
        pytest.skip(f"{account.kind.name} can be asked about no payment and no refund")
    for ask in asked:
        ask()  # what was told before is no answer to what is asked now
        with account.faults(*[fault] * ENOUGH):
            error = refused(ask, f"fault: {fault}")
        assert error.disposition in LATER, f"fault: {fault}, and it was told as {error!r}"


@needs("refund_by_api")
def test_every_call_goes_through_the_session_of_the_core(account: Account) -> None:
    """Nothing is asked past the session that the provider is made with.

    It has the deadline, follows no redirect and masks what is secret; past it, one silent answer holds up every refund.
    """
    payment = account.pay()
    request, held = account.request(payment), account.request(account.pay(), number=2)
    began = len(account.sandbox.server.requests)
    http = _Counting()
    provider = account.provider(http=http)
    made = provider.refund(request)
    for ask in account.questions(provider, payment, request, made.reference).values():
        ask()
    if not lacks(account.capabilities, "cancel_refund"):
        account.sandbox.hold()
        outcome(partial(provider.cancel_refund, held.target, provider.refund(held).reference))
    assert len(account.sandbox.server.requests) - began == http.calls, (
        "one silent answer would hold up every refund, and a redirect would be shown the key: a call went past the "
        "session"
    )


@needs("refund_by_api")
def test_a_closed_port_is_certainly_not_sent(account: Account) -> None:
    """Where no connection came about, the refund was not sent and goes out later, by itself.

    Told as unclear, each refund of a morning without a network waits for a person.
    """
    payment = account.pay()
    request = account.request(payment)
    with _closed_port() as address:
        given = _elsewhere(account, address)
        error = refused(lambda: account.provider(given).refund(request), "nobody listens there")
    assert (error.code, error.disposition) == (ErrorCode.NOT_SENT, Disposition.RETRY)
    assert account.books(payment) == []


@needs("refund_by_api")
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_of_a_refund_is_not_followed(account: Account, status: int) -> None:
    """A refund that is sent elsewhere is an error and is not a refusal: it is not repeated at the other address.

    A followed redirect shows the key to whoever stands in the way, and can make the refund twice.
    """
    payment = account.pay()
    request = account.request(payment)
    elsewhere = f"{account.sandbox.url}/elsewhere"

    def redirected(sent: SandboxRequest, response: SandboxResponse) -> SandboxResponse:
        del sent, response
        return SandboxResponse(status=status, headers={"Location": elsewhere})

    with account.answers(redirected, of=request):
        error = refused(lambda: account.provider().refund(request), f"status {status}")
    assert error.disposition is Disposition.RECONCILE
    assert "/elsewhere" not in [sent.path for sent in account.sandbox.server.requests]
    assert len(account.sent(request)) == 1


@contextmanager
def _too_many(account: Account, request: RefundRequest, wait: str) -> Iterator[None]:
    """A refund is refused as one request too many, with ``wait`` in ``Retry-After``, before anything is done."""
    server = account.sandbox.server
    handle = server.handle

    def refuse(sent: SandboxRequest) -> SandboxResponse:
        if not account.carries(sent, request):
            return handle(sent)
        return SandboxResponse(status=429, body=server.error_bodies.get(429, {}), headers={"Retry-After": wait})

    server.handle = refuse
    try:
        yield
    finally:
        server.handle = handle


def _waiting(account: Account, fault: Fault) -> RefundsByApi:
    """A provider that gives up soon where the answer is held back, and else has time, on a slow machine too."""
    return account.provider(deadline=account.deadline) if fault in _HELD_BACK else account.provider()


def _recovered(account: Account, request: RefundRequest, error: ProviderError) -> RefundResult | None:
    """What the core does after an error: ask by our id, then send the same request again if it may."""
    provider = account.provider()
    if error.not_before is not None:
        account.sandbox.advance(error.not_before)
    if error.disposition is Disposition.RECONCILE:
        if not lacks(account.capabilities, "find_refund"):
            found = provider.find_refund(request)
            if found is not None:
                return found
        if account.capabilities.idempotency is None and account.capabilities.lookup_complete_after is None:
            return None
        account.sandbox.advance(account.capabilities.lookup_complete_after or datetime.timedelta(0))
    return provider.refund(request)


@contextmanager
def _closed_port() -> Iterator[str]:
    """An address on this machine where nobody listens, taken so that nobody else begins to."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{taken.getsockname()[1]}"


def _elsewhere(account: Account, address: str) -> dict[str, object]:
    """The account's settings with another address for the sandbox's."""
    given: dict[str, object] = json.loads(json.dumps(account.sandbox.settings).replace(account.sandbox.url, address))
    if given == account.sandbox.settings:
        pytest.skip(f"the settings of {account.kind.name} do not say where it is")
    return given
