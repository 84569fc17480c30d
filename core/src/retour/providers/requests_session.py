"""What calls by HTTP are made with: sessions of ``requests`` that keep no cookies and begin no write too late.

It is loaded where the first call is made: a process that makes none does not wait for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from retour.providers.write_limit import WriteTooLate, writes_are_too_late

FAILURES = (requests.exceptions.RequestException, HTTPError, OSError, WriteTooLate)
"""What a call raises that has no whole answer."""

_READS = frozenset({"GET", "HEAD", "OPTIONS"})


def new_session() -> requests.Session:
    """A session for one thread of one process. It takes nothing from the environment: no proxy, no password."""
    session = requests.Session()
    session.trust_env = False
    session.headers["User-Agent"] = "retour/0.1"
    session.cookies.set_policy(_no_cookies)
    for scheme in ("http://", "https://"):
        session.mount(scheme, LimitedAdapter())
    return session


def send(
    session: requests.Session,
    method: str,
    url: str,
    *,
    headers: Mapping[str, str],
    timeout: tuple[float, float],
    **arguments: Any,
) -> requests.Response:
    """Send a request, and give its answer once the head of it is there; follows no redirect. ``timeout`` is that of
    ``requests``, in seconds: to connect, and between two bytes."""
    # Prepared without the session: it would merge cookies, proxies and parameters that it does not have.
    request = requests.Request(method, url, headers={**session.headers, **headers}, **arguments)
    return session.send(request.prepare(), timeout=timeout, allow_redirects=False, stream=True)


def was_not_sent(error: Exception) -> bool:
    """Whether no connection came about, so that certainly nothing was sent."""
    reason = getattr(error.args[0], "reason", None) if error.args else None
    return isinstance(error, requests.exceptions.ConnectTimeout) or isinstance(
        reason, NewConnectionError | ConnectTimeoutError
    )


class _NoCookies:
    """A cookie policy that takes and gives none."""

    netscape = True
    rfc2965 = hide_cookie2 = False

    def set_ok(self, cookie: object, request: object) -> bool:
        del cookie, request
        return False

    def return_ok(self, cookie: object, request: object) -> bool:
        del cookie, request
        return False

    def domain_return_ok(self, domain: str, request: object) -> bool:
        del domain, request
        return False

    def path_return_ok(self, path: str, request: object) -> bool:
        del path, request
        return False


_no_cookies: Any = _NoCookies()


class _Limited:
    """Looks at the limit when the connection stands, before each part of a request that is a write."""

    sock: Any
    _writes = False
    _begun = False

    def putrequest(self, method: str, *arguments: Any, **more: Any) -> None:
        """Begin a request, of which nothing is sent yet."""
        self._writes, self._begun = method.upper() not in _READS, False
        super().putrequest(method, *arguments, **more)  # type: ignore[misc]  # the connection has it

    def send(self, data: Any) -> None:
        """Send a part of it. Raises `WriteTooLate`; the pool closes the connection then."""
        if self.sock is None:
            self.connect()  # type: ignore[attr-defined]  # the connection has it
        if self._writes and writes_are_too_late():
            raise WriteTooLate(begun=self._begun)
        self._begun = True
        super().send(data)  # type: ignore[misc]  # the connection has it


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
