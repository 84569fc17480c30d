"""Reading a provider's JSON at the edge: extra keys are allowed, missing or mistyped ones are errors with a path."""

from __future__ import annotations

import datetime
import json
import re
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn, TypeVar

from cattrs import Converter
from cattrs.errors import BaseValidationError

from retour.model.exact_types import exactly
from retour.providers.data_faults import data_faults
from retour.providers.errors import ErrorCode, ProviderError
from retour.providers.exact_lists import from_a_list, is_list_of_any_length

_T = TypeVar("_T")

DEEPEST = 64
"""Levels of objects and lists that JSON from outside may have; no provider nests a tenth of that."""

_STRING_OR_BRACKET = r'(?s)"(?:[^"\\]++|\\.)*+(?:"|\\?\Z)|[\[{]|[\]}]'
_UNKEPT = r"\\u(?:[dD][89a-fA-F]|0000)|[\ud800-\udfff]"
"""Where a NUL or half a character can be; most of the time the other half follows."""


def read_json(body: bytes | str) -> Any:
    """A provider's JSON, in UTF-8, with exact decimals. Raises ValueError for what is no JSON or nested too deep.

    The depth is counted before the parser sees it: a RecursionError that is caught has by then also ended whatever
    else ran that deep, a weak reference's callback or a destructor, and that is lost for good.

    Half a character (an escape such as ``\\ud83d`` alone, which a provider makes by cutting a text) and a NUL become
    question marks: no database keeps them, and an answer about money is not to be lost for one.

    >>> read_json(b'{"amount": 44.95}')
    {'amount': Decimal('44.95')}
    """
    words = body.decode() if isinstance(body, bytes) else body
    refuse_deep(words)
    found = json.loads(words, parse_float=Decimal, parse_constant=_no_number)
    return _that_can_be_kept(found) if re.search(_UNKEPT, words) else found


def _that_can_be_kept(value: Any) -> Any:
    """A value without halves of characters and NULs in its texts."""
    if isinstance(value, str):
        return value.encode(errors="replace").decode().replace("\x00", "?")
    if isinstance(value, dict):
        return {_that_can_be_kept(key): _that_can_be_kept(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_that_can_be_kept(inner) for inner in value]
    return value


def refuse_deep(words: str) -> None:
    """Raise ValueError for JSON with more than `DEEPEST` levels. Nothing else is said of it."""
    if words.count("[") + words.count("{") <= DEEPEST:
        return
    depth = 0
    for found in re.finditer(_STRING_OR_BRACKET, words):
        if found[0] in "[{":
            depth += 1
            if depth > DEEPEST:
                raise ValueError("nested too deep")
        elif found[0] in "]}":
            depth -= 1


def _no_number(words: str) -> NoReturn:
    raise ValueError(f"{words} is no number in JSON")


def _decimal(value: object, _: object) -> Decimal:
    """A decimal from a text or an exact JSON number, never from a float."""
    if not isinstance(value, str | Decimal):
        raise TypeError(f"expected a decimal number, got {type(value).__name__}")
    try:
        number = Decimal(value)
    except InvalidOperation:
        raise ValueError("expected a decimal number") from None
    if not number.is_finite():
        raise ValueError("expected a finite number")
    return number


def _time(value: object, _: object) -> datetime.datetime:
    """An ISO 8601 time with its offset."""
    if not isinstance(value, str):
        raise TypeError("expected a time in a text")
    time = datetime.datetime.fromisoformat(value)
    if time.tzinfo is None:
        raise ValueError("expected a time with its offset")
    return time.astimezone(datetime.UTC)


_converter = Converter()
for _kind in (str, int, bool):
    _converter.register_structure_hook(_kind, exactly(_kind))
_converter.register_structure_hook(Decimal, _decimal)
_converter.register_structure_hook_factory(is_list_of_any_length, from_a_list)
_converter.register_structure_hook(datetime.datetime, _time)


def read_wire(kind: type[_T], data: object) -> _T:
    """A provider's JSON as a value of the attrs class ``kind``. Use ``X | None = None`` for what may be missing, and
    ``tuple[X, ...]`` or ``list[X]`` for a list: an object or a text in its place is none, and no list of nothing.

    Raises `ProviderError` (unreadable answer) with the path of every fault and without the values.

    >>> import attrs
    >>> @attrs.frozen
    ... class Refund:
    ...     id: str
    ...     amount: int
    >>> read_wire(Refund, {"id": "re_1", "amount": 1000, "more": "is ignored"})
    Refund(id='re_1', amount=1000)
    >>> read_wire(Refund, {"id": "re_1"})
    Traceback (most recent call last):
    ...
    retour.providers.errors.ProviderError: unreadable_answer: is missing @ $.amount
    """
    try:
        return _converter.structure(data, kind)
    except BaseValidationError as error:
        found = "; ".join(data_faults(error))
    except (ValueError, TypeError, AttributeError, KeyError) as error:
        found = f"{type(error).__name__} at $"
    del data  # a host may log the variables of this frame
    raise ProviderError(ErrorCode.UNREADABLE_ANSWER, found)  # from nothing: what caused it has the values in it
