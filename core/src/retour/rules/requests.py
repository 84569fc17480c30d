"""The goods track from the request to the end of a return: who may announce what, who decides, and how it ends.

requested -> approved | rejected -> in transit -> counted (`retour.rules.counting`) -> closed; cancelled, expired.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence

import attrs

from retour.model.actor import Actor, ActorKind
from retour.model.dossier import Dossier
from retour.model.errors import InvalidArgument, WrongState
from retour.model.events.event import Event
from retour.model.events.goods import (
    EvidenceAdded,
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnExpired,
    ReturnRejected,
    ReturnReopened,
    ReturnRequested,
    ReturnSent,
)
from retour.model.evidence import MOST_EVIDENCE, EvidenceFile
from retour.model.fields import shown
from retour.model.frozen import frozen
from retour.model.order import Order
from retour.model.return_reasons import DEFAULT_RETURN_REASONS, ReturnReason
from retour.model.returns import GOODS_WORDS, GoodsState, Objection, RequestedLine, Return, Severity
from retour.model.text import Text, text
from retour.rules.draft import Draft
from retour.rules.left import more_than_left, units_left
from retour.rules.lines import check_names, check_units
from retour.rules.unneeded_labels import take_labels_back

POLICY = Actor.system("policy")
"""Who decides when nobody had to be asked."""

_MOVES: Mapping[type[Event], frozenset[GoodsState]] = {
    ReturnApproved: frozenset({GoodsState.REQUESTED, GoodsState.APPROVED}),
    ReturnRejected: frozenset({GoodsState.REQUESTED}),
    ReturnSent: frozenset({GoodsState.APPROVED, GoodsState.IN_TRANSIT}),
    ReturnCancelled: frozenset({GoodsState.REQUESTED, GoodsState.APPROVED, GoodsState.IN_TRANSIT}),
    ReturnExpired: frozenset({GoodsState.APPROVED}),
    ReturnClosed: frozenset({GoodsState.PARTLY_RECEIVED, GoodsState.RECEIVED}),
    ReturnReopened: frozenset({GoodsState.REJECTED, GoodsState.CANCELLED, GoodsState.EXPIRED, GoodsState.CLOSED}),
}
"""From which states each event may follow."""

_MAKES: Mapping[type[Event], GoodsState] = {
    ReturnRejected: GoodsState.REJECTED,
    ReturnCancelled: GoodsState.CANCELLED,
    ReturnClosed: GoodsState.CLOSED,
}
"""What an end makes of a return."""

_CANNOT: Mapping[type[Event], Text] = {
    ReturnApproved: text("Order {order}: return {return_id} is {state}, so it cannot be approved. {instead}"),
    ReturnRejected: text("Order {order}: return {return_id} is {state}, so it cannot be rejected. {instead}"),
    ReturnSent: text("Order {order}: return {return_id} is {state}, so it cannot be on its way. {instead}"),
    ReturnCancelled: text("Order {order}: return {return_id} is {state}, so it cannot be cancelled. {instead}"),
    ReturnClosed: text("Order {order}: return {return_id} is {state}, so it cannot be closed. {instead}"),
    ReturnReopened: text("Order {order}: return {return_id} is {state}, so it needs no reopening. {instead}"),
}

_ANEW = text("Reopen it to let it go on, or let the customer request a new one.")

_INSTEAD: Mapping[GoodsState, tuple[Text, str]] = {
    GoodsState.REQUESTED: (
        text("It can be approved, rejected or cancelled."),
        "approve_return, reject_return or cancel_return",
    ),
    GoodsState.APPROVED: (
        text(
            "Say that it was sent when it is on its way, count it when it is here, or cancel it when it will not come."
        ),
        "mark_sent, receive or cancel_return",
    ),
    GoodsState.REJECTED: (text("Reopen it; then it can be approved."), "reopen_return, then approve_return"),
    GoodsState.IN_TRANSIT: (
        text("Count it when it is here, or cancel it when it will not come."),
        "receive or cancel_return",
    ),
    GoodsState.PARTLY_RECEIVED: (
        text("Count what else comes, close it when nothing more does, or correct the receipt that was counted wrong."),
        "receive, close_return or correct_receipt",
    ),
    GoodsState.RECEIVED: (
        text("It can be closed; correct the receipt that was counted wrong."),
        "close_return or correct_receipt",
    ),
    GoodsState.CANCELLED: (_ANEW, "reopen_return"),
    GoodsState.EXPIRED: (_ANEW, "reopen_return"),
    GoodsState.CLOSED: (
        text("Correct the receipt that was counted wrong, or reopen it when more is to come."),
        "correct_receipt or reopen_return",
    ),
}
"""What can be done with a return in each state, for who wanted something else: in words, and the methods for it."""


# --- announcing a return ---------------------------------------------------------------------------------


def requested_lines(dossier: Dossier, order: Order, asked: tuple[RequestedLine, ...]) -> tuple[RequestedLine, ...]:
    """The lines of a request, checked: on the order, once each, and no more units than are in no return yet."""
    check_names(order, [line.line_id for line in asked])
    left = units_left(dossier, order)
    for line in asked:
        check_units(order.id, line.line_id, line.quantity)
        if line.quantity > left[line.line_id]:
            raise more_than_left(dossier, order, line.line_id, line.quantity, left[line.line_id])
    return asked


def chosen_reasons(
    order: Order, asked: tuple[RequestedLine, ...], offered: tuple[ReturnReason, ...] | None
) -> tuple[ReturnReason, ...]:
    """The reasons that the lines of a request name, each once. Raises `InvalidArgument` for a code that is not among
    those that are ``offered``; a host that offers none gets ours, and may give a text in the place of a code."""
    known = {one.code: one for one in (DEFAULT_RETURN_REASONS if offered is None else offered)}
    for line in asked:
        if line.reason and line.reason not in known and offered is not None:
            raise InvalidArgument(
                text(
                    "Order {order}, line {line}: {reason} is no reason of this shop's list. Its reasons: {reasons}.",
                    order=order.id,
                    line=line.line_id,
                    reason=shown(line.reason),
                    reasons=list(known) or [text("none")],
                )
            )
    return tuple([known[code] for code in dict.fromkeys([line.reason for line in asked]) if code in known])


def request(
    draft: Draft,
    order: Order,
    return_id: str,
    lines: tuple[RequestedLine, ...],
    reasons: tuple[ReturnReason, ...],
    objections: Sequence[Objection],
    evidence: Sequence[EvidenceFile],
    note: str | None,
) -> None:
    """Announce a return. Without objections it is approved at once; a refusal rejects what a customer asks, and
    leaves what staff asks to staff."""
    draft.only(
        ActorKind.CUSTOMER,
        ActorKind.STAFF,
        refusal=text("Order {order}: {actor} may not request a return; the customer and staff may."),
    )
    strictest = sorted(objections, key=lambda objection: objection.severity is not Severity.REFUSE)
    draft.record(
        ReturnRequested(
            return_id=return_id,
            lines=lines,
            reasons=reasons,
            evidence_ids=draft.evidence(order, evidence),
            objections=tuple(strictest),
            note_id=draft.note(order, note),
        )
    )
    if not strictest:
        draft.record(ReturnApproved(return_id=return_id), by=POLICY)
    elif strictest[0].severity is Severity.REFUSE and draft.by.kind is ActorKind.CUSTOMER:
        draft.record(ReturnRejected(return_id=return_id, because=str(strictest[0].because or "")), by=POLICY)


def add_evidence(
    draft: Draft, order: Order, return_id: str, evidence: Sequence[EvidenceFile], note: str | None
) -> None:
    """Add files to a return, whatever became of it: they can be what it is looked at again for."""
    draft.only(
        ActorKind.CUSTOMER,
        ActorKind.STAFF,
        refusal=text("Order {order}: {actor} may not add files to a return; the customer and staff may."),
    )
    return_ = draft.dossier.return_(return_id)
    if not evidence:
        raise InvalidArgument(text("Order {order}: the list of files is empty. Name at least one.", order=order.id))
    check_evidence(order.id, len(return_.evidence_ids) + len(evidence))
    draft.record(
        EvidenceAdded(
            return_id=return_id, evidence_ids=draft.evidence(order, evidence), note_id=draft.note(order, note)
        )
    )


def check_evidence(order_id: str, files: int) -> None:
    """Raise `InvalidArgument` for more files than a return can have."""
    if files > MOST_EVIDENCE:
        raise InvalidArgument(
            text(
                "Order {order}: a return has at most {most} files, and these make {files}.",
                order=order_id,
                most=MOST_EVIDENCE,
                files=files,
            )
        )


# --- deciding about it -----------------------------------------------------------------------------------


def approve(
    draft: Draft,
    order: Order,
    return_id: str,
    *,
    send_by: datetime.date | None,
    instructions: str | None,
    note: str | None,
    today: datetime.date,
    told: Callable[[str], str],
) -> None:
    """Say that the goods may come back; against the objections that a policy has, it is an override that names them.
    Again, until they are sent, for another last day or other instructions: what is None stays as it is, and the same
    changes nothing. ``told`` gives the instructions that are kept under an id."""
    draft.only(
        ActorKind.STAFF, ActorKind.SYSTEM, refusal=text("Order {order}: {actor} may not approve a return; staff may.")
    )
    return_ = _check_move(draft.dossier, return_id, ReturnApproved)
    _check_day(order.id, send_by, today)
    again, words = return_.goods is GoodsState.APPROVED, (instructions or "").strip()
    if again and words and return_.instructions_id is not None and words == told(return_.instructions_id):
        words = ""  # he was told so already
    send_by = send_by or return_.send_by
    if again and send_by == return_.send_by and not words and not (note or "").strip():
        return
    draft.record(
        ReturnApproved(
            return_id=return_id,
            send_by=send_by,
            overrides=() if again else return_.objections,
            instructions_id=draft.note(order, words),
            note_id=draft.note(order, note),
        )
    )


def reject(draft: Draft, order: Order, return_id: str, because: str, note: str | None) -> None:
    """Say that the goods may not come back, and why. A label that the customer made in a portal goes with it."""
    draft.only(
        ActorKind.STAFF, ActorKind.SYSTEM, refusal=text("Order {order}: {actor} may not reject a return; staff may.")
    )
    _check_move(draft.dossier, return_id, ReturnRejected)
    if not because.strip():
        raise InvalidArgument(
            text("Order {order}: say why the return is rejected; the customer reads it.", order=order.id)
        )
    draft.record(ReturnRejected(return_id=return_id, because=because.strip(), note_id=draft.note(order, note)))
    take_labels_back(draft, return_id)


# --- on its way, and its end -----------------------------------------------------------------------------


@frozen(kw_only=True)
class Sent:
    """What somebody says of a parcel that he sent himself."""

    tracking: str = ""
    carrier: str = ""
    on: datetime.date | None = None
    proof: EvidenceFile | None = attrs.field(default=None, repr=False)


def send(draft: Draft, order: Order, return_id: str, sent: Sent, note: str | None, *, today: datetime.date) -> None:
    """The goods are on their way; again, to correct the tracking number, or to add what was not said before. The same
    again changes nothing."""
    return_ = _check_move(draft.dossier, return_id, ReturnSent)
    if sent.on is not None and sent.on > today:
        raise InvalidArgument(
            text(
                "Order {order}: {day} is still to come. Say on which day the parcel was sent: today, {today}, or "
                "before.",
                order=order.id,
                day=sent.on,
                today=today,
            )
        )
    proof, carrier = () if sent.proof is None else (sent.proof,), sent.carrier.strip()
    check_evidence(order.id, len(return_.evidence_ids) + len(proof))
    known = (return_.goods, return_.tracking, return_.carrier, return_.sent_on)
    said = (
        GoodsState.IN_TRANSIT,
        sent.tracking or return_.tracking,
        carrier or return_.carrier,
        sent.on or return_.sent_on,
    )
    if said == known and not proof and not (note or "").strip():
        return
    draft.record(
        ReturnSent(
            return_id=return_id,
            tracking=sent.tracking,
            note_id=draft.note(order, note),
            carrier=carrier,
            sent_on=sent.on,
            evidence_ids=draft.evidence(order, proof),
        )
    )


def cancel(draft: Draft, order: Order, return_id: str, note: str | None) -> None:
    """The goods will not come, and the labels for them are taken back. Impossible once something was counted: correct
    the receipt instead."""
    draft.only(
        ActorKind.CUSTOMER,
        ActorKind.STAFF,
        refusal=text("Order {order}: {actor} may not cancel a return; the customer and staff may."),
    )
    _check_move(draft.dossier, return_id, ReturnCancelled)
    draft.record(ReturnCancelled(return_id=return_id, note_id=draft.note(order, note)))
    take_labels_back(draft, return_id)


def expire(draft: Draft, return_id: str, today: datetime.date) -> bool:
    """Expire an approved return whose last day to send has passed, unless a carrier has its parcel; says whether it
    did."""
    return_ = draft.dossier.return_(return_id)
    late = return_.goods in _MOVES[ReturnExpired] and return_.send_by is not None and return_.send_by < today
    due = late and not draft.dossier.carrier_has(return_id)
    if due:
        draft.record(ReturnExpired(return_id=return_id))
    return due


def close(draft: Draft, order: Order, return_id: str, note: str | None) -> None:
    """Expect nothing more: units that were announced but never counted are free for another return."""
    draft.only(
        ActorKind.STAFF, ActorKind.SYSTEM, refusal=text("Order {order}: {actor} may not close a return; staff may.")
    )
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


def reopen(
    draft: Draft, order: Order, return_id: str, send_by: datetime.date | None, note: str | None, *, today: datetime.date
) -> None:
    """Let a return that had ended go on where it was, if its units are still free. A last day that has passed is none
    any more: else it would expire again at once."""
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not reopen a return; staff may."))
    return_ = _check_move(draft.dossier, return_id, ReturnReopened)
    _check_day(order.id, send_by, today)
    if not _has_units(return_):
        raise WrongState(
            text(
                "Order {order}: nothing was announced in return {return_id}, and nothing of it came. Set the order to "
                "Returned to count what comes.",
                order=order.id,
                return_id=return_id,
            ),
            in_code=f"mark_returned({order.id!r}, ...)",
        )
    _check_still_free(draft.dossier, order, return_)
    kept = return_.send_by if return_.send_by is not None and return_.send_by >= today else None
    draft.record(ReturnReopened(return_id=return_id, send_by=send_by or kept, note_id=draft.note(order, note)))


# --- the small print -------------------------------------------------------------------------------------


def may_follow(return_: Return, step: type[Event]) -> bool:
    """Whether a return is in a state from which this step can follow."""
    return return_.goods in _MOVES[step]


def may_be_reopened(dossier: Dossier, order: Order, return_: Return) -> bool:
    """Whether a return that had ended can go on: something was announced or came, and its units are still free."""
    if not may_follow(return_, ReturnReopened) or not _has_units(return_):
        return False
    try:
        _check_still_free(dossier, order, return_)
    except WrongState:
        return False
    return True


def _has_units(return_: Return) -> bool:
    return bool(return_.requested) or any(count.units for count in return_.counted.values())


def _check_move(dossier: Dossier, return_id: str, step: type[Event]) -> Return:
    return_ = dossier.return_(return_id)
    instead, in_code = _INSTEAD[return_.goods]
    if return_.goods is _MAKES.get(step) and not may_follow(return_, step):
        raise WrongState(
            text(
                "Order {order}: return {return_id} is {state} already. {instead}",
                order=dossier.order_id,
                return_id=return_.id,
                state=GOODS_WORDS[return_.goods],
                instead=instead,
            ),
            in_code=in_code,
        )
    if not may_follow(return_, step):
        raise WrongState(
            attrs.evolve(
                _CANNOT[step],
                values={
                    "order": dossier.order_id,
                    "return_id": return_.id,
                    "state": GOODS_WORDS[return_.goods],
                    "instead": instead,
                },
            ),
            in_code=in_code,
        )
    return return_


def _check_day(order_id: str, send_by: datetime.date | None, today: datetime.date) -> None:
    """Raise `InvalidArgument` for a last day that has passed."""
    if send_by is not None and send_by < today:
        raise InvalidArgument(
            text(
                "Order {order}: {day} has passed, so the goods cannot be sent by then. Give today, {today}, or a later "
                "day.",
                order=order_id,
                day=send_by,
                today=today,
            )
        )


def _check_still_free(dossier: Dossier, order: Order, ended: Return) -> None:
    """Raise `WrongState` where other returns have units that one would take again by going on."""
    fulfilled = {line.id: line.fulfilled for line in order.goods}
    names = {line.id: line.name or line.product for line in order.lines}
    taken, own = dossier.claimed(), ended.claimed()
    for line_id, units in attrs.evolve(ended, goods=ended.ended_from or GoodsState.REQUESTED).claimed().items():
        more, left = units - own.get(line_id, 0), max(0, fulfilled.get(line_id, 0) - taken.get(line_id, 0))
        if more > left:
            taking = text(
                "Order {order}: return {return_id} cannot go on. Of line {line} ({name}) it would take {more}; still "
                "in no return: {left} of the {fulfilled} delivered.",
                order=order.id,
                return_id=ended.id,
                more=more,
                line=line_id,
                name=names.get(line_id, line_id),
                left=left,
                fulfilled=fulfilled.get(line_id, 0),
            )
            others = [one.id for one in _returns_with(dossier, line_id) if one.id != ended.id]
            if not others:
                raise WrongState(taking)
            raise WrongState(_with_those(taking, others), in_code="cancel_return or close_return")


def _with_those(taking: Text, others: Sequence[str]) -> Text:
    return text(
        "{taking} The others are in {returns}: cancel the one that is not to come, or close the one of which no more "
        "comes.",
        taking=taking,
        returns=others,
    )


def _returns_with(dossier: Dossier, line_id: str) -> list[Return]:
    """The returns that have units of a line."""
    return [one for one in dossier.returns.values() if one.claimed().get(line_id)]


def wrong_state(dossier: Dossier, return_: Return, sentence: Text) -> WrongState:
    """The error that says, in a ``sentence`` that still lacks its values, what nobody can do with a return now."""
    values = {"order": dossier.order_id, "return_id": return_.id, "state": GOODS_WORDS[return_.goods]}
    return WrongState(attrs.evolve(sentence, values=values))
