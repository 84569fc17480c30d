"""The files of an SQLite database, and whether they are still those that were opened.

SQLite goes on with a file that was deleted or renamed under it, and nobody else ever sees what it writes there.
"""

from __future__ import annotations

import os
from typing import Any

from sqlalchemy import Connection

from retour.model.errors import StoreGone
from retour.model.frozen import frozen
from retour.model.text import text

_Identity = tuple[int, int]
"""The device, and the number of the file on it."""


@frozen
class DatabaseFile:
    """The file at ``path``, as it was when it was opened."""

    path: str
    was: _Identity

    @classmethod
    def of(cls, connection: Connection) -> DatabaseFile | None:
        """The file of a connection, by the path that its address names, so that a symbolic link is followed anew;
        None for a database in memory."""
        opened = opened_path(connection)
        if not opened:
            return None
        named = str(connection.engine.url.database or "").removeprefix("file:").partition("?")[0]
        path = os.path.abspath(named) if named else opened
        try:
            same = os.path.samefile(path, opened)
        except OSError:
            same = False
        path = path if same else opened  # a relative address, and another folder since the engine was made
        return cls(path, _identity(path) or (0, 0))

    def check(self) -> None:
        """Raise `StoreGone` unless it is there."""
        found = _identity(self.path)
        if found == self.was:
            return
        if found is None:
            raise StoreGone(
                text(
                    "The database file {path} is gone: somebody deleted or renamed it. Nothing was changed. Put the "
                    "same file back; else stop every process that uses the database, see that the right file is "
                    "there, and start again.",
                    path=self.path,
                )
            )
        raise StoreGone(
            text(
                "The database file {path} was replaced by another one while it was in use. Nothing was changed. Stop "
                "every process that uses the database, see that the right file is there, without the -wal and -shm of "
                "the old one, and start again.",
                path=self.path,
            )
        )


def log_of(connection: Connection) -> DatabaseFile | None:
    """The write-ahead log that a connection has open: what is committed stands there first, and nobody may delete it
    while a connection is open. None where there is none."""
    path = f"{opened_path(connection)}-wal"
    found = _identity(path)
    return None if found is None else DatabaseFile(path, found)


def opened_path(connection: Connection) -> str:
    """The path of the file that a connection has open, as SQLite found it; empty for a database in memory."""
    driver: Any = connection.connection.dbapi_connection
    return next((path for _, name, path in driver.execute("PRAGMA database_list") if name == "main"), "") or ""


def _identity(path: str) -> _Identity | None:
    try:
        found = os.stat(path)
    except OSError:
        return None
    return found.st_dev, found.st_ino
