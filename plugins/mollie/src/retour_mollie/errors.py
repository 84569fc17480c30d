"""What Mollie's refusals mean.

Mollie has no error codes: a refusal is a status, the name of a field, and words. Status and field together are its code
here, such as ``422 amount.value``.
"""

from __future__ import annotations

import datetime
from enum import Enum, auto

from retour.providers import Answer, Disposition, ErrorCode, ProviderError, Refusals, Said, own_words
from retour.providers import refusal as refused
from retour_mollie import wire

DUPLICATE_WINDOW = datetime.timedelta(hours=1)
"""How long the same amount cannot be refunded again on the same payment, whatever the idempotency key
(source/payments/refunds.rst; operation ``create-refund``, 409)."""

REFUSALS = Refusals(
    provider="Mollie",
    words={
        # Same key, other parameters: 400 (source/overview/api-idempotency.rst). Its words are not documented.
        (400, "idempoten"): ErrorCode.KEY_REUSED,
        # Any other 409: "Another request with this Idempotency-Key is already being processed." (api-idempotency.rst)
        (409, "duplicate refund"): ErrorCode.DUPLICATE,
        # Too much, refunded in the dashboard meanwhile, or a try of ours that did succeed; once seen for a low balance
        # too (mollie/magento2#246, mollie/mollie-api-ruby#143).
        (422, "cannot be refunded"): ErrorCode.AMOUNT_TOO_HIGH,
    },
    codes={"422 amount.value": ErrorCode.AMOUNT_TOO_HIGH},
    # 404: unknown, or of the other mode; the text differs between 2024 and 2026 (handling-errors.rst, 404-invalid-id).
    statuses={
        400: ErrorCode.INVALID_REQUEST,
        405: ErrorCode.INVALID_REQUEST,
        410: ErrorCode.UNKNOWN_PAYMENT,
        415: ErrorCode.INVALID_REQUEST,
        422: ErrorCode.INVALID_REQUEST,
    },
    in_any_words={401, 403},
    waits={ErrorCode.DUPLICATE: DUPLICATE_WINDOW},
)


class Call(Enum):
    """What was asked. A refusal can mean more, or less, by it."""

    PAYMENT = auto()  # read a payment, or who we are: no refund is at stake
    MAKE = auto()  # make a refund
    REFUND = auto()  # read or cancel refunds: whatever is refused, it proves nothing of the refund itself


def refusal(answer: Answer, call: Call) -> ProviderError:
    """What an answer without success means.

    A 503 to the call that makes a refund is documented as certainly not performed (source/payments/refunds.rst): only
    where Mollie itself says so, now; a replayed one tells of an earlier try.
    """

    def advised(usual: Disposition) -> Disposition:
        if call is Call.MAKE and answer.status == 503 and not replayed(answer):
            return Disposition.RETRY
        if call is Call.REFUND and usual is Disposition.FINAL:
            return Disposition.RECONCILE
        return usual

    return refused(answer, _said(answer), REFUSALS, advised=advised)


def replayed(answer: Answer) -> bool:
    """Whether Mollie gave the answer to an earlier request with this key (api-idempotency.rst)."""
    return answer.headers.get("idempotent-replayed", "").strip().lower() == "true"


def _said(answer: Answer) -> Said | None:
    """The error as Mollie writes it, None if it is in nobody's or a gateway's words."""
    fault = own_words(wire.Fault, answer)
    if fault is None or fault.status != answer.status:
        return None
    return Said(codes=f"{fault.status} {fault.field or ''}".strip(), message=fault.detail or fault.title)
