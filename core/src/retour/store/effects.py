"""The effects that are not done: who takes which, and what became of them. Service is fair between orders and shops."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from typing import Any

import attrs
from sqlalchemy import Connection, RowMapping, case, func, literal_column, select, tuple_, update
from sqlalchemy import text as sql

from retour.store import tables
from retour.store.clock import NOW, SECOND, as_datetime, database_now, microseconds
from retour.store.commit import SettledEffect, settle
from retour.store.database import Database

UNTIL_A_PERSON = 7000 * 365 * 24 * 3600 * SECOND
"""Microseconds that an effect waits which is set aside: until `Effects.retry_set_aside`."""

_SET_ASIDE = microseconds(datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC))


@attrs.frozen(kw_only=True)
class ClaimedEffect:
    """An effect that this worker may run until its lease ends. ``attempts`` were made before, and each of them ended
    unless ``crashed``: then a worker died with it, and nobody knows how far it came; ``died`` is how many did in a row.
    ``pause`` is how many microseconds it waits if this try does not do it, by its kind."""

    id: str
    shop: str
    order_id: str
    kind: str
    plugin: str
    body: str
    attempts: int
    owner: str
    crashed: bool = False
    died: int = 0
    pause: int = 0


@attrs.frozen(kw_only=True)
class WaitingEffect:
    """An effect that is not done: with a worker while it is ``taken``; one ``crashed`` is nobody's, and a worker died
    with it; one ``set_aside`` waits until a person has it tried again."""

    id: str
    body: str
    taken: bool
    crashed: bool
    set_aside: bool = False


@attrs.frozen(kw_only=True)
class FailedEffect:
    """An effect whose last of ``attempts`` tries failed with ``problem``; the next is not before ``not_before``."""

    id: str
    shop: str
    order_id: str
    kind: str
    plugin: str
    attempts: int
    problem: str
    created_at: datetime.datetime
    not_before: datetime.datetime


class Effects:
    """The effects of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._dialect = database.dialect

    def claim(
        self,
        owner: str,
        *,
        lease: int,
        limit: int,
        kinds: Iterable[str],
        ids: Sequence[str] | None = None,
        shop: str | None = None,
    ) -> list[ClaimedEffect]:
        """Take up to ``limit`` effects that are due for ``lease`` microseconds: of these ``kinds``, and of one ``shop``
        if it is given, the oldest first and few of one order. Nobody takes one that somebody has, or whose pause is not
        over.

        One that a worker died with is left to `claim_fallen`, unless it is among the ``ids`` that are given.

        Where the connection ends under its COMMIT, those that were claimed are left until their lease is over.
        """
        columns = tables.effect.c
        due = select(columns.id, columns.shop, columns.order_id, columns.not_before).where(
            *self._due, columns.kind.in_(kinds)
        )
        oldest_first = columns.not_before, columns.id
        if ids is not None:
            picked = due.where(columns.id.in_(ids)).order_by(*oldest_first).limit(limit)
            return self._take(owner, lease, select(picked.with_for_update(skip_locked=True).cte().c.id))
        due = due.where(columns.owner.is_(None))
        if shop is not None:
            due = due.where(columns.shop == shop)
        window = due.order_by(*oldest_first).limit(_WINDOW * limit).with_for_update(skip_locked=True).cte().c
        place = func.row_number().over(
            partition_by=(window.shop, window.order_id), order_by=(window.not_before, window.id)
        )
        placed = select(window.id, window.not_before, place.label("place")).subquery().c
        picked = select(placed.id).where(placed.place <= _OF_ONE_ORDER)
        return self._take(owner, lease, picked.order_by(placed.not_before, placed.id).limit(limit))

    def claim_fallen(self, owner: str, *, lease: int, kinds: Iterable[str]) -> list[ClaimedEffect]:
        """Take one effect that a worker died with: alone, since it may have been the cause. The fewer died with it the
        sooner, and after each it waits a while longer."""
        columns = tables.effect.c
        fallen = select(columns.id).where(
            literal_column("state = 'waiting' AND owner IS NOT NULL"),
            columns.lease_until <= database_now(self._dialect),
            columns.lease_until <= database_now(self._dialect) - columns.died * _AFTER_A_DEATH,
            columns.not_before <= database_now(self._dialect),
            columns.kind.in_(kinds),
        )
        first = fallen.order_by(columns.died, columns.lease_until, columns.id).limit(1)
        found = self._database.read(lambda reader: reader.execute(first).scalars().all())
        return self.claim(owner, lease=lease, limit=1, kinds=kinds, ids=found) if found else []

    def shops_with_due(self, after: str) -> tuple[list[str], str]:
        """The shops that have an effect due, of the next few that have any waiting, by their id ``after`` one; and
        after which to go on, empty from the beginning. It costs a look for each shop, however much waits there."""
        given = {"after": after, "most": _SHOPS}
        steps = self._database.read(lambda reader: reader.execute(_SHOPS_WITH_DUE[self._dialect], given).all())
        return [shop for shop, due in steps if due], steps[-1][0] if len(steps) == _SHOPS else ""

    def _take(self, owner: str, lease: int, picked: Any) -> list[ClaimedEffect]:
        columns = tables.effect.c
        died = case((columns.owner.is_not(None), columns.died + 1), else_=columns.died)
        statement = (
            update(tables.effect)
            .where(columns.id.in_(picked))
            .values(
                owner=owner, lease_until=database_now(self._dialect) + lease, attempts=columns.attempts + 1, died=died
            )
            .returning(
                columns.id,
                columns.shop,
                columns.order_id,
                columns.kind,
                columns.plugin,
                columns.body,
                columns.attempts,
                columns.settled,
                columns.died,
            )
        )
        rows = self._database.write_what_can_be_repeated(lambda own: own.execute(statement).all())
        return [
            ClaimedEffect(
                id=row[0],
                shop=row[1],
                order_id=row[2],
                kind=row[3],
                plugin=row[4],
                body=row[5],
                attempts=row[6] - 1,
                owner=owner,
                crashed=row[6] - 1 != row[7],
                died=row[8],
            )
            for row in sorted(rows)
        ]

    def waiting(self, shop: str, order_id: str, kind: str) -> list[WaitingEffect]:
        """The effects of one kind of an order that are not done, whoever has them."""
        columns = tables.effect.c
        query = select(
            columns.id,
            columns.body,
            columns.lease_until > database_now(self._dialect),
            columns.attempts != columns.settled,
            columns.not_before > _SET_ASIDE,
        ).where(columns.shop == shop, columns.order_id == order_id, columns.state == "waiting", columns.kind == kind)
        return [
            WaitingEffect(
                id=row[0],
                body=row[1],
                taken=bool(row[2]),
                crashed=bool(row[3]) and not row[2],
                set_aside=bool(row[4]),
            )
            for row in self._database.read(lambda reader: reader.execute(query).all())
        ]

    def held(self, settled: Sequence[SettledEffect]) -> set[str]:
        """The ids of those that still belong to who wants to settle them."""
        columns = tables.effect.c
        query = select(columns.id).where(
            columns.state == "waiting",
            tuple_(columns.id, columns.owner).in_([(one.id, one.owner) for one in settled]),
        )
        return set(self._database.read(lambda reader: reader.execute(query).scalars().all()))

    def left_alone(self, kinds: Iterable[str]) -> dict[str, int]:
        """How many effects are due of each kind that is none of ``kinds``: a newer retour made them."""
        columns = tables.effect.c
        query = (
            select(columns.kind, func.count())
            .where(*self._due, columns.kind.not_in(kinds))
            .group_by(columns.kind)
            .order_by(columns.kind)
        )
        return {row[0]: row[1] for row in self._database.read(lambda reader: reader.execute(query).all())}

    def failed(self, shop: str, *, more_than: int, limit: int) -> list[FailedEffect]:
        """Effects of a shop that were tried more than ``more_than`` times and whose last try failed, the oldest
        first."""
        columns = tables.effect.c
        query = (
            select(tables.effect)
            .where(
                columns.shop == shop,
                columns.state == "waiting",
                columns.attempts > more_than,
                columns.problem != "",
            )
            .order_by(columns.created_at, columns.id)
            .limit(limit)
        )
        return [_failed(row) for row in self._database.rows(query)]

    def set_aside(self, shop: str | None, *, after: str, limit: int) -> list[FailedEffect]:
        """Effects of a shop, or of all, that wait until a person has them tried again, by their id ``after`` one."""
        columns = tables.effect.c
        query = select(tables.effect).where(columns.state == "waiting", columns.not_before >= _SET_ASIDE)
        if shop is not None:
            query = query.where(columns.shop == shop)
        query = query.where(columns.id > after).order_by(columns.id).limit(limit)
        return [_failed(row) for row in self._database.rows(query)]

    def bodies(self, shop: str, order_id: str) -> list[tuple[str, str, str]]:
        """The effects of an order that are not done: id, kind and body."""
        columns = tables.effect.c
        query = select(columns.id, columns.kind, columns.body).where(
            columns.shop == shop, columns.order_id == order_id, columns.state == "waiting"
        )
        rows = self._database.read(lambda reader: reader.execute(query.order_by(columns.id)).all())
        return [(row[0], row[1], row[2]) for row in rows]

    def retry_set_aside(self, shop: str, order_id: str) -> int:
        """Let the effects of an order that were set aside be tried again; gives how many."""
        return self._database.write_what_can_be_repeated(lambda own: retry_set_aside(own, shop, order_id))

    def settle(self, settled: Sequence[SettledEffect], commit_id: str) -> None:
        """Record what became of effects that change no dossier. What is not ours any more is left as it is."""
        if settled:
            self._database.write_what_can_be_repeated(lambda own: settle(own, settled, commit_id))

    @property
    def _due(self) -> tuple[Any, ...]:
        """What an effect is that anybody may take now."""
        columns, now = tables.effect.c, database_now(self._dialect)
        return columns.state == "waiting", columns.lease_until <= now, columns.not_before <= now


