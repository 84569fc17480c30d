"""What a merchant in trouble sold, and what his shop makes of the order later: twenty cups and perhaps three bowls, in
some currency. What came back is valued here by plain arithmetic on minor units, and by nothing of retour's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

import attrs

from retour import LineKind, Money, Order, OrderLine, Paid, Payment, ReasonCode, TaxPart
from retour.testing import a_line, a_service

CUPS, BOWLS = 20, 3
LESS = 9_00
"""By how much the shop makes the bowls cheaper, in minor units."""

OF_LINES = frozenset(
    code for code in ReasonCode if code.value.startswith(("line_", "discount_")) or code is ReasonCode.SEVERAL_LINES
)
"""Why a person has to decide about lines of an order. What is suggested for its other lines is suggested all the
same."""


@attrs.frozen(kw_only=True)
class Sale:
    """An order as it was paid: ``captured`` in minor units of ``currency``, of which so much for the ``bowls``.

    ``step`` is that of the provider for payments of this ``method``, ``safe_step`` the largest for this currency, where
    that is another one: it holds until the provider has said how it was paid. ``sale`` is what was taken off the cups
    by a discount of its own; the tax parts of cups that are ``taxed`` miss what was paid by a minor unit.
    """

    currency: str = "EUR"
    captured: int = 500_00
    step: int = 1
    safe_step: int = 0
    method: str = ""
    bowls: int = 0
    sale: int = 0
    taxed: bool = False

    def money(self, minor: int) -> Money:
        """So many minor units."""
        return Money(minor=minor, currency=self.currency)

    def payable(self, owed: int, left: int, *, method_known: bool = True) -> int:
        """The nearest that can be paid, half a step up, of what is owed; never more than is left."""
        step = self.step if method_known else self.safe_step or self.step
        nearest = Decimal(min(owed, left)) / step
        return min(int(nearest + Decimal("0.5")), left // step) * step

    @property
    def slack(self) -> int:
        """By how much all that went back can pass what is owed, since it goes back in steps."""
        return max(self.step, self.safe_step) // 2


@attrs.frozen
class Price:
    """So many units of a line for so many minor units together, None where nobody can say: the line is odd."""

    ordered: int
    paid: int | None

    def first(self, units: int) -> int:
        """What so many of its units are worth: what cannot be shared evenly belongs to the first of them."""
        assert self.paid is not None
        each, over = divmod(self.paid, self.ordered)
        units = min(units, self.ordered)
        return each * units + min(units, over)


@attrs.frozen(kw_only=True)
class Stored:
    """An order as the shop has it: its ``lines``, the ``prices`` of its goods, and what all of it costs."""

    lines: tuple[OrderLine, ...]
    prices: Mapping[str, Price]
    costs: int


def _line(sale: Sale, line_id: str, units: int, minor: int) -> OrderLine:
    return a_line(line_id, units, str(sale.money(minor).decimal), currency=sale.currency)


def _discount(sale: Sale, minor: int, over: str) -> OrderLine:
    amount = str(sale.money(minor).decimal)
    line = a_service(f"sale-{over}", amount, currency=sale.currency)
    return attrs.evolve(line, kind=LineKind.DISCOUNT, spread_over=(over,))


def _taxed(sale: Sale, line: OrderLine, missing: int) -> OrderLine:
    """The line with tax parts that miss what was paid for it."""
    net = line.paid.gross - sale.money(6_00 + missing)
    part = TaxPart(rate=Decimal(21), net=net, tax=sale.money(6_00))
    return attrs.evolve(line, paid=Paid(gross=line.paid.gross, taxes=(part,)))


def _as_sold(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    return (_line(sale, "bowl", BOWLS, sale.bowls),), Price(BOWLS, sale.bowls), sale.bowls


def _cheaper(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    now = sale.bowls - LESS
    return (_line(sale, "bowl", BOWLS, now),), Price(BOWLS, now), now


def _in_a_sale(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    now = sale.bowls - LESS
    return (_line(sale, "bowl", BOWLS, sale.bowls), _discount(sale, -LESS, "bowl")), Price(BOWLS, now), now


def _one_taken_off(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    now = Price(BOWLS, sale.bowls).first(BOWLS - 1)
    return (_line(sale, "bowl", BOWLS - 1, now),), Price(BOWLS - 1, now), now


def _gone(_: Sale) -> tuple[tuple[OrderLine, ...], None, int]:
    return (), None, 0


def _with_a_discount_above_zero(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    lines = (_line(sale, "bowl", BOWLS, sale.bowls), _discount(sale, LESS, "bowl"))
    return lines, Price(BOWLS, None), sale.bowls + LESS


def _below_zero(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    return (_line(sale, "bowl", BOWLS, -sale.bowls),), Price(BOWLS, None), -sale.bowls


def _in_another_currency(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    return (a_line("bowl", BOWLS, "70.00", currency="USD"),), Price(BOWLS, None), 0


def _half_a_unit(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    half = Decimal("0.5")
    line = attrs.evolve(_line(sale, "bowl", 1, sale.bowls), ordered=half, fulfilled=half)
    return (line,), Price(1, None), sale.bowls


def _more_than_were_ordered(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    line = attrs.evolve(_line(sale, "bowl", BOWLS, sale.bowls), fulfilled=BOWLS + 1)
    return (line,), Price(BOWLS, None), sale.bowls


def _with_taxes_that_miss(sale: Sale) -> tuple[tuple[OrderLine, ...], Price, int]:
    return (_taxed(sale, _line(sale, "bowl", BOWLS, sale.bowls), 5_00),), Price(BOWLS, None), sale.bowls


AS_SOLD, OVER_NOTHING = "as sold", "a discount over nothing"

THE_BOWLS: Mapping[str, Callable[[Sale], tuple[tuple[OrderLine, ...], Price | None, int]]] = {
    AS_SOLD: _as_sold,
    "cheaper": _cheaper,
    "in a sale": _in_a_sale,
    "one taken off": _one_taken_off,
    "gone": _gone,
    "a discount above zero": _with_a_discount_above_zero,
    "below zero": _below_zero,
    "in another currency": _in_another_currency,
    "half a unit": _half_a_unit,
    "more than were ordered": _more_than_were_ordered,
    "taxes that miss": _with_taxes_that_miss,
    OVER_NOTHING: _as_sold,
}
"""All that a shop can make of the bowls, each with their price then and what it adds to what the order costs."""


def stored(sale: Sale, how: str) -> Stored:
    """The order as a shop has it that made this of the bowls. A discount that is over no goods can be over all."""
    paid = sale.captured - sale.bowls
    cups = _line(sale, "cup", CUPS, paid + sale.sale)
    lines = (
        _taxed(sale, cups, 1) if sale.taxed else cups,
        *([_discount(sale, -sale.sale, "cup")] if sale.sale else []),
    )
    prices, costs = {"cup": Price(CUPS, paid)}, paid
    if sale.bowls:
        more, price, added = THE_BOWLS[how](sale)
        lines, costs = (*lines, *more), costs + added
        prices |= {} if price is None else {"bowl": price}
    if how == OVER_NOTHING:
        lines, costs = (*lines, _discount(sale, -LESS, "mug")), costs - LESS
        prices = {line_id: Price(one.ordered, None) for line_id, one in prices.items()}
    return Stored(lines=lines, prices=prices, costs=costs)


@attrs.frozen
class Counted:
    """Units of a line that came back, and its price then."""

    line: str
    units: int
    price: Price


@attrs.define
class Goods:
    """The goods of one order: how the shop has them ``now``, and what came back when. ``most`` is the most that was
    ever owed for it."""

    sale: Sale
    now: Stored = attrs.field(init=False)
    counted: list[Counted] = attrs.field(factory=list)
    most: int = 0

    def __attrs_post_init__(self) -> None:
        self.now = stored(self.sale, AS_SOLD)

    def order(self, payments: Sequence[Payment]) -> Order:
        """The order with these payments."""
        return Order(id="1001", currency=self.sale.currency, lines=self.now.lines, payments=tuple(payments))

    def change(self, how: str) -> None:
        """The shop makes this of the bowls."""
        self.now = stored(self.sale, how)
        self.most = max(self.most, self.owed)

    def came(self, line: str, units: int) -> None:
        """So many units of a line came back."""
        self.counted.append(Counted(line, units, self.now.prices[line]))
        self.most = max(self.most, self.owed)

    def back(self, line: str) -> int:
        """How many units of a line came back."""
        return sum(one.units for one in self.counted if one.line == line)

    @property
    def owed(self) -> int:
        """What the goods that came back are worth, each by its price when it came back; by its price now what had none
        then."""
        before: Counter[str] = Counter()
        worth = 0
        for one in self.counted:
            price = one.price if one.price.paid is not None else self.now.prices.get(one.line)
            start, end = before[one.line], before[one.line] + one.units
            before[one.line] = end
            if price is not None and price.paid is not None:
                worth += price.first(end) - price.first(start)
        return worth

    @property
    def due_for_the_rest(self) -> int:
        """What the order costs now without those units that came back and are still on it."""
        back = [price.first(self._still_on(line)) for line, price in self.now.prices.items() if price.paid is not None]
        return self.now.costs - sum(back)

    def _still_on(self, line: str) -> int:
        """A shop that takes units off a line takes those that came back; what it puts on again, it never took off."""
        counted = [*[one for one in self.counted if one.line == line], Counted(line, 0, self.now.prices[line])]
        levels = [max(one.price.ordered for one in counted[place:]) for place in range(len(counted))]
        still, before = 0, levels[0]
        for one, level in zip(counted, levels, strict=True):
            still, before = max(still - (before - level), 0) + one.units, level
        return still

    def to_decide(self) -> set[str]:
        """The lines of which units came back and that nobody can value now, or that were changed since."""
        return {one.line for one in self.counted if self._is_for_a_person(one)}

    def _is_for_a_person(self, one: Counted) -> bool:
        now = self.now.prices.get(one.line)
        if now is None:
            return one.price.paid is not None
        return now.paid is None or (one.price.paid is not None and one.price != now)
