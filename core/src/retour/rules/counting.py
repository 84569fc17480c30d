"""Counting what arrived: on which return, by how much, and what a wrong count becomes.

Announced and counted are kept apart: a count changes what was counted, never what was announced.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import attrs

from retour.model.actor import ActorKind
from retour.model.dossier import Dossier, extent_of
from retour.model.errors import InvalidLines, WrongState
from retour.model.events.goods import GoodsInspected, GoodsReceived, ReceiptCorrected, ReturnCancelled
from retour.model.frozen import frozen
from retour.model.ids import NewId
from retour.model.making import changed
from retour.model.order import Order
from retour.model.returns import (
    Counted,
    Extent,
    GoodsState,
    ReceivedLine,
    ReceivedReturn,
    Return,
    Returned,
    ReturnedLine,
)
from retour.model.text import text
from retour.rules.draft import Draft
from retour.rules.left import (
    more_than_a_receipt_can_count,
    more_than_announced,
    more_than_left,
    more_than_to_inspect,
    no_surplus_yet,
    units_left,
)
from retour.rules.lines import check_names, check_units
from retour.rules.requests import POLICY, wrong_state

_FOUND = ("sellable", "damaged", "to_inspect", "missing", "wrong")
"""What a count can find of a unit of the order, in the order in which announced units are taken from it."""


@frozen(kw_only=True)
class Arrival:
    """Units that are about to be counted on one return: a return that was announced, or a new one."""

    return_id: str
    receipt_id: str
    lines: tuple[Counted, ...]


def counted_lines(order: Order, counts: tuple[Counted, ...], *, zero_allowed: bool = False) -> tuple[Counted, ...]:
    """The lines of a count, checked: on the order, once each, whole units."""
    check_names(order, [count.line_id for count in counts])
    for count in counts:
        for units in (getattr(count, name) for name in (*_FOUND, "surplus")):
            check_units(order.id, count.line_id, units, zero_allowed=True)
        if not zero_allowed:
            check_units(order.id, count.line_id, count.units + count.surplus)
    return counts


def everything_outstanding(dossier: Dossier, order: Order) -> tuple[Counted, ...]:
    """Every unit that has not been counted yet, as sellable. Raises `WrongState` if nothing was ever fulfilled."""
    if not any(line.fulfilled for line in order.goods):
        raise WrongState(
            text(
                "Order {order}: nothing was delivered, so nothing can come back. Cancel the order instead.",
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
            raise more_than_left(dossier, order, count.line_id, count.units, most, counted_on="")
    _check_surplus(dossier, order, counts)
    rest = {count.line_id: count for count in counts}
    taken: dict[str, list[Counted]] = {}
    for return_ in dossier.returns.values():
        if return_.open:
            _take(rest, return_.outstanding(), taken.setdefault(return_.id, []))
    for return_ in dossier.returns.values():
        if return_.live and named:
            _take(rest, return_.absent(), taken.setdefault(return_.id, []))
    new = [count for count in rest.values() if not count.empty]
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
        _check_open(dossier, return_)
    left, absent = units_left(dossier, order), return_.absent()
    outstanding = {} if closed else return_.outstanding()
    for count in counts:
        most = outstanding.get(count.line_id, 0) + absent.get(count.line_id, 0)
        beyond = 0 if closed else max(0, left[count.line_id])
        if count.units > most + beyond:
            raise more_than_left(dossier, order, count.line_id, count.units, most + beyond, counted_on=return_id)
        if count.units > most and not more_than_requested:
            raise more_than_announced(order, return_, count)
    _check_surplus(dossier, order, counts)
    return Arrival(return_id=return_id, receipt_id=new_id("rc"), lines=tuple(counts))


def check_may_count_more(draft: Draft) -> None:
    """Raise `NotAllowed` for whoever may not say that more came than was announced: staff has seen it, by name."""
    draft.only(
        ActorKind.STAFF, refusal=text("Order {order}: {actor} may not count more than was announced; staff may.")
    )


def check_parcel(dossier: Dossier, parcel: str, zone: datetime.tzinfo, *, return_id: str | None = None) -> None:
    """Raise `WrongState` where a parcel was counted before, on one return or on any; the error says by whom and when,
    in the shop's ``zone``."""
    called = _as_compared(parcel)
    for return_ in dossier.returns.values() if called else ():
        for receipt in return_.receipts.values() if return_.live and return_id in (None, return_.id) else ():
            if _as_compared(receipt.parcel) == called:
                raise WrongState(
                    text(
                        "Order {order}: parcel {parcel} of return {return_id} was counted already, by {by} on {at}: "
                        "receipt {receipt}. If that count is wrong, correct it; another parcel has another number.",
                        order=dossier.order_id,
                        parcel=receipt.parcel,
                        return_id=return_.id,
                        by=receipt.by.id,
                        at=receipt.at.astimezone(zone),
                        receipt=receipt.id,
                    ),
                    in_code=f"correct_receipt({dossier.order_id!r}, {receipt.id!r}, ...)",
                )


