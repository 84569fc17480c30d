"""Where processes are suspended: at exact points on the way of a refund to its provider, and at random moments, as a
paused container is. Whoever was suspended goes on when his lease is over, and sometimes the key of his request too."""

from __future__ import annotations

import os
import random
import signal
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import urllib3.util.connection
from urllib3.connection import HTTPConnection

from retour import ReturnDesk
from retour.providers.requests_session import LimitedHttp

from .late_writes import stamp

BEFORE_HEAD = "after the look before a request's head"
LAST_LOOK = "after the last look, before its body"
"""Where nothing can stop a write any more: the microseconds that nobody can take away. Whoever was suspended before the
head is still stopped before the body."""

POINTS: Mapping[str, float] = {
    "before the provider is asked to refund": 0.015,
    "before a connection is made": 0.01,
    "when the connection stands": 0.01,
    BEFORE_HEAD: 0.01,
    LAST_LOOK: 0.015,
}
"""How likely a process is suspended each time it comes by."""

FIRST = 10.0
"""By how much likelier it is where nobody was suspended yet."""

ANY_MOMENT = "at a random moment"


class Suspensions:
    """Those of one process. Each is written down in ``folder`` first, by the process's id, and counted in ``journal``;
    the campaign wakes it."""

    def __init__(self, chance: random.Random, folder: Path, journal: Path) -> None:
        before = suspended(journal)
        self._chance = chance
        self._odds = {point: odds if before[point] else FIRST * odds for point, odds in POINTS.items()}
        self._folder = folder
        self._journal = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    def perhaps(self, point: str) -> None:
        """Stand still here, if it is time to."""
        if self._chance.random() < self._odds[point]:
            self._odds[point] = POINTS[point]
            os.write(self._journal, f"{point}\n".encode())
            (self._folder / str(os.getpid())).touch()
            os.kill(os.getpid(), signal.SIGSTOP)

    def lie_in_wait(self, desk: ReturnDesk) -> None:
        """Watch the points in this process. Patches classes: for a process of its own."""
        for provider, _ in desk._services.registry.payment.values():
            kind: Any = provider
            kind.refund = self._before("before the provider is asked to refund", kind.refund)
        connecting: Any = urllib3.util.connection
        connecting.create_connection = self._around_connecting(connecting.create_connection)
        putrequest, send = LimitedHttp.putrequest, HTTPConnection.send

        def watched_putrequest(connection: Any, method: str, *arguments: Any, **more: Any) -> None:
            putrequest(connection, method, *arguments, **more)
            connection.parts = [BEFORE_HEAD, LAST_LOOK] if connection._writes else []
            stamp(connection)

        def watched_send(connection: Any, data: Any) -> None:
            parts = getattr(connection, "parts", [])
            if parts:
                self.perhaps(parts.pop(0))
            send(connection, data)

        LimitedHttp.putrequest = watched_putrequest  # type: ignore[method-assign]  # as said above
        HTTPConnection.send = watched_send  # type: ignore[method-assign]  # as said above

    def _before(self, point: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.perhaps(point)
            return function(*arguments, **more)

        return call

    def _around_connecting(self, connect: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **more: Any) -> Any:
            self.perhaps("before a connection is made")
            connection = connect(*arguments, **more)
            self.perhaps("when the connection stands")
            return connection

        return call


def suspended(journal: Path) -> Counter[str]:
    """How often processes were suspended at each point."""
    return Counter(journal.read_text().splitlines() if journal.exists() else ())
