"""How the shop's answers to stock movements are recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from retour.model.events.stock import StockApplied, StockFailed
from retour.model.returns import MovementState, StockMovement
from retour.providers.errors import without_people
from retour.rules.draft import Draft


def record_applied(draft: Draft, movements: Iterable[StockMovement]) -> None:
    """Record movements that the shop has booked: one event for each return, nothing for what was recorded before."""
    applied: dict[str, list[str]] = {}
    for movement in movements:
        if _state(draft, movement) in (MovementState.PLANNED, MovementState.FAILED):
            applied.setdefault(movement.return_id, []).append(movement.id)
    for return_id, ids in applied.items():
        draft.record(StockApplied(return_id=return_id, movement_ids=tuple(ids)))


def stock_failed(movement: StockMovement, because: str, *, final: bool) -> Callable[[Draft], None]:
    """Records that the shop could not book a movement: the first time, and when it says never.

    ``because`` is the shop's, and loses its mail addresses and IBANs: an event is kept for ever.
    """
    said = without_people(because)

    def record(draft: Draft) -> None:
        state = _state(draft, movement)
        if state is MovementState.PLANNED or (state is MovementState.FAILED and final):
            draft.record(StockFailed(return_id=movement.return_id, movement_id=movement.id, because=said, final=final))

    return record


def _state(draft: Draft, movement: StockMovement) -> MovementState:
    return draft.dossier.returns[movement.return_id].movements[movement.id].state
