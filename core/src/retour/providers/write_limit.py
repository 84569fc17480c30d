"""Until when a write may begin: looked at where the connection stands, right before each byte of it goes out.

A process can be suspended at any moment, and a name, a handshake or a connection can take its time. So whether it may
still write is not decided where a call begins, but where it has nothing more to wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from retour.model.frozen import frozen


@frozen(kw_only=True)
class WriteLimit:
    """No write begins when ``ends`` has come, in seconds of ``elapsed``; nor where it has for an ``outer`` one."""

    ends: float
    elapsed: Callable[[], float]
    outer: WriteLimit | None

    @property
    def is_over(self) -> bool:
        """Whether it is too late to write."""
        return self.elapsed() >= self.ends or (self.outer is not None and self.outer.is_over)


_limit: ContextVar[WriteLimit | None] = ContextVar("retour_writes_begin_before", default=None)


@contextmanager
def writes_begin_before(ends: float, elapsed: Callable[[], float]) -> Iterator[None]:
    """Let no call of this block that is a write begin when ``elapsed`` gives ``ends`` seconds or more: it raises
    `ProviderError`, ``NOT_SENT``. A limit within another ends with it."""
    token = _limit.set(WriteLimit(ends=ends, elapsed=elapsed, outer=_limit.get()))
    try:
        yield
    finally:
        _limit.reset(token)


def writes_are_too_late() -> bool:
    """Whether no write may begin any more."""
    limit = _limit.get()
    return limit is not None and limit.is_over


class WriteTooLate(Exception):
    """A write was not sent any more, or not to its end where it had ``begun``."""

    def __init__(self, *, begun: bool) -> None:
        super().__init__("begun" if begun else "not sent")
        self.begun = begun
