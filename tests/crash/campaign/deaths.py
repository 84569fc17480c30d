"""Where processes kill themselves: at exact points of their work, each with its own odds, each counted.

A process dies with all of its threads, wherever the others are.
"""

from __future__ import annotations

import os
import random
import signal
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import event

from retour import ReturnDesk
from retour.store.effects import Effects
from retour.store.store import Store

ODDS: Mapping[str, float] = {
    "after effects were claimed": 0.01,
    "before the provider is called": 0.02,
    "after the provider was called": 0.03,
    "before the record": 0.006,
    "between two statements of the commit": 0.002,
    "in the middle of the commit, before COMMIT": 0.006,
    "after the commit": 0.006,
    "before the stock is booked": 0.04,
    "after the stock is booked": 0.04,
    "before a webhook is kept": 0.004,
    "after a webhook was kept": 0.004,
    "between two transfers handed over": 0.01,
    "before the file is uploaded": 0.1,
    "after the file was uploaded": 0.1,
    "while the statement is confirmed": 0.01,
    "before a transfer is typed in": 0.05,
    "after a transfer was typed in": 0.05,
}
"""How likely a process dies each time it comes by."""

FIRST = 10.0
"""By how much likelier it is where nobody died yet, and as often again each time a process comes by there, so that
nothing is left untried in a short campaign."""

AT_RANDOM = "at a random moment, by another process"


class Deaths:
    """The deaths of one process. Each is written to ``journal`` first, which outlives it."""

    def __init__(self, chance: random.Random, journal: Path, odds: Mapping[str, float] = ODDS) -> None:
        died = counted(journal)
        self._chance = chance
        self._odds = dict(odds)
        self._untried = {point for point in odds if not died[point]}
        self._passed: Counter[str] = Counter()
        self._commit = _Commit()
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def perhaps(self, point: str) -> None:
        """Die here as a power cut does, if it is time to."""
        likely = self._odds[point]
        if point in self._untried:
            self._passed[point] += 1
            likely = min(0.5, FIRST * likely * self._passed[point])
        if self._chance.random() < likely:
            os.write(self._journal, f"{point}\n".encode())
            os.kill(os.getpid(), signal.SIGKILL)

    def around(self, before: str, function: Callable[..., Any], after: str) -> Callable[..., Any]:
        """``function`` with a death before and after it, also where it raises."""

        def call(*arguments: Any, **more: Any) -> Any:
            self.perhaps(before)
            try:
                return function(*arguments, **more)
            finally:
                self.perhaps(after)

        return call

    def lie_in_wait(self, desk: ReturnDesk) -> None:
        """Watch the points in this process that every role comes by. Patches classes: for a process of its own."""
        for provider, _ in desk._services.registry.payment.values():
            kind: Any = provider
            kind.refund = self.around("before the provider is called", kind.refund, "after the provider was called")
        save, claim = Store.save, Effects.claim

        def watched_save(*arguments: Any) -> None:
            self.perhaps("before the record")
            self._commit.statements = 0
            try:
                save(*arguments)
            finally:
                self._commit.statements = None
            self.perhaps("after the commit")

        def watched_claim(*arguments: Any, **more: Any) -> Any:
            claimed = claim(*arguments, **more)
            if claimed:
                self.perhaps("after effects were claimed")
            return claimed

        Store.save, Effects.claim = watched_save, watched_claim  # type: ignore[method-assign]

    def watch(self, desk: ReturnDesk) -> None:
        """Watch the transactions in which one desk saves."""
        engine = desk._services.store.engine

        @event.listens_for(engine, "before_cursor_execute")
        def statement(*_: Any) -> None:
            if self._commit.statements is not None:
                self._commit.statements += 1
                if self._commit.statements > 1:
                    self.perhaps("between two statements of the commit")

        @event.listens_for(engine, "commit")
        def commit(_: Any) -> None:
            if self._commit.statements is not None:
                self.perhaps("in the middle of the commit, before COMMIT")


class _Commit(threading.local):
    """How many statements the commit of a thread has sent; None where it has none."""

    statements: int | None = None


def counted(journal: Path) -> Counter[str]:
    """How often processes died at each point."""
    return Counter(journal.read_text().splitlines() if journal.exists() else ())
