"""The effects that are not done: who takes which, and what became of them. Service is fair between orders and shops."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    RowMapping,
    and_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    tuple_,
    union_all,
    update,
)
from sqlalchemy import text as sql

from retour.model.frozen import frozen
from retour.store import tables
from retour.store.clock import NOW, SECOND, as_datetime, database_now
from retour.store.commit import BEHIND_ALL, SET_ASIDE, SettledEffect, settle
from retour.store.database import Database
from retour.store.prepared import LISTS, Insert, Prepared, among, listed

UNTIL_A_PERSON = 7000 * 365 * 24 * 3600 * SECOND
"""Microseconds that an effect waits which is set aside: until somebody has it tried again."""


@frozen(kw_only=True)
class ClaimedEffect:
    """An effect that this worker may run until its lease ends. ``attempts`` were made before, and each of them ended
    unless ``crashed``: then a worker died with it, and nobody knows how far it came; ``died`` is how many did in a row.
    ``failed`` says that the last try that ended did so with a problem.
    ``pause`` is how many microseconds it waits if this try does not do it, by its kind. The lease ends when
    ``lease_ends``, in elapsed seconds: as seen from before it was asked for, so never later than the database's; that
    is ``lease_until``, None for one that was born claimed."""

    id: str
    shop: str
    order_id: str
    kind: str
    plugin: str
    account: str
    body: str
    attempts: int
    owner: str
    lease_ends: float
    lease_until: datetime.datetime | None = None
    crashed: bool = False
    died: int = 0
    pause: int = 0
    failed: bool = False

    @property
    def asks(self) -> str:
        """What is asked to do it, and may be slow: a plugin, an account of a shop, else the shop."""
        return asked_of(self.shop, self.account or self.kind, self.plugin)


def asked_of(shop: str, account: str, plugin: str = "") -> str:
    """What an effect asks: a plugin, whatever the shop, else an account of the shop at a provider, or its own things of
    a kind."""
    return f"plugin {plugin}" if plugin else f"shop {shop} {account}"


@frozen(kw_only=True)
class WaitingEffect:
    """An effect that is not done: with a worker while it is ``taken``; one ``crashed`` is nobody's, and a worker died
    with it; one ``set_aside`` waits until a person has it tried again."""

    id: str
    kind: str
    body: str
    taken: bool
    crashed: bool
    set_aside: bool = False


@frozen(kw_only=True)
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


@frozen(kw_only=True)
class Due:
    """Whether anything is due: what a person, a signature or we ourselves asked for (``ordinary``), what anybody can
    ask for (``behind``), effects that a worker died with (``fallen``), and ``looks`` at what succeeded, of accounts
    that may have to rest first. ``any_fallen`` says that a worker died with one that may not be due yet."""

    ordinary: bool
    behind: bool
    fallen: bool
    looks: bool
    any_fallen: bool


@frozen
class Fallen:
    """What workers died with and that is not done: of which order, and what it asks. What else of the order asks the
    same waits for it; ``paused`` are those of them that are not tried at once. ``untried`` says that one is, and was
    only taken with others so far. ``doubted`` is what was asked when workers died with effects of several orders, each
    of them alone: then the order is not what ended them."""

    of_orders: frozenset[tuple[str, str, str]] = frozenset()
    paused: frozenset[tuple[str, str, str]] = frozenset()
    doubted: frozenset[str] = frozenset()
    untried: bool = False


class Effects:
    """The effects of one database. ``elapsed`` gives the seconds that go by."""

    def __init__(self, database: Database, elapsed: Callable[[], float]) -> None:
        self._database = database
        self._elapsed = elapsed
        self._dialect = database.dialect

    def claim(
        self,
        owner: str,
        *,
        lease: int,
        limit: int,
        kinds: Iterable[str],
        ids: Sequence[str] | None = None,
        behind: bool = False,
        not_asking: Iterable[str] = (),
    ) -> list[ClaimedEffect]:
        """Take up to ``limit`` effects that are due for ``lease`` microseconds, of these ``kinds``: the oldest first
        and few of one order, or those with these ``ids``. Nobody takes one that somebody has, or whose pause is not
        over.

        What anybody can ask for is left, unless ``behind``: then it is taken and nothing else. One that a worker died
        with is left to `claim_fallen`, unless it is among the ``ids``, and what `ClaimedEffect.asks` one of
        ``not_asking`` is left too.

        Where the connection ends under its COMMIT, those that were claimed are left until their lease is over.
        """
        of_kinds = {"limit": limit, "kinds": listed(self._dialect, kinds)}
        if ids is not None:
            ids_and_busy = {"ids": listed(self._dialect, ids), "busy": listed(self._dialect, not_asking)}
            return self._take(_CLAIM_THESE, owner, lease, **ids_and_busy, **of_kinds)
        busy = listed(self._dialect, not_asking)
        statement = _CLAIM_BEHIND if behind else _CLAIM_OLDEST
        return self._take(statement, owner, lease, window=_WINDOW * limit, busy=busy, **of_kinds)

    def claim_of(
        self, shop: str, kind: str, owner: str, *, lease: int, limit: int, not_asking: Iterable[str] = ()
    ) -> list[ClaimedEffect]:
        """Take up to ``limit`` effects of one kind of one shop as `claim` does."""
        given = {"shop": shop, "kind": kind, "limit": limit, "busy": listed(self._dialect, not_asking)}
        return self._take(_CLAIM_OF_SHOP, owner, lease, window=_WINDOW * limit, **given)

    def claim_fallen(
        self, owner: str, *, lease: int, kinds: Iterable[str], doubted: Iterable[str] = ()
    ) -> list[ClaimedEffect]:
        """Take one effect that a worker died with: alone, since it may have been the cause. The fewer died with it the
        sooner, and after each it waits a while longer. Of those of one order that ask the same it is always the same
        one, until it is done or set aside; and of those that ask what is ``doubted`` one that workers died with when
        it was alone."""
        given = {"kinds": listed(self._dialect, kinds), "busy": listed(self._dialect, doubted)}
        found = [row[0] for row in self._database.rows_of(_FALLEN, **given)]
        return self.claim(owner, lease=lease, limit=1, kinds=kinds, ids=found) if found else []

    def fallen(self, kinds: Iterable[str]) -> Fallen:
        """What workers died with and that is not done, of these ``kinds``."""
        given = listed(self._dialect, kinds)
        rows = self._database.rows_of(_FALLEN_OF, kinds=given)
        alone = Counter([asked for _, _, asked, died_alone, _, _ in rows if died_alone])
        doubted = frozenset([asked for asked, orders in alone.items() if orders > 1])
        return Fallen(
            of_orders=frozenset([(row[0], row[1], row[2]) for row in rows]),
            paused=frozenset([(row[0], row[1], row[2]) for row in rows if not row[4]]),
            doubted=doubted,
            untried=any(at_once and not died for _, _, asked, _, at_once, died in rows if asked not in doubted),
        )

    def set_aside_beside(self, effect: ClaimedEffect, problem: str) -> None:
        """Let what else of an order asks the same as this one, to do the same, wait until a person has it tried again.
        What a worker has now is left to it."""
        given = {"in_shop": effect.shop, "of_order": effect.order_id, "but": effect.id, "asked": effect.asks}
        given["of_kind"] = effect.kind
        self._database.write_what_can_be_repeated(
            lambda own: _SET_ASIDE_BESIDE.run(own, delay=UNTIL_A_PERSON, why=problem, **given)
        )

    def what_is_due(self, kinds: Iterable[str]) -> Due:
        """What there is to claim of these ``kinds``: one question, and all that an idle worker asks."""
        given, nothing = listed(self._dialect, kinds), listed(self._dialect, ())
        found = self._database.row_of(_WHAT_IS_DUE, kinds=given, busy=nothing)
        ordinary, behind, fallen, looks, any_fallen = [one is not None for one in found]
        return Due(ordinary=ordinary, behind=behind, fallen=fallen, looks=looks, any_fallen=any_fallen)

    def accounts_to_ask(self, after: str) -> tuple[list[tuple[str, str]], str]:
        """The accounts of shops that can be asked about what succeeded: a look is due, and they have rested. Of the
        next few shops, by their id ``after`` one, the account that was asked longest ago first; and after which to go
        on, empty from the beginning."""
        rows = self._database.rows_of(_ACCOUNTS_TO_ASK, after=after, most=_SHOPS)
        shops = list(dict.fromkeys([row[0] for row in rows]))
        rested = sorted([row for row in rows if row[2] is not None and row[3] <= row[4]], key=itemgetter(3))
        return [(row[0], row[1]) for row in rested], max(shops) if len(shops) == _SHOPS else ""

    def claim_looks(
        self, accounts: Iterable[tuple[str, str]], owner: str, *, lease: int, limit: int, kinds: Iterable[str]
    ) -> list[ClaimedEffect]:
        """Take up to ``limit`` looks at what succeeded, of these accounts of shops as `claim` does: at most
        `LOOKS_AT_ONCE` of each account, which then rests for `BETWEEN_LOOKS` for each of them, whoever asks."""
        claimed: list[ClaimedEffect] = []
        given = {"lease": lease, "kinds": listed(self._dialect, kinds)}
        for shop, account in accounts:
            many = min(limit - len(claimed), LOOKS_AT_ONCE)
            if many <= 0:
                break
            claimed += self._looks_at(shop, account, many, owner, given)
        return claimed

    def _looks_at(
        self, shop: str, account: str, many: int, owner: str, given: Mapping[str, Any]
    ) -> list[ClaimedEffect]:
        def take(own: Connection) -> Sequence[Any]:
            if _TAKE_REST.row(own, shop=shop, account=account) is None:
                return ()  # another worker was faster
            rows = _CLAIM_LOOKS.rows(own, holder=owner, shop=shop, account=account, limit=many, **given)
            _REST.run(own, which_shop=shop, which=account, rest=len(rows) * BETWEEN_LOOKS)
            return rows

        ends = self._elapsed() + given["lease"] / SECOND
        return _claimed(self._database.write_what_can_be_repeated(take), owner, ends)

    def due_by_shop(self, after: str, kinds: Iterable[str]) -> tuple[list[tuple[str, str]], str]:
        """Which shop has which kind of effect due, of the next few shops that have any waiting, by their id ``after``
        one; and after which to go on, empty from the beginning. It costs a look for each, however much waits there."""
        given = {"after": after, "most": _SHOPS, "kinds": listed(self._dialect, kinds)}
        rows = self._database.rows_of(_DUE_BY_SHOP, **given)
        shops = [row[0] for row in rows if row[1] == rows[0][1]]
        return [(row[0], row[1]) for row in rows if row[2] is not None], shops[-1] if len(shops) == _SHOPS else ""

    def due_by_order(self, shop: str, after: str, kinds: Iterable[str], limit: int) -> tuple[list[str], str]:
        """The oldest effect that is due of each of up to ``limit`` orders, of the next few of a shop that have any
        waiting, by the order's id ``after`` one; and after which to go on, empty from the beginning."""
        given = {"shop": shop, "after": after, "most": _ORDERS, "kinds": listed(self._dialect, kinds)}
        rows = self._database.rows_of(_DUE_BY_ORDER, **given)
        due = [(order_id, effect_id) for order_id, effect_id in rows if effect_id is not None]
        ids = [effect_id for _, effect_id in due[:limit]]
        if len(due) > limit:
            return ids, due[limit - 1][0]
        return ids, rows[-1][0] if len(rows) == _ORDERS else ""

    def _take(self, claim: Prepared, owner: str, lease: int, **given: Any) -> list[ClaimedEffect]:
        asked = self._elapsed()
        rows = self._database.write_what_can_be_repeated(
            lambda own: claim.rows(own, holder=owner, lease=lease, **given)
        )
        return _claimed(rows, owner, asked + lease / SECOND)

    def asked(self, effect_id: str) -> bool:
        """Whether an effect is going to be done, or done once more, by a claim that nobody has made yet."""
        return self._database.row_of(_ASKED, effect_id=effect_id) is not None

    def waiting(self, shop: str, order_id: str, *kinds: str) -> list[WaitingEffect]:
        """The effects of these kinds of an order that are not done, whoever has them."""
        columns = tables.effect.c
        query = select(
            columns.id,
            columns.body,
            columns.lease_until > database_now(self._dialect),
            columns.attempts != columns.settled,
            columns.not_before > SET_ASIDE,
            columns.kind,
        ).where(*of_order(shop, order_id), columns.kind.in_(kinds))
        return [
            WaitingEffect(
                id=row[0],
                body=row[1],
                taken=bool(row[2]),
                crashed=bool(row[3]) and not row[2],
                set_aside=bool(row[4]),
                kind=row[5],
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
        given = listed(self._dialect, kinds)
        rows = self._database.rows_of(_LEFT_ALONE, kinds=given)
        return {row[0]: row[1] for row in rows}

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
        query = select(tables.effect).where(columns.state == "waiting", columns.not_before >= SET_ASIDE)
        if shop is not None:
            query = query.where(columns.shop == shop)
        query = query.where(columns.id > after).order_by(columns.id).limit(limit)
        return [_failed(row) for row in self._database.rows(query)]

    def bodies(self, shop: str, order_id: str) -> list[tuple[str, str, str]]:
        """The effects of an order that are not done: id, kind and body."""
        columns = tables.effect.c
        query = select(columns.id, columns.kind, columns.body).where(*of_order(shop, order_id))
        rows = self._database.read(lambda reader: reader.execute(query.order_by(columns.id)).all())
        return [(row[0], row[1], row[2]) for row in rows]

    def set_aside_of(self, shop: str, order_id: str) -> list[tuple[str, str]]:
        """The effects of an order that were set aside: id and kind."""
        columns = tables.effect.c
        query = select(columns.id, columns.kind).where(*of_order(shop, order_id), columns.not_before >= SET_ASIDE)
        rows = self._database.read(lambda reader: reader.execute(query.order_by(columns.id)).all())
        return [(row[0], row[1]) for row in rows]

    def prune(self, kept: int, limit: int) -> int:
        """Delete up to ``limit`` effects that were done more than ``kept`` microseconds ago; gives how many."""
        pruned: set[str] = set()
        self._database.write_what_can_be_repeated(
            lambda own: pruned.update([row[0] for row in _PRUNE.rows(own, kept=kept, most=limit)])
        )
        return len(pruned)

    def settle(self, settled: Sequence[SettledEffect], commit_id: str) -> None:
        """Record what became of effects that change no dossier. What is not ours any more is left as it is."""
        if settled:
            self._database.write_what_can_be_repeated(lambda own: settle(own, settled, commit_id))


def _claimed(rows: Sequence[Any], owner: str, lease_ends: float) -> list[ClaimedEffect]:
    """Rows of a claim; ``lease_ends`` is counted from before it went out."""
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
            lease_ends=lease_ends,
            lease_until=as_datetime(row[9]),
            crashed=row[6] - 1 != row[7],
            died=row[8],
            failed=row[10] != "",
            account=row[11],
        )
        for row in sorted(rows)
    ]


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


