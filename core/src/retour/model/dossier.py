"""The dossier: all that is known of one order's returns, made by folding its events. The unit that is loaded,
decided on and saved."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import reduce
from typing import Any, TypeAlias, TypeVar

import attrs

from retour.model.errors import UnknownReceipt, UnknownRefund, UnknownReturn
from retour.model.events import (
    ExternalRefundFound,
    GoodsReceived,
    OrderSeen,
    ReceiptCorrected,
    Recorded,
    RefundCancelAsked,
    RefundCancelled,
    RefundCancelRefused,
    RefundConfirmed,
    RefundFellBack,
    RefundHandedOver,
    RefundHeld,
    RefundLinkOpened,
    RefundMatched,
    RefundPlanned,
    RefundPutOff,
    RefundRefused,
    RefundReported,
    RefundReversed,
    RefundSubmitted,
    RefundUnclear,
    RestockAsked,
    RestockDecided,
    ReturnApproved,
    ReturnCancelled,
    ReturnClosed,
    ReturnExpired,
    ReturnRejected,
    ReturnRequested,
    ReturnSent,
    StockApplied,
    StockFailed,
)
from retour.model.money import Money, total
from retour.model.order import Order
from retour.model.refunds import Refund, RefundSource, RefundState, state_of
from retour.model.returns import (
    GoodsState,
    Movement,
    MovementState,
    Receipt,
    Return,
)
from retour.model.text import text


@attrs.frozen(kw_only=True)
class Dossier:
    """All of one order's returns, stock movements and refunds as they are now.

    ``version`` is the ``seq`` of the last event, 0 where nothing happened yet; ``order`` is the order as it was last
    seen, without personal data. ``returns`` and ``refunds`` are by their id, the oldest first. ``requests`` are the
    request_ids that were used: their digest and the ``seq`` of the command's first event.
    """

    order_id: str
    version: int = 0
    order: Order | None = None
    returns: Mapping[str, Return] = attrs.field(factory=dict)
    refunds: Mapping[str, Refund] = attrs.field(factory=dict)
    requests: Mapping[str, tuple[str, int]] = attrs.field(factory=dict)

    def return_(self, return_id: str) -> Return:
        """The return called ``return_id``; raises `UnknownReturn`, naming the returns there are."""
        try:
            return self.returns[return_id]
        except (KeyError, TypeError):
            raise UnknownReturn(
                text(
                    "Order {order} has no return {return_id}. Its returns: {returns}.",
                    order=self.order_id,
                    return_id=str(return_id),
                    returns=list(self.returns) or [text("none")],
                )
            ) from None

    def return_of_receipt(self, receipt_id: str) -> Return:
        """The return that ``receipt_id`` belongs to; raises `UnknownReceipt`."""
        for return_ in self.returns.values():
            if receipt_id in return_.receipts:
                return return_
        raise UnknownReceipt(
            text(
                "Order {order} has no receipt {receipt}. Its receipts: {receipts}.",
                order=self.order_id,
                receipt=str(receipt_id),
                receipts=[one for return_ in self.returns.values() for one in return_.receipts] or [text("none")],
            )
        )

    def claimed(self) -> dict[str, int]:
        """Units of each order line that are in live returns."""
        units: dict[str, int] = {}
        for return_ in self.returns.values():
            for line_id, claimed in return_.claimed().items():
                units[line_id] = units.get(line_id, 0) + claimed
        return units

    def counted(self) -> dict[str, int]:
        """Units of each order line that were counted at a receipt, missing ones included."""
        units: dict[str, int] = {}
        for return_ in self.returns.values():
            if return_.live:
                for line_id, count in return_.counted.items():
                    units[line_id] = units.get(line_id, 0) + count.units
        return units

    def came_back(self) -> dict[str, int]:
        """Units of each order line's own product that are really here again, sellable or damaged."""
        units: dict[str, int] = {}
        for return_ in self.returns.values():
            if return_.live:
                for line_id, count in return_.counted.items():
                    units[line_id] = units.get(line_id, 0) + count.came_back
        return units

    def undercut(self) -> dict[str, int]:
        """What the shop's order, as last seen, takes away from what already happened.

        Per line the units in returns above those fulfilled, per payment the minor units refunded above what was
        captured; empty when the order agrees. Somebody has to look at it.
        """
        if self.order is None:
            return {}
        fulfilled = {line.id: line.fulfilled for line in self.order.lines}
        captured = {payment.id: payment.captured.minor for payment in self.order.payments}
        refunded: dict[str, int] = {}
        for refund in self.refunds.values():
            if refund.takes_money:
                refunded[refund.payment] = refunded.get(refund.payment, 0) + refund.amount.minor
        over = {line_id: units - fulfilled.get(line_id, 0) for line_id, units in self.claimed().items()}
        over |= {payment: minor - captured.get(payment, 0) for payment, minor in refunded.items()}
        return {name: excess for name, excess in over.items() if excess > 0}

    def refunded(self, payment_id: str, currency: str) -> Money:
        """What went back on one payment, or is on its way: every refund that has not certainly failed."""
        amounts = [one.amount for one in self.refunds.values() if one.payment == payment_id and one.takes_money]
        return total(amounts, currency)

    def page(self, payment_id: str) -> str:
        """A payment's page as its provider last named it; empty where it never did."""
        pages = [one.page for one in self.refunds.values() if one.payment == payment_id and one.page]
        return pages[-1] if pages else ""

    def refund(self, refund_id: str) -> Refund:
        """The refund called ``refund_id``; raises `UnknownRefund`, naming the refunds there are."""
        try:
            return self.refunds[refund_id]
        except (KeyError, TypeError):
            raise UnknownRefund(
                text(
                    "Order {order} has no refund {refund}. Its refunds: {refunds}.",
                    order=self.order_id,
                    refund=str(refund_id),
                    refunds=list(self.refunds) or [text("none")],
                )
            ) from None


