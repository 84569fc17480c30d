"""How each event reads on the timeline, and who may see it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from retour.model.actor import Actor
from retour.model.dossier import Dossier, apply
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
from retour.model.money import Money
from retour.model.order import Order
from retour.model.refunds import REFUND_WORDS, RefundState, state_of
from retour.model.returns import Counted, Extent, Restock, StockMovement
from retour.model.text import Text, text, texts
from retour.model.timeline import Audience, TimelineEntry

_FOR_STAFF_ONLY = frozenset(
    {
        *(RestockAsked, RestockDecided, StockApplied, StockFailed, ReceiptCorrected),
        *(RefundLinkOpened, RefundSubmitted, RefundPutOff, RefundUnclear, RefundHeld, RefundMatched),
        *(RefundRefused, RefundFellBack, RefundHandedOver, RefundCancelAsked, RefundCancelRefused),
    }
)


def entries(
    order: Order,
    events: Iterable[Recorded],
    audience: Audience,
    notes: Mapping[str, str],
    payment_url: Callable[[str], str],
) -> tuple[TimelineEntry, ...]:
    """The timeline of an order for ``audience``, the oldest first.

    ``notes`` are the words that are still kept, by their id; ``payment_url`` gives a payment's page at its provider.
    """
    waiting = sorted(_order_entries(order, audience, payment_url), key=lambda entry: entry.at)
    found: list[TimelineEntry] = []
    dossier = Dossier(order_id=order.id)
    for recorded in events:
        if _shown(recorded, audience):
            while waiting and waiting[0].at <= recorded.at:
                found.append(waiting.pop(0))
            found.append(_entry(dossier, recorded, audience, notes, payment_url))
        dossier = apply(dossier, recorded)
    return (*found, *waiting)


def _order_entries(order: Order, audience: Audience, payment_url: Callable[[str], str]) -> list[TimelineEntry]:
    """What the order itself tells: when it was placed and paid."""
    found = []
    if order.placed_at is not None:
        found.append(
            TimelineEntry(
                seq=0,
                at=order.placed_at,
                by=Actor.customer(order.customer),
                code="order_placed",
                message=text("order placed"),
            )
        )
    for payment in order.payments:
        if payment.paid_at is not None:
            found.append(
                TimelineEntry(
                    seq=0,
                    at=payment.paid_at,
                    by=Actor.provider(payment.provider),
                    code="order_paid",
                    message=text("{amount} paid", amount=payment.captured),
                    url=payment_url(payment.id) if audience is Audience.STAFF else "",
                )
            )
    return found


def _shown(recorded: Recorded, audience: Audience) -> bool:
    kind = type(recorded.event)
    if kind is OrderSeen and recorded.seq == 1:
        return False  # the order's own entries, placed and paid, tell it
    return audience is Audience.STAFF or (kind not in _FOR_STAFF_ONLY and kind is not OrderSeen)


def _entry(
    dossier: Dossier,
    recorded: Recorded,
    audience: Audience,
    notes: Mapping[str, str],
    payment_url: Callable[[str], str],
) -> TimelineEntry:
    event = recorded.event
    note_id: str | None = getattr(event, "note_id", None)
    payment: str = getattr(event, "payment", "")
    by = recorded.by
    if audience is Audience.CUSTOMER and by.kind == "staff":
        by = Actor.staff("")
    return TimelineEntry(
        seq=recorded.seq,
        at=recorded.at,
        by=by,
        code=event.type,
        message=_WORDS[type(event)](dossier, event),
        note=notes.get(note_id or "", "") if audience is Audience.STAFF else "",
        url=payment_url(payment) if payment and audience is Audience.STAFF else "",
    )


def _name(dossier: Dossier, line_id: str) -> str:
    """The line's product name; its id where the order no longer has it."""
    for line in dossier.order.lines if dossier.order is not None else ():
        if line.id == line_id:
            return line.name or line.product
    return line_id


