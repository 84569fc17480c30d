"""The store of one database: load an order's events, save one commit, list returns, claim effects.

It knows rows and transactions, and nothing of what may happen: that is decided by the rules.
"""

from __future__ import annotations

import datetime
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

import attrs
from sqlalchemy import (
    Connection,
    Engine,
    Integer,
    RowMapping,
    Select,
    and_,
    bindparam,
    case,
    delete,
    exists,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from retour.model.errors import InvalidArgument, PerhapsSaved, RetourError
from retour.model.events.event import Recorded
from retour.model.text import text
from retour.store import tables
from retour.store.clock import NOW, SECOND, as_datetime, microseconds
from retour.store.connect import (
    READ_ONLY,
    SECONDS_TO_WAIT,
    driver_errors_translated,
    perhaps_committed,
    refuse_while_the_host_writes,
)
from retour.store.prepared import Insert, Prepared
from retour.store.records import EVENT_COLUMNS, read_event

UNTIL_A_PERSON = 7000 * 365 * 24 * 3600 * SECOND
"""Microseconds that an effect waits which is set aside: until `Store.retry_set_aside`."""

_SET_ASIDE = microseconds(datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC))


class VersionMoved(Exception):
    """Somebody else saved events of the same order since it was loaded; nothing was written."""


class LeaseLost(Exception):
    """An effect is no longer ours: its lease ran out and another worker took it; nothing was written.

    `Store.held` tells which are still ours.
    """


class EffectTaken(Exception):
    """An effect that was to be withdrawn is with a worker, or a worker died with it; nothing was written."""


class _CommitUnanswered(Exception):
    """The connection ended while COMMIT was under way: what was written is saved, or it is not."""

    def __init__(self, error: DBAPIError) -> None:
        super().__init__(str(error))
        self.error = error


def _perhaps_saved(commit: Commit) -> PerhapsSaved:
    return PerhapsSaved(
        text(
            "Order {order}: the connection to the database ended while this was being saved, and the database cannot "
            "be asked now whether it was. Press again in the same form (the same request_id): then it is done once.",
            order=commit.order_id,
        )
    )


_Given = TypeVar("_Given")

_PAUSE = 0.2
"""Seconds between two tries to settle what nobody answered."""


@attrs.frozen(kw_only=True)
class NewEffect:
    """An effect to store. ``owner`` will run it at once, for ``lease`` microseconds; None leaves it to anyone, after
    ``delay`` microseconds."""

    id: str
    kind: str
    plugin: str
    body: str
    owner: str | None
    lease: int
    delay: int = 0


@attrs.frozen(kw_only=True)
class SettledEffect:
    """What became of a claimed effect: ``done``, or ``waiting`` again, ``delay`` microseconds, with its ``problem``.

    ``unclear`` says that a try may have happened of which nothing is recorded: whoever claims it next finds it
    ``crashed``.
    """

    id: str
    owner: str
    state: str
    delay: int = 0
    problem: str = ""
    unclear: bool = False


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


@attrs.frozen(kw_only=True)
class Commit:
    """Everything that one transaction writes about one order. ``id`` names it in every row of an event or an effect
    that it writes; ``expected`` is the version it was decided on.

    ``settled`` are effects that the writer has claimed. ``withdrawn`` are ids of effects that nobody has and that no
    worker died with, ``superseded`` of such that nobody has: they are done with, as what they are for is.
    """

    id: str
    shop: str
    order_id: str
    expected: int
    events: Sequence[Mapping[str, Any]]
    returns: Sequence[Mapping[str, Any]] = ()
    refunds: Sequence[Mapping[str, Any]] = ()
    merged_refunds: Sequence[str] = ()
    references: Sequence[Mapping[str, Any]] = ()
    personal: Sequence[Mapping[str, Any]] = ()
    effects: Sequence[NewEffect] = ()
    settled: Sequence[SettledEffect] = ()
    withdrawn: Sequence[str] = ()
    superseded: Sequence[str] = ()


@attrs.frozen(kw_only=True)
class Problem:
    """What went wrong where there is no order to tell it of: from which ``source``, ``what``, and how often."""

    source: str
    what: str
    times: int
    first_at: datetime.datetime
    last_at: datetime.datetime


@attrs.frozen(kw_only=True)
class ReturnRow:
    """One return as lists show it."""

    shop: str
    return_id: str
    order_id: str
    goods: str
    stock: str
    waits_for: str
    since: datetime.datetime
    due: datetime.date | None
    opened_at: datetime.datetime


