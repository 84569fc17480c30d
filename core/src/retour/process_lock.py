"""A lock of the threads of one process, also where that process was forked from another."""

from __future__ import annotations

import os
import threading


class ProcessLock:
    """A reentrant lock. A child of a process that forks has one of its own, since the thread that had the parent's may
    be none of its own: asked by the process's id, for servers written in C fork past Python's hooks."""

    def __init__(self) -> None:
        self._by_process: dict[int, threading.RLock] = {}

    @property
    def own(self) -> threading.RLock:
        """This process's."""
        process = os.getpid()
        return self._by_process.get(process) or self._by_process.setdefault(process, threading.RLock())
