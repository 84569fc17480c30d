"""One database: transactions that have three ends, and reads that outlive a connection."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, RowMapping, Select
from sqlalchemy.exc import DBAPIError

from retour.store.connect import (
    READ_ONLY,
    driver_errors_translated,
    perhaps_committed,
    refuse_while_the_host_writes,
)

_Given = TypeVar("_Given")


class CommitUnanswered(Exception):
    """The connection ended while COMMIT was under way: what was written is saved, or it is not."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__(str(error))
        self.error = error


class Database:
    """What reads and writes one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.dialect = engine.dialect.name
        reading: dict[str, Any] = {"isolation_level": "AUTOCOMMIT"} if self.dialect == "postgresql" else dict(READ_ONLY)
        self._reading = engine.execution_options(**reading)

    def write(self, write: Callable[[Connection], _Given]) -> _Given:
        """Write in a transaction of its own. Where the connection ends before COMMIT, nothing was saved, and the same
        is done once more on a new one: the first use of a connection that died in the pool is such a case.

        Raises `CommitUnanswered` where it ends under COMMIT.
        """
        refuse_while_the_host_writes(self.engine)
        with driver_errors_translated():
            try:
                return self.in_transaction(write)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return self.in_transaction(write)

    def write_what_can_be_repeated(self, write: Callable[[Connection], _Given]) -> _Given:
        """Write what does no harm if it is written twice."""
        try:
            return self.write(write)
        except CommitUnanswered:
            try:
                return self.write(write)
            except CommitUnanswered as again:
                with driver_errors_translated():
                    raise again.error from None

    def in_transaction(self, write: Callable[[Connection], _Given]) -> _Given:
        with self.engine.connect() as connection, connection.begin() as transaction:
            given = write(connection)
            try:
                transaction.commit()
            except DBAPIError as error:
                if perhaps_committed(error):
                    raise CommitUnanswered(error) from error
                raise
            return given

    def read(self, read: Callable[[Connection], _Given], connection: Connection | None = None) -> _Given:
        """Read, on a host's ``connection`` or on one of our own; on a new one where it ended."""
        with driver_errors_translated():
            if connection is not None:
                return read(connection)
            try:
                with self._reading.connect() as reader:
                    return read(reader)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            with self._reading.connect() as reader:
                return read(reader)

    def rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        return self.read(lambda reader: reader.execute(query).mappings().all())
