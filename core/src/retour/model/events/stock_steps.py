"""How each event of the stock changes the dossier."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.events.event import Recorded
from retour.model.events.folding import Changes, step, with_return
from retour.model.events.stock import RestockAsked, RestockDecided, StockApplied, StockFailed
from retour.model.making import changed
from retour.model.returns import Movement, MovementState


@step(RestockAsked)
def _restock_asked(dossier: Dossier, event: RestockAsked, at: Recorded) -> Changes:
    return with_return(changed(dossier.returns[event.return_id], question_open=True, changed=at.when))


@step(RestockDecided)
def _restock_decided(dossier: Dossier, event: RestockDecided, at: Recorded) -> Changes:
    return_ = dossier.returns[event.return_id]
    booked = {movement.id: Movement(booking=movement) for movement in event.movements}
    return with_return(
        changed(
            return_,
            decided=return_.decided if event.corrects else event.decision,
            question_open=return_.question_open and event.corrects,
            by_hand=event.by_hand,
            movements={**return_.movements, **booked},
            changed=at.when,
        ),
    )


@step(StockApplied)
def _stock_applied(dossier: Dossier, event: StockApplied, at: Recorded) -> Changes:
    return_ = dossier.returns[event.return_id]
    applied = {
        movement_id: changed(return_.movements[movement_id], state=MovementState.APPLIED, why=None)
        for movement_id in event.movement_ids
    }
    return with_return(changed(return_, movements={**return_.movements, **applied}, changed=at.when))


@step(StockFailed)
def _stock_failed(dossier: Dossier, event: StockFailed, at: Recorded) -> Changes:
    return_ = dossier.returns[event.return_id]
    movement = return_.movements[event.movement_id]
    by_hand = dict(return_.by_hand)
    if event.final:
        line_id = movement.booking.line_id
        by_hand[line_id] = by_hand.get(line_id, 0) + movement.booking.quantity
    failed = changed(
        movement,
        state=MovementState.REFUSED if event.final else MovementState.FAILED,
        why=event.because,
    )
    return with_return(
        changed(
            return_,
            movements={**return_.movements, event.movement_id: failed},
            by_hand=by_hand,
            changed=at.when,
        ),
    )
