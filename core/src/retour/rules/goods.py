"""The goods track where goods come in: what arrived, of which return, and how much is left.

How a return is announced and ends is told in `retour.rules.requests`. A host may start anywhere: a receipt with no
request before it is legal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias, TypeVar

import attrs

from retour.model.actor import Actor, ActorKind
from retour.model.dossier import Dossier, extent_of
from retour.model.errors import InvalidLines, InvalidQuantity, InvalidValue, UnknownLine, WrongState
from retour.model.events.event import Event
from retour.model.events.goods import (
    GoodsReceived,
    ReceiptCorrected,
    ReturnCancelled,
)
from retour.model.fields import MOST_UNITS, shown
from retour.model.ids import NewId
from retour.model.order import LineKind, Order
from retour.model.returns import (
    GOODS_WORDS,
    Counted,
    Extent,
    GoodsState,
    RequestedLine,
    Return,
    Returned,
    ReturnedLine,
)
from retour.model.text import Text, text
from retour.rules.draft import Draft

LinesToSend: TypeAlias = Mapping[str, int] | Iterable[RequestedLine]
LinesCounted: TypeAlias = Mapping[str, int] | Iterable[Counted]
_L = TypeVar("_L", RequestedLine, Counted)

POLICY = Actor.system("policy")
"""Who decides when nobody had to be asked."""

_MOVES: Mapping[type[Event], frozenset[GoodsState]] = {
    GoodsReceived: frozenset(
        {
            GoodsState.REQUESTED,
            GoodsState.APPROVED,
            GoodsState.IN_TRANSIT,
            GoodsState.PARTLY_RECEIVED,
            GoodsState.RECEIVED,
        }
    ),
}
"""From which states a count may follow; how a return comes there and ends is told in `retour.rules.requests`."""

_VERBS: Mapping[type[Event], Text] = {GoodsReceived: text("receive")}


@attrs.frozen(kw_only=True)
class Arrival:
    """Units that are about to be counted on one return: a return that was announced, or a new one."""

    return_id: str
    receipt_id: str
    lines: tuple[Counted, ...]


def units_left(dossier: Dossier, order: Order) -> dict[str, int]:
    """How many units of each goods line are in no live return yet. Below zero when the order shrank meanwhile."""
    claimed = dossier.claimed()
    return {line.id: line.fulfilled - claimed.get(line.id, 0) for line in order.goods}


def given_lines(order_id: str, lines: object, kind: type[_L]) -> tuple[_L, ...]:
    """Lines as a host gives them, a mapping of units (requested, or sellable) or values, always as values."""
    if isinstance(lines, Mapping):
        name = "sellable" if kind is Counted else "quantity"
        return tuple([_given_line(order_id, kind, name, line_id, units) for line_id, units in lines.items()])
    try:
        values = tuple(lines) if isinstance(lines, Iterable) and not isinstance(lines, str) else (lines,)
    except Exception as error:
        raise InvalidLines(
            text("Order {order}: the list of lines cannot be read to its end.", order=shown(order_id))
        ) from error
    for value in values:
        if not issubclass(type(value), kind):
            raise InvalidLines(
                text(
                    "Order {order}: lines are a mapping of line to units, or {kind} values, not {given}.",
                    order=shown(order_id),
                    kind=kind.__name__,
                    given=type(value).__name__,
                )
            )
    return values


def _given_line(order_id: str, kind: type[_L], name: str, line_id: str, units: int) -> _L:
    """One entry of a mapping; the error of one that cannot be names the order."""
    check_units(order_id, line_id, units, zero_allowed=True)
    try:
        return kind(line_id=line_id, **{name: units})  # type: ignore[arg-type]
    except InvalidValue as error:
        raise InvalidLines(
            text(
                "Order {order}: lines are a mapping of line to units. {fault}",
                order=shown(order_id),
                fault=error.message,
            )
        ) from None


# --- counting what arrived -------------------------------------------------------------------------------


def counted_lines(order: Order, counts: tuple[Counted, ...], *, zero_allowed: bool = False) -> tuple[Counted, ...]:
    """The lines of a count, checked: on the order, once each, whole units."""
    check_names(order, [count.line_id for count in counts])
    for count in counts:
        for units in (count.sellable, count.damaged, count.missing, count.wrong):
            check_units(order.id, count.line_id, units, zero_allowed=True)
        if not zero_allowed:
            check_units(order.id, count.line_id, count.units)
    return counts


def everything_outstanding(dossier: Dossier, order: Order) -> tuple[Counted, ...]:
    """Every unit that has not been counted yet, as sellable. Raises `WrongState` if nothing was ever fulfilled."""
    if not any(line.fulfilled for line in order.goods):
        raise WrongState(
            text(
                "Order {order}: no goods were fulfilled, so nothing can come back. Cancel the order instead.",
                order=order.id,
            )
        )
    left = _left_with_announced(dossier, order)
    return tuple([Counted(line_id=line_id, sellable=units) for line_id, units in left.items() if units > 0])


def arrivals(
    dossier: Dossier, order: Order, counts: Sequence[Counted], new_id: NewId, *, named: bool
) -> tuple[Arrival, ...]:
    """Which returns the counted units belong to: those that announced them, the oldest first, then those on which they
    were counted and did not come, then a new one.

    Units that were missing can only be back where somebody ``named`` their line: "everything came back" speaks of what
    was not counted yet.
    """
    left = _left_with_announced(dossier, order)
    absent = dossier.absent() if named else {}
    for count in counts:
        most = left[count.line_id] + absent.get(count.line_id, 0)
        if count.units > most:
            raise _more_than_left(dossier, order, count.line_id, count.units, most)
    rest = {count.line_id: count for count in counts}
    taken: dict[str, list[Counted]] = {}
    for return_ in dossier.returns.values():
        if return_.goods in _MOVES[GoodsReceived]:
            _take(rest, return_.outstanding(), taken.setdefault(return_.id, []))
    for return_ in dossier.returns.values():
        if return_.live and named:
            _take(rest, return_.absent(), taken.setdefault(return_.id, []))
    new = [count for count in rest.values() if count.units]
    found = [_arrival(return_id, lines, new_id) for return_id, lines in taken.items() if lines]
    return tuple([*found, _arrival(new_id("rt"), new, new_id)] if new else found)


def arrival_on(
    dossier: Dossier,
    order: Order,
    return_id: str,
    counts: Sequence[Counted],
    new_id: NewId,
    *,
    more_than_requested: bool,
) -> Arrival:
    """The counted units as a receipt of one return; more than it announced only if staff says so. Units that were
    counted there and did not come can come later, also after the return was closed."""
    return_ = dossier.return_(return_id)
    closed = return_.goods is GoodsState.CLOSED and bool(return_.absent())
    if not closed:
        _check_move(dossier, return_id, GoodsReceived)
    left, absent = units_left(dossier, order), return_.absent()
    outstanding = {} if closed else return_.outstanding()
    for count in counts:
        most = outstanding.get(count.line_id, 0) + absent.get(count.line_id, 0)
        if more_than_requested and not closed:
            most += max(0, left[count.line_id])
        elif most < count.units <= most + max(0, left[count.line_id]) and not closed:
            raise _more_than_announced(order, return_, count, most)
        if count.units > most:
            raise _more_than_left(dossier, order, count.line_id, count.units, most)
    return Arrival(return_id=return_id, receipt_id=new_id("rc"), lines=tuple(counts))


def receive(draft: Draft, order: Order, arrival: Arrival, note: str | None) -> None:
    """Record one count of what arrived."""
    draft.only(ActorKind.STAFF, ActorKind.SYSTEM, ActorKind.PROVIDER, what=text("count what came back"))
    draft.record(
        GoodsReceived(
            return_id=arrival.return_id,
            receipt_id=arrival.receipt_id,
            lines=arrival.lines,
            extent=extent_after(draft.dossier, order, arrival.lines),
            note_id=draft.note(order, note),
        )
    )


def changed_counts(dossier: Dossier, order: Order, receipt_id: str, counts: Sequence[Counted]) -> tuple[Counted, ...]:
    """The right counts of a receipt's lines, without those that were right already."""
    return_ = dossier.return_of_receipt(receipt_id)
    if not return_.live:
        raise _wrong_state(dossier, return_, text("correct"))
    receipt = return_.receipts[receipt_id]
    before, claimed = receipt.lines, dossier.claimed()
    changed = [count for count in counts if count != before.get(count.line_id, Counted(line_id=count.line_id))]
    lines = {**before, **{count.line_id: count for count in changed}}
    corrected = attrs.evolve(return_, receipts={**return_.receipts, receipt_id: attrs.evolve(receipt, lines=lines)})
    after = attrs.evolve(dossier, returns={**dossier.returns, return_.id: corrected}).claimed()
    for count in changed:
        most = max(order.line(count.line_id).fulfilled, claimed.get(count.line_id, 0))
        excess = after.get(count.line_id, 0) - most
        if excess > 0:
            raise _more_than_left(dossier, order, count.line_id, count.units, count.units - excess)
    return tuple(changed)


