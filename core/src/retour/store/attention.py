"""The list of what a person must look at, from all the rows that it is made of: one query for a page, one to count."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Integer,
    Select,
    bindparam,
    case,
    cast,
    func,
    literal_column,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy import Text as Words
from sqlalchemy import text as sql

from retour.model.actor import Actor
from retour.model.attention import AttentionKind
from retour.model.frozen import frozen
from retour.store import tables
from retour.store.clock import SECOND, as_datetime, database_now
from retour.store.commit import SET_ASIDE, AttentionRows, list_attention_anew
from retour.store.database import Database
from retour.store.prepared import Insert, Prepared

LONG = 24 * 3600 * SECOND
"""Microseconds after which an effect that still fails is for a person."""

TRIED_OFTEN = 10
"""Tries of such an effect: one that is done only now and then, and failed once, is for nobody yet."""


Place: TypeAlias = tuple[int, str, str]
"""A place on the list: microseconds since 1970, an order's id, and what stands for the item. No row is at 0."""


@frozen(kw_only=True)
class AttentionRow:
    """One row of the list, as it is stored, and what time it was ``now`` by the database's clock. What its columns mean
    depends on its ``kind``: see `_SOURCES`."""

    kind: str
    place: Place
    since: datetime.datetime
    now: datetime.datetime
    order_id: str
    about: str
    words: str
    name: str
    number: int
    more: str
    plugin: str
    by_migration: bool


class AttentionList:
    """What a person must look at, in one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def page(self, shop: str, kind: str | None, *, limit: int, after: Place) -> tuple[list[AttentionRow], bool]:
        """Up to ``limit`` rows of a shop's list, of one kind or all, the oldest first, and whether there are more."""
        since, order_id, item = after
        place = {"since": since, "order_id": order_id, "item": item}
        rows = self._database.rows_of(_page_of(kind), shop=shop, limit=limit + 1, **place)
        return [_row(row) for row in rows[:limit]], len(rows) > limit

    def counts(self, shop: str) -> dict[str, int]:
        """How much waits in a shop of each kind of which any does: one query."""
        return dict(self._database.rows_of(_COUNTS, shop=shop))

    def list_anew(self, shop: str, order_id: str, version: int, rows: AttentionRows) -> None:
        """List an order as these ``rows`` have it, unless it has moved on from ``version``."""
        columns = tables.dossier.c
        held = (
            update(tables.dossier)
            .where(columns.shop == shop, columns.order_id == order_id, columns.version == version)
            .values(attention=rows.rules)
        )

        def write(own: Any) -> None:
            if own.execute(held).rowcount:
                list_attention_anew(own, shop, order_id, rows)

        self._database.write_what_can_be_repeated(write)

    def stuck(self, shop: str, order_id: str, effect_id: str) -> AttentionRow | None:
        """The row of one effect of an order that does not get done; None where it is not listed."""
        row = self._database.row_of(_STUCK, shop=shop, order_id=order_id, effect_id=effect_id)
        return None if row is None else _row(row)

    def acknowledge_problem(self, shop: str, about: str, by: Actor) -> bool:
        """Say who has looked at what went wrong where there is no order to tell it of. Gives whether it was listed."""
        columns = tables.problem.c
        seen = (
            update(tables.problem)
            .where(columns.shop == shop, _of_problem() == about, columns.times > columns.acknowledged)
            .values(
                acknowledged=columns.times,
                acknowledged_at=database_now(self._database.dialect),
                actor_kind=by.kind.value,
                actor_id=by.id,
            )
        )
        rows: list[int] = []
        self._database.write_what_can_be_repeated(lambda own: rows.append(own.execute(seen).rowcount))
        return any(rows)

    def knows_problem(self, shop: str, about: str) -> bool:
        """Whether this ever went wrong in a shop."""
        columns = tables.problem.c
        query = select(columns.times).where(columns.shop == shop, _of_problem() == about).limit(1)
        return self._database.read(lambda reader: reader.execute(query).first()) is not None


def _row(row: Sequence[Any]) -> AttentionRow:
    source, kind, since, order_id, item, about, words, name, number, more, plugin, now = row
    return AttentionRow(
        kind=kind,
        place=(since, order_id, item),
        since=as_datetime(since),
        now=as_datetime(now),
        order_id=order_id,
        about=about,
        words=words,
        name=name,
        number=number,
        more=more,
        plugin=plugin,
        by_migration=source == "order" and not words,
    )


# --- the statements --------------------------------------------------------------------------------------

_LIMIT = bindparam("limit", type_=Integer)
"""How many rows of a page, and one more, which says that there are more."""


@cache
def _page_of(kind: str | None) -> Prepared:
    """The first rows of the list after a place of it, and what time it is; of one kind, or of all."""

    def build(dialect: str, _: Insert) -> Any:
        parts = [_part(made(dialect), kind) for name, made in _SOURCES.items() if kind in (None, *_of(name))]
        found = union_all(*parts).subquery()
        return select(found, database_now(dialect).label("now")).order_by(*_place(found)).limit(_LIMIT)

    return Prepared(build)


def _part(source: Select[Any], kind: str | None) -> Any:
    """The first rows of one source after a place of the list."""
    rows = source.subquery()
    after = bindparam("since", type_=BigInteger), bindparam("order_id", type_=Words), bindparam("item", type_=Words)
    query = select(rows).where(tuple_(*_place(rows)) > tuple_(*after))
    if kind is not None:
        query = query.where(rows.c.kind == kind)
    return select(query.order_by(*_place(rows)).limit(_LIMIT).subquery())


def _place(rows: Any) -> Sequence[Any]:
    return rows.c.since, rows.c.order_id, rows.c.item


