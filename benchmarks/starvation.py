"""How long a shop with little to do waits beside one with very much, and beside an order that ends the process of who
works on it: one worker, whose shops and provider answer at once."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import attrs
from sqlalchemy import Engine, func, select

from benchmarks.databases import NewDatabase, settle
from benchmarks.filling import EVERY, fill, patterns
from benchmarks.orders import one_product, order_id
from benchmarks.poisoned_worker import CAPTURED, books, payment_of
from benchmarks.recording import STAFF
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from benchmarks.whole_return.instant_plugin import PROVIDER
from retour import MemoryShop, Money, Order, Payment, ReturnDesk
from retour.store import tables

AIM = 5.0
"""Seconds until all of the small shop is served."""

FEW = 10
AT_ONCE = 5
"""Effects that one call takes: so few that the others are waited for by turns."""


def starvation(database: str, new: NewDatabase, scale: Scale) -> Part:
    """Fill a store with returns whose stock is still to be booked, add a few of another shop, and let one worker work
    until those are booked."""
    engine, ids = new("store"), [order_id(number) for number in range(FEW)]
    fill(engine, patterns(new("pattern"), inline_seconds=0), scale.large * EVERY // (EVERY - 1) + 1)
    settle(engine)
    flooded, small = MemoryShop(), MemoryShop(map(one_product, range(FEW)))
    desk = ReturnDesk(
        shop=lambda name: small if name == "small" else flooded, store=engine, shop_id="small", inline_seconds=0
    )
    for one in ids:
        desk.mark_returned(one, by=STAFF)
    columns, rounds = tables.effect.c, 0
    with engine.connect() as connection:
        waiting = connection.execute(select(func.count()).where(columns.state == "waiting")).scalar_one() - FEW
    started = time.perf_counter()
    while len(small.bookings) < FEW:
        desk.work(limit=AT_ONCE)
        rounds += 1
    seconds = time.perf_counter() - started
    row = Row(
        section=f"{FEW} effects of a shop beside {waiting:,} of another, {database}",
        what=f"all {FEW} done by one worker",
        value=duration(seconds),
        against=f"{rounds} rounds, {len(flooded.bookings)} of the other",
        aim=f"within {AIM:.0f} s",
        met=seconds < AIM,
    )
    notes = (_NOTE,) if database == "SQLite" else ()
    return Part(notes=notes, rows=(row, *_beside_a_poisoned_order(database, engine, waiting, scale.small)))


def _beside_a_poisoned_order(database: str, engine: Engine, flood: int, orders: int) -> tuple[Row, ...]:
    """The same store, and in it a shop with so many refunds to send, the oldest of which ends its process; and a shop
    with a few refunds and a few returns. One worker, a process that is started again whenever it has ended."""
    shop = MemoryShop(map(_refunded, range(orders)))
    desk = ReturnDesk(
        shop=lambda _: shop,
        store=engine,
        plugins=[books(orders)],
        shop_id="poisoned",
        inline_seconds=0,
    )
    few = desk.for_shop("the_few")
    amount, poisoned = Money(minor=CAPTURED, currency="EUR"), order_id(orders - 1)
    for one in [poisoned, *map(order_id, range(FEW, orders - 1))]:
        desk.refund(one, payment_of(one), amount, by=STAFF, request_id=f"refund-{one}")
    for one in map(order_id, range(FEW // 2)):
        few.refund(one, payment_of(one), amount, by=STAFF, request_id=f"refund-{one}")
    for one in map(order_id, range(FEW // 2, FEW)):
        few.mark_returned(one, by=STAFF)
    if _waiting(engine, "the_few") != FEW:
        raise AssertionError(f"{FEW} effects were to wait: {_waiting(engine, 'the_few')}")
    settle(engine)
    store, ended = engine.url.render_as_string(hide_password=False), 0
    started = time.perf_counter()
    worker = _worker(store, orders, poisoned)
    try:
        while _waiting(engine, "the_few") and time.perf_counter() - started < _MOST:
            if worker.poll() is not None:
                worker, ended = _worker(store, orders, poisoned), ended + 1
            time.sleep(0.01)
        seconds = time.perf_counter() - started
    finally:
        worker.kill()
        worker.wait()
    if not ended:
        raise AssertionError("no worker was ended by the poisoned order")
    return (
        Row(
            section=f"{FEW} effects of a shop beside {flood:,} of another, {database}",
            what=f"half of them refunds, and one of {orders:,} refunds beside them ends its process",
            value=duration(seconds),
            against=f"{ended} worker ended" if ended == 1 else f"{ended} workers ended",
            aim=f"within {AIM:.0f} s",
            met=seconds < AIM,
        ),
    )


_NOTE = (
    f"**{FEW} effects of a shop beside very many** are the stock of as many returns, done by "
    f"`desk.work(limit={AT_ONCE})`. Then there are {FEW // 2} refunds and the stock of {FEW // 2} returns in the same "
    "store, and another shop beside them whose oldest refund ends the process of whoever sends it. Their worker is a "
    "process of its own that does one order after the other and is started again as soon as it has ended; its starts "
    "are in the time. Provider and shops are in it and answer at once. What a worker of orders side by side had begun "
    "when it ended waits for its lease of two minutes, whoever's it is: that is not measured here."
)

_MOST = 60.0


def _refunded(number: int) -> Order:
    payment = Payment(
        provider=PROVIDER, reference=payment_of(order_id(number)), captured=Money(minor=CAPTURED, currency="EUR")
    )
    return attrs.evolve(one_product(number), payments=(payment,))


def _waiting(engine: Engine, shop: str) -> int:
    """Effects of a shop that are not done, but for the looks that come weeks later."""
    columns = tables.effect.c
    with engine.connect() as connection:
        query = select(func.count()).where(columns.shop == shop, columns.state == "waiting", columns.behind == 0)
        return int(connection.execute(query).scalar_one())


def _worker(store: str, orders: int, poisoned: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "benchmarks.poisoned_worker", store, str(orders), poisoned]
    return subprocess.Popen(command, cwd=Path(__file__).parent.parent)
