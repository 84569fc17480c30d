"""One database: transactions that have three ends, and reads that outlive a connection.

Whatever engine it is given, the host's own too: what a transaction needs is asked for where it begins, and nothing is
set on connections that others use as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RowMapping, Select
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from retour.model.errors import PerhapsSaved, StoreError, StoreNotOurs
from retour.model.text import Text, text
from retour.store.connect import (
    NO_LOCK_LIMIT,
    SECONDS_TO_WAIT,
    driver_errors_translated,
    lock_limit,
    only_reads,
    perhaps_committed,
    refuse_while_the_host_writes,
)
from retour.store.file import DatabaseFile, log_of
from retour.store.fork import Connections
from retour.store.migrations import NEWEST_APPLIED, refuse_other
from retour.store.prepared import Prepared
from retour.store.straight import nobody_listens, raise_as_sqlalchemy_connects, raise_as_sqlalchemy_does, read_straight
from retour.store.turn import Turn

_Given = TypeVar("_Given")

_KNOWN = "retour"
"""Under which a connection of the pool keeps what was found out about it: of SQLite its log, of PostgreSQL how a
transaction begins on it."""


_PAUSE = 0.2
"""Seconds between two tries to settle what nobody answered."""


class CommitUnanswered(Exception):
    """The connection ended while COMMIT was under way: what was written is saved, or it is not."""


class Database:
    """What reads and writes one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        self._file = self._opened()
        self._turn: Callable[[], AbstractContextManager[None]] = (
            Turn().taken if self.dialect == "sqlite" else nullcontext
        )
        self._connections = Connections(engine, close_before_forks=self._file is not None)

    @property
    def in_memory(self) -> bool:
        """Whether it is an SQLite database in memory, which one connection has and no other."""
        return self.dialect == "sqlite" and self._file is None

    @driver_errors_translated
    def write(self, write: Callable[[Connection], _Given]) -> _Given:
        """Write in a transaction of its own. Where the connection ends before COMMIT, nothing was saved, and the same
        is done once more on a new one: the first use of a connection that died in the pool is such a case.

        Raises `CommitUnanswered` where it ends under COMMIT, `StoreNewer` where somebody has migrated the database
        meanwhile, and `StoreGone` where it is not in its place any more.
        """
        refuse_while_the_host_writes(self.engine)
        try:
            return self.in_transaction(write)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return self.in_transaction(write)

    def write_what_can_be_repeated(self, write: Callable[[Connection], _Given]) -> _Given:
        """Write what is the same if it is written twice, and gives the same: a COMMIT that nobody answered is settled
        by doing it once more. Raises `PerhapsSaved` where the database cannot be asked."""
        try:
            return self.write(write)
        except CommitUnanswered:
            pass
        return self.settle(lambda: self.in_transaction(write), _PERHAPS_SAVED)

    def settle(self, again: Callable[[], _Given], otherwise: Text) -> _Given:
        """Settle a COMMIT that nobody answered by what can be done ``again``, for as long as a writer waits. Raises
        `PerhapsSaved`, which says ``otherwise``, where the database cannot be asked in that time."""
        until = time.monotonic() + SECONDS_TO_WAIT
        while time.monotonic() <= until:
            try:
                return again()
            except PerhapsSaved:
                raise
            except (CommitUnanswered, SQLAlchemyError, StoreError):
                time.sleep(_PAUSE)
        raise PerhapsSaved(otherwise)

    @driver_errors_translated
    def write_on(self, connection: Connection, write: Callable[[Connection], _Given]) -> _Given:
        """Write within a savepoint of a host's transaction. Where the host bounds no waits for locks, ours are bounded,
        and afterwards its own are as they were: taking the savepoint back takes that back as well."""
        self._check_file()
        with connection.begin_nested():
            postgresql = self.dialect == "postgresql"
            bounded = postgresql and connection.exec_driver_sql(lock_limit()).first() is not None
            refuse_other(connection.exec_driver_sql(NEWEST_APPLIED).scalar())
            given = write(connection)
            if bounded:
                connection.exec_driver_sql(NO_LOCK_LIMIT)
            return given

    def in_transaction(self, write: Callable[[Connection], _Given]) -> _Given:
        with self._turn(), self._connected() as connection, connection.begin() as transaction:
            self._begin(connection)
            given = write(connection)
            self._check_file(connection)
            try:
                transaction.commit()
            except DBAPIError as error:
                if perhaps_committed(error):
                    raise CommitUnanswered from None
                raise
            return given

    @driver_errors_translated
    def read(self, read: Callable[[Connection], _Given], connection: Connection | None = None) -> _Given:
        """Read, on a host's ``connection`` or on one of our own; on a new one where it ended."""
        if connection is not None:
            self._check_file()
            return read(connection)
        try:
            return self._read(read)
        except DBAPIError as error:
            if not error.connection_invalidated:
                raise
        return self._read(read)

    def _read(self, read: Callable[[Connection], _Given]) -> _Given:
        with self._connected() as reader:
            only_reads(reader)
            reader.begin()  # rolled back where the connection is given back
            return read(reader)

    def rows_of(self, statement: Prepared, connection: Connection | None = None, /, **values: Any) -> Sequence[Any]:
        """Run a prepared statement that gives rows, on a host's ``connection`` or on one of our own: where nobody could
        tell, without SQLAlchemy's, which costs several times what a small statement does."""
        straight = connection is None and nobody_listens(self.engine)
        rows = self._rows_straight(statement, values) if straight else None
        return self.read(lambda reader: statement.rows(reader, **values), connection) if rows is None else rows

    def row_of(self, statement: Prepared, **values: Any) -> Any:
        """The same; gives the first row, or None."""
        rows = self.rows_of(statement, **values)
        return rows[0] if rows else None

    @driver_errors_translated
    def _rows_straight(self, statement: Prepared, values: Mapping[str, Any]) -> Sequence[Any] | None:
        """None where it is to be done again by `read`, which knows what to do."""
        self._be_ours()
        try:
            borrowed = self.engine.raw_connection()
        except self.engine.dialect.loaded_dbapi.Error as error:
            raise_as_sqlalchemy_connects(self.engine, error)  # to try again takes as long once more
        with closing(borrowed):
            if _KNOWN not in borrowed.info:
                return None
            self._check_log(borrowed.info)
            return read_straight(borrowed, self.dialect, *statement.as_sent(self.engine.dialect, values))

    def rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        return self.read(lambda reader: reader.execute(query).mappings().all())

    # --- connections -----------------------------------------------------------------------------------------

    def _connected(self) -> Connection:
        """A connection of this process's, to what was opened."""
        self._be_ours()
        connection = self.engine.connect()
        try:
            info = connection.info
            if _KNOWN not in info:
                info[_KNOWN] = self._find_out(connection)
                self._check_file()
            else:
                self._check_log(info)
        except BaseException:
            connection.close()
            raise
        return connection

    def _be_ours(self) -> None:
        """The connections are this process's, and SQLite's file is that which was opened: it would make an empty one in
        its place."""
        self._connections.be_our_own()
        if self._file is not None:
            self._file.check()

    @driver_errors_translated
    def _opened(self) -> DatabaseFile | None:
        """What was opened, and what all that follows has to be."""
        with self.engine.connect() as connection:
            connection.info[_KNOWN] = self._find_out(connection)
            return DatabaseFile.of(connection) if self.dialect == "sqlite" else None

    def _find_out(self, connection: Connection) -> Any:
        """What holds for a new connection for as long as it is open."""
        if self.dialect == "sqlite":
            return log_of(connection)
        if connection.dialect.driver != "psycopg":
            raise StoreNotOurs(
                text(
                    "The driver of this engine is {driver}; retour needs psycopg. Make the engine for "
                    "postgresql+psycopg://...",
                    driver=connection.dialect.driver,
                )
            )
        driver: Any = connection.connection.dbapi_connection
        server, limit = connection.exec_driver_sql("SELECT pg_backend_pid(), current_setting('lock_timeout')").one()
        connection.rollback()
        pooled = server != driver.info.backend_pid  # and any server may get the next transaction
        if pooled:
            driver.prepare_threshold = None
        bounded = limit != "0" and not pooled
        return "; ".join(["BEGIN", *([] if bounded else [lock_limit()]), NEWEST_APPLIED]).encode()

    def _begin(self, connection: Connection) -> None:
        """Begin to write, unless the database is another one than it was. Raises `StoreNewer`, `StoreNotMigrated`.

        Past SQLAlchemy, for which this would be a statement more.
        """
        driver: Any = connection.connection.dbapi_connection
        try:
            if self.dialect == "postgresql":
                newest = _begun(driver, connection.info[_KNOWN])
            else:
                newest = driver.execute(NEWEST_APPLIED).fetchone()[0]
        except BaseException as error:  # noqa: BLE001 - it is raised on
            raise_as_sqlalchemy_does(connection, NEWEST_APPLIED, error)
        refuse_other(newest)

    def _check_file(self, connection: Connection | None = None) -> None:
        if self._file is not None:
            self._file.check()
            if connection is not None:
                self._check_log(connection.info)

    def _check_log(self, info: Mapping[Any, Any]) -> None:
        """The log that a connection has open, by its ``info``, is still the file's."""
        if self._file is not None and info[_KNOWN] is not None:
            info[_KNOWN].check()


_PERHAPS_SAVED = text(
    "The connection to the database ended while this was being saved, and the database cannot be asked now whether it "
    "was. Do the same again: then it is done once."
)


def _begun(driver: Any, begin: bytes) -> int | None:
    """The newest migration, asked for with PostgreSQL's BEGIN: one round trip, in place of the driver's own BEGIN."""
    from psycopg.errors import error_from_result  # who uses SQLite has no psycopg

    answer = driver.pgconn.exec_(begin)
    if answer.error_message:
        raise error_from_result(answer)
    newest = answer.get_value(0, 0)
    return None if newest is None else int(newest)
