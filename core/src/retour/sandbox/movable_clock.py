"""The clock of a sandbox, which can be moved, so that nobody has to wait for days."""

from __future__ import annotations

import datetime
import threading


class SandboxClock:
    """Tells the time that it was set to, and stands still; one that ``runs`` goes on from there as time passes.

    Who plays a provider for a shop outside has one that runs. Such a sandbox can be started again while the shop still
    knows what the last one told it."""

    def __init__(self, now: datetime.datetime | None = None, *, runs: bool = False) -> None:
        began = datetime.datetime.now(datetime.UTC)
        self._now = now or (began if runs else began.replace(microsecond=0))
        self._ran_from = began if runs else None
        self.runs = runs
        self._lock = threading.Lock()

    def now(self) -> datetime.datetime:
        """The time, in UTC."""
        with self._lock:
            if self._ran_from is None:
                return self._now
            return self._now + (datetime.datetime.now(datetime.UTC) - self._ran_from)

    def advance(self, by: datetime.timedelta) -> None:
        """Let time pass."""
        with self._lock:
            self._now += by
