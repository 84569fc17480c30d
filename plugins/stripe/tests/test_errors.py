"""What Stripe's refusals and broken answers mean for the money."""

from __future__ import annotations

import datetime
import json
from collections.abc import Callable
from typing import Any

import pytest

from retour.providers import Answer, Disposition, ErrorCode, Money, ProviderError, RefundRequest
from retour.sandbox import Fault, SandboxResponse
from retour_stripe.errors import refusal
from retour_stripe.provider import Stripe
from retour_stripe.sandbox import StripeSandbox

PAID = Money.of("94.95", "EUR")

RefundOf = Callable[..., RefundRequest]


def refused(status: int, headers: dict[str, str] | None = None, **fault: str) -> ProviderError:
    body = json.dumps({"error": {"type": "invalid_request_error"} | fault}).encode()
    return refusal(Answer(status=status, headers=headers or {}, body=body))


def failing(call: Callable[[], Any]) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        call()
    return caught.value


# --- refusals --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "status, fault, code, disposition",
    [
        (400, {"code": "charge_already_refunded"}, ErrorCode.ALREADY_REFUNDED, "final"),
        (400, {"code": "amount_too_large"}, ErrorCode.AMOUNT_TOO_HIGH, "final"),
        (
            400,
            {"message": "Refund amount ($25.00) is greater than unrefunded amount on charge ($21.45)"},
            ErrorCode.AMOUNT_TOO_HIGH,
            "final",
        ),
        (
            400,
            {"code": "a_code", "message": "Refund amount ($25.00) is greater than charge amount ($21.45)"},
            ErrorCode.AMOUNT_TOO_HIGH,
            "final",
        ),
        (400, {"code": "charge_disputed"}, ErrorCode.DISPUTED, "final"),
        (400, {"code": "refund_disputed_payment"}, ErrorCode.DISPUTED, "final"),
        (400, {"code": "charge_not_refundable"}, ErrorCode.NOT_REFUNDABLE, "final"),
        (404, {"code": "resource_missing", "message": "No such charge: 'ch_1'"}, ErrorCode.UNKNOWN_PAYMENT, "final"),
        (400, {"code": "resource_missing", "message": "No such charge: 'ch_1'"}, ErrorCode.UNKNOWN_PAYMENT, "final"),
        (
            404,
            {
                "code": "resource_missing",
                "message": "No such charge: 'ch_1'; a similar object exists in test mode, "
                "but a live mode key was used to make this request.",
            },
            ErrorCode.CONFIGURATION,
            "fix",
        ),
        (400, {"code": "balance_insufficient"}, ErrorCode.INSUFFICIENT_BALANCE, "fix"),
        (401, {"message": "Invalid API Key provided: sk_test_***"}, ErrorCode.AUTHENTICATION, "fix"),
        (401, {"code": "api_key_expired"}, ErrorCode.AUTHENTICATION, "fix"),
        (403, {}, ErrorCode.AUTHENTICATION, "fix"),
        (400, {"type": "idempotency_error"}, ErrorCode.KEY_REUSED, "reconcile"),
        (404, {"type": "idempotency_error"}, ErrorCode.KEY_REUSED, "reconcile"),
        (409, {"code": "idempotency_key_in_use"}, ErrorCode.IN_PROGRESS, "reconcile"),
        (409, {"type": "idempotency_error"}, ErrorCode.IN_PROGRESS, "reconcile"),
        (409, {}, ErrorCode.IN_PROGRESS, "reconcile"),
        (429, {"code": "rate_limit"}, ErrorCode.RATE_LIMITED, "retry"),
        (429, {"code": "lock_timeout"}, ErrorCode.RATE_LIMITED, "retry"),
        (400, {"code": "lock_timeout"}, ErrorCode.RATE_LIMITED, "retry"),
        (400, {"code": "livemode_mismatch"}, ErrorCode.CONFIGURATION, "fix"),
        (400, {"code": "invalid_charge_amount_no_decimal_compatible"}, ErrorCode.INVALID_REQUEST, "final"),
        (400, {"code": "parameter_unknown"}, ErrorCode.INVALID_REQUEST, "final"),
        (400, {}, ErrorCode.INVALID_REQUEST, "final"),
        (402, {"type": "card_error"}, ErrorCode.INVALID_REQUEST, "final"),
        (500, {"type": "api_error"}, ErrorCode.UNAVAILABLE, "reconcile"),
        (502, {"type": "api_error"}, ErrorCode.UNAVAILABLE, "reconcile"),
        (503, {"type": "api_error"}, ErrorCode.UNAVAILABLE, "reconcile"),
    ],
)
def test_every_documented_refusal_has_its_meaning(
    status: int, fault: dict[str, str], code: ErrorCode, disposition: str
) -> None:
    error = refused(status, **fault)
    assert (error.code, error.disposition, error.http_status) == (code, disposition, status)


