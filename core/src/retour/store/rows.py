"""Rows of several kinds, of which a commit writes each kind by a statement of its own or, on PostgreSQL, all by one.

There each statement costs the way to the server and back, and a driver in Python on both ends of it: more than most of
these inserts do on the server. One statement for all of them moves the order's version first, and the rows come from
JSON: where the version has moved on meanwhile there is nothing to join them with, and none is written. SQLite has no
such statements and needs none, since its driver is a call away.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import JSON, Column, Connection, Text, bindparam, cast, column, func, literal_column, select

from retour.model.frozen import frozen
from retour.store.prepared import Insert, Prepared, insert_of

JOINED_ON = {"postgresql"}
"""The dialects on which all kinds of rows are written by one statement."""


@frozen
class Values:
    """The values of a row, ``given`` by name, as a statement of ``dialect`` says them: each is bound, or they come from
    ``rows`` in a statement that has ``moved`` the order's version."""

    dialect: str
    given: Mapping[str, Any]
    rows: Any = None
    moved: Any = None

    def insert(self, table: Any, names: Iterable[str], **others: Any) -> Any:
        """The dialect's ``insert`` of the values of these ``names`` into columns called the same, and of ``others``."""
        insert: Insert = insert_of(self.dialect)
        if self.rows is None:
            return insert(table).values({**{name: self.given[name] for name in names}, **others})
        named = [f"{self.rows.name}.{name}" for name in names]  # of the column itself, it would be named once more
        found: Any = (
            select(*map(literal_column, named), *others.values()).select_from(self.moved).select_from(self.rows)
        )
        return insert(table).from_select([*names, *others], found, include_defaults=False)


Build = Callable[[Values], Any]
"""Gives the statement that inserts values."""


class RowsOf:
    """How rows of one kind are inserted. ``columns`` are the values of a row, which are called ``name`` in a statement
    with others; ``alone`` is the statement of one row.
    """

    def __init__(self, name: str, columns: Iterable[Column[Any]], build: Build) -> None:
        self.name = name
        self._columns = list(columns)
        self._build = build
        self.alone = Prepared(self._statement)

    def run_each(self, connection: Connection, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert each row by itself."""
        self.alone.run_each(connection, rows)

    def _statement(self, dialect: str, _: Insert) -> Any:
        return self._build(Values(dialect, {one.name: bindparam(one.name, type_=one.type) for one in self._columns}))

    def joined(self, dialect: str, moved: Any) -> Any:
        """The statement that inserts the rows of a JSON list, as part of one that has ``moved`` the order's version."""
        listed = func.json_to_recordset(cast(bindparam(self.name, type_=Text), JSON))
        rows = listed.table_valued(*[column(one.name, one.type) for one in self._columns])
        rows = rows.render_derived(name=f"{self.name}_", with_types=True)
        return self._build(Values(dialect, dict(rows.c.items()), rows, moved)).cte(self.name)


Rows = Mapping[RowsOf, Sequence[Mapping[str, Any]]]
"""The rows of each kind."""


class MovingOn:
    """The statements that ``move`` an order's version on, and insert rows of some kinds, and ``update`` one, with it.

    The update gets the moved version, for a condition: so it comes after that, as whoever changes an order locks it
    first. It is of one row, by its key: of a list the planner thinks that it is long, and reads the whole table.
    """

    def __init__(self, move: Callable[[str, Insert], Any], update: Callable[[str, Any], Any]) -> None:
        self._move = move
        self._update = update
        self._joined: dict[tuple[bool, tuple[RowsOf, ...]], Prepared] = {}

    def write(
        self, connection: Connection, version: Mapping[str, Any], rows: Rows, updated: Mapping[str, Any] | None
    ) -> Any:
        """Move the version, and write the rows and, with the values ``updated``, the update. Gives what moving it gave,
        and how many rows the update touched; None, and nothing written, where the version has moved on."""
        kinds = tuple([kind for kind, several in rows.items() if several])
        key = updated is not None, kinds
        statement = self._joined.get(key)
        if statement is None:
            statement = self._joined[key] = Prepared(lambda dialect, insert: self._all(dialect, insert, *key))
        given = {kind.name: _encode(rows[kind]) for kind in kinds}
        return statement.row(connection, **version, **given, **(updated or {}))

    def _all(self, dialect: str, insert: Insert, updates: bool, kinds: Sequence[RowsOf]) -> Any:
        moved = self._move(dialect, insert).cte("m")
        parts = [kind.joined(dialect, moved) for kind in kinds]
        if not updates:
            return select(*moved.c, literal_column("0")).add_cte(*parts)
        updated = self._update(dialect, moved).returning(literal_column("1")).cte("u")
        return select(*moved.c, select(func.count()).select_from(updated).scalar_subquery()).add_cte(*parts)


_encode = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, check_circular=False).encode