def fold(order_id: str, events: Iterable[Recorded]) -> Dossier:
    """The dossier that ``events``, in their order, make."""
    return reduce(apply, events, Dossier(order_id=order_id))


def apply(dossier: Dossier, recorded: Recorded) -> Dossier:
    """``dossier`` after one more event."""
    changed = _STEPS[type(recorded.event)](dossier, recorded.event, recorded)
    if recorded.request_id is not None and recorded.request_digest is not None:
        used = (recorded.request_digest, recorded.command)
        changed["requests"] = {**dossier.requests, recorded.request_id: used}
    return attrs.evolve(dossier, version=recorded.seq, **changed)


@attrs.frozen
class History:
    """An order's events, and the dossier that they make."""

    events: tuple[Recorded, ...]
    dossier: Dossier

    @classmethod
    def of(cls, order_id: str, events: Iterable[Recorded]) -> History:
        """The history that ``events``, in their order, tell."""
        told = tuple(events)
        return cls(told, fold(order_id, told))

    def after(self, events: Iterable[Recorded], dossier: Dossier) -> History:
        """This history with more ``events``, which made ``dossier`` of it."""
        return History((*self.events, *events), dossier)


Changes: TypeAlias = dict[str, Any]
_E = TypeVar("_E")
_STEPS: dict[type, Callable[[Dossier, Any, Recorded], Changes]] = {}


def _step(
    kind: type[_E],
) -> Callable[[Callable[[Dossier, _E, Recorded], Changes]], Callable[[Dossier, _E, Recorded], Changes]]:
    def register(
        function: Callable[[Dossier, _E, Recorded], Changes],
    ) -> Callable[[Dossier, _E, Recorded], Changes]:
        _STEPS[kind] = function
        return function

    return register


def _with_return(dossier: Dossier, return_: Return) -> Changes:
    return {"returns": {**dossier.returns, return_.id: return_}}


def _moved_to(dossier: Dossier, return_id: str, goods: GoodsState, at: Recorded, **more: Any) -> Changes:
    changed = attrs.evolve(dossier.returns[return_id], goods=goods, changed_at=at.at, **more)
    return _with_return(dossier, changed)


@_step(OrderSeen)
def _order_seen(dossier: Dossier, event: OrderSeen, at: Recorded) -> Changes:
    del dossier, at
    return {"order": event.order}


