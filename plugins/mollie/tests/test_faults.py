"""What goes wrong on the way: whatever happens, the same request again makes no second refund."""

from __future__ import annotations

import datetime
import json
import socket
from collections.abc import Callable
from typing import Any

import attrs
import pytest

from retour.providers import (
    Disposition,
    ErrorCode,
    Payment,
    ProviderError,
    ProviderSession,
    RefundRequest,
    RefundStatus,
    Secret,
)
from retour.sandbox import Fault, SandboxResponse
from retour_mollie.provider import Mollie
from retour_mollie.sandbox import MollieSandbox
from retour_mollie.settings import Settings

RequestFor = Callable[..., RefundRequest]

MEANINGS = {
    Fault.REFUSED_429: (ErrorCode.RATE_LIMITED, Disposition.RETRY),
    Fault.ERROR_500_BEFORE: (ErrorCode.UNAVAILABLE, Disposition.RECONCILE),
    Fault.ERROR_500_AFTER: (ErrorCode.UNAVAILABLE, Disposition.RECONCILE),
    Fault.UNAVAILABLE_503: (ErrorCode.UNAVAILABLE, Disposition.RETRY),
    Fault.CUT_BEFORE: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.CUT_AFTER: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.SILENT_AFTER: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.TRICKLE_AFTER: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.NO_JSON_AFTER: (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE),
}
"""What each fault means for a refund. A 503 is documented as certainly not performed."""

HELD_BACK = (Fault.SILENT_AFTER, Fault.TRICKLE_AFTER)


def broken(mollie: Mollie, sandbox: MollieSandbox, request: RefundRequest, fault: Fault) -> ProviderError:
    """Send a refund while ``fault`` happens; gives what it raises."""
    sandbox.server.faults.append(fault)
    with pytest.raises(ProviderError) as caught:
        mollie.refund(request)
    return caught.value


def test_every_fault_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Fault)


@pytest.mark.parametrize("fault", Fault)
def test_after_a_fault_the_same_request_is_one_refund(
    mollie: Mollie, hasty: Mollie, sandbox: MollieSandbox, request_for: RequestFor, fault: Fault
) -> None:
    error = broken(hasty if fault in HELD_BACK else mollie, sandbox, request_for(), fault)
    assert (error.code, error.disposition) == MEANINGS[fault]

    done = "after" in fault.value
    assert (mollie.find_refund(request_for()) is not None) is done
    assert len(sandbox.refunds(request_for().target)) == done
    again = mollie.refund(request_for())
    assert again == mollie.find_refund(request_for())
    assert len(sandbox.refunds(request_for().target)) == 1


@pytest.mark.parametrize("fault", Fault)
def test_a_disposition_that_says_not_done_is_never_wrong(
    mollie: Mollie, hasty: Mollie, sandbox: MollieSandbox, request_for: RequestFor, fault: Fault
) -> None:
    error = broken(hasty if fault in HELD_BACK else mollie, sandbox, request_for(), fault)
    if error.disposition is not Disposition.RECONCILE:
        assert sandbox.refunds(request_for().target) == []


@pytest.mark.parametrize("fault", [Fault.CUT_AFTER, Fault.ERROR_500_AFTER])
def test_a_refund_that_was_lost_is_found_when_the_key_is_no_longer_kept(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, fault: Fault
) -> None:
    broken(mollie, sandbox, request_for(), fault)
    sandbox.advance(datetime.timedelta(days=3))
    found = mollie.find_refund(request_for())
    assert found is not None
    assert found.status is RefundStatus.SUCCEEDED


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.SILENT_AFTER])
def test_cancelling_after_a_fault_says_how_it_is(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, fault: Fault
) -> None:
    sent = mollie.refund(request_for())
    sandbox.server.faults.append(fault)
    after = "after" in fault.value
    if fault in (Fault.NO_JSON_AFTER, Fault.TRICKLE_AFTER):  # there is no body to lose
        assert mollie.cancel_refund(request_for().target, sent.reference).status is RefundStatus.CANCELLED
        return
    with pytest.raises(ProviderError) as caught:
        mollie.cancel_refund(request_for().target, sent.reference)
    assert caught.value.disposition is (Disposition.RETRY if fault is Fault.REFUSED_429 else Disposition.RECONCILE)
    now = mollie.fetch_refund(request_for().target, sent.reference)
    assert (now.status is RefundStatus.CANCELLED) is after