def _units(dossier: Dossier, units: Mapping[str, int]) -> list[Text | str]:
    """``2 × Cup, 1 × Teapot``"""
    return [
        text("{units} × {name}", units=number, name=_name(dossier, line_id))
        for line_id, number in units.items()
        if number
    ]


def _counts(dossier: Dossier, lines: Sequence[Counted]) -> list[Text | str]:
    """``2 × Cup (1 damaged), 1 × Teapot``"""
    shown: list[Text | str] = []
    for line in lines:
        faults: list[Text | str] = []
        if line.damaged:
            faults.append(text("{units} damaged", units=line.damaged))
        if line.missing:
            faults.append(text("{units} missing", units=line.missing))
        if line.wrong:
            faults.append(text("{units} wrong article", units=line.wrong))
        what = text("{units} × {name}", units=line.units, name=_name(dossier, line.line_id))
        shown.append(text("{what} ({faults})", what=what, faults=faults) if faults else what)
    return shown


def _moved(dossier: Dossier, movements: Iterable[StockMovement]) -> list[Text | str]:
    return _units(dossier, {movement.line_id: abs(movement.quantity) for movement in movements})


def _order_changed(dossier: Dossier, event: OrderSeen) -> Text:
    undercut = attrs.evolve(dossier, order=event.order).undercut()
    if undercut:
        return text(
            "The order was changed in the shop, below what already came back or was refunded: {names}. Please look.",
            names=[_name(dossier, name) for name in undercut],
        )
    return text("The order was changed in the shop.")


def _requested(dossier: Dossier, event: ReturnRequested) -> Text:
    lines = _units(dossier, {line.line_id: line.quantity for line in event.lines})
    if event.objections:
        objections: list[Text | str] = [objection.because for objection in event.objections]
        return text("Return requested: {lines}. To look at: {objections}", lines=lines, objections=objections)
    return text("Return requested: {lines}", lines=lines)


def _approved(dossier: Dossier, event: ReturnApproved) -> Text:
    del dossier
    if event.send_by is not None:
        return text("Return approved, to be sent by {day}", day=event.send_by)
    return text("Return approved")


def _rejected(dossier: Dossier, event: ReturnRejected) -> Text:
    del dossier
    return text("Return rejected: {because}", because=event.because)


def _sent(dossier: Dossier, event: ReturnSent) -> Text:
    del dossier
    if event.tracking:
        return text("The goods are on their way, tracking number {tracking}", tracking=event.tracking)
    return text("The goods are on their way")


def _cancelled(dossier: Dossier, event: ReturnCancelled) -> Text:
    del dossier, event
    return text("Return cancelled")


def _expired(dossier: Dossier, event: ReturnExpired) -> Text:
    del dossier, event
    return text("Return expired: the goods were not sent in time")


def _closed(dossier: Dossier, event: ReturnClosed) -> Text:
    del dossier, event
    return text("Return closed")


def _received(dossier: Dossier, event: GoodsReceived) -> Text:
    lines = _counts(dossier, event.lines)
    if event.extent is Extent.FULL:
        return text("Returned: {lines}. The whole order is back.", lines=lines)
    return text("Returned: {lines}", lines=lines)


def _corrected(dossier: Dossier, event: ReceiptCorrected) -> Text:
    return text("Receipt corrected to: {lines}", lines=_counts(dossier, event.lines))


def _asked(dossier: Dossier, event: RestockAsked) -> Text:
    del dossier
    if event.because:
        return text("The stock is not updated yet; the merchant is asked: {because}", because=event.because)
    return text("The stock is not updated yet; the merchant is asked.")


