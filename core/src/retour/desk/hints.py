"""What a process remembers of unsigned hints: anybody can send them, as many as he likes."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import attrs

from retour.effects.inbox import Sender

LOOKUPS_AT_ONCE, SECONDS_BETWEEN_LOOKUPS = 100, 0.1
"""Orders of payments that we never saw, which a shop is asked for at once because of hints to one account, and seconds
from one to the next after that: in each process."""

_MOST = 10_000
"""Senders, and targets of hints, that are remembered."""


@attrs.define
class Hints:
    """How often the shop was asked whose payment it is that a hint names, and which question a hint of a payment asked:
    so that a flood of them costs neither the shop nor the database more than a look."""

    monotonic: Callable[[], float] = time.monotonic
    _next_lookup: dict[Sender, float] = attrs.field(factory=dict, init=False, repr=False)
    _questions: dict[tuple[Sender, tuple[str, ...]], str] = attrs.field(factory=dict, init=False, repr=False)
    _lock: threading.Lock = attrs.field(factory=threading.Lock, init=False)

    def may_look_up(self, sender: Sender) -> bool:
        """Whether the shop may be asked once more; if so, it is counted."""
        with self._lock:
            now = self.monotonic()
            next_at = max(now, self._next_lookup.pop(sender, now))
            allowed = next_at - now <= (LOOKUPS_AT_ONCE - 1) * SECONDS_BETWEEN_LOOKUPS
            self._next_lookup[sender] = next_at + SECONDS_BETWEEN_LOOKUPS * allowed
            _forget_the_oldest(self._next_lookup)
            return allowed

    def question(self, sender: Sender, names: tuple[str, ...]) -> str | None:
        """The id of the effect by which hints of a payment with these names asked, as far as it is remembered."""
        return self._questions.get((sender, names))

    def asked(self, sender: Sender, names: tuple[str, ...], effect_id: str) -> None:
        """Remember by which effect they ask."""
        with self._lock:
            self._questions[sender, names] = effect_id
            _forget_the_oldest(self._questions)


def _forget_the_oldest(remembered: dict[Any, Any]) -> None:
    if len(remembered) > _MOST:
        del remembered[next(iter(remembered))]