@_step(ReturnRequested)
def _requested(dossier: Dossier, event: ReturnRequested, at: Recorded) -> Changes:
    return _with_return(
        dossier,
        Return(
            id=event.return_id,
            opened_at=at.at,
            changed_at=at.at,
            goods=GoodsState.REQUESTED,
            requested={line.line_id: line.quantity for line in event.lines},
            reasons={line.line_id: line.reason for line in event.lines if line.reason},
            objections=event.objections,
        ),
    )


@_step(ReturnApproved)
def _approved(dossier: Dossier, event: ReturnApproved, at: Recorded) -> Changes:
    return _moved_to(dossier, event.return_id, GoodsState.APPROVED, at, send_by=event.send_by)


@_step(ReturnRejected)
def _rejected(dossier: Dossier, event: ReturnRejected, at: Recorded) -> Changes:
    return _moved_to(dossier, event.return_id, GoodsState.REJECTED, at)


@_step(ReturnSent)
def _sent(dossier: Dossier, event: ReturnSent, at: Recorded) -> Changes:
    return _moved_to(dossier, event.return_id, GoodsState.IN_TRANSIT, at, tracking=event.tracking)


@_step(ReturnCancelled)
def _cancelled(dossier: Dossier, event: ReturnCancelled, at: Recorded) -> Changes:
    return _moved_to(dossier, event.return_id, GoodsState.CANCELLED, at)


@_step(ReturnExpired)
def _expired(dossier: Dossier, event: ReturnExpired, at: Recorded) -> Changes:
    return _moved_to(dossier, event.return_id, GoodsState.EXPIRED, at)


@_step(ReturnClosed)
def _closed(dossier: Dossier, event: ReturnClosed, at: Recorded) -> Changes:
    return _moved_to(dossier, event.return_id, GoodsState.CLOSED, at)


@_step(GoodsReceived)
def _received(dossier: Dossier, event: GoodsReceived, at: Recorded) -> Changes:
    return_ = dossier.returns.get(event.return_id) or Return(
        id=event.return_id, opened_at=at.at, changed_at=at.at, goods=GoodsState.RECEIVED
    )
    receipt = Receipt(id=event.receipt_id, at=at.at, lines={line.line_id: line for line in event.lines})
    return _counted(dossier, return_, receipt, at)


@_step(ReceiptCorrected)
def _corrected(dossier: Dossier, event: ReceiptCorrected, at: Recorded) -> Changes:
    return_ = dossier.returns[event.return_id]
    receipt = return_.receipts[event.receipt_id]
    lines = {**receipt.lines, **{line.line_id: line for line in event.lines}}
    return _counted(dossier, return_, attrs.evolve(receipt, lines=lines), at)


def _counted(dossier: Dossier, return_: Return, receipt: Receipt, at: Recorded) -> Changes:
    counted = attrs.evolve(return_, receipts={**return_.receipts, receipt.id: receipt}, changed_at=at.at)
    return _with_return(dossier, attrs.evolve(counted, goods=_goods_after_count(counted)))


def _goods_after_count(return_: Return) -> GoodsState:
    if return_.goods is GoodsState.CLOSED:
        return GoodsState.CLOSED
    counted = return_.counted
    if return_.requested and not any(count.units for count in counted.values()):
        return GoodsState.APPROVED
    complete = all(
        line_id in counted and counted[line_id].units >= units for line_id, units in return_.requested.items()
    )
    return GoodsState.RECEIVED if complete else GoodsState.PARTLY_RECEIVED


@_step(RestockAsked)
def _restock_asked(dossier: Dossier, event: RestockAsked, at: Recorded) -> Changes:
    return _with_return(dossier, attrs.evolve(dossier.returns[event.return_id], question_open=True, changed_at=at.at))


@_step(RestockDecided)
def _restock_decided(dossier: Dossier, event: RestockDecided, at: Recorded) -> Changes:
    return_ = dossier.returns[event.return_id]
    booked = {movement.id: Movement(booking=movement) for movement in event.movements}
    return _with_return(
        dossier,
        attrs.evolve(
            return_,
            decided=return_.decided if event.corrects else event.decision,
            question_open=return_.question_open and event.corrects,
            by_hand=event.by_hand,
            movements={**return_.movements, **booked},
            changed_at=at.at,
        ),
    )


