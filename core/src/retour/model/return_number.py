"""The number of a return, for labels, mails and bank lines: short, without characters that look alike, and checked.

Nine of Crockford's 32 characters (no I, L, O, U) in three groups: eight that follow from the return's id, and one that
checks them. It is a stored format: the same id gives the same number for ever.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import cache, lru_cache

from retour.model.ids import crockford

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CHARACTERS = 9


@lru_cache(maxsize=256)  # one command asks for it several times
def return_number(return_id: str) -> str:
    """The number of a return: ``7K3-M9Q-X4M``."""
    chance = int.from_bytes(hashlib.sha256(return_id.encode()).digest()[:5], "big")
    return grouped(checked_number(crockford(chance, CHARACTERS - 1)))


def checked_number(characters: str) -> str:
    """Characters with the one that checks them.

    They are digits of the field of 32 elements, and each counts as much as another power of its generator: so the sum
    tells one wrong character from all others, and two that changed places, wherever they stand.
    """
    total = 0
    for products, one in zip(_products(), characters, strict=False):
        total ^= products[one]
    return characters + ALPHABET[total]


@cache
def _products() -> Sequence[Mapping[str, int]]:
    """For each place what each character counts there."""
    return [{one: _times(value, _power(place)) for value, one in enumerate(ALPHABET)} for place in range(1, CHARACTERS)]


def grouped(number: str) -> str:
    """A number as it is kept and shown."""
    return "-".join([number[at : at + 3] for at in range(0, len(number), 3)])


def _times(one: int, other: int) -> int:
    """The product in the field of 32 elements, which x⁵ + x² + 1 makes."""
    product = 0
    while other:
        if other & 1:
            product ^= one
        one <<= 1
        if one & 0b100000:
            one ^= 0b100101
        other >>= 1
    return product


def _power(exponent: int) -> int:
    """A power of the generator 2, which gives each element but 0 before it comes round."""
    power = 1
    for _ in range(exponent):
        power = _times(power, 2)
    return power
