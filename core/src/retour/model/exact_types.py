"""Reading what came from outside, or back from a database: a value is of its type already, and is never made to fit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias

Hook: TypeAlias = Callable[[object, object], Any]
"""How cattrs structures a value: from what is given, and the type that is wanted."""

_WORDS: dict[type, str] = {str: "a text", int: "a whole number", bool: "true or false"}


def _must_be(kind: type) -> Exception:
    return TypeError(f"must be {_WORDS.get(kind, kind.__name__)}")


def exactly(kind: type, refused_by: Callable[[type], Exception] = _must_be) -> Hook:
    """A hook that takes values of exactly this type, and raises what ``refused_by`` makes for any other: no text for a
    number, no 12.9 and no True for a whole one, which cattrs turns into ints by itself.

    Raises TypeError where nothing else is given; the value is not in it, since it can be a secret or about a person.

    >>> exactly(int)(12, int)
    12
    >>> exactly(int)(True, int)
    Traceback (most recent call last):
    TypeError: must be a whole number
    """

    def structure(value: object, _: object) -> object:
        if type(value) is not kind:
            raise refused_by(kind)
        return value

    return structure
