"""The errors of the sandbox of PayPal: the issues of a refund in PayPal's words, and the body around them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

_HELP = "https://developer.paypal.com/docs/api/payments/v2/"

_NAMES = {
    400: ("INVALID_REQUEST", "Request is not well-formed, syntactically incorrect, or violates schema."),
    401: (
        "AUTHENTICATION_FAILURE",
        "Authentication failed due to missing authorization header, or invalid authentication credentials.",
    ),
    403: ("NOT_AUTHORIZED", "Authorization failed due to insufficient permissions."),
    404: ("RESOURCE_NOT_FOUND", "The specified resource does not exist."),
    409: ("RESOURCE_CONFLICT", "The server has detected a conflict while processing this request."),
    422: (
        "UNPROCESSABLE_ENTITY",
        "The requested action could not be performed, semantically incorrect, or failed business validation.",
    ),
    429: ("RATE_LIMIT_REACHED", "Too many requests. Blocked due to rate limiting."),
    500: ("INTERNAL_SERVER_ERROR", "An internal server error occurred."),
    503: ("SERVICE_UNAVAILABLE", "Service Unavailable."),
}

ISSUES: Mapping[str, tuple[int, str]] = {
    "MISSING_REQUIRED_PARAMETER": (400, "A required field / parameter is missing."),
    "INVALID_PARAMETER_SYNTAX": (400, "The value of a field does not conform to the expected format."),
    "INVALID_STRING_LENGTH": (400, "The value of a field is either too short or too long."),
    "INVALID_ACCOUNT_STATUS": (401, "Account validations failed for the user."),
    "PERMISSION_DENIED": (403, "You do not have permission to access or perform operations on this resource."),
    "INVALID_RESOURCE_ID": (
        404,
        "Specified resource ID does not exist. Please check the resource ID and try again.",
    ),
    "PREVIOUS_REQUEST_IN_PROGRESS": (
        409,
        "A previous request on this resource is currently in progress. Please wait for sometime and try again. It is "
        "best to space out the initial and the subsequent request(s) to avoid receiving this error.",
    ),
    "CANNOT_BE_ZERO_OR_NEGATIVE": (422, "Must be greater than zero."),
    "CANNOT_BE_NEGATIVE": (422, "Must be greater than or equal to zero."),
    "DECIMAL_PRECISION": (422, "The value of the field should not be more than two decimal places."),
    "DECIMALS_NOT_SUPPORTED": (422, "Currency does not support decimals."),
    "INVALID_CURRENCY_CODE": (422, "Currency code is invalid or is not currently supported."),
    "CURRENCY_MISMATCH": (422, "The currencies do not match."),
    "CAPTURE_FULLY_REFUNDED": (422, "The capture has already been fully refunded"),
    "REFUND_CAPTURE_CURRENCY_MISMATCH": (422, "Refund must be in the same currency as the capture"),
    "REFUND_NOT_ALLOWED": (422, "Capture cannot be refunded."),
    "REFUND_TIME_LIMIT_EXCEEDED": (422, "You are over the time limit to perform a refund on this capture"),
    "REFUND_AMOUNT_EXCEEDED": (
        422,
        "The refund amount must be less than or equal to the capture amount that has not yet been refunded.",
    ),
    "REFUND_AMOUNT_TOO_LOW": (
        422,
        "The amount after applying currency conversion is zero and hence the capture cannot be refunded. The currency "
        "conversion is required because the currency of the capture is different than the currency in which the "
        "amount was settled into the payee account.",
    ),
    "REFUND_FAILED_INSUFFICIENT_FUNDS": (
        422,
        "Capture could not be refunded due to insufficient funds. Please check to see if you have sufficient funds in "
        "your PayPal account or if the bank account linked to your PayPal account is verified and has sufficient "
        "funds.",
    ),
    "PARTIAL_REFUND_NOT_ALLOWED": (422, "You cannot do a refund less than the original capture amount."),
    "MAX_NUMBER_OF_REFUNDS_EXCEEDED": (
        422,
        "You have exceeded the maximum number of refund attempts for this capture.",
    ),
    "PENDING_CAPTURE": (
        422,
        "Cannot initiate a refund as the capture is pending. Capture is typically pending when the payer has funded "
        "the transaction using e-check/bank funded.",
    ),
    "DUPLICATE_INVOICE_ID": (422, "Invoice ID was previously used to refund a capture."),
    "PAYEE_ACCOUNT_LOCKED_OR_CLOSED": (
        422,
        "Transaction could not complete because payee account is locked or closed.",
    ),
    "PAYER_ACCOUNT_LOCKED_OR_CLOSED": (422, "The payer account cannot be used for this transaction."),
    "PAYEE_ACCOUNT_RESTRICTED": (422, "Payee account is restricted."),
    "REFUND_NOT_PERMITTED_DUE_TO_CHARGEBACK": (
        422,
        "Refunds are not allowed on this capture due to a chargeback on the card or bank. Please contact the payee to "
        "resolve the chargeback.",
    ),
    "TRANSACTION_DISPUTED": (
        422,
        "Partial refunds cannot be offered at this time because there is an open case on this transaction. Visit the "
        "PayPal Resolution Center to review this case.",
    ),
    "PLATFORM_FEE_EXCEEDED": (
        422,
        "Platform fee amount specified exceeds the amount that is available for refund. You can only refund up to the "
        "available platform fee amount. This error is also returned when no platform_fee was specified or was zero "
        "when the payment was captured.",
    ),
    "REFUND_IS_RESTRICTED": (
        422,
        "This refund can only be processed by the API caller that had 'captured' the transaction. If you facilitate "
        "your transactions via a platform/partner, please initiate a refund through them.",
    ),
    "PLATFORM_FEE_NOT_ENABLED": (
        422,
        "The API Caller account is not setup to be able to process refunds with 'platform_fees'. Please contact your "
        "Account Manager. This feature is useful when you want to contribute a portion of the 'platform_fees' you had "
        "capture as part of the refund being processed.",
    ),
}
"""The issues of a refund with their HTTP status and PayPal's words, which its description fixes for most."""


def error_body(status: int, issue: str = "", field: str = "") -> dict[str, Any]:
    """An error in PayPal's shape (schema ``error``), with one of `ISSUES` where it has one."""
    name, message = _NAMES[status]
    body: dict[str, Any] = {"name": name, "message": message, "debug_id": uuid.uuid4().hex[:13]}
    if issue:
        detail = {"issue": issue, "description": ISSUES[issue][1]}
        if field:
            detail["field"] = field
        body["details"] = [detail]
        body["links"] = [{"href": f"{_HELP}#error-{issue}", "rel": "information_link"}]
    return body
