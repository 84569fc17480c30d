"""A small server on loopback. A provider's sandbox is its `handle` function; this adds the socket and the faults."""

from __future__ import annotations

import json
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from urllib.parse import parse_qsl, urlsplit

import attrs

from retour.sandbox.faults import Fault


@attrs.frozen(kw_only=True)
class SandboxRequest:
    """A request as it came in."""

    method: str
    """In capitals: ``POST``."""

    path: str
    """Without the query."""

    query: Mapping[str, str]
    """The values after the question mark, by their names."""

    headers: Mapping[str, str]
    """By their names in small letters."""

    body: bytes
    """The raw bytes."""


@attrs.frozen(kw_only=True)
class SandboxResponse:
    """An answer: a status, a body (bytes, or a value that is sent as JSON), and more headers."""

    status: int
    """The HTTP status."""

    body: object = b""
    """Bytes, or what is sent as JSON."""

    headers: Mapping[str, str] = attrs.field(factory=dict)
    """More than the type and the length."""

    content_type: str = "application/json"
    """Of the body."""

    def encoded(self) -> bytes:
        """The body as bytes."""
        return self.body if isinstance(self.body, bytes) else json.dumps(self.body).encode()


class Refused(Exception):
    """A request that is refused, with the ``answer`` that says so in the provider's words."""

    def __init__(self, answer: SandboxResponse) -> None:
        super().__init__(f"refused with status {answer.status}")
        self.answer = answer


Handle = Callable[[SandboxRequest], SandboxResponse]

_SILENCE_SECONDS = 60.0

ON_THIS_MACHINE = ("127.0.0.1", "localhost", "::1")
"""The names of this machine that a sandbox sends to and shows its dashboard by."""


class SandboxServer:
    """Serves ``handle`` on a free port of 127.0.0.1, one request at a time, from ``with`` until its end.

    ``faults`` are used up one per request to a path that ``faulty`` accepts; ``requests`` is everything that came in.
    What is ``beside`` the provider, by the beginning of its paths, is answered without faults, and is no such request.
    """

    def __init__(self, handle: Handle, *, port: int = 0) -> None:
        self.handle = handle
        self.faults: deque[Fault] = deque()
        self.faulty: Callable[[SandboxRequest], bool] = lambda request: request.method != "GET"
        self.error_bodies: Mapping[int, object] = {}
        self.requests: list[SandboxRequest] = []
        self.beside: dict[str, Handle] = {}
        self.closing = threading.Event()
        self._turn = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), _handler(self))
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and close the port."""
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def __enter__(self) -> SandboxServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def answer(self, request: SandboxRequest) -> tuple[SandboxResponse | None, Fault | None]:
        """The answer to a request and the fault to send it with; no answer at all when it is cut before."""
        for root, handle in self.beside.items():
            if request.path == root or request.path.startswith(f"{root}/"):
                return handle(request), None
        with self._turn:
            self.requests.append(request)
            fault = self.faults.popleft() if self.faults and self.faulty(request) else None
            status = _STATUS_BEFORE.get(fault) if fault is not None else None
            if status is not None:
                return self._error(status), fault
            if fault is Fault.CUT_BEFORE:
                return None, fault
            response = self.handle(request)
            return (self._error(500) if fault is Fault.ERROR_500_AFTER else response), fault

    def _error(self, status: int) -> SandboxResponse:
        return SandboxResponse(status=status, body=self.error_bodies.get(status, {}))


_STATUS_BEFORE = {Fault.REFUSED_429: 429, Fault.ERROR_500_BEFORE: 500, Fault.UNAVAILABLE_503: 503}


def send_webhook(url: str, headers: Mapping[str, str], body: bytes) -> int:
    """Send a webhook to a loopback address; gives the status of the answer.

    Raises `ValueError` for any other address, and `OSError` or ``http.client.HTTPException`` where nobody answers.
    """
    target = urlsplit(url)
    if target.scheme != "http" or target.hostname not in ON_THIS_MACHINE:
        raise ValueError(f"{url} is not on this machine, and a sandbox sends to loopback only")
    connection = HTTPConnection(target.hostname, target.port, timeout=10)
    try:
        path = target._replace(scheme="", netloc="", fragment="").geturl() or "/"
        connection.request("POST", path, body=body, headers=dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()


def _handler(server: SandboxServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1  # head and body in one packet: of two, the second waits 40 ms for the first to be acknowledged
        disable_nagle_algorithm = True  # and so does the rest of an answer that is longer than the buffer

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - the base class's name
            del format, arguments

        def _serve(self) -> None:
            parts = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            given = self.rfile.read(length)
            if len(given) < length:  # whoever sent it is gone in the middle, and no server acts on half a request
                self.close_connection = True
                return
            response, fault = server.answer(
                SandboxRequest(
                    method=self.command,
                    path=parts.path,
                    query=dict(parse_qsl(parts.query, keep_blank_values=True)),
                    headers={name.lower(): value for name, value in self.headers.items()},
                    body=given,
                )
            )
            if fault is Fault.SILENT_AFTER:
                server.closing.wait(_SILENCE_SECONDS)
            if response is None or fault in (Fault.CUT_AFTER, Fault.SILENT_AFTER):
                self.close_connection = True
                return
            body = b"<html>Bad gateway</html>" if fault is Fault.NO_JSON_AFTER else response.encoded()
            self.send_response(response.status)
            if response.status != 204:
                self.send_header("Content-Type", response.content_type)
            self.send_header("Content-Length", str(len(body)))
            for name, value in response.headers.items():
                self.send_header(name, value)
            self.end_headers()
            if fault is Fault.TRICKLE_AFTER:
                self._trickle(body)
            else:
                self.wfile.write(body)

        def _trickle(self, body: bytes) -> None:
            for position in range(len(body)):
                if server.closing.is_set():
                    break
                self.wfile.write(body[position : position + 1])
                self.wfile.flush()
                time.sleep(0.5)

        do_GET = do_POST = do_DELETE = do_PATCH = do_PUT = _serve  # noqa: N815 - the base class's names

    return Handler
