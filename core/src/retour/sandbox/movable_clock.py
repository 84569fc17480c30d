"""The clock of a sandbox, which can be moved, so that nobody has to wait for days."""

from __future__ import annotations

import datetime
import sqlite3
import threading

from retour.model.text import Text, text

HERE = text("at this sandbox only")

_JULIAN_DAY_OF_1970 = 2440587.5


class SandboxClock:
    """Tells the time that it was set to, and stands still; one that ``runs`` goes on from there as time passes.

    Who plays a provider for a shop outside has one that runs. Such a sandbox can be started again while the shop still
    knows what the last one told it.

    Several sandboxes can be given one clock, and so can a desk (``clock=clock.now``) and its database (`tell_sqlite`):
    whoever moves it, on any dashboard, moves it for all of them. Each dashboard says where it ``counts``.
    """

    def __init__(self, now: datetime.datetime | None = None, *, runs: bool = False, counts: Text | str = HERE) -> None:
        began = datetime.datetime.now(datetime.UTC)
        self._now = now or (began if runs else began.replace(microsecond=0))
        self._ran_from = began if runs else None
        self.runs = runs
        self.counts = counts
        self._lock = threading.Lock()

    @classmethod
    def of_shop(cls) -> SandboxClock:
        """One that runs, for a shop and all of its sandboxes, which their dashboards say."""
        return cls(runs=True, counts=text("in your shop and at all of its sandboxes"))

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

    def tell_sqlite(self, connection: sqlite3.Connection) -> None:
        """Let SQLite tell this time over a connection, so that what retour leaves to the database's clock (when it asks
        a provider again, how long a key is good) goes by this one too. For a database that nobody else uses."""
        connection.create_function("julianday", 1, self._julian_day)

    def _julian_day(self, asked: object) -> float | None:
        if asked != "now":
            return None  # another time than now is not asked of the clock
        return self.now().timestamp() / datetime.timedelta(days=1).total_seconds() + _JULIAN_DAY_OF_1970
