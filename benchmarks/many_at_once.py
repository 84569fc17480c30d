"""Many who mark orders returned at the same moment: different orders do not wait for each other, and on one order each
gets his turn.

SQLite has one writer, so that more threads do no more there; there it only has to lose nobody.
"""

from __future__ import annotations

import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import count

import attrs
from sqlalchemy import Engine, text

from benchmarks.databases import NewDatabase
from benchmarks.partner import Partner, ask_all
from benchmarks.rounds import Timing, Turn, take_turns
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration

AIM = 1.5
"""How many times the returns per second of one thread eight threads in two processes make, on two cores."""

ON_ONE_ORDER = 16
"""Threads that change the same order at once."""

_SPREADS = {"1 thread": (1,), "8 threads": (8,), "8 threads in 2 processes": (4, 4)}
"""How many threads each process has."""

_LOOK_EVERY = 0.02


def many_at_once(database: str, new: NewDatabase, scale: Scale) -> Part:
    """One thread, eight, and eight in two processes by turns, on orders of their own; then sixteen on one order."""
    engine = new("store")
    with ExitStack() as stack:
        hosts = [stack.enter_context(Partner("benchmarks.returns_worker")) for _ in range(2)]
        ask_all(hosts, store=engine.url.render_as_string(hide_password=False))
        bench = _Bench(hosts=hosts, returns=scale.at_once_returns)
        turns: dict[str, Turn] = {name: bench.at_once(threads) for name, threads in _SPREADS.items()}
        with _lock_waits(engine) as waits:
            timings = take_turns(turns, rounds=scale.work_rounds)
        seconds = [bench.on_one_order() for _ in range(1 + scale.work_rounds)][1:]
    section = f"Many at once, {database}"
    one = timings["1 thread"]
    rows = []
    for name in list(_SPREADS)[1:]:
        more, aimed = timings[name], database == "PostgreSQL" and len(_SPREADS[name]) > 1
        ratio = one.wall_ratio(more)
        rows.append(
            Row(
                section=section,
                what=f"{name} / 1 thread, different orders",
                value=f"{1 / more.wall:,.0f}/s",
                against=f"{1 / one.wall:,.0f}/s",
                ratio=str(ratio),
                aim=f"at least {AIM} ×" if aimed else "",
                met=ratio.median >= AIM if aimed else None,
            )
        )
    if database == "PostgreSQL":
        rows.append(
            Row(
                section=section,
                what="locks of orders that others waited for",
                value=f"{len(waits.found)}",
                against=f"{waits.looks:,} looks",
                aim="none",
                met=not waits.found,
            )
        )
    rows.append(
        Row(
            section=section,
            what=f"{ON_ONE_ORDER} threads on one order, until the last",
            value=duration(statistics.median(seconds)),
            against=f"{bench.failed} of {bench.pressed} failed",
            aim="none fails",
            met=not bench.failed,
        )
    )
    return Part(rows=tuple(rows), notes=(_NOTE,))


_NOTE = (
    "**Many at once** mark orders of one product returned, in processes that share the machine's cores with the "
    "database: each thread has orders of its own, and all begin at the same moment. Meanwhile the server is asked "
    "which of its sessions wait for a lock of a row, a table or a transaction. **On one order** each thread counts "
    "another unit."
)


@attrs.define
class _Bench:
    """Processes that mark orders returned; seconds are per return, and processor time is that of all of them."""

    hosts: Sequence[Partner]
    returns: int
    failed: int = 0
    pressed: int = 0
    numbers: Iterator[int] = attrs.field(factory=count)

    def at_once(self, threads: Sequence[int]) -> Turn:
        """So many threads in each process, which share the returns of a turn among them."""
        each = self.returns // sum(threads)

        def turn(_: int) -> Timing:
            hosts = self.hosts[: len(threads)]
            for host, number in zip(hosts, threads, strict=True):
                host.tell(returns=[[next(self.numbers) for _ in range(each)] for _ in range(number)])
            started = time.perf_counter()
            told = [host.hear() for host in hosts]
            wall = time.perf_counter() - started
            if any(one["failed"] for one in told):
                raise AssertionError(f"a return of an order of its own failed: {told}")
            returns = each * sum(threads)
            return Timing(wall=wall / returns, cpu=sum(one["cpu"] for one in told) / returns)

        return turn

    def on_one_order(self) -> float:
        """Seconds until the last of sixteen threads has counted his unit of an order."""
        told = self.hosts[0].ask(parts_of=next(self.numbers), parts=ON_ONE_ORDER)
        if told["returns"] + len(told["failed"]) != ON_ONE_ORDER:
            raise AssertionError(f"not every unit was counted once: {told}")
        self.failed += len(told["failed"])
        self.pressed += ON_ONE_ORDER
        return float(told["wall"])


@attrs.define
class _Waits:
    """What sessions of a server waited for, and how often somebody looked."""

    found: list[str] = attrs.field(factory=list)
    looks: int = 0


@contextmanager
def _lock_waits(engine: Engine) -> Iterator[_Waits]:
    """Looks every now and then which sessions wait for a lock that another has; SQLite has none to look at."""
    waits, ended = _Waits(), threading.Event()
    query = text(
        "SELECT wait_event FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock' "
        "AND wait_event IN ('relation', 'tuple', 'transactionid', 'advisory')"
    )

    def look() -> None:
        with engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
            while not ended.wait(_LOOK_EVERY):
                waits.found += connection.execute(query).scalars()
                waits.looks += 1

    if engine.dialect.name != "postgresql":
        yield waits
        return
    looking = threading.Thread(target=look)
    looking.start()
    try:
        yield waits
    finally:
        ended.set()
        looking.join()
