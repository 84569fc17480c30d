"""Engines: how a database address becomes something that our transactions are safe on."""

from __future__ import annotations

import logging
import os
import re
import sqlite3
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec, TypeVar

from sqlalchemy import Connection, Dialect, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, PendingRollbackError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import PoolProxiedConnection, QueuePool

from retour.model.errors import (
    Busy,
    StoreError,
    StoreLocked,
    StoreNotMigrated,
    StoreNotOurs,
    StoreReadOnly,
    StoreUnavailable,
)
from retour.model.text import text
from retour.model.unseen import unseen
from retour.store.straight import raise_as_sqlalchemy_does

_Given = ParamSpec("_Given")
_Back = TypeVar("_Back")

SECONDS_TO_WAIT = 5.0
"""How long a writer waits for another one before it says that the database, or the order, is locked."""

_READS = "retour_reads"
"""Under which a connection of the pool keeps, for as long as it is so, that its transactions only read: those of SQLite
take no write lock then."""

_BEFORE_A_HOST = r"(://?[^:/@]*:)[^@]*@"
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

    SQLite runs in WAL with synchronous FULL, foreign keys and BEGIN IMMEDIATE. On PostgreSQL no statement waits for
    a lock for more than 5 seconds, unless the address says so: ``?options=-c%20lock_timeout%3D10s``. Raises
    `StoreNotOurs` for any other address.

    >>> engine = connect("sqlite://")
    >>> engine.name
    'sqlite'
    >>> engine.dispose()
    """
    url = unseen(url)
    parsed = _parsed(url)
    if parsed is None:
        raise StoreNotOurs(
            text(
                "{url} is not the address of a database. Give one as in {file} or {server}.",
                url=re.sub(_BEFORE_A_HOST, r"\1***@", str(url)),
                file="sqlite:///returns.db",
                server="postgresql+psycopg://user@host/returns",
            )
        )
    _keep_out_of_logs()
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(url, in_memory=parsed.database in (None, "", ":memory:"))
    if parsed.get_backend_name() == "postgresql":
        try:
            return _postgresql(parsed.set(drivername="postgresql+psycopg"))
        except ModuleNotFoundError:
            raise StoreNotOurs(text('PostgreSQL needs psycopg. Run: pip install "retour[postgresql]"')) from None
    raise StoreNotOurs(
        text("retour keeps its data in SQLite or PostgreSQL, not in {name}.", name=parsed.get_backend_name())
    )


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection of an engine that `connect` made, on which nothing is written, for what a host reads of its own
    tables: with ``engine.connect()`` every read takes SQLite's write lock, waits for who writes and keeps others from
    it. With this it sees what was committed when it began, and waits for nobody. On PostgreSQL each statement sees what
    was committed when that began, as ever, and is sent by itself: a transaction that is rolled back lets the driver
    forget all that it has prepared on the connection.

    What is to be written goes through ``engine.begin()``; on this one SQLite would refuse it as soon as somebody else
    wrote meanwhile, and PostgreSQL save it at once.

    >>> from sqlalchemy import text as sql
    >>> engine = connect("sqlite://")
    >>> with reading(engine) as connection:
    ...     connection.execute(sql("SELECT 1")).scalar()
    1
    >>> engine.dispose()
    """
    with engine.connect() as connection:
        only_reads(connection)
        yield connection


def only_reads(connection: Connection) -> None:
    """What begins on a connection only reads, until it is given back: on SQLite it takes no write lock then, and on
    PostgreSQL each statement is sent by itself. Past SQLAlchemy's isolation levels, which cost as much as a statement.
    """
    borrowed: Any = connection.connection
    driver, info, sends_by_itself = borrowed.dbapi_connection, borrowed.info, connection.dialect.name == "postgresql"

    was = driver.autocommit if sends_by_itself else None  # True of an engine of the host's that commits each statement

    def take_back(_: object) -> None:
        info.pop(_READS, None)
        if sends_by_itself:
            driver.autocommit = was

    info[_READS] = True
    borrowed._connection_record.finalize_callback.append(take_back)  # whoever gives it back, and however
    if sends_by_itself:
        try:
            driver.autocommit = True
        except BaseException as error:  # noqa: BLE001 - it is raised on
            raise_as_sqlalchemy_does(connection, "BEGIN", error)


