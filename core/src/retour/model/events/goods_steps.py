"""How each event of the goods changes the dossier."""

from __future__ import annotations

from typing import Any

from retour.model.attention import OddLine
from retour.model.dossier import Dossier
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, step, with_return
from retour.model.events.goods import (
    EvidenceAdded,
    GoodsInspected,
    GoodsReceived,
    OrderSeen,
    ReceiptCorrected,
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnExpired,
    ReturnRejected,
    ReturnReopened,
    ReturnRequested,
    ReturnSent,
)
from retour.model.making import changed, unchecked
from retour.model.order import Order
from retour.model.payment_identity import one_payment
from retour.model.returns import Counted, GoodsState, Receipt, Return

_return = unchecked(Return)
_receipt = unchecked(Receipt)


def _moved_to(dossier: Dossier, return_id: str, goods: GoodsState, at: Recorded, **more: Any) -> Changes:
    moved = changed(dossier.returns[return_id], goods=goods, changed=at.when, **more)
    return with_return(moved)


def _ended(dossier: Dossier, return_id: str, goods: GoodsState, at: Recorded) -> Changes:
    return _moved_to(dossier, return_id, goods, at, ended_from=dossier.returns[return_id].goods)


@step(OrderSeen)
def _order_seen(dossier: Dossier, event: OrderSeen, at: Recorded) -> Changes:
    payments = {**dossier.payments, **{payment.id: payment for payment in event.order.payments}}
    changes: Changes = {
        "order": event.order,
        "payments": payments,
        "payments_known": at.when,
        "one_with": one_payment(event.order, payments, dossier.identities, dossier.explained),
        "left_behind": dossier.left_behind - {payment.id for payment in event.order.payments},
        "odd_lines": _odd_lines(dossier, event.order, at),
    }
    if dossier.order is None:
        return changes
    receipts = [receipt for one in dossier.returns.values() for receipt in one.receipts]
    counted_on = {**dict.fromkeys(receipts, dossier.order), **dossier.counted_on}
    return changes | {"order_changed": at.when, "counted_on": counted_on}


def _odd_lines(dossier: Dossier, order: Order, at: Recorded) -> dict[str, OddLine]:
    """What was odd before, and in the same way, has been so since then."""
    found = {line_id: OddLine(told=at.when, why=why) for line_id, why in order.odd_lines().items()}
    return {
        line_id: before if (before := dossier.odd_lines.get(line_id)) is not None and before.why == one.why else one
        for line_id, one in found.items()
    }


@step(ReturnRequested)
def _requested(dossier: Dossier, event: ReturnRequested, at: Recorded) -> Changes:
    del dossier
    return with_return(
        _return(
            id=event.return_id,
            opened=at.when,
            changed=at.when,
            goods=GoodsState.REQUESTED,
            requested={line.line_id: line.quantity for line in event.lines},
            reasons={line.line_id: line.reason for line in event.lines if line.reason},
            reasons_chosen=event.reasons,
            by_reason=event.by_reason,
            evidence_ids=event.evidence_ids,
            objections=event.objections,
        ),
    )


@step(EvidenceAdded)
def _evidence_added(dossier: Dossier, event: EvidenceAdded, at: Recorded) -> Changes:
    del at
    return_ = dossier.returns[event.return_id]
    return with_return(changed(return_, evidence_ids=(*return_.evidence_ids, *event.evidence_ids)))


@step(ReturnApproved)
def _approved(dossier: Dossier, event: ReturnApproved, at: Recorded) -> Changes:
    instructions_id = event.instructions_id or dossier.returns[event.return_id].instructions_id
    changes = {"send_by": event.send_by, "instructions_id": instructions_id}
    return _moved_to(dossier, event.return_id, GoodsState.APPROVED, at, **changes)


@step(ReturnRejected)
def _rejected(dossier: Dossier, event: ReturnRejected, at: Recorded) -> Changes:
    return _ended(dossier, event.return_id, GoodsState.REJECTED, at)