@_step(StockApplied)
def _stock_applied(dossier: Dossier, event: StockApplied, at: Recorded) -> Changes:
    return_ = dossier.returns[event.return_id]
    applied = {
        movement_id: attrs.evolve(return_.movements[movement_id], state=MovementState.APPLIED, why="")
        for movement_id in event.movement_ids
    }
    return _with_return(dossier, attrs.evolve(return_, movements={**return_.movements, **applied}, changed_at=at.at))


@_step(StockFailed)
def _stock_failed(dossier: Dossier, event: StockFailed, at: Recorded) -> Changes:
    return_ = dossier.returns[event.return_id]
    movement = return_.movements[event.movement_id]
    by_hand = dict(return_.by_hand)
    if event.final:
        line_id = movement.booking.line_id
        by_hand[line_id] = by_hand.get(line_id, 0) + movement.booking.quantity
    failed = attrs.evolve(
        movement,
        state=MovementState.REFUSED if event.final else MovementState.FAILED,
        why=event.because,
    )
    return _with_return(
        dossier,
        attrs.evolve(
            return_,
            movements={**return_.movements, event.movement_id: failed},
            by_hand=by_hand,
            changed_at=at.at,
        ),
    )


def _with_refund(dossier: Dossier, refund_id: str, at: Recorded, **changes: Any) -> Changes:
    refund = attrs.evolve(dossier.refunds[refund_id], changed_at=at.at, **changes)
    return {"refunds": {**dossier.refunds, refund_id: refund}}


def _new_refund(dossier: Dossier, at: Recorded, **values: Any) -> Changes:
    refund = Refund(at=at.at, changed_at=at.at, **values)
    return {"refunds": {**dossier.refunds, refund.id: refund}}


@_step(RefundPlanned)
def _refund_planned(dossier: Dossier, event: RefundPlanned, at: Recorded) -> Changes:
    return _new_refund(
        dossier,
        at,
        id=event.refund_id,
        payment=event.payment,
        amount=event.amount,
        state=RefundState.PLANNED if event.hold else RefundState.SUBMITTING,
        source=RefundSource.API,
        return_id=event.return_id,
        sent=event.sent,
        sent_at=None if event.hold else at.at,
        problem=event.hold,
        needs_person=bool(event.hold),
        page=event.page,
    )


@_step(RefundLinkOpened)
def _refund_link_opened(dossier: Dossier, event: RefundLinkOpened, at: Recorded) -> Changes:
    return _new_refund(
        dossier,
        at,
        id=event.refund_id,
        payment=event.payment,
        amount=event.amount,
        state=RefundState.AWAITING_MERCHANT,
        source=RefundSource.LINK,
        return_id=event.return_id,
        by_transfer=event.by_transfer,
    )


@_step(RefundSubmitted)
def _refund_submitted(dossier: Dossier, event: RefundSubmitted, at: Recorded) -> Changes:
    return _with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.SUBMITTING,
        sent_at=at.at,
        unclear_at=None,
        problem="",
        needs_person=False,
        waits_until=None,
    )


@_step(RefundPutOff)
def _refund_put_off(dossier: Dossier, event: RefundPutOff, at: Recorded) -> Changes:
    return _with_refund(
        dossier,
        event.refund_id,
        at,
        problem=event.because,
        waits_until=event.not_before,
    )


@_step(RefundUnclear)
def _refund_unclear(dossier: Dossier, event: RefundUnclear, at: Recorded) -> Changes:
    return _with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.UNKNOWN,
        unclear_at=at.at if event.tried else (dossier.refunds[event.refund_id].unclear_at or at.at),
        problem=event.because,
        needs_person=False,
        waits_until=None,
    )


@_step(RefundHeld)
def _refund_held(dossier: Dossier, event: RefundHeld, at: Recorded) -> Changes:
    unclear = dossier.refunds[event.refund_id].state is RefundState.UNKNOWN
    return _with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.UNKNOWN if unclear else RefundState.PLANNED,
        problem=event.because,
        needs_person=True,
        waits_until=None,
    )


