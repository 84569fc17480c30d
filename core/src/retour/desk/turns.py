"""Whose turn it is on one order, among the threads of this process that changed it at the same moment.

Nobody needs it to write: the version of the order alone decides who was first. Without it those who were later would
all decide anew at once, and all but one of them for nothing, again and again. It is held until the commit, while hooks
are asked too, so whoever waits for it goes on without it after a while.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import attrs


@attrs.define
class _Turn:
    lock: threading.RLock = attrs.field(factory=threading.RLock)  # a hook that commands the same order has it already
    wanted_by: int = 0


class Turns:
    """The turns on the orders of one desk. A child of a process that forks has none of its parent's: whoever had one is
    not there to give it away."""

    def __init__(self) -> None:
        self._begin()

    def _begin(self) -> None:
        self._process = os.getpid()
        self._turns: dict[tuple[str, str], _Turn] = {}
        self._lock = threading.Lock()

    def wanted(self, shop: str, order_id: str) -> bool:
        """Whether somebody waits for his turn on an order, or has it."""
        if os.getpid() != self._process:
            self._begin()
        return (shop, order_id) in self._turns

    @contextmanager
    def taken(self, shop: str, order_id: str, seconds: float) -> Iterator[None]:
        """Have the turn, or go on without it where nobody gives it away for so many ``seconds``."""
        key = shop, order_id
        if os.getpid() != self._process:
            self._begin()
        with self._lock:
            turn = self._turns.setdefault(key, _Turn())
            turn.wanted_by += 1
        got = turn.lock.acquire(timeout=max(seconds, 0))
        try:
            yield
        finally:
            if got:
                turn.lock.release()
            with self._lock:
                turn.wanted_by -= 1
                if not turn.wanted_by:
                    self._turns.pop(key, None)