def _as_compared(parcel: str) -> str:
    """The name of a parcel without what differs from one typist to the next."""
    return "".join(parcel.split()).casefold()


def receive(draft: Draft, order: Order, arrival: Arrival, note: str | None, parcel: str = "") -> None:
    """Record one count of what arrived, in the parcel that is called ``parcel``."""
    draft.only(
        ActorKind.STAFF,
        ActorKind.SYSTEM,
        ActorKind.PROVIDER,
        refusal=text("Order {order}: {actor} may not count what came back; staff may."),
    )
    _record(
        draft,
        GoodsReceived(
            return_id=arrival.return_id,
            receipt_id=arrival.receipt_id,
            lines=arrival.lines,
            extent=extent_after(draft.dossier, order, arrival.lines),
            note_id=draft.note(order, note),
            parcel=parcel.strip(),
        ),
    )


def changed_counts(dossier: Dossier, order: Order, receipt_id: str, counts: Sequence[Counted]) -> tuple[Counted, ...]:
    """The right counts of a receipt's lines, without those that were right already."""
    return_ = dossier.return_of_receipt(receipt_id)
    if not return_.live:
        raise wrong_state(
            dossier,
            return_,
            text("Order {order}: return {return_id} is {state}, so its count cannot be corrected any more."),
        )
    receipt = return_.receipts[receipt_id]
    before, claimed = receipt.lines, dossier.claimed()
    differing = [count for count in counts if count != before.get(count.line_id, Counted(line_id=count.line_id))]
    lines = {**before, **{count.line_id: count for count in differing}}
    corrected = attrs.evolve(return_, receipts={**return_.receipts, receipt_id: attrs.evolve(receipt, lines=lines)})
    as_corrected = attrs.evolve(dossier, returns={**dossier.returns, return_.id: corrected})
    after = as_corrected.claimed()
    for count in differing:
        most = max(order.line(count.line_id).fulfilled, claimed.get(count.line_id, 0))
        if after.get(count.line_id, 0) > most:
            raise more_than_a_receipt_can_count(order, receipt_id, count, claimed=after[count.line_id], most=most)
        _check_surplus_here(order, count, as_corrected.came_back().get(count.line_id, 0))
    return tuple(differing)


def inspected_lines(dossier: Dossier, order: Order, receipt_id: str, found: tuple[Counted, ...]) -> tuple[Counted, ...]:
    """What an inspection found of units of a receipt that nobody had judged, checked: no more than there are."""
    check_names(order, [one.line_id for one in found])
    return_ = dossier.return_of_receipt(receipt_id)
    if not return_.live:
        raise wrong_state(
            dossier,
            return_,
            text("Order {order}: return {return_id} is {state}, so what came of it cannot be inspected any more."),
        )
    for one in found:
        check_units(order.id, one.line_id, one.units + one.surplus)
        if one.to_inspect or one.surplus:
            raise InvalidLines(
                text(
                    "Order {order}, line {line}: an inspection says of units whether they are sellable, damaged, "
                    "missing or wrong. Count what else was in the parcel where you count what came.",
                    order=order.id,
                    line=one.line_id,
                ),
                in_code="receive(...) or correct_receipt(...)",
            )
        count = return_.receipts[receipt_id].lines.get(one.line_id, Counted(line_id=one.line_id))
        if one.units > count.to_inspect:
            raise more_than_to_inspect(order, receipt_id, one, count)
    return found


def inspect(
    draft: Draft, order: Order, return_id: str, receipt_id: str, found: tuple[Counted, ...], note: str | None
) -> None:
    """Record what an inspection found."""
    draft.only(
        ActorKind.STAFF,
        ActorKind.SYSTEM,
        ActorKind.PROVIDER,
        refusal=text("Order {order}: {actor} may not inspect what came back; staff may."),
    )
    _record(
        draft, GoodsInspected(return_id=return_id, receipt_id=receipt_id, lines=found, note_id=draft.note(order, note))
    )