def of_order(shop: str, order_id: str) -> tuple[Any, ...]:
    """What is so of the effects of an order that are not done. How far behind they can be is named, since the index by
    order has what is served first by itself."""
    columns = tables.effect.c
    return (
        columns.shop == shop,
        columns.order_id == order_id,
        columns.behind.in_((0, 1, BEHIND_ALL)),
        columns.state == "waiting",
    )


def retry_set_aside(connection: Connection, shop: str, order_id: str) -> Sequence[str]:
    """The ids of those that are tried again by this."""
    columns = tables.effect.c
    again = (
        update(tables.effect)
        .where(*of_order(shop, order_id), columns.not_before >= SET_ASIDE)
        .values(not_before=database_now(connection.dialect.name))
        .returning(columns.id)
    )
    return connection.execute(again).scalars().all()


_SHOPS = 100
_ORDERS = 100
_WINDOW = 5
_OLDEST = 1000
OF_ONE_ORDER = 5
"""Effects of one order that are claimed at once."""

LOOKS_AT_ONCE, BETWEEN_LOOKS = 10, 2 * SECOND
"""Looks at what succeeded that one account is asked for at once, and microseconds that it rests for each of them: so
they are at most thirty a minute, 43,200 a day, which are the seven looks at each of six thousand refunds a day. It is
half of what hints may ask, and far below what any provider refuses."""

