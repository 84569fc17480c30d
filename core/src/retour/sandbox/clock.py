"""The clock of a sandbox: it stands still until it is moved, so that a test can wait for days in no time."""

from __future__ import annotations

import datetime
import threading


class SandboxClock:
    """Tells the time that it was set to."""

    def __init__(self, now: datetime.datetime | None = None) -> None:
        self._now = now or datetime.datetime.now(datetime.UTC).replace(microsecond=0)
        self._lock = threading.Lock()

    def now(self) -> datetime.datetime:
        """The time, in UTC."""
        with self._lock:
            return self._now

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass."""
        with self._lock:
            self._now += by
