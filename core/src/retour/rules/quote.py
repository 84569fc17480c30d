"""What the goods that came back were paid: per line, per tax rate, to the minor unit.

Largest remainder, ties by order: any split of an order into partial returns sums exactly to what was paid.
Sources: the field's habit (Solidus, Sylius) and rule R5 of the project's law notes: goods are the line price paid,
after discounts.
"""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from retour.model.money import Money, total, value_of_units
from retour.model.order import Order, OrderLine, Paid, TaxPart


@attrs.frozen(kw_only=True)
class GoodsValue:
    """What units of an order were paid: per line, and together."""

    lines: Mapping[str, Paid]
    gross: Money


def goods_value(order: Order, units: Mapping[str, int], *, after: Mapping[str, int] | None = None) -> GoodsValue:
    """What ``units`` of each line were paid, given that ``after`` units of it came back before."""
    before = after or {}
    lines = {
        line.id: _between(line, before.get(line.id, 0), before.get(line.id, 0) + units[line.id])
        for line in order.goods
        if units.get(line.id)
    }
    return GoodsValue(lines=lines, gross=total([paid.gross for paid in lines.values()], order.currency))


def _between(line: OrderLine, start: int, end: int) -> Paid:
    """What the units of ``line`` from ``start`` to ``end`` were paid, each part by largest remainder."""
    if not line.paid.taxes:
        return Paid(gross=_part(line.paid.gross, line.ordered, start, end))
    parts = []
    for part in line.paid.taxes:
        gross = _part(part.gross, line.ordered, start, end)
        tax = _part(part.tax, line.ordered, start, end)
        parts.append(TaxPart(rate=part.rate, net=gross - tax, tax=tax))
    return Paid(gross=total([part.gross for part in parts], line.paid.gross.currency), taxes=tuple(parts))


def _part(whole: Money, units: int, start: int, end: int) -> Money:
    return value_of_units(whole, units=units, first=end) - value_of_units(whole, units=units, first=start)