def correct(draft: Draft, order: Order, receipt_id: str, changed: tuple[Counted, ...], note: str | None) -> None:
    """Record that a receipt was counted wrong. A return that began with its receipt and has nothing left ends."""
    draft.only(ActorKind.STAFF, what=text("correct a receipt"))
    return_ = draft.dossier.return_of_receipt(receipt_id)
    receipt = return_.receipts[receipt_id]
    added = {count.line_id: _more(count, receipt.lines.get(count.line_id)) for count in changed}
    draft.record(
        ReceiptCorrected(
            return_id=return_.id,
            receipt_id=receipt_id,
            lines=changed,
            extent=_extent(draft.dossier, order, added),
            note_id=draft.note(order, note),
            came_after_all=not receipt.announced and any(count.arrived for count in changed),
        )
    )


def end_if_nothing_came(draft: Draft, return_id: str) -> None:
    """Cancel a return that began with its receipt and, corrected, counts nothing at all."""
    return_ = draft.dossier.return_(return_id)
    nothing = not any(count.units for count in return_.counted.values())
    if nothing and not return_.requested:
        draft.record(ReturnCancelled(return_id=return_id), by=POLICY)


def extent_after(dossier: Dossier, order: Order, counts: Sequence[Counted]) -> Extent:
    """Whether every fulfilled unit is here again once ``counts`` are added."""
    return _extent(dossier, order, {count.line_id: count.came_back for count in _together(counts)})


