"""One commit: every row that one transaction writes about one order, and how it is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import attrs
from sqlalchemy import Connection, Integer, bindparam, case, delete, update

from retour.store import tables
from retour.store.clock import database_now
from retour.store.prepared import Insert, Prepared, plain_insert


class VersionMoved(Exception):
    """Somebody else saved events of the same order since it was loaded; nothing was written."""


class LeaseLost(Exception):
    """An effect is no longer ours: its lease ran out and another worker took it; nothing was written.

    `Effects.held` tells which are still ours.
    """


class EffectTaken(Exception):
    """An effect that was to be withdrawn is with a worker, or a worker died with it; nothing was written."""


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


def write(connection: Connection, commit: Commit) -> None:
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
    if settle(connection, commit.settled, commit.id) != len(commit.settled):
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


def settle(connection: Connection, settled: Sequence[SettledEffect], commit_id: str) -> int:
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
    now = database_now(dialect)
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
            not_before=database_now(dialect) + bindparam("delay"),
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
            columns.lease_until <= database_now(dialect),
        )
        .values(state="done", owner=None, problem="", commit_id=bindparam("settled_by"))
    )


_MOVE_VERSION = Prepared(_move_version)
_ADD_EVENT = plain_insert(tables.event)
_PUT_RETURN = _put(tables.return_, "return_id", ("goods", "stock", "waits_for", "since", "due"))
_PUT_REFUND = _put(tables.refund, "refund_id", ("state", "waits_for", "since", "batch"))
_DROP_REFUND = Prepared(_drop_refund)
_ADD_REFERENCE = plain_insert(tables.reference, ignore=True)
_ADD_PERSONAL = plain_insert(tables.personal)
_ADD_EFFECT = Prepared(_add_effect)
_SETTLE_EFFECT = Prepared(_settle_effect)
_WITHDRAW_EFFECT = Prepared(_withdraw_effect)
_SUPERSEDE_EFFECT = Prepared(_supersede_effect)
