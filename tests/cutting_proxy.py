"""A TCP proxy between desks and PostgreSQL, which cuts a connection at the COMMIT or statement that a test names.

It reads the messages that the client sends: a byte for the kind, four for the length. psycopg sends COMMIT as a simple
query of its own.
"""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress

from sqlalchemy import make_url

COMMIT = b"Q\x00\x00\x00\x0bCOMMIT\x00"

BEFORE = "the server never reads it"
AFTER = "the server has done it and its answer is lost"
LATE = "the server reads it when the client is long gone"
CUTS = (BEFORE, AFTER, LATE)
NEVER = "the server hears nothing more and keeps the transaction open"
SLOW = "the server reads it late, and nobody is gone"

SECONDS_LATE = 0.7


class CuttingProxy:
    """Passes everything on until `cut` says otherwise; ``done`` counts how often it did that.

    ``meanwhile`` is called when the server is through with a transaction that was cut, before the client hears of it.
    """

    def __init__(self, url: str) -> None:
        server = make_url(url)
        self.address = server.host or "127.0.0.1", server.port or 5432
        self.listening = socket.create_server(("127.0.0.1", 0))
        through = server.set(host="127.0.0.1", port=self.listening.getsockname()[1])
        through = through.update_query_dict({"sslmode": "disable", "gssencmode": "disable"})
        self.url = through.render_as_string(hide_password=False)
        self.done = 0
        self.away = False
        self.meanwhile: Callable[[], object] = lambda: None
        self.links: list[_Link] = []
        self._how, self._at, self._every_statement, self._saved_first = "", 0, False, False
        threading.Thread(target=self._accept, daemon=True).start()

    def cut(self, how: str, at: int = 1, *, every_statement: bool = False, saved_first: bool = False) -> None:
        """Cut at the COMMIT after ``at`` - 1 others; count ``every_statement`` in place of those, or those alone that
        come when something was ``saved_first``."""
        self._how, self._at, self._every_statement, self._saved_first = how, at, every_statement, saved_first

    def how(self, message: bytes) -> str:
        """What is to be done with a message that was just read: nothing, or a cut."""
        if message != COMMIT and not (self._every_statement and message[:1] in (b"Q", b"S")):  # query, sync
            return ""
        if self._saved_first:
            self._saved_first = message != COMMIT
            return ""
        self._at -= 1
        if not self._how or self._at:
            return ""
        how, self._how = self._how, ""
        self.done += 1
        return how

    def let_go(self) -> None:
        """The server hears that all clients are gone."""
        for link in self.links:
            link.end()

    def close(self) -> None:
        """Ends everything."""
        _end(self.listening)
        self.let_go()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                client, _ = self.listening.accept()
                if self.away:
                    client.close()
                else:
                    self.links.append(_Link(self, client, socket.create_connection(self.address)))


class _Link:
    """One connection, in both directions."""

    def __init__(self, proxy: CuttingProxy, client: socket.socket, server: socket.socket) -> None:
        self.proxy, self.client, self.server = proxy, client, server
        self.answer_is_lost = self.meanwhile_first = False
        for one in (client, server):  # messages are small, and each of them is waited for
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for way in (self._requests, self._answers):
            threading.Thread(target=way, daemon=True).start()

    def end(self) -> None:
        for one in (self.client, self.server):
            _end(one)

    def _requests(self) -> None:
        buffer, kind = b"", 0  # the first message has no byte for its kind
        with suppress(OSError):
            while chunk := self.client.recv(65536):
                buffer += chunk
                while len(buffer) >= kind + 4:
                    length = kind + int.from_bytes(buffer[kind : kind + 4])
                    if len(buffer) < length:
                        break
                    message, buffer, kind = buffer[:length], buffer[length:], 1
                    how = self.proxy.how(message)
                    if how == SLOW:
                        time.sleep(SECONDS_LATE)
                    elif how:
                        self._cut(how, message)
                        return
                    self.server.sendall(message)
        self.end()

    def _cut(self, how: str, message: bytes) -> None:
        self.answer_is_lost, self.meanwhile_first = True, how == BEFORE
        if how in (LATE, NEVER):
            _end(self.client)
        if how == LATE:
            time.sleep(SECONDS_LATE)
        if how in (AFTER, LATE):
            self.server.sendall(message)  # what it answers ends this link
        elif how == BEFORE:
            _end(self.server)
            self.proxy.meanwhile()
            self.end()

    def _answers(self) -> None:
        with suppress(OSError):
            while chunk := self.server.recv(65536):
                if self.answer_is_lost:
                    self.proxy.meanwhile()
                    break
                self.client.sendall(chunk)
        if not self.meanwhile_first:
            self.end()


def _end(one: socket.socket) -> None:
    with suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
    one.close()