def _parsed(url: str) -> URL | None:
    """The parts of an address, its password masked; None where it is none."""
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # a port that is no number raises ValueError
        return None
    return parsed.set(password=unseen(parsed.password)) if parsed.password else parsed


def _postgresql(url: URL) -> Engine:
    secrets = {name: unseen(str(url.query[name])) for name in ("password", "sslpassword") if name in url.query}
    url = url.difference_update_query(secrets)  # an engine shows its address, and masks one password in it
    given = url.query.get("options", ())
    own = [given] if isinstance(given, str) else list(given)
    bounded = f"-c lock_timeout={_milliseconds_to_wait()}"  # sent with the connection: it costs no statement
    engine = create_engine(
        url,
        connect_args={"options": " ".join([bounded, *own]), **secrets},
        use_native_hstore=False,  # no column of ours is one, and asking for it costs each first connection a statement
        **_PRIVATE,
    )

    @event.listens_for(engine, "do_connect")
    def through_a_pooler_too(dialect: Dialect, _: object, arguments: Any, parameters: dict[str, Any]) -> Any:
        try:
            return dialect.connect(*arguments, **parameters)
        except Exception as error:
            if "unsupported startup parameter" not in str(error):
                raise
        return dialect.connect(*arguments, **{**parameters, "options": " ".join(own)})

    return engine


def lock_limit() -> str:
    """The statement that bounds what a transaction waits for a lock, where nobody has: neither the address, nor the
    role, nor the database. Until the transaction ends: the connection may be a pooler's, or the host's own."""
    return (
        f"SELECT set_config('lock_timeout', '{_milliseconds_to_wait()}', true) "
        "WHERE current_setting('lock_timeout') = '0'"
    )


NO_LOCK_LIMIT = "SELECT set_config('lock_timeout', '0', true)"
"""Takes back what `lock_limit` has set."""


def _milliseconds_to_wait() -> int:
    return int(SECONDS_TO_WAIT * 1000)


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

    dialect: Any = engine.dialect
    dialect.do_begin = _begin  # a listener would have SQLAlchemy look for listeners at each statement
    return engine


def _begin(connection: PoolProxiedConnection) -> None:
    driver: Any = connection.dbapi_connection
    driver.execute("BEGIN" if _READS in connection.info else "BEGIN IMMEDIATE")


def driver_errors_translated(function: Callable[_Given, _Back]) -> Callable[_Given, _Back]:
    """Let a function raise one of our errors, with what to do, for what a database driver or the pool raises.

    It stands alone: what the driver raised has rows among its parameters, in PostgreSQL's details and in the variables
    of its frames, those of a connection that failed have the password, and who reports errors collects all of them.
    """

    @wraps(function)
    def translated(*given: _Given.args, **named: _Given.kwargs) -> _Back:
        try:
            return function(*given, **named)
        except (DBAPIError, PoolTimeout, PendingRollbackError) as error:
            failure = _failure(error)
        raise failure  # not while the other is handled, which would come along as its context

    return translated


def _failure(error: SQLAlchemyError) -> Exception:
    if isinstance(error, DBAPIError):
        failure = _translated(error)
        said = f"{type(error.orig).__name__} {_state(error)}: {_said(error)}"
        failure.add_note(f"{said} (at: {error.statement or 'connecting'})")
        return failure
    if isinstance(error, PoolTimeout):
        return StoreUnavailable(
            text(
                "Every connection to the database stayed in use. Nothing was changed; try again. If it stays so, give "
                "the engine a larger pool, or run fewer threads."
            )
        )
    return StoreUnavailable(
        text(
            "The transaction on this connection has failed or ended already. Nothing was changed; roll it back, "
            "and do the whole of it again."
        )
    )


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


