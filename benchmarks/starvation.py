"""How long a shop with little to do waits beside one with very much: one worker, whose shops answer at once."""

from __future__ import annotations

import time

from sqlalchemy import func, select

from benchmarks.databases import NewDatabase, settle
from benchmarks.filling import EVERY, fill, patterns
from benchmarks.orders import one_product, order_id
from benchmarks.recording import STAFF
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from retour import MemoryShop, ReturnDesk
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
    return Part(rows=(row,))
