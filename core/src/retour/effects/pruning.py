"""Deletes effects that were done long ago, some at a time, after all else."""

from __future__ import annotations

import datetime
import math

import attrs

from retour.store.store import Store

SHORTEST_KEPT = datetime.timedelta(days=30)
"""What a webhook said is known again by the id of its effect, and a provider sends one again for days or weeks."""

USUALLY_KEPT = datetime.timedelta(days=90)

AT_ONCE = 500
"""Effects in one transaction, which keeps other writers waiting on SQLite."""

BETWEEN = 3600.0
"""Seconds of a process from when it found no more until it looks again."""


@attrs.define
class Pruning:
    """The effects of a store, each of which is ``kept`` so long after it was done."""

    store: Store
    kept: datetime.timedelta
    _next: float = attrs.field(default=-math.inf, init=False)

    def prune(self, limit: int) -> int:
        """Delete up to ``limit`` of them, or none before it is time to look again; gives how many."""
        if self.store.elapsed() < self._next:
            return 0
        most = min(limit, AT_ONCE)
        pruned = self.store.effects.prune(self.kept // datetime.timedelta(microseconds=1), most)
        if pruned < most:
            self._next = self.store.elapsed() + BETWEEN
        return pruned