@driver_errors_translated
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
    writing = _host_writes.get()
    if writing and _sqlite_file(engine) in writing:
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


def connection_lost(error: DBAPIError) -> bool:
    """Whether the connection ended under a statement, or a server said that it ends it: the statement's transaction is
    undone, unless COMMIT was under way."""
    state = _state(error)
    return error.connection_invalidated or state.startswith("08") or state in _ENDS_THE_CONNECTION


def perhaps_committed(error: DBAPIError) -> bool:
    """Whether a COMMIT that raised ``error`` may have been done all the same: nobody answered it, or SQLite could not
    write the last of it."""
    return connection_lost(error) or _state(error) == "40003" or "disk I/O" in _said(error)


_ENDS_THE_CONNECTION = {"57P01", "57P02", "57P03", "57P04", "57P05", "25P03", "25P04"}
"""SQLSTATEs with which PostgreSQL ends a connection: a shutdown, a crash, a start, a dropped database, time-outs."""


def _state(error: DBAPIError) -> str:
    return getattr(error.orig, "sqlstate", None) or ""


def _said(error: DBAPIError) -> str:
    """What the driver said, without the values of rows, which PostgreSQL tells in the details."""
    primary = getattr(getattr(error.orig, "diag", None), "message_primary", None)
    return " ".join(str(primary or error.orig).split())


def stayed_locked() -> StoreLocked:
    """The error where somebody else kept writing for as long as a writer waits."""
    return StoreLocked(
        text(
            "The database stayed locked by another process for {seconds} seconds. Nothing was changed; try again.",
            seconds=int(SECONDS_TO_WAIT),
        )
    )


def _translated(error: DBAPIError) -> Exception:
    said, state = _said(error), _state(error)
    if "is locked" in said:
        return stayed_locked()
    if state == "55P03":
        return Busy(
            text(
                "Another transaction has kept the same order locked for too long; perhaps somebody left it open. "
                "Nothing was changed; try again."
            )
        )
    if "readonly" in said or state == "25006":
        return StoreReadOnly(text("The database is read-only. Give the process the right to write it."))
    if "not a database" in said or "malformed" in said:
        return StoreNotOurs(text("The file is not an SQLite database."))
    if "unable to open" in said:
        return StoreNotOurs(text("The database file cannot be opened: check its folder and its rights."))
    if state in ("40001", "40P01"):
        return Busy(text("Somebody else changed the same order at the same moment. Nothing was changed; try again."))
    if state == "42501":
        return StoreError(
            text(
                "The database refuses this to its user. Nothing was changed; give that user the rights to "
                "read and write the tables whose names begin with retour_.",
            )
        )
    if state in ("42P01", "42703") or "no such table" in said or "no such column" in said:
        return StoreNotMigrated(text("The database lacks a table or a column of this retour. Run: retour db upgrade."))
    if state == "57014":
        return StoreUnavailable(
            text(
                "The database stopped a statement that took too long, or somebody stopped it. Nothing was "
                "changed; try again. If it stays so, raise statement_timeout for retour's user.",
            )
        )
    if "statement pooling mode" in said:
        return StoreError(
            text(
                "The PgBouncer in between is in statement mode, in which nothing can be saved together. Nothing was "
                "changed; set its pool_mode to transaction or session."
            )
        )
    if connection_lost(error) or (isinstance(error, OperationalError) and not state and _is_postgresql(error)):
        return StoreUnavailable(text("The database cannot be reached. Nothing was changed; try again."))
    return StoreError(
        text(
            "The database could not do this. Nothing was changed; try again, and if it stays so, look in the "
            "log of the database.",
        )
    )


def _is_postgresql(error: DBAPIError) -> bool:
    return not isinstance(error.orig, sqlite3.Error)
