"""Orders that cannot be read: which row it was that met somebody, and who has set the order aside. Adds, and never
edits what happened."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

from sqlalchemy import Connection, Select, bindparam, delete, func, select, tuple_, update

from retour.model.actor import Actor, ActorKind
from retour.model.errors import OrderUnreadable, RetourError
from retour.model.outcome import SetAside
from retour.model.unreadable import UnreadableRow
from retour.store import tables
from retour.store.clock import as_datetime, database_now
from retour.store.database import Database
from retour.store.effects import UNTIL_A_PERSON, of_order, retry_set_aside
from retour.store.prepared import Insert, Prepared, insert_of

log = logging.getLogger("retour.store")


class Unreadable:
    """The unreadable rows of one database, as far as anybody met them."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def met(self, shop: str, error: OrderUnreadable, connection: Connection | None = None) -> OrderUnreadable:
        """Keep that a row could not be read, once for each reason; gives the same error, which says who has set the
        order aside. Where that cannot be kept, or on a host's ``connection``, which may be the only one, the next to
        meet it keeps it."""
        try:
            if connection is None:
                self.keep(shop, error.row)
            aside = self.aside(shop, error.row.order_id, connection)
        except RetourError as also:
            log.warning("that order %s cannot be read was not kept: %s", error.row.order_id, also)
            return error
        return OrderUnreadable(error.row, None if aside is None else aside.words)

    def keep(self, shop: str, row: UnreadableRow) -> None:
        """Keep that a row cannot be read. The same again is not written again."""
        key = {"shop": shop, "order_id": row.order_id, "seq": row.seq, "effect_id": row.effect_id}
        columns = tables.unreadable.c
        known = select(columns.kind, columns.version, columns.reason, columns.error).where(
            *[columns[name] == value for name, value in key.items()]
        )
        values = {"kind": row.kind, "version": row.version, "reason": row.fault.value, "error": row.error}
        if self._database.read(lambda reader: reader.execute(known).first()) != tuple(values.values()):
            self._database.write_what_can_be_repeated(lambda own: _KEEP.run(own, **key, **values))

    def orders(
        self, shop: str | None, after: tuple[str, str] | None, limit: int
    ) -> list[tuple[str, str, datetime.datetime]]:
        """Orders of a shop, or of all, of which something could not be read: shop, order, since when. In the order of
        their shop and id, those ``after`` one."""
        columns = tables.unreadable.c
        place = (columns.shop, columns.order_id)
        query = select(*place, func.min(columns.since)).group_by(*place).order_by(*place).limit(limit)
        if shop is not None:
            query = query.where(columns.shop == shop)
        if after is not None:
            query = query.where(tuple_(*place) > tuple_(*after))
        rows = self._database.read(lambda reader: reader.execute(query).all())
        return [(row[0], row[1], as_datetime(row[2])) for row in rows]

    def forget(self, shop: str, order_id: str) -> None:
        """All of an order reads again."""
        columns = tables.unreadable.c
        statement = delete(tables.unreadable).where(columns.shop == shop, columns.order_id == order_id)
        self._database.write_what_can_be_repeated(lambda own: own.execute(statement))

    # --- set aside by a person -----------------------------------------------------------------------

    def aside(self, shop: str, order_id: str, connection: Connection | None = None) -> SetAside | None:
        """Who has set an order aside; None where nobody has, or it was taken back."""
        query = _last_word(shop, order_id)
        last = self._database.read(lambda reader: reader.execute(query).first(), connection)
        if last is None or not last.aside:
            return None
        by = Actor(ActorKind(last.actor_kind), last.actor_id)
        return SetAside(by=by, because=last.because, at=as_datetime(last.at))

    def set_aside(self, shop: str, order_id: str, by: Actor, because: str, effects: Sequence[str] | None) -> int:
        """Say who sets an order aside, and let these effects of it wait until it is taken back, or all; gives how many
        wait."""
        columns = tables.effect.c
        waiting = update(tables.effect).where(*of_order(shop, order_id))
        if effects is not None:
            waiting = waiting.where(columns.id.in_(effects))
        later = waiting.values(not_before=database_now(self._database.dialect) + UNTIL_A_PERSON)

        word = _word(by, because, aside=1)

        def write(own: Connection) -> int:
            self._say(own, shop, order_id, word, unless=partial(_says, word))
            return own.execute(later).rowcount

        return self._database.write_what_can_be_repeated(write)

    def take_back(self, shop: str, order_id: str, by: Actor) -> int | None:
        """Say who takes an order back, and let its effects be tried again; gives how many: none of one that was taken
        back before. None where nobody ever set it aside, and then nothing is written."""
        retried: set[str] = set()

        def write(own: Connection) -> bool:
            if own.execute(_last_word(shop, order_id)).first() is None:
                return False
            if self._say(own, shop, order_id, _word(by, "", aside=0), unless=lambda last: not last.aside):
                retried.update(retry_set_aside(own, shop, order_id))
            return True

        was_aside = self._database.write_what_can_be_repeated(write)
        return len(retried) if was_aside else None

    def _say(
        self, own: Connection, shop: str, order_id: str, word: Mapping[str, Any], unless: Callable[[Any], bool]
    ) -> bool:
        """Add a word, ``unless`` the last one makes that needless, also where others add theirs at the same moment;
        gives whether it was added."""
        dialect = self._database.dialect
        while True:
            last = own.execute(_last_word(shop, order_id)).first()
            if last is not None and unless(last):
                return False
            values = {"shop": shop, "order_id": order_id, "number": 1 if last is None else last.number + 1, **word}
            added = insert_of(dialect)(tables.aside).values(**values, at=database_now(dialect))
            if own.execute(added.on_conflict_do_nothing().returning(tables.aside.c.number)).first() is not None:
                return True


def _word(by: Actor, because: str, *, aside: int) -> Mapping[str, Any]:
    """What somebody says of setting an order aside, or taking it back, as it is stored."""
    return {"aside": aside, "actor_kind": by.kind.value, "actor_id": by.id, "because": because}


def _says(word: Mapping[str, Any], last: Any) -> bool:
    """Whether the last word is the same."""
    return all(getattr(last, name) == value for name, value in word.items())


def _last_word(shop: str, order_id: str) -> Select[Any]:
    """What was last said of setting an order aside."""
    columns = tables.aside.c
    return (
        select(columns.number, columns.aside, columns.actor_kind, columns.actor_id, columns.because, columns.at)
        .where(columns.shop == shop, columns.order_id == order_id)
        .order_by(columns.number.desc())
        .limit(1)
    )


def _keep(dialect: str, insert: Insert) -> Any:
    given: dict[str, Any] = {
        name: bindparam(name) for name in ("shop", "order_id", "seq", "effect_id", "kind", "version", "reason", "error")
    }
    statement = insert(tables.unreadable).values(**given, since=database_now(dialect))
    return statement.on_conflict_do_update(
        index_elements=["shop", "order_id", "seq", "effect_id"],
        set_={name: statement.excluded[name] for name in ("kind", "version", "reason", "error")},
    )


_KEEP = Prepared(_keep)