_AFTER_A_DEATH = 300 * SECOND


# --- hot statements, compiled once -----------------------------------------------------------------------

_WAITING: Any = literal_column("retour_effect.state = 'waiting'")
_ORDINARY: Any = literal_column("retour_effect.behind = 0")
_BEHIND: Any = literal_column("retour_effect.behind = 1")
_LOOKS: Any = literal_column("retour_effect.behind = 2")
"""No parameters: only so does a database see which index of what waits will do."""

_NOT_DONE = "state <> 'done'"
"""What waits of one kind of one shop is looked for by these words. They are of the index by shop and kind alone:
PostgreSQL, which cannot know how rare a kind is in a shop, would else go through all that waits."""


def _due(dialect: str, *which: Any) -> Any:
    """The places of effects that a worker may take now, and that none died with."""
    columns, now = tables.effect.c, database_now(dialect)
    return select(columns.id, columns.shop, columns.order_id, columns.not_before).where(
        *which, columns.lease_until <= now, columns.not_before <= now, columns.owner.is_(None)
    )


def _of_known_kinds(dialect: str, which: Any) -> Any:
    return _due(dialect, _WAITING, which, among(tables.effect.c.kind, "kinds", dialect))


def _first_of(due: Any) -> Any:
    """Its id, or nothing. In order, and no ``EXISTS``: so it is looked for in the index, however much is done."""
    columns = tables.effect.c
    return due.with_only_columns(columns.id).order_by(columns.not_before, columns.id).limit(1)


