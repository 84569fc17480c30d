"""What runs in a process of its own: a provider's sandbox that takes its time for each call, however many come at once.

``python -m benchmarks.slow_sandbox stripe``
"""

from __future__ import annotations

import sys
import time
from typing import Any

from benchmarks.refund_sandbox import ServedSandbox
from retour.sandbox import Fault, SandboxRequest, SandboxResponse


class SlowSandbox(ServedSandbox):
    """A sandbox with its books. ``takes`` are the seconds for each call from now on; the books are locked for none of
    them."""

    def __init__(self, provider: str) -> None:
        super().__init__(provider)
        self._takes = 0.0
        server: Any = self._at.server
        self._answer = server.answer
        server.answer = self._slowly

    def reply(self, *, takes: float | None = None, **asked: Any) -> dict[str, Any]:
        """As any sandbox replies."""
        if takes is not None:
            self._takes = takes
        return super().reply(**asked)

    def _slowly(self, request: SandboxRequest) -> tuple[SandboxResponse | None, Fault | None]:
        time.sleep(self._takes)
        answer: tuple[SandboxResponse | None, Fault | None] = self._answer(request)
        return answer


if __name__ == "__main__":
    SlowSandbox(sys.argv[1]).serve()