@attrs.frozen(kw_only=True)
class RefundRow:
    """One refund as lists show it."""

    refund_id: str
    order_id: str
    payment: str
    minor: int
    currency: str
    state: str
    waits_for: str
    since: datetime.datetime
    opened_at: datetime.datetime
    batch: str


class Store:
    """The tables of one database."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._dialect = engine.dialect.name
        reading: dict[str, Any] = (
            {"isolation_level": "AUTOCOMMIT"} if self._dialect == "postgresql" else dict(READ_ONLY)
        )
        self._reading = engine.execution_options(**reading)

    # --- one order -----------------------------------------------------------------------------------

    def events(self, shop: str, order_id: str, connection: Connection | None = None) -> list[Recorded]:
        """The events of an order, the oldest first: one query."""
        rows = self._read(lambda reader: _EVENTS.run(reader, shop=shop, order_id=order_id).all(), connection)
        return [read_event(order_id, row) for row in rows]

    def save(self, commit: Commit, connection: Connection | None = None) -> None:
        """Write one commit, in its own transaction or in that of ``connection``, within a savepoint.

        Raises `VersionMoved`, `LeaseLost` or `EffectTaken`, with nothing written, and `PerhapsSaved` where nobody can
        say.
        """
        if connection is not None:
            with driver_errors_translated(), connection.begin_nested():
                _write(connection, commit)
            return
        try:
            self._writes(lambda own: _write(own, commit))
        except _CommitUnanswered as unanswered:
            self._save_again(commit, unanswered)

    def _save_again(self, commit: Commit, unanswered: _CommitUnanswered) -> None:
        """Settle a COMMIT that nobody answered, by writing the same once more on a new connection.

        That cannot write it twice, also where the server has the first COMMIT still before it or on the way: its
        transaction has moved the order's version, or settled its effects, and keeps those rows locked until it ends.
        So this waits until the first is saved or undone, and then either moves on from the version that the commit was
        decided on, or finds the commit's id.
        """
        until = time.monotonic() + SECONDS_TO_WAIT
        while True:
            try:
                self._in_transaction(lambda own: _write(own, commit))
            except (VersionMoved, LeaseLost):
                if not self._wrote(commit, unanswered):
                    raise
            except (_CommitUnanswered, SQLAlchemyError) as error:
                if time.monotonic() > until:
                    raise _perhaps_saved(commit) from error
                time.sleep(_PAUSE)
                continue
            return

    def _wrote(self, commit: Commit, unanswered: _CommitUnanswered) -> bool:
        try:
            if commit.events:
                return self.has_commit(commit.shop, commit.order_id, commit.id)
            columns = tables.effect.c
            ids = [*[one.id for one in commit.effects], *[one.id for one in commit.settled]]
            query = select(columns.id).where(columns.id.in_(ids), columns.commit_id == commit.id).limit(1)
            return self._read(lambda reader: reader.execute(query).first()) is not None
        except RetourError:
            raise _perhaps_saved(commit) from unanswered

    def has_commit(self, shop: str, order_id: str, commit_id: str) -> bool:
        """Whether a commit that wrote events of an order is in the database."""
        found = self._read(
            lambda reader: _COMMIT.run(reader, shop=shop, order_id=order_id, commit_id=commit_id).first()
        )
        return found is not None

    def notes(self, shop: str, order_id: str) -> dict[str, str]:
        """The notes of an order that are still kept, by id."""
        rows = self._read(lambda reader: _NOTES.run(reader, shop=shop, order_id=order_id).mappings().all())
        return {row["id"]: row["body"] for row in rows}

    def find_order(self, shop: str, provider: str, account: str, mode: str, reference: str) -> str | None:
        """The order that was seen with such a payment, if any."""
        payment = {"provider": provider, "account": account, "mode": mode, "reference": reference}
        found = self._read(lambda reader: _FIND_ORDER.run(reader, shop=shop, **payment).first())
        return None if found is None else str(found[0])

    # --- what is of no order -------------------------------------------------------------------------

    def note_problem(self, shop: str, source: str, what: str) -> None:
        """Keep what went wrong, once for each kind, with how often it did."""
        self._write_twice_if_need_be(lambda own: _NOTE_PROBLEM.run(own, shop=shop, source=source, what=what))

    def problems(self, shop: str) -> list[Problem]:
        """What went wrong in a shop where there was no order to tell it of, the newest first."""
        columns = tables.problem.c
        query = select(tables.problem).where(columns.shop == shop).order_by(columns.last_at.desc(), columns.what)
        return [
            Problem(
                source=row["source"],
                what=row["what"],
                times=row["times"],
                first_at=as_datetime(row["first_at"]),
                last_at=as_datetime(row["last_at"]),
            )
            for row in self._rows(query)
        ]

    # --- lists ---------------------------------------------------------------------------------------

    def list_returns(
        self, shop: str, filters: Mapping[str, Sequence[str]], *, limit: int, after: str | None
    ) -> tuple[list[ReturnRow], str | None]:
        """A page of returns, the newest first, and the cursor of the next page if there is one."""
        rows, following = self._page(tables.return_, "return_id", shop, filters, limit, after)
        return [_return_row(row) for row in rows], following

    def list_refunds(
        self, shop: str, filters: Mapping[str, Sequence[str]], *, limit: int, after: str | None
    ) -> tuple[list[RefundRow], str | None]:
        """A page of refunds, the newest first, and the cursor of the next page if there is one."""
        rows, following = self._page(tables.refund, "refund_id", shop, filters, limit, after)
        return [_refund_row(row) for row in rows], following

    def _page(
        self,
        table: Any,
        key: str,
        shop: str,
        filters: Mapping[str, Sequence[str]],
        limit: int,
        after: str | None,
    ) -> tuple[Sequence[RowMapping], str | None]:
        columns = table.c
        query = select(table).where(columns.shop == shop)
        for name, values in filters.items():
            column = columns[name]
            query = query.where(column == values[0] if len(values) == 1 else column.in_(values))
        if after is not None:
            query = query.where(tuple_(columns.opened_at, columns[key]) < tuple_(*_cursor(after)))
        query = query.order_by(columns.opened_at.desc(), columns[key].desc()).limit(limit + 1)
        rows = self._rows(query)
        following = f"{rows[limit - 1]['opened_at']}.{rows[limit - 1][key]}" if len(rows) > limit else None
        return rows[:limit], following

    def overdue(self, today: datetime.date) -> Iterator[tuple[str, str, str]]:
        """Returns whose last day to send has passed, the longest ago first: shop, order, return. Those that are still
        overdue when the caller has seen them do not come again."""
        columns = tables.return_.c
        place = (columns.due, columns.shop, columns.return_id)
        query = select(*place, columns.order_id).where(columns.due < today.isoformat()).order_by(*place).limit(_PAGE)
        rows: Sequence[Any] = ()
        while not rows or len(rows) == _PAGE:
            page = query.where(tuple_(*place) > tuple_(*rows[-1][:3])) if rows else query
            rows = self._read(lambda reader, page=page: reader.execute(page).all())  # type: ignore[misc]
            if not rows:
                return
            yield from [(shop, order_id, return_id) for _, shop, return_id, order_id in rows]

    def forget_expired(self, now: int, limit: int) -> int:
        """Delete personal data whose time has come; gives how many rows."""
        columns = tables.personal.c
        expired = (
            select(columns.shop, columns.id).where(columns.expires_at <= now).order_by(columns.expires_at).limit(limit)
        )
        statement = delete(tables.personal).where(tuple_(columns.shop, columns.id).in_(expired))
        return self._write_twice_if_need_be(lambda own: own.execute(statement).rowcount)

    # --- effects -------------------------------------------------------------------------------------

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
            columns.lease_until <= _now(self._dialect),
            columns.lease_until <= _now(self._dialect) - columns.died * _AFTER_A_DEATH,
            columns.not_before <= _now(self._dialect),
            columns.kind.in_(kinds),
        )
        first = fallen.order_by(columns.died, columns.lease_until, columns.id).limit(1)
        found = self._read(lambda reader: reader.execute(first).scalars().all())
        return self.claim(owner, lease=lease, limit=1, kinds=kinds, ids=found) if found else []

    def shops_with_due(self, after: str) -> tuple[list[str], str]:
        """The shops that have an effect due, of the next few that have any waiting, by their id ``after`` one; and
        after which to go on, empty from the beginning. It costs a look for each shop, however much waits there."""
        given = {"after": after, "most": _SHOPS}
        steps = self._read(lambda reader: reader.execute(_SHOPS_WITH_DUE[self._dialect], given).all())
        return [shop for shop, due in steps if due], steps[-1][0] if len(steps) == _SHOPS else ""

    def _take(self, owner: str, lease: int, picked: Any) -> list[ClaimedEffect]:
        columns = tables.effect.c
        died = case((columns.owner.is_not(None), columns.died + 1), else_=columns.died)
        statement = (
            update(tables.effect)
            .where(columns.id.in_(picked))
            .values(owner=owner, lease_until=_now(self._dialect) + lease, attempts=columns.attempts + 1, died=died)
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
        rows = self._write_twice_if_need_be(lambda own: own.execute(statement).all())
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

    def waiting_effects(self, shop: str, order_id: str, kind: str) -> list[WaitingEffect]:
        """The effects of one kind of an order that are not done, whoever has them."""
        columns = tables.effect.c
        query = select(
            columns.id,
            columns.body,
            columns.lease_until > _now(self._dialect),
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
            for row in self._read(lambda reader: reader.execute(query).all())
        ]

    def held(self, settled: Sequence[SettledEffect]) -> set[str]:
        """The ids of those that still belong to who wants to settle them."""
        columns = tables.effect.c
        query = select(columns.id).where(
            columns.state == "waiting",
            tuple_(columns.id, columns.owner).in_([(one.id, one.owner) for one in settled]),
        )
        return set(self._read(lambda reader: reader.execute(query).scalars().all()))

    def left_alone(self, kinds: Iterable[str]) -> dict[str, int]:
        """How many effects are due of each kind that is none of ``kinds``: a newer retour made them."""
        columns = tables.effect.c
        query = (
            select(columns.kind, func.count())
            .where(*self._due, columns.kind.not_in(kinds))
            .group_by(columns.kind)
            .order_by(columns.kind)
        )
        return {row[0]: row[1] for row in self._read(lambda reader: reader.execute(query).all())}

    def failed_effects(self, shop: str, *, more_than: int, limit: int) -> list[FailedEffect]:
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
        return [
            FailedEffect(
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
            for row in self._rows(query)
        ]

    def retry_set_aside(self, shop: str, order_id: str) -> int:
        """Let the effects of an order that were set aside be tried again; gives how many."""
        columns = tables.effect.c
        again = (
            update(tables.effect)
            .where(columns.shop == shop, columns.order_id == order_id, columns.state == "waiting")
            .where(columns.not_before >= _SET_ASIDE)
            .values(not_before=_now(self._dialect))
        )
        return self._write_twice_if_need_be(lambda own: own.execute(again).rowcount)

    def settle(self, settled: Sequence[SettledEffect], commit_id: str) -> None:
        """Record what became of effects that change no dossier. What is not ours any more is left as it is."""
        if settled:
            self._write_twice_if_need_be(lambda own: _settle(own, settled, commit_id))

    @property
    def _due(self) -> tuple[Any, ...]:
        """What an effect is that anybody may take now."""
        columns, now = tables.effect.c, _now(self._dialect)
        return columns.state == "waiting", columns.lease_until <= now, columns.not_before <= now

    # --- the small print -----------------------------------------------------------------------------

    def _writes(self, write: Callable[[Connection], _Given]) -> _Given:
        """Write in a transaction of its own. Where the connection ends before COMMIT, nothing was saved, and the same
        is done once more on a new one: the first use of a connection that died in the pool is such a case.

        Raises `_CommitUnanswered` where it ends under COMMIT.
        """
        refuse_while_the_host_writes(self.engine)
        with driver_errors_translated():
            try:
                return self._in_transaction(write)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            return self._in_transaction(write)

    def _write_twice_if_need_be(self, write: Callable[[Connection], _Given]) -> _Given:
        """Write what does no harm if it is written twice."""
        try:
            return self._writes(write)
        except _CommitUnanswered:
            try:
                return self._writes(write)
            except _CommitUnanswered as again:
                with driver_errors_translated():
                    raise again.error from None

    def _in_transaction(self, write: Callable[[Connection], _Given]) -> _Given:
        with self.engine.connect() as connection, connection.begin() as transaction:
            given = write(connection)
            try:
                transaction.commit()
            except DBAPIError as error:
                if perhaps_committed(error):
                    raise _CommitUnanswered(error) from error
                raise
            return given

    def _read(self, read: Callable[[Connection], _Given], connection: Connection | None = None) -> _Given:
        """Read, on a host's ``connection`` or on one of our own; on a new one where it ended."""
        with driver_errors_translated():
            if connection is not None:
                return read(connection)
            try:
                with self._reading.connect() as reader:
                    return read(reader)
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
            with self._reading.connect() as reader:
                return read(reader)

    def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        return self._read(lambda reader: reader.execute(query).mappings().all())


