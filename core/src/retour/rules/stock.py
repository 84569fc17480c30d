"""The stock track: what goes back in stock, when it is asked, and when it must be taken out again.

The rule of the reference article: an order of one product is restocked at once, whatever its quantity; an order of
several products asks; OK restocks every sellable unit, Cancel none and leaves a list to book by hand. Beyond the
article: per line, and damaged units never go back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from retour.model.actor import Actor, ActorKind
from retour.model.dossier import Dossier
from retour.model.errors import InvalidLines, InvalidQuantity, WrongState
from retour.model.events.stock import RestockAsked, RestockDecided, StockApplied
from retour.model.order import Order
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.returns import MovementState, Restock, RestockDecision, Return, StockMovement
from retour.model.text import text
from retour.rules.draft import Draft
from retour.rules.requests import POLICY


def default_decision(order: Order) -> RestockDecision:
    """The reference article's rule: one distinct product among the goods lines is restocked, several are asked.

    Postage and other services do not count as products.
    """
    products = {line.product for line in order.goods}
    return RestockDecision.all() if len(products) == 1 else RestockDecision.ask()


def after_receipt(draft: Draft, order: Order, return_id: str, policy: RestockDecision) -> None:
    """Act on what a policy says about newly received units, or ask. An open question covers them as well."""
    return_ = draft.dossier.return_(return_id)
    units = return_.undecided(order)
    if not units or return_.question_open:
        return
    fault = _fault(policy, units)
    if policy.kind is Restock.ASK or fault:
        draft.record(RestockAsked(return_id=return_id, because=fault or policy.because), by=POLICY)
    else:
        _decide(draft, order, return_, policy, units, by=POLICY)


def answer(draft: Draft, order: Order, return_id: str, decision: RestockDecision) -> None:
    """The merchant's answer. The same answer again changes nothing; units left to book by hand can still be
    restocked by a later answer."""
    draft.only(
        ActorKind.STAFF, refusal=text("Order {order}: {actor} may not answer the question about the stock; staff may.")
    )
    return_ = draft.dossier.return_(return_id)
    _check_answer(order, return_id, decision)
    if not return_.question_open:
        if _same(return_.decided, decision):
            return
        units = _by_hand_units(return_)
        if decision.kind is Restock.BY_HAND or not units:
            raise WrongState(
                text(
                    "Order {order}: nothing of return {return_id} waits for an answer about the stock. "
                    "To take units out again, correct the receipt.",
                    order=order.id,
                    return_id=return_id,
                )
            )
    else:
        units = return_.undecided(order)
    fault = _fault(decision, units)
    if fault:
        raise InvalidQuantity(
            text("Order {order}, return {return_id}: {fault}", order=order.id, return_id=return_id, fault=fault.words)
        )
    _decide(draft, order, return_, decision, units, listed=not return_.question_open)


def may_be_answered(return_: Return) -> bool:
    """Whether an answer about the stock changes something: nobody has given one, or units wait to be booked by hand."""
    return return_.question_open or any(_by_hand_units(return_).values())


def after_correction(draft: Draft, order: Order, return_id: str, policy: RestockDecision) -> None:
    """Follow a corrected receipt: first shorten the list by hand, then take units out of stock again; newly
    sellable units are decided like received ones."""
    return_ = draft.dossier.return_(return_id)
    counted, moved = return_.counted, return_.moved()
    by_hand = dict(return_.by_hand)
    movements = []
    for line in order.goods:
        sellable = counted[line.id].sellable if line.id in counted else 0
        too_many = moved.get(line.id, 0) + by_hand.get(line.id, 0) - sellable
        if too_many > 0:
            listed = min(too_many, max(0, by_hand.get(line.id, 0)))
            if listed:
                by_hand[line.id] -= listed
            if too_many > listed:
                movements.append(_movement(draft, order, return_id, line.id, listed - too_many))
    if movements or by_hand != return_.by_hand:
        draft.record(
            RestockDecided(
                return_id=return_id,
                decision=RestockDecision.lines({}, because=reason(ReasonCode.RECEIPT_CORRECTED)),
                movements=tuple(movements),
                by_hand=_without_zeros(by_hand),
                corrects=True,
            )
        )
    return_ = draft.dossier.return_(return_id)
    if return_.question_open and not return_.undecided(order):
        draft.record(
            RestockDecided(
                return_id=return_id,
                decision=RestockDecision.by_hand(reason(ReasonCode.NOTHING_TO_DECIDE)),
                by_hand=dict(return_.by_hand),
            ),
            by=POLICY,
        )
    after_receipt(draft, order, return_id, policy)


def is_open(dossier: Dossier, movement: StockMovement) -> bool:
    """Whether nobody has recorded yet that a movement was booked, or never will be."""
    return dossier.returns[movement.return_id].movements[movement.id].state in _OPEN


_OPEN = (MovementState.PLANNED, MovementState.FAILED)


def record_applied(draft: Draft, movements: Sequence[StockMovement], by: Actor | None = None) -> None:
    """The shop booked movements: one event for each return, and nothing for what was recorded before."""
    applied: dict[str, list[str]] = {}
    for movement in movements:
        if is_open(draft.dossier, movement):
            applied.setdefault(movement.return_id, []).append(movement.id)
    for return_id, ids in applied.items():
        draft.record(StockApplied(return_id=return_id, movement_ids=tuple(ids)), by=by)


def _decide(
    draft: Draft,
    order: Order,
    return_: Return,
    decision: RestockDecision,
    units: Mapping[str, int],
    *,
    listed: bool = False,
    by: Actor | None = None,
) -> None:
    """Record a decision about ``units``, which are undecided until now, or are those ``listed`` to book by hand."""
    by_hand = dict(return_.by_hand)
    movements = []
    for line_id, available in units.items():
        restocked = {
            Restock.ALL: available,
            Restock.PER_LINE: decision.units.get(line_id, 0),
        }.get(decision.kind, 0)
        if restocked:
            movements.append(_movement(draft, order, return_.id, line_id, restocked))
        kept = available - restocked
        by_hand[line_id] = kept if listed else by_hand.get(line_id, 0) + kept
    draft.record(
        RestockDecided(
            return_id=return_.id,
            decision=decision,
            movements=tuple(movements),
            by_hand=_without_zeros(by_hand),
        ),
        by=by,
    )


def _movement(draft: Draft, order: Order, return_id: str, line_id: str, units: int) -> StockMovement:
    return StockMovement(
        id=draft.new_id("mv"),
        order_id=order.id,
        return_id=return_id,
        line_id=line_id,
        product=order.line(line_id).product,
        quantity=units,
    )


def _by_hand_units(return_: Return) -> dict[str, int]:
    return {line_id: units for line_id, units in return_.by_hand.items() if units > 0}


def _without_zeros(units: Mapping[str, int]) -> dict[str, int]:
    return {line_id: number for line_id, number in units.items() if number}


def _same(one: RestockDecision | None, other: RestockDecision) -> bool:
    return one is not None and (one.kind, one.units) == (other.kind, other.units)


def _fault(decision: RestockDecision, units: Mapping[str, int]) -> Reason | None:
    """Why a decision per line does not fit the ``units`` that can be decided about; None when it does."""
    for line_id, number in decision.units.items():
        if type(number) is not int or not 0 < number <= units.get(line_id, 0):
            left = str(units.get(line_id, 0))
            return reason(ReasonCode.UNITS_NOT_THERE, number=str(number), line=line_id, left=left)
    return None


def _check_answer(order: Order, return_id: str, decision: RestockDecision) -> None:
    if decision.kind is Restock.ASK or (decision.kind is Restock.PER_LINE and not decision.units):
        raise InvalidLines(
            text(
                "Order {order}, return {return_id}: answer with all, by hand, or at least one line with its units.",
                order=order.id,
                return_id=return_id,
            )
        )
    for line_id in decision.units:
        order.line(line_id)
