"""What goes wrong on the way: whatever happens, the same request again buys no second label."""

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
    LabelForm,
    LabelRequest,
    Money,
    ProviderError,
    ProviderSession,
    Secret,
    Told,
)
from retour.sandbox import Fault, SandboxResponse
from retour_sendcloud.provider import Sendcloud
from retour_sendcloud.sandbox import SendcloudSandbox
from retour_sendcloud.settings import Settings

RequestFor = Callable[..., LabelRequest]
MINUTE = datetime.timedelta(minutes=1)

MEANINGS = {
    Fault.REFUSED_429: (ErrorCode.RATE_LIMITED, Disposition.RETRY),
    Fault.ERROR_500_BEFORE: (ErrorCode.UNAVAILABLE, Disposition.RECONCILE),
    Fault.ERROR_500_AFTER: (ErrorCode.UNAVAILABLE, Disposition.RECONCILE),
    Fault.UNAVAILABLE_503: (ErrorCode.UNAVAILABLE, Disposition.RECONCILE),
    Fault.CUT_BEFORE: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.CUT_AFTER: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.SILENT_AFTER: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.TRICKLE_AFTER: (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE),
    Fault.NO_JSON_AFTER: (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE),
}
"""What each fault means for a label that is being made."""

HELD_BACK = (Fault.SILENT_AFTER, Fault.TRICKLE_AFTER)


def broken(call: Callable[[], object]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call()
    return caught.value


def test_every_fault_has_a_meaning() -> None:
    assert set(MEANINGS) == set(Fault)


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("fault", Fault)
def test_after_a_fault_the_same_request_is_one_label_in_the_ledger(
    sendcloud: Sendcloud,
    hasty: Sendcloud,
    sandbox: SendcloudSandbox,
    request_for: RequestFor,
    fault: Fault,
    waits: bool,
) -> None:
    request = request_for(instead_of_refused=waits)
    sandbox.server.faults.append(fault)
    error = broken(lambda: (hasty if fault in HELD_BACK else sendcloud).create_label(request))
    assert (error.code, error.disposition) == MEANINGS[fault]

    done = "after" in fault.value
    assert len(sandbox.books()) == done
    if done:
        again = broken(lambda: sendcloud.create_label(request))
        assert (again.code, again.disposition) == (ErrorCode.ALREADY_MADE, Disposition.RECONCILE)
    else:
        sendcloud.create_label(request)
    sandbox.advance(MINUTE)
    assert [one.label_id for one in sandbox.books()] == [request.label_id]
    assert [charge.amount for charge in sandbox.ledger] == [Money.of("5.45", "EUR")]


@pytest.mark.parametrize("fault", Fault)
def test_a_disposition_that_says_not_done_is_never_wrong(
    sendcloud: Sendcloud, hasty: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor, fault: Fault
) -> None:
    sandbox.server.faults.append(fault)
    error = broken(lambda: (hasty if fault in HELD_BACK else sendcloud).create_label(request_for()))
    if error.disposition is not Disposition.RECONCILE:
        assert sandbox.books() == []


def test_a_label_whose_answer_was_lost_is_among_the_returns_of_its_order(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    began = sandbox.clock.now()
    sandbox.server.faults.append(Fault.CUT_AFTER)
    broken(lambda: sendcloud.create_label(request_for()))
    [found] = sendcloud.list_shipments("1001", began)
    assert (found.told, found.reference) == (Told.ANNOUNCING, "")
    sandbox.advance(MINUTE)
    [found] = sendcloud.list_shipments("1001", began)
    assert (found.told, found.parcel) == (Told.READY, sandbox.books()[0].parcel)


@pytest.mark.parametrize("fault", Fault)
def test_cancelling_after_a_fault_says_how_it_is(
    sendcloud: Sendcloud, hasty: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor, fault: Fault
) -> None:
    made = sendcloud.create_label(request_for())
    sandbox.advance(MINUTE)
    sandbox.server.faults.append(fault)
    cancel = (hasty if fault in HELD_BACK else sendcloud).cancel_label
    if fault is Fault.NO_JSON_AFTER:  # the answer says nothing but 202
        assert cancel(made.reference, made.parcel).told is Told.CANCELLING
        return
    error = broken(lambda: cancel(made.reference, made.parcel))
    assert error.disposition is (Disposition.RETRY if fault is Fault.REFUSED_429 else Disposition.RECONCILE)
    now = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (now.told is Told.CANCELLING) is ("after" in fault.value)
    assert sendcloud.cancel_label(made.reference, made.parcel).told is Told.CANCELLING


@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.NO_JSON_AFTER])
def test_a_cancellation_of_which_nobody_can_read_what_became_is_unclear(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor, fault: Fault
) -> None:
    made = sendcloud.create_label(request_for())
    sandbox.server.faulty = lambda request: request.method == "GET"
    sandbox.server.faults.append(fault)
    error = broken(lambda: sendcloud.cancel_label(made.reference, made.parcel))
    assert (error.code, error.disposition) == (ErrorCode.OUTCOME_UNKNOWN, Disposition.RECONCILE)
    assert f"return {made.reference}" in error.message


@pytest.mark.parametrize("fault", [Fault.REFUSED_429, Fault.ERROR_500_BEFORE, Fault.NO_JSON_AFTER])
def test_a_read_that_fails_is_told_and_proves_nothing(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor, fault: Fault
) -> None:
    made = sendcloud.create_label(request_for())
    sandbox.advance(MINUTE)
    sandbox.server.faulty = lambda request: request.method == "GET"
    reads: list[Callable[[], object]] = [
        sendcloud.check_settings,
        lambda: sendcloud.fetch_shipment(made.reference, made.parcel),
        lambda: sendcloud.list_shipments("1001", sandbox.clock.now()),
        lambda: sendcloud.fetch_label(made.reference, made.parcel, LabelForm.PDF),
    ]
    for read in reads:
        sandbox.server.faults.append(fault)
        assert broken(read).code is MEANINGS[fault][0]


