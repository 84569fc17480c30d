"""How each event of the goods reads."""

from __future__ import annotations

from collections.abc import Sequence

from retour.model.dossier import Dossier
from retour.model.events.event import EVERYBODY
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
from retour.model.events.telling import CUSTOMER, name_of, told, units_and_reasons, units_of
from retour.model.returns import GOODS_WORDS, Counted, Extent
from retour.model.text import Text, text, texts


@told(OrderSeen)
def _order_changed(dossier: Dossier, event: OrderSeen) -> Text:
    del event
    vanished = [one.id for one in dossier.vanished()]
    if vanished:
        return texts(
            "A payment on which money went back, or is to go back, is not on the shop's order any more: {payments}. "
            "Please say what became of it.",
            "{count} payments on which money went back, or is to go back, are not on the shop's order any more: "
            "{payments}. Please say what became of them.",
            len(vanished),
            payments=vanished,
        )
    changed = {} if dossier.order is None else dossier.changed_lines(dossier.order)
    if changed:
        return text("The order was changed in the shop: {lines}.", lines=[why.words for why in changed.values()])
    excess = dossier.excess_over_order()
    if excess:
        return text(
            "The order was changed in the shop, below what already came back or was refunded: {names}. Please look.",
            names=[name_of(dossier, name) for name in excess],
        )
    return text("The order was changed in the shop.")


@told(ReturnRequested)
def _requested(dossier: Dossier, event: ReturnRequested) -> Text:
    lines = _requested_units(dossier, event, told_all=True)
    objections: list[Text | str] = [one.because.words for one in event.objections if one.because is not None]
    if objections:
        requested = text("Return requested: {lines}. To look at: {objections}", lines=lines, objections=objections)
    else:
        requested = text("Return requested: {lines}", lines=lines)
    return _with_files(requested, event)


@told(ReturnRequested, to=CUSTOMER)
def _requested_by_customer(dossier: Dossier, event: ReturnRequested) -> Text:
    return _with_files(text("Return requested: {lines}", lines=_requested_units(dossier, event, told_all=False)), event)


def _requested_units(dossier: Dossier, event: ReturnRequested, *, told_all: bool) -> list[Text | str]:
    return units_and_reasons(dossier, event.by_reason or event.lines, event.reasons, told_all=told_all)


def _with_files(requested: Text, event: ReturnRequested) -> Text:
    if not event.evidence_ids:
        return requested
    return Text(message="{requested}. {files}", values={"requested": requested, "files": _files(event.evidence_ids)})


def _files(evidence_ids: Sequence[str]) -> Text:
    return texts("{count} file added", "{count} files added", len(evidence_ids))


@told(EvidenceAdded)
def _evidence_added(dossier: Dossier, event: EvidenceAdded) -> Text:
    del dossier
    return _files(event.evidence_ids)


@told(ReturnApproved)
def _approved(dossier: Dossier, event: ReturnApproved) -> Text:
    del dossier
    approved = _approved_until(event)
    if not event.overrides:
        return approved
    said: list[Text | str] = [one.because.words for one in event.overrides if one.because is not None]
    against = text("A rule of the shop is overridden: {objections}", objections=said or [text("it gave no reason")])
    return Text(message="{approved}. {against}", values={"approved": approved, "against": against})


@told(ReturnApproved, to=CUSTOMER)
def _approved_for_customer(dossier: Dossier, event: ReturnApproved) -> Text:
    del dossier
    return _approved_until(event)


def _approved_until(event: ReturnApproved) -> Text:
    if event.send_by is not None:
        return text("Return approved, to be sent by {day}", day=event.send_by)
    return text("Return approved")


@told(ReturnRejected, to=EVERYBODY)
def _rejected(dossier: Dossier, event: ReturnRejected) -> Text:
    del dossier
    if not event.because:  # a policy refused it and did not say why
        return text("Return rejected")
    return text("Return rejected: {because}", because=event.because)


@told(ReturnSent, to=EVERYBODY)
def _sent(dossier: Dossier, event: ReturnSent) -> Text:
    del dossier
    if event.tracking and event.carrier:
        return text(
            "The goods are on their way with {carrier}, tracking number {tracking}",
            carrier=event.carrier,
            tracking=event.tracking,
        )
    if event.tracking:
        return text("The goods are on their way, tracking number {tracking}", tracking=event.tracking)
    if event.carrier:
        return text("The goods are on their way with {carrier}", carrier=event.carrier)
    return text("The goods are on their way")


@told(ReturnCancelled, to=EVERYBODY)
def _cancelled(dossier: Dossier, event: ReturnCancelled) -> Text:
    del dossier, event
    return text("Return cancelled")