@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.NO_JSON_AFTER])
def test_a_read_that_fails_is_told_and_proves_nothing(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, fault: Fault
) -> None:
    sandbox.server.faulty = lambda request: request.method == "GET"
    sandbox.server.faults.append(fault)
    with pytest.raises(ProviderError) as caught:
        mollie.find_refund(request_for())
    assert caught.value.code is MEANINGS[fault][0]


def test_a_read_is_repeated_by_itself_when_the_platform_is_down_for_a_moment(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment
) -> None:
    sandbox.server.faulty = lambda request: request.method == "GET"
    sandbox.server.faults += [Fault.UNAVAILABLE_503, Fault.CUT_BEFORE]
    assert mollie.refundable(paid).possible
    assert len(sandbox.server.requests) == 3


def test_no_connection_is_certainly_not_sent(request_for: RequestFor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        nobody = Mollie(Settings(api_key=Secret("test_key"), api_url=address), ProviderSession())
        with pytest.raises(ProviderError) as caught:
            nobody.refund(request_for())
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.NOT_SENT, Disposition.RETRY)


# --- answers that are not as described -------------------------------------------------------------------


def answers(sandbox: MollieSandbox, change: Callable[[SandboxResponse], SandboxResponse]) -> None:
    """From now on every answer is changed on its way."""
    handle = sandbox.server.handle
    sandbox.server.handle = lambda request: change(handle(request))


def with_fields(**fields: Any) -> Callable[[SandboxResponse], SandboxResponse]:
    def change(response: SandboxResponse) -> SandboxResponse:
        body = {**json.loads(response.encoded()), **fields}
        return attrs.evolve(response, body={name: value for name, value in body.items() if value is not ...})

    return change


@pytest.mark.parametrize(
    "fields, said",
    [
        ({"id": ...}, "$.id"),
        ({"status": 3}, "$.status"),
        ({"amount": "44.95"}, "$.amount"),
        ({"amount": {"currency": "EUR", "value": 44.95}}, "$.amount.value"),
        ({"amount": {"currency": "EUR", "value": "44.955"}}, "an amount cannot be read"),
        ({"amount": {"currency": "EUR", "value": "4e1"}}, "no plain decimal number"),
        ({"amount": {"currency": "EUR", "value": "٤٤"}}, "no plain decimal number"),
        ({"amount": {"currency": "XXX", "value": "44.95"}}, "an amount cannot be read"),
        ({"createdAt": "yesterday"}, "$.createdAt"),
        ({"createdAt": "2026-11-23T10:00:00"}, "$.createdAt"),
        ({"paymentId": "tr_other"}, "another payment"),
        ({"metadata": {"refund_id": "rf_other"}}, "another refund"),
        ({"metadata": None}, "another refund"),
    ],
)
def test_a_success_that_cannot_be_read_is_reconciled(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, fields: dict[str, Any], said: str
) -> None:
    answers(sandbox, with_fields(**fields))
    with pytest.raises(ProviderError) as caught:
        mollie.refund(request_for())
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)
    assert said in caught.value.message


@pytest.mark.parametrize("created", ["2018-03-14T17:09:02.0Z", "2023-03-14T18:09:02+01:00"])
def test_times_are_read_as_mollie_writes_them_now_and_wrote_them_before(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor, created: str
) -> None:
    answers(sandbox, with_fields(createdAt=created))
    found = mollie.refund(request_for()).created_at
    assert found is not None
    assert (found.hour, found.minute, found.utcoffset()) == (17, 9, datetime.timedelta(0))


def test_fields_that_mollie_adds_change_nothing(
    mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor
) -> None:
    answers(sandbox, with_fields(settlementAmount={"currency": "EUR", "value": "-44.95"}, lines=[], new=[{"x": 1.5}]))
    assert mollie.refund(request_for()).refund_id == request_for().refund_id


@pytest.mark.parametrize("remaining", [..., None])
def test_a_remaining_amount_of_null_is_like_none_at_all(
    mollie: Mollie, sandbox: MollieSandbox, paid: Payment, remaining: object
) -> None:
    """Older recordings have null (mollie/magento2#181)."""
    answers(sandbox, with_fields(amountRemaining=remaining))
    assert not mollie.refundable(paid).possible


def test_a_redirect_is_not_followed(mollie: Mollie, sandbox: MollieSandbox, request_for: RequestFor) -> None:
    answers(sandbox, lambda _: SandboxResponse(status=307, headers={"Location": f"{sandbox.url}/v2/unknown"}))
    with pytest.raises(ProviderError) as caught:
        mollie.refund(request_for())
    assert (caught.value.code, caught.value.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)
    assert len(sandbox.server.requests) == 1