def _write(connection: Connection, commit: Commit) -> None:
    if commit.events:
        moved = _MOVE_VERSION.run(
            connection,
            shop=commit.shop,
            order_id=commit.order_id,
            version=commit.expected + len(commit.events),
            expected=commit.expected,
        ).first()
        if moved is None:
            raise VersionMoved
        _ADD_EVENT.run_each(connection, commit.events)
    _PUT_RETURN.run_each(connection, commit.returns)
    _PUT_REFUND.run_each(connection, commit.refunds)
    _DROP_REFUND.run_each(
        connection, [{"which_shop": commit.shop, "which": refund_id} for refund_id in commit.merged_refunds]
    )
    _ADD_REFERENCE.run_each(connection, commit.references)
    _ADD_PERSONAL.run_each(connection, commit.personal)
    _add_effects(connection, commit)
    if _settle(connection, commit.settled, commit.id) != len(commit.settled):
        raise LeaseLost
    for statement, ids in ((_WITHDRAW_EFFECT, commit.withdrawn), (_SUPERSEDE_EFFECT, commit.superseded)):
        taken_out = statement.run_each(connection, [{"effect_id": one, "settled_by": commit.id} for one in ids])
        if taken_out != len(ids):
            raise EffectTaken


def _add_effects(connection: Connection, commit: Commit) -> None:
    _ADD_EFFECT.run_each(
        connection,
        [
            {
                "id": effect.id,
                "shop": commit.shop,
                "order_id": commit.order_id,
                "commit_id": commit.id,
                "kind": effect.kind,
                "plugin": effect.plugin,
                "body": effect.body,
                "owner": effect.owner,
                "lease": effect.lease,
                "delay": effect.delay,
                "attempts": 0 if effect.owner is None else 1,
            }
            for effect in commit.effects
        ],
    )


