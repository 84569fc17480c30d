"""What runs in a fresh process: says how much memory it needed at most, after imports or after many returns.

``python -m benchmarks.child import`` imports the desk only; ``python -m benchmarks.child returns 1000 file.db``
returns so many orders.
"""

from __future__ import annotations

import re
import resource
import sys
from pathlib import Path


def peak_memory() -> int:
    """The most memory that this process held, in KiB.

    From the kernel's VmHWM where there is one: ``ru_maxrss`` begins with what the parent held before exec.
    """
    status = Path("/proc/self/status")
    if status.exists():
        found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text())
        if found is not None:
            return int(found[1])
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most // 1024 if sys.platform == "darwin" else most


def return_orders(orders: int, file: str) -> None:
    """Return ``orders`` orders of one product; only the order at hand is in memory."""
    from benchmarks.orders import one_product, order_id
    from benchmarks.recording import STAFF
    from retour import MemoryShop, ReturnDesk

    shop = MemoryShop()
    desk = ReturnDesk(shop=shop, store=f"sqlite:///{file}")
    for number in range(orders):
        shop.orders = {order_id(number): one_product(number)}
        desk.mark_returned(order_id(number), by=STAFF)


def main(arguments: list[str]) -> None:
    """Do what the arguments say, and print the peak memory in KiB."""
    if arguments[0] == "returns":
        return_orders(int(arguments[1]), arguments[2])
    elif arguments[0] == "desk":
        from retour import ReturnDesk  # noqa: F401 - importing it is what is measured
    elif arguments[0] == "import":
        import retour  # noqa: F401 - importing it is what is measured
    print(peak_memory())


if __name__ == "__main__":
    main(sys.argv[1:])
