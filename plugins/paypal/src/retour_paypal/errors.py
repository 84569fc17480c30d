"""What PayPal refuses, and what that means for the money.

PayPal says to decide on ``details[].issue``; its descriptions may change (schema ``error_details``).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from retour.providers import Answer, Disposition, ErrorCode, ProviderError, read_json

ISSUES: Mapping[str, ErrorCode] = {
    # captures.refund-422
    "CANNOT_BE_ZERO_OR_NEGATIVE": ErrorCode.INVALID_REQUEST,
    "CANNOT_BE_NEGATIVE": ErrorCode.INVALID_REQUEST,
    "DECIMAL_PRECISION": ErrorCode.INVALID_REQUEST,
    "DECIMALS_NOT_SUPPORTED": ErrorCode.INVALID_REQUEST,
    "INVALID_CURRENCY_CODE": ErrorCode.INVALID_REQUEST,
    "CURRENCY_MISMATCH": ErrorCode.INVALID_REQUEST,
    "REFUND_CAPTURE_CURRENCY_MISMATCH": ErrorCode.INVALID_REQUEST,
    "REFUND_AMOUNT_TOO_LOW": ErrorCode.INVALID_REQUEST,
    "PLATFORM_FEE_EXCEEDED": ErrorCode.INVALID_REQUEST,
    "CAPTURE_FULLY_REFUNDED": ErrorCode.ALREADY_REFUNDED,
    "REFUND_AMOUNT_EXCEEDED": ErrorCode.AMOUNT_TOO_HIGH,
    "REFUND_TIME_LIMIT_EXCEEDED": ErrorCode.TOO_LATE,
    "REFUND_FAILED_INSUFFICIENT_FUNDS": ErrorCode.INSUFFICIENT_BALANCE,
    "PENDING_CAPTURE": ErrorCode.NOT_YET,
    "DUPLICATE_INVOICE_ID": ErrorCode.DUPLICATE,
    "REFUND_NOT_ALLOWED": ErrorCode.NOT_REFUNDABLE,
    "PARTIAL_REFUND_NOT_ALLOWED": ErrorCode.NOT_REFUNDABLE,
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": ErrorCode.NOT_REFUNDABLE,
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": ErrorCode.NOT_REFUNDABLE,
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": ErrorCode.DISPUTED,
    "TRANSACTION_DISPUTED": ErrorCode.DISPUTED,
    "PAYEE_ACCOUNT_LOCKED_OR_CLOSED": ErrorCode.CONFIGURATION,
    "PAYEE_ACCOUNT_RESTRICTED": ErrorCode.CONFIGURATION,
    "REFUND_IS_RESTRICTED": ErrorCode.CONFIGURATION,  # only the app that captured the payment may refund it
    "PLATFORM_FEE_NOT_ENABLED": ErrorCode.CONFIGURATION,
    # captures.refund-400 and 400
    "MISSING_REQUIRED_PARAMETER": ErrorCode.INVALID_REQUEST,
    "INVALID_PARAMETER_SYNTAX": ErrorCode.INVALID_REQUEST,
    "INVALID_PARAMETER_VALUE": ErrorCode.INVALID_REQUEST,
    "INVALID_STRING_LENGTH": ErrorCode.INVALID_REQUEST,
    "INVALID_STRING_MAX_LENGTH": ErrorCode.INVALID_REQUEST,
    # 401, 403, 404, 409
    "INVALID_ACCOUNT_STATUS": ErrorCode.AUTHENTICATION,
    "PERMISSION_DENIED": ErrorCode.AUTHENTICATION,
    "INVALID_RESOURCE_ID": ErrorCode.UNKNOWN_PAYMENT,
    "PREVIOUS_REQUEST_IN_PROGRESS": ErrorCode.IN_PROGRESS,
}
"""Every issue that PayPal's description of Payments v2 knows for a refund."""

