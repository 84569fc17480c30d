"""Whatever an order is made of and in whatever parts it comes back: what is suggested can be paid, and all parts sum to
what was paid."""

from __future__ import annotations

import datetime
import os
from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import attrs
from hypothesis import given, settings
from hypothesis import strategies as st

from retour import Actor, Counted, Dossier, GoodsState, LineKind, Money, Order, OrderLine, Paid, TaxPart, When
from retour.model.money import total
from retour.model.refunds import Refund, RefundSource, RefundState
from retour.model.returns import Receipt, Return
from retour.rules.refunds import quote
from retour.testing import a_line, a_payment, a_service

EXAMPLES = int(os.environ.get("RETOUR_EXAMPLES", "150"))
NOW = datetime.datetime(2026, 11, 29, 12, tzinfo=datetime.UTC)
CURRENCIES = {"JPY": 0, "EUR": 2, "HUF": 2, "BGN": 2, "KWD": 3}


@attrs.frozen(kw_only=True)
class Sale:
    """A random order that was paid in full, and the step of the amounts that its provider pays."""

    order: Order
    step: int


@st.composite
def sales(draw: st.DrawFn, step: bool = False, services: bool = False) -> Sale:
    """An order of goods, discounts and roundings, with taxes that may miss by what was rounded; paid by one payment or
    several."""
    currency = draw(st.sampled_from(sorted(CURRENCIES)))
    size = draw(st.sampled_from([1, 10, 100])) if step else 1
    money = lambda minor: Money(minor=minor * size, currency=currency)  # noqa: E731
    lines = [
        attrs.evolve(
            a_line(f"l{number}", draw(st.integers(1, 5)), "0", currency=currency),
            paid=_paid(draw, money(draw(st.integers(0, 5000)))),
        )
        for number in range(draw(st.integers(1, 4)))
    ]
    names = [line.id for line in lines]
    for number in range(draw(st.integers(0, 3))):
        kind = draw(st.sampled_from([LineKind.DISCOUNT, LineKind.SERVICE]))
        over = draw(st.lists(st.sampled_from(names), unique=True)) if kind is LineKind.DISCOUNT else []
        most = _left(lines) // size // 2
        lines.append(_other(f"d{number}", kind, _paid(draw, money(-draw(st.integers(0, most)))), over))
    for number in range(draw(st.integers(0, 2))):
        small = draw(st.integers(-min(2, _left(lines) // size), 2))
        lines.append(_other(f"r{number}", LineKind.ROUNDING, Paid(gross=money(small))))
    if services:
        lines.append(_other("postage", LineKind.SERVICE, Paid(gross=money(draw(st.integers(0, 900))))))
    paid = total([line.paid.gross for line in lines], currency)
    cuts = sorted(draw(st.lists(st.integers(0, paid.minor // size), max_size=2)))
    ends = [cut * size for cut in cuts]
    parts = [end - start for start, end in zip([0, *ends], [*ends, paid.minor], strict=True)]
    payments = [
        attrs.evolve(
            a_payment("0", provider="ledger", reference=f"p_{number}", currency=currency),
            captured=Money(minor=part, currency=currency),
        )
        for number, part in enumerate(parts)
    ]
    return Sale(order=Order(id="1001", currency=currency, lines=lines, payments=payments), step=size)


def _left(lines: Sequence[OrderLine]) -> int:
    return max(sum(line.paid.gross.minor for line in lines), 0)


def _paid(draw: st.DrawFn, gross: Money) -> Paid:
    """Its taxes are unknown, or sum to it, or miss it by what was rounded."""
    if not draw(st.booleans()):
        return Paid(gross=gross)
    nothing = Money.zero(gross.currency)
    missed = draw(st.integers(-1, 1)) if gross.minor > 0 else 0
    tax = Money(minor=gross.minor * 21 // 121, currency=gross.currency)
    net = gross - tax - Money(minor=missed, currency=gross.currency)
    others = [TaxPart(rate=Decimal(9), net=nothing, tax=nothing)] if draw(st.booleans()) else []
    return Paid(gross=gross, taxes=(TaxPart(rate=Decimal(21), net=net, tax=tax), *others))


def _other(line_id: str, kind: LineKind, paid: Paid, over: Sequence[str] = ()) -> OrderLine:
    line = a_service(line_id, "0", currency=paid.gross.currency)
    return attrs.evolve(line, kind=kind, paid=paid, spread_over=over)


class Story:
    """An order that comes back part by part, and of each part what is suggested is refunded."""

    def __init__(self, sale: Sale) -> None:
        self.sale = sale
        self.dossier = Dossier(order_id="1001", order=sale.order)

    def comes_back(self, part: dict[str, int]) -> None:
        number = len(self.dossier.returns)
        lines = {line_id: Counted(line_id=line_id, sellable=units) for line_id, units in part.items() if units}
        when = self.when()
        receipt = Receipt(id=f"rc{number}", opened=when, by=Actor.staff("anna"), lines=lines)
        one = Return(
            id=f"rt{number}", opened=when, changed=when, goods=GoodsState.RECEIVED, receipts={receipt.id: receipt}
        )
        self.dossier = attrs.evolve(self.dossier, returns={**self.dossier.returns, one.id: one})

    def when(self) -> When:
        return When(seq=len(self.dossier.returns) + len(self.dossier.refunds) + 1, at=NOW)

    def refunds(self) -> Any:
        """What is suggested now goes back, and can."""
        quoted = quote(self.dossier, self.sale.order, lambda _: self.sale.step)
        for share in quoted.shares:
            assert share.suggested.minor % self.sale.step == 0
            assert 0 <= share.suggested.minor <= share.left.minor
            if share.suggested:
                self._refund(share.payment.id, share.suggested)
        return quoted

    def _refund(self, payment: str, amount: Money) -> None:
        one = Refund(
            id=f"rf{len(self.dossier.refunds)}",
            payment=payment,
            amount=amount,
            state=RefundState.SUCCEEDED,
            source=RefundSource.API,
            opened=self.when(),
            changed=self.when(),
        )
        self.dossier = attrs.evolve(self.dossier, refunds={**self.dossier.refunds, one.id: one})

    @property
    def went_back(self) -> Money:
        return total([one.amount for one in self.dossier.refunds.values()], self.sale.order.currency)


def parts_of(order: Order, data: st.DataObject) -> list[dict[str, int]]:
    """All units of an order's goods, in an order and in parts of which nobody knows anything before."""
    units = data.draw(st.permutations([line.id for line in order.goods for _ in range(line.ordered)]))
    cuts = sorted(data.draw(st.sets(st.integers(1, len(units)), max_size=4)) | {len(units)})
    ends = list(zip([0, *cuts], cuts, strict=False))
    return [{line_id: units[start:end].count(line_id) for line_id in units[start:end]} for start, end in ends]


@settings(max_examples=EXAMPLES, deadline=None)
@given(sale=sales(), data=st.data())
def test_all_parts_of_an_order_sum_to_what_was_paid(sale: Sale, data: st.DataObject) -> None:
    story = Story(sale)
    assert sale.order.odd_lines() == {}
    for part in parts_of(sale.order, data):
        story.comes_back(part)
        assert story.refunds().because is None
        assert not quote(story.dossier, sale.order).suggested
    assert story.went_back == sale.order.paid


@settings(max_examples=EXAMPLES, deadline=None)
@given(sale=sales(step=True), data=st.data())
def test_all_parts_sum_to_what_was_paid_in_the_steps_of_the_provider_too(sale: Sale, data: st.DataObject) -> None:
    story = Story(sale)
    for part in parts_of(sale.order, data):
        story.comes_back(part)
        assert not story.refunds().remainder
    assert story.went_back == sale.order.paid


@settings(max_examples=EXAMPLES, deadline=None)
@given(sale=sales(services=True), data=st.data())
def test_the_postage_stays_but_for_what_discounts_are_more_than_their_goods(sale: Sale, data: st.DataObject) -> None:
    story = Story(sale)
    postage = sale.order.line("postage").paid.gross
    for part in parts_of(sale.order, data):
        story.comes_back(part)
        story.refunds()
    assert sale.order.paid - postage <= story.went_back <= sale.order.paid


@settings(max_examples=EXAMPLES, deadline=None)
@given(sale=sales(), data=st.data(), times=st.integers(1, 3))
def test_an_order_that_the_shop_recalculates_between_gives_back_no_more_than_was_paid(
    sale: Sale, data: st.DataObject, times: int
) -> None:
    """And each part keeps the price that it had: nothing that was suggested before is suggested anew."""
    story = Story(sale)
    for part in parts_of(sale.order, data):
        story.comes_back(part)
        before = quote(story.dossier, sale.order).suggested
        was = story.dossier.order
        assert was is not None
        lines = [attrs.evolve(one, paid=Paid(gross=one.paid.gross)) for one in was.lines]
        lines[0] = attrs.evolve(lines[0], paid=Paid(gross=Money(minor=times * 7, currency=was.currency)))
        now = attrs.evolve(was, lines=lines)
        counted = [receipt for one in story.dossier.returns.values() for receipt in one.receipts]
        counted_on = {**dict.fromkeys(counted, was), **story.dossier.counted_on}
        changed = attrs.evolve(story.dossier, order=now, counted_on=counted_on)
        after = quote(changed, now)
        assert after.suggested <= now.captured
        if now.paid <= was.paid:
            assert after.suggested == before
        story.refunds()