@_step(RefundRefused)
def _refund_refused(dossier: Dossier, event: RefundRefused, at: Recorded) -> Changes:
    return _with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.FAILED,
        problem=event.because,
        waits_until=None,
    )


@_step(RefundFellBack)
def _refund_fell_back(dossier: Dossier, event: RefundFellBack, at: Recorded) -> Changes:
    return _with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.AWAITING_MERCHANT,
        by_transfer=True,
        problem=event.because,
        needs_person=False,
        waits_until=None,
    )


@_step(RefundHandedOver)
def _refund_handed_over(dossier: Dossier, event: RefundHandedOver, at: Recorded) -> Changes:
    return _with_refund(dossier, event.refund_id, at, batch=event.batch)


@_step(RefundCancelAsked)
def _refund_cancel_asked(dossier: Dossier, event: RefundCancelAsked, at: Recorded) -> Changes:
    return _with_refund(dossier, event.refund_id, at, cancelling=True)


@_step(RefundCancelRefused)
def _refund_cancel_refused(dossier: Dossier, event: RefundCancelRefused, at: Recorded) -> Changes:
    return _with_refund(dossier, event.refund_id, at, cancelling=False, problem=event.because)


@_step(RefundReported)
def _refund_reported(dossier: Dossier, event: RefundReported, at: Recorded) -> Changes:
    reported = dossier.refunds[event.refund_id].reported | {event.status}
    return _with_refund(
        dossier,
        event.refund_id,
        at,
        state=state_of(reported),
        reported=reported,
        reference=event.reference or dossier.refunds[event.refund_id].reference,
        problem=event.because,
        needs_person=False,
        waits_until=None,
        by_transfer=state_of(reported) is RefundState.AWAITING_MERCHANT,
        cancelling=dossier.refunds[event.refund_id].cancelling and state_of(reported) is RefundState.PENDING,
    )


@_step(ExternalRefundFound)
def _external_refund_found(dossier: Dossier, event: ExternalRefundFound, at: Recorded) -> Changes:
    return _new_refund(
        dossier,
        at,
        id=event.refund_id,
        payment=event.payment,
        amount=event.amount,
        state=state_of(frozenset({event.status})),
        source=RefundSource.EXTERNAL,
        reference=event.reference,
        reported=frozenset({event.status}),
    )


@_step(RefundCancelled)
def _refund_cancelled(dossier: Dossier, event: RefundCancelled, at: Recorded) -> Changes:
    return _with_refund(
        dossier,
        event.refund_id,
        at,
        state=RefundState.CANCELLED,
        problem=event.because,
        needs_person=False,
        waits_until=None,
    )


@_step(RefundMatched)
def _refund_matched(dossier: Dossier, event: RefundMatched, at: Recorded) -> Changes:
    external = dossier.refunds[event.external_id]
    changed = _with_refund(
        dossier,
        event.refund_id,
        at,
        state=external.state,
        reported=external.reported,
        reference=external.reference,
        problem="",
        needs_person=False,
    )
    del changed["refunds"][event.external_id]
    return changed


@_step(RefundReversed)
def _refund_reversed(dossier: Dossier, event: RefundReversed, at: Recorded) -> Changes:
    return _with_refund(dossier, event.refund_id, at, state=RefundState.REVERSED, needs_person=False)


@_step(RefundConfirmed)
def _refund_confirmed(dossier: Dossier, event: RefundConfirmed, at: Recorded) -> Changes:
    if event.refund_id in dossier.refunds:
        return _with_refund(
            dossier,
            event.refund_id,
            at,
            state=RefundState.SUCCEEDED,
            reference=event.reference,
            problem="",
            needs_person=False,
        )
    return _new_refund(
        dossier,
        at,
        id=event.refund_id,
        payment=event.payment,
        amount=event.amount,
        state=RefundState.SUCCEEDED,
        source=RefundSource.PERSON,
        reference=event.reference,
        return_id=event.return_id,
    )