def _claim(picked: Callable[[str], Any]) -> Prepared:
    """Take the effects whose ids are ``picked``."""

    def build(dialect: str, _: Insert) -> Any:
        columns = tables.effect.c
        return (
            update(tables.effect)
            .where(columns.id.in_(picked(dialect)))
            .values(
                owner=bindparam("holder"),
                lease_until=database_now(dialect) + bindparam("lease"),
                attempts=columns.attempts + 1,
                died=case((columns.owner.is_not(None), columns.died + 1), else_=columns.died),
                again=0,
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
                columns.lease_until,
                columns.problem,
                columns.account,
            )
        )

    return Prepared(build)


def _these(dialect: str) -> Any:
    columns, now = tables.effect.c, database_now(dialect)
    these = (
        select(columns.id)
        .where(_WAITING, columns.lease_until <= now, columns.not_before <= now)
        .where(among(columns.id, "ids", dialect), among(columns.kind, "kinds", dialect))
        .where(_asking_nothing_busy(dialect))
    )
    picked = these.order_by(columns.not_before, columns.id).limit(bindparam("limit", type_=Integer))
    return select(picked.with_for_update(skip_locked=True).cte().c.id)


def _few_of_each_order(due: Any) -> Any:
    """The oldest of what is ``due``, without what one order has too many of among them."""
    columns = tables.effect.c
    oldest = due.order_by(columns.not_before, columns.id).limit(bindparam("window", type_=Integer))
    window = oldest.with_for_update(skip_locked=True).cte().c
    place = func.row_number().over(partition_by=(window.shop, window.order_id), order_by=(window.not_before, window.id))
    placed = select(window.id, window.not_before, place.label("place")).subquery().c
    picked = select(placed.id).where(placed.place <= OF_ONE_ORDER).order_by(placed.not_before, placed.id)
    return picked.limit(bindparam("limit", type_=Integer))