def _settle(connection: Connection, settled: Sequence[SettledEffect], commit_id: str) -> int:
    """Settle those that are still ours; gives how many."""
    return _SETTLE_EFFECT.run_each(
        connection,
        [
            {
                "effect_id": one.id,
                "holder": one.owner,
                "new_state": one.state,
                "delay": one.delay,
                "new_problem": one.problem,
                "unclear": int(one.unclear),
                "settled_by": commit_id,
            }
            for one in settled
        ],
    )


_PAGE = 100
_SHOPS = 100
_WINDOW = 5
_OF_ONE_ORDER = 5
_AFTER_A_DEATH = 300 * SECOND


def _cursor(after: str) -> tuple[int, str]:
    opened_at, _, return_id = after.partition(".")
    if not opened_at.isdigit() or not return_id:
        raise InvalidArgument(
            text("{cursor} is no page of this list. Use the next that a page gave, or none.", cursor=after)
        )
    return int(opened_at), return_id


def _return_row(row: RowMapping) -> ReturnRow:
    due = row["due"]
    return ReturnRow(
        shop=row["shop"],
        return_id=row["return_id"],
        order_id=row["order_id"],
        goods=row["goods"],
        stock=row["stock"],
        waits_for=row["waits_for"],
        since=as_datetime(row["since"]),
        due=None if due is None else datetime.date.fromisoformat(due),
        opened_at=as_datetime(row["opened_at"]),
    )


