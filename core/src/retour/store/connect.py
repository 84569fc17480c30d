"""Engines: how a database address becomes something that our transactions are safe on."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError
from sqlalchemy.pool import QueuePool

from retour.model.errors import Busy, StoreError, StoreLocked, StoreNotOurs, StoreReadOnly
from retour.model.text import text

SECONDS_TO_WAIT = 5.0
"""How long a writer waits for another one before it says that the database is locked."""

READ_ONLY = {"retour_read": True}
"""Execution options of a transaction that only reads: on SQLite it does not take the write lock."""


_PASSWORD = re.compile(r"(://?[^:/@]*:)[^@]*@")
_LOGGER = "retour"
_PRIVATE: dict[str, Any] = {"hide_parameters": True, "logging_name": _LOGGER}
"""Notes and accounts of customers are parameters and rows: errors do not repeat the ones, logs not the others."""


def _keep_out_of_logs() -> None:
    """Let a host that logs its own statements at DEBUG not log our rows too, unless it asks for ours by name."""
    logger = logging.getLogger(f"sqlalchemy.engine.Engine.{_LOGGER}")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.WARNING)


def connect(url: str) -> Engine:
    """An engine for ``sqlite:///file.db``, ``sqlite://`` (in memory) or ``postgresql+psycopg://…``.

    SQLite runs in WAL with synchronous FULL, foreign keys and BEGIN IMMEDIATE. Raises `StoreNotOurs` for any
    other address, and for one that cannot be reached.
    """
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number raises ValueError
        raise StoreNotOurs(
            text("{url} is not the address of a database.", url=_PASSWORD.sub(r"\1***@", str(url)))
        ) from None
    _keep_out_of_logs()
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, in_memory=parsed.database in (None, "", ":memory:"))
    if parsed.get_backend_name() == "postgresql":
        try:
            return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=False, **_PRIVATE)
        except ModuleNotFoundError:
            raise StoreNotOurs(text('PostgreSQL needs psycopg. Run: pip install "retour[postgresql]"')) from None
    raise StoreNotOurs(
        text("retour keeps its data in SQLite or PostgreSQL, not in {name}.", name=parsed.get_backend_name())
    )


def _sqlite(url: str, *, in_memory: bool) -> Engine:
    one_connection: dict[str, Any] = {"pool_size": 1, "max_overflow": 0} if in_memory else {}
    engine = create_engine(
        url,
        poolclass=QueuePool,
        connect_args={"timeout": SECONDS_TO_WAIT, "check_same_thread": False},
        **_PRIVATE,
        **one_connection,
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        reads = connection.get_execution_options().get("retour_read")
        connection.exec_driver_sql("BEGIN" if reads else "BEGIN IMMEDIATE")

    return engine


def host_connection(given: object) -> Connection:
    """The connection of a host's own transaction, from SQLAlchemy's `Connection` or `Session`.

    Raises `StoreError` for anything else, and for a connection on which our events could be lost or half written: it
    has to be in a transaction, on SQLite in BEGIN IMMEDIATE with WAL and synchronous FULL (2) or EXTRA (3).
    """
    connection: Any = given
    orm: Any = sys.modules.get("sqlalchemy.orm")  # whoever has a Session has imported it; nobody else pays for it
    if orm is not None and isinstance(given, orm.Session):
        if not given.in_transaction():
            raise _no_transaction()
        connection = given.connection()
    if not isinstance(connection, Connection):
        raise StoreError(
            text(
                "connection= takes SQLAlchemy's Connection or Session, not {kind}. A host whose transactions are made "
                "otherwise leaves it out: the command then commits by itself.",
                kind=f"{type(given).__module__}.{type(given).__qualname__}",
            )
        )
    if not connection.in_transaction():
        raise _no_transaction()
    if connection.dialect.name == "sqlite":
        _check_sqlite(connection)
    return connection


def _no_transaction() -> StoreError:
    return StoreError(text("The connection is in no transaction. Begin one, then call retour, then commit."))


def _check_sqlite(connection: Connection) -> None:
    driver: Any = connection.connection.dbapi_connection
    in_transaction = driver.in_transaction
    synchronous = connection.exec_driver_sql("PRAGMA synchronous").scalar_one()
    journal = connection.exec_driver_sql("PRAGMA journal_mode").scalar_one()
    if not in_transaction or synchronous < 2 or journal not in ("wal", "memory"):
        raise StoreError(
            text(
                "On SQLite the connection must be in BEGIN IMMEDIATE with journal_mode=WAL and synchronous=FULL. "
                "Make the engine with retour.connect(url) to get all three."
            )
        )


_host_writes: ContextVar[frozenset[str]] = ContextVar("_host_writes", default=frozenset())
"""The SQLite files whose only writer is the host's transaction that a command is running in."""


@contextmanager
def within(connection: Connection) -> Iterator[None]:
    """A command is running in the host's transaction on ``connection``."""
    name = _sqlite_file(connection.engine)
    reset = _host_writes.set(_host_writes.get() | {name}) if name else None
    try:
        yield
    finally:
        if reset is not None:
            _host_writes.reset(reset)


def refuse_while_the_host_writes(engine: Engine) -> None:
    """Raise `StoreLocked` where a hook or the shop's port writes beside the host's transaction that it is called in:
    SQLite has one writer, and that one waits for the answer."""
    if _sqlite_file(engine) in _host_writes.get():
        raise StoreLocked(
            text(
                "The host's own transaction is writing this SQLite database, and waits for this hook or shop: nothing "
                "else can be written in it meanwhile. Do it after the host's commit, or on the same connection."
            )
        )


def _sqlite_file(engine: Engine) -> str:
    if engine.dialect.name != "sqlite":
        return ""
    name = engine.url.database
    return f"in memory, {id(engine.pool)}" if name in (None, "", ":memory:") else os.path.abspath(str(name))


@contextmanager
def driver_errors_translated() -> Iterator[None]:
    """Turn what a database driver raises into one of our errors, with what to do about it."""
    try:
        yield
    except DBAPIError as error:
        raise _translated(error) from error


def _translated(error: DBAPIError) -> Exception:
    said = str(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if "is locked" in said or state == "55P03":
        return StoreLocked(
            text(
                "The database stayed locked by another process for {seconds} seconds. Nothing was changed; try again.",
                seconds=int(SECONDS_TO_WAIT),
            )
        )
    if "readonly" in said or state == "25006":
        return StoreReadOnly(
            text("The database is read-only ({said}). Give the process the right to write it.", said=said)
        )
    if "not a database" in said or "malformed" in said:
        return StoreNotOurs(text("The file is not an SQLite database: {said}.", said=said))
    if "unable to open" in said:
        return StoreNotOurs(text("The database file cannot be opened: check its folder and its rights."))
    if state in ("40001", "40P01"):
        return Busy(text("Somebody else changed the same order at the same moment. Nothing was changed; try again."))
    if isinstance(error, OperationalError) and state is None:
        return StoreNotOurs(text("The database cannot be reached: {said}", said=said.strip()))
    return error
