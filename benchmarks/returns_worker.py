"""What runs in a process of its own: a host, whose threads mark orders returned at once.

``python -m benchmarks.returns_worker``
"""

from __future__ import annotations

import threading
import time
from collections.abc import Sequence
from functools import partial
from typing import Any

from benchmarks.orders import many_units, one_product
from benchmarks.partner import answer
from benchmarks.recording import STAFF
from retour import MemoryShop, ReturnDesk


def main() -> None:
    """Be a host: make the desk first, then mark orders returned, as often as asked."""
    shop = MemoryShop()
    desk: ReturnDesk | None = None

    def reply(
        *, store: str = "", returns: Sequence[Sequence[int]] = (), parts_of: int | None = None, parts: int = 0
    ) -> dict[str, Any]:
        nonlocal desk
        if desk is None:
            desk = ReturnDesk(shop=shop, store=store)
            return {}
        if parts_of is None:
            return _at_once(desk, shop, returns)
        return _parts_at_once(desk, shop, parts_of, parts)

    try:
        answer(reply)
    finally:
        if desk is not None:
            desk.close()


def _at_once(desk: ReturnDesk, shop: MemoryShop, returns: Sequence[Sequence[int]]) -> dict[str, Any]:
    """A thread for each of these numbers of orders, one after the other in it."""
    shop.orders = {order.id: order for share in returns for order in map(one_product, share)}

    def one_by_one(share: Sequence[int]) -> None:
        for number in share:
            desk.mark_returned(one_product(number).id, by=STAFF)

    return _together([partial(one_by_one, share) for share in returns])


def _parts_at_once(desk: ReturnDesk, shop: MemoryShop, number: int, parts: int) -> dict[str, Any]:
    """So many threads, each of which counts one unit of the same order."""
    order = many_units(number)
    shop.orders = {order.id: order}

    def part(name: str) -> None:
        desk.mark_returned(order.id, {"1": 1}, by=STAFF, request_id=name)

    told = _together([partial(part, f"part-{one}") for one in range(parts)])
    return {**told, "returns": len(desk.dossier(order.id).returns)}


def _together(tasks: Sequence[Any]) -> dict[str, Any]:
    """All begin at the same moment; gives the seconds until the last has ended, and what was raised."""
    barrier, failed = threading.Barrier(len(tasks) + 1), []

    def run(task: Any) -> None:
        barrier.wait()
        try:
            task()
        except Exception as error:  # noqa: BLE001 - the benchmark tells which
            failed.append(f"{type(error).__name__}: {error}")

    threads = [threading.Thread(target=run, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    barrier.wait()
    started, cpu = time.perf_counter(), time.process_time()
    for thread in threads:
        thread.join()
    return {"wall": time.perf_counter() - started, "cpu": time.process_time() - cpu, "failed": failed}


if __name__ == "__main__":
    main()
