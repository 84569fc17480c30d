"""What each of Mollie's refusals means."""

from __future__ import annotations

import datetime
import json

import pytest

from retour.providers import Answer, Disposition, ErrorCode
from retour_mollie.errors import REFUSALS, Call, refusal

HOUR = datetime.timedelta(hours=1)
RETRY, FIX, FINAL, RECONCILE = Disposition.RETRY, Disposition.FIX, Disposition.FINAL, Disposition.RECONCILE


def answer(status: int, detail: str = "", field: str = "", **headers: str) -> Answer:
    """A refusal as Mollie writes it."""
    body = {"status": status, "title": "Title", "detail": detail} | ({"field": field} if field else {})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status=status, headers=named, body=json.dumps(body).encode())


@pytest.mark.parametrize(
    "status, field, detail, code, disposition",
    [
        (400, "", "This Idempotency-Key was used with other parameters.", ErrorCode.KEY_REUSED, RECONCILE),
        (400, "from", "Invalid cursor value", ErrorCode.INVALID_REQUEST, FINAL),
        (401, "", "Missing authentication, or failed to authenticate", ErrorCode.AUTHENTICATION, FIX),
        (403, "", "No permission", ErrorCode.AUTHENTICATION, FIX),
        (404, "", "No payment exists with token tr_1.", ErrorCode.UNKNOWN_PAYMENT, FINAL),
        (404, "", "No entity exists with token 'tr_1'", ErrorCode.UNKNOWN_PAYMENT, FINAL),
        (405, "", "Method not allowed", ErrorCode.INVALID_REQUEST, FINAL),
        (409, "", "A duplicate refund has been detected", ErrorCode.DUPLICATE, RETRY),
        (
            409,
            "",
            "Another request with this Idempotency-Key is already being processed.",
            ErrorCode.IN_PROGRESS,
            RECONCILE,
        ),
        (409, "", "Anything else", ErrorCode.IN_PROGRESS, RECONCILE),
        (410, "", "Gone", ErrorCode.UNKNOWN_PAYMENT, FINAL),
        (415, "", "Unsupported Media Type", ErrorCode.INVALID_REQUEST, FINAL),
        (422, "amount", "The 'amount' field is missing", ErrorCode.INVALID_REQUEST, FINAL),
        (422, "amount", "The amount is required for payments", ErrorCode.INVALID_REQUEST, FINAL),
        (422, "amount.value", "The specified amount cannot be refunded", ErrorCode.AMOUNT_TOO_HIGH, FINAL),
        (422, "amount.value", "In words not known yet", ErrorCode.AMOUNT_TOO_HIGH, FINAL),
        (422, "", "The specified amount cannot be refunded", ErrorCode.AMOUNT_TOO_HIGH, FINAL),
        (422, "description", "The description is too long", ErrorCode.INVALID_REQUEST, FINAL),
        (429, "", "You have exceeded the rate limit.", ErrorCode.RATE_LIMITED, RETRY),
        (500, "", "Internal Server Error", ErrorCode.UNAVAILABLE, RECONCILE),
        (502, "", "Bad Gateway", ErrorCode.UNAVAILABLE, RECONCILE),
        (503, "", "Service Unavailable", ErrorCode.UNAVAILABLE, RETRY),
        (504, "", "Gateway Timeout", ErrorCode.UNAVAILABLE, RECONCILE),
        (418, "", "Not documented", ErrorCode.UNREADABLE_ANSWER, RECONCILE),
    ],
)
def test_a_refusal_to_make_a_refund(
    status: int, field: str, detail: str, code: ErrorCode, disposition: Disposition
) -> None:
    error = refusal(answer(status, detail, field), Call.MAKE)
    assert (error.code, error.disposition) == (code, disposition)
    assert (error.message, error.http_status) == (detail, status)
    assert error.provider_code == f"{status} {field}".strip()
    assert error.not_before == (HOUR if code is ErrorCode.DUPLICATE else None)


@pytest.mark.parametrize("status", sorted({*REFUSALS.statuses, 401, 403, 404, 408, 409, 418, 425, 429}))
def test_a_refusal_to_read_or_cancel_a_refund_never_says_that_it_was_not_made(status: int) -> None:
    error = refusal(answer(status), Call.REFUND)
    assert error.disposition is not FINAL
    assert (error.disposition is RETRY) is (error.code is ErrorCode.RATE_LIMITED)


@pytest.mark.parametrize("call", [Call.REFUND, Call.PAYMENT])
def test_a_503_means_not_done_only_for_the_call_that_makes_a_refund(call: Call) -> None:
    assert refusal(answer(503, "Service Unavailable"), call).disposition is RECONCILE


def test_a_503_of_a_gateway_is_unclear() -> None:
    gateway = Answer(status=503, headers={}, body=b"<html>Service Unavailable</html>")
    assert refusal(gateway, Call.MAKE).disposition is RECONCILE


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_a_5xx_that_is_replayed_stays_unclear(status: int) -> None:
    assert refusal(answer(status, idempotent_replayed="true"), Call.MAKE).disposition is RECONCILE


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"null", b'"text"', b"{}", b'{"status": 404}', b"\xff"])
@pytest.mark.parametrize("status", [400, 404, 409, 410, 422])
def test_a_refusal_in_words_that_are_not_mollies_is_unclear(status: int, body: bytes) -> None:
    error = refusal(Answer(status=status, headers={}, body=body), Call.MAKE)
    assert (error.code, error.disposition) == (ErrorCode.UNREADABLE_ANSWER, RECONCILE)
    assert str(status) in error.message


@pytest.mark.parametrize("status, disposition", [(401, FIX), (403, FIX), (429, RETRY)])
def test_a_wrong_key_and_too_many_requests_are_clear_in_any_words(status: int, disposition: Disposition) -> None:
    assert refusal(Answer(status=status, headers={}, body=b"<html>"), Call.MAKE).disposition is disposition


def test_an_error_that_is_about_another_status_is_not_believed() -> None:
    mixed = Answer(status=409, headers={}, body=answer(422, "The specified amount cannot be refunded").body)
    assert refusal(mixed, Call.MAKE).code is ErrorCode.UNREADABLE_ANSWER


@pytest.mark.parametrize(
    "header, seconds", [("30", 30), (" 5 ", 5), ("", None), ("-1", None), ("soon", None), ("٣", None), ("9" * 20, None)]
)
def test_retry_after_is_taken_if_it_is_there(header: str, seconds: int | None) -> None:
    """Whether Mollie sends it is not documented."""
    wait = refusal(answer(429, "Too many", retry_after=header), Call.MAKE).not_before
    assert wait == (None if seconds is None else datetime.timedelta(seconds=seconds))


def test_long_words_are_cut() -> None:
    assert len(refusal(answer(422, "x" * 100_000), Call.MAKE).message) == 500
