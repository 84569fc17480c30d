"""A counter's process: it counts the parcel of every return that it reads, as soon as it is told to begin."""

from __future__ import annotations

import sys
import time
from pathlib import Path

from retour import Actor, Busy, MemoryShop, ReturnDesk, StoreLocked, WrongState
from retour.testing import a_line, an_order


def main(database: str, name: str, begin: str, *returns: str) -> None:
    """Count 2 cups of each return, given as ``order=return``; print what became of each."""
    orders = dict(one.split("=") for one in returns)
    shop = MemoryShop([an_order(a_line("cup", 9), order_id=order_id) for order_id in orders])
    desk = ReturnDesk(shop=shop, store=database)
    print("ready", flush=True)
    while not Path(begin).exists():
        time.sleep(0.001)
    for order_id, return_id in orders.items():
        while True:
            try:
                desk.receive(
                    order_id, return_id, {"cup": 2}, by=Actor.staff(name), request_id=f"form-{name}", parcel="3SABC123"
                )
                print(order_id, "counted")
            except (Busy, StoreLocked):
                continue
            except WrongState as error:
                print(order_id, error)
            break
    desk.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
