"""What PayPal refuses, and what each refusal means for the money."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from typing import Any

import pytest

from retour.providers import Answer, Disposition, ErrorCode, Money, ProviderError
from retour_paypal import errors, sandbox
from retour_paypal.errors import ISSUES, refusal
from retour_paypal.provider import PayPal
from retour_paypal.sandbox import PayPalSandbox

RECONCILE, FIX, FINAL, RETRY = Disposition.RECONCILE, Disposition.FIX, Disposition.FINAL, Disposition.RETRY
DAY = datetime.timedelta(days=1)

REFUND_ISSUES = {
    "CANNOT_BE_ZERO_OR_NEGATIVE": FINAL,
    "CANNOT_BE_NEGATIVE": FINAL,
    "DECIMAL_PRECISION": FINAL,
    "DECIMALS_NOT_SUPPORTED": FINAL,
    "INVALID_CURRENCY_CODE": FINAL,
    "CURRENCY_MISMATCH": FINAL,
    "REFUND_CAPTURE_CURRENCY_MISMATCH": FINAL,
    "REFUND_AMOUNT_TOO_LOW": FINAL,
    "PLATFORM_FEE_EXCEEDED": FINAL,
    "CAPTURE_FULLY_REFUNDED": FINAL,
    "REFUND_AMOUNT_EXCEEDED": FINAL,
    "REFUND_TIME_LIMIT_EXCEEDED": FINAL,
    "REFUND_FAILED_INSUFFICIENT_FUNDS": FIX,
    "PENDING_CAPTURE": RETRY,
    "DUPLICATE_INVOICE_ID": RECONCILE,
    "REFUND_NOT_ALLOWED": FINAL,
    "PARTIAL_REFUND_NOT_ALLOWED": FINAL,
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": FINAL,
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": FINAL,
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": FINAL,
    "TRANSACTION_DISPUTED": FINAL,
    "PAYEE_ACCOUNT_LOCKED_OR_CLOSED": FIX,
    "PAYEE_ACCOUNT_RESTRICTED": FIX,
    "REFUND_IS_RESTRICTED": FIX,
    "PLATFORM_FEE_NOT_ENABLED": FIX,
    "MISSING_REQUIRED_PARAMETER": FINAL,
    "INVALID_PARAMETER_SYNTAX": FINAL,
    "INVALID_STRING_LENGTH": FINAL,
    "INVALID_ACCOUNT_STATUS": FIX,
    "PERMISSION_DENIED": FIX,
    "INVALID_RESOURCE_ID": FINAL,
    "PREVIOUS_REQUEST_IN_PROGRESS": RECONCILE,
}


def issues_in(schema: Any) -> Iterator[str]:
    """Every issue that a schema of PayPal's description names."""
    if isinstance(schema, dict):
        if isinstance(schema.get("issue"), dict):
            yield from schema["issue"].get("enum", ())
        for inner in schema.values():
            yield from issues_in(inner)
    if isinstance(schema, list):
        for inner in schema:
            yield from issues_in(inner)


@pytest.mark.parametrize("issue, disposition", REFUND_ISSUES.items())
def test_every_issue_means_the_right_thing_for_the_money_and_keeps_paypals_words(
    paypal: PayPal, sandbox: PayPalSandbox, a: Any, issue: str, disposition: Disposition
) -> None:
    capture = sandbox.pay(Money.of("94.95", "EUR"))
    sandbox.refuse_next(issue)
    if issue == "INVALID_ACCOUNT_STATUS":
        sandbox.refuse_next(issue)  # a 401 is tried once more with a new token
    with pytest.raises(ProviderError) as caught:
        paypal.refund(a.request(capture))
    status, words = sandbox_issue(issue)
    error = caught.value
    assert (error.code, error.disposition) == (ISSUES[issue], disposition)
    assert (error.provider_code, error.http_status) == (issue, status)
    assert error.message.startswith(words)
    assert "debug_id" in error.message


def sandbox_issue(issue: str) -> tuple[int, str]:
    return sandbox.ISSUES[issue]


def test_every_issue_of_a_refund_in_paypals_description_is_known(description: Any) -> None:
    """A new one in a new description fails here until it has a code."""
    schemas = description.document["components"]["schemas"]
    refund = ["captures.refund-422", "captures.refund-400", "400", "401", "403", "404", "409"]
    described = {issue for name in refund for issue in issues_in(schemas[name])}
    assert len(described) > 30
    assert described - ISSUES.keys() == set()
    assert ISSUES.keys() - described == set()
    operation = description.document["paths"]["/v2/payments/captures/{capture_id}/refund"]["post"]
    own = {answer.get("content") and json.dumps(answer["content"]) for answer in operation["responses"].values()}
    named = {name for name in refund for content in own if content and f'/{name}"' in content}
    assert named == set(refund) - {"400"}


