"""One commit: every row that one transaction writes about one order, and how it is written."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from sqlalchemy import (
    BigInteger,
    Column,
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    delete,
    literal_column,
    null,
    or_,
    update,
)
from sqlalchemy import text as sql
from sqlalchemy.exc import IntegrityError

from retour.model.frozen import frozen
from retour.store import tables
from retour.store.clock import SECOND, database_now, microseconds
from retour.store.prepared import Insert, Prepared, plain_insert
from retour.store.rows import JOINED_ON, Build, MovingOn, Rows, RowsOf, Values

SHORTEST_PAUSE, LONGEST_PAUSE = 30 * SECOND, 600 * SECOND
"""Microseconds between two answers to one question that hints ask: the first is given at once, and each pause is twice
the one before, until nobody has asked for as long as the longest."""

BEHIND_ALL = 2
"""How far behind an effect is that is served when nothing else is due, at the pace of the account that it asks."""

QUESTIONS_AT_ONCE, BETWEEN_QUESTIONS = 60, 1 * SECOND
"""Questions that hints of one account ask at once, and microseconds from one to the next after that."""


SET_ASIDE = microseconds(datetime.datetime(9000, 1, 1, tzinfo=datetime.UTC))
"""From this moment on an effect is due only when a person has it tried again."""


HostsWriting: TypeAlias = Callable[[Connection], object]
"""Writes rows of the host's in a transaction of ours."""


class VersionMoved(Exception):
    """Somebody else saved events of the same order since it was loaded; nothing was written."""


class NumberTaken(VersionMoved):
    """Another return of the shop has the number of a new one; nothing was written, and the next id gives another."""


class LeaseLost(Exception):
    """An effect is no longer ours: its lease ran out and another worker took it; nothing was written.

    `Effects.held` tells which are still ours.
    """


class NotBooked(Exception):
    """The host could not book stock in the transaction; nothing was written."""


class NotWritten(Exception):
    """What the caller wanted written in the transaction could not be; nothing was written."""


class EffectTaken(Exception):
    """An effect that was to be withdrawn is with a worker, or a worker died with it; nothing was written."""


@frozen(kw_only=True)
class NewEffect:
    """An effect to store. ``owner`` will run it at once, for ``lease`` microseconds; None leaves it to anyone, after
    ``delay`` microseconds. ``behind`` is 0 where it is served as all are, `BEHIND_ALL` where it asks its ``account`` at
    a pace. ``account`` is that of the provider it asks, empty where it asks none."""

    id: str
    kind: str
    plugin: str
    body: str
    owner: str | None
    lease: int
    delay: int = 0
    behind: int = 0
    account: str = ""


@frozen(kw_only=True)
class Question:
    """An effect that is one, however often it is asked for: one that waits, or is to be done once more, takes in what
    asks for it.

    Where it is asked for by ``hints`` that nobody signed, of a provider, account and mode, it is served behind all
    else, after a pause from when it was last done, and at the pace of that account.
    """

    effect: NewEffect
    hints: tuple[str, str, str] | None = None


@frozen(kw_only=True)
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


@frozen(kw_only=True)
class AttentionRows:
    """What a person must look at of one order: the rows that a commit ``changed``, the items that are ``gone``, and
    ``every`` row, for an order that was listed by other rules than those with this number."""

    rules: int
    every: Sequence[Mapping[str, Any]] = ()
    changed: Sequence[Mapping[str, Any]] = ()
    gone: Sequence[str] = ()


@frozen(kw_only=True)
class ListRows:
    """What rows of lists lack that were made before it was kept, and all rows of its labels: of one order, as it is at
    this ``version``."""

    shop: str
    order_id: str
    version: int
    amounts: str
    returns: Sequence[Mapping[str, Any]]
    refunds: Sequence[Mapping[str, Any]]
    reasons: Sequence[Mapping[str, Any]]
    labels: Sequence[Mapping[str, Any]]


