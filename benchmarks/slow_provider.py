"""Refunds at a provider that takes its time for each call: one worker process, orders side by side and one after the
other."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from itertools import count

import attrs
from sqlalchemy import Engine, func, select

from benchmarks.databases import NewDatabase
from benchmarks.orders import one_product
from benchmarks.partner import Partner
from benchmarks.recording import STAFF
from benchmarks.refund_client import AMOUNT
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from retour import MemoryShop, Mode, Money, Order, Payment, ReturnDesk
from retour.cli.worker_command import SIDE_BY_SIDE
from retour.store import tables

TAKES = 0.2
"""Seconds that the provider takes for a call."""

REFUNDS = 50
READ_LATELY, READ_EACH = "their books read within the minute", "with a reading each"
CALLS: Mapping[str, int] = {READ_LATELY: 1, READ_EACH: 2}
"""Calls per refund."""

AIMS: Mapping[str, float] = {READ_LATELY: 2.0, READ_EACH: 3.5}
"""Seconds for all refunds."""


def slow_provider(database: str, new: NewDatabase, scale: Scale) -> Part:
    """A worker process for each way, which is warm, and a sandbox of Stripe in another."""
    rows = []
    with ExitStack() as stack:
        sandbox = stack.enter_context(Partner("benchmarks.slow_sandbox", "stripe"))
        settings = {"stripe": sandbox.ask()["settings"]}
        engine, shop = new("store"), MemoryShop()
        desk = ReturnDesk(shop=shop, store=engine, plugins=["stripe"], settings=settings, inline_seconds=0)
        worker = stack.enter_context(Partner("benchmarks.refund_worker"))
        worker.ask(store=engine.url.render_as_string(hide_password=False), settings=settings)
        bench = _Bench(sandbox=sandbox, shop=shop, desk=desk, worker=worker, engine=engine)
        for way in AIMS:
            bench.refunded(way, SIDE_BY_SIDE, 2)  # so that it has made and read what it needs
            at_once = [bench.refunded(way, SIDE_BY_SIDE, scale.slow_refunds) for _ in range(scale.slow_rounds)]
            one_by_one = bench.refunded(way, 1, scale.slow_refunds)
            rows.append(_row(database, way, at_once, one_by_one, scale.slow_refunds))
    return Part(rows=tuple(rows), notes=(_NOTE,) if database == "SQLite" else ())


_NOTE = (
    "**Refunds at a slow provider**: `desk.refund` planned them by Stripe with `inline_seconds=0`, while the sandbox "
    f"answered at once. Then it took {TAKES * 1000:.0f} ms for each call, however many came at once, and one worker "
    f"process called `desk.work(concurrency={SIDE_BY_SIDE})` until nothing was due, or `desk.work()`; the time is from "
    "its first call to the end of the last. For a reading each, the worker was told that every reading is an old one; "
    "the sandbox counted the calls. Every payment was refunded once, and every refund succeeded in the store."
)


@attrs.define(kw_only=True)
class _Bench:
    """A desk that plans refunds, a worker that does them, and a sandbox that has new books each time."""

    sandbox: Partner
    shop: MemoryShop
    desk: ReturnDesk
    worker: Partner
    engine: Engine
    planned: int = 0
    numbers: Iterator[int] = attrs.field(factory=count)

    def refunded(self, way: str, concurrency: int, refunds: int) -> float:
        """Seconds in which the worker makes so many refunds."""
        paid = self.sandbox.ask(new_books=True, pay=refunds, amount=AMOUNT, takes=0.0)["references"]
        orders = [_order(next(self.numbers), reference) for reference in paid]
        self.shop.orders = {order.id: order for order in orders}
        for order in orders:
            payment = order.payments[0]
            self.desk.refund(order.id, payment.id, payment.captured, by=STAFF, request_id=f"refund-{order.id}")
        self.planned += refunds
        before = self.sandbox.ask(takes=TAKES)["requests"]
        started = time.perf_counter()
        report = self.worker.ask(work=True, concurrency=concurrency, reads_each=way == READ_EACH)
        seconds = time.perf_counter() - started
        self._check(report, before, refunds, CALLS[way])
        return seconds

    def _check(self, report: Mapping[str, int], before: int, refunds: int, calls: int) -> None:
        after = self.sandbox.ask(refunds=True)
        if (report["done"], report["failed"]) != (refunds, 0):
            raise AssertionError(f"{refunds} refunds were to be done: {report}")
        if after["refunds"] != [1] * refunds:
            raise AssertionError(f"not every payment was refunded once: {after['refunds']}")
        if after["requests"] - before != refunds * calls:
            raise AssertionError(f"{refunds} refunds took {after['requests'] - before} calls, not {calls} each")
        states = tables.refund.c.state
        with self.engine.connect() as connection:
            rows = connection.execute(select(states, func.count()).group_by(states)).all()
        if [tuple(row) for row in rows] != [("succeeded", self.planned)]:
            raise AssertionError(f"{self.planned} refunds were planned, and the store has {rows}")


def _order(number: int, reference: str) -> Order:
    payment = Payment(provider="stripe", reference=reference, captured=Money.of(AMOUNT, "EUR"), mode=Mode.TEST)
    return attrs.evolve(one_product(number), payments=(payment,))


def _row(database: str, way: str, at_once: list[float], one_by_one: float, refunds: int) -> Row:
    seconds, aimed_at = statistics.median(at_once), refunds == REFUNDS
    return Row(
        section=f"{refunds} refunds at a provider that takes {TAKES * 1000:.0f} ms a call, one worker, {database}",
        what=f"{way}, {SIDE_BY_SIDE} orders side by side / one after the other",
        value=duration(seconds),
        against=duration(one_by_one),
        ratio=f"{one_by_one / seconds:.2f} × as many",
        aim=f"under {AIMS[way]:g} s" if aimed_at else "",
        met=seconds < AIMS[way] if aimed_at else None,
    )