def test_stripes_own_code_and_words_are_kept() -> None:
    error = refused(400, code="charge_disputed", message="Charge ch_1 has been charged back; cannot issue a refund.")
    assert error.provider_code == "charge_disputed"
    assert error.message == "Charge ch_1 has been charged back; cannot issue a refund."
    assert refused(400).provider_code == "invalid_request_error"


@pytest.mark.parametrize(
    "advice, status, code, disposition",
    [
        ("true", 400, "parameter_unknown", Disposition.RETRY),
        ("false", 429, "rate_limit", Disposition.FIX),
        ("true", 429, "rate_limit", Disposition.RETRY),
        ("false", 400, "charge_already_refunded", Disposition.FINAL),
        ("true", 400, "charge_already_refunded", Disposition.RETRY),
        ("true", 409, "idempotency_key_in_use", Disposition.RECONCILE),
        ("false", 500, "", Disposition.RECONCILE),
        ("true", 500, "", Disposition.RECONCILE),
        ("perhaps", 429, "rate_limit", Disposition.RETRY),
    ],
)
def test_stripe_should_retry_outranks_the_status_but_makes_nothing_certain(
    advice: str, status: int, code: str, disposition: Disposition
) -> None:
    assert refused(status, {"stripe-should-retry": advice}, code=code).disposition is disposition


@pytest.mark.parametrize(
    "given, wait", [("3", 3), ("0", 0), ("999999999", 86400), ("soon", None), ("-1", None), ("²", None), ("", None)]
)
def test_a_retry_after_is_believed_if_it_is_a_number_of_seconds(given: str, wait: int | None) -> None:
    error = refused(429, {"retry-after": given}, code="rate_limit")
    assert error.not_before == (None if wait is None else datetime.timedelta(seconds=wait))


