"""What Sendcloud's refusals mean, in the four shapes that it writes them in.

1. ``{"errors": [{"field", "code", "message"}]}``: returns (schema ``errors``; in a 409 its ``code`` is a number);
2. ``{"error": {"code", "request", "message"}}``: API v2, and the synchronous announcement;
3. ``{"errors": [{"status", "code", "title", "detail", "source"}]}``: documents, options, shipments (``ErrorObject``);
   the list may be an object, or stand alone;
4. lists by field, in ``errors`` or in ``error.message``: API v2 (https://github.com/Webador/sendcloud/pull/45).
"""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Mapping
from enum import Enum, auto
from typing import Any

import attrs

from retour.providers import Answer, ErrorCode, ProviderError, Refusals, Said
from retour.providers import refusal as refused

_DEEPEST = 4
"""Levels of fields within fields that are read."""

REFUSALS = Refusals(
    provider="Sendcloud",
    words={
        # "External reference has already been used in another return." (POST /returns/announce-synchronously, 400)
        (400, "external reference has already been used"): ErrorCode.ALREADY_MADE,
        (400, "invalid contract"): ErrorCode.NO_CONTRACT,  # POST /shipping-options, 400, example InvalidContract
    },
    codes={
        # Who has several contracts with a carrier has to name one (POST /returns, x-mint).
        "required contract": ErrorCode.NO_CONTRACT,
        "invalid contract": ErrorCode.NO_CONTRACT,
        "invalid_choice contract": ErrorCode.NO_CONTRACT,
        "not_found contract": ErrorCode.NO_CONTRACT,
        "parcel_announcement_error": ErrorCode.CARRIER_REFUSED,
        "authentication_failed": ErrorCode.AUTHENTICATION,
    },
    statuses={
        400: ErrorCode.INVALID_REQUEST,
        404: ErrorCode.UNKNOWN_SHIPMENT,
        405: ErrorCode.INVALID_REQUEST,
        409: ErrorCode.NOT_CANCELLABLE,  # PATCH /returns/{id}/cancel, and no other call of ours has one
        410: ErrorCode.UNKNOWN_SHIPMENT,
        415: ErrorCode.INVALID_REQUEST,
        422: ErrorCode.INVALID_REQUEST,
    },
    # No page shows the body of a 401 or a 403, and a 404 of a return is described without one (GET /returns/{id}).
    in_any_words={401, 403, 404},
    # The limits are of a minute, and no Retry-After is documented
    # (https://sendcloud.dev/docs/getting-started/rate-limits).
    waits={ErrorCode.RATE_LIMITED: datetime.timedelta(minutes=1)},
)

MAKING = attrs.evolve(REFUSALS, in_any_words=frozenset({401, 403}))
"""Where a label is made: a 404 is not described for it, so it is some gateway's, and proves nothing."""

VALIDATING = attrs.evolve(
    MAKING,
    statuses=dict.fromkeys(REFUSALS.statuses, ErrorCode.UNREADABLE_ANSWER) | {400: ErrorCode.INVALID_REQUEST},
)
"""Where a label is only validated: what is wrong with it comes as a 400, and nothing else is described. An answer that
says that there is no such call is about the call, and not about the label."""

ANNOUNCING = attrs.evolve(
    MAKING,
    statuses={status: code for status, code in REFUSALS.statuses.items() if status != 400}
    | {400: ErrorCode.CARRIER_REFUSED},
)
"""Where the carrier is waited for: what it refuses comes as a 400 in shape 2, with a code of its own."""


class Call(Enum):
    """What was asked."""

    OTHER = auto()
    VALIDATE = auto()
    MAKE = auto()
    ANNOUNCE = auto()


_TABLES = {Call.OTHER: REFUSALS, Call.VALIDATE: VALIDATING, Call.MAKE: MAKING, Call.ANNOUNCE: ANNOUNCING}


def refusal(answer: Answer, call: Call = Call.OTHER) -> ProviderError:
    """What an answer without success means."""
    return refused(answer, _said(answer), _TABLES[call])


def words_of(errors: Any) -> str:
    """What errors in any of the shapes say to people, in one line; empty where they say nothing."""
    return "; ".join(dict.fromkeys([error.words for error in _all(errors) if error.words]))


@attrs.frozen
class _Error:
    code: str
    field: str
    message: str

    @property
    def words(self) -> str:
        return f"{self.field}: {self.message}" if self.field and self.message else self.message or self.code

    @property
    def codes(self) -> Iterator[str]:
        leaf = self.field.rpartition(".")[2]
        if self.code and leaf:
            yield f"{self.code} {leaf}"
        if self.code:
            yield self.code


def _said(answer: Answer) -> Said | None:
    """The refusal as Sendcloud writes it, None if it is in nobody's or a gateway's words."""
    try:
        body = answer.json()
    except ProviderError:
        return None
    found: list[_Error] = []
    if isinstance(body, list):
        found = list(_all(body))
    elif isinstance(body, Mapping):
        found = [error for name in ("error", "errors") for error in _all(_not_a_text(body.get(name)))]
    if not found:
        return None
    return Said(codes=[code for error in found for code in error.codes], message=words_of(found))


def _not_a_text(errors: Any) -> Any:
    """The errors of an answer; none where a text stands in their place, as gateways write it, and Sendcloud nowhere."""
    return None if isinstance(errors, str) else errors


def _all(errors: Any, field: str = "", depth: int = 0) -> Iterator[_Error]:
    """Every error in a list of them, one alone, or lists of words by field."""
    if isinstance(errors, _Error):
        yield errors
    elif isinstance(errors, str):
        if errors.strip():
            yield _Error("", field, errors.strip())
    elif depth >= _DEEPEST:
        return
    elif isinstance(errors, list):
        for one in errors:
            yield from _all(one, field, depth + 1)
    elif isinstance(errors, Mapping) and _is_one(errors):
        yield from _one(errors, field, depth)
    elif isinstance(errors, Mapping):
        for name, inner in errors.items():
            named = field if name == "non_field_errors" else f"{field}.{name}".strip(".")
            yield from _all(inner, named, depth + 1)


def _is_one(error: Mapping[str, Any]) -> bool:
    return any(
        isinstance(error.get(name), str | int | Mapping) and error.get(name) for name in ("message", "detail", "code")
    )


def _one(error: Mapping[str, Any], field: str, depth: int) -> Iterator[_Error]:
    """One error of shapes 1 to 3; the message of API v2 can hold the lists of shape 4."""
    code, source = error.get("code"), error.get("source")
    pointer = source.get("pointer") if isinstance(source, Mapping) else None
    where = error.get("field") or (pointer.replace("/", ".") if isinstance(pointer, str) else "")
    named = where.strip(".") if isinstance(where, str) else ""
    written = str(code) if isinstance(code, str | int) and not isinstance(code, bool) else ""
    said = error.get("detail") or error.get("message") or error.get("title") or ""
    if isinstance(said, str):
        yield _Error(written, named or field, said.strip())
    else:
        if written:
            yield _Error(written, "", "")
        yield from _all(said, named or field, depth + 1)
