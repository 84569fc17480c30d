"""The store of one database: load an order's events, and save one commit; its lists and its effects are its parts.

It knows rows and transactions, and nothing of what may happen: that is decided by the rules.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Engine,
    and_,
    bindparam,
    delete,
    exists,
    func,
    literal_column,
    null,
    or_,
    select,
    tuple_,
    union_all,
    update,
)

from retour.model.events.event import Recorded
from retour.model.frozen import frozen
from retour.model.text import Text, text
from retour.store import tables
from retour.store.attention import AttentionList
from retour.store.clock import DatabaseTime, as_datetime, database_now, seconds_gone_by
from retour.store.commit import Commit, LeaseLost, NotBooked, NotWritten, VersionMoved, write
from retour.store.database import CommitUnanswered, Database
from retour.store.effects import Effects
from retour.store.figures import CountingPeriods
from retour.store.old_rows import OldRows
from retour.store.pages import Pages
from retour.store.prepared import Insert, Prepared
from retour.store.records import EVENT_COLUMNS, read_events
from retour.store.search import Search
from retour.store.unknown_names import UnknownNames
from retour.store.unreadable import Unreadable


@frozen(kw_only=True)
class Problem:
    """What went wrong in a ``shop`` where there is no order to tell it of: from which ``source``, ``what``, and how
    often."""

    shop: str
    source: str
    what: str
    times: int
    first_at: datetime.datetime
    last_at: datetime.datetime


class Store:
    """The tables of one database. ``pages`` are of its returns and refunds, which ``search`` finds by what they are
    called and of which ``old_rows`` lack something; ``effects`` are those that are not done,
    ``unreadable`` are the rows that could not be read, ``attention`` is what a person must look at, ``unknown_names``
    what webhooks said of payments that nobody knows. ``elapsed`` gives the seconds that go by."""

    def __init__(self, engine: Engine, elapsed: Callable[[], float] = seconds_gone_by) -> None:
        self.engine = engine
        self.elapsed = elapsed
        self._database = Database(engine)
        self.pages = Pages(self._database)
        self.periods = CountingPeriods(self._database)
        self.search = Search(self._database)
        self.old_rows = OldRows(self._database)
        self.effects = Effects(self._database, elapsed)
        self.unreadable = Unreadable(self._database)
        self.unknown_names = UnknownNames(self._database)
        self.attention = AttentionList(self._database)

    @property
    def in_memory(self) -> bool:
        """Whether it is an SQLite database in memory, which one connection has and no other."""
        return self._database.in_memory

    # --- one order -----------------------------------------------------------------------------------

    def events(self, shop: str, order_id: str, connection: Connection | None = None) -> list[Recorded]:
        """The events of an order, the oldest first: one query. Raises `OrderUnreadable`."""
        return self.events_now(shop, order_id, connection)[0]

    def events_now(
        self, shop: str, order_id: str, connection: Connection | None = None
    ) -> tuple[list[Recorded], DatabaseTime]:
        """The events of an order, the oldest first, and what time it is: one query. Raises `OrderUnreadable`."""
        asked = self.elapsed()
        rows = self._database.rows_of(_EVENTS, connection, shop=shop, order_id=order_id)
        told = DatabaseTime(told=rows[0][_AT], asked=asked, answered=self.elapsed(), elapsed=self.elapsed)
        return read_events(order_id, rows[1:]), told

    def save(self, commit: Commit, connection: Connection | None = None) -> None:
        """Write one commit, in its own transaction or in that of ``connection``, within a savepoint.

        Raises `VersionMoved`, `LeaseLost` or `EffectTaken`, with nothing written, and `PerhapsSaved` where nobody can
        say.
        """
        if connection is not None:
            self._database.write_on(connection, lambda host: write(host, commit))
            return
        try:
            self._database.write(lambda own: write(own, commit))
            return
        except CommitUnanswered:
            pass
        # not while that is handled, which would come along with what this raises
        self._database.settle(lambda: self._save_again(commit), _perhaps_saved(commit))

    def _save_again(self, commit: Commit) -> None:
        """Settle a COMMIT that nobody answered, by writing the same once more on a new connection.

        That cannot write it twice, also where the server has the first COMMIT still before it or on the way: its
        transaction has moved the order's version, or settled its effects, and keeps those rows locked until it ends.
        So this waits until the first is saved or undone, and then either moves on from the version that the commit was
        decided on, or finds the commit's id.
        """
        try:
            self._database.in_transaction(lambda own: write(own, commit))
        except (VersionMoved, LeaseLost, NotBooked, NotWritten):
            if not self._wrote(commit):
                raise

    def _wrote(self, commit: Commit) -> bool:
        if commit.events:
            return self.has_commit(commit.shop, commit.order_id, commit.id)
        columns = tables.effect.c
        ids = [*[one.id for one in commit.effects], *[one.id for one in commit.settled]]
        query = select(columns.id).where(columns.id.in_(ids), columns.commit_id == commit.id).limit(1)
        return self._database.read(lambda reader: reader.execute(query).first()) is not None

    def has_commit(self, shop: str, order_id: str, commit_id: str) -> bool:
        """Whether a commit that wrote events of an order is in the database."""
        return self._database.row_of(_COMMIT, shop=shop, order_id=order_id, commit_id=commit_id) is not None

    def orders(self, shop: str | None) -> Iterator[tuple[str, str]]:
        """The orders of a shop, or of all, to which something happened: shop and order, page after page."""
        columns = tables.dossier.c
        place = (columns.shop, columns.order_id)
        query = select(*place).order_by(*place).limit(_PAGE)
        if shop is not None:
            query = query.where(columns.shop == shop)
        rows: Sequence[Any] = ()
        while not rows or len(rows) == _PAGE:
            page = query.where(tuple_(*place) > tuple_(*rows[-1])) if rows else query
            rows = self._database.read(lambda reader, page=page: reader.execute(page).all())  # type: ignore[misc]
            if not rows:
                return
            yield from [(row[0], row[1]) for row in rows]

    def notes(self, shop: str, order_id: str) -> dict[str, str]:
        """The notes of an order that are still kept, by id."""
        rows = self._database.rows_of(_NOTES, shop=shop, order_id=order_id)
        return dict(rows)

    def find_order(self, shop: str, provider: str, account: str, mode: str, reference: str) -> str | None:
        """The order that was seen with such a payment, if any."""
        payment = {"provider": provider, "account": account, "mode": mode, "reference": reference}
        found = self._database.row_of(_FIND_ORDER, shop=shop, **payment)
        return None if found is None else str(found[0])

    # --- what is of no order -------------------------------------------------------------------------

    def note_problem(self, shop: str, source: str, what: str) -> None:
        """Keep what went wrong, once for each kind, with how often it did."""
        counted: list[int] = []  # where nobody answers the COMMIT of the first, it is counted when that many were

        def note(own: Connection) -> None:
            fewer_than = counted[0] if counted else _HOWEVER_MANY
            row = _NOTE_PROBLEM.row(own, shop=shop, source=source, what=what, fewer_than=fewer_than)
            counted.extend(row or ())

        self._database.write_what_can_be_repeated(note)

    def note_unreadable(self, shop: str, source: str, what: str) -> bool:
        """Keep that a signed webhook cannot be read, and how often it came: a bounded number of them, those that are
        acknowledged are the first to go. Gives whether somebody has acknowledged this one, which is then not listed
        again."""
        known: list[bool] = []

        def note(own: Connection) -> None:
            columns = tables.problem.c
            of_source = columns.shop == shop, columns.source == source
            kept = own.execute(select(columns.acknowledged).where(*of_source, columns.what == what)).first()
            told = what
            if kept is None and not self._room_for_one(own, of_source):
                told = AND_MORE
            _NOTE_PROBLEM.row(own, shop=shop, source=source, what=told, fewer_than=_HOWEVER_MANY)
            seen = kept is not None and kept[0] > 0
            if seen:
                own.execute(
                    update(tables.problem).where(*of_source, columns.what == told).values(acknowledged=columns.times)
                )
            known.append(seen)

        self._database.write_what_can_be_repeated(note)
        return known[-1]

    def _room_for_one(self, own: Connection, of_source: Sequence[Any]) -> bool:
        """Whether one more is kept of a source; the oldest that was acknowledged makes room for it."""
        columns = tables.problem.c
        number = own.execute(select(func.count()).select_from(tables.problem).where(*of_source)).scalar_one()
        if number < MOST_UNREADABLE:
            return True
        oldest = (
            select(columns.what)
            .where(*of_source, columns.acknowledged >= columns.times)
            .order_by(columns.last_at)
            .limit(1)
            .scalar_subquery()
        )
        return own.execute(delete(tables.problem).where(*of_source, columns.what == oldest)).rowcount > 0

    def problems(self, shop: str | None) -> list[Problem]:
        """What went wrong in a shop, or in all, where there was no order to tell it of, the newest first; and what did
        not happen again since somebody acknowledged it is left out."""
        columns = tables.problem.c
        query = (
            select(tables.problem)
            .where(columns.times > columns.acknowledged)
            .order_by(columns.last_at.desc(), columns.what)
        )
        if shop is not None:
            query = query.where(columns.shop == shop)
        return [
            Problem(
                shop=row["shop"],
                source=row["source"],
                what=row["what"],
                times=row["times"],
                first_at=as_datetime(row["first_at"]),
                last_at=as_datetime(row["last_at"]),
            )
            for row in self._database.rows(query)
        ]

    def forget_expired(self, now: int, limit: int) -> int:
        """Delete personal data whose time has come; gives how many rows."""
        forgotten: set[str] = set()

        def forget(own: Connection) -> None:
            forgotten.update([row[0] for row in _FORGET_EXPIRED.rows(own, now=now, most=limit)])

        self._database.write_what_can_be_repeated(forget)
        return len(forgotten)


def _perhaps_saved(commit: Commit) -> Text:
    return text(
        "Order {order}: the connection to the database ended while this was being saved, and the database cannot be "
        "asked now whether it was. Press again in the same form (the same request_id, where it has one): then it is "
        "done once.",
        order=commit.order_id,
    )


MOST_UNREADABLE = 100
"""Signed webhooks of one account that cannot be read, and of which each is told by itself."""

AND_MORE = "more of them"
"""What is kept of all that are beyond those."""

_AT = EVENT_COLUMNS.index("at")
_PAGE = 500
_HOWEVER_MANY = 2**31


# --- hot statements, compiled once -----------------------------------------------------------------------


def _select_events(dialect: str, _: Insert) -> Any:
    """Before them, as number 0 and ``at`` it, the database's time: asked for in a row of its own, it is told once."""
    columns = tables.event.c
    told = {"seq": literal_column("0"), "at": database_now(dialect)}
    now = select(*[told.get(name, null()).label(name) for name in EVENT_COLUMNS])
    of_order = columns.shop == bindparam("shop"), columns.order_id == bindparam("order_id")
    events = select(*[columns[name] for name in EVENT_COLUMNS]).where(*of_order)
    return union_all(now, events).order_by("seq")