def _decided(dossier: Dossier, event: RestockDecided) -> Text:
    units = sum(abs(movement.quantity) for movement in event.movements)
    lines = _moved(dossier, event.movements)
    by_hand = _units(dossier, event.by_hand)
    if event.corrects:
        if units:
            return texts(
                "{count} unit out of stock again: {lines}",
                "{count} units out of stock again: {lines}",
                units,
                lines=lines,
            )
        return text("Less to book by hand")
    if event.decision.kind is Restock.BY_HAND or not units:
        return text("Cancel: nothing restocked. To book by hand: {lines}", lines=by_hand or [text("nothing")])
    if by_hand:
        return texts(
            "{count} unit to stock: {lines}. To book by hand: {by_hand}",
            "{count} units to stock: {lines}. To book by hand: {by_hand}",
            units,
            lines=lines,
            by_hand=by_hand,
        )
    return texts("OK: {count} unit to stock: {lines}", "OK: {count} units to stock: {lines}", units, lines=lines)


def _applied(dossier: Dossier, event: StockApplied) -> Text:
    movements = dossier.returns[event.return_id].movements
    return text(
        "Stock booked: {lines}",
        lines=_booked(dossier, [movements[one].booking for one in event.movement_ids]),
    )


def _booked(dossier: Dossier, movements: Iterable[StockMovement]) -> list[Text | str]:
    return [
        text("{units} × {name}", units=f"{movement.quantity:+d}", name=_name(dossier, movement.line_id))
        for movement in movements
    ]


def _failed(dossier: Dossier, event: StockFailed) -> Text:
    movement = dossier.returns[event.return_id].movements[event.movement_id].booking
    lines = _booked(dossier, [movement])
    if event.final:
        return text("The shop refused {lines}: {because}. Book it by hand.", lines=lines, because=event.because)
    return text("Stock not booked yet: {lines}. It is tried again: {because}", lines=lines, because=event.because)


def _refund_confirmed(dossier: Dossier, event: RefundConfirmed) -> Text:
    del dossier
    return text("{amount} refunded, reference {reference}", amount=event.amount, reference=event.reference)


def _refund_reversed(dossier: Dossier, event: RefundReversed) -> Text:
    return text(
        "The {amount} came back from the bank, reference {reference}",
        amount=dossier.refunds[event.refund_id].amount,
        reference=event.reference,
    )


def _refund_planned(dossier: Dossier, event: RefundPlanned) -> Text:
    del dossier
    if event.hold:
        return text("Refund of {amount} waits for you: {because}", amount=event.amount, because=event.hold)
    return text("Refund of {amount} is being sent", amount=event.amount)


def _refund_link_opened(dossier: Dossier, event: RefundLinkOpened) -> Text:
    del dossier
    return text("{amount} is being refunded by hand", amount=event.amount)


def _refund_submitted(dossier: Dossier, event: RefundSubmitted) -> Text:
    return text("Refund of {amount} is being sent again", amount=_amount(dossier, event.refund_id))


def _refund_put_off(dossier: Dossier, event: RefundPutOff) -> Text:
    return text(
        "Refund of {amount} was not made yet and is sent again from {time}: {because}",
        amount=_amount(dossier, event.refund_id),
        time=event.not_before,
        because=event.because,
    )


def _refund_unclear(dossier: Dossier, event: RefundUnclear) -> Text:
    return text(
        "It is not clear whether {amount} was refunded; the provider is asked: {because}",
        amount=_amount(dossier, event.refund_id),
        because=event.because,
    )


def _refund_held(dossier: Dossier, event: RefundHeld) -> Text:
    return text(
        "Refund of {amount} waits for you: {because}",
        amount=_amount(dossier, event.refund_id),
        because=event.because,
    )


def _refund_refused(dossier: Dossier, event: RefundRefused) -> Text:
    return text(
        "Refund of {amount} was refused: {because}",
        amount=_amount(dossier, event.refund_id),
        because=event.because,
    )


def _refund_fell_back(dossier: Dossier, event: RefundFellBack) -> Text:
    return text(
        "{amount} waits for your bank transfer, since the provider cannot refund it any more: {because}",
        amount=_amount(dossier, event.refund_id),
        because=event.because,
    )


