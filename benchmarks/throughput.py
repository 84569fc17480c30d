"""Returns per second through the desk, against the same statements without it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import zip_longest
from typing import Any

from sqlalchemy import Engine, func, select

from benchmarks.bare_replay import bare_replay
from benchmarks.core_replay import CoreReplay
from benchmarks.databases import NewDatabase
from benchmarks.orders import one_product, order_id
from benchmarks.recording import STAFF, Recorder, Recording, record
from benchmarks.rounds import Timings, interleave
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from retour import MemoryShop, ReturnDesk
from retour.store import tables

AIM = 0.70
"""The desk's returns per second, as a part of what the same statements alone reach through Core, even where that
builds each construct only once."""

_CHECKED = 5
"""Returns that are replayed under a recorder of their own before the rounds."""

_CLOCK = {"lease_until", "not_before", "created_at"}
"""Columns that the database's own clock fills: the only ones that may differ between a recording and its replay."""


def throughput(database: str, new: NewDatabase, scale: Scale) -> Part:
    """Record, replay by turns, check that all wrote the same, and compare."""
    total = _CHECKED + (1 + scale.rounds) * scale.returns
    recorded = new("recorded")
    recordings = record(recorded, range(total))
    desk_engine = new("desk")
    desk = ReturnDesk(shop=MemoryShop(one_product(number) for number in range(total)), store=desk_engine)
    engines = {name: new(name) for name in ("core", "core_once", "bare")}
    core = CoreReplay(engines["core"], recordings, built_once=False)
    core_once = CoreReplay(engines["core_once"], recordings, built_once=True)
    bare = bare_replay(engines["bare"], recordings)
    for built_once in (False, True):
        check_scripts(new(f"checked_{built_once}".lower()), recordings[:_CHECKED], built_once=built_once)

    def mark_returned(number: int) -> None:
        desk.mark_returned(order_id(number), by=STAFF)

    for number in range(_CHECKED):
        for once in (mark_returned, core.run, core_once.run, bare.run):
            once(number)

    def by_turns(once: Callable[[int], object]) -> Callable[[int], int]:
        def turn(round_: int) -> int:
            first = _CHECKED + round_ * scale.returns
            for number in range(first, first + scale.returns):
                once(number)
            return scale.returns

        return turn

    timings = interleave(
        {
            "desk": by_turns(mark_returned),
            "core": by_turns(core.run),
            "core_once": by_turns(core_once.run),
            "bare": by_turns(bare.run),
        },
        rounds=scale.rounds,
    )
    bare.close()
    for name, engine in engines.items():
        _check_rows(name, recorded, engine)
    _check_sizes(recorded, desk_engine)
    return Part(rows=_rows(database, timings), notes=(_note(database, recordings),))


def _rows(database: str, timings: dict[str, Timings]) -> tuple[Row, ...]:
    section = f"One-product returns, {database}"
    desk = timings["desk"]
    rates = [
        Row(
            section=section,
            what=f"desk / {words}",
            value=f"{1 / desk.wall:,.0f}/s",
            against=f"{1 / timings[name].wall:,.0f}/s",
            ratio=f"{1 / desk.times(timings[name]):.0%}",
            aim=f"at least {AIM:.0%}" if name != "bare" else "",
            met=1 / desk.times(timings[name]) >= AIM if name != "bare" else None,
        )
        for name, words in _OTHERS.items()
    ]
    processor = [
        Row(
            section=section,
            what=f"processor time, desk / {words}",
            value=duration(desk.cpu),
            against=duration(timings[name].cpu),
            ratio=f"{desk.cpu / timings[name].cpu:.2f} ×",
        )
        for name, words in _OTHERS.items()
    ]
    return (*rates, *processor)


_OTHERS = {
    "core": "Core, built per call",
    "core_once": "Core, built once",
    "bare": "bare driver",
}


def _note(database: str, recordings: Sequence[Recording]) -> str:
    statements = {sum(len(one.statements) for one in recording) for recording in recordings}
    rows = {sum(statement.writes for one in recording for statement in one.statements) for recording in recordings}
    transactions = {len(recording) for recording in recordings}
    commits = {sum(one.ended == "commit" for one in recording) for recording in recordings}
    if any(len(several) != 1 for several in (statements, rows, transactions, commits)):
        raise AssertionError("the desk does not send the same for every return")
    return (
        f"{database}: a return is {statements.pop()} statements in {transactions.pop()} transactions, of which "
        f"{commits.pop()} commit, and writes {rows.pop()} rows. {len(recordings):,} recorded returns were replayed, "
        "and every row of every table was compared afterwards: equal but for what the database's own clock fills."
    )


# --- the checks ------------------------------------------------------------------------------------------


def check_scripts(engine: Engine, recordings: Sequence[Recording], *, built_once: bool) -> None:
    """Core must send the same texts, with as many rows, in the same transactions.

    On an engine of its own: one that was ever listened to stays slower.
    """
    replay = CoreReplay(engine, recordings, built_once=built_once)
    recorder = Recorder(engine)
    for number, recording in enumerate(recordings):
        replay.run(number)
        sent = recorder.take()
        ours, theirs = [[line for one in several for line in one.script] for several in (recording, sent)]
        if ours != theirs:
            pairs = zip_longest(ours, theirs, fillvalue="nothing")
            desk, core = next((one, other) for one, other in pairs if one != other)
            raise AssertionError(
                "The replay does not send what the desk sends; teach benchmarks/core_replay.py its new statement.\n"
                f"desk: {desk}\ncore: {core}"
            )
    recorder.stop()


def _check_rows(name: str, recorded: Engine, replayed: Engine) -> None:
    """A replay must have written the same rows, byte for byte."""
    for table in tables.metadata.sorted_tables:
        if table is not tables.migration:
            columns = [column for column in table.columns if column.name not in _CLOCK]
            query = select(*columns).order_by(*table.primary_key.columns)
            if _all(recorded, query) != _all(replayed, query):
                raise AssertionError(f"{name} did not write the rows of {table.name} that the desk wrote")


def _check_sizes(recorded: Engine, timed: Engine) -> None:
    """The desk must have written as much when it was timed as when it was recorded."""
    for table in tables.metadata.sorted_tables:
        if table is not tables.migration:
            query = select(func.count(), *_lengths(table))
            if _all(recorded, query) != _all(timed, query):
                raise AssertionError(f"the timed desk did not write as much in {table.name} as the recorded one")


def _lengths(table: Any) -> list[Any]:
    return [func.sum(func.length(column)) for column in table.columns if column.type.python_type is str]


def _all(engine: Engine, query: Any) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query)]
