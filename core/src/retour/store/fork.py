"""What a process that forks (gunicorn --preload, Celery's prefork, multiprocessing) leaves open to its children.

No connection may be used on both sides of a fork. PostgreSQL's are left to the parent. SQLite's must be closed before:
a child that only inherits one counts the parent's locks as its own (https://www.sqlite.org/howtocorrupt.html, 2.6).
"""

from __future__ import annotations

import os
import weakref

from sqlalchemy import Engine


class Connections:
    """The pooled connections of an engine, as far as they are this process's own."""

    def __init__(self, engine: Engine, *, close_before_forks: bool) -> None:
        self._engine = engine
        self._process = os.getpid()
        self._of_the_parent: list[object] = []
        if close_before_forks:
            _closed_before_forks.add(engine)

    def be_our_own(self) -> None:
        """In a child, begin with new ones. Asked before each use: servers written in C fork past Python's hooks."""
        if os.getpid() != self._process:
            self._of_the_parent.append(self._engine.pool)  # kept: nothing may close what the parent uses
            self._engine.dispose(close=False)
            self._process = os.getpid()


_closed_before_forks: weakref.WeakSet[Engine] = weakref.WeakSet()


def _close() -> None:
    for engine in tuple(_closed_before_forks):
        engine.dispose()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_close)