def test_a_429_says_to_wait_for_a_minute(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    sandbox.server.faults.append(Fault.REFUSED_429)
    assert broken(lambda: sendcloud.create_label(request_for())).not_before == MINUTE


def test_no_connection_is_certainly_not_sent(request_for: RequestFor) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{taken.getsockname()[1]}"
        nobody = Sendcloud(Settings(public_key="a", secret_key=Secret("b"), api_url=address), ProviderSession())
        error = broken(lambda: nobody.create_label(request_for()))
    assert (error.code, error.disposition) == (ErrorCode.NOT_SENT, Disposition.RETRY)


# --- answers that are not as described -------------------------------------------------------------------


def answers(sandbox: SendcloudSandbox, change: Callable[[SandboxResponse], SandboxResponse]) -> None:
    """From now on every answer is changed on its way."""
    handle = sandbox.handle
    sandbox.server.handle = lambda request: change(handle(request))


def with_fields(**fields: Any) -> Callable[[SandboxResponse], SandboxResponse]:
    def change(response: SandboxResponse) -> SandboxResponse:
        body = {**json.loads(response.encoded()), **fields}
        return attrs.evolve(response, body={name: value for name, value in body.items() if value is not ...})

    return change


@pytest.mark.parametrize(
    "fields", [{"return_id": ...}, {"return_id": "7"}, {"parcel_id": None}, {"parcel_id": 1.5}, {"return_id": True}]
)
def test_a_success_that_cannot_be_read_is_reconciled(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor, fields: dict[str, Any]
) -> None:
    answers(sandbox, with_fields(**fields))
    error = broken(lambda: sendcloud.create_label(request_for()))
    assert (error.code, error.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


def test_errors_beside_the_numbers_of_a_new_return_are_its_refusal(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    answers(sandbox, with_fields(errors=[{"code": "parcel_announcement_error", "detail": "No such service"}]))
    made = sendcloud.create_label(request_for())
    assert (made.told, made.because) == (Told.REFUSED, "No such service")
    assert made.reference


@pytest.mark.parametrize(
    "fields",
    [
        {"label_cost": {"value": 5.4567, "currency": "EUR"}},
        {"label_cost": {"value": -1, "currency": "EUR"}},
        {"label_cost": {"value": "x", "currency": "EUR"}},
        {"label_cost": {"value": 5, "currency": "XXX"}},
        {"label_cost": {"value": True, "currency": "EUR"}},
        {"label_cost": None},
        {"tracking_url": "http://tracking.example"},
        {"tracking_url": "javascript:alert(1)"},
        {"created_at": "yesterday"},
        {"created_at": "2026-11-29T10:00:00"},
        {"reason": None, "refund": None, "return_fee": "1", "parcel_items": None, "errors": None},
        {"parcel_items": [{"quantity": None, "return_reason_id": 11}]},
        {"label": None},
        {"new": [{"x": 1.5}]},
    ],
)
def test_what_is_odd_beside_it_does_not_hide_how_a_label_is(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor, fields: dict[str, Any]
) -> None:
    made = sendcloud.create_label(request_for())
    sandbox.advance(MINUTE)
    answers(sandbox, with_fields(**fields))
    now = sendcloud.fetch_shipment(made.reference, made.parcel)
    assert (now.told, now.parcel, now.order_id) == (Told.READY, made.parcel, "1001")
    assert now.tracking_url.startswith("https://") or now.tracking_url == ""


@pytest.mark.parametrize(
    "value, cost",
    [(5, "5.00"), (5.5, "5.50"), ("5.45", "5.45"), (0, "0.00"), (0.1, "0.10"), (1234567.89, "1234567.89")],
)
def test_what_a_label_cost_is_exact_as_a_number_and_as_a_text(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor, value: object, cost: str
) -> None:
    made = sendcloud.create_label(request_for())
    answers(sandbox, with_fields(label_cost={"value": value, "currency": "EUR"}))
    assert sendcloud.fetch_shipment(made.reference, made.parcel).cost == Money.of(cost, "EUR")


@pytest.mark.parametrize(
    "fields", [{"status_history": ...}, {"status_history": 7}, {"is_cancellable": 1}, {"label": 1}]
)
def test_a_return_that_cannot_be_read_is_told(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor, fields: dict[str, Any]
) -> None:
    made = sendcloud.create_label(request_for())
    answers(sandbox, with_fields(**fields))
    error = broken(lambda: sendcloud.fetch_shipment(made.reference, made.parcel))
    assert error.code is ErrorCode.UNREADABLE_ANSWER


def test_a_404_of_a_gateway_says_nothing_of_a_label_that_is_being_made(
    sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor
) -> None:
    sandbox.server.handle = lambda _: SandboxResponse(status=404, body=b"<html>", content_type="text/html")
    error = broken(lambda: sendcloud.create_label(request_for()))
    assert (error.code, error.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


def test_a_redirect_is_not_followed(sendcloud: Sendcloud, sandbox: SendcloudSandbox, request_for: RequestFor) -> None:
    sandbox.server.handle = lambda _: SandboxResponse(status=307, headers={"Location": f"{sandbox.url}/api/v3/returns"})
    error = broken(lambda: sendcloud.create_label(request_for()))
    assert (error.code, error.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)
    assert len(sandbox.server.requests) == 1
