"""What goes wrong between us and the provider: what is told of it decides whether a customer is paid never, once or
twice."""

from __future__ import annotations

import datetime
import json
import socket
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.refunding import RefundRequest, RefundResult
from retour.sandbox import Fault, SandboxRequest, SandboxResponse
from retour.testing.contracts.account import Account, lacks, needs, refused

UNREADABLE_READS = (
    Fault.REFUSED_429,
    Fault.ERROR_500_BEFORE,
    Fault.UNAVAILABLE_503,
    Fault.CUT_AFTER,
    Fault.NO_JSON_AFTER,
)
"""Faults of a question about a refund."""

_ENOUGH = 8
"""Times that a fault is repeated, so that neither the session's own retries nor a second question get round it."""


@needs("refund_by_api")
@pytest.mark.parametrize("fault", Fault)
def test_after_a_fault_the_error_tells_the_truth_about_the_money(account: Account, fault: Fault) -> None:
    """Whatever happens to a refund on its way, "certainly not done" is only said if it was not done, and a bad moment
    never ends it.

    A refund that was made and is told as failed is paid again by hand; that is the most expensive lie there is.
    """
    payment = account.pay()
    request = account.request(payment)
    with account.faults(fault, of=request):
        error = refused(lambda: account.provider(deadline=account.deadline).refund(request), f"fault: {fault}")
    done = len(account.books(payment))
    assert done == ("after" in fault.value), "the sandbox does not do what the fault says"
    assert len(account.sent(request)) == 1, "a refund was repeated by the provider itself; only the core may"
    assert error.disposition is not Disposition.FINAL, "the same request would succeed in a moment"
    if done:
        assert error.disposition is Disposition.RECONCILE
    if fault is Fault.REFUSED_429:
        assert (error.code, error.disposition) == (ErrorCode.RATE_LIMITED, Disposition.RETRY)


@needs("refund_by_api")
@pytest.mark.parametrize("fault", Fault)
def test_after_a_fault_there_is_one_refund_in_the_end(account: Account, fault: Fault) -> None:
    """After a lost answer the refund is found by our id, or sent again as the same one: never a second in the books."""
    payment = account.pay()
    request = account.request(payment)
    with account.faults(fault, of=request):
        error = refused(lambda: account.provider(deadline=account.deadline).refund(request), f"fault: {fault}")
    result = _recovered(account, request, error)
    assert result is not None, "it can neither be found nor be sent again"
    [booked] = account.books(payment)
    assert (booked.reference, booked.amount) == (result.reference, request.amount)


@needs("refund_by_api", "find_refund")
def test_a_lost_refund_is_found_when_its_key_is_forgotten(account: Account) -> None:
    """A refund whose answer was lost is found by our id weeks later too, when the provider no longer knows its key."""
    payment = account.pay()
    request = account.request(payment)
    with account.faults(Fault.CUT_AFTER, of=request):
        refused(lambda: account.provider().refund(request), "the answer was lost")
    idempotency = account.capabilities.idempotency
    window = idempotency.window if idempotency is not None else datetime.timedelta(0)
    account.sandbox.advance(window + datetime.timedelta(days=1))
    found = account.provider().find_refund(request)
    assert found is not None
    assert [found.reference] == [booked.reference for booked in account.books(payment)]


@needs("refund_by_api", "find_refund")
@pytest.mark.parametrize("fault", UNREADABLE_READS)
def test_a_lookup_that_fails_is_not_a_refund_that_is_not_there(account: Account, fault: Fault) -> None:
    """A question that is not answered is an error, never None: "not found" can send the money again."""
    payment = account.pay()
    request = account.request(payment)
    provider = account.provider()
    provider.refund(request)
    with account.faults(*[fault] * _ENOUGH):
        refused(lambda: provider.find_refund(request), f"fault: {fault}")
    assert provider.find_refund(request) is not None


@needs("refund_by_api", "list_refunds")
@pytest.mark.parametrize("fault", UNREADABLE_READS)
def test_a_list_that_cannot_be_read_is_not_an_empty_list(account: Account, fault: Fault) -> None:
    """A list that does not come is an error, never empty: the refunds of the dashboard would be offered again."""
    payment = account.pay()
    account.sandbox.refund_in_dashboard(payment.reference, account.amount(44_95))
    target = account.target(payment)
    provider = account.provider()
    with account.faults(*[fault] * _ENOUGH):
        refused(lambda: provider.list_refunds(target), f"fault: {fault}")
    assert len(provider.list_refunds(target)) == 1


@needs("refund_by_api")
def test_a_closed_port_is_certainly_not_sent(account: Account) -> None:
    """Where no connection came about, the refund was not sent and goes out later, by itself."""
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
        if account.capabilities.idempotency is None:
            return None
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
