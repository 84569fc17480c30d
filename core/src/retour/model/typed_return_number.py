"""The number of a return as somebody typed it from a label, a mail or a bank line."""

from __future__ import annotations

import unicodedata

from retour.model.errors import InvalidArgument
from retour.model.fields import shown
from retour.model.return_number import ALPHABET, CHARACTERS, checked_number, grouped
from retour.model.text import text

_TYPED_FOR = {"O": "0", "I": "1", "L": "1"}
_BETWEEN = frozenset(" -.,_/#\u2010\u2011\u2012\u2013\u2014")
_EXAMPLE = "7K3-M9Q-X4M"


def read_return_number(typed: str) -> str:
    """The number that somebody typed, as it is kept: small letters, O for 0, I and L for 1, blanks and hyphens anywhere
    are what he meant. Raises `InvalidArgument` where it cannot be a number, any one wrong character and any two that
    changed places included."""
    characters = [
        _TYPED_FOR.get(one, one) for one in unicodedata.normalize("NFKC", typed).upper() if one not in _BETWEEN
    ]
    number = "".join(characters)
    if len(number) != CHARACTERS or any(one not in ALPHABET for one in number):
        raise InvalidArgument(
            text(
                "{number} is no return number: it has nine letters and digits, as {example}.",
                number=shown(typed),
                example=_EXAMPLE,
            )
        )
    if checked_number(number[:-1]) != number:
        raise InvalidArgument(
            text(
                "{number} is no return number: a character of it is wrong, or two changed places. Look at it again.",
                number=shown(typed),
            )
        )
    return grouped(number)