@frozen(kw_only=True)
class Commit:
    """Everything that one transaction writes about one order. ``id`` names it in every row of an event or an effect
    that it writes; ``expected`` is the version it was decided on, ``amounts`` what is known of the order's money
    then, as JSON.

    ``settled`` are effects that the writer has claimed. ``withdrawn`` are ids of effects that nobody has and that no
    worker died with, ``superseded`` of such that nobody has: they are done with, as what they are for is.
    ``retried`` are ids of effects that were set aside, and are due from now on. What is written ``beside`` it in the
    same transaction is the host's, and comes first, so that no row of ours is locked meanwhile; it raises `NotBooked`
    or `NotWritten`.
    """

    id: str
    shop: str
    order_id: str
    expected: int
    events: Sequence[Mapping[str, Any]]
    amounts: str = "{}"
    returns: Sequence[Mapping[str, Any]] = ()
    reasons: Sequence[Mapping[str, Any]] = ()
    refunds: Sequence[Mapping[str, Any]] = ()
    merged_refunds: Sequence[str] = ()
    labels: Sequence[Mapping[str, Any]] = ()
    attention: AttentionRows = AttentionRows(rules=0)
    references: Sequence[Mapping[str, Any]] = ()
    personal: Sequence[Mapping[str, Any]] = ()
    effects: Sequence[NewEffect] = ()
    questions: Sequence[Question] = ()
    settled: Sequence[SettledEffect] = ()
    withdrawn: Sequence[str] = ()
    superseded: Sequence[str] = ()
    retried: Sequence[str] = ()
    beside: Sequence[HostsWriting] = ()


def write(connection: Connection, commit: Commit) -> None:
    for hosts in commit.beside:
        hosts(connection)
    try:
        to_settle = _write_rows(connection, commit)
    except IntegrityError as error:
        if not _is_of_the_number(error):
            raise
        raise NumberTaken from error
    _ADD_REASON.run_each(connection, commit.reasons)
    _DROP_REFUND.run_each(
        connection, [{"which_shop": commit.shop, "which": refund_id} for refund_id in commit.merged_refunds]
    )
    _ADD_PERSONAL.run_each(connection, commit.personal)
    for question in commit.questions:
        _ask(connection, commit, question)
    if settle(connection, to_settle, commit.id) != len(to_settle):
        raise LeaseLost
    for statement, ids in ((_WITHDRAW_EFFECT, commit.withdrawn), (_SUPERSEDE_EFFECT, commit.superseded)):
        taken_out = statement.run_each(connection, [{"effect_id": one, "settled_by": commit.id} for one in ids])
        if taken_out != len(ids):
            raise EffectTaken
    if _RETRY_EFFECT.run_each(connection, [{"effect_id": one} for one in commit.retried]) != len(commit.retried):
        raise VersionMoved  # somebody else had it tried again


def _write_rows(connection: Connection, commit: Commit) -> Sequence[SettledEffect]:
    """Move the order's version on where something happened to it, and write the rows; gives the effects that are still
    to be settled. Raises `VersionMoved`, and `LeaseLost` where one was settled with it that is not ours."""
    rows: Rows = {
        _EVENTS: commit.events,
        _RETURNS: commit.returns,
        _REFUNDS: commit.refunds,
        _LABELS: commit.labels,
        _REFERENCES: commit.references,
        _EFFECTS: _effect_rows(commit),
    }
    to_settle: Sequence[SettledEffect] = commit.settled
    if commit.events and connection.dialect.name in JOINED_ON:
        to_settle = _write_joined(connection, commit, rows)
    else:
        if commit.events:
            _moved(commit, connection, _MOVE_VERSION.row(connection, **_version(commit)))
        for kind, several in rows.items():
            kind.run_each(connection, several)
    return to_settle