def _asked_by(columns: Any) -> Any:
    """What an effect asks: `asked_of` in the words of the database."""
    of_shop = case((columns.account != "", columns.account), else_=columns.kind)
    return case((columns.plugin != "", "plugin " + columns.plugin), else_="shop " + columns.shop + " " + of_shop)


def _asking_nothing_busy(dialect: str) -> Any:
    """Whether it asks nothing of those that are bound."""
    return ~among(_asked_by(tables.effect.c), "busy", dialect)


def _of_shop(dialect: str) -> Any:
    columns = tables.effect.c
    place = columns.shop == bindparam("shop"), columns.kind == bindparam("kind")
    free = _asking_nothing_busy(dialect)
    return _few_of_each_order(_due(dialect, literal_column(_NOT_DONE), _ORDINARY, *place, free))


def _free_of_known_kinds(dialect: str, which: Any) -> Any:
    return _few_of_each_order(_of_known_kinds(dialect, which).where(_asking_nothing_busy(dialect)))


def _looks(dialect: str) -> Any:
    columns = tables.effect.c
    place = columns.shop == bindparam("shop"), columns.account == bindparam("account")
    due = _due(dialect, literal_column(_NOT_DONE), _LOOKS, *place, among(columns.kind, "kinds", dialect))
    picked = due.order_by(columns.not_before, columns.id).limit(bindparam("limit", type_=Integer))
    return select(picked.with_for_update(skip_locked=True).cte().c.id)