@step(ReturnSent)
def _sent(dossier: Dossier, event: ReturnSent, at: Recorded) -> Changes:
    known = dossier.returns[event.return_id]
    return _moved_to(
        dossier,
        event.return_id,
        GoodsState.IN_TRANSIT,
        at,
        tracking=event.tracking or known.tracking,
        carrier=event.carrier or known.carrier,
        sent_on=event.sent_on or known.sent_on,
        evidence_ids=(*known.evidence_ids, *event.evidence_ids),
        proof_ids=(*known.proof_ids, *event.evidence_ids),
    )


@step(ReturnCancelled)
def _cancelled(dossier: Dossier, event: ReturnCancelled, at: Recorded) -> Changes:
    return _ended(dossier, event.return_id, GoodsState.CANCELLED, at)


@step(ReturnExpired)
def _expired(dossier: Dossier, event: ReturnExpired, at: Recorded) -> Changes:
    return _ended(dossier, event.return_id, GoodsState.EXPIRED, at)


@step(ReturnClosed)
def _closed(dossier: Dossier, event: ReturnClosed, at: Recorded) -> Changes:
    return _ended(dossier, event.return_id, GoodsState.CLOSED, at)


@step(ReturnReopened)
def _reopened(dossier: Dossier, event: ReturnReopened, at: Recorded) -> Changes:
    """What was counted says how far it is; nothing was, where it was not closed. That a label of it could not be
    cancelled is no matter any more: it is needed again."""
    return_ = changed(
        dossier.returns[event.return_id],
        goods=dossier.returns[event.return_id].ended_from or GoodsState.REQUESTED,
        ended_from=None,
        send_by=event.send_by,
        changed=at.when,
    )
    if any(count.units for count in return_.counted.values()):
        return_ = changed(return_, goods=_goods_after_count(return_))
    needed = {one.id: changed(one, not_cancelled=None) for one in dossier.labels_of(return_.id)}
    return {**with_return(return_), "labels": needed}


@step(GoodsReceived)
def _received(dossier: Dossier, event: GoodsReceived, at: Recorded) -> Changes:
    known, when = dossier.returns.get(event.return_id), at.when
    receipt = _receipt(
        id=event.receipt_id,
        opened=when,
        by=at.by,
        parcel=event.parcel,
        lines={line.line_id: line for line in event.lines},
        late=known is not None and known.goods is GoodsState.CLOSED,
        announced=event.came,
    )
    if known is not None:
        return _counted(known, receipt, at)
    return with_return(
        _return(
            id=event.return_id,
            opened=when,
            changed=when,
            goods=GoodsState.RECEIVED,
            receipts={receipt.id: receipt},
        )
    )


@step(ReceiptCorrected)
def _corrected(dossier: Dossier, event: ReceiptCorrected, at: Recorded) -> Changes:
    return_ = dossier.returns[event.return_id]
    receipt = return_.receipts[event.receipt_id]
    lines = {**receipt.lines, **{line.line_id: line for line in event.lines}}
    announced = receipt.announced or event.came_after_all
    return _counted(return_, changed(receipt, lines=lines, announced=announced), at)


@step(GoodsInspected)
def _inspected(dossier: Dossier, event: GoodsInspected, at: Recorded) -> Changes:
    return_ = dossier.returns[event.return_id]
    receipt = return_.receipts[event.receipt_id]
    lines = {**receipt.lines, **{one.line_id: _judged(receipt.lines[one.line_id], one) for one in event.lines}}
    return _counted(return_, changed(receipt, lines=lines), at)


def _judged(count: Counted, found: Counted) -> Counted:
    return changed(
        count,
        sellable=count.sellable + found.sellable,
        damaged=count.damaged + found.damaged,
        missing=count.missing + found.missing,
        wrong=count.wrong + found.wrong,
        to_inspect=count.to_inspect - found.units,
    )


def _counted(return_: Return, receipt: Receipt, at: Recorded) -> Changes:
    counted = return_.with_receipt(receipt, at.when)
    goods = _goods_after_count(counted)
    return with_return(counted if goods is counted.goods else changed(counted, goods=goods))


def _goods_after_count(return_: Return) -> GoodsState:
    if return_.goods is GoodsState.CLOSED:
        return GoodsState.CLOSED
    if not return_.requested:
        return GoodsState.RECEIVED
    if not any(count.units for count in return_.counted.values()):
        return GoodsState.APPROVED
    return GoodsState.PARTLY_RECEIVED if any(return_.outstanding().values()) else GoodsState.RECEIVED
