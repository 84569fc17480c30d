"""How the shop has its payments at the moment: under which of their names, and sometimes under none of them."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from pathlib import Path

import attrs

from retour import Payment

from .plan import PlannedPayment


class Spellings:
    """What every process of a campaign reads of it, and the campaign's own writes: two bytes for each payment."""

    def __init__(self, path: Path, payments: int) -> None:
        if not path.exists():
            path.write_bytes(bytes([_FIRST, _NONE]) * payments)
        with path.open("r+b") as file:
            self._stored = mmap.mmap(file.fileno(), 2 * payments)

    def names(self, payment: PlannedPayment) -> Sequence[str]:
        """The names under which the shop has a payment now: one, or two where it has it twice."""
        every, place = (*payment.names, payment.unrelated), 2 * payment.number
        return [every[one - _FIRST] for one in self._stored[place : place + 2] if one != _NONE]

    def payments(self, payment: PlannedPayment) -> Sequence[Payment]:
        """The same as the order has it."""
        first = payment.at_first
        return [
            first if name == first.reference else attrs.evolve(first, reference=name) for name in self.names(payment)
        ]

    def store(self, payment: PlannedPayment, name: str, second: str = "") -> None:
        """From now on the shop has a payment under this name, and perhaps under a ``second`` one as well."""
        every, place = (*payment.names, payment.unrelated), 2 * payment.number
        also = every.index(second) + _FIRST if second else _NONE
        self._stored[place : place + 2] = bytes([every.index(name) + _FIRST, also])


_NONE, _FIRST = 0, 1