_HAS_FALLEN: Any = literal_column(
    "retour_effect.state = 'waiting' AND retour_effect.owner IS NOT NULL AND retour_effect.lease_until >= 0"
)
"""What somebody has, or had. No lease is below zero, and only so does SQLite look through those alone."""


def _fallen(dialect: str) -> Any:
    columns, now = tables.effect.c, database_now(dialect)
    other = tables.effect.alias("other")
    more_died_with = (
        select(other.c.id)
        .where(
            literal_column(f"other.state = 'waiting' AND other.behind IN (0, 1, {BEHIND_ALL})"),
            other.c.owner.is_not(None),
            other.c.shop == columns.shop,
            other.c.order_id == columns.order_id,
            other.c.died > columns.died,
            _asked_by(other.c) == _asked_by(columns),
        )
        .exists()
    )
    return (
        select(columns.id)
        .where(
            _HAS_FALLEN,
            columns.lease_until <= now,
            _is_tried(now),
            columns.not_before <= now,
            among(columns.kind, "kinds", dialect),
            or_(columns.died > 0, _asking_nothing_busy(dialect)),
            ~more_died_with,
        )
        .order_by(columns.died, columns.lease_until, columns.id)
        .limit(1)
    )


def _fell(now: Any) -> Any:
    """Whether a worker died with one that is owned, be it that somebody tries it now, alone."""
    columns = tables.effect.c
    return or_(columns.lease_until <= now, columns.died > 0)


def _is_tried(now: Any) -> Any:
    """Whether one that workers died with has waited long enough."""
    columns = tables.effect.c
    return columns.lease_until <= now - columns.died * _AFTER_A_DEATH


def _fallen_of(dialect: str, _: Insert) -> Any:
    """By order and what is asked: whether a worker died with one that was alone, whether one is tried at once, and how
    often one was tried alone at most."""
    columns, now = tables.effect.c, database_now(dialect)
    asked = _asked_by(columns).label("asked")
    one = (
        select(
            columns.shop,
            columns.order_id,
            asked,
            case((and_(columns.died > 0, columns.lease_until <= now), 1), else_=0).label("alone"),
            case((and_(columns.lease_until <= now, _is_tried(now)), 1), else_=0).label("at_once"),
            columns.died,
        )
        .where(_HAS_FALLEN, _fell(now), among(columns.kind, "kinds", dialect))
        .subquery()
        .c
    )
    each = one.shop, one.order_id, one.asked
    return select(*each, func.max(one.alone), func.max(one.at_once), func.max(one.died)).group_by(*each)


