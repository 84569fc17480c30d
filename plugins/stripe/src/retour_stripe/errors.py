"""What Stripe's refusals mean. Codes: https://docs.stripe.com/error-codes; the rest is cited where it stands."""

from __future__ import annotations

import datetime

from retour.providers import Answer, Disposition, ErrorCode, ProviderError, Refusals, Said, own_words
from retour.providers import refusal as refused
from retour_stripe.wire import ErrorBody

KEY_WINDOW = datetime.timedelta(hours=24)
"""How long an idempotency key is kept at least: https://docs.stripe.com/api/idempotent_requests."""

REFUSALS = Refusals(
    provider="Stripe",
    codes={
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
        # a type of errors, and no code (https://docs.stripe.com/api/errors)
        "idempotency_error": ErrorCode.KEY_REUSED,
        (409, "idempotency_error"): ErrorCode.IN_PROGRESS,
        "lock_timeout": ErrorCode.RATE_LIMITED,
        "rate_limit": ErrorCode.RATE_LIMITED,
        "api_key_expired": ErrorCode.AUTHENTICATION,
        "platform_api_key_expired": ErrorCode.AUTHENTICATION,
        "secret_key_required": ErrorCode.AUTHENTICATION,
        "livemode_mismatch": ErrorCode.CONFIGURATION,
        "testmode_charges_only": ErrorCode.CONFIGURATION,
    },
    words={
        # https://github.com/stripe/stripe-node/issues/149: the code beside it is the one of an unknown id
        "a similar object exists in": ErrorCode.CONFIGURATION,
        # https://github.com/woocommerce/woocommerce-gateway-stripe/issues/1315: which code is beside these is not known
        "is greater than unrefunded amount": ErrorCode.AMOUNT_TOO_HIGH,
        "is greater than charge amount": ErrorCode.AMOUNT_TOO_HIGH,
    },
    fallback=ErrorCode.INVALID_REQUEST,
    # a refusal is kept and replayed too: until the key is forgotten, the same request is of no use
    waits={ErrorCode.INSUFFICIENT_BALANCE: KEY_WINDOW},
)


def refusal(answer: Answer) -> ProviderError:
    """The error that an answer other than 2xx means.

    A 5xx is unclear, also when Stripe replays it (``Idempotent-Replayed``): the first answer to a key is kept as it
    was, "including 500 errors". ``Stripe-Should-Retry`` outranks the status, as in Stripe's own client
    (``_http_client.py``, ``_should_retry``), but what is unclear stays so. What is certainly not done is sent again by
    itself, or only when a person wants it.
    """
    advice = answer.headers.get("stripe-should-retry", "")

    def advised(usual: Disposition) -> Disposition:
        if usual in (Disposition.FINAL, Disposition.FIX) and advice == "true":
            return Disposition.RETRY
        if usual is Disposition.RETRY and advice == "false":
            return Disposition.FIX
        return usual

    return refused(answer, _said(answer), REFUSALS, advised=advised)


def _said(answer: Answer) -> Said | None:
    """Stripe's own words, or None when the body holds none."""
    body = own_words(ErrorBody, answer)
    if body is None:
        return None
    fault, again = body.error, answer.status >= 500 and "idempotent-replayed" in answer.headers
    codes = (fault.type, fault.code) if fault.type == "idempotency_error" else (fault.code, fault.type)
    return Said(codes=codes, message=fault.message, for_support="replayed" if again else "")
