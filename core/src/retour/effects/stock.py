"""Books stock at the host's shop, and records what the shop answered."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from retour.effects.attempt import Attempt, done, postpone
from retour.model.dossier import Dossier
from retour.model.errors import StockRefused
from retour.model.events.stock import StockFailed
from retour.model.reasons import reason_of_problem
from retour.model.returns import MovementState, StockMovement
from retour.providers.errors import redacted
from retour.rules.draft import Draft
from retour.rules.stock import is_open, record_applied
from retour.shop import ShopCaller
from retour.store.effects import ClaimedEffect

log = logging.getLogger("retour.effects")


def book(effect: ClaimedEffect, shop: ShopCaller, movements: Sequence[StockMovement], dossier: Dossier) -> Attempt:
    """Let the shop book movements, all or none, without those that it says it never will.

    What was recorded of a movement before is not asked again.
    """
    left = [one for one in movements if is_open(dossier, one)]
    refused: dict[str, str] = {}
    problem = ""
    while left and not problem:
        try:
            shop.book_stock(tuple(left))
            break
        except StockRefused as refusal:
            refused.update({one.id: str(refusal) for one in left if one.id in refusal.movements})
            if all(one.id not in refused for one in left):
                problem = f"it refused movements that it was not asked to book: {refusal}"
            left = [one for one in left if one.id not in refused]
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            log.warning("movements of order %s failed", effect.order_id, exc_info=True)
            problem = f"{type(error).__name__}: {error}"

    def fact(draft: Draft) -> None:
        for one in movements:
            if one.id in refused:
                _record_failed(draft, one, refused[one.id], final=True)
        if not problem:
            record_applied(draft, left)

    def record(draft: Draft) -> None:
        for one in left if problem else ():
            _record_failed(draft, one, problem, final=False)

    return Attempt(settled=postpone(effect, problem) if problem else done(effect), fact=fact, record=record)


def _record_failed(draft: Draft, movement: StockMovement, because: str, *, final: bool) -> None:
    """The first time that the shop could not book a movement, and that it never will.

    ``because`` is the shop's, and loses its mail addresses and IBANs: an event is kept for ever.
    """
    state = _state(draft.dossier, movement)
    if state is MovementState.PLANNED or (state is MovementState.FAILED and final):
        said = redacted(because)
        why = said if final else reason_of_problem(said)
        draft.record(StockFailed(return_id=movement.return_id, movement_id=movement.id, because=why, final=final))


def _state(dossier: Dossier, movement: StockMovement) -> MovementState:
    return dossier.returns[movement.return_id].movements[movement.id].state