def _set_aside_beside(dialect: str, _: Insert) -> Any:
    columns, now = tables.effect.c, database_now(dialect)
    return (
        update(tables.effect)
        .where(
            columns.shop == bindparam("in_shop"),
            columns.order_id == bindparam("of_order"),
            literal_column(f"retour_effect.behind IN (0, 1, {BEHIND_ALL})"),
            _WAITING,
            columns.id != bindparam("but"),
            columns.kind == bindparam("of_kind"),
            columns.lease_until <= now,
            _asked_by(columns) == bindparam("asked"),
        )
        .values(
            owner=None,
            lease_until=0,
            died=0,
            not_before=now + bindparam("delay", type_=BigInteger),
            problem=bindparam("why"),
        )
    )


def _what_is_due(dialect: str) -> Any:
    ordinary, behind, looks = (_first_of(_of_known_kinds(dialect, which)) for which in (_ORDINARY, _BEHIND, _LOOKS))
    columns = tables.effect.c
    any_fallen = select(columns.id).where(_HAS_FALLEN, _fell(database_now(dialect))).limit(1)
    return select(*[found.scalar_subquery() for found in (ordinary, behind, _fallen(dialect), looks, any_fallen)])


def _left_alone(dialect: str, _: Insert) -> Any:
    """Of looks the oldest alone: they can be due for long, while their account rests."""
    columns = tables.effect.c
    newer = [
        _due(dialect, _WAITING, which, ~among(columns.kind, "kinds", dialect)).with_only_columns(columns.kind)
        for which in (_ORDINARY, _BEHIND)
    ]
    looks = _due(dialect, _WAITING, _LOOKS).with_only_columns(columns.kind)
    oldest = looks.order_by(columns.not_before, columns.id).limit(_OLDEST).subquery().c
    newer.append(select(oldest.kind).where(~among(oldest.kind, "kinds", dialect)))
    found = union_all(*newer).subquery().c
    return select(found.kind, func.count()).group_by(found.kind).order_by(found.kind)


def _prune(dialect: str, _: Insert) -> Any:
    """The oldest first, as the index has them; what another worker deletes is left to it."""
    columns = tables.effect.c
    ended = (
        select(columns.id)
        .where(
            columns.state == literal_column("'done'"),
            columns.not_before < database_now(dialect) - bindparam("kept", type_=BigInteger),
        )
        .order_by(columns.not_before, columns.id)
        .limit(bindparam("most"))
        .with_for_update(skip_locked=True)
        .cte()
    )
    return delete(tables.effect).where(columns.id.in_(select(ended.c.id))).returning(columns.id)


def _asked(_: str, __: Insert) -> Any:
    columns = tables.effect.c
    nobody_has_it = or_(columns.owner.is_(None), columns.again > 0)
    return select(columns.id).where(columns.id == bindparam("effect_id"), columns.state == "waiting", nobody_has_it)


def _steps(column: str, where: str) -> str:
    """The values that ``column`` has where an effect waits, one after the other by the index, as neither database does
    by itself for ``DISTINCT``."""
    following = f"SELECT {column} FROM retour_effect WHERE {where} AND {column} > {{}} ORDER BY {column} LIMIT 1"  # noqa: S608 - the texts are ours
    first, next_one = following.format(":after"), following.format("step.value")
    return (
        f"WITH RECURSIVE step (value, place) AS (SELECT ({first}), 1 UNION ALL "  # noqa: S608 - the texts are ours
        f"SELECT ({next_one}), place + 1 FROM step WHERE value IS NOT NULL AND place < :most)"
    )


def _due_by_shop(dialect: str, _: Insert) -> Any:
    now = NOW[dialect]
    due = f"not_before <= {now} AND lease_until <= {now} AND owner IS NULL"
    there = f"{_NOT_DONE} AND behind = 0 AND shop = step.value AND kind = kinds.value AND {due}"
    return sql(
        f"{_steps('shop', f'{_NOT_DONE} AND behind = 0')} SELECT step.value, kinds.value, "  # noqa: S608 - the texts are ours
        f"(SELECT id FROM retour_effect WHERE {there} ORDER BY not_before LIMIT 1) "
        f"FROM step, {LISTS[dialect].format('kinds')} kinds WHERE step.value IS NOT NULL ORDER BY place, kinds.value"
    )


