"""What a sandbox remembers of requests with an idempotency key, so that one that comes twice is done once."""

from __future__ import annotations

import datetime
from typing import Generic, TypeVar

import attrs

from retour.sandbox.movable_clock import SandboxClock

_T = TypeVar("_T")


class KeyReused(Exception):
    """A key that came before, with another request. What a provider says to that is its own."""


class KeyInUse(Exception):
    """A key of which another request is still being worked on."""


@attrs.frozen
class _Kept(Generic[_T]):
    asked: object
    result: _T
    at: datetime.datetime


class Remembered(Generic[_T]):
    """What came of the first request with each key, for as long as the provider's ``window`` by the ``clock``.

    What is kept is the provider's choice: the answer, or what was made. Keys ``in_use`` are being worked on, for ever,
    by a request that nobody sees.
    """

    def __init__(self, clock: SandboxClock, window: datetime.timedelta) -> None:
        self.in_use: set[str] = set()
        self._clock = clock
        self._window = window
        self._kept: dict[tuple[str, str], _Kept[_T]] = {}

    def find(self, key: str, asked: object = None, *, of: str = "") -> _T | None:
        """What came of the first request with a key; None if there was none within the window.

        ``asked`` is what has to be the same: raises `KeyReused` if it is not, and `KeyInUse`. ``of`` is whose key it
        is, where several accounts can have the same.
        """
        if key in self.in_use:
            raise KeyInUse(key)
        kept = self._kept.get((of, key))
        if kept is None or self._clock.now() - kept.at >= self._window:
            return None
        if kept.asked != asked:
            raise KeyReused(key)
        return kept.result

    def keep(self, key: str, result: _T, asked: object = None, *, of: str = "") -> _T:
        """Remember what came of a request, and give it back. One without a key (an empty one) is not remembered."""
        if key:
            self._kept[of, key] = _Kept(asked, result, self._clock.now())
        return result
