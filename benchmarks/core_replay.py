"""The first baseline: what the desk sends, sent again through ordinary SQLAlchemy Core, without any logic.

The constructs are written as one would by hand: ``connection.execute(insert(table), values)``, compiled by the
engine's ordinary cache. They are built for every call, as in a host's code, or once, which is the fastest that Core
itself offers. A statement of the desk that has no construct here, or another text than its construct, is an error.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import (
    Engine,
    Executable,
    Integer,
    and_,
    bindparam,
    case,
    insert,
    literal_column,
    null,
    select,
    union_all,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite

from benchmarks.recording import Recording, Statement, Transaction
from retour.store import tables
from retour.store.clock import NOW
from retour.store.connect import only_reads


@attrs.frozen(kw_only=True)
class Construct:
    """How Core says one statement. ``names`` are its values beside the table's columns, ``only`` is set where the
    columns are none of them."""

    build: Callable[[str], Executable]
    names: frozenset[str] = frozenset()
    only: bool = False


@attrs.frozen(kw_only=True)
class Step:
    """One statement of a replay: what builds it, and its values as Core wants them."""

    build: Callable[[], Executable]
    values: Any


@attrs.frozen(kw_only=True)
class Part:
    """One transaction of a replay."""

    reads: bool
    steps: Sequence[Step]
    commits: bool


class CoreReplay:
    """Replays recordings on an engine that has the desk's own settings."""

    def __init__(self, engine: Engine, recordings: Sequence[Recording], *, built_once: bool) -> None:
        self._dialect = engine.dialect.name
        self._built: dict[tuple[str, str], Executable] | None = {} if built_once else None
        self._replays = [[self._part(transaction) for transaction in recording] for recording in recordings]
        self._engine = engine

    def run(self, number: int) -> None:
        """Replay one recording."""
        for part in self._replays[number]:
            with self._engine.connect() as connection:
                if part.reads:
                    only_reads(connection)
                for step in part.steps:
                    result = connection.execute(step.build(), step.values)
                    if result.returns_rows:
                        result.all()
                if part.commits:
                    connection.commit()

    def _part(self, transaction: Transaction) -> Part:
        return Part(
            reads=transaction.reads,
            steps=[self._step(one) for one in transaction.statements],
            commits=transaction.ended == "commit",
        )

    def _step(self, statement: Statement) -> Step:
        key = statement.kind, statement.table
        if key not in CONSTRUCTS:
            raise AssertionError(f"the desk sends what no Core construct says yet: {statement.sql}")
        construct = CONSTRUCTS[key]
        columns = set() if construct.only else set(tables.metadata.tables[statement.table].columns.keys())
        values = [
            {name: value for name, value in row.items() if name in columns or name in construct.names}
            for row in statement.rows
        ]
        return Step(build=self._builder(key, construct), values=values if statement.many else values[0])

    def _builder(self, key: tuple[str, str], construct: Construct) -> Callable[[], Executable]:
        dialect = self._dialect
        if self._built is None:
            return lambda: construct.build(dialect)
        built = self._built.setdefault(key, construct.build(dialect))
        return lambda: built


# --- the constructs, by kind and table -------------------------------------------------------------------

_INSERTS: Mapping[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}


def _now(dialect: str) -> Any:
    return literal_column(NOW[dialect])


def _select_events(dialect: str) -> Executable:
    columns = tables.event.c
    now = select(
        literal_column("0").label("seq"),
        null().label("command"),
        _now(dialect).label("at"),
        null().label("actor_kind"),
        null().label("actor_id"),
        null().label("type"),
        null().label("version"),
        null().label("body"),
        null().label("request_id"),
        null().label("request_digest"),
    )
    events = select(
        columns.seq,
        columns.command,
        columns.at,
        columns.actor_kind,
        columns.actor_id,
        columns.type,
        columns.version,
        columns.body,
        columns.request_id,
        columns.request_digest,
    ).where(columns.shop == bindparam("shop"), columns.order_id == bindparam("order_id"))
    return union_all(now, events).order_by("seq")


def _move_version(dialect: str) -> Executable:
    statement = _INSERTS[dialect](tables.dossier)
    version, amounts = tables.dossier.c.version, tables.dossier.c.amounts
    lacking = amounts.in_([literal_column(f"'{one}'") for one in (tables.NOT_YET, tables.UNREADABLE)])
    moved: Executable = statement.on_conflict_do_update(
        index_elements=["shop", "order_id"],
        set_={
            "version": statement.excluded.version,
            "amounts": case((lacking, amounts), else_=statement.excluded.amounts),
        },
        where=version == bindparam("expected"),
    ).returning(version, tables.dossier.c.attention)
    return moved


def _put_return(dialect: str) -> Executable:
    statement = _INSERTS[dialect](tables.return_)
    names = ("goods", "stock", "waits_for", "since", "due", "details")
    put: Executable = statement.on_conflict_do_update(
        index_elements=["shop", "return_id"],
        set_={name: statement.excluded[name] for name in names},
    )
    return put


def _add_reference(dialect: str) -> Executable:
    added: Executable = _INSERTS[dialect](tables.reference).on_conflict_do_nothing()
    return added


def _add_effect(dialect: str) -> Executable:
    now = _now(dialect)
    added: Executable = (
        _INSERTS[dialect](tables.effect)
        .values(
            state=literal_column("'waiting'"),
            lease_until=now + bindparam("lease"),
            settled=literal_column("0"),
            not_before=now + bindparam("delay"),
            created_at=now,
            problem=literal_column("''"),
        )
        .on_conflict_do_nothing()
    )
    return added


def _settle_effect(dialect: str) -> Executable:
    columns, none = tables.effect.c, literal_column("0")
    once_more = and_(bindparam("new_state") == "done", columns.again > none)
    return (
        update(tables.effect)
        .where(
            columns.id == bindparam("effect_id"),
            columns.owner == bindparam("holder"),
            columns.state == "waiting",
        )
        .values(
            state=case((once_more, "waiting"), else_=bindparam("new_state")),
            owner=null(),
            lease_until=none,
            attempts=case((once_more, none), else_=columns.attempts),
            settled=case(
                (once_more, none),
                (bindparam("unclear", type_=Integer) == 1, columns.settled),
                else_=columns.attempts,
            ),
            not_before=case((once_more, columns.again), else_=_now(dialect) + bindparam("delay")),
            again=none,
            problem=bindparam("new_problem"),
            commit_id=bindparam("settled_by"),
            died=none,
        )
    )


CONSTRUCTS: Mapping[tuple[str, str], Construct] = {
    ("SELECT", "retour_event"): Construct(build=_select_events, names=frozenset({"shop", "order_id"}), only=True),
    ("INSERT", "retour_dossier"): Construct(build=_move_version, names=frozenset({"expected"})),
    ("INSERT", "retour_event"): Construct(build=lambda _: insert(tables.event)),
    ("INSERT", "retour_return"): Construct(build=_put_return),
    ("INSERT", "retour_reference"): Construct(build=_add_reference),
    ("INSERT", "retour_effect"): Construct(build=_add_effect, names=frozenset({"lease", "delay"})),
    ("UPDATE", "retour_effect"): Construct(
        build=_settle_effect,
        names=frozenset({"effect_id", "holder", "new_state", "delay", "new_problem", "settled_by", "unclear"}),
        only=True,
    ),
}
"""Every statement of a return."""