def _note_problem(dialect: str, insert: Insert) -> Any:
    now = database_now(dialect)
    statement = insert(tables.problem).values(
        shop=bindparam("shop"),
        source=bindparam("source"),
        what=bindparam("what"),
        times=1,
        first_at=now,
        last_at=now,
    )
    return statement.on_conflict_do_update(
        index_elements=["shop", "source", "what"],
        set_={"times": tables.problem.c.times + 1, "last_at": statement.excluded.last_at},
        where=tables.problem.c.times < bindparam("fewer_than", type_=BigInteger),
    ).returning(tables.problem.c.times)


def _select_notes(_: str, __: Insert) -> Any:
    columns = tables.personal.c
    return select(columns.id, columns.body).where(
        columns.shop == bindparam("shop"), columns.order_id == bindparam("order_id")
    )


def _forget_expired(dialect: str, _: Insert) -> Any:
    """What is deleted is gone, so the database's clock has to say too that its time has come."""
    columns = tables.personal.c
    expired = (
        select(columns.shop, columns.id)
        .where(columns.expires_at <= bindparam("now"), columns.expires_at <= database_now(dialect))
        .order_by(columns.expires_at)
        .limit(bindparam("most"))
    )
    return delete(tables.personal).where(tuple_(columns.shop, columns.id).in_(expired)).returning(columns.id)


