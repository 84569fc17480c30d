"""What a provider's refusals mean for the money: a table of the provider's, and one reading of it for all of them.

A plugin says what its provider's codes, words and statuses mean, with their sources, and reads them from the body. What
an answer proves is decided here: a 5xx proves nothing, nor does a refusal that is not in the provider's own words.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, TypeAlias, TypeVar

import attrs

from retour.model.frozen import frozen
from retour.providers.errors import DISPOSITIONS, Disposition, ErrorCode, ProviderError, redacted
from retour.providers.http import Answer
from retour.providers.wire import read_wire

_T = TypeVar("_T")

Key: TypeAlias = str | tuple[int, str]
"""A code or words of a provider, with any status or with one: ``"rate_limit"``, ``(409, "duplicate refund")``."""

STATUSES: Mapping[int, ErrorCode] = MappingProxyType(
    {
        401: ErrorCode.AUTHENTICATION,
        403: ErrorCode.AUTHENTICATION,
        404: ErrorCode.UNKNOWN_PAYMENT,
        408: ErrorCode.OUTCOME_UNKNOWN,
        409: ErrorCode.IN_PROGRESS,
        425: ErrorCode.OUTCOME_UNKNOWN,
        429: ErrorCode.RATE_LIMITED,
    }
)
"""What a status means where a provider's table says nothing else: RFC 9110, 15.5; RFC 8470, 5.2; RFC 6585, 4.

A 408 and a 425 are as unclear as no answer: who gives them need not be who does the work."""

LONGEST_MESSAGE = 500
"""Characters of a provider's words that are kept of a refusal."""

LONGEST_CODE = 100
"""Characters of a provider's own code that are kept."""

LONGEST_WAIT = datetime.timedelta(days=1)
"""The longest ``Retry-After`` that is believed."""

_SECONDS = r"[0-9]{1,9}"
_DATE = r"(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)[a-z]{0,6},? [ -~]{1,40}"


def _all_of(given: str | Iterable[str]) -> tuple[str, ...]:
    """A text alone is one code: else it would become its letters."""
    return tuple([code for code in ((given,) if isinstance(given, str) else given) if code])


@frozen(kw_only=True)
class Said:
    """What a provider says in a refusal, as its plugin reads it from the body."""

    codes: tuple[str, ...] = attrs.field(default=(), converter=_all_of)
    """The provider's own, one or several, the most telling first: the first that the table knows decides and is kept,
    else the first."""

    message: str = ""
    """What it says to people."""

    for_support: str = ""
    """What its support asks for, kept however long the message is."""

    own: bool = True
    """Whether the body is surely the provider's. What is not is kept, and decides nothing."""


def _kept(given: Mapping[Any, Any]) -> Mapping[Any, Any]:
    return MappingProxyType(dict(given))


def _once(given: Iterable[str]) -> frozenset[str]:
    return frozenset(given)


def _with_too_many(given: Iterable[int]) -> frozenset[int]:
    return frozenset(given) | {429}


_NONE: Mapping[Any, Any] = MappingProxyType({})


