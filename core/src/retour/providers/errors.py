"""What can go wrong at a provider: one closed list of codes, each with what it means for the money."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from enum import StrEnum

from retour.model.reasons import WORDS_ARE_OURS, Reason, ReasonCode, as_said, reason
from retour.model.text import Text


class Disposition(StrEnum):
    """What the core does next. Only ``RETRY``, ``FIX`` and ``FINAL`` say that no money moved."""

    RETRY = "retry"  #: certainly not done: send the same request again, later
    RECONCILE = "reconcile"  #: unclear: ask the provider before anything else
    FIX = "fix"  #: certainly not done: a person must act first (settings, balance), then the same request again
    FINAL = "final"  #: certainly refused, and it will be refused again


class ErrorCode(StrEnum):
    """Every reason that a provider can give, in our words. The provider's own words are kept beside it."""

    AUTHENTICATION = "authentication"  #: a wrong key, or one that lacks a right: mend the settings
    CONFIGURATION = "configuration"  #: live and test mixed up, a restricted account: mend the settings
    INVALID_REQUEST = "invalid_request"  #: a fault of the plugin's, or of what the shop stored
    UNKNOWN_PAYMENT = "unknown_payment"  #: look at the reference that the shop stored, at account and mode
    NOT_REFUNDABLE = "not_refundable"  #: this payment or method can never be refunded by API: refund it another way
    ALREADY_REFUNDED = "already_refunded"  #: nothing is left of the payment: ``reconcile`` reads what went back
    AMOUNT_TOO_HIGH = "amount_too_high"  #: more than is left of the payment: refund less
    TOO_LATE = "too_late"  #: past the provider's refund window: refund by bank transfer
    DISPUTED = "disputed"  #: the customer disputes the payment: wait for the end of it
    INSUFFICIENT_BALANCE = "insufficient_balance"  #: the merchant's balance at the provider is too low: top it up
    NOT_YET = "not_yet"  #: the payment is not captured or not settled yet: it is tried again by itself
    DUPLICATE = "duplicate"  #: refused as too like an earlier refund; legal again later: it is tried again by itself
    IN_PROGRESS = "in_progress"  #: the same request is being worked on right now: it is asked about
    KEY_REUSED = "key_reused"  #: the idempotency key was used with another request: it is asked about
    RATE_LIMITED = "rate_limited"  #: too many requests in a short time: it is tried again by itself
    NOT_SENT = "not_sent"  #: no connection, the provider never got the request: it is tried again by itself
    UNAVAILABLE = "unavailable"  #: a 5xx, perhaps done: it is asked about
    CARRIER_REFUSED = "carrier_refused"  #: the carrier takes no such parcel: change it, or take another way
    UNKNOWN_SHIPMENT = "unknown_shipment"  #: the provider has no such label or parcel: look at the account
    ALREADY_MADE = "already_made"  #: a label with this id of ours was made before: it is looked up
    NOT_CANCELLABLE = "not_cancellable"  #: the label was used, or it is too late to cancel it
    LABEL_NOT_READY = "label_not_ready"  #: there is no document yet: it is fetched again by itself
    NO_CONTRACT = "no_contract"  #: the account has none with this carrier, or for this way
    OUTCOME_UNKNOWN = "outcome_unknown"  #: sent, and no answer came: it is asked about
    UNREADABLE_ANSWER = "unreadable_answer"  #: an answer that could not be understood: it is asked about


