"""A store that is full already: copies of rows that the desk wrote, under other ids and at other times.

A few returns are made by the desk in a database of their own. Each of their rows is then copied by the database
itself, ``insert ... select``, with the part of every id that tells orders apart replaced by the copy's number.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    ColumnElement,
    Engine,
    Integer,
    MetaData,
    Select,
    Table,
    Text,
    func,
    insert,
    select,
)

from benchmarks.orders import one_product, order_id, several_products
from benchmarks.recording import STAFF
from retour import MemoryShop, Order, ReturnDesk
from retour.store import tables

EVERY = 10
"""One order in so many has several products, and its return waits for an answer; the others are restocked."""

Pattern: TypeAlias = Mapping[str, Sequence[Mapping[str, Any]]]
"""The rows of one order, by table, with `_MARK` where ids tell orders apart."""

_MARK = "########"
_MINUTE = 60_000_000
_DAY = 24 * 60 * _MINUTE
_OLDEST = 80
"""Days since the oldest order: of effects that were done longer ago, `work()` throws some away each time."""
_CHUNK = 2_000
_TIMES = {"at", "since", "opened_at", "created_at", "not_before"}
_IDS = re.compile(r"\b([a-z]{2}[0-9A-HJKMNP-TV-Z]{18})[0-9A-HJKMNP-TV-Z]{8}\b")


def patterns(engine: Engine, *, inline_seconds: float = 10.0) -> tuple[Pattern, Pattern]:
    """The rows of an order that was restocked at once, or with no ``inline_seconds`` is still to be; and of one that
    waits for an answer, with a note."""
    orders = one_product(0), several_products(1)
    desk = ReturnDesk(shop=MemoryShop(orders), store=engine, inline_seconds=inline_seconds)
    for order in orders:
        desk.mark_returned(order.id, by=STAFF, note="The box was open, all is clean.")
    first, second = [_pattern(engine, order) for order in orders]
    return first, second


def fill(engine: Engine, made: tuple[Pattern, Pattern], orders: int) -> None:
    """Store ``orders`` orders, one a minute or as often as they fit into `_OLDEST` days, the newest just before the
    pattern's own."""
    apart = min(_MINUTE, _OLDEST * _DAY // orders)
    scratch = MetaData()
    copies = _copies_table(scratch)
    patterns = {name: _pattern_table(scratch, tables.metadata.tables[name]) for name in made[0]}
    with engine.begin() as connection:
        scratch.create_all(connection)
        numbers = [
            {
                "number": number,
                "digits": order_id(number),
                "later": (number - orders) * apart,
                "kind": int(number % EVERY == 0),
            }
            for number in range(orders)
        ]
        connection.execute(insert(copies), numbers)
        for name, pattern in patterns.items():
            rows = [{**row, "bench_kind": kind} for kind in (0, 1) for row in made[kind][name]]
            if rows:
                connection.execute(insert(pattern), rows)
        for first in range(0, orders, _CHUNK):
            for name, pattern in patterns.items():
                table = tables.metadata.tables[name]
                query = _query(table, pattern, copies).where(copies.c.number.between(first, first + _CHUNK - 1))
                connection.execute(insert(table).from_select(list(table.columns), query))
        scratch.drop_all(connection)


def _copies_table(scratch: MetaData) -> Table:
    """The copies to make: number, the same as digits of ids, how many microseconds later, of which pattern."""
    return Table(
        "bench_copy",
        scratch,
        Column("number", Integer, primary_key=True),
        Column("digits", Text, nullable=False),
        Column("later", BigInteger, nullable=False),
        Column("kind", Integer, nullable=False),
        prefixes=["TEMPORARY"],
    )


def _pattern_table(scratch: MetaData, table: Table) -> Table:
    columns = [Column(column.name, column.type) for column in table.columns]
    return Table(f"bench_{table.name}", scratch, Column("bench_kind", Integer), *columns, prefixes=["TEMPORARY"])


def _query(table: Table, pattern: Table, copies: Table) -> Select[Any]:
    """The rows of one table for some copies, in the order in which a shop would have written them."""
    values: list[ColumnElement[Any]] = []
    for column in table.columns:
        value = pattern.c[column.name]
        if column.name in _TIMES:
            values.append(value + copies.c.later)
        elif isinstance(column.type, Text):
            values.append(func.replace(value, _MARK, copies.c.digits))
        else:
            values.append(value)
    by_seq = [pattern.c.seq] if "seq" in pattern.c else []
    return (
        select(*values)
        .select_from(copies.join(pattern, pattern.c.bench_kind == copies.c.kind))
        .order_by(copies.c.number, *by_seq)
    )


def _pattern(engine: Engine, order: Order) -> Pattern:
    found: dict[str, list[dict[str, Any]]] = {}
    with engine.connect() as connection:
        for table in tables.metadata.sorted_tables:
            if "order_id" in table.columns:
                rows = connection.execute(select(table).where(table.c.order_id == order.id)).mappings()
                found[table.name] = [{name: _marked(name, value, order) for name, value in row.items()} for row in rows]
    return found


def _marked(name: str, value: Any, order: Order) -> Any:
    if not isinstance(value, str):
        return value
    if name == "number":  # of a return: as long as a real one, and of no other copy
        return _MARK + value[len(_MARK) :]
    return _IDS.sub(lambda found: found[1] + _MARK, value.replace(order.id, _MARK))
