"""Refunds per second from end to end: planned by a desk, sent and recorded by workers in processes of their own."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from itertools import count

import attrs
from sqlalchemy import Engine, func, select

from benchmarks.databases import NewDatabase
from benchmarks.orders import one_product
from benchmarks.partner import Partner, ask_all
from benchmarks.recording import STAFF
from benchmarks.refund_client import AMOUNT
from benchmarks.rounds import Timing, Timings, Turn, take_turns
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from retour import MemoryShop, Mode, Money, Order, Payment, ReturnDesk
from retour.store import tables

_WORKERS = {"SQLite": (1, 2), "PostgreSQL": (1, 2, 4)}


def refund_work(database: str, new: NewDatabase, scale: Scale) -> Part:
    """One, two and more workers by turns, and as many clients of the sandbox without a desk."""
    numbers = _WORKERS[database]
    with ExitStack() as stack:
        sandbox = stack.enter_context(Partner("benchmarks.refund_sandbox", "stripe"))
        settings = {"stripe": sandbox.ask()["settings"]}
        engine, shop = new("store"), MemoryShop()
        desk = ReturnDesk(shop=shop, store=engine, plugins=["stripe"], settings=settings, inline_seconds=0)
        workers = [stack.enter_context(Partner("benchmarks.refund_worker")) for _ in range(max(numbers))]
        clients = [
            stack.enter_context(Partner("benchmarks.refund_client", "requests", "stripe")) for _ in range(max(numbers))
        ]
        ask_all(workers, store=engine.url.render_as_string(hide_password=False), settings=settings)
        ask_all(clients, connect=settings["stripe"])
        bench = _Bench(
            sandbox=sandbox, shop=shop, desk=desk, workers=workers, clients=clients, refunds=scale.work_refunds
        )
        turns: dict[str, Turn] = {}
        for number in numbers:
            turns[f"workers {number}"] = bench.workers_at_work(number)
            turns[f"clients {number}"] = bench.clients_alone(number)
        timings = take_turns(turns, rounds=scale.work_rounds)
        _check_states(engine, bench.planned)
    return Part(rows=tuple(_rows(database, numbers, timings)), notes=(_note(database, bench),))


@attrs.define
class _Bench:
    """A desk that plans refunds, workers that do them, and a sandbox of Stripe, whose refunds succeed at once.

    The sandbox has new books in each turn, with as many payments as there are refunds in it. Seconds are per refund.
    """

    sandbox: Partner
    shop: MemoryShop
    desk: ReturnDesk
    workers: Sequence[Partner]
    clients: Sequence[Partner]
    refunds: int
    planned: int = 0
    plan_seconds: list[float] = attrs.field(factory=list)
    sandbox_seconds: list[float] = attrs.field(factory=list)
    numbers: Iterator[int] = attrs.field(factory=count)

    def workers_at_work(self, workers: int) -> Turn:
        """So many workers: refunds are planned, which is timed apart, and then all begin at once."""

        def turn(_: int) -> Timing:
            self._plan()
            before = self.sandbox.ask()["cpu"]
            started = time.perf_counter()
            reports = ask_all(self.workers[:workers], work=True)
            wall = time.perf_counter() - started
            after = self.sandbox.ask(refunds=True)
            if sum(one["done"] for one in reports) != self.refunds or any(one["failed"] for one in reports):
                raise AssertionError(f"{self.refunds} refunds were to be done: {reports}")
            if after["refunds"] != [1] * self.refunds:
                raise AssertionError(f"not every payment was refunded once: {after['refunds']}")
            self.sandbox_seconds.append((after["cpu"] - before) / self.refunds)
            return Timing(wall=wall / self.refunds, cpu=sum(one["cpu"] for one in reports) / self.refunds)

        return turn

    def clients_alone(self, clients: int) -> Turn:
        """So many clients send as many refunds with ``requests`` alone: what the sandbox can take."""

        def turn(_: int) -> Timing:
            chosen = self.clients[:clients]
            paid = [(reference, next(self.numbers)) for reference in self._paid()]
            shares = [paid[first::clients] for first in range(clients)]
            for client, share in zip(chosen, shares, strict=True):
                client.ask(prepare_refunds=share)
            started = time.perf_counter()
            taken = ask_all(chosen, send=True)
            wall = time.perf_counter() - started
            cpu = sum(one["cpu"] * len(share) for one, share in zip(taken, shares, strict=True))
            return Timing(wall=wall / self.refunds, cpu=cpu / self.refunds)

        return turn

    def _plan(self) -> None:
        orders = [_order(next(self.numbers), reference) for reference in self._paid()]
        self.shop.orders = {order.id: order for order in orders}
        started = time.perf_counter()
        for order in orders:
            payment = order.payments[0]
            self.desk.refund(order.id, payment.id, payment.captured, by=STAFF, request_id=f"refund-{order.id}")
        self.plan_seconds.append((time.perf_counter() - started) / self.refunds)
        self.planned += self.refunds

    def _paid(self) -> list[str]:
        references: list[str] = self.sandbox.ask(new_books=True, pay=self.refunds, amount=AMOUNT)["references"]
        return references


def _order(number: int, reference: str) -> Order:
    """An order of one product that was paid by Stripe."""
    payment = Payment(provider="stripe", reference=reference, captured=Money.of(AMOUNT, "EUR"), mode=Mode.TEST)
    return attrs.evolve(one_product(number), payments=(payment,))


def _check_states(engine: Engine, planned: int) -> None:
    """Every refund that was planned must have succeeded in the store."""
    states = tables.refund.c.state
    with engine.connect() as connection:
        rows = connection.execute(select(states, func.count()).group_by(states)).all()
    if [tuple(row) for row in rows] != [("succeeded", planned)]:
        raise AssertionError(f"{planned} refunds were planned, and the store has {rows}")


def _rows(database: str, numbers: Sequence[int], timings: Mapping[str, Timings]) -> Iterator[Row]:
    section = f"Refunds from end to end, {database}"
    one = timings["workers 1"]
    for number in numbers:
        ours, alone = timings[f"workers {number}"], timings[f"clients {number}"]
        yield Row(
            section=section,
            what=f"{_workers(number)} / {_clients(number)} of the sandbox alone",
            value=f"{1 / ours.wall:,.0f}/s",
            against=f"{1 / alone.wall:,.0f}/s",
            ratio=str(alone.wall_ratio(ours)),
        )
    for number in numbers[1:]:
        more = timings[f"workers {number}"]
        yield Row(
            section=section,
            what=f"{_workers(number)} / 1 worker",
            value=f"{1 / more.wall:,.0f}/s",
            against=f"{1 / one.wall:,.0f}/s",
            ratio=str(one.wall_ratio(more)),
        )
    for number in numbers:
        ours, alone = timings[f"workers {number}"], timings[f"clients {number}"]
        yield Row(
            section=section,
            what=f"processor time per refund, {_workers(number)} / {_clients(number)}",
            value=duration(ours.cpu),
            against=duration(alone.cpu),
            ratio=str(ours.cpu_ratio(alone)),
        )


def _workers(number: int) -> str:
    return f"{number} worker" if number == 1 else f"{number} workers"


def _clients(number: int) -> str:
    return f"{number} client" if number == 1 else f"{number} clients"


def _note(database: str, bench: _Bench) -> str:
    plan, sandbox = statistics.median(bench.plan_seconds), statistics.median(bench.sandbox_seconds)
    return (
        f"**Refunds from end to end, {database}**: `desk.refund` planned {bench.refunds} refunds a turn by Stripe, "
        f"with `inline_seconds=0`, in {duration(plan)} each, which is not in the table. Then workers, each a process, "
        "called `desk.work()` until nothing was due; the time is from the first call to the end of the last. The "
        f"sandbox is one process for all, with {duration(sandbox)} of processor time per refund; what it can take is "
        "what as many clients get out of it that send the same requests with `requests` alone. Workers, sandbox and "
        "database share the machine's cores. Every payment was refunded once, and every refund succeeded in the store."
    )
