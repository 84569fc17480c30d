"""What every partner answers: it gives orders back, by the clock or under a sampler, and shows its provider's books.

Nothing but the standard library: Django's environment has it too.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from benchmarks.partner import answer
from benchmarks.whole_return import rooms
from benchmarks.whole_return.provider import InstantProvider


class GivesBack(Protocol):
    """A host as it is measured. ``version`` is that of what it is written with."""

    version: str
    provider: InstantProvider

    def make_tables(self) -> None:
        """Make what the host itself does not have."""

    def give_back(self, order_id: str) -> None:
        """Set the order to Returned, put its goods in stock, and refund all that was paid."""

    def costs(self, order_id: str) -> Mapping[str, int]:
        """Give an order back, and count what that takes."""


def be_partner(host: GivesBack) -> None:
    """Answer until nobody asks any more."""

    def reply(
        *,
        tables: bool = False,
        pay: Mapping[str, int] | None = None,
        timed: Sequence[str] = (),
        sampled: Sequence[str] = (),
        counted: Sequence[str] = (),
        books: Sequence[str] = (),
    ) -> Mapping[str, Any]:
        if tables:
            host.make_tables()
        elif pay is not None:
            host.provider.pay(pay)
        elif timed:
            return _timed(host, timed)
        elif sampled:
            return _sampled(host, sampled)
        elif counted:
            return host.costs(*counted)
        elif books:
            return {"refunds": [[made.amount for made in host.provider.refunds(one)] for one in books]}
        return {"version": host.version}

    answer(reply)


def _timed(host: GivesBack, orders: Sequence[str]) -> dict[str, float]:
    """Seconds per return; ``life`` is the processor time of this process since its start."""
    gc.collect(1)
    wall, cpu = time.perf_counter(), time.process_time()
    for order_id in orders:
        host.give_back(order_id)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return {"wall": wall / len(orders), "cpu": cpu / len(orders), "life": time.process_time()}


def _sampled(host: GivesBack, orders: Sequence[str]) -> Mapping[str, int]:
    with rooms.sampled() as found:
        for order_id in orders:
            host.give_back(order_id)
    return found