def _extent(dossier: Dossier, order: Order, added: Mapping[str, int]) -> Extent:
    """Whether every fulfilled unit is here again once so many units of each line are ``added``, or taken off."""
    here = dossier.came_back()
    for line_id, units in added.items():
        here[line_id] = here.get(line_id, 0) + units
    return extent_of(order, here)


def returned(dossier: Dossier, order: Order, arrival: Arrival) -> Returned:
    """What an arrival counts, as the hooks see it before it is recorded."""
    return as_returned(
        order,
        arrival.return_id,
        arrival.receipt_id,
        arrival.lines,
        extent_after(dossier, order, arrival.lines),
    )


def all_returned(dossier: Dossier, order: Order) -> tuple[ReturnedLine, ...]:
    """What came back of each order line so far, over all live returns, as the hooks see it."""
    counts = [count for return_ in dossier.returns.values() if return_.live for count in return_.counted.values()]
    return as_returned(order, "", "", _together(counts), dossier.extent).lines


def as_returned(order: Order, return_id: str, receipt_id: str, counts: Sequence[Counted], extent: Extent) -> Returned:
    """Counted lines with what the order says of them."""
    lines = {line.id: line for line in order.lines}
    return Returned(
        return_id=return_id,
        receipt_id=receipt_id,
        extent=extent,
        lines=tuple(
            [
                ReturnedLine(
                    line_id=count.line_id,
                    product=lines[count.line_id].product,
                    name=lines[count.line_id].name,
                    tags=lines[count.line_id].tags,
                    stock_tracked=lines[count.line_id].stock_tracked,
                    sellable=count.sellable,
                    damaged=count.damaged,
                    missing=count.missing,
                    wrong=count.wrong,
                )
                for count in counts
                if count.line_id in lines
            ]
        ),
    )


# --- the small print -------------------------------------------------------------------------------------


def _arrival(return_id: str, lines: Sequence[Counted], new_id: NewId) -> Arrival:
    return Arrival(return_id=return_id, receipt_id=new_id("rc"), lines=_together(lines))


def _together(lines: Sequence[Counted]) -> tuple[Counted, ...]:
    """One count for each line."""
    sums: dict[str, Counted] = {}
    for line in lines:
        sums[line.line_id] = _sum(sums[line.line_id], line) if line.line_id in sums else line
    return tuple(sums.values())


def _sum(one: Counted, other: Counted) -> Counted:
    return Counted(
        line_id=one.line_id,
        sellable=one.sellable + other.sellable,
        damaged=one.damaged + other.damaged,
        missing=one.missing + other.missing,
        wrong=one.wrong + other.wrong,
    )