def test_after_a_balance_too_low_the_same_request_is_of_no_use_until_its_key_is_forgotten() -> None:
    assert refused(400, code="balance_insufficient").not_before == datetime.timedelta(hours=24)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>Forbidden</html>",
        b"[]",
        b'{"error": "no"}',
        b'{"error": {}}',
        b'{"error": {"type": 1}}',
        b"\xff",
        b"[" * 100_000,
    ],
)
@pytest.mark.parametrize("status", [302, 400, 403, 404, 418])
def test_a_refusal_that_is_not_stripes_is_unclear(status: int, body: bytes) -> None:
    error = refusal(Answer(status=status, headers={}, body=body))
    assert (error.code, error.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


def test_a_429_of_whatever_shape_is_a_rate_limit() -> None:
    error = refusal(Answer(status=429, headers={}, body=b"slow down"))
    assert (error.code, error.disposition) == (ErrorCode.RATE_LIMITED, Disposition.RETRY)


# --- refusals of the sandbox -----------------------------------------------------------------------------


def test_a_payment_that_is_wholly_refunded_in_the_dashboard_is_told_as_such(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    sandbox.refund_in_dashboard(reference, PAID)
    error = failing(lambda: stripe.refund(refund_of(reference)))
    assert (error.code, error.provider_code) == (ErrorCode.ALREADY_REFUNDED, "charge_already_refunded")
    assert error.disposition is Disposition.FINAL


@pytest.mark.parametrize("code", ["", "amount_too_large", "another_code"])
@pytest.mark.parametrize("refunded, words", [("", "charge amount (€94.95)"), ("80.00", "amount on charge (€14.95)")])
def test_too_much_is_known_by_its_code_or_by_its_text(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf, code: str, refunded: str, words: str
) -> None:
    sandbox.code_of_too_much = code
    reference = sandbox.pay(PAID)
    if refunded:
        sandbox.refund_in_dashboard(reference, Money.of(refunded, "EUR"))
    error = failing(lambda: stripe.refund(refund_of(reference, "95.00")))
    assert (error.code, error.disposition) == (ErrorCode.AMOUNT_TOO_HIGH, Disposition.FINAL)
    assert words in error.message


def test_a_key_that_was_used_with_another_request_is_reconciled(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    reference = sandbox.pay(PAID)
    stripe.refund(refund_of(reference, "1.00"))
    error = failing(lambda: stripe.refund(refund_of(reference, "2.00")))
    assert (error.code, error.disposition) == (ErrorCode.KEY_REUSED, Disposition.RECONCILE)


def test_a_key_that_is_being_worked_on_is_in_progress_and_nothing_is_kept(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    request = refund_of(sandbox.pay(PAID))
    sandbox.keys_in_use.add(request.key)
    assert failing(lambda: stripe.refund(request)).code is ErrorCode.IN_PROGRESS
    sandbox.keys_in_use.clear()
    assert stripe.refund(request).refund_id == request.refund_id


def test_a_payment_that_stripe_does_not_have_is_unknown(stripe: Stripe, refund_of: RefundOf) -> None:
    error = failing(lambda: stripe.refund(refund_of("pi_unknown")))
    assert (error.code, error.provider_code) == (ErrorCode.UNKNOWN_PAYMENT, "resource_missing")


# --- faults ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault, code, disposition, made",
    [
        (Fault.REFUSED_429, ErrorCode.RATE_LIMITED, "retry", 0),
        (Fault.ERROR_500_BEFORE, ErrorCode.UNAVAILABLE, "reconcile", 0),
        (Fault.ERROR_500_AFTER, ErrorCode.UNAVAILABLE, "reconcile", 1),
        (Fault.UNAVAILABLE_503, ErrorCode.UNAVAILABLE, "reconcile", 0),
        (Fault.CUT_BEFORE, ErrorCode.OUTCOME_UNKNOWN, "reconcile", 0),
        (Fault.CUT_AFTER, ErrorCode.OUTCOME_UNKNOWN, "reconcile", 1),
        (Fault.SILENT_AFTER, ErrorCode.OUTCOME_UNKNOWN, "reconcile", 1),
        (Fault.TRICKLE_AFTER, ErrorCode.OUTCOME_UNKNOWN, "reconcile", 1),
        (Fault.NO_JSON_AFTER, ErrorCode.UNREADABLE_ANSWER, "reconcile", 1),
    ],
)
def test_after_any_fault_the_money_is_where_we_think_and_the_same_request_makes_one_refund(
    sandbox: StripeSandbox,
    stripe: Stripe,
    hasty: Stripe,
    refund_of: RefundOf,
    fault: Fault,
    code: ErrorCode,
    disposition: str,
    made: int,
) -> None:
    request = refund_of(sandbox.pay(PAID))
    sandbox.server.faults.append(fault)
    held_back = fault in (Fault.SILENT_AFTER, Fault.TRICKLE_AFTER)
    error = failing(lambda: (hasty if held_back else stripe).refund(request))
    assert (error.code, error.disposition) == (code, disposition)

    found = stripe.find_refund(request)
    assert (found is not None) == bool(made)
    assert len([sent for sent in sandbox.server.requests if sent.method == "POST"]) == 1, "no retry by itself"

    again = stripe.refund(request)
    assert found in (None, again)
    assert stripe.list_refunds(request.target) == (again,)


def test_every_fault_of_the_sandbox_is_in_the_table() -> None:
    [table] = [
        mark
        for mark in test_after_any_fault_the_money_is_where_we_think_and_the_same_request_makes_one_refund.pytestmark  # type: ignore[attr-defined]
        if mark.name == "parametrize"
    ]
    assert {row[0] for row in table.args[1]} == set(Fault)


@pytest.mark.parametrize("done", [True, False])
def test_a_replayed_500_stays_unclear_until_the_refund_is_found_or_the_key_forgotten(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf, done: bool
) -> None:
    request = refund_of(sandbox.pay(PAID))
    sandbox.break_next(done=done)
    for replayed in (False, True):
        error = failing(lambda: stripe.refund(request))
        assert (error.code, error.disposition) == (ErrorCode.UNAVAILABLE, Disposition.RECONCILE)
        assert error.message.endswith(" [replayed]") is replayed
    assert (stripe.find_refund(request) is not None) == done


def test_a_refusal_is_kept_for_its_key_too(sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf) -> None:
    reference = sandbox.pay(PAID)
    outside = sandbox.refund_in_dashboard(reference, PAID)
    request = refund_of(reference)
    first = failing(lambda: stripe.refund(request))
    sandbox.cancel_in_dashboard(outside)
    assert str(failing(lambda: stripe.refund(request))) == str(first)
    sandbox.advance(datetime.timedelta(hours=24))
    assert stripe.refund(request).refund_id == request.refund_id


def test_without_a_connection_nothing_was_sent(
    provider_with: Callable[..., Stripe], refund_of: RefundOf, sandbox: StripeSandbox
) -> None:
    with StripeSandbox() as gone:
        stripe = provider_with(gone)
    error = failing(lambda: stripe.refund(refund_of("pi_1")))
    assert (error.code, error.disposition) == (ErrorCode.NOT_SENT, Disposition.RETRY)


# --- answers that cannot be read -------------------------------------------------------------------------


@pytest.mark.parametrize(
    "wrong",
    [
        {"id": None},
        {"id": 1},
        {"object": "charge"},
        {"amount": "4495"},
        {"amount": 44.95},
        {"amount": True},
        {"currency": "xxx"},
        {"currency": None},
        {"created": "2026-11-23T09:00:00Z"},
        {"created": 10**18},
        {"status": 7},
        {"metadata": {"refund_id": 1}},
        {"charge": {"id": "ch_1"}},
    ],
)
def test_a_success_that_cannot_be_read_is_reconciled(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf, wrong: dict[str, object]
) -> None:
    request = refund_of(sandbox.pay(PAID))
    made = stripe.refund(request)
    body = sandbox.server.handle(sandbox.server.requests[-1]).body
    assert isinstance(body, dict)
    sandbox.server.handle = lambda _: SandboxResponse(status=200, body={**body, **wrong})
    for call in (lambda: stripe.refund(request), lambda: stripe.fetch_refund(request.target, made.reference)):
        error = failing(call)
        assert (error.code, error.disposition) == (ErrorCode.UNREADABLE_ANSWER, Disposition.RECONCILE)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"\xff\xfe", b'"re_1"', b"{", b"1" * 5000, b"[" * 100_000])
def test_a_success_without_a_refund_in_it_is_reconciled(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf, body: bytes
) -> None:
    sandbox.server.handle = lambda _: SandboxResponse(status=200, body=body)
    request = refund_of("pi_1")
    calls: list[Callable[[], Any]] = [
        lambda: stripe.refund(request),
        lambda: stripe.fetch_refund("pi_1", "re_1"),
        lambda: stripe.find_refund(request),
        lambda: stripe.list_refunds("pi_1"),
        lambda: stripe.cancel_refund("pi_1", "re_1"),
        stripe.check_settings,
    ]
    for call in calls:
        assert failing(call).code is ErrorCode.UNREADABLE_ANSWER


def test_fields_that_are_newer_than_our_version_are_no_fault(
    sandbox: StripeSandbox, stripe: Stripe, refund_of: RefundOf
) -> None:
    request = refund_of(sandbox.pay(PAID))
    stripe.refund(request)
    body = sandbox.server.handle(sandbox.server.requests[-1]).body
    assert isinstance(body, dict)
    newer = {**body, "status": "pending", "pending_reason": "insufficient_funds", "presentment_details": {"x": 1}}
    sandbox.server.handle = lambda _: SandboxResponse(status=200, body=newer)
    made = stripe.refund(request)
    assert (made.provider_status, made.reason) == ("pending", "the balance at Stripe is too low")
