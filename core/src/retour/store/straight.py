"""Statements that go straight to the driver. For each, SQLAlchemy makes a context, looks for listeners and describes
the result: several times what a local database takes for a small one.

They go past it only where nobody could tell the difference. Where the driver raises, SQLAlchemy takes over again: a
connection that ended leaves its pool together with all that are older, and who listens to errors hears of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from sqlalchemy import Connection, Dialect, Engine
from sqlalchemy.pool import PoolProxiedConnection


def rows_of(connection: Connection, sql: str, values: Any) -> Sequence[Any]:
    """Run a statement that gives rows."""
    if not _goes_straight(connection):
        return connection.exec_driver_sql(sql, values).all()
    driver: Any = connection.connection.dbapi_connection
    try:
        rows: Sequence[Any] = driver.execute(sql, values).fetchall()
    except BaseException as error:  # noqa: BLE001 - it is raised on
        raise_as_sqlalchemy_does(connection, sql, error)
    return rows


def touched_by(connection: Connection, sql: str, sets: Sequence[Any]) -> int:
    """Run a statement that gives none for each of these sets of values; gives how many rows it touched in all."""
    if not _goes_straight(connection):
        return connection.exec_driver_sql(sql, sets[0] if len(sets) == 1 else sets).rowcount
    driver: Any = connection.connection.dbapi_connection
    try:
        if len(sets) == 1:
            touched: int = driver.execute(sql, sets[0]).rowcount
        else:
            cursor = driver.cursor()
            cursor.executemany(sql, sets)
            touched = cursor.rowcount
    except BaseException as error:  # noqa: BLE001 - it is raised on
        raise_as_sqlalchemy_does(connection, sql, error)
    return touched


def raise_as_sqlalchemy_does(connection: Connection, sql: str, error: BaseException) -> NoReturn:
    """What the driver raised, where it is being handled: wrapped, and of a connection that it has ended nothing is used
    any more. It does not get the values: they are no part of an error."""
    of_driver = isinstance(error, connection.dialect.loaded_dbapi.Error)  # all else is raised as it is
    connection._handle_dbapi_exception(error, sql if of_driver else None, None, None, None)


def raise_as_sqlalchemy_connects(engine: Engine, error: BaseException) -> NoReturn:
    """What the driver raised when the pool had it connect, as `Engine.connect` raises it."""
    Connection._handle_dbapi_exception_noconnection(error, engine.dialect, engine)


def _goes_straight(connection: Connection) -> bool:
    """Whether nobody could tell: in a transaction that goes on and outside of savepoints, nobody listens to statements,
    stands between them and the driver, or has them in a log."""
    transaction = connection.get_transaction()
    if transaction is None or not transaction.is_active or connection.get_nested_transaction() is not None:
        return False
    return _nobody_looks(connection)


def _nobody_looks(connection: Connection) -> bool:
    told = (connection if connection._has_events else connection.engine).dispatch
    if told.before_cursor_execute or told.after_cursor_execute or connection._echo:
        return False
    return not _executes_for_the_driver(connection.dialect)


def nobody_listens(engine: Engine) -> bool:
    """Whether nobody hears of anything that happens on an engine's connections, or has it in a log."""
    heard: Any = engine._has_events or Connection._has_events or engine._should_log_info()
    return not heard and not _executes_for_the_driver(engine.dialect)


def _executes_for_the_driver(dialect: Dialect) -> bool:
    """Whether somebody stands between statements and the driver."""
    told: Any = dialect.dispatch
    return dialect._has_events and bool(told.do_execute or told.do_executemany)


def read_straight(borrowed: PoolProxiedConnection, dialect: str, sql: str, values: Any) -> Sequence[Any] | None:
    """The rows of one statement that only reads, in no transaction, on a connection that was just ``borrowed`` from the
    pool; None where the driver raised: then it is to be done again by SQLAlchemy, which knows what that means."""
    driver: Any = borrowed.dbapi_connection
    begins_by_itself = dialect == "postgresql"
    try:
        if begins_by_itself:
            was, driver.autocommit = driver.autocommit, True
        rows: Sequence[Any] = driver.execute(sql, values).fetchall()
        if begins_by_itself:
            driver.autocommit = was  # an engine of the host's own may be one that commits each statement
    except Exception:  # noqa: BLE001 - what it is, is found out when it is done again
        if begins_by_itself:
            borrowed.invalidate()  # nobody is to get a connection that may commit each statement
        return None
    except BaseException:  # somebody stopped it in the middle, and nobody knows what the driver still waits for
        borrowed.invalidate()
        raise
    return rows
