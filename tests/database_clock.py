"""The clock of the databases that tests use: what retour asks of them, moved by a test.

SQLite asks its function ``julianday``, which a test's own takes the place of in each process that `install`s it.
PostgreSQL asks ``clock_timestamp``: `make_movable` makes one that looks into a table first, for all that connect.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event, text

TESTS_THEMSELVES = "the tests themselves"
"""What PostgreSQL calls the connection with which the tests empty a database and tell it the time."""

_JULIAN_DAY_OF_1970 = 2440587.5

_told: list[Callable[[], datetime.datetime]] = []


def tell(clock: Callable[[], datetime.datetime] | None) -> None:
    """Let every SQLite database that this process opens tell ``clock``'s time; None: the real one again."""
    _told[:] = [] if clock is None else [clock]


def install() -> None:
    """Let the SQLite databases that this process opens from now on ask `tell`'s clock."""
    if not event.contains(Engine, "connect", _connected):
        event.listen(Engine, "connect", _connected)


def _connected(connection: Any, _: object) -> None:
    inner = getattr(connection, "driver_connection", connection)
    if hasattr(inner, "create_function"):
        inner.create_function("julianday", 1, _julian_day)


def _julian_day(_: object) -> float:
    now = _told[0]() if _told else datetime.datetime.now(datetime.UTC)
    return now.timestamp() / 86400 + _JULIAN_DAY_OF_1970


_MOVABLE = """
CREATE SCHEMA database_clock;
CREATE TABLE database_clock.told (at timestamptz, ahead interval);
CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE AS
    'SELECT coalesce((SELECT coalesce(at, pg_catalog.clock_timestamp() + ahead) FROM database_clock.told LIMIT 1),
                     pg_catalog.clock_timestamp())';
"""


def make_movable(engine: Engine) -> None:
    """Let a PostgreSQL database tell the time that `tell_postgresql` sets, to all that connect from now on."""
    with engine.begin() as connection:
        connection.execute(text(_MOVABLE))
        connection.exec_driver_sql(
            f'ALTER DATABASE "{engine.url.database}" SET search_path = "$user", public, pg_catalog'
        )


def tell_postgresql(
    engine: Engine, at: datetime.datetime | None, ahead: datetime.timedelta = datetime.timedelta(0)
) -> None:
    """Let a PostgreSQL database tell this time; None: the real one, so far ``ahead``."""
    with engine.begin() as connection:
        connection.execute(text("DELETE FROM database_clock.told"))
        connection.execute(text("INSERT INTO database_clock.told VALUES (:at, :ahead)"), {"at": at, "ahead": ahead})
