"""Ids: two letters and 26 Crockford characters, so that they fit a bank's 35-character reference.

The first ten characters are the time in milliseconds, the other sixteen are chance (the layout of a ULID), so ids
that are made later sort later and index pages stay warm.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _CROCKFORD for second in _CROCKFORD]
_OF_BYTES = (_CROCKFORD * 8).encode()
"""A character for each byte, by its five lowest bits: all are as likely."""

NewId = Callable[[str], str]
"""Hands out ids: ``new_id("rt")`` gives a fresh one that begins with ``rt``."""


def crockford(number: int, length: int) -> str:
    """``number`` in ``length`` (even) characters of Crockford's base 32, the highest first."""
    return "".join([_PAIRS[(number >> shift) & 1023] for shift in range(5 * length - 10, -1, -10)])


def id_maker(milliseconds: int) -> NewId:
    """A source of ids made at ``milliseconds`` since 1970. Prefixes: rt return, rc receipt, mv movement,
    rf refund, lb label, nt note, ba bank account, ev evidence, ef effect."""
    time = crockford(milliseconds, 10)

    def new_id(prefix: str) -> str:
        return prefix + time + secrets.token_bytes(16).translate(_OF_BYTES).decode()

    return new_id


def is_id(prefix: str, given: str) -> bool:
    """Whether ``given`` is an id that a retour made, this one or another, of what has this ``prefix``.

    >>> is_id("lb", "lb01KASM4X000000000000000001"), is_id("lb", "1001")
    (True, False)
    """
    return re.fullmatch(f"{prefix}[{_CROCKFORD}]{{26}}", given) is not None


_BATCH_NAME = r"[A-Za-z0-9.-]{1,35}"


def is_batch_name(name: str) -> bool:
    """Whether a file for the bank can be called so: 1 to 35 letters without accents, digits, points and hyphens.

    A message's id in ISO 20022 has at most 35 characters (Max35Text); these are the ones of SEPA's that no bank and no
    file system stumbles over.

    >>> is_batch_name("2026-11-24.1"), is_batch_name("RETOUR_2026")
    (True, False)
    """
    return re.fullmatch(_BATCH_NAME, name) is not None