@frozen(kw_only=True)
class Refusals:
    """What the refusals of a provider mean.

    They are asked in this order, and the first that fits decides: ``words``, ``codes``, ``statuses``; else it is the
    ``fallback``.

    A table that cannot be right raises ValueError when it is made, with all that is wrong with it.
    """

    provider: str
    """The name by which people speak of it."""

    codes: Mapping[Key, ErrorCode] = attrs.field(default=_NONE, converter=_kept)
    """The provider's own codes, asked second."""

    words: Mapping[Key, ErrorCode] = attrs.field(default=_NONE, converter=_kept)
    """Parts of the message in any case, asked first: for refusals that only their text tells apart."""

    statuses: Mapping[int, ErrorCode] = attrs.field(default=_NONE, converter=_kept)
    """Of HTTP, asked third; behind them stands what a status means by itself."""

    fallback: ErrorCode = ErrorCode.UNREADABLE_ANSWER
    """What all others mean. Where you do not know, ``UNREADABLE_ANSWER`` is right: it is looked up."""

    in_any_words: frozenset[int] = attrs.field(default=(), converter=_with_too_many)
    """Statuses that are believed whoever gives them, a 429 always; say where that stands."""

    unclear: frozenset[str] = attrs.field(default=(), converter=_once)
    """Codes of the provider's behind which there can be a refund of ours that was made, whatever else they mean."""

    waits: Mapping[ErrorCode, datetime.timedelta] = attrs.field(default=_NONE, converter=_kept)
    """How long the same request is of no use, by the provider's rules; a 429 may say another wait."""

    def __attrs_post_init__(self) -> None:
        if found := list(_faults(self)):
            raise ValueError(f"the refusals of {self.provider}: " + "; ".join(found))

    def code_of(self, status: int, said: Said) -> ErrorCode:
        """What the provider means by a refusal in its own words, with a status from 400 to 499."""
        message = said.message.casefold()
        for key, code in self.words.items():
            wanted, words = key if isinstance(key, tuple) else (status, key)
            if wanted == status and words.casefold() in message:
                return code
        known = self.known_of(status, said)
        if known:
            return self.codes.get((status, known)) or self.codes[known]
        return self.of_status(status, self.fallback)

    def known_of(self, status: int, said: Said) -> str:
        """The first of the provider's codes that stands in the table, empty without one."""
        return next((code for code in said.codes if (status, code) in self.codes or code in self.codes), "")

    def of_status(self, status: int, otherwise: ErrorCode) -> ErrorCode:
        """What a status means by itself."""
        return self.statuses.get(status) or STATUSES.get(status, otherwise)


def refusal(
    answer: Answer,
    said: Said | None,
    refusals: Refusals,
    *,
    advised: Callable[[Disposition], Disposition] | None = None,
) -> ProviderError:
    """The error that an answer other than 2xx means. ``said`` is what the provider says in it, None where the body is
    in another shape than the provider's.

    - A 5xx is unclear, whatever stands in it; so is a redirect, which no write follows.
    - A refusal that is not the provider's own is unclear too: a gateway can give it for a provider that did the work.
    - A 404 never says "send it again".
    - A ``Retry-After`` is kept, in seconds or as a date (RFC 9110, 10.2.3), where the same request is to come again.

    ``advised`` makes of the usual disposition what the provider says of it in its own words, by a header or by its
    documentation. It is not asked where the answer is not the provider's.

    >>> from retour.providers import Answer, ErrorCode
    >>> refusals = Refusals(provider="Acme Pay", codes={"too_high": ErrorCode.AMOUNT_TOO_HIGH})
    >>> said = Said(own=True, codes=("too_high",), message="The amount is too high.")
    >>> error = refusal(Answer(status=422, headers={}, body=b""), said, refusals)
    >>> error.code.value, error.disposition.value
    ('amount_too_high', 'final')
    """
    own = said is not None and said.own
    said = said or Said(own=False)
    code = _code(answer.status, said, refusals)
    disposition = DISPOSITIONS[code]
    if own and refusals.unclear.intersection(said.codes):
        disposition = Disposition.RECONCILE
    if own and advised is not None:
        disposition = advised(disposition)
    if answer.status == 404 and disposition is Disposition.RETRY:
        disposition = Disposition.RECONCILE
    shown = refusals.known_of(answer.status, said) or next(iter(said.codes), "")
    return ProviderError(
        code,
        _message(answer.status, said, refusals.provider),
        disposition=disposition,
        provider_code=_shortened(shown, LONGEST_CODE),
        http_status=answer.status,
        not_before=_wait(answer, code, disposition, refusals.waits),
    )


def own_words(kind: type[_T], answer: Answer) -> _T | None:
    """The body of a refusal as a value of the attrs class ``kind``, or None where it is in another shape.

    >>> import attrs
    >>> from retour.providers import Answer
    >>> @attrs.frozen
    ... class Refused:
    ...     code: str
    >>> own_words(Refused, Answer(status=422, headers={}, body=b'{"code": "too_high"}')).code
    'too_high'
    >>> own_words(Refused, Answer(status=502, headers={}, body=b"<html>Bad gateway</html>")) is None
    True
    """
    try:
        return read_wire(kind, answer.json())
    except ProviderError:
        return None


def _code(status: int, said: Said, refusals: Refusals) -> ErrorCode:
    if status >= 500:
        return ErrorCode.UNAVAILABLE
    if status < 400:
        return ErrorCode.UNREADABLE_ANSWER
    if said.own:
        return refusals.code_of(status, said)
    if status in refusals.in_any_words:
        return refusals.of_status(status, ErrorCode.UNREADABLE_ANSWER)
    return ErrorCode.UNREADABLE_ANSWER


