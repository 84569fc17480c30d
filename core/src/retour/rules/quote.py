"""What the goods that came back were paid: per line, per tax rate, to the minor unit.

Largest remainder, ties by order: any split of an order into partial returns sums exactly to what was paid.
Sources: the field's habit (Solidus, Sylius) and rule R5 of the project's law notes: goods are the line price paid,
after discounts.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from retour.model.dossier import Dossier
from retour.model.frozen import frozen
from retour.model.money import Money, total, value_of_units
from retour.model.order import LineKind, Order, Paid, TaxPart
from retour.model.prices import Prices, prices_of
from retour.model.reasons import Reason


@frozen(kw_only=True)
class GoodsValue:
    """What units of an order were paid: per line, and together, with the rounding of the order where they are its last.

    ``undecided`` are those lines of them that are not counted, and why nobody can say what they were paid.
    """

    lines: Mapping[str, Paid]
    gross: Money
    undecided: Mapping[str, Reason]


def goods_value(order: Order, units: Mapping[str, int], *, after: Mapping[str, int] | None = None) -> GoodsValue:
    """What ``units`` of each line were paid, given that ``after`` units of it came back before."""
    before = after or {}
    here = _added(before, units)
    prices = prices_of(order)
    lines = {
        line.id: _between(prices.paid[line.id], line.ordered, before.get(line.id, 0), here[line.id])
        for line in order.goods
        if units.get(line.id) and line.id in prices.paid
    }
    came = {line_id for line_id, number in units.items() if number}
    if came and _is_everything(order, here):
        came |= {line.id for line in order.lines if line.kind is LineKind.ROUNDING}
    gross = _together(order, prices, here)
    return GoodsValue(
        lines=lines,
        gross=gross - _together(order, prices, before) if before else gross,
        undecided={line_id: why for line_id, why in prices.undecided.items() if line_id in came},
    )


def value_of_what_came_back(dossier: Dossier, order: Order) -> GoodsValue:
    """What the goods that came back were paid, by the order as it was when each of them was counted; it is ``order``
    now. A line that the shop has changed since is counted, and is among the ``undecided`` all the same."""
    return dossier.reckoned(_value_of_what_came_back, order)


def _value_of_what_came_back(dossier: Dossier, order: Order) -> GoodsValue:
    before: dict[str, int] = {}
    lines: dict[str, Paid] = {}
    gross = Money.zero(order.currency)
    undecided: dict[str, Reason] = {}
    for counted_on, units in dossier.counted(order):
        value = goods_value(counted_on, units, after=before)
        if value.gross.currency == order.currency:
            gross += value.gross
        lines |= value.lines
        undecided |= value.undecided
        before = _added(before, units)
    return GoodsValue(lines=lines, gross=gross, undecided={**dossier.changed_lines(order), **undecided})


def values_of_returns(dossier: Dossier, of: Collection[str] | None = None) -> dict[str, Money]:
    """What the units of each return that came back were paid, by its id, in the currency of the order as last seen; of
    all returns, or ``of`` some. Those of all are together what all goods that came back were paid; a line whose price
    nobody can say is in none."""
    order = dossier.order
    if order is None:
        return {}
    before: dict[str, int] = {}
    values = dict.fromkeys(dossier.returns if of is None else of, Money.zero(order.currency))
    counted = dossier.counted_on_returns(order)
    if len(counted) == 1 and counted[0][0] in values:
        return values | {counted[0][0]: value_of_what_came_back(dossier, order).gross}
    for return_id, counted_on, units in counted:
        if return_id in values:
            gross = goods_value(counted_on, units, after=before).gross
            if gross.currency == order.currency:
                values[return_id] += gross
        for line_id, number in units.items():
            before[line_id] = before.get(line_id, 0) + number
    return values


def _added(before: Mapping[str, int], units: Mapping[str, int]) -> dict[str, int]:
    return {line_id: before.get(line_id, 0) + units.get(line_id, 0) for line_id in {**before, **units}}


def _between(paid: Paid, ordered: int, start: int, end: int) -> Paid:
    """What the units of a line from ``start`` to ``end`` were paid."""
    last = _first(paid, ordered, end)
    if ordered and not start:
        return last
    first = _first(paid, ordered, start)
    taxes = [
        TaxPart(rate=part.rate, net=part.net - before.net, tax=part.tax - before.tax)
        for part, before in zip(last.taxes, first.taxes, strict=True)
    ]
    return Paid(gross=last.gross - first.gross, taxes=tuple(taxes))


def _is_everything(order: Order, here: Mapping[str, int]) -> bool:
    return all(here.get(line.id, 0) >= line.ordered for line in order.goods)


def _together(order: Order, prices: Prices, here: Mapping[str, int]) -> Money:
    """What all units that are here were paid: with the last of them all that was, and never more."""
    if _is_everything(order, here):
        return prices.goods
    lines = [line for line in order.goods if line.id in prices.paid and here.get(line.id)]
    values = [_first(prices.paid[line.id], line.ordered, here[line.id]).gross for line in lines]
    return min(total(values, order.currency), prices.goods)


def _first(paid: Paid, ordered: int, units: int) -> Paid:
    """What the first ``units`` of a line were paid, each part by largest remainder; all of them what it was."""
    if units >= ordered:
        return paid
    parts = []
    for part in paid.taxes:
        gross = value_of_units(part.gross, units=ordered, first=units)
        tax = value_of_units(part.tax, units=ordered, first=units)
        parts.append(TaxPart(rate=part.rate, net=gross - tax, tax=tax))
    if not parts or paid.rounding:
        return Paid(gross=value_of_units(paid.gross, units=ordered, first=units), taxes=tuple(parts))
    return Paid(gross=total([part.gross for part in parts], paid.gross.currency), taxes=tuple(parts))