def _write_joined(connection: Connection, commit: Commit, rows: Rows) -> Sequence[SettledEffect]:
    """The same by one statement, which settles an effect with it: one alone, and before nothing asks for it anew."""
    alone = len(commit.settled) == 1 and not commit.questions
    settled = _settled_rows(commit.settled, commit.id)[0] if alone else None
    moved = _MOVING_ON.write(connection, _version(commit), rows, settled)
    _moved(commit, connection, moved)
    if alone and not moved[-1]:
        raise LeaseLost
    return () if alone else commit.settled


def _version(commit: Commit) -> dict[str, Any]:
    return {
        "shop": commit.shop,
        "order_id": commit.order_id,
        "version": commit.expected + len(commit.events),
        "expected": commit.expected,
        "attention": commit.attention.rules,
        "amounts": commit.amounts,
    }


def _moved(commit: Commit, connection: Connection, moved: Any) -> None:
    """The order's version was ``moved``, and by which rules it was listed is known. Raises `VersionMoved` for None."""
    if moved is None:
        raise VersionMoved
    _list_attention(connection, commit, moved[1])


def _is_of_the_number(error: IntegrityError) -> bool:
    """Whether a row was refused because another return has its number. PostgreSQL names the index, SQLite the columns
    of it."""
    told: Any = getattr(error.orig, "diag", None)
    if told is not None:
        return bool(told.constraint_name == "retour_return_number")
    return str(error.orig) == "UNIQUE constraint failed: retour_return.shop, retour_return.number"


def _list_attention(connection: Connection, commit: Commit, listed_by: int) -> None:
    """What changed; all of it where other rules listed the order before."""
    rows = commit.attention
    if listed_by != rows.rules:
        list_attention_anew(connection, commit.shop, commit.order_id, rows)
        return
    key = {"in_shop": commit.shop, "of_order": commit.order_id}
    _DROP_ATTENTION.run_each(connection, [{**key, "which": item} for item in rows.gone])
    _PUT_ATTENTION.run_each(connection, rows.changed)


def list_attention_anew(connection: Connection, shop: str, order_id: str, rows: AttentionRows) -> None:
    """All that a person must look at of one order, in place of what was listed before."""
    key = {"in_shop": shop, "of_order": order_id}
    _LISTED_BY.run(connection, rules=rows.rules, **key)
    _DROP_ALL_ATTENTION.run(connection, **key)
    _PUT_ATTENTION.run_each(connection, rows.every)


def complete(connection: Connection, rows: ListRows) -> None:
    """Give the rows of an order what they lack, unless it has moved on."""
    key = {"in_shop": rows.shop, "of_order": rows.order_id}
    if not _HOLD.run(connection, version=rows.version, amounts=rows.amounts, **key):
        return
    _COMPLETE_RETURN.run_each(connection, [{"in_shop": rows.shop, **_named(row)} for row in rows.returns])
    _COMPLETE_REFUND.run_each(connection, [{"in_shop": rows.shop, **_named(row)} for row in rows.refunds])
    _ADD_REASON.run_each(connection, rows.reasons)
    _LABELS.run_each(connection, rows.labels)


def pass_by(connection: Connection, shop: str, order_id: str) -> None:
    """Leave rows of an order as they are that lack what its history would tell, which cannot be read."""
    for statement in (_PASS_BY_ORDER, _PASS_BY_RETURNS, _PASS_BY_REFUNDS):
        statement.run(connection, in_shop=shop, of_order=order_id)