def _refund_row(row: RowMapping) -> RefundRow:
    return RefundRow(
        refund_id=row["refund_id"],
        order_id=row["order_id"],
        payment=row["payment"],
        minor=row["minor"],
        currency=row["currency"],
        state=row["state"],
        waits_for=row["waits_for"],
        since=as_datetime(row["since"]),
        opened_at=as_datetime(row["opened_at"]),
        batch=row["batch"],
    )


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

# --- hot statements, compiled once -----------------------------------------------------------------------


def _now(dialect: str) -> Any:
    return literal_column(NOW[dialect])


def _select_events(_: str, __: Insert) -> Any:
    columns = tables.event.c
    return (
        select(*[columns[name] for name in EVENT_COLUMNS])
        .where(columns.shop == bindparam("shop"), columns.order_id == bindparam("order_id"))
        .order_by(columns.seq)
    )


def _move_version(_: str, insert: Insert) -> Any:
    version = tables.dossier.c.version
    statement = insert(tables.dossier).values(
        shop=bindparam("shop"), order_id=bindparam("order_id"), version=bindparam("version")
    )
    return statement.on_conflict_do_update(
        index_elements=["shop", "order_id"],
        set_={"version": statement.excluded.version},
        where=version == bindparam("expected"),
    ).returning(version)


