"""What every partner answers: it gives orders back, by the clock, and shows its provider's books.

Nothing but the standard library: Django's environment has it too.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from benchmarks.partner import answer
from benchmarks.whole_return.provider import InstantProvider


def be_partner(provider: InstantProvider, give_back: Callable[[str], object], version: str) -> None:
    """Answer until nobody asks any more: ``give_back`` returns one order by its id."""

    def reply(
        *, pay: Mapping[str, int] | None = None, orders: Sequence[str] = (), books: Sequence[str] = ()
    ) -> dict[str, Any]:
        if pay is not None:
            provider.pay(pay)
            gc.collect()
            gc.freeze()
            return {"version": version}
        if books:
            return {"refunds": [[made.amount for made in provider.refunds(one)] for one in books]}
        gc.collect(1)
        wall, cpu = time.perf_counter(), time.process_time()
        for order_id in orders:
            give_back(order_id)
        wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
        return {"wall": wall / len(orders), "cpu": cpu / len(orders)}

    answer(reply)