def _accounts_to_ask(dialect: str, _: Insert) -> Any:
    """Of each shop its accounts, found one after the other as the shops are."""
    now, waiting = NOW[dialect], f"{_NOT_DONE} AND behind = 2"
    due = f"not_before <= {now} AND lease_until <= {now} AND owner IS NULL"
    first = f"SELECT account FROM retour_effect WHERE {waiting} AND shop = {{}} {{}} ORDER BY account LIMIT 1"  # noqa: S608 - the texts are ours
    following = "AND retour_effect.account > asked.account"
    return sql(
        f"{_steps('shop', waiting)}, asked (shop, account) AS ("  # noqa: S608 - the texts are ours
        f"SELECT value, ({first.format('step.value', '')}) FROM step WHERE value IS NOT NULL UNION ALL "
        f"SELECT shop, ({first.format('asked.shop', following)}) FROM asked WHERE account IS NOT NULL) "
        f"SELECT asked.shop, asked.account, (SELECT id FROM retour_effect WHERE {waiting} AND shop = asked.shop "
        f"AND account = asked.account AND {due} ORDER BY not_before LIMIT 1), COALESCE(retour_looks.next_at, 0), {now} "
        "FROM asked LEFT JOIN retour_looks ON retour_looks.shop = asked.shop "
        "AND retour_looks.account = asked.account WHERE asked.account IS NOT NULL ORDER BY asked.shop, asked.account"
    )


def _take_rest(dialect: str, insert: Insert) -> Any:
    """Nothing where the account still rests. Else its row is there, and ours until the transaction ends."""
    now, next_at = database_now(dialect), tables.looks.c.next_at
    added = insert(tables.looks).values(shop=bindparam("shop"), account=bindparam("account"), next_at=now)
    return added.on_conflict_do_update(
        index_elements=["shop", "account"], set_={"next_at": now}, where=next_at <= now
    ).returning(next_at)


def _rest(_: str, __: Insert) -> Any:
    columns = tables.looks.c
    return (
        update(tables.looks)
        .where(columns.shop == bindparam("which_shop"), columns.account == bindparam("which"))
        .values(next_at=columns.next_at + bindparam("rest", type_=BigInteger))
    )


def _due_by_order(dialect: str, _: Insert) -> Any:
    waiting, now = "state = 'waiting' AND behind = 0 AND shop = :shop", NOW[dialect]
    due = f"owner IS NULL AND not_before <= {now} AND lease_until <= {now}"
    known = f"kind IN (SELECT value FROM {LISTS[dialect].format('kinds')} kinds)"  # noqa: S608 - the texts are ours
    return sql(
        f"{_steps('order_id', waiting)} SELECT step.value, "  # noqa: S608 - the texts are ours
        f"(SELECT id FROM retour_effect WHERE {waiting} AND order_id = step.value AND {due} AND {known} "
        "ORDER BY not_before, id LIMIT 1) FROM step WHERE step.value IS NOT NULL ORDER BY place"
    )


_CLAIM_THESE = _claim(_these)
_CLAIM_OLDEST = _claim(lambda dialect: _free_of_known_kinds(dialect, _ORDINARY))
_CLAIM_BEHIND = _claim(lambda dialect: _free_of_known_kinds(dialect, _BEHIND))
_CLAIM_OF_SHOP = _claim(_of_shop)
_CLAIM_LOOKS = _claim(_looks)
_ACCOUNTS_TO_ASK = Prepared(_accounts_to_ask)
_TAKE_REST = Prepared(_take_rest)
_REST = Prepared(_rest)
_FALLEN = Prepared(lambda dialect, _: _fallen(dialect))
_FALLEN_OF = Prepared(_fallen_of)
_SET_ASIDE_BESIDE = Prepared(_set_aside_beside)
_WHAT_IS_DUE = Prepared(lambda dialect, _: _what_is_due(dialect))
_LEFT_ALONE = Prepared(_left_alone)
_ASKED = Prepared(_asked)
_PRUNE = Prepared(_prune)
_DUE_BY_SHOP = Prepared(_due_by_shop)
_DUE_BY_ORDER = Prepared(_due_by_order)