def _named(row: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a row by names that are not those of its columns."""
    return {f"new_{name}": value for name, value in row.items()}


def _effect_rows(commit: Commit) -> list[dict[str, Any]]:
    return [
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
            "behind": effect.behind,
            "account": effect.account,
            "attempts": 0 if effect.owner is None else 1,
        }
        for effect in commit.effects
    ]


def _ask(connection: Connection, commit: Commit, question: Question) -> None:
    """Have it done, or done once more, unless it will be anyway; one of hints when its account has a turn."""
    effect, hints = question.effect, question.hints
    given = {"id": effect.id, "shop": commit.shop, "order_id": commit.order_id, "commit_id": commit.id}
    given |= {"kind": effect.kind, "plugin": effect.plugin, "body": effect.body, "account": effect.account}
    if hints is None:
        _ASK.rows(connection, behind=0, shortest=0, longest=0, **given)
        return
    new = _ASK.row(connection, behind=1, shortest=SHORTEST_PAUSE, longest=LONGEST_PAUSE, **given)
    if new is None:
        return
    provider, account, mode = hints
    of_account = {"shop": commit.shop, "provider": provider, "account": account, "mode": mode}
    next_at, now = _TAKE_TURN.row(connection, between=BETWEEN_QUESTIONS, **of_account)
    turn = next_at - QUESTIONS_AT_ONCE * BETWEEN_QUESTIONS
    if turn > now:
        _WAIT_FOR_TURN.run(connection, effect_id=effect.id, turn=turn)


def settle(connection: Connection, settled: Sequence[SettledEffect], commit_id: str) -> int:
    """Settle those that are still ours; gives how many."""
    return _SETTLE_EFFECT.run_each(connection, _settled_rows(settled, commit_id))


def _settled_rows(settled: Sequence[SettledEffect], commit_id: str) -> list[dict[str, Any]]:
    return [
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
    ]


def _move_version(_: str, insert: Insert) -> Any:
    version, amounts = tables.dossier.c.version, tables.dossier.c.amounts
    statement = insert(tables.dossier).values(
        {name: bindparam(name) for name in ("shop", "order_id", "version", "attention", "amounts")}
    )
    lacking = amounts.in_([literal_column(f"'{one}'") for one in (tables.NOT_YET, tables.UNREADABLE)])
    return statement.on_conflict_do_update(
        index_elements=["shop", "order_id"],
        set_={
            "version": statement.excluded.version,
            "amounts": case((lacking, amounts), else_=statement.excluded.amounts),
        },
        where=version == bindparam("expected"),
    ).returning(version, tables.dossier.c.attention)


def _put(table: Any, keys: Sequence[str], changing: Sequence[str]) -> Build:
    """Insert a row of an index, or move the one that is there on."""

    def build(values: Values) -> Any:
        statement = values.insert(table, table.columns.keys())
        return statement.on_conflict_do_update(
            index_elements=["shop", *keys], set_={name: statement.excluded[name] for name in changing}
        )

    return build


def _drop_refund(_: str, __: Insert) -> Any:
    columns = tables.refund.c
    return delete(tables.refund).where(columns.shop == bindparam("which_shop"), columns.refund_id == bindparam("which"))


def _drop_all_attention(_: str, __: Insert) -> Any:
    columns = tables.attention.c
    return delete(tables.attention).where(
        columns.shop == bindparam("in_shop"), columns.order_id == bindparam("of_order")
    )


def _drop_attention(_: str, __: Insert) -> Any:
    return _drop_all_attention(_, __).where(tables.attention.c.item == bindparam("which"))


def _listed_by(_: str, __: Insert) -> Any:
    columns = tables.dossier.c
    return (
        update(tables.dossier)
        .where(columns.shop == bindparam("in_shop"), columns.order_id == bindparam("of_order"))
        .values(attention=bindparam("rules"))
    )


def _hold(_: str, __: Insert) -> Any:
    """Keeps others from an order that is at this version, and says what is known of its money."""
    columns = tables.dossier.c
    return (
        update(tables.dossier)
        .where(
            columns.shop == bindparam("in_shop"),
            columns.order_id == bindparam("of_order"),
            columns.version == bindparam("version"),
        )
        .values(amounts=bindparam("amounts"))
    )


def _complete(table: Any, key: str, names: Sequence[str]) -> Prepared:
    def build(_: str, __: Insert) -> Any:
        found = table.c.shop == bindparam("in_shop"), table.c[key] == bindparam(f"new_{key}")
        return update(table).where(*found).values({name: bindparam(f"new_{name}") for name in names})

    return Prepared(build)


def _pass_by(table: Any, column: str) -> Prepared:
    def build(_: str, __: Insert) -> Any:
        found = table.c.shop == bindparam("in_shop"), table.c.order_id == bindparam("of_order")
        return update(table).where(*found, sql(f"{column} = ''")).values({column: tables.UNREADABLE})

    return Prepared(build)


_OF_EFFECT = ("id", "shop", "order_id", "kind", "plugin", "body", "owner", "commit_id", "behind", "account", "attempts")
"""The columns of a new effect that are given as they are."""


def _add_effect(values: Values) -> Any:
    now, given = database_now(values.dialect), values.given
    return values.insert(
        tables.effect,
        _OF_EFFECT,
        state=literal_column("'waiting'"),
        lease_until=now + given["lease"],
        settled=literal_column("0"),
        not_before=now + given["delay"],
        created_at=now,
        problem=literal_column("''"),
    ).on_conflict_do_nothing()


def _ask_statement(dialect: str, insert: Insert) -> Any:
    """Where it is there and is going to be done, nothing is written and nothing given.

    It may be asked at once where it was not for longer than the longest pause; else after as long as it has been asked
    again and again, so that each pause is twice the one before.
    """
    columns, now = tables.effect.c, database_now(dialect)
    shortest, longest = (bindparam(name, type_=BigInteger) for name in ("shortest", "longest"))
    added = insert(tables.effect).values(
        **{
            name: bindparam(name)
            for name in ("id", "shop", "order_id", "kind", "plugin", "body", "commit_id", "behind", "account")
        },
        state="waiting",
        owner=None,
        lease_until=0,
        attempts=0,
        settled=0,
        not_before=now,
        created_at=now,
        problem="",
        again=0,
    )
    done, so_far = columns.state == "done", columns.not_before - columns.created_at
    rested = now - columns.not_before >= longest
    pause = case((so_far < shortest, shortest), (so_far > longest, longest), else_=so_far)
    after_it = columns.not_before + pause
    return added.on_conflict_do_update(
        index_elements=["id"],
        set_={
            "state": "waiting",
            "not_before": case((~done, columns.not_before), (or_(rested, after_it <= now), now), else_=after_it),
            "created_at": case((done & rested, now), else_=columns.created_at),
            "again": case((done, 0), else_=now + shortest),
            "attempts": case((done, 0), else_=columns.attempts),
            "settled": case((done, 0), else_=columns.settled),
            "behind": case((done, added.excluded.behind), else_=columns.behind),
            "commit_id": added.excluded.commit_id,
        },
        where=or_(done, and_(columns.owner.is_not(None), columns.again == 0)),
    ).returning(columns.id)


def _take_turn(dialect: str, insert: Insert) -> Any:
    now, next_at = database_now(dialect), tables.hints.c.next_at
    between = bindparam("between", type_=BigInteger)
    added = insert(tables.hints).values(
        **{name: bindparam(name) for name in ("shop", "provider", "account", "mode")}, next_at=now + between
    )
    return added.on_conflict_do_update(
        index_elements=["shop", "provider", "account", "mode"],
        set_={"next_at": case((next_at > now, next_at), else_=now) + between},
    ).returning(next_at, now)


def _wait_for_turn(_: str, __: Insert) -> Any:
    columns, turn = tables.effect.c, bindparam("turn", type_=BigInteger)
    return (
        update(tables.effect)
        .where(columns.id == bindparam("effect_id"))
        .values(
            not_before=case((columns.not_before < turn, turn), else_=columns.not_before),
            again=case((columns.again.between(1, turn), turn), else_=columns.again),
        )
    )


def _settle_effect(dialect: str, moved: Any = None) -> Any:
    """With its order's version ``moved``, or by itself."""
    columns = tables.effect.c
    none: Any = literal_column("0")
    once_more = and_(bindparam("new_state") == "done", columns.again > none)
    return (
        update(tables.effect)
        .where(
            columns.id == bindparam("effect_id"),
            columns.owner == bindparam("holder"),
            columns.state == "waiting",
            *(() if moved is None else (moved.c.version.is_not(None),)),
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
            died=none,
            not_before=case((once_more, columns.again), else_=database_now(dialect) + bindparam("delay")),
            again=none,
            problem=bindparam("new_problem"),
            commit_id=bindparam("settled_by"),
        )
    )


def _withdraw_effect(dialect: str, insert: Insert) -> Any:
    columns = tables.effect.c
    return _supersede_effect(dialect, insert).where(columns.attempts == columns.settled)


def _supersede_effect(dialect: str, _: Insert) -> Any:
    columns, now = tables.effect.c, database_now(dialect)
    return (
        update(tables.effect)
        .where(
            columns.id == bindparam("effect_id"),
            columns.state == "waiting",
            columns.lease_until <= now,
        )
        .values(state="done", not_before=now, owner=None, problem="", commit_id=bindparam("settled_by"))
    )


def _retry_effect(dialect: str, _: Insert) -> Any:
    columns = tables.effect.c
    return (
        update(tables.effect)
        .where(columns.id == bindparam("effect_id"), columns.state == "waiting", columns.not_before >= SET_ASIDE)
        .values(not_before=database_now(dialect))
    )


_MOVE_VERSION, _MOVING_ON = Prepared(_move_version), MovingOn(_move_version, _settle_effect)
_EVENTS = RowsOf("e", tables.event.columns, lambda values: values.insert(tables.event, tables.event.columns.keys()))
_RETURNS = RowsOf(
    "r",
    tables.return_.columns,
    _put(tables.return_, ["return_id"], ("goods", "stock", "waits_for", "since", "due", "details")),
)
_REFUNDS = RowsOf(
    "f",
    tables.refund.columns,
    _put(tables.refund, ["refund_id"], ("state", "waits_for", "since", "batch", "reference", "details")),
)
_LABELS = RowsOf(
    "l",
    tables.label.columns,
    _put(tables.label, ["label_id"], ("state", "waits_for", "since", "details")),
)
_REFERENCES = RowsOf(
    "n",
    tables.reference.columns,
    lambda values: values.insert(tables.reference, tables.reference.columns.keys()).on_conflict_do_nothing(),
)
_EFFECTS = RowsOf(
    "x",
    [*[tables.effect.c[name] for name in _OF_EFFECT], Column("lease", BigInteger), Column("delay", BigInteger)],
    _add_effect,
)
_SETTLE_EFFECT = Prepared(lambda dialect, _: _settle_effect(dialect))
_ADD_REASON = plain_insert(tables.return_reason, ignore=True)
_DROP_REFUND = Prepared(_drop_refund)
_PUT_ATTENTION = RowsOf(
    "a", tables.attention.columns, _put(tables.attention, ["order_id", "item"], ("since", "why", "can_do"))
)
_DROP_ATTENTION = Prepared(_drop_attention)
_DROP_ALL_ATTENTION = Prepared(_drop_all_attention)
_LISTED_BY = Prepared(_listed_by)
_ADD_PERSONAL = plain_insert(tables.personal)
_ASK = Prepared(_ask_statement)
_TAKE_TURN = Prepared(_take_turn)
_WAIT_FOR_TURN = Prepared(_wait_for_turn)
_WITHDRAW_EFFECT = Prepared(_withdraw_effect)
_SUPERSEDE_EFFECT = Prepared(_supersede_effect)
_RETRY_EFFECT = Prepared(_retry_effect)
_HOLD = Prepared(_hold)
_COMPLETE_RETURN = _complete(tables.return_, "return_id", ["details"])
_COMPLETE_REFUND = _complete(tables.refund, "refund_id", ["reference", "details"])
_PASS_BY_ORDER = _pass_by(tables.dossier, "amounts")
_PASS_BY_RETURNS, _PASS_BY_REFUNDS = _pass_by(tables.return_, "details"), _pass_by(tables.refund, "details")
