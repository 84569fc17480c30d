"""Sendcloud's two rate limits, kept by all threads of a process together, for each account apart.

1000 reads a minute; 100 writes a minute, and of these 15 in one second
(https://sendcloud.dev/docs/getting-started/rate-limits). Beyond them it answers 429, and says nothing of how long to
wait."""

from __future__ import annotations

import datetime
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

import attrs

from retour.providers import ErrorCode, ProviderError
from retour_sendcloud.settings import Settings

PATIENCE = 2.0
"""Seconds that a call waits for its turn; what would have to wait longer is not sent."""

_SECOND, _MINUTE = 1.0, 60.0


@attrs.define
class _Window:
    """At most ``most`` in any ``seconds``."""

    most: int
    seconds: float
    _sent: deque[float] = attrs.field(factory=deque)

    def opens(self, now: float) -> float:
        """When the next one may go: now, or when the oldest that counts is old enough."""
        while self._sent and self._sent[0] <= now - self.seconds:
            self._sent.popleft()
        return now if len(self._sent) < self.most else max(now, self._sent[-self.most] + self.seconds)

    def note(self, when: float) -> None:
        self._sent.append(when)


class Budget:
    """What one account may still send. Times are in monotonic seconds; no call is made while it is locked."""

    def __init__(
        self,
        settings: Settings,
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._reads = [_Window(settings.reads_a_minute, _MINUTE)]
        self._writes = [_Window(settings.writes_a_minute, _MINUTE), _Window(settings.writes_a_second, _SECOND)]
        self._now, self._sleep = now, sleep
        self._lock = threading.Lock()

    def read(self) -> None:
        """Take one read; waits a little for it, and raises `ProviderError` (rate limited) where that is not enough."""
        self._take(self._reads)

    def write(self) -> None:
        """Take one write, as `read` does."""
        self._take(self._writes)

    def _take(self, windows: Sequence[_Window]) -> None:
        with self._lock:
            now = self._now()
            opens = max([window.opens(now) for window in windows])
            wait = opens - now
            if wait <= PATIENCE:
                for window in windows:
                    window.note(opens)
        if wait > PATIENCE:
            raise ProviderError(
                ErrorCode.RATE_LIMITED,
                "Sendcloud takes no more requests of this account for now",
                not_before=datetime.timedelta(seconds=math.ceil(wait)),
            )
        if wait > 0:
            self._sleep(wait)


_budgets: dict[tuple[object, ...], Budget] = {}
_making = threading.Lock()


def budget_of(settings: Settings) -> Budget:
    """The budget of an account, the same for everybody in this process: what counts is the account, not who asks."""
    limits = (settings.reads_a_minute, settings.writes_a_minute, settings.writes_a_second)
    with _making:
        return _budgets.setdefault((settings.api_url, settings.public_key, *limits), Budget(settings))
