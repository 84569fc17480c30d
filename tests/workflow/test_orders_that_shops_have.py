"""Orders as shops have them: discounts and roundings below zero, taxes that miss by a cent, half a unit, a currency
that has ended. Each can be returned and refunded, and has its control: the order without what is odd about it."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import attrs
import pytest

from retour import (
    Actor,
    LineKind,
    MemoryShop,
    Money,
    Order,
    OrderLine,
    Paid,
    Payment,
    RestockDecision,
    ReturnDesk,
    TaxPart,
)
from retour.testing import a_line, a_payment, a_service, an_order

ANNA = Actor.staff("anna")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def of_kind(kind: LineKind, amount: str, **more: Any) -> OrderLine:
    """A line of the order that is no goods and no postage."""
    return attrs.evolve(a_service(kind.value, amount), kind=kind, **more)


def taxed(gross: str, *parts: tuple[str, str, str], units: int = 1) -> OrderLine:
    """A line with its tax parts as invoiced: rate, net, tax."""
    taxes = tuple([TaxPart(rate=Decimal(rate), net=eur(net), tax=eur(tax)) for rate, net, tax in parts])
    return attrs.evolve(a_line("fee", units, gross), paid=Paid(gross=eur(gross), taxes=taxes))


def tea(ordered: Any) -> OrderLine:
    return attrs.evolve(a_line("tea", 1, "8.00"), ordered=ordered, fulfilled=ordered)


def opened(order: Order) -> ReturnDesk:
    return ReturnDesk(shop=MemoryShop([order]), store="sqlite://")


def refunded_in_parts(desk: ReturnDesk, *parts: dict[str, int]) -> list[Money]:
    """What is suggested for each part as it comes back, and is refunded then."""
    amounts = []
    for number, units in enumerate(parts):
        desk.mark_returned("1001", units, by=ANNA, request_id=f"back {number}")
        for option in desk.refund_options("1001"):
            if option.suggested:
                amounts.append(option.suggested)
                reference, form = f"bank {len(amounts)}", f"refund {len(amounts)}"
                confirm = desk.confirm_refund
                confirm("1001", option.payment.id, option.suggested, reference=reference, by=ANNA, request_id=form)
    return amounts


def in_all(amounts: Sequence[Money]) -> Money:
    return sum(amounts[1:], amounts[0])


BOLTS = a_line("bolt", 50, "23.79")
AS_SHOPS_HAVE_THEM: dict[str, tuple[Order, Order]] = {
    "a rounding of a cent": (
        an_order(BOLTS, of_kind(LineKind.ROUNDING, "-0.01")),
        an_order(attrs.evolve(BOLTS, paid=Paid.of("23.78", "EUR"))),
    ),
    "a rounding of a cent, as a service": (
        an_order(BOLTS, a_service("rounding", "-0.01")),
        an_order(attrs.evolve(BOLTS, paid=Paid.of("23.78", "EUR"))),
    ),
    "a discount": (
        an_order(a_line("bolt", 2, "10.00"), of_kind(LineKind.DISCOUNT, "-1.00")),
        an_order(a_line("bolt", 2, "9.00")),
    ),
    "a discount, as a service": (
        an_order(a_line("bolt", 2, "10.00"), a_service("discount", "-1.00")),
        an_order(a_line("bolt", 2, "9.00")),
    ),
    "taxes that miss by a cent": (
        an_order(taxed("16.03", ("4", "14.70", "0.59"), ("5", "0", "0.73"))),
        an_order(taxed("16.02", ("4", "14.70", "0.59"), ("5", "0", "0.73"))),
    ),
    "paid in BGN": (an_order(a_line("cup", 1, "44.95", currency="BGN")), an_order(a_line("cup", 1, "44.95"))),
    "paid in HRK": (an_order(a_line("cup", 1, "44.95", currency="HRK")), an_order(a_line("cup", 1, "44.95"))),
    "paid in ANG": (an_order(a_line("cup", 1, "44.95", currency="ANG")), an_order(a_line("cup", 1, "44.95"))),
}
"""Each as a shop has it, and without what is odd about it."""


@pytest.mark.parametrize("name", AS_SHOPS_HAVE_THEM)
def test_an_order_as_shops_have_it_is_returned_and_refunded_as_one_without_what_is_odd(name: str) -> None:
    odd, control = AS_SHOPS_HAVE_THEM[name]
    amounts = []
    for order in (odd, control):
        desk = opened(order)
        assert order.odd_lines() == {}
        amounts.append([one.minor for one in refunded_in_parts(desk, {order.goods[0].id: order.goods[0].ordered})])
        assert sum(amounts[-1]) == order.captured.minor
        assert desk.refund_options("1001")[0].because is None
        assert not desk.attention().items
    assert amounts[0] == amounts[1] or name == "taxes that miss by a cent"


def test_the_cents_by_which_taxes_miss_are_kept_as_invoiced_and_are_told() -> None:
    paid = taxed("16.03", ("4", "14.70", "0.59"), ("5", "0", "0.73")).paid
    assert paid.rounding == eur("0.01")
    assert [part.gross for part in paid.taxes] == [eur("15.29"), eur("0.73")]
    assert taxed("16.02", ("4", "14.70", "0.59"), ("5", "0", "0.73")).paid.rounding == eur("0")
    assert Paid.of("16.03", "EUR").rounding == eur("0")


@pytest.mark.parametrize(
    ("gross", "parts", "units", "odd"),
    [
        ("10.01", [("21", "8.26", "1.74")], 1, False),  # a cent for each part
        ("10.02", [("21", "8.26", "1.74")], 1, True),
        ("10.02", [("21", "8.26", "1.74"), ("9", "0", "0")], 1, False),
        ("10.10", [("21", "8.26", "1.74")], 50, False),  # for each unit of it, where a shop rounds each
        ("10.11", [("21", "8.26", "1.74")], 50, True),  # and a hundredth of the amount at most
        ("9.90", [("21", "8.26", "1.74")], 50, True),
        ("9.91", [("21", "8.26", "1.74")], 9, False),
        ("9.90", [("21", "8.26", "1.74")], 9, True),
        ("0.99", [("21", "0.81", "0.17")], 1, False),  # below one, a hundredth is nothing: a cent for each part
        ("0.99", [("21", "0.80", "0.17")], 1, True),
        ("0.99", [("21", "0.80", "0.17")], 50, True),
        ("0.02", [("21", "0.02", "0.01")], 1, False),
        ("0.01", [("21", "0.03", "0")], 1, True),
        ("0.02", [("21", "0", "0"), ("9", "0", "0")], 1, False),
    ],
)
def test_what_taxes_miss_by_more_than_rounding_does_is_odd(
    gross: str, parts: list[tuple[str, str, str]], units: int, odd: bool
) -> None:
    assert bool(an_order(taxed(gross, *parts, units=units)).odd_lines()) is odd


# --- half a unit -----------------------------------------------------------------------------------------


def test_half_a_unit_comes_back_as_one_and_a_person_decides_what_goes_back_for_it() -> None:
    desk = opened(an_order(tea(Decimal("0.5")), a_line("cup", 1, "20.00")))
    outcome = desk.mark_returned("1001", by=ANNA)
    assert outcome.restock.needs_answer
    desk.answer_restock("1001", outcome.return_id, RestockDecision.all(), by=ANNA)
    [option] = desk.refund_options("1001")
    assert option.suggested == eur("20.00")
    assert "line tea: 0.5 is no whole number of units" in option.because.text("en")
    assert "regel tea: 0,5 is geen heel aantal stuks" in option.because.text("nl")
    shop: Any = desk.dossier("1001").order.line("tea")
    assert (shop.ordered, shop.fulfilled, shop.measure, shop.stock_tracked) == (1, 1, Decimal("0.5"), False)


def test_half_a_kilo_that_the_shop_gives_as_one_unit_is_like_any_other() -> None:
    """The way to model it that the page on embedding names."""
    desk = opened(an_order(attrs.evolve(tea(1), name="Tea, 0.5 kg", stock_tracked=False), a_line("cup", 1, "20.00")))
    desk.mark_returned("1001", by=ANNA)
    [option] = desk.refund_options("1001")
    assert (option.suggested, option.because) == (eur("28.00"), None)


@pytest.mark.parametrize(
    ("ordered", "fulfilled", "kept"),
    [
        (Decimal("2.000"), Decimal(1), (2, 1, None)),
        (Decimal("0.5"), Decimal(0), (1, 0, Decimal("0.5"))),
        (Decimal("2.5"), Decimal("2.5"), (1, 1, Decimal("2.5"))),
        (2, Decimal("1.5"), (2, 1, Decimal("1.5"))),
    ],
)
def test_a_quantity_that_a_database_keeps_as_a_decimal_is_read(
    ordered: Any, fulfilled: Any, kept: tuple[int, int, Decimal | None]
) -> None:
    line = attrs.evolve(a_line("tea"), ordered=ordered, fulfilled=fulfilled)
    assert (line.ordered, line.fulfilled, line.measure) == kept
    assert attrs.evolve(line, name="Green tea").measure == line.measure
    assert (line.id in an_order(line).odd_lines()) is (line.measure is not None)


# --- discounts -------------------------------------------------------------------------------------------


def test_a_discount_falls_on_the_goods_by_what_was_paid_for_each() -> None:
    discount = of_kind(LineKind.DISCOUNT, "-10.00")
    desk = opened(an_order(a_line("cup", 2, "20.00"), a_line("pot", 1, "80.00"), discount, a_service("wrap", "5.00")))
    assert refunded_in_parts(desk, {"cup": 1}, {"pot": 1}, {"cup": 1}) == [eur("9.00"), eur("72.00"), eur("9.00")]


def test_a_discount_that_is_over_one_line_makes_no_other_cheaper() -> None:
    discount = of_kind(LineKind.DISCOUNT, "-10.00", spread_over=["pot"])
    desk = opened(an_order(a_line("cup", 2, "20.00"), a_line("pot", 1, "80.00"), discount))
    assert refunded_in_parts(desk, {"cup": 1}, {"pot": 1}, {"cup": 1}) == [eur("10.00"), eur("70.00"), eur("10.00")]


def test_what_a_discount_is_more_than_the_goods_were_paid_is_of_the_postage() -> None:
    voucher = of_kind(LineKind.DISCOUNT, "-22.00")
    desk = opened(an_order(a_line("cup", 2, "20.00"), a_service("postage", "5.00"), voucher))
    desk.mark_returned("1001", by=ANNA)
    assert not desk.refund_options("1001")[0].suggested


def test_the_tax_of_a_discount_lowers_the_tax_of_its_goods() -> None:
    from retour.rules.quote import goods_value

    discount = attrs.evolve(of_kind(LineKind.DISCOUNT, "-12.10"), paid=a_line("x", 1, "12.10", vat="21").paid)
    minus = attrs.evolve(discount.paid, gross=eur("-12.10"), taxes=(_below_zero(discount.paid.taxes[0]),))
    order = an_order(a_line("pot", 2, "121.00", vat="21"), attrs.evolve(discount, paid=minus))
    [one, other] = [goods_value(order, {"pot": 1}, after={"pot": before}).lines["pot"] for before in (0, 1)]
    assert one.gross + other.gross == eur("108.90")
    assert one.taxes[0].tax + other.taxes[0].tax == eur("18.90")
    assert one.rounding == other.rounding == eur("0")


def _below_zero(part: TaxPart) -> TaxPart:
    nothing = Money.zero(part.net.currency)
    return attrs.evolve(part, net=nothing - part.net, tax=nothing - part.tax)


@pytest.mark.parametrize("rounding", ["0.02", "-0.02"])
def test_a_rounding_goes_with_the_last_goods_and_what_is_kept_pays_none_of_it(rounding: str) -> None:
    rounded = of_kind(LineKind.ROUNDING, rounding)
    desk = opened(an_order(a_line("cup", 2, "10.00"), a_service("postage", "4.95"), rounded))
    assert refunded_in_parts(desk, {"cup": 1}, {"cup": 1}) == [eur("5.00"), eur("5.00") + eur(rounding)]


def test_an_order_with_a_discount_that_is_not_paid_in_full_gives_back_no_more_than_was_paid() -> None:
    discount = of_kind(LineKind.DISCOUNT, "-10.00")
    paid: list[Payment] = [a_payment("60.00")]
    desk = opened(an_order(a_line("cup", 1, "20.00"), a_line("pot", 1, "80.00"), discount, payments=paid))
    desk.mark_returned("1001", {"pot": 1}, by=ANNA, request_id="f1")
    assert desk.refund_options("1001")[0].suggested == eur("42.00")  # 60.00, and the cup costs 18.00
