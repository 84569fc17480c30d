"""What PayPal refuses, and what that means for the money.

PayPal says to decide on ``details[].issue``; its descriptions may change (schema ``error_details``).
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from retour.providers import Answer, ErrorCode, ProviderError, Refusals, Said, read_json
from retour.providers import refusal as refused

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

REFUSALS = Refusals(
    provider="PayPal",
    codes=ISSUES,
    fallback=ErrorCode.INVALID_REQUEST,
    # These are the same whoever gives them. Every other refusal is PayPal's only in PayPal's words: a gateway's 400 or
    # 404 may stand in for a PayPal that did the work.
    in_any_words={401, 403, 408, 409},
    unclear={"DUPLICATE_INVOICE_ID"},  # never legal again, and perhaps an earlier refund of ours
    # after a 429 without ``Retry-After``, as in PayPal's own sample: https://developer.paypal.com/api/rate-limiting
    waits={ErrorCode.RATE_LIMITED: datetime.timedelta(seconds=30)},
)


def refusal(answer: Answer) -> ProviderError:
    """The error that an answer outside 2xx means. Reads any body; the issue decides, else the status."""
    return refused(answer, _said(answer), REFUSALS)


def _said(answer: Answer) -> Said | None:
    """PayPal's error (schema ``error``), or that of its OAuth server: ``error`` and ``error_description``.

    It is the API's own when it has a ``name``, which every error of the API has, or an issue that we know; ``error`` is
    in many a gateway's.
    """
    try:
        body = read_json(answer.body)
    except ValueError:
        return None
    if not isinstance(body, dict):
        return None
    details = body.get("details")
    found = [detail for detail in details if isinstance(detail, dict)] if isinstance(details, list) else []
    issues = [_text(detail.get("issue")) for detail in found]
    said = [_text(detail.get("description")) for detail in found]
    said += [_text(body.get("message")), _text(body.get("error_description"))]
    name = _text(body.get("name"))
    debug_id = _text(body.get("debug_id")) or answer.headers.get("paypal-debug-id", "")
    return Said(
        codes=(*issues, name or _text(body.get("error"))),
        message=next(filter(None, said), ""),
        for_support=f"PayPal's debug_id: {debug_id}" if debug_id else "",
        own=bool(name) or not ISSUES.keys().isdisjoint(issues),
    )


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
