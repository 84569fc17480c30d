"""The second baseline: what the desk sends, text for text, through the bare drivers at the same durability."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, Protocol

from sqlalchemy import Engine

from benchmarks.recording import Recording

_PRAGMAS = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "cache_size", "wal_autocheckpoint")
"""What decides how safe and how fast SQLite writes: asked of the desk's own connection, and set alike."""


class BareReplay(Protocol):
    """Replays recordings without SQLAlchemy."""

    def run(self, number: int) -> None:
        """Replay one recording."""

    def close(self) -> None:
        """Close the connection."""


def bare_replay(engine: Engine, recordings: Sequence[Recording]) -> BareReplay:
    """A replay on the database of ``engine``, by its driver alone."""
    if engine.dialect.name == "sqlite":
        return _SQLiteReplay(engine, recordings)
    return _PostgreSQLReplay(engine, recordings)


def sqlite_settings(engine: Engine) -> dict[str, Any]:
    """The settings of an engine's connections that decide about durability and speed."""
    with closing(engine.raw_connection()) as connection:
        return {name: connection.cursor().execute(f"PRAGMA {name}").fetchone()[0] for name in _PRAGMAS}


class _SQLiteReplay:
    def __init__(self, engine: Engine, recordings: Sequence[Recording]) -> None:
        self._recordings = recordings
        settings = sqlite_settings(engine)
        self._connection = sqlite3.connect(str(engine.url.database), isolation_level=None)
        for name, value in settings.items():
            self._connection.execute(f"PRAGMA {name}={value}").fetchall()
        own = {name: self._connection.execute(f"PRAGMA {name}").fetchone()[0] for name in settings}
        if own != settings:
            raise AssertionError(f"the bare connection is set otherwise than the desk's: {own}, {settings}")

    def run(self, number: int) -> None:
        """Replay one recording."""
        connection = self._connection
        for transaction in self._recordings[number]:
            if transaction.begun:
                connection.execute(transaction.begun)
            for statement in transaction.statements:
                execute = connection.executemany if statement.many else connection.execute
                cursor = execute(statement.sql, statement.parameters)
                if cursor.description is not None:
                    cursor.fetchall()
            if transaction.ended == "commit":
                connection.commit()
            else:
                connection.rollback()

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class _PostgreSQLReplay:
    def __init__(self, engine: Engine, recordings: Sequence[Recording]) -> None:
        import psycopg  # the extra retour[postgresql]; only where there is a server

        self._recordings = recordings
        url = engine.url
        self._connection = psycopg.connect(
            host=url.host, port=url.port, user=url.username, password=url.password, dbname=url.database, autocommit=True
        )

    def run(self, number: int) -> None:
        """Replay one recording."""
        connection = self._connection
        for transaction in self._recordings[number]:
            if transaction.begun:
                connection.execute(transaction.begun)
            with connection.cursor() as cursor:
                for statement in transaction.statements:
                    if statement.many:
                        cursor.executemany(statement.sql, statement.parameters)
                        continue
                    cursor.execute(statement.sql, statement.parameters)
                    if cursor.description is not None:
                        cursor.fetchall()
            if transaction.begun:
                connection.execute("COMMIT" if transaction.ended == "commit" else "ROLLBACK")

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
