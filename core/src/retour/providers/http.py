"""The HTTP session that the core makes for a provider: deadlines always, no surprise retries, nothing secret in logs.

A connect error is "certainly not sent"; a read timeout or a cut connection after a write is "outcome unknown".
"""

from __future__ import annotations

import base64
import json
import logging
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

import attrs

from retour.model.frozen import frozen
from retour.model.personal import SECRET
from retour.model.unseen import Unseen
from retour.providers.addresses import refuse_other_addresses
from retour.providers.errors import ErrorCode, ProviderError
from retour.providers.wire import read_json
from retour.providers.write_limit import WriteTooLate

if TYPE_CHECKING:
    import requests

log = logging.getLogger("retour.http")

CONNECT_SECONDS = 5.0
"""How long a connection may take."""

DEADLINE_SECONDS = 30.0
"""How long a whole call may take, answer included, however slowly it trickles in, repeats of a read included."""

LARGEST_ANSWER = 2 * 1024 * 1024
"""Bytes of an answer that we read at most."""

_CHUNK = 16 * 1024
_PAUSES = (0.2, 0.4)
"""Seconds before a read is repeated, once for each."""

_GATEWAY_FAILED = frozenset({502, 503, 504})
_SHORTEST_SECRET = 8
"""Characters. A shorter one is no secret, and could be part of any word."""

