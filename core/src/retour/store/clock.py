"""Time in the store: whole microseconds since 1970 UTC. Leases run on the database's clock, never on ours."""

from __future__ import annotations

import datetime
from typing import Any

from sqlalchemy import literal_column

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