def correct(draft: Draft, order: Order, receipt_id: str, corrected: tuple[Counted, ...], note: str | None) -> None:
    """Record that a receipt was counted wrong. A return that began with its receipt and has nothing left ends."""
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not correct a receipt; staff may."))
    return_ = draft.dossier.return_of_receipt(receipt_id)
    receipt = return_.receipts[receipt_id]
    added = {count.line_id: _more(count, receipt.lines.get(count.line_id)) for count in corrected}
    _record(
        draft,
        ReceiptCorrected(
            return_id=return_.id,
            receipt_id=receipt_id,
            lines=corrected,
            extent=_extent(draft.dossier, order, added),
            note_id=draft.note(order, note),
            came_after_all=not receipt.announced and any(count.arrived for count in corrected),
        ),
    )


def _record(draft: Draft, event: GoodsReceived | ReceiptCorrected | GoodsInspected) -> None:
    """Record a count with what it makes of its return and of the order: plugins hear of both where that is news."""
    before = draft.dossier
    draft.record(event)
    after = draft.dossier
    if after.order_status is not before.order_status:
        draft.tell_more(event := changed(event, order_status=after.order_status))
    if not isinstance(event, GoodsInspected) and _completed(before, after, event.return_id):
        draft.tell_more(changed(event, completes=True))


def _completed(before: Dossier, after: Dossier, return_id: str) -> bool:
    """Whether a return that was announced is received now and was not before."""
    was, now = before.returns.get(return_id), after.returns[return_id]
    return bool(now.requested) and now.goods is GoodsState.RECEIVED and (was is None or was.goods is not now.goods)


def as_received(return_: Return) -> ReceivedReturn:
    """A return of which nothing more is expected, as the hooks see it."""
    counted = return_.counted
    return ReceivedReturn(
        return_id=return_.id,
        lines=tuple(
            [
                ReceivedLine(
                    line_id=line_id,
                    announced=return_.requested.get(line_id, 0),
                    counted=counted.get(line_id, Counted(line_id=line_id)),
                )
                for line_id in {**return_.requested, **counted}
            ]
        ),
    )


def end_if_nothing_came(draft: Draft, return_id: str) -> None:
    """Cancel a return that began with its receipt and, corrected, counts nothing at all."""
    return_ = draft.dossier.return_(return_id)
    nothing = all(count.empty for count in return_.counted.values())
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
    return _as_seen(order, _together(counts))


def as_returned(order: Order, return_id: str, receipt_id: str, counts: Sequence[Counted], extent: Extent) -> Returned:
    """Counted lines with what the order says of them."""
    return Returned(return_id=return_id, receipt_id=receipt_id, extent=extent, lines=_as_seen(order, counts))


def _as_seen(order: Order, counts: Sequence[Counted]) -> tuple[ReturnedLine, ...]:
    """Counted lines as the hooks see them, without those that the order does not have."""
    lines = {line.id: line for line in order.lines}
    return tuple(
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
                to_inspect=count.to_inspect,
                surplus=count.surplus,
            )
            for count in counts
            if count.line_id in lines
        ]
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
    both = {name: getattr(one, name) + getattr(other, name) for name in (*_FOUND, "surplus")}
    return Counted(line_id=one.line_id, **both)


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
        if return_.open:
            for line_id, units in return_.outstanding().items():
                if line_id in left:
                    left[line_id] += units
    return left


def _split(count: Counted, units: int) -> tuple[Counted, Counted]:
    """The first ``units`` of a count, and the rest. What is surplus comes with the last of them."""
    first: dict[str, int] = {}
    rest: dict[str, int] = {}
    for name in _FOUND:
        available: int = getattr(count, name)
        first[name] = min(available, units)
        rest[name] = available - first[name]
        units -= first[name]
    (rest if any(rest.values()) else first)["surplus"] = count.surplus
    return Counted(line_id=count.line_id, **first), Counted(line_id=count.line_id, **rest)


def _check_surplus(dossier: Dossier, order: Order, counts: Sequence[Counted]) -> None:
    here = dossier.came_back()
    for count in counts:
        _check_surplus_here(order, count, here.get(count.line_id, 0) + count.came_back)


def _check_surplus_here(order: Order, count: Counted, here: int) -> None:
    """Surplus begins where all that was delivered is here: until then a unit that came is one of those."""
    line = order.line(count.line_id)
    if count.surplus and here < line.fulfilled:
        raise no_surplus_yet(order, count, here)


def _check_open(dossier: Dossier, return_: Return) -> None:
    if not return_.open:
        raise wrong_state(
            dossier, return_, text("Order {order}: return {return_id} is {state}, so nothing more is counted on it.")
        )


def _more(new: Counted, old: Counted | None) -> int:
    """How many units more came back by a correction; below zero when fewer did."""
    return new.came_back - (old.came_back if old is not None else 0)
