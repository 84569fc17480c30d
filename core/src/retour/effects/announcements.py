"""What an announcing hook is told: made from the event, whenever it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from retour.model.announced_returns import ApprovedReturn, ClosedReturn, RequestedReturn
from retour.model.charge_backs import DisputeStep, PaymentDispute
from retour.model.dossier import Dossier
from retour.model.events.charge_backs import PaymentChargedBack, PaymentDisputed, ReversalNotShown
from retour.model.events.event import (
    ORDER_RETURNED,
    ORDER_STATUS_CHANGED,
    PARCEL_MOVED,
    PAYMENT_DISPUTED,
    REFUND_CHANGED,
    RESTOCKED,
    RETURN_APPROVED,
    RETURN_CLOSED,
    RETURN_RECEIVED,
    RETURN_REQUESTED,
    Recorded,
    announcing_hooks,
)
from retour.model.events.goods import (
    GoodsInspected,
    GoodsReceived,
    ReceiptCorrected,
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnExpired,
    ReturnRejected,
    ReturnRequested,
)
from retour.model.events.labels import LabelReported, ParcelMoved
from retour.model.events.stock import StockApplied
from retour.model.frozen import frozen
from retour.model.history import fold
from retour.model.labels import Label, LabelState
from retour.model.order import Order
from retour.model.returns import Restocked
from retour.plugins.context import HookContext
from retour.plugins.hooks import Hooks
from retour.rules.counting import as_received, as_returned

Kept: TypeAlias = Callable[[], Mapping[str, str]]
"""Gives the words of an order that are still kept, by their id."""


@frozen(kw_only=True)
class Announcement:
    """One event that one plugin is told of: all ``events`` of the order up to it, and the ``dossier`` and the ``order``
    as they were then."""

    hooks: Hooks
    plugin: str
    events: Sequence[Recorded]
    dossier: Dossier
    order: Order
    kept: Kept
    ctx: HookContext


def announce(
    hooks: Hooks, shop: str, plugin: str, hook: str, order_id: str, events: Sequence[Recorded], kept: Kept
) -> None:
    """Tell ``plugin``, through ``hook``, about the last of ``events``; raises `PluginFailed`.

    ``events`` are all events of the order up to that one, so the plugin hears what was true then; words that are kept
    apart are as they are now. What was once announced by this hook, and is no longer, is told to nobody.
    """
    recorded = events[-1]
    if hook not in announcing_hooks(recorded.event):
        return
    dossier = fold(order_id, events)
    if dossier.order is None:
        raise LookupError(f"order {order_id} has no facts before event {recorded.seq}")
    ctx = HookContext(shop=shop, by=recorded.by, at=recorded.at, event=f"{shop}/{order_id}/{recorded.seq}")
    told = Announcement(
        hooks=hooks, plugin=plugin, events=events, dossier=dossier, order=dossier.order, kept=kept, ctx=ctx
    )
    _TELL[hook](told, recorded.event)


def _return_requested(told: Announcement, event: ReturnRequested) -> None:
    requested = RequestedReturn(
        return_id=event.return_id,
        number=told.dossier.returns[event.return_id].number,
        lines=event.by_reason or event.lines,
        reasons=event.reasons,
        objections=event.objections,
        files=len(event.evidence_ids),
    )
    told.hooks.on_return_requested(told.plugin, told.order, requested, told.ctx)


def _return_approved(told: Announcement, event: ReturnApproved | LabelReported) -> None:
    return_ = told.dossier.returns[event.return_id]
    before = [one.event for one in told.events[:-1] if isinstance(one.event, ReturnApproved)]
    approved = ApprovedReturn(
        return_id=return_.id,
        number=return_.number,
        lines=return_.announced,
        send_by=return_.send_by,
        instructions=told.kept().get(return_.instructions_id, "") if return_.instructions_id is not None else "",
        again=any(one.return_id == return_.id for one in before),
        labels=tuple([one for one in told.dossier.labels_of(return_.id) if _to_be_used(one)]),
    )
    told.hooks.on_return_approved(told.plugin, told.order, approved, told.ctx)


def _to_be_used(label: Label) -> bool:
    return label.state is LabelState.READY and label.open and not label.cancel_asked


def _return_closed(told: Announcement, event: ReturnRejected | ReturnCancelled | ReturnExpired | ReturnClosed) -> None:
    return_ = told.dossier.returns[event.return_id]
    closed = ClosedReturn(
        return_id=return_.id,
        number=return_.number,
        lines=return_.announced,
        ended=return_.goods,
        because=event.because if isinstance(event, ReturnRejected) else "",
    )
    told.hooks.on_return_closed(told.plugin, told.order, closed, told.ctx)


def _order_returned(told: Announcement, event: GoodsReceived | ReceiptCorrected) -> None:
    counts = tuple(told.dossier.returns[event.return_id].receipts[event.receipt_id].lines.values())
    returned = as_returned(told.order, event.return_id, event.receipt_id, counts, told.dossier.extent)
    told.hooks.on_order_returned(told.plugin, told.order, returned, told.ctx)


def _restocked(told: Announcement, event: StockApplied) -> None:
    movements = told.dossier.returns[event.return_id].movements
    booked = tuple([movements[movement_id].booking for movement_id in event.movement_ids])
    restocked = Restocked(return_id=event.return_id, movements=booked)
    told.hooks.on_restocked(told.plugin, told.order, restocked, told.ctx)


def _refund_changed(told: Announcement, event: Any) -> None:
    refund = told.dossier.refunds[event.subject.refund_id]
    told.hooks.on_refund_changed(told.plugin, told.order, refund, told.ctx)


def _parcel_moved(told: Announcement, event: ParcelMoved) -> None:
    told.hooks.on_parcel_moved(told.plugin, told.order, told.dossier.labels[event.label_id], told.ctx)


def _return_received(told: Announcement, event: GoodsReceived | ReceiptCorrected | ReturnClosed) -> None:
    received = as_received(told.dossier.returns[event.return_id])
    told.hooks.on_return_received(told.plugin, told.order, received, told.ctx)


def _order_status_changed(told: Announcement, event: GoodsReceived | ReceiptCorrected | GoodsInspected) -> None:
    status = event.order_status or told.dossier.order_status
    told.hooks.on_order_status_changed(told.plugin, told.order, status, told.ctx)


def _payment_disputed(told: Announcement, event: PaymentChargedBack | PaymentDisputed | ReversalNotShown) -> None:
    earlier, currency = told.events[:-1], _currency(told, event)
    before = fold(told.dossier.order_id, earlier).charged_back_there(event.payment, currency)
    now = told.dossier.charged_back_there(event.payment, currency)
    if isinstance(event, PaymentChargedBack):
        step = DisputeStep.TAKEN_BACK if now > before else DisputeStep.GIVEN_BACK
    elif isinstance(event, ReversalNotShown):
        step = DisputeStep.NOT_SHOWN
    else:
        opened = _opened(told, event)
        if event.disputed:
            step = DisputeStep.OPENED if opened is None else DisputeStep.CHANGED
        else:
            began = fold(told.dossier.order_id, earlier[: opened or 0]).charged_back_there(event.payment, currency)
            step = DisputeStep.LOST if now > began else DisputeStep.WON
    dispute = PaymentDispute(
        payment=event.payment,
        step=step,
        taken_back=now,
        difference=now - before,
        only_whole=isinstance(event, PaymentDisputed) and event.only_whole,
    )
    told.hooks.on_payment_disputed(told.plugin, told.order, dispute, told.ctx)


def _currency(told: Announcement, event: PaymentChargedBack | PaymentDisputed | ReversalNotShown) -> str:
    """That of the payment; the order's where it has left the order."""
    if isinstance(event, PaymentChargedBack):
        return event.amount.currency
    payment = next((one for one in told.order.payments if one.id == event.payment), None)
    return told.order.currency if payment is None else payment.captured.currency


def _opened(told: Announcement, event: PaymentDisputed) -> int | None:
    """Where the dispute began that an event is about: how many events there were before; None if it begins with it."""
    same = told.dossier.same_there()
    there = same.get(event.payment, event.payment)
    began = None
    for place, one in enumerate(told.events[:-1]):
        if isinstance(one.event, PaymentDisputed) and same.get(one.event.payment, one.event.payment) == there:
            began = (place if began is None else began) if one.event.disputed else None
    return began


_TELL: Mapping[str, Callable[[Announcement, Any], None]] = {
    RETURN_REQUESTED: _return_requested,
    RETURN_APPROVED: _return_approved,
    RETURN_CLOSED: _return_closed,
    ORDER_RETURNED: _order_returned,
    RETURN_RECEIVED: _return_received,
    ORDER_STATUS_CHANGED: _order_status_changed,
    RESTOCKED: _restocked,
    REFUND_CHANGED: _refund_changed,
    PARCEL_MOVED: _parcel_moved,
    PAYMENT_DISPUTED: _payment_disputed,
}
"""How each announcing hook is told of an event."""