def _put(table: Any, key: str, changing: Sequence[str]) -> Prepared:
    """Insert a row of an index, or move the one that is there on."""

    def build(_: str, insert: Insert) -> Any:
        statement = insert(table).values({column.name: bindparam(column.name) for column in table.columns})
        return statement.on_conflict_do_update(
            index_elements=["shop", key], set_={name: statement.excluded[name] for name in changing}
        )

    return Prepared(build)


def _drop_refund(_: str, __: Insert) -> Any:
    columns = tables.refund.c
    return delete(tables.refund).where(columns.shop == bindparam("which_shop"), columns.refund_id == bindparam("which"))


def _add_effect(dialect: str, insert: Insert) -> Any:
    given: dict[str, Any] = {
        name: bindparam(name) for name in ("id", "shop", "order_id", "kind", "plugin", "body", "owner", "commit_id")
    }
    now = _now(dialect)
    return (
        insert(tables.effect)
        .values(
            **given,
            state="waiting",
            lease_until=now + bindparam("lease"),
            attempts=bindparam("attempts"),
            settled=0,
            not_before=now + bindparam("delay"),
            created_at=now,
            problem="",
        )
        .on_conflict_do_nothing()
    )


def _settle_effect(dialect: str, _: Insert) -> Any:
    columns = tables.effect.c
    return (
        update(tables.effect)
        .where(
            columns.id == bindparam("effect_id"),
            columns.owner == bindparam("holder"),
            columns.state == "waiting",
        )
        .values(
            state=bindparam("new_state"),
            owner=None,
            lease_until=0,
            settled=case((bindparam("unclear", type_=Integer) == 1, columns.settled), else_=columns.attempts),
            died=0,
            not_before=_now(dialect) + bindparam("delay"),
            problem=bindparam("new_problem"),
            commit_id=bindparam("settled_by"),
        )
    )


def _withdraw_effect(dialect: str, insert: Insert) -> Any:
    columns = tables.effect.c
    return _supersede_effect(dialect, insert).where(columns.attempts == columns.settled)


def _supersede_effect(dialect: str, _: Insert) -> Any:
    columns = tables.effect.c
    return (
        update(tables.effect)
        .where(
            columns.id == bindparam("effect_id"),
            columns.state == "waiting",
            columns.lease_until <= _now(dialect),
        )
        .values(state="done", owner=None, problem="", commit_id=bindparam("settled_by"))
    )


def _plain_insert(table: Any, *, ignore: bool = False) -> Prepared:
    def build(_: str, insert: Insert) -> Any:
        statement = insert(table).values({column.name: bindparam(column.name) for column in table.columns})
        return statement.on_conflict_do_nothing() if ignore else statement

    return Prepared(build)


def _note_problem(dialect: str, insert: Insert) -> Any:
    now = _now(dialect)
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
    )


def _select_notes(_: str, __: Insert) -> Any:
    columns = tables.personal.c
    return select(columns.id, columns.body).where(
        columns.shop == bindparam("shop"), columns.order_id == bindparam("order_id")
    )


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
_MOVE_VERSION = Prepared(_move_version)
_ADD_EVENT = _plain_insert(tables.event)
_PUT_RETURN = _put(tables.return_, "return_id", ("goods", "stock", "waits_for", "since", "due"))
_PUT_REFUND = _put(tables.refund, "refund_id", ("state", "waits_for", "since", "batch"))
_DROP_REFUND = Prepared(_drop_refund)
_ADD_REFERENCE = _plain_insert(tables.reference, ignore=True)
_ADD_PERSONAL = _plain_insert(tables.personal)
_ADD_EFFECT = Prepared(_add_effect)
_SETTLE_EFFECT = Prepared(_settle_effect)
_WITHDRAW_EFFECT = Prepared(_withdraw_effect)
_SUPERSEDE_EFFECT = Prepared(_supersede_effect)
_COMMIT = Prepared(_select_commit)
_NOTE_PROBLEM = Prepared(_note_problem)
_NOTES = Prepared(_select_notes)
_FIND_ORDER = Prepared(_find_order)
