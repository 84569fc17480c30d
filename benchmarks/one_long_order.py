"""What a single order costs when very much has happened to it, and what reading a dossier costs beside its rows.

A business customer sends back and is refunded in hundreds of parts, all on one order.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

import attrs
from sqlalchemy import Engine, Table, bindparam, insert, select

from benchmarks.databases import NewDatabase, settle
from benchmarks.orders import many_units
from benchmarks.recording import STAFF
from benchmarks.rounds import Contestant, Timings, interleave
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from retour import MemoryShop, Money, ReturnDesk, connect, reading
from retour.store import tables
from retour.store.records import EVENT_COLUMNS

AIMS = {"timeline": 0.060, "confirm_refund": 0.015, "mark_returned": 0.030}
"""Seconds that each may take on the long order."""

BESIDE_ITS_ROWS = 2.0
"""How many times as long as one SELECT of the same rows a dossier may take."""

_LONG, _SHORT = 1, 2
_PARTS = {_LONG: (400, 800), _SHORT: (4, 6)}
"""How many refunds and how many returns an order has. A refund is two events, its link was opened and it was confirmed;
a return is one, a count of a unit; and the first of all is that the order was seen."""

_ONE = Money.of("1.00", "EUR")

Stored: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""The rows of one order, by table."""


def one_long_order(database: str, new: NewDatabase, scale: Scale) -> Part:
    """Copy a long and a short order into a database, and measure by turns what is done with them."""
    engine = new("store")
    for number in _PARTS:
        with engine.begin() as connection:
            for name, rows in _lived_through(number).items():
                if rows:
                    connection.execute(insert(tables.metadata.tables[name]), rows)
    settle(engine)
    desk = ReturnDesk(shop=MemoryShop(map(many_units, _PARTS)), store=engine)
    beside = [_beside_its_rows(desk, engine, number, scale) for number in (_SHORT, _LONG)]
    long = _LongOrder(desk)
    timings = interleave(long.contestants, rounds=scale.growth_rounds, warm=2)
    section = f"One order of {_events(_LONG):,} events, {database}"
    whole = [_row(section, what, timings[what]) for what in AIMS]
    section = f"A dossier and one SELECT of its rows, {database}"
    return Part(rows=(*whole, *[attrs.evolve(row, section=section) for row in beside]))


def _row(section: str, what: str, timings: Timings) -> Row:
    return Row(
        section=section,
        what=what,
        value=duration(timings.wall),
        aim=f"under {duration(AIMS[what])}",
        met=timings.wall < AIMS[what],
    )


# --- an order with a long history --------------------------------------------------------------------------


@cache
def _lived_through(number: int) -> Stored:
    """What a desk stored of an order that was returned and refunded in so many parts."""
    refunds, returns = _PARTS[number]
    order, engine = many_units(number), connect("sqlite://")
    desk = ReturnDesk(shop=MemoryShop([order]), store=engine)
    payment = order.payments[0].id
    for place in range(max(refunds, returns)):
        if place < returns:
            desk.mark_returned(order.id, {"1": 1}, by=STAFF, request_id=f"back-{place}")
        if place < refunds:
            desk.open_refund_link(order.id, payment, _ONE, by=STAFF, request_id=f"open-{place}")
            given = {"reference": f"re_{place}", "request_id": f"made-{place}"}
            desk.confirm_refund(order.id, payment, _ONE, by=STAFF, **given)
    with engine.connect() as connection:
        stored = {table.name: _rows_of(connection, table, order.id) for table in tables.metadata.sorted_tables}
    if len(stored["retour_event"]) != _events(number):
        raise AssertionError(f"{len(stored['retour_event'])} events, and not {_events(number)}")
    return stored


def _rows_of(connection: Any, table: Table, order_id: str) -> list[Mapping[str, Any]]:
    if "order_id" not in table.columns:
        return []
    return list(connection.execute(select(table).where(table.c.order_id == order_id)).mappings())


def _events(number: int) -> int:
    refunds, returns = _PARTS[number]
    return 1 + 2 * refunds + returns


# --- what is measured --------------------------------------------------------------------------------------


@attrs.define
class _LongOrder:
    """What is done with the long order: each round it is refunded and returned in one part more."""

    desk: ReturnDesk

    @property
    def contestants(self) -> Mapping[str, Contestant]:
        return {"timeline": self._timeline, "confirm_refund": self._confirm, "mark_returned": self._return}

    def _timeline(self, round_: int) -> int:
        del round_
        self.desk.timeline(many_units(_LONG).id)
        return 1

    def _confirm(self, round_: int) -> int:
        order, name = many_units(_LONG), f"more-{round_}"
        self.desk.confirm_refund(order.id, order.payments[0].id, _ONE, reference=name, by=STAFF, request_id=name)
        return 1

    def _return(self, round_: int) -> int:
        self.desk.mark_returned(many_units(_LONG).id, {"1": 1}, by=STAFF, request_id=f"more-back-{round_}")
        return 1


def _beside_its_rows(desk: ReturnDesk, engine: Engine, number: int, scale: Scale) -> Row:
    """A dossier, and the same rows through SQLAlchemy Core: its construct is built once, and it only reads."""
    order_id, events = many_units(number).id, tables.event.c
    query = (
        select(*[events[name] for name in EVENT_COLUMNS])
        .where(events.shop == bindparam("shop"), events.order_id == bindparam("order_id"))
        .order_by(events.seq)
    )

    def rows() -> int:
        with reading(engine) as connection:
            return len(connection.execute(query, {"shop": desk.shop_id, "order_id": order_id}).all())

    if (rows(), desk.dossier(order_id).version) != (_events(number), _events(number)):
        raise AssertionError(f"order {order_id} was not copied whole")
    timings = interleave(
        {"dossier": _several(lambda: desk.dossier(order_id), scale), "rows": _several(rows, scale)},
        rounds=scale.growth_rounds,
        warm=2,
    )
    dossier, select_ = timings["dossier"], timings["rows"]
    return Row(
        section="",
        what=f"{_events(number):,} events",
        value=duration(dossier.wall),
        against=duration(select_.wall),
        ratio=str(dossier.wall_ratio(select_)),
        aim=f"at most {BESIDE_ITS_ROWS:g} ×",
        met=dossier.times(select_) <= BESIDE_ITS_ROWS,
    )


def _several(call: Callable[[], object], scale: Scale) -> Contestant:
    def turn(_: int) -> int:
        for _ in range(scale.calls):
            call()
        return scale.calls

    return turn
