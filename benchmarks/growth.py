"""What a return and the looks at the store cost when much has been returned already: it must not grow."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping

import attrs
from sqlalchemy import Engine

from benchmarks.databases import NewDatabase, settle
from benchmarks.filling import EVERY, fill, patterns
from benchmarks.orders import one_product, order_id, several_products
from benchmarks.recording import STAFF
from benchmarks.rounds import Contestant, interleave
from benchmarks.scale import Scale
from benchmarks.table import Part, Row, duration
from retour import MemoryShop, Order, ReturnDesk

AIM = 1.25
"""How many times as much it may cost: nothing but noise and a level more of an index."""

AT_ONCE = 0.002
"""Seconds that the returns of one order may take in the large store: a person who opens an order sees them."""

OF_ONE_ORDER = "list_returns, of one order"

_LOOKED_AT = 200
"""Orders, spread over the store, whose timelines are read."""


def growth(database: str, new: NewDatabase, scale: Scale) -> Part:
    """Fill a small store and a large one, and measure both by turns."""
    made = patterns(new("pattern"))
    shops = {}
    for name, orders in (("small", scale.small), ("large", scale.large)):
        engine = new(name)
        fill(engine, made, orders)
        settle(engine)
        shops[name] = _Full.of(engine, orders, scale)
    rows = []
    for what, pick in _MEASURED.items():
        rounds = scale.growth_rounds
        timings = interleave({name: pick(one, scale) for name, one in shops.items()}, rounds=rounds, warm=2)
        small, large = timings["small"], timings["large"]
        ratio = large.times(small)
        section = f"With {scale.small:,} and {scale.large:,} orders, {database}"
        if what == OF_ONE_ORDER:
            rows.append(
                Row(
                    section=section,
                    what=f"{what}, by itself in the large store",
                    value=duration(large.wall),
                    aim=f"under {duration(AT_ONCE)}",
                    met=large.wall < AT_ONCE,
                )
            )
        rows.append(
            Row(
                section=section,
                what=what,
                value=duration(small.wall),
                against=duration(large.wall),
                ratio=f"{ratio:.2f} ×",
                aim=f"at most {AIM} ×",
                met=ratio <= AIM,
            )
        )
    return Part(rows=tuple(rows))


@attrs.frozen(kw_only=True)
class _Full:
    """A desk on a full store, a place deep in its list, and orders that are in it."""

    desk: ReturnDesk
    deep: str | None
    known: list[str]
    fresh: list[str]

    def one_of(self, number: int) -> str:
        """An order that is in it, another one for each of the next numbers."""
        return self.known[number % len(self.known)]

    @classmethod
    def of(cls, engine: Engine, orders: int, scale: Scale) -> _Full:
        chance = random.Random(orders)
        known = [chance.randrange(orders) for _ in range(_LOOKED_AT)]
        needed = (2 + scale.growth_rounds) * scale.growth_returns
        fresh = [orders + number for number in range(needed)]
        shop = MemoryShop([*map(_as_filled, known), *map(one_product, fresh)])
        desk = ReturnDesk(shop=shop, store=engine)
        for number in known[:EVERY]:
            if len(desk.dossier(order_id(number)).returns) != 1:
                raise AssertionError(f"order {order_id(number)} was not filled in")
        return cls(
            desk=desk,
            deep=_deep(desk, orders // 2),
            known=[order_id(number) for number in known],
            fresh=[order_id(number) for number in fresh],
        )


def _as_filled(number: int) -> Order:
    return one_product(number) if number % EVERY else several_products(number)


def _deep(desk: ReturnDesk, passed: int) -> str | None:
    """The cursor of the page after ``passed`` returns, found as a reader would: page by page."""
    after: str | None = None
    for _ in range(passed // _PAGE):
        after = desk.list_returns(limit=_PAGE, after=after).next
    return after


_PAGE = 500


def _returns(full: _Full, scale: Scale) -> Contestant:
    def turn(round_: int) -> int:
        first = round_ * scale.growth_returns
        for order in full.fresh[first : first + scale.growth_returns]:
            full.desk.mark_returned(order, by=STAFF)
        return scale.growth_returns

    return turn


def _calls(call: Callable[[_Full, int], object]) -> Callable[[_Full, Scale], Contestant]:
    def of(full: _Full, scale: Scale) -> Contestant:
        def turn(round_: int) -> int:
            for number in range(scale.calls):
                call(full, round_ * scale.calls + number)
            return scale.calls

        return turn

    return of


def _idle(full: _Full, _: int) -> None:
    report = full.desk.work()
    if report.done or report.failed or report.expired or report.forgotten:
        raise AssertionError(f"there was work: {report}")


_MEASURED: Mapping[str, Callable[[_Full, Scale], Contestant]] = {
    "mark_returned": _returns,
    "list_returns, first page": _calls(lambda full, _: full.desk.list_returns()),
    "list_returns, a page from the middle": _calls(lambda full, _: full.desk.list_returns(after=full.deep)),
    "list_returns, what waits for an answer": _calls(lambda full, _: full.desk.list_returns(waits_for="answer")),
    OF_ONE_ORDER: _calls(lambda full, number: full.desk.list_returns(order_id=full.one_of(number))),
    "list_refunds, of one order": _calls(lambda full, number: full.desk.list_refunds(order_id=full.one_of(number))),
    "timeline": _calls(lambda full, number: full.desk.timeline(full.one_of(number))),
    "work, with nothing to do": _calls(_idle),
}
