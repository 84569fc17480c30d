"""Connections of urllib3 that record on a cassette of vcrpy, or play from one.

vcrpy has its own, which we leave out (``skip_patchers``) for three reasons. Their answer has no ``read1`` that decodes,
which `ProviderSession` reads with; ours is urllib3's own. They take their patches out and put them back around each
connection, for all threads: of 100 requests that 16 threads made to a cassette of vcrpy 9.4.2, 45 went out to the real
server. And they take over `http.client` as well, with which a sandbox in the same process sends its webhooks.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from io import BytesIO
from typing import Any, ClassVar, NoReturn

from urllib3 import HTTPHeaderDict
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.response import BaseHTTPResponse, HTTPResponse
from vcr.patch import PATCHER_NAMES
from vcr.request import Request

from retour.providers.requests_session import LimitedHttpPool, LimitedHttpsPool

OTHERS = PATCHER_NAMES
"""What vcrpy is not to patch by itself: everything."""

_POOLS = ((HTTPConnectionPool, LimitedHttpPool), (HTTPSConnectionPool, LimitedHttpsPool))
"""By http and by https: urllib3's own, for whatever a plugin speaks through, and those of `ProviderSession`."""

_STANDARD_PORTS = {"http": 80, "https": 443}


def patches(*, record: bool, refuse: Callable[[Request], NoReturn]) -> tuple[tuple[type, str, type], ...]:
    """vcrpy's ``custom_patches``: the connections of urllib3's pools, in all threads.

    ``refuse`` is called with a request that cannot be played, and raises.
    """
    kinds = (_RecordsHttp, _RecordsHttps) if record else (_PlaysHttp, _PlaysHttps)
    return tuple(
        (pool, "ConnectionCls", type(kind.__name__, (kind,), {"refuse": staticmethod(refuse)}))
        for pools, kind in zip(_POOLS, kinds, strict=True)
        for pool in pools
    )


class _Taped:
    """What both ways share. vcrpy sets ``cassette`` on a class of each cassette's own."""

    cassette: ClassVar[Any] = None
    refuse: ClassVar[Callable[[Request], NoReturn]]
    scheme: ClassVar[str]
    lock: ClassVar[threading.RLock] = threading.RLock()
    host: str
    port: int

    def _ask(self, method: str, url: str, body: Any, headers: Any, options: dict[str, Any]) -> None:
        port = "" if self.port == _STANDARD_PORTS[self.scheme] else f":{self.port}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        self._asked = Request(method, f"{self.scheme}://{host}{port}{url}", body, dict(headers or {}))
        self._url = url
        self._options = {name: options.get(name, True) for name in ("preload_content", "decode_content")}

    def _answer(self, answer: dict[str, Any]) -> HTTPResponse:
        """The answer as urllib3 gives it; its body is there already, whole and decoded."""
        headers = HTTPHeaderDict()
        for name, values in answer["headers"].items():
            for value in values:
                headers.add(name, value)
        return HTTPResponse(
            body=BytesIO(answer["body"]["string"]),
            headers=headers,
            status=answer["status"]["code"],
            reason=answer["status"]["message"],
            version=11,
            version_string="HTTP/1.1",
            request_method=self._asked.method,
            request_url=self._url,
            **self._options,
        )


class _PlaysHttp(_Taped, HTTPConnection):
    """Connects to nothing: every answer comes from the cassette, each once, whichever thread asks first."""

    scheme = "http"

    def connect(self) -> None:
        """Nothing to connect to, and so nobody to mistrust."""
        self.is_verified = True

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        """Keep the request until its answer is asked for."""
        self._ask(method, url, body, headers, options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """The recorded answer; raises `NotOnCassette` where there is none."""
        with self.lock:
            if not self.cassette.can_play_response_for(self._asked):
                type(self).refuse(self._asked)
            return self._answer(self.cassette.play_response(self._asked))


class _PlaysHttps(_PlaysHttp, HTTPSConnection):
    scheme = "https"


class _RecordsHttp(_Taped, HTTPConnection):
    """Asks, and keeps what was answered."""

    scheme = "http"

    def request(self, method: str, url: str, body: Any = None, headers: Any = None, **options: Any) -> None:
        """Send the request, and keep it."""
        self._ask(method, url, body, headers, options)
        super().request(method, url, body=body, headers=headers, **options)

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]
        """The real answer, read to its end: compressed bodies are kept, and handed on, as what they hold."""
        real: BaseHTTPResponse = super().getresponse()
        body = real.read(decode_content=True) if not self._options["preload_content"] else real.data
        packed = {"content-encoding", "transfer-encoding", "content-length"}
        headers: dict[str, list[str]] = {}
        for name, value in real.headers.iteritems():
            if name.lower() not in packed:
                headers.setdefault(name, []).append(value)
        answer = {
            "status": {"code": real.status, "message": real.reason or ""},
            "headers": headers,
            "body": {"string": body},
        }
        with self.lock:
            self.cassette.append(self._asked, answer)
        return self._answer(answer)


class _RecordsHttps(_RecordsHttp, HTTPSConnection):
    scheme = "https"
