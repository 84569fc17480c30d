"""Where processor time goes: samples of the running code, by room of the house.

Nothing but the standard library. A deterministic profiler charges a fee for every call, which trebles the time of code
that is many small calls; a sample costs next to nothing.
"""

from __future__ import annotations

import linecache
import re
import signal
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from types import FrameType

_EVERY = 0.004
"""Seconds of processor time between two samples: no kernel's timer is much finer."""

_ROOMS = (
    (re.compile(r"retour\.([a-z]+)"), r"retour/\1"),
    (re.compile(r"sqlalchemy\b"), "sqlalchemy"),
    (re.compile(r"psycopg|sqlite3\b"), "driver"),
    (re.compile(r"cattrs?\b|json\b"), "cattrs/json"),
    (re.compile(r"benchmarks\b|__main__"), "host"),
)
"""Which modules are which room. All others, Python's own, are their caller's."""

_CALLS_THE_DRIVER = re.compile(r"\b(?:driver|cursor|dbapi_connection|pgconn)\.\w+\(")
"""A line that leads into the driver's C code, which has no frame of its own."""

_GENERATED = re.compile(r"<(?:attrs|cattrs) generated \w+ (.+)>")


@contextmanager
def sampled() -> Iterator[Mapping[str, int]]:
    """Samples of this process, by room, while the block runs in its main thread."""
    rooms: Counter[str] = Counter()

    def sample(_signal: int, frame: FrameType | None) -> None:
        if frame is not None:
            rooms[room_of(frame)] += 1

    before = signal.signal(signal.SIGPROF, sample)
    signal.setitimer(signal.ITIMER_PROF, _EVERY, _EVERY)
    try:
        yield rooms
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def room_of(frame: FrameType) -> str:
    """The room of what is running."""
    line = frame.f_lineno or 0  # None for an instruction that no line asked for
    if _CALLS_THE_DRIVER.search(linecache.getline(frame.f_code.co_filename, line)):
        return "driver"
    caller: FrameType | None = frame
    while caller is not None:
        module = _module(caller)
        for pattern, room in _ROOMS:
            if (found := pattern.match(module)) is not None:
                return found.expand(room)
        caller = caller.f_back
    return "other"


def _module(frame: FrameType) -> str:
    """The name of the module whose code runs: methods that are generated belong to the module of their class."""
    generated = _GENERATED.match(frame.f_code.co_filename)
    return generated[1] if generated is not None else str(frame.f_globals.get("__name__", ""))
