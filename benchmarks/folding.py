"""How long a dossier of fifteen events takes to fold: from values, and from rows with their JSON."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

from sqlalchemy import Engine, select

from benchmarks.orders import several_products
from benchmarks.recording import STAFF
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from retour import Counted, MemoryShop, Money, RequestedLine, RestockDecision, ReturnDesk, connect
from retour.model.history import fold
from retour.store import tables
from retour.store.migrations import migrate
from retour.store.records import EVENT_COLUMNS, read_events

AIM = 0.0001
"""Seconds that folding may take."""

EVENTS = 15


def folding(scale: Scale) -> Part:
    """Fold the same dossier many times, both ways by turns."""
    engine = connect("sqlite://")
    migrate(engine)
    order = _live_through(engine)
    columns = [tables.event.c[name] for name in EVENT_COLUMNS]
    with engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(tables.event.c.seq)).all()
    events = read_events(order, rows)
    if len(events) != EVENTS:
        raise AssertionError(f"the dossier has {len(events)} events: {[one.event.type for one in events]}")
    found: dict[str, list[float]] = {"from values": [], "from rows with JSON": []}
    for _ in range(scale.folds):
        found["from values"].append(_seconds(lambda: fold(order, events)))
        found["from rows with JSON"].append(_seconds(lambda: fold(order, read_events(order, rows))))
    return Part(rows=tuple(_row(name, seconds) for name, seconds in found.items()), notes=(_NOTE,))


def _row(what: str, seconds: list[float]) -> Row:
    best = min(seconds)
    return Row(
        section=f"Folding {EVENTS} events",
        what=f"{what}, {EVENTS / best / 1e6:.3f} events/µs",
        value=duration(best),
        against=f"median {duration(statistics.median(seconds))}",
        aim=f"under {duration(AIM)}",
        met=best < AIM,
    )


_NOTE = (
    "**Folding** neither waits for anything nor depends on chance, so its time is the shortest of all rounds; the "
    "median stands beside it and shows how busy the machine was."
)

_INNER = 10


def _seconds(call: Callable[[], object]) -> float:
    """Seconds of one call, from ten in a row without the garbage collector."""
    gc.disable()
    started = time.perf_counter()
    for _ in range(_INNER):
        call()
    taken = time.perf_counter() - started
    gc.enable()
    return taken / _INNER


def _live_through(engine: Engine) -> str:
    """A return of two products in two parcels, with questions, a correction and a refund; gives the order's id."""
    order = several_products(1)
    desk = ReturnDesk(shop=MemoryShop([order]), store=engine)
    lines = [RequestedLine(line_id="1", quantity=2, reason="too small"), RequestedLine(line_id="3", quantity=3)]
    announced = desk.request_return(order.id, lines, by=STAFF, request_id="a").return_id
    desk.mark_sent(order.id, announced, by=STAFF, tracking="3SABCD1234567")
    first = desk.receive(order.id, announced, {"1": 2}, by=STAFF, request_id="b")
    desk.answer_restock(order.id, announced, RestockDecision.lines({"1": 1}), by=STAFF)
    desk.receive(order.id, announced, [Counted(line_id="3", sellable=2, damaged=1)], by=STAFF, request_id="c")
    desk.answer_restock(order.id, announced, RestockDecision.all(), by=STAFF)
    desk.correct_receipt(order.id, str(first.receipt_id), [Counted(line_id="1", sellable=1, damaged=1)], by=STAFF)
    payment = order.payments[0].id
    desk.confirm_refund(order.id, payment, Money.of("29.90", "EUR"), reference="re_1", by=STAFF, request_id="d")
    return order.id