def test_the_sandbox_can_refuse_with_every_issue_of_a_refund() -> None:
    assert set(REFUND_ISSUES) == set(sandbox.ISSUES)
    assert set(sandbox.ISSUES) | {"INVALID_PARAMETER_VALUE", "INVALID_STRING_MAX_LENGTH"} == set(errors.ISSUES)


# --- the sandbox refuses as PayPal does, and we understand it --------------------------------------------


@pytest.fixture
def capture(sandbox: PayPalSandbox) -> str:
    return sandbox.pay(Money.of("94.95", "EUR"))


def refused(paypal: PayPal, request: Any) -> ProviderError:
    with pytest.raises(ProviderError) as caught:
        paypal.refund(request)
    return caught.value


def test_a_capture_that_is_refunded_already_is_looked_up_before_anything_else(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    sandbox.refund_in_dashboard(capture, Money.of("94.95", "EUR"))
    error = refused(paypal, a.request(capture))
    assert (error.code, error.provider_code) == (ErrorCode.ALREADY_REFUNDED, "CAPTURE_FULLY_REFUNDED")


def test_more_than_is_left_is_refused(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    sandbox.refund_in_dashboard(capture, Money.of("60.00", "EUR"))
    assert refused(paypal, a.request(capture)).code is ErrorCode.AMOUNT_TOO_HIGH


def test_after_180_days_it_is_too_late(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    sandbox.advance(180 * DAY)
    paypal.refund(a.request(capture, "1.00"))
    sandbox.advance(DAY)
    error = refused(paypal, a.request(capture, number=2))
    assert (error.code, error.disposition) == (ErrorCode.TOO_LATE, FINAL)
    assert paypal.capabilities.refund_window_days == 180


def test_too_little_money_at_paypal_is_for_a_person_and_then_the_same_request_is_made(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    sandbox.set_balance(Money.of("10.00", "EUR"))
    error = refused(paypal, a.request(capture))
    assert (error.code, error.disposition) == (ErrorCode.INSUFFICIENT_BALANCE, FIX)
    assert "insufficient funds" in error.message
    sandbox.set_balance(Money.of("50.00", "EUR"))
    assert paypal.refund(a.request(capture)).amount == Money.of("44.95", "EUR")
    assert refused(paypal, a.request(capture, "40.00", number=2)).code is ErrorCode.INSUFFICIENT_BALANCE


def test_a_pending_payment_is_refunded_once_it_came_in(paypal: PayPal, sandbox: PayPalSandbox, a: Any) -> None:
    capture = sandbox.pay(Money.of("94.95", "EUR"), status="PENDING")
    error = refused(paypal, a.request(capture))
    assert (error.code, error.disposition) == (ErrorCode.NOT_YET, RETRY)
    sandbox.complete_payment(capture)
    paypal.refund(a.request(capture))


def test_while_a_dispute_is_open_only_a_full_refund_is_possible(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    sandbox.open_dispute(capture)
    assert refused(paypal, a.request(capture)).code is ErrorCode.DISPUTED
    paypal.refund(a.request(capture, "94.95", number=2))


def test_after_a_chargeback_no_refund_is_possible(paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any) -> None:
    sandbox.charge_back(capture)
    assert refused(paypal, a.request(capture, "94.95")).provider_code == "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK"
    [event] = [json.loads(webhook.body) for webhook in sandbox.take_webhooks()]
    assert event["resource"]["status_details"] == {"reason": "CHARGEBACK"}


def test_a_payment_has_a_largest_number_of_refunds(
    paypal: PayPal, sandbox: PayPalSandbox, capture: str, a: Any
) -> None:
    sandbox.max_refunds = 1
    paypal.refund(a.request(capture, "1.00"))
    assert refused(paypal, a.request(capture, "1.00", number=2)).code is ErrorCode.NOT_REFUNDABLE


def test_another_currency_than_the_payments_is_refused(paypal: PayPal, capture: str, a: Any) -> None:
    error = refused(paypal, a.request(capture, currency="USD"))
    assert (error.code, error.provider_code) == (ErrorCode.INVALID_REQUEST, "REFUND_CAPTURE_CURRENCY_MISMATCH")


def test_zero_is_refused(paypal: PayPal, capture: str, a: Any) -> None:
    assert refused(paypal, a.request(capture, "0.00")).provider_code == "CANNOT_BE_ZERO_OR_NEGATIVE"


# --- reading any refusal ---------------------------------------------------------------------------------


def answer(status: int, body: object = b"", **headers: str) -> Answer:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Answer(status=status, headers={name.replace("_", "-"): text for name, text in headers.items()}, body=content)


IN_PAYPALS_WORDS = {
    400: (ErrorCode.INVALID_REQUEST, FINAL),
    404: (ErrorCode.UNKNOWN_PAYMENT, FINAL),
    405: (ErrorCode.INVALID_REQUEST, FINAL),
    415: (ErrorCode.INVALID_REQUEST, FINAL),
    422: (ErrorCode.INVALID_REQUEST, FINAL),
}
"""What PayPal's refusals mean without an issue that we know."""

NOT_PAYPALS = (b"", b"<html>", b"\xff", b"[]", b"7", b"null", b"[" * 100_000, {"details": 1}, {"details": [1, {}]})


@pytest.mark.parametrize("status", IN_PAYPALS_WORDS)
def test_without_an_issue_the_status_of_paypals_own_error_decides(status: int) -> None:
    error = refusal(answer(status, {"name": "SOME_ERROR", "message": "No.", "details": [{"issue": "NEW"}]}))
    assert (error.code, error.disposition) == IN_PAYPALS_WORDS[status]


@pytest.mark.parametrize("status", [*IN_PAYPALS_WORDS, 410, 413, 418, 451])
@pytest.mark.parametrize("body", [*NOT_PAYPALS, {"message": "Forbidden", "error": "no"}])
def test_a_refusal_that_is_not_in_paypals_words_refuses_nothing(status: int, body: object) -> None:
    """Something between us gave it, perhaps after PayPal had done the work."""
    error = refusal(answer(status, body))
    assert (error.code, error.disposition) == (ErrorCode.UNREADABLE_ANSWER, RECONCILE)


@pytest.mark.parametrize(
    "status, code, disposition",
    [
        (302, ErrorCode.UNREADABLE_ANSWER, RECONCILE),
        (401, ErrorCode.AUTHENTICATION, FIX),
        (403, ErrorCode.AUTHENTICATION, FIX),
        (408, ErrorCode.OUTCOME_UNKNOWN, RECONCILE),
        (409, ErrorCode.IN_PROGRESS, RECONCILE),
        (429, ErrorCode.RATE_LIMITED, RETRY),
        (500, ErrorCode.UNAVAILABLE, RECONCILE),
        (502, ErrorCode.UNAVAILABLE, RECONCILE),
        (503, ErrorCode.UNAVAILABLE, RECONCILE),
        (599, ErrorCode.UNAVAILABLE, RECONCILE),
    ],
)
@pytest.mark.parametrize("body", NOT_PAYPALS)
def test_a_status_that_is_the_same_in_anybodys_words_decides_whatever_the_body_is(
    status: int, code: ErrorCode, disposition: Disposition, body: object
) -> None:
    error = refusal(answer(status, body))
    assert (error.code, error.disposition, error.http_status) == (code, disposition, status)


@pytest.mark.parametrize("status", [500, 503])
def test_an_issue_in_a_5xx_makes_nothing_certain(status: int) -> None:
    error = refusal(answer(status, {"details": [{"issue": "REFUND_NOT_ALLOWED"}]}))
    assert (error.code, error.disposition) == (ErrorCode.UNAVAILABLE, RECONCILE)
    assert error.provider_code == "REFUND_NOT_ALLOWED"


def test_an_issue_that_we_do_not_know_is_kept_in_paypals_words() -> None:
    error = refusal(answer(422, {"name": "UNPROCESSABLE_ENTITY", "details": [{"issue": "NEW", "description": "Why."}]}))
    assert (error.code, error.provider_code, error.message) == (ErrorCode.INVALID_REQUEST, "NEW", "Why.")


def test_the_issue_that_we_know_decides_among_several() -> None:
    body = {"details": [{"issue": "NEW"}, {"issue": "CAPTURE_FULLY_REFUNDED"}]}
    assert refusal(answer(422, body)).code is ErrorCode.ALREADY_REFUNDED


def test_a_rejected_token_is_understood_in_the_shape_of_oauth_too() -> None:
    """Which of the two shapes PayPal uses is not confirmed."""
    error = refusal(answer(401, {"error": "invalid_token", "error_description": "Token signature failed"}))
    assert (error.code, error.provider_code) == (ErrorCode.AUTHENTICATION, "invalid_token")
    assert error.message == "Token signature failed"


@pytest.mark.parametrize(
    "said, seconds",
    [("7", 7), (" 7 ", 7), (None, 30), ("", 30), ("soon", 30), ("-5", 30), ("٧", 30), ("9" * 9, 86_400), ("1.5", 30)],
)
def test_a_429_is_waited_for_as_long_as_paypal_says_or_half_a_minute(said: str | None, seconds: int) -> None:
    headers = {} if said is None else {"retry_after": said}
    error = refusal(answer(429, {"name": "RATE_LIMIT_REACHED"}, **headers))
    assert (error.code, error.provider_code) == (ErrorCode.RATE_LIMITED, "RATE_LIMIT_REACHED")
    assert error.not_before == datetime.timedelta(seconds=seconds)


def test_the_debug_id_is_told_for_paypals_support() -> None:
    assert "90957fca61718" in refusal(answer(500, {"message": "No.", "debug_id": "90957fca61718"})).message
    assert "90957fca61718" in refusal(answer(500, {"message": "No."}, paypal_debug_id="90957fca61718")).message
