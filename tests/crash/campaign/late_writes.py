"""Writes that arrive at a provider when their time was over: what a process did that was suspended between its last
look at the clock and the last bytes. Each request says until when it was to begin, and the sandbox looks when it came.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from retour.providers.write_limit import WriteLimit, _limit
from retour.sandbox import SandboxRequest, SandboxResponse

from .clock import CampaignClock

BEGINS_BEFORE = "x-campaign-begins-before"

ARRIVED, MADE = "writes that arrived when their time was over", "refunds that they made"


def stamp(connection: Any) -> None:
    """Say in the request that is begun on a connection until when it is to begin, where that is limited."""
    ends = _earliest(_limit.get())
    if ends is not None and connection._writes:
        connection.putheader(BEGINS_BEFORE, repr(ends))


def _earliest(limit: WriteLimit | None) -> float | None:
    if limit is None:
        return None
    outer = _earliest(limit.outer)
    return limit.ends if outer is None else min(limit.ends, outer)


class LateWrites:
    """Looks at each request that a sandbox handles, and counts in ``counts``."""

    def __init__(self, sandbox: Any, clock: CampaignClock, counts: Counter[str]) -> None:
        self._sandbox = sandbox
        self._clock = clock
        self._counts = counts
        self._handle = sandbox.server.handle
        sandbox.server.handle = self._look

    def _look(self, request: SandboxRequest) -> SandboxResponse:
        ends = request.headers.get(BEGINS_BEFORE)
        late = ends is not None and self._clock.elapsed() >= float(ends)
        before = len(self._sandbox.ledger.refunds)
        try:
            return self._handle(request)  # type: ignore[no-any-return]  # a sandbox of any provider
        finally:
            if late:
                self._counts[ARRIVED] += 1
                self._counts[MADE] += len(self._sandbox.ledger.refunds) - before
