"""Statements that go straight to the driver. For each, SQLAlchemy makes a context, looks for listeners and describes
the result: several times what a local database takes for a small one.

They go past it only where nobody could tell the difference. Where the driver raises, SQLAlchemy takes over again: a
connection that ended leaves its pool together with all that are older, and who listens to errors hears of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from sqlalchemy import Connection


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


def _goes_straight(connection: Connection) -> bool:
    """Whether nobody could tell: in a transaction that goes on and outside of savepoints, nobody listens to statements,
    stands between them and the driver, or has them in a log."""
    transaction = connection.get_transaction()
    if transaction is None or not transaction.is_active or connection.get_nested_transaction() is not None:
        return False
    return _nobody_looks(connection)


def _nobody_looks(connection: Connection) -> bool:
    told, dialect = (connection if connection._has_events else connection.engine).dispatch, connection.dialect
    if told.before_cursor_execute or told.after_cursor_execute or connection._echo:
        return False
    return not (dialect._has_events and (dialect.dispatch.do_execute or dialect.dispatch.do_executemany))
