"""What Mollie's refusals mean.

Mollie has no error codes: a refusal is a status, the name of a field, and words. The rules below are read from the
top, and the first that fits says what it means.
"""

from __future__ import annotations

import datetime
import re
from enum import Enum, auto

import attrs

from retour.providers import Answer, Disposition, ErrorCode, ProviderError, read_wire
from retour_mollie import wire

DUPLICATE_WINDOW = datetime.timedelta(hours=1)
"""How long the same amount cannot be refunded again on the same payment, whatever the idempotency key
(source/payments/refunds.rst; operation ``create-refund``, 409)."""

LONGEST_WORDS = 500
"""Characters of Mollie's words that are kept."""


class Call(Enum):
    """What was asked. A refusal can mean more, or less, by it."""

    PAYMENT = auto()  # read a payment, or who we are: no refund is at stake
    MAKE = auto()  # make a refund
    REFUND = auto()  # read or cancel refunds: whatever is refused, it proves nothing of the refund itself


@attrs.frozen(kw_only=True)
class Rule:
    """A refusal with this ``status``, whose detail holds ``says`` and whose field is ``field``, if they are given."""

    status: int
    code: ErrorCode
    says: str = ""
    field: str = ""
    not_before: datetime.timedelta | None = None

    def fits(self, fault: wire.Fault) -> bool:
        """Whether this is what Mollie said."""
        return (
            self.status == fault.status
            and self.says in fault.detail.lower()
            and (not self.field or self.field == fault.field)
        )


RULES = (
    # Same key, other parameters: 400 (source/overview/api-idempotency.rst). Its words are not documented.
    Rule(status=400, says="idempoten", code=ErrorCode.KEY_REUSED),
    Rule(status=400, code=ErrorCode.INVALID_REQUEST),
    Rule(status=401, code=ErrorCode.AUTHENTICATION),
    Rule(status=403, code=ErrorCode.AUTHENTICATION),
    # Unknown, or of the other mode; the text differs between 2024 and 2026 (handling-errors.rst, 404-invalid-id).
    Rule(status=404, code=ErrorCode.UNKNOWN_PAYMENT),
    Rule(status=405, code=ErrorCode.INVALID_REQUEST),
    Rule(status=409, says="duplicate refund", code=ErrorCode.DUPLICATE, not_before=DUPLICATE_WINDOW),
    # "Another request with this Idempotency-Key is already being processed." (api-idempotency.rst)
    Rule(status=409, code=ErrorCode.IN_PROGRESS),
    Rule(status=410, code=ErrorCode.UNKNOWN_PAYMENT),
    Rule(status=415, code=ErrorCode.INVALID_REQUEST),
    # "The specified amount cannot be refunded": too much, refunded in the dashboard meanwhile, or a try of ours that
    # did succeed; once seen for a low balance too (mollie/magento2#246, mollie/mollie-api-ruby#143).
    Rule(status=422, field="amount.value", code=ErrorCode.AMOUNT_TOO_HIGH),
    Rule(status=422, says="cannot be refunded", code=ErrorCode.AMOUNT_TOO_HIGH),
    Rule(status=422, code=ErrorCode.INVALID_REQUEST),
    Rule(status=429, code=ErrorCode.RATE_LIMITED),
)

_CLEAR_IN_ANY_WORDS = frozenset({401, 403, 429})
_FINAL = frozenset({ErrorCode.INVALID_REQUEST, ErrorCode.UNKNOWN_PAYMENT})
_SECONDS = re.compile(r"[0-9]{1,5}")


def refusal(answer: Answer, call: Call) -> ProviderError:
    """What an answer without success means."""
    fault = _fault(answer)
    code, waits = _meaning(answer, fault)
    words = (fault.detail or fault.title) if fault else f"Mollie answered {answer.status}, not in its own words."
    return ProviderError(
        code,
        words[:LONGEST_WORDS],
        disposition=_sharper(code, answer, fault, call),
        provider_code=f"{answer.status} {fault.field}" if fault and fault.field else str(answer.status),
        http_status=answer.status,
        not_before=_retry_after(answer) if code is ErrorCode.RATE_LIMITED else waits,
    )


def _meaning(answer: Answer, fault: wire.Fault | None) -> tuple[ErrorCode, datetime.timedelta | None]:
    """By status and words. A gateway's refusal is believed where it is the same in anybody's words, else unreadable."""
    if answer.status >= 500:
        return ErrorCode.UNAVAILABLE, None
    if fault is None and answer.status not in _CLEAR_IN_ANY_WORDS:
        return ErrorCode.UNREADABLE_ANSWER, None
    said = fault or wire.Fault(status=answer.status, title="", detail="")
    for rule in RULES:
        if rule.fits(said):
            return rule.code, rule.not_before
    return ErrorCode.UNREADABLE_ANSWER, None


def _sharper(code: ErrorCode, answer: Answer, fault: wire.Fault | None, call: Call) -> Disposition | None:
    """Where the call says more than the code.

    A 503 to the call that makes a refund is documented as certainly not performed (source/payments/refunds.rst): only
    where Mollie itself says so, now; one in other words is a gateway's, a replayed one tells of an earlier try.
    """
    if call is Call.MAKE and answer.status == 503 and fault is not None and not replayed(answer):
        return Disposition.RETRY
    if call is Call.REFUND and code in _FINAL:
        return Disposition.RECONCILE
    return None


def replayed(answer: Answer) -> bool:
    """Whether Mollie gave the answer to an earlier request with this key (api-idempotency.rst)."""
    return answer.headers.get("idempotent-replayed", "").strip().lower() == "true"


def _fault(answer: Answer) -> wire.Fault | None:
    """The error as Mollie writes it, None if it is in nobody's or a gateway's words."""
    try:
        fault = read_wire(wire.Fault, answer.json())
    except ProviderError:
        return None
    return fault if fault.status == answer.status else None


def _retry_after(answer: Answer) -> datetime.timedelta | None:
    """How long to wait, if Mollie says so: it is not documented whether it does."""
    seconds = answer.headers.get("retry-after", "").strip()
    return datetime.timedelta(seconds=int(seconds)) if _SECONDS.fullmatch(seconds) else None