def _refund_handed_over(dossier: Dossier, event: RefundHandedOver) -> Text:
    if not event.batch:
        return text("Bank transfer of {amount} taken out of its batch", amount=_amount(dossier, event.refund_id))
    return text(
        "Bank transfer of {amount} handed to the bank in batch {batch}",
        amount=_amount(dossier, event.refund_id),
        batch=event.batch,
    )


def _refund_cancel_asked(dossier: Dossier, event: RefundCancelAsked) -> Text:
    return text("The provider is asked to cancel the refund of {amount}", amount=_amount(dossier, event.refund_id))


def _refund_cancel_refused(dossier: Dossier, event: RefundCancelRefused) -> Text:
    return text(
        "The refund of {amount} cannot be cancelled any more: {because}",
        amount=_amount(dossier, event.refund_id),
        because=event.because,
    )


def _refund_reported(dossier: Dossier, event: RefundReported) -> Text:
    refund = dossier.refunds[event.refund_id]
    state = state_of(refund.reported | {event.status})
    if state is RefundState.AWAITING_MERCHANT:
        return text("{amount} waits for your bank transfer", amount=refund.amount)
    if event.because:
        return text(
            "{amount}: {state}, reference {reference} ({because})",
            amount=refund.amount,
            state=REFUND_WORDS[state],
            reference=event.reference,
            because=event.because,
        )
    return text(
        "{amount}: {state}, reference {reference}",
        amount=refund.amount,
        state=REFUND_WORDS[state],
        reference=event.reference,
    )


def _external_refund_found(dossier: Dossier, event: ExternalRefundFound) -> Text:
    del dossier
    state = state_of(frozenset({event.status}))
    if state is not RefundState.SUCCEEDED:
        return text(
            "A refund of {amount} at the provider, reference {reference}: {state}; nobody asked retour for it",
            amount=event.amount,
            reference=event.reference,
            state=REFUND_WORDS[state],
        )
    return text(
        "{amount} was refunded at the provider, reference {reference}; nobody asked retour for it",
        amount=event.amount,
        reference=event.reference,
    )


def _refund_cancelled(dossier: Dossier, event: RefundCancelled) -> Text:
    return text("Refund of {amount} cancelled", amount=_amount(dossier, event.refund_id))


def _refund_matched(dossier: Dossier, event: RefundMatched) -> Text:
    external = dossier.refunds[event.external_id]
    return text(
        "{amount} found at the provider is this refund, reference {reference}",
        amount=external.amount,
        reference=external.reference,
    )


def _amount(dossier: Dossier, refund_id: str) -> Money:
    return dossier.refunds[refund_id].amount


_WORDS: Mapping[type, Callable[[Dossier, Any], Text]] = {
    OrderSeen: _order_changed,
    ReturnRequested: _requested,
    ReturnApproved: _approved,
    ReturnRejected: _rejected,
    ReturnSent: _sent,
    ReturnCancelled: _cancelled,
    ReturnExpired: _expired,
    ReturnClosed: _closed,
    GoodsReceived: _received,
    ReceiptCorrected: _corrected,
    RestockAsked: _asked,
    RestockDecided: _decided,
    StockApplied: _applied,
    StockFailed: _failed,
    RefundPlanned: _refund_planned,
    RefundLinkOpened: _refund_link_opened,
    RefundSubmitted: _refund_submitted,
    RefundPutOff: _refund_put_off,
    RefundUnclear: _refund_unclear,
    RefundHeld: _refund_held,
    RefundRefused: _refund_refused,
    RefundFellBack: _refund_fell_back,
    RefundHandedOver: _refund_handed_over,
    RefundCancelAsked: _refund_cancel_asked,
    RefundCancelRefused: _refund_cancel_refused,
    RefundReported: _refund_reported,
    ExternalRefundFound: _external_refund_found,
    RefundCancelled: _refund_cancelled,
    RefundMatched: _refund_matched,
    RefundConfirmed: _refund_confirmed,
    RefundReversed: _refund_reversed,
}
