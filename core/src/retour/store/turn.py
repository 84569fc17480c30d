"""Whose turn it is to write an SQLite database, among the threads of this process.

SQLite has one writer, and whoever waits looks again after some milliseconds: of many threads some would come too late
each time, until they are told that the database is locked. A lock serves those of one process first.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from retour.process_lock import ProcessLock
from retour.store import connect


class Turn:
    """The turn to write one database. A thread that has it already has it still; a child of a process that forks begins
    anew, since the thread that had it may be none of its own."""

    def __init__(self) -> None:
        self._lock = ProcessLock()

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have it. Raises `StoreLocked` where nobody gives it away for as long as a writer waits for another."""
        lock = self._lock.own
        if not lock.acquire(timeout=connect.SECONDS_TO_WAIT):
            raise connect.stayed_locked()
        try:
            yield
        finally:
            lock.release()
