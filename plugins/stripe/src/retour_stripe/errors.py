"""What Stripe's refusals mean. Codes: https://docs.stripe.com/error-codes; the rest is cited where it stands."""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from retour.providers import Answer, Disposition, ErrorCode, ProviderError, read_wire
from retour_stripe.wire import ErrorBody, Fault

KEY_WINDOW = datetime.timedelta(hours=24)
"""How long an idempotency key is kept at least: https://docs.stripe.com/api/idempotent_requests."""

_CODES: Mapping[str, ErrorCode] = {
    "charge_already_refunded": ErrorCode.ALREADY_REFUNDED,
    "amount_too_large": ErrorCode.AMOUNT_TOO_HIGH,
    "amount_too_small": ErrorCode.INVALID_REQUEST,
    "invalid_charge_amount_no_decimal_compatible": ErrorCode.INVALID_REQUEST,
    "charge_disputed": ErrorCode.DISPUTED,
    "refund_disputed_payment": ErrorCode.DISPUTED,
    "charge_not_refundable": ErrorCode.NOT_REFUNDABLE,
    "resource_missing": ErrorCode.UNKNOWN_PAYMENT,
    "balance_insufficient": ErrorCode.INSUFFICIENT_BALANCE,
    "idempotency_key_in_use": ErrorCode.IN_PROGRESS,
    "lock_timeout": ErrorCode.RATE_LIMITED,
    "rate_limit": ErrorCode.RATE_LIMITED,
    "api_key_expired": ErrorCode.AUTHENTICATION,
    "platform_api_key_expired": ErrorCode.AUTHENTICATION,
    "secret_key_required": ErrorCode.AUTHENTICATION,
    "livemode_mismatch": ErrorCode.CONFIGURATION,
    "testmode_charges_only": ErrorCode.CONFIGURATION,
}

_WORDS: Mapping[str, ErrorCode] = {
    # https://github.com/stripe/stripe-node/issues/149: the code beside it is the one of an unknown id
    "a similar object exists in": ErrorCode.CONFIGURATION,
    # https://github.com/woocommerce/woocommerce-gateway-stripe/issues/1315: which code is beside these is not known
    "is greater than unrefunded amount": ErrorCode.AMOUNT_TOO_HIGH,
    "is greater than charge amount": ErrorCode.AMOUNT_TOO_HIGH,
}
"""Refusals that only their text tells apart."""

_STATUSES: Mapping[int, ErrorCode] = {
    401: ErrorCode.AUTHENTICATION,
    403: ErrorCode.AUTHENTICATION,
    404: ErrorCode.UNKNOWN_PAYMENT,
    409: ErrorCode.IN_PROGRESS,
    429: ErrorCode.RATE_LIMITED,
}
"""For refusals whose code says nothing: https://docs.stripe.com/api/errors."""

_LONGEST_WAIT = 24 * 60 * 60
"""Seconds of a ``Retry-After`` that are believed at most."""

_LONGEST_MESSAGE = 1000
"""Characters of Stripe's words that are kept at most; it may send 40000 (schema ``api_errors``)."""


def refusal(answer: Answer) -> ProviderError:
    """The error that an answer other than 2xx means.

    A 5xx is unclear, also when Stripe replays it (``Idempotent-Replayed``): the first answer to a key is kept as it
    was, "including 500 errors". So is an answer in another shape than Stripe's, for something between us gave it.
    """
    if answer.status >= 500:
        return ProviderError(
            ErrorCode.UNAVAILABLE,
            f"Stripe answered {answer.status}" + (" again" if "idempotent-replayed" in answer.headers else ""),
            http_status=answer.status,
        )
    fault = _fault(answer)
    if fault is None and answer.status != 429:
        return ProviderError(
            ErrorCode.UNREADABLE_ANSWER, f"an answer {answer.status} that is not Stripe's", http_status=answer.status
        )
    fault = fault or Fault(type="", message="too many requests")
    code = _code(fault, answer.status)
    error = ProviderError(
        code,
        fault.message[:_LONGEST_MESSAGE] or fault.type,
        provider_code=fault.code or fault.type,
        http_status=answer.status,
        not_before=_wait(code, answer),
    )
    error.disposition = _disposition(error.disposition, answer)
    return error


def _code(fault: Fault, status: int) -> ErrorCode:
    if fault.type == "idempotency_error":
        return ErrorCode.IN_PROGRESS if status == 409 else ErrorCode.KEY_REUSED
    for words, code in _WORDS.items():
        if words in fault.message:
            return code
    return _CODES.get(fault.code) or _STATUSES.get(status, ErrorCode.INVALID_REQUEST)


def _disposition(usual: Disposition, answer: Answer) -> Disposition:
    """``Stripe-Should-Retry`` outranks the status, as in Stripe's own client (``_http_client.py``, ``_should_retry``).

    What is unclear stays so. What is certainly not done is sent again by itself, or only when a person wants it.
    """
    advice = answer.headers.get("stripe-should-retry", "")
    if usual in (Disposition.FINAL, Disposition.FIX) and advice == "true":
        return Disposition.RETRY
    if usual is Disposition.RETRY and advice == "false":
        return Disposition.FIX
    return usual


def _wait(code: ErrorCode, answer: Answer) -> datetime.timedelta | None:
    """How long the same request is of no use: until the key is forgotten, since a refusal is kept and replayed too."""
    if code is ErrorCode.INSUFFICIENT_BALANCE:
        return KEY_WINDOW
    seconds = answer.headers.get("retry-after", "")
    if seconds.isascii() and seconds.isdigit() and len(seconds) < 10:
        return datetime.timedelta(seconds=min(int(seconds), _LONGEST_WAIT))
    return None


def _fault(answer: Answer) -> Fault | None:
    """Stripe's own words, or None when the body holds none."""
    try:
        return read_wire(ErrorBody, answer.json()).error
    except ProviderError:
        return None
