"""Prepared statements: SQLAlchemy Core compiles each hot statement once per dialect; afterwards it is run as text.

Building and looking up a Core statement costs more than running it on a local database. Only plain texts and whole
numbers are bound, which need no conversion on either driver, and lists of texts: JSON to SQLite, arrays to PostgreSQL.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import import_module
from operator import itemgetter
from typing import Any

from sqlalchemy import ARRAY, Connection, Dialect, Text, any_, bindparam, func, select
from sqlalchemy.sql import ClauseElement

from retour.model.frozen import frozen
from retour.store.straight import rows_of, touched_by

Insert = Callable[..., Any]
"""The dialect's ``insert``: both have ``on_conflict_do_update``, each its own class."""


def insert_of(dialect: str) -> Insert:
    """The ``insert`` of the dialect called "sqlite" or "postgresql": one of them is used, and importing the other takes
    longer than all statements of a return."""
    insert: Insert = import_module(f"sqlalchemy.dialects.{dialect}").insert
    return insert


@frozen
class _Compiled:
    """A statement as one dialect's text; ``names`` are its parameters in order where they go by position, and
    ``in_order`` gets their values."""

    sql: str
    names: tuple[str, ...] | None
    constants: Mapping[str, Any]
    in_order: Callable[[Mapping[str, Any]], tuple[Any, ...]]

    def bound(self, values: Mapping[str, Any]) -> Any:
        """``values`` and the statement's own constants, as the driver wants them."""
        every = {**self.constants, **values} if self.constants else values
        return every if self.names is None else self.in_order(every)


class Prepared:
    """One statement. ``build`` gets the dialect's name and its ``insert``, and gives the Core statement."""

    def __init__(self, build: Callable[[str, Insert], ClauseElement]) -> None:
        self._build = build
        self._compiled: dict[str, _Compiled] = {}

    def rows(self, connection: Connection, **values: Any) -> Sequence[Any]:
        """Run it once; gives its rows."""
        compiled = self._of(connection.dialect)
        return rows_of(connection, compiled.sql, compiled.bound(values))

    def row(self, connection: Connection, **values: Any) -> Any:
        """Run it once; gives its first row, or None."""
        rows = self.rows(connection, **values)
        return rows[0] if rows else None

    def run(self, connection: Connection, **values: Any) -> int:
        """Run it once; gives how many rows it touched."""
        return self.run_each(connection, (values,))

    def run_each(self, connection: Connection, sets: Sequence[Mapping[str, Any]]) -> int:
        """Run it with each of these sets of values; gives how many rows it touched in all. Does nothing for none."""
        if not sets:
            return 0
        compiled = self._of(connection.dialect)
        return touched_by(connection, compiled.sql, [compiled.bound(values) for values in sets])

    def as_sent(self, dialect: Dialect, values: Mapping[str, Any]) -> tuple[str, Any]:
        """Its text, and these values of it, as a driver gets them."""
        compiled = self._of(dialect)
        return compiled.sql, compiled.bound(values)

    def _of(self, dialect: Dialect) -> _Compiled:
        found = self._compiled.get(dialect.name)
        if found is None:
            compiled: Any = self._build(dialect.name, insert_of(dialect.name)).compile(dialect=dialect)
            names = tuple(compiled.positiontup) if compiled.positional else None
            found = self._compiled[dialect.name] = _Compiled(
                sql=str(compiled),
                names=names,
                constants={name: bind.value for name, bind in compiled.binds.items() if not bind.required},
                in_order=_values_of(names or ()),
            )
        return found


def _values_of(names: tuple[str, ...]) -> Callable[[Mapping[str, Any]], tuple[Any, ...]]:
    """Gets the values of these names, in their order."""
    if len(names) > 1:
        return itemgetter(*names)
    return lambda values: tuple([values[name] for name in names])  # `itemgetter` gives a single one as it is


def plain_insert(table: Any, *, ignore: bool = False) -> Prepared:
    """A whole row of ``table``; ``ignore`` one that is there already."""

    def build(_: str, insert: Insert) -> Any:
        statement = insert(table).values({column.name: bindparam(column.name) for column in table.columns})
        return statement.on_conflict_do_nothing() if ignore else statement

    return Prepared(build)


LISTS = {
    "sqlite": "(SELECT value FROM json_each(:{}))",
    "postgresql": "(SELECT value FROM unnest(CAST(:{} AS TEXT[])) AS value)",
}
"""The texts of a list that is bound, as rows with a ``value``, by dialect."""


def listed(dialect: str, values: Iterable[str]) -> Any:
    """A list of texts, as it is bound."""
    return json.dumps(list(values)) if dialect == "sqlite" else list(values)


def among(column: Any, name: str, dialect: str) -> Any:
    """Whether a ``column`` has one of the texts of the list that is bound to ``name``."""
    if dialect == "sqlite":
        return column.in_(select(func.json_each(bindparam(name)).table_valued("value").c.value))
    return column == any_(bindparam(name, type_=ARRAY(Text)))