def _take(rest: dict[str, Counted], wanted: Mapping[str, int], taken: list[Counted]) -> None:
    """Move at most ``wanted`` units of each line from ``rest`` to ``taken``."""
    for line_id, units in wanted.items():
        if line_id in rest and units > 0 and rest[line_id].units:
            first, rest[line_id] = _split(rest[line_id], units)
            taken.append(first)


def _left_with_announced(dossier: Dossier, order: Order) -> dict[str, int]:
    """Units of each goods line that were not counted yet: in no return, or announced."""
    left = {line_id: max(0, units) for line_id, units in units_left(dossier, order).items()}
    for return_ in dossier.returns.values():
        if return_.goods in _MOVES[GoodsReceived]:
            for line_id, units in return_.outstanding().items():
                if line_id in left:
                    left[line_id] += units
    return left


def _split(count: Counted, units: int) -> tuple[Counted, Counted]:
    """The first ``units`` of a count, and the rest."""
    first: dict[str, int] = {}
    rest: dict[str, int] = {}
    for name in ("sellable", "damaged", "missing", "wrong"):
        available: int = getattr(count, name)
        first[name] = min(available, units)
        rest[name] = available - first[name]
        units -= first[name]
    return Counted(line_id=count.line_id, **first), Counted(line_id=count.line_id, **rest)


def _more(new: Counted, old: Counted | None) -> int:
    """How many units more came back by a correction; below zero when fewer did."""
    return new.came_back - (old.came_back if old is not None else 0)


def check_names(order: Order, names: Sequence[str]) -> None:
    if not names:
        raise InvalidLines(text("Order {order}: the list of lines is empty. Name at least one line.", order=order.id))
    for name in names:
        line = order.line(name)
        if line.kind is not LineKind.GOODS:
            raise UnknownLine(
                text(
                    "Order {order}: line {line} ({name}) is a service and cannot come back.",
                    order=order.id,
                    line=name,
                    name=line.name,
                )
            )
        if names.count(name) > 1:
            raise InvalidLines(
                text(
                    "Order {order}: line {line} is named twice. Put all its units in one entry.",
                    order=order.id,
                    line=name,
                )
            )


def check_units(order_id: str, line_id: str, units: object, *, zero_allowed: bool = False) -> None:
    if type(units) is not int or not 0 <= units <= MOST_UNITS or (units == 0 and not zero_allowed):
        raise InvalidQuantity(
            text(
                "Order {order}, line {line}: {units} is not a number of units. Use a whole number above zero.",
                order=shown(order_id),
                line=shown(line_id),
                units=shown(units),
            )
        )


def _more_than_left(dossier: Dossier, order: Order, line_id: str, units: int, left: int) -> InvalidQuantity:
    line = order.line(line_id)
    return InvalidQuantity(
        text(
            "Order {order}, line {line} ({name}): {units} units are more than the {left} that can still come back "
            "({fulfilled} fulfilled, {claimed} in returns already).",
            order=order.id,
            line=line_id,
            name=line.name,
            units=units,
            left=max(0, left),
            fulfilled=line.fulfilled,
            claimed=dossier.claimed().get(line_id, 0),
        )
    )


def _more_than_announced(order: Order, return_: Return, count: Counted, left: int) -> InvalidQuantity:
    return InvalidQuantity(
        text(
            "Order {order}, line {line} ({name}): return {return_id} announced {announced}, of which {left} can still "
            "be counted; {units} is more. If they really came, count them with more_than_requested=True.",
            order=order.id,
            line=count.line_id,
            name=order.line(count.line_id).name,
            return_id=return_.id,
            announced=return_.requested.get(count.line_id, 0),
            left=left,
            units=count.units,
        )
    )


def _check_move(dossier: Dossier, return_id: str, step: type[Event]) -> None:
    return_ = dossier.return_(return_id)
    if return_.goods not in _MOVES[step]:
        raise _wrong_state(dossier, return_, _VERBS[step])


def _wrong_state(dossier: Dossier, return_: Return, verb: Text) -> WrongState:
    return WrongState(
        text(
            "Order {order}: return {return_id} is {state}, so it is too late or too early to {verb} it.",
            order=dossier.order_id,
            return_id=return_.id,
            state=GOODS_WORDS[return_.goods],
            verb=verb,
        )
    )