DISPOSITIONS: Mapping[ErrorCode, Disposition] = {
    ErrorCode.AUTHENTICATION: Disposition.FIX,
    ErrorCode.CONFIGURATION: Disposition.FIX,
    ErrorCode.INVALID_REQUEST: Disposition.FINAL,
    ErrorCode.UNKNOWN_PAYMENT: Disposition.FINAL,
    ErrorCode.NOT_REFUNDABLE: Disposition.FINAL,
    ErrorCode.ALREADY_REFUNDED: Disposition.FINAL,
    ErrorCode.AMOUNT_TOO_HIGH: Disposition.FINAL,
    ErrorCode.TOO_LATE: Disposition.FINAL,
    ErrorCode.DISPUTED: Disposition.FINAL,
    ErrorCode.INSUFFICIENT_BALANCE: Disposition.FIX,
    ErrorCode.NOT_YET: Disposition.RETRY,
    ErrorCode.DUPLICATE: Disposition.RETRY,
    ErrorCode.IN_PROGRESS: Disposition.RECONCILE,
    ErrorCode.KEY_REUSED: Disposition.RECONCILE,
    ErrorCode.RATE_LIMITED: Disposition.RETRY,
    ErrorCode.NOT_SENT: Disposition.RETRY,
    ErrorCode.UNAVAILABLE: Disposition.RECONCILE,
    ErrorCode.CARRIER_REFUSED: Disposition.FINAL,
    ErrorCode.UNKNOWN_SHIPMENT: Disposition.FINAL,
    ErrorCode.ALREADY_MADE: Disposition.RECONCILE,
    ErrorCode.NOT_CANCELLABLE: Disposition.FINAL,
    ErrorCode.LABEL_NOT_READY: Disposition.RETRY,
    ErrorCode.NO_CONTRACT: Disposition.FIX,
    ErrorCode.OUTCOME_UNKNOWN: Disposition.RECONCILE,
    ErrorCode.UNREADABLE_ANSWER: Disposition.RECONCILE,
}
"""What each code means for the try that it answers. Whether an earlier try can have happened only the core knows: then
every refusal is unclear, whatever it says."""


_OF_AN_ADDRESS = r"[^\s@<>()\[\]\"',;:]"
_MAIL = rf"(?<!{_OF_AN_ADDRESS}){_OF_AN_ADDRESS}++@{_OF_AN_ADDRESS}+\.[^\W\d_]{{2,}}"
"""Begun only where such a run begins: else each of its characters is tried, and a long text takes a second."""
_IBAN = r"\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]){11,30}\b"
_LONGEST_IBAN, _SHORTEST_IBAN = 34, 15


def redacted(words: str) -> str:
    """A provider's words without mail addresses and IBANs: they are kept for ever, and shown. Not more of them than we
    keep, and a question mark for what no database does. What is no text is given back as it is.

    >>> redacted("NL91 ABNA 0417 1643 00 of anna@example.org is closed")
    '*** of *** is closed'
    """
    if not isinstance(words, str):
        return words  # type: ignore[unreachable]
    return re.sub(_IBAN, _without_iban, re.sub(_MAIL, "***", as_said(words)))


def _without_iban(found: re.Match[str]) -> str:
    """The same without the IBAN that it begins with, if its check digits are right (ISO 13616)."""
    words = found[0]
    for end in range(len(words), _SHORTEST_IBAN - 1, -1):
        iban = words[:end].replace(" ", "")
        if _SHORTEST_IBAN <= len(iban) <= _LONGEST_IBAN and not words[:end].endswith(" "):
            number = "".join(str(int(letter, 36)) for letter in iban[4:] + iban[:4])
            if int(number) % 97 == 1:
                return "***" + words[end:]
    return words


class ProviderError(Exception):
    """A provider refused, failed, or could not be understood.

    ``provider_code`` and ``message`` are the provider's own, without secrets, mail addresses and IBANs.
    ``not_before`` is how long to wait before the next try, where the provider says so or its rules do.
    ``disposition`` may be sharper than the code's: a 503 that is documented as "certainly not performed" is RETRY.
    """

    def __init__(
        self,
        code: ErrorCode,
        message: str,
        *,
        disposition: Disposition | None = None,
        provider_code: str = "",
        http_status: int | None = None,
        not_before: datetime.timedelta | None = None,
    ) -> None:
        message, provider_code = redacted(message), redacted(provider_code)
        super().__init__(f"{code}: {message}" + (f" ({provider_code})" if provider_code else ""))
        self.code = code
        self.message = message
        self.disposition = disposition or DISPOSITIONS[code]
        self.provider_code = provider_code
        self.http_status = http_status
        self.not_before = not_before

    @property
    def reason(self) -> Reason:
        """Why, for the timeline: the code in the reader's language, with the provider's words where it said any."""
        code = ReasonCode(self.code.value)
        by_us = code in WORDS_ARE_OURS or (code is ReasonCode.UNAVAILABLE and self.http_status is None)
        words = f"{self.message} ({self.provider_code})" if self.provider_code else self.message
        return reason(code) if by_us else reason(code, words)


def unreadable(fault: Text) -> ProviderError:
    """The error for a value of a provider with a field that cannot be."""
    return ProviderError(ErrorCode.UNREADABLE_ANSWER, str(fault))
