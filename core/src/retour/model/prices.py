"""What each goods line of an order was paid after its share of the order's discounts: by value, to the minor unit."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal

from retour.model.frozen import frozen
from retour.model.making import changed
from retour.model.money import Money, shares_by_value, total
from retour.model.order import LineKind, Order, OrderLine, Paid, TaxPart
from retour.model.reasons import Reason, ReasonCode, reason


@frozen(kw_only=True)
class Prices:
    """What was ``paid`` for all units of each goods line, by its id. ``undecided`` are the lines of which nobody can
    say that, since they or a discount over them are odd: they are not in ``paid``. ``rounding`` is of the last goods;
    an odd one is ``undecided`` and not in it.
    """

    paid: Mapping[str, Paid]
    undecided: Mapping[str, Reason]
    rounding: Money

    @property
    def goods(self) -> Money:
        """All goods that have a price, and the rounding of the order; never below zero."""
        together = total([paid.gross for paid in self.paid.values()], self.rounding.currency) + self.rounding
        return max(together, Money.zero(together.currency))


_OF_GOODS = (LineKind.GOODS, LineKind.ROUNDING)


def prices_of(order: Order) -> Prices:
    """The prices of an order's goods.

    A discount falls on the goods that it is over, by what was paid for each. What is more than all of them were paid is
    of something else (the postage). Several are taken one after the other.
    """
    odd = order.odd_lines()
    undecided = {line.id: odd[line.id] for line in order.lines if line.kind in _OF_GOODS and line.id in odd}
    paid = {line.id: line.paid for line in order.goods if _has_value(line, order.currency)}
    for discount in [line for line in order.lines if line.is_discount]:
        over = order.discounted(discount)
        if discount.id in odd:
            undecided |= {line.id: odd[discount.id] for line in over or order.goods if line.id not in undecided}
        else:
            paid |= _with_discount({line.id: paid[line.id] for line in over if line.id in paid}, discount.paid)
    roundings = [line for line in order.lines if line.kind is LineKind.ROUNDING and line.id not in odd]
    return Prices(
        paid={line_id: one for line_id, one in paid.items() if line_id not in undecided},
        undecided=undecided,
        rounding=total([line.paid.gross for line in roundings], order.currency),
    )


def changes_of_price(before: Order, now: Order, lines: Iterable[str]) -> dict[str, Reason]:
    """Which of these goods are gone from an order, or have another price now, and what is to be said of it. What had no
    price before has none now."""
    was, becomes = prices_of(before), prices_of(now)
    found = {}
    for line_id in lines:
        paid, paid_now = was.paid.get(line_id), becomes.paid.get(line_id)
        if paid is None:
            continue
        amount = str(paid.gross)
        if not any(line.id == line_id for line in now.goods):
            found[line_id] = reason(ReasonCode.LINE_GONE, line=line_id, amount=amount)
        elif paid_now is None:
            found[line_id] = becomes.undecided[line_id]
        elif (paid.gross, before.line(line_id).ordered) != (paid_now.gross, now.line(line_id).ordered):
            found[line_id] = reason(ReasonCode.LINE_REPRICED, line=line_id, before=amount, now=str(paid_now.gross))
    return found


def _has_value(line: OrderLine, currency: str) -> bool:
    return line.paid.gross.currency == currency and line.paid.gross.minor >= 0


def _with_discount(lines: Mapping[str, Paid], discount: Paid) -> dict[str, Paid]:
    """The lines with their shares of a discount, as far as they can be made cheaper."""
    values = [paid.gross for paid in lines.values()]
    all_of_it = total(values, discount.gross.currency)
    if not all_of_it:
        return {}
    whole = max(discount.gross, Money.zero(all_of_it.currency) - all_of_it)
    shares = shares_by_value(whole, values)
    known = whole == discount.gross and all(paid.taxes for paid in lines.values())
    taxes = _shares_of_taxes(discount, values) if known else [()] * len(values)
    return {
        line_id: Paid(gross=paid.gross + share, taxes=_per_rate([*paid.taxes, *more]) if known and more else ())
        for (line_id, paid), share, more in zip(lines.items(), shares, taxes, strict=True)
    }


def _shares_of_taxes(discount: Paid, values: Sequence[Money]) -> list[tuple[TaxPart, ...]]:
    """The tax parts of a discount, spread as it is itself."""
    spread = [
        [
            TaxPart(rate=part.rate, net=gross - tax, tax=tax)
            for gross, tax in zip(shares_by_value(part.gross, values), shares_by_value(part.tax, values), strict=True)
        ]
        for part in discount.taxes
    ]
    return [tuple([parts[place] for parts in spread]) for place in range(len(values))]


def _per_rate(parts: Sequence[TaxPart]) -> tuple[TaxPart, ...]:
    """One part for each rate, in the order in which they come."""
    rates: dict[Decimal, TaxPart] = {}
    for part in parts:
        before = rates.get(part.rate)
        rates[part.rate] = (
            part if before is None else changed(before, net=before.net + part.net, tax=before.tax + part.tax)
        )
    return tuple(rates.values())
