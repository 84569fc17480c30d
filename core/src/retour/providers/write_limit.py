"""Until when a write may begin: looked at where the connection stands, right before each byte of it goes out.

A process can be suspended at any moment, and a name, a handshake or a connection can take its time. So whether it may
still write is not decided where a call begins, but where it has nothing more to wait for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import attrs
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


@attrs.frozen(kw_only=True)
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


class _Limited:
    """Looks at the limit when the connection stands, before each part of a request that is a write."""

    sock: Any
    _writes = False
    _begun = False

    def putrequest(self, method: str, *arguments: Any, **more: Any) -> None:
        """Begin a request, of which nothing is sent yet."""
        self._writes, self._begun = method.upper() not in _READS, False
        super().putrequest(method, *arguments, **more)  # type: ignore[misc]

    def send(self, data: Any) -> None:
        """Send a part of it. Raises `WriteTooLate`; the pool closes the connection then."""
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]
        if self._writes and writes_are_too_late():
            raise WriteTooLate(begun=self._begun)
        self._begun = True
        super().send(data)  # type: ignore[misc]


class LimitedHttp(_Limited, HTTPConnection):
    """A connection by http that begins no write too late."""


class LimitedHttps(_Limited, HTTPSConnection):
    """A connection by https that begins no write too late."""


class LimitedHttpPool(HTTPConnectionPool):
    """Connections by http to one host."""

    ConnectionCls = LimitedHttp


class LimitedHttpsPool(HTTPSConnectionPool):
    """Connections by https to one host."""

    ConnectionCls = LimitedHttps


class LimitedAdapter(HTTPAdapter):
    """The adapter of a provider's session."""

    def init_poolmanager(self, *arguments: Any, **more: Any) -> None:
        """Make the pools of connections that begin no write too late."""
        super().init_poolmanager(*arguments, **more)
        self.poolmanager.pool_classes_by_scheme = {"http": LimitedHttpPool, "https": LimitedHttpsPool}