def _failed(row: RowMapping) -> FailedEffect:
    return FailedEffect(
        id=row["id"],
        shop=row["shop"],
        order_id=row["order_id"],
        kind=row["kind"],
        plugin=row["plugin"],
        attempts=row["attempts"],
        problem=row["problem"],
        created_at=as_datetime(row["created_at"]),
        not_before=as_datetime(row["not_before"]),
    )


def retry_set_aside(connection: Connection, shop: str, order_id: str) -> int:
    columns = tables.effect.c
    again = (
        update(tables.effect)
        .where(columns.shop == shop, columns.order_id == order_id, columns.state == "waiting")
        .where(columns.not_before >= _SET_ASIDE)
        .values(not_before=database_now(connection.dialect.name))
    )
    return connection.execute(again).rowcount


_SHOPS = 100
_WINDOW = 5
_OF_ONE_ORDER = 5
_AFTER_A_DEATH = 300 * SECOND


def _shops_with_due(dialect: str) -> Any:
    """From shop to shop by the index, as neither database does by itself for ``DISTINCT``."""
    waiting = "FROM retour_effect WHERE state = 'waiting' AND shop"
    due = f"not_before <= {NOW[dialect]} AND lease_until <= {NOW[dialect]} AND owner IS NULL"
    following = f"(SELECT shop {waiting} > {{}} ORDER BY shop LIMIT 1)"
    return sql(  # the texts are ours
        f"WITH RECURSIVE step (shop, place) AS (SELECT {following.format(':after')}, 1 UNION ALL "  # noqa: S608
        f"SELECT {following.format('step.shop')}, place + 1 FROM step WHERE shop IS NOT NULL AND place < :most) "
        f"SELECT shop, EXISTS (SELECT 1 {waiting} = step.shop AND {due}) FROM step "
        "WHERE shop IS NOT NULL ORDER BY place"
    )


_SHOPS_WITH_DUE = {dialect: _shops_with_due(dialect) for dialect in NOW}