@told(ReturnExpired, to=EVERYBODY)
def _expired(dossier: Dossier, event: ReturnExpired) -> Text:
    del dossier, event
    return text("Return expired: the goods were not sent in time")


@told(ReturnClosed, to=EVERYBODY)
def _closed(dossier: Dossier, event: ReturnClosed) -> Text:
    del dossier, event
    return text("Return closed")


@told(ReturnReopened, to=EVERYBODY)
def _reopened(dossier: Dossier, event: ReturnReopened) -> Text:
    state = GOODS_WORDS[dossier.returns[event.return_id].goods]
    if event.send_by is not None:
        return text("Return reopened: {state}, to be sent by {day}", state=state, day=event.send_by)
    return text("Return reopened: {state}", state=state)


@told(GoodsReceived, to=EVERYBODY)
def _received(dossier: Dossier, event: GoodsReceived) -> Text:
    return _with_the_rest(dossier, _flagged(dossier, event, _counts(dossier, event.lines)))


@told(ReceiptCorrected, to=EVERYBODY)
def _corrected(dossier: Dossier, event: ReceiptCorrected) -> Text:
    said = text("Count corrected. {counted}", counted=_counts(dossier, event.lines))
    return _with_the_rest(dossier, _flagged(dossier, event, said))


@told(GoodsInspected, to=EVERYBODY)
def _inspected(dossier: Dossier, event: GoodsInspected) -> Text:
    came = _came(dossier, event.lines)
    said = text("Inspected: {came}", came=came) if came else text("Inspected")
    return _with_the_rest(dossier, _sentences([said, *_not_here(dossier, event.lines)]))


def _flagged(dossier: Dossier, event: GoodsReceived | ReceiptCorrected, said: Text) -> Text:
    """With what was counted beyond what was announced: staff says that by name."""
    beyond = units_of(dossier, dossier.returns[event.return_id].more_than_requested_with(event.receipt_id))
    return _sentences([said, text("More than announced: {beyond}", beyond=beyond)]) if beyond else said


def _with_the_rest(dossier: Dossier, counted: Text) -> Text:
    rest = _what_is_left(dossier)
    if rest is None:
        return counted
    return Text(message="{counted}. {rest}", values={"counted": counted, "rest": rest})


def _counts(dossier: Dossier, lines: Sequence[Counted]) -> Text:
    """``Returned: 2 × Cup (1 damaged). Not received: 1 × Saucer. Another article in the place of: 1 × Pot``"""
    came = _came(dossier, lines)
    surplus = units_of(dossier, {line.line_id: line.surplus for line in lines})
    parts = [
        *([text("Returned: {came}", came=came)] if came else []),
        *_not_here(dossier, lines),
        *([text("More than was delivered: {surplus}", surplus=surplus)] if surplus else []),
    ]
    return _sentences(parts or [text("Returned: {came}", came=[text("nothing")])])


def _not_here(dossier: Dossier, lines: Sequence[Counted]) -> list[Text]:
    absent = units_of(dossier, {line.line_id: line.missing for line in lines})
    wrong = units_of(dossier, {line.line_id: line.wrong for line in lines})
    return [
        *([text("Not received: {absent}", absent=absent)] if absent else []),
        *([text("Another article in the place of: {wrong}", wrong=wrong)] if wrong else []),
    ]


def _sentences(parts: Sequence[Text]) -> Text:
    return Text(message=". ".join(f"{{part{number}}}" for number in range(len(parts))), values=_numbered(parts))


def _numbered(parts: Sequence[Text]) -> dict[str, Text]:
    return {f"part{number}": part for number, part in enumerate(parts)}


def _came(dossier: Dossier, lines: Sequence[Counted]) -> list[Text | str]:
    shown: list[Text | str] = []
    for line in lines:
        if not line.came_back:
            continue
        what = text("{units} × {name}", units=line.came_back, name=name_of(dossier, line.line_id))
        faults = [
            *([text("{units} damaged", units=line.damaged)] if line.damaged else []),
            *([text("{units} to inspect", units=line.to_inspect)] if line.to_inspect else []),
        ]
        shown.append(text("{what} ({faults})", what=what, faults=faults) if faults else what)
    return shown


def _what_is_left(dossier: Dossier) -> Text | None:
    """What the counts so far say of the whole order: it is all here, or all counted with units that are not here."""
    if dossier.extent is Extent.FULL:
        return text("The whole order is back.")
    here, absent = dossier.came_back(), dossier.absent()
    goods = [line for line in dossier.order.goods if line.fulfilled] if dossier.order is not None else []
    if goods and all(here.get(line.id, 0) + absent.get(line.id, 0) >= line.fulfilled for line in goods):
        return texts(
            "Everything is counted; {count} is missing.",
            "Everything is counted; {count} are missing.",
            sum(absent.get(line.id, 0) for line in goods),
        )
    return None