SHARPER: Mapping[str, Disposition] = {
    "DUPLICATE_INVOICE_ID": Disposition.RECONCILE,  # never legal again, and perhaps an earlier refund of ours
}
"""Issues that mean something else for the money than their code does."""

_STATUSES: Mapping[int, ErrorCode] = {
    401: ErrorCode.AUTHENTICATION,
    403: ErrorCode.AUTHENTICATION,
    404: ErrorCode.UNKNOWN_PAYMENT,
    408: ErrorCode.OUTCOME_UNKNOWN,
    409: ErrorCode.IN_PROGRESS,
    429: ErrorCode.RATE_LIMITED,
}

_CLEAR_IN_ANY_WORDS = frozenset({401, 403, 408, 409, 429})
"""Statuses that are the same whoever gives them. Every other refusal is PayPal's only in PayPal's words: a gateway's
400 or 404 may stand in for a PayPal that did the work."""

RETRY_AFTER = datetime.timedelta(seconds=30)
"""How long to wait after a 429 without ``Retry-After``, as PayPal's own sample does.

https://developer.paypal.com/api/rate-limiting
"""

_LONGEST_WAIT = 24 * 60 * 60


def refusal(answer: Answer) -> ProviderError:
    """The error that an answer outside 2xx means. Reads any body; the issue decides, else the status."""
    body = _fields(answer)
    issue = next((name for name in body.issues if name in ISSUES), "")
    code = body.issues[0] if body.issues and not issue else issue or body.name
    return ProviderError(
        _code(answer.status, issue, own=body.own or bool(issue)),
        body.words or f"PayPal answered {answer.status}",
        disposition=SHARPER.get(issue) if answer.status < 500 else None,
        provider_code=code,
        http_status=answer.status,
        not_before=_wait(answer) if answer.status == 429 else None,
    )


def _code(status: int, issue: str, *, own: bool) -> ErrorCode:
    if status >= 500:
        return ErrorCode.UNAVAILABLE
    if status < 400 or (not own and status not in _CLEAR_IN_ANY_WORDS):
        return ErrorCode.UNREADABLE_ANSWER
    if status == 429:
        return ErrorCode.RATE_LIMITED
    return ISSUES.get(issue) or _STATUSES.get(status, ErrorCode.INVALID_REQUEST)


class _Body:
    """What an error says of itself, however little that is."""

    def __init__(self, name: str = "", issues: tuple[str, ...] = (), words: str = "", *, own: bool = False) -> None:
        self.name = name
        self.issues = issues
        self.words = words
        self.own = own


def _fields(answer: Answer) -> _Body:
    """PayPal's error (schema ``error``), or that of its OAuth server: ``error`` and ``error_description``.

    It is the API's ``own`` when it has a ``name``, which every error of the API has; ``error`` is in many a gateway's.
    """
    try:
        body = read_json(answer.body)
    except ValueError:
        return _Body()
    if not isinstance(body, dict):
        return _Body()
    details = body.get("details")
    found = [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    issues = tuple(issue for detail in found if (issue := _text(detail.get("issue"))))
    words = next(
        (
            text
            for text in (
                *(_text(detail.get("description")) for detail in found),
                _text(body.get("message")),
                _text(body.get("error_description")),
            )
            if text
        ),
        "",
    )
    debug_id = _text(body.get("debug_id")) or answer.headers.get("paypal-debug-id", "")
    if words and debug_id:
        words = f"{words} [PayPal's debug_id: {debug_id}]"
    name = _text(body.get("name"))
    return _Body(name or _text(body.get("error")), issues, words, own=bool(name))


def _text(value: object) -> str:
    return value[:500] if isinstance(value, str) else ""


def _wait(answer: Answer) -> datetime.timedelta:
    """``Retry-After`` in seconds, at most a day."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isascii() and said.isdigit() and len(said) < 10:
        return datetime.timedelta(seconds=min(int(said), _LONGEST_WAIT))
    return RETRY_AFTER
