"""A server that makes its desk first and forks then, as gunicorn --preload and Celery's prefork do: each child serves
its own orders, and so does the parent. Prints what each was told."""

from __future__ import annotations

import json
import os
import sys
from typing import Any

from sqlalchemy import create_engine

from retour import Actor, MemoryShop, Mode, Money, ReturnDesk
from retour.testing import a_line, a_payment, an_order

ANNA = Actor.staff("anna")


def served(desk: ReturnDesk, payments: dict[str, str]) -> list[list[Any]]:
    """Refund each order's own amount, and restock it; gives what was told of each."""
    told: list[list[Any]] = []
    for order_id, reference in payments.items():
        amount = Money.of(f"1.{order_id}", "EUR")
        try:
            refund = desk.refund(order_id, reference, amount, by=ANNA, request_id="form").refund
            stock = desk.mark_returned(order_id, {"cup": 1}, by=ANNA, request_id="parcel")
            desk.work()
            assert refund is not None
            told.append([order_id, refund.state.value, refund.amount.minor, stock.restock.restocked["cup"]])
        except Exception as error:  # noqa: BLE001 - the test has to see it
            told.append([order_id, repr(error)])
    return told


def tell(told: list[list[Any]]) -> None:
    """In one piece, as several processes write."""
    os.write(1, f"{json.dumps(told)}\n".encode())


def main() -> None:
    store, payments, settings, host_made = sys.argv[1], *map(json.loads, sys.argv[2:5])
    orders = [
        an_order(
            a_line("cup", 1, "10.00"),
            order_id=order_id,
            payments=[a_payment("10.00", provider="stripe", reference=reference, mode=Mode.TEST)],
        )
        for share in payments
        for order_id, reference in share.items()
    ]
    desk = ReturnDesk(
        shop=MemoryShop(orders),
        store=create_engine(store) if host_made else store,
        plugins=["stripe"],
        settings={"stripe": settings},
        migrate=True,
    )
    first, own, *of_children = payments
    tell(served(desk, first))
    (go, begin), (closed, close) = os.pipe(), os.pipe()
    served_one, serve_more = os.pipe()
    children = []
    for share in of_children:
        child = os.fork()
        if child == 0:
            os.close(begin)
            os.close(close)
            os.read(go, 1)  # all begin at once, when the last was made
            half = dict(list(share.items())[:2])
            tell(served(desk, half))
            os.write(serve_more, b".")
            os.read(closed, 1)
            tell(served(desk, share))
            os._exit(0)
        children.append(child)
    os.close(begin)
    tell(served(desk, own))
    for _ in children:
        os.read(served_one, 1)
    desk._services.store.engine.dispose()  # the parent closes what it had opened, while its children work
    os.close(close)
    for child in children:
        os.waitpid(child, 0)
    tell(served(desk, first))  # the same again


if __name__ == "__main__":
    main()