def _select_commit(_: str, __: Insert) -> Any:
    columns = tables.event.c
    return (
        select(columns.seq)
        .where(
            columns.shop == bindparam("shop"),
            columns.order_id == bindparam("order_id"),
            columns.commit_id == bindparam("commit_id"),
        )
        .limit(1)
    )


def _find_order(_: str, __: Insert) -> Any:
    """By the mode; else by a row that has none, while its order was not seen with the payment again."""
    columns, again = tables.reference.c, tables.reference.alias()
    key = (columns.shop, columns.provider, columns.account, columns.reference)
    seen_again = select(again.c.mode).where(
        *[again.c[column.name] == column for column in key],
        again.c.mode != tables.ANY_MODE,
        again.c.order_id == columns.order_id,
    )
    return (
        select(columns.order_id)
        .where(
            *[column == bindparam(column.name) for column in key],
            or_(columns.mode == bindparam("mode"), and_(columns.mode == tables.ANY_MODE, ~exists(seen_again))),
        )
        .order_by(columns.mode == tables.ANY_MODE)
        .limit(1)
    )


_EVENTS = Prepared(_select_events)
_COMMIT = Prepared(_select_commit)
_NOTE_PROBLEM = Prepared(_note_problem)
_NOTES = Prepared(_select_notes)
_FIND_ORDER = Prepared(_find_order)
_FORGET_EXPIRED = Prepared(_forget_expired)
