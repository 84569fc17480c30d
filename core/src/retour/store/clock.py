"""Time in the store: whole microseconds since 1970 UTC, on the database's clock, never on a process's.

A process is told it with what it reads anyway, and counts on from there by the seconds that go by.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable
from typing import Any

from sqlalchemy import literal_column

from retour.model.frozen import frozen
from retour.model.moment import Moment

EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
SECOND = 1_000_000
"""Microseconds, the store's unit of time, in a second."""

_MICROSECOND = datetime.timedelta(microseconds=1)

NOW = {
    "sqlite": "CAST((julianday('now') - 2440587.5) * 86400000000 AS INTEGER)",
    "postgresql": "(SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT))",
}
"""The database's clock as an SQL expression, by dialect; SQLite's is exact to the millisecond.

PostgreSQL's is a query of its own, read once for a statement: ``clock_timestamp()`` is volatile, and what is compared
with it directly is looked for in no index."""


def microseconds(at: datetime.datetime) -> int:
    """A time as the store keeps it."""
    return (at - EPOCH) // _MICROSECOND


def as_datetime(value: int) -> datetime.datetime:
    """A stored time as an aware datetime in UTC."""
    return EPOCH + value * _MICROSECOND


def database_now(dialect: str) -> Any:
    """The database's clock, in a statement of SQLAlchemy Core."""
    return literal_column(NOW[dialect])


_COUNTS_SLEEP: int | None = getattr(time, "CLOCK_BOOTTIME", None)


def seconds_gone_by() -> float:
    """Seconds since some moment that is the same for the whole life of a process. No setting of a clock moves them, and
    a machine's sleep counts where its system counts it (``CLOCK_BOOTTIME`` of Linux)."""
    return time.monotonic() if _COUNTS_SLEEP is None else time.clock_gettime(_COUNTS_SLEEP)


@frozen(kw_only=True)
class DatabaseTime:
    """What a database told of its time, ``told`` in microseconds, and how to count on from there: by what has
    ``elapsed``, in seconds, since just before it was ``asked`` and since it had ``answered``."""

    told: int
    asked: float
    answered: float
    elapsed: Callable[[], float]

    def now(self) -> Moment:
        """What time it is by the database's clock. Also for a process that was suspended while it asked."""
        at, elapsed = as_datetime(self.told), self.elapsed()
        return Moment(
            earliest=at + datetime.timedelta(seconds=elapsed - self.answered),
            latest=at + datetime.timedelta(seconds=elapsed - self.asked),
        )