_ends_at: ContextVar[float | None] = ContextVar("retour_calls_end_at", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let all calls of this block end within ``seconds`` together; one for which no time is left is not made.

    What a provider does can be several calls: it looks for an order, renews a token, asks for the rest of a refund.
    A limit within another ends with it.
    """
    ends, outer = time.monotonic() + seconds, _ends_at.get()
    token = _ends_at.set(ends if outer is None else min(ends, outer))
    try:
        yield
    finally:
        _ends_at.reset(token)


@frozen(kw_only=True)
class Answer:
    """A provider's answer: its status, its headers with lower-case names, and its whole body.

    Where it repeats the credentials that it was asked with, they are masked; and it shows nothing of what it says.
    """

    status: int
    """The HTTP status."""

    headers: Mapping[str, str] = attrs.field(repr=False, metadata=SECRET)
    """By their names in small letters."""

    body: bytes = attrs.field(repr=False, metadata=SECRET)
    """The bytes, as they came."""

    def json(self) -> Any:
        """The body as JSON with exact decimals; raises `ProviderError` (unreadable) when it is none."""
        try:
            return read_json(self.body)
        except ValueError:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the answer is no JSON", http_status=self.status) from None


class ProviderSession:
    """HTTP for one account at one provider. Thread-safe: one ``requests.Session`` per thread, no cookies. A child of a
    process that forks has its own: on a connection that both use, one reads the answer to the other.

    ``deadline`` bounds each call in seconds. Only https is called, or plain http to this machine, and no address with a
    name and a password in it: any other raises `ProviderError` (configuration), and nothing is sent.
    """

    def __init__(self, *, deadline: float = DEADLINE_SECONDS) -> None:
        self._deadline = deadline
        self._local = threading.local()

    def read(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """GET: repeated twice by itself when the connection or the gateway fails, since reading changes nothing."""
        _refuse(url)
        headers, auth = _unseen(headers, auth), None
        ends = self._ends()
        for pause in _PAUSES:
            try:
                answer = self._call("GET", url, ends, headers=headers, params=query)
            except ProviderError as error:
                if error.code is ErrorCode.UNREADABLE_ANSWER or time.monotonic() + pause >= ends:
                    raise
            else:
                if answer.status not in _GATEWAY_FAILED or time.monotonic() + pause >= ends:
                    return answer
            time.sleep(pause)
        return self._call("GET", url, ends, headers=headers, params=query)

    def write(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        json_body: object = None,
        form: Mapping[str, str] | None = None,
        auth: tuple[str, str] | None = None,
    ) -> Answer:
        """POST, PATCH or DELETE: sent once and never repeated here, and no redirect is followed.

        ``json_body`` is written compactly with sorted keys, so the same value gives the same bytes. Raises
        `ProviderError`: ``NOT_SENT`` when no connection came about or it was too late when it
        stood (``writes_begin_before``), ``OUTCOME_UNKNOWN`` when no answer came back.
        """
        _refuse(url)
        headers, auth = _unseen(headers, auth), None
        data: bytes | Mapping[str, str] | None = form
        if json_body is not None:
            headers.setdefault("Content-Type", "application/json")
            data = json.dumps(json_body, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()
        return self._call(method, url, self._ends(), headers=headers, data=data)

    def _ends(self) -> float:
        """When a call that begins now has to end, in monotonic seconds."""
        own, shared = time.monotonic() + self._deadline, _ends_at.get()
        return own if shared is None else min(own, shared)

    def _call(self, method: str, url: str, ends: float, headers: Mapping[str, str], **arguments: Any) -> Answer:
        from retour.providers import requests_session  # with the first call: it takes long to load

        began = time.monotonic()
        left = ends - began
        if left <= 0:
            raise ProviderError(ErrorCode.NOT_SENT, "no time was left for another call to the provider")
        try:
            with requests_session.send(
                self._session(), method, url, headers=headers, timeout=(min(CONNECT_SECONDS, left), left), **arguments
            ) as response:
                body = self._body(response, ends)
                mask = _mask(response.request.headers.get("Authorization", ""))
                answer = Answer(
                    status=response.status_code,
                    headers={name.lower(): mask(value) for name, value in response.headers.items()},
                    body=mask(body.decode("latin-1")).encode("latin-1"),
                )
        except requests_session.FAILURES as error:
            log.info("%s %s failed: %s", method, _shown(url), type(error).__name__)
            raise _failure(error) from _without_frames(error)
        log.info("%s %s -> %s in %.0f ms", method, _shown(url), answer.status, (time.monotonic() - began) * 1000)
        return answer

    def _body(self, response: requests.Response, ends: float) -> bytes:
        """The whole answer, however it trickles in, before ``ends`` and within the size that we read at most."""
        read = bytearray()
        while chunk := response.raw.read1(_CHUNK, decode_content=True):
            read += chunk
            if len(read) > LARGEST_ANSWER:
                raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the answer is larger than we read")
            if time.monotonic() > ends:
                raise ProviderError(ErrorCode.OUTCOME_UNKNOWN, "the answer did not come in time")
        return bytes(read)

    def _session(self) -> requests.Session:
        session: requests.Session | None = getattr(self._local, "session", None)
        if session is None or self._local.process != os.getpid():
            from retour.providers import requests_session

            session = requests_session.new_session()
            self._local.session, self._local.process = session, os.getpid()
        return session


def _refuse(url: str) -> None:
    try:
        refuse_other_addresses(url)
    except ValueError as error:
        why = str(error)
    else:
        return
    raise ProviderError(ErrorCode.CONFIGURATION, f"what is called {why}")


def _failure(error: Exception) -> ProviderError:
    """Whether a failed call was certainly not sent, or perhaps was."""
    if isinstance(error, WriteTooLate) and not error.begun:
        return ProviderError(ErrorCode.NOT_SENT, "it was too late to send it when the connection stood")
    from retour.providers import requests_session

    if requests_session.was_not_sent(error):
        return ProviderError(ErrorCode.NOT_SENT, "no connection to the provider")
    return ProviderError(ErrorCode.OUTCOME_UNKNOWN, f"no answer from the provider ({type(error).__name__})")


def _unseen(headers: Mapping[str, str] | None, auth: tuple[str, str] | None) -> dict[str, str]:
    """Headers whose values are not shown, the name and password of ``auth`` among them.

    A host may log a traceback with the variables of each frame, and most headers of ours hold a key.
    """
    hidden = {name: Unseen(value) for name, value in (headers or {}).items()}
    if auth is not None:
        hidden["Authorization"] = Unseen("Basic " + base64.b64encode(":".join(auth).encode()).decode())
    return dict(hidden)


def _without_frames(error: Exception) -> Exception:
    """An error and what it came from, without the frames of other libraries: those have the raw request among their
    variables, and their names are told by the errors themselves."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        one = waiting.pop()
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            one.__traceback__ = None
            waiting += [one.__cause__, one.__context__, getattr(one, "reason", None)]
    return error


def _mask(authorization: str | bytes) -> Callable[[str], str]:
    """Takes the credentials of a request out of the answer to it.

    A provider that says which key was wrong would have it on the merchant's timeline. Both sides of HTTP's own
    ``Basic`` are masked, as it was sent and the password in it; and ``/`` may be written as ``\\/`` in JSON.
    """
    words = authorization.decode("latin-1") if isinstance(authorization, bytes) else authorization
    scheme, _, given = words.partition(" ")
    secrets = {given.strip() or scheme}
    if scheme.lower() == "basic":
        with suppress(ValueError):
            secrets.add(base64.b64decode(given).decode("latin-1").partition(":")[2])
    long = [secret for secret in secrets if len(secret) >= _SHORTEST_SECRET]
    masked = [form for secret in long for form in {secret, secret.replace("/", "\\/"), quote(secret, safe="")}]

    def mask(said: str) -> str:
        for secret in masked:
            said = said.replace(secret, "***")
        return said

    return mask


def _shown(url: str) -> str:
    """An address without its query, which may hold what is not for logs."""
    return url.partition("?")[0]