def _message(status: int, said: Said, provider: str) -> str:
    words = _shortened(said.message, LONGEST_MESSAGE)
    if not words:
        words = f"{provider} answered {status}" + ("" if said.own or status >= 500 else ", not in its own words")
    return f"{words} [{_shortened(said.for_support, LONGEST_CODE)}]" if said.for_support else words


def _shortened(words: str, longest: int) -> str:
    """Masked first: half a bank account is none that would be masked."""
    words = redacted(words)
    return words if len(words) <= longest else f"{words[: longest - 1]}…"


# --- how long to wait --------------------------------------------------------------------------------------------


def _wait(
    answer: Answer, code: ErrorCode, disposition: Disposition, waits: Mapping[ErrorCode, datetime.timedelta]
) -> datetime.timedelta | None:
    """Of what is unclear no ``Retry-After`` is kept: it is to be looked up while the provider still knows its key."""
    ruled = waits.get(code)
    asked = _retry_after(answer) if disposition is Disposition.RETRY else None
    if asked is None or (ruled is not None and code is not ErrorCode.RATE_LIMITED):
        return ruled
    return asked


def _retry_after(answer: Answer) -> datetime.timedelta | None:
    """``Retry-After`` as a time to wait, at most `LONGEST_WAIT`; None where there is none that can be read.

    A date is counted from the answer's own ``Date``: the provider's clock may be another than ours.
    """
    given = answer.headers.get("retry-after", "").strip()
    if re.fullmatch(_SECONDS, given):
        return min(datetime.timedelta(seconds=int(given)), LONGEST_WAIT)
    until = _http_date(given)
    if until is None:
        return None
    now = _http_date(answer.headers.get("date", "").strip()) or datetime.datetime.now(datetime.UTC)
    return min(max(until - now, datetime.timedelta(0)), LONGEST_WAIT)


def _http_date(words: str) -> datetime.datetime | None:
    """A time in one of the three shapes of RFC 9110, 5.6.7."""
    if not re.fullmatch(_DATE, words):
        return None
    try:
        time = parsedate_to_datetime(words)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return time if time.tzinfo is not None else time.replace(tzinfo=datetime.UTC)


# --- a table that is wrong ---------------------------------------------------------------------------------------


def _faults(table: Refusals) -> Iterator[str]:
    for name, given in (("codes", table.codes), ("words", table.words), ("statuses", table.statuses)):
        for key, code in given.items():
            place = f"{name}[{key!r}]"
            status, words = (key, "-") if name == "statuses" else key if isinstance(key, tuple) else (None, key)
            if status is not None and not _is_refused(status):
                yield f"{place} is of no status from 400 to 499"
            if not isinstance(words, str) or not words:
                yield f"{place} is no text, which would fit everything or nothing"
            yield from _faults_of_code(place, code, certain=status == 404)
    yield from _faults_of_code("fallback", table.fallback, certain=True)
    for status in table.in_any_words:
        if not _is_refused(status) or (status not in table.statuses and status not in STATUSES):
            yield f"in_any_words has {status!r}, and no status of it says what that means"
    named = {key[1] if isinstance(key, tuple) else key for key in table.codes}
    yield from (f"unclear has {code!r}, which is none of the codes" for code in sorted(table.unclear - named))
    waits: Mapping[Any, Any] = table.waits
    for code, wait in waits.items():
        if not isinstance(code, ErrorCode) or not isinstance(wait, datetime.timedelta):
            yield f"waits[{code!r}] must be a timedelta for an ErrorCode"


def _is_refused(status: object) -> bool:
    return type(status) is int and 400 <= status < 500


def _faults_of_code(place: str, code: object, *, certain: bool) -> Iterator[str]:
    """What a code cannot mean; where it is not ``certain`` of what it speaks, it may say "send it again"."""
    if not isinstance(code, ErrorCode):
        yield f"{place} is {code!r}, which is no ErrorCode"
    elif code is ErrorCode.NOT_SENT:
        yield f"{place} is NOT_SENT, and what is answered was sent"
    elif certain and DISPOSITIONS[code] is Disposition.RETRY:
        yield f"{place} is {code.name}, which says that it is certainly not done and sends it again"
