"""What runs in a process of its own: a worker, which does what is due in a store until nothing is.

``python -m benchmarks.refund_worker``
"""

from __future__ import annotations

import datetime
import time
from typing import Any

from benchmarks.partner import answer
from retour import MemoryShop, ReturnDesk
from retour.effects import refunding

_FRESH = refunding.FRESH


def main() -> None:
    """Be a worker: make the desk first, then work."""
    desk: ReturnDesk | None = None

    def reply(
        *,
        store: str = "",
        settings: dict[str, Any] | None = None,
        work: bool = False,
        concurrency: int = 1,
        reads_each: bool = False,
    ) -> dict[str, Any]:
        nonlocal desk
        refunding.FRESH = datetime.timedelta(0) if reads_each else _FRESH  # with none, each reading is an old one
        if settings is not None:
            desk = ReturnDesk(shop=MemoryShop(), store=store, plugins=list(settings), settings=settings)
            return {}
        if desk is None or not work:
            raise AssertionError("there is no desk to work at")
        cpu, done, failed = time.process_time(), 0, 0
        while not (report := desk.work(concurrency=concurrency)).idle:
            done, failed = done + report.done, failed + report.failed
        return {"done": done, "failed": failed, "cpu": time.process_time() - cpu}

    try:
        answer(reply)
    finally:
        if desk is not None:
            desk.close()


if __name__ == "__main__":
    main()
