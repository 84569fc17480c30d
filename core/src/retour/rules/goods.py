"""The goods track until something is counted: who may send what back, and whether it comes.

requested -> approved | rejected -> in transit -> partly received -> received -> closed; cancelled, expired.
A host may start anywhere: a receipt with no request before it is legal. What arrived: `retour.rules.counting`.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from retour.model.actor import Actor, ActorKind
from retour.model.dossier import Dossier
from retour.model.errors import InvalidArgument, WrongState
from retour.model.events.event import Event
from retour.model.events.goods import (
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnExpired,
    ReturnRejected,
    ReturnRequested,
    ReturnSent,
)
from retour.model.order import Order
from retour.model.returns import GOODS_WORDS, GoodsState, Objection, RequestedLine, Return, Severity
from retour.model.text import Text, text
from retour.rules.draft import Draft
from retour.rules.left import more_than_left, units_left
from retour.rules.lines import check_names, check_units

POLICY = Actor.system("policy")
"""Who decides when nobody had to be asked."""

_MOVES: Mapping[type[Event], frozenset[GoodsState]] = {
    ReturnApproved: frozenset({GoodsState.REQUESTED}),
    ReturnRejected: frozenset({GoodsState.REQUESTED}),
    ReturnSent: frozenset({GoodsState.APPROVED, GoodsState.IN_TRANSIT}),
    ReturnCancelled: frozenset({GoodsState.REQUESTED, GoodsState.APPROVED, GoodsState.IN_TRANSIT}),
    ReturnExpired: frozenset({GoodsState.APPROVED}),
    ReturnClosed: frozenset({GoodsState.PARTLY_RECEIVED, GoodsState.RECEIVED}),
}
"""From which states each event may follow."""

_VERBS: Mapping[type[Event], Text] = {
    ReturnApproved: text("approve"),
    ReturnRejected: text("reject"),
    ReturnSent: text("send"),
    ReturnCancelled: text("cancel"),
    ReturnExpired: text("expire"),
    ReturnClosed: text("close"),
}


# --- announcing a return ---------------------------------------------------------------------------------


def requested_lines(dossier: Dossier, order: Order, asked: tuple[RequestedLine, ...]) -> tuple[RequestedLine, ...]:
    """The lines of a request, checked: on the order, once each, and no more units than are left."""
    check_names(order, [line.line_id for line in asked])
    left = units_left(dossier, order)
    for line in asked:
        check_units(order.id, line.line_id, line.quantity)
        if line.quantity > left[line.line_id]:
            raise more_than_left(dossier, order, line.line_id, line.quantity, left[line.line_id])
    return asked


def request(
    draft: Draft,
    order: Order,
    return_id: str,
    lines: tuple[RequestedLine, ...],
    objections: Sequence[Objection],
    note: str | None,
) -> None:
    """Announce a return. Without objections it is approved at once; a refusal rejects what a customer asks, and
    leaves what staff asks to staff."""
    draft.only(ActorKind.CUSTOMER, ActorKind.STAFF, what=text("request a return"))
    strictest = sorted(objections, key=lambda objection: objection.severity is not Severity.REFUSE)
    draft.record(
        ReturnRequested(return_id=return_id, lines=lines, objections=tuple(strictest), note_id=draft.note(order, note))
    )
    if not strictest:
        draft.record(ReturnApproved(return_id=return_id), by=POLICY)
    elif strictest[0].severity is Severity.REFUSE and draft.by.kind is ActorKind.CUSTOMER:
        draft.record(ReturnRejected(return_id=return_id, because=str(strictest[0].because or "")), by=POLICY)


def approve(draft: Draft, order: Order, return_id: str, send_by: datetime.date | None, note: str | None) -> None:
    """Say that the goods may come back."""
    draft.only(ActorKind.STAFF, ActorKind.SYSTEM, what=text("approve a return"))
    _check_move(draft.dossier, return_id, ReturnApproved)
    draft.record(ReturnApproved(return_id=return_id, send_by=send_by, note_id=draft.note(order, note)))


def reject(draft: Draft, order: Order, return_id: str, because: str, note: str | None) -> None:
    """Say that the goods may not come back, and why."""
    draft.only(ActorKind.STAFF, ActorKind.SYSTEM, what=text("reject a return"))
    _check_move(draft.dossier, return_id, ReturnRejected)
    if not because.strip():
        raise InvalidArgument(
            text("Order {order}: say why the return is rejected; the customer reads it.", order=order.id)
        )
    draft.record(ReturnRejected(return_id=return_id, because=because.strip(), note_id=draft.note(order, note)))


def send(draft: Draft, order: Order, return_id: str, tracking: str, note: str | None) -> None:
    """The goods are on their way; again, to correct the tracking number."""
    _check_move(draft.dossier, return_id, ReturnSent)
    draft.record(ReturnSent(return_id=return_id, tracking=tracking, note_id=draft.note(order, note)))


def cancel(draft: Draft, order: Order, return_id: str, note: str | None) -> None:
    """The goods will not come. Impossible once something was counted: correct the receipt instead."""
    draft.only(ActorKind.CUSTOMER, ActorKind.STAFF, what=text("cancel a return"))
    _check_move(draft.dossier, return_id, ReturnCancelled)
    draft.record(ReturnCancelled(return_id=return_id, note_id=draft.note(order, note)))


def expire(draft: Draft, return_id: str, today: datetime.date) -> bool:
    """Expire an approved return whose last day to send has passed; says whether it did."""
    return_ = draft.dossier.return_(return_id)
    due = return_.goods in _MOVES[ReturnExpired] and return_.send_by is not None and return_.send_by < today
    if due:
        draft.record(ReturnExpired(return_id=return_id))
    return due


def close(draft: Draft, order: Order, return_id: str, note: str | None) -> None:
    """Expect nothing more: units that were announced but never counted are free for another return."""
    draft.only(ActorKind.STAFF, ActorKind.SYSTEM, what=text("close a return"))
    _check_move(draft.dossier, return_id, ReturnClosed)
    if draft.dossier.return_(return_id).question_open:
        raise WrongState(
            text(
                "Order {order}: return {return_id} still waits for an answer about the stock. Answer that first.",
                order=order.id,
                return_id=return_id,
            )
        )
    uncounted = any(draft.dossier.return_(return_id).outstanding().values())
    draft.record(ReturnClosed(return_id=return_id, note_id=draft.note(order, note), uncounted=uncounted))


# --- the small print -------------------------------------------------------------------------------------


def _check_move(dossier: Dossier, return_id: str, step: type[Event]) -> None:
    return_ = dossier.return_(return_id)
    if return_.goods not in _MOVES[step]:
        raise wrong_state(dossier, return_, _VERBS[step])


def wrong_state(dossier: Dossier, return_: Return, verb: Text) -> WrongState:
    """A return that is in a state in which nobody can ``verb`` it."""
    return WrongState(
        text(
            "Order {order}: return {return_id} is {state}, so it is too late or too early to {verb} it.",
            order=dossier.order_id,
            return_id=return_.id,
            state=GOODS_WORDS[return_.goods],
            verb=verb,
        )
    )
