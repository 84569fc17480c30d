"""A recording: every statement that the desk sends, with its values, and where each transaction begins and ends.

The baselines replay it, so they cannot drift from the code: what the desk sends today is what they send today.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any, TypeAlias

import attrs
from sqlalchemy import Connection, Engine, event

from benchmarks.orders import one_product, order_id
from retour import Actor, MemoryShop, ReturnDesk
from retour.store import commit, effects, rows, store
from retour.store.prepared import Prepared
from retour.store.rows import RowsOf

STAFF = Actor.staff("anna")


@attrs.frozen(kw_only=True)
class Statement:
    """One statement as the driver got it. ``names`` are its parameters in order where they go by position."""

    sql: str
    parameters: Any
    many: bool
    names: tuple[str, ...] | None

    @property
    def kind(self) -> str:
        """SELECT, INSERT, UPDATE, DELETE."""
        return self.sql.split(None, 1)[0].upper()

    @property
    def table(self) -> str:
        """The first of our tables that it speaks of."""
        found = re.search(r"\b(?:FROM|INTO|UPDATE|JOIN)\s+(retour_\w+)", self.sql)
        return found[1] if found else ""

    @property
    def rows(self) -> Sequence[Mapping[str, Any]]:
        """Its values by name, one mapping for each row."""
        sets = self.parameters if self.many else [self.parameters]
        if all(isinstance(one, Mapping) for one in sets):
            return list(sets)
        if self.names is None:
            raise LookupError(f"nobody knows the names of the values of: {self.sql}")
        return [dict(zip(self.names, one, strict=True)) for one in sets]

    @property
    def writes(self) -> int:
        """How many rows it inserts or updates: one for each set of values."""
        if self.kind not in ("INSERT", "UPDATE", "DELETE"):
            return 0
        return len(self.parameters) if self.many else 1

    @property
    def line(self) -> str:
        """Its text without the names of its values, and how many sets of values it has."""
        text = re.sub(r"%\(\w+\)s(?:::[A-Z]+)?", "?", self.sql)
        return f"{' '.join(text.split())} [{f'{len(self.parameters)} sets' if self.many else 'one set'}]"


@attrs.frozen(kw_only=True)
class Transaction:
    """Statements that were sent together, and what began and ended them.

    ``reads`` is whether the desk said that it only reads. ``begun`` is what the driver sent to begin it, empty where it
    sent nothing; ``ended`` is "commit" or "rollback".
    """

    reads: bool
    begun: str
    statements: tuple[Statement, ...]
    ended: str

    @property
    def script(self) -> tuple[str, ...]:
        """What a replay must have in common with it."""
        return (self.begun or "outside of a transaction", *[one.line for one in self.statements], self.ended)


Recording: TypeAlias = tuple[Transaction, ...]
"""All that one return sends."""


class Recorder:
    """Listens to an engine until it is stopped."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._open: list[Statement] = []
        self._reads = False
        self._begun = ""
        self._done: list[Transaction] = []
        self._traced: list[Any] = []
        self._listeners: dict[str, Callable[..., None]] = {
            "checkout": self._checkout,
            "before_cursor_execute": self._statement,
            "commit": lambda _: self._end("commit"),
            "rollback": lambda _: self._end("rollback"),
        }
        for name, listener in self._listeners.items():
            event.listen(engine, name, listener)

    def take(self) -> Recording:
        """What was sent since the last time."""
        taken, self._done = tuple(self._done), []
        if self._open:
            raise AssertionError("a transaction was left open")
        return taken

    def stop(self) -> None:
        """Listen no more."""
        for name, listener in self._listeners.items():
            event.remove(self._engine, name, listener)
        for driver in self._traced:
            driver.set_trace_callback(None)

    def _checkout(self, driver: Any, _record: object, _proxy: object) -> None:
        """See how SQLite's transactions begin: the engine may do that behind SQLAlchemy's back."""
        if self._engine.dialect.name == "sqlite" and driver not in self._traced:
            driver.set_trace_callback(self._trace)
            self._traced.append(driver)

    def _trace(self, sql: str) -> None:
        if sql.upper().startswith("BEGIN"):
            self._begun = sql

    def _statement(
        self, connection: Connection, _cursor: object, sql: str, parameters: Any, context: Any, many: bool
    ) -> None:
        if sql.upper().startswith("BEGIN"):
            return
        reads = "retour_reads" in connection.info
        if self._open and reads is not self._reads:
            raise AssertionError("two transactions at once")
        self._reads = reads
        if self._engine.dialect.name == "postgresql":
            self._begun = "" if reads else "BEGIN"
        compiled = getattr(context, "compiled", None)
        names = tuple(compiled.positiontup or ()) if compiled is not None else self._prepared_names(sql)
        self._open.append(Statement(sql=sql, parameters=parameters, many=many, names=names))

    def _end(self, how: str) -> None:
        if self._open:
            statements = tuple(self._open)
            self._done.append(Transaction(reads=self._reads, begun=self._begun, statements=statements, ended=how))
        self._open, self._begun = [], ""

    def _prepared_names(self, sql: str) -> tuple[str, ...] | None:
        """The names of the values of a statement that the store prepared."""
        for statement in chain.from_iterable([vars(module).values() for module in (commit, effects, store)]):
            prepared = statement.alone if isinstance(statement, RowsOf) else statement
            if isinstance(prepared, Prepared):
                compiled = prepared._compiled.get(self._engine.dialect.name)
                if compiled is not None and compiled.sql == sql:
                    return compiled.names
        return None


def record(engine: Engine, numbers: Sequence[int]) -> list[Recording]:
    """Return the orders ``numbers`` through the desk, and keep what each of them sent: its statements one by one, also
    where the desk by itself joins those of a commit, for nobody writes that by hand."""
    joined_on = set(rows.JOINED_ON)
    rows.JOINED_ON.clear()
    try:
        return _recorded(engine, numbers)
    finally:
        rows.JOINED_ON.update(joined_on)


def _recorded(engine: Engine, numbers: Sequence[int]) -> list[Recording]:
    desk = ReturnDesk(shop=MemoryShop(one_product(number) for number in numbers), store=engine)
    recorder = Recorder(engine)
    recordings = []
    for number in numbers:
        outcome = desk.mark_returned(order_id(number), by=STAFF)
        if outcome.restock.needs_answer or not outcome.changed:
            raise AssertionError(f"order {order_id(number)} was not restocked at once: {outcome}")
        recordings.append(recorder.take())
        if not recordings[-1]:
            raise AssertionError("nothing was recorded: the desk sends its statements past SQLAlchemy's events")
    recorder.stop()
    return recordings