def _select_counts(dialect: str, _: Insert) -> Any:
    """How many rows there are of each kind of which there are any."""
    every = union_all(*[select(made(dialect).subquery().c.kind) for made in _SOURCES.values()]).subquery()
    return select(every.c.kind, func.count()).group_by(every.c.kind)


def _select_stuck(dialect: str, _: Insert) -> Any:
    """The row of one effect of an order, if it is stuck, and what time it is."""
    found = _stuck(dialect).where(tables.effect.c.id == bindparam("effect_id")).subquery()
    return select(found, database_now(dialect).label("now")).where(found.c.order_id == bindparam("order_id"))


_COUNTS = Prepared(_select_counts)
_STUCK = Prepared(_select_stuck)


# --- where the rows come from ----------------------------------------------------------------------------


_SHOP = bindparam("shop", type_=Words)
"""Whose rows: each source has only those of one shop."""


def _constant(words: str) -> Any:
    return cast(literal_column(f"'{words}'"), Words)


def _columns(source: str, **columns: Any) -> Select[Any]:
    given = {"source": _constant(source), "plugin": _constant(""), **columns}
    return select(*[given[name].label(name) for name in _NAMES])


_NAMES = ("source", "kind", "since", "order_id", "item", "about", "words", "name", "number", "more", "plugin")


def _of_orders(_: str) -> Select[Any]:
    """``words`` is the reason, ``name`` the methods that decide it; ``more`` is the payment of an unknown refund."""
    columns, refund = tables.attention.c, tables.refund.c
    payment = (
        select(refund.payment).where(refund.shop == columns.shop, refund.refund_id == columns.about).scalar_subquery()
    )
    return _columns(
        "order",
        kind=columns.kind,
        since=columns.since,
        order_id=columns.order_id,
        item=columns.item,
        about=columns.about,
        words=columns.why,
        name=columns.can_do,
        number=literal_column("0"),
        more=case((columns.kind == AttentionKind.REFUND_UNKNOWN.value, func.coalesce(payment, "")), else_=""),
    ).where(columns.shop == _SHOP)


def _unreadable(_: str) -> Select[Any]:
    """Those that nobody has set aside. ``words`` is the fault, ``name`` the row's kind, ``number`` its version and
    ``more`` the type of the error."""
    columns = tables.unreadable.c
    about = case((columns.seq > 0, cast(columns.seq, Words)), else_=columns.effect_id)
    return _columns(
        "unreadable",
        kind=_constant(AttentionKind.ORDER_UNREADABLE.value),
        since=columns.since,
        order_id=columns.order_id,
        item=about,
        about=about,
        words=columns.reason,
        name=columns.kind,
        number=columns.version,
        more=columns.error,
    ).where(columns.shop == _SHOP, _nobody_set_aside(columns))


def _problems(_: str) -> Select[Any]:
    """Those that happened, or happened again, since somebody acknowledged them; ``number`` is how often they did."""
    columns = tables.problem.c
    return _columns(
        "problem",
        kind=_constant(AttentionKind.WEBHOOK_UNREADABLE.value),
        since=case((columns.acknowledged > 0, columns.last_at), else_=columns.first_at),
        order_id=_constant(""),
        item=_of_problem(),
        about=_of_problem(),
        words=columns.what,
        name=columns.source,
        number=columns.times,
        more=_constant(""),
    ).where(columns.shop == _SHOP, columns.times > columns.acknowledged)


def _stuck(dialect: str) -> Select[Any]:
    """Set aside, or failing for `LONG`; ``words`` is the problem, ``name`` the kind, ``number`` the tries;
    ``plugin`` is who is to be told."""
    columns = tables.effect.c
    aside = columns.not_before >= SET_ASIDE
    too_long = (columns.created_at < database_now(dialect) - LONG) & (columns.attempts >= TRIED_OFTEN)
    return _columns(
        "effect",
        kind=_constant(AttentionKind.EFFECT_STUCK.value),
        since=columns.created_at,
        order_id=columns.order_id,
        item=columns.id,
        about=columns.id,
        words=columns.problem,
        name=columns.kind,
        number=columns.attempts,
        more=case((aside, "aside"), else_=""),
        plugin=columns.plugin,
    ).where(
        columns.shop == _SHOP,
        sql("retour_effect.state = 'waiting' AND retour_effect.problem <> ''"),  # so the index is found
        aside | too_long,
        _nobody_set_aside(columns),
    )


def _nobody_set_aside(columns: Any) -> Any:
    """A person who has set an order aside knows of it: the last entry counts."""
    aside = tables.aside.c
    last = (
        select(aside.aside)
        .where(aside.shop == columns.shop, aside.order_id == columns.order_id)
        .order_by(aside.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    return func.coalesce(last, 0) == 0


def _of_problem() -> Any:
    """What a problem is about: where it was, and what it was."""
    return tables.problem.c.source + ": " + tables.problem.c.what


def _of(source: str) -> Sequence[str]:
    """The kinds that come from one source."""
    return _KINDS.get(source, _OF_ORDERS)


_SOURCES: Mapping[str, Callable[[str], Select[Any]]] = {
    "order": _of_orders,
    "unreadable": _unreadable,
    "problem": _problems,
    "effect": _stuck,
}
_KINDS: Mapping[str, Sequence[str]] = {
    "unreadable": (AttentionKind.ORDER_UNREADABLE.value,),
    "problem": (AttentionKind.WEBHOOK_UNREADABLE.value,),
    "effect": (AttentionKind.EFFECT_STUCK.value,),
}
_ELSEWHERE = {AttentionKind.PROVIDER_OFF.value, *[kind for kinds in _KINDS.values() for kind in kinds]}
_OF_ORDERS = tuple([kind.value for kind in AttentionKind if kind.value not in _ELSEWHERE])
