"""A line that cannot be right, or that the shop removed or repriced after it came back: it is named, and all that does
not depend on it goes on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import attrs
import pytest

from retour import (
    Actor,
    Delivery,
    InvalidAmount,
    InvalidOrder,
    InvalidQuantity,
    LineKind,
    MemoryShop,
    Money,
    Order,
    OrderLine,
    Paid,
    RefundPlan,
    ReturnDesk,
    TaxPart,
    hookimpl,
)
from retour.testing import a_line, a_payment, a_service, an_order

ANNA = Actor.staff("anna")


def eur(amount: str) -> Money:
    return Money.of(amount, "EUR")


def sold(world: Any, *lines: OrderLine, captured: str = "100.00", delivery: Delivery | None = None) -> Order:
    """The order as the shop has it now, paid by ``captured``."""
    payment = a_payment(captured, provider="ledger", reference="p_1")
    order = Order(id="1001", currency="EUR", lines=lines, payments=(payment,), delivery=delivery)
    world.shop.orders["1001"] = order
    return order


def comes_back(world: Any, **units: int) -> None:
    world.forms += 1
    world.desk.mark_returned("1001", units, by=ANNA, request_id=f"back {world.forms}")


def option(world: Any) -> Any:
    [one] = world.desk.refund_options("1001")
    return one


def told(world: Any, language: str = "en") -> list[str]:
    return [entry.text(language) for entry in world.desk.timeline("1001", audience="staff")]


CUP, POT = a_line("cup", 4, "40.00", stock_tracked=False), a_line("pot", 1, "60.00", stock_tracked=False)


def taxed(line: OrderLine, *parts: tuple[str, str, str]) -> OrderLine:
    taxes = tuple([TaxPart(rate=Decimal(rate), net=eur(net), tax=eur(tax)) for rate, net, tax in parts])
    return attrs.evolve(line, paid=attrs.evolve(line.paid, taxes=taxes))


ODD: dict[str, tuple[OrderLine, str]] = {
    "in another currency": (a_line("cup", 4, "40.00", currency="USD"), "$40.00 is in another currency"),
    "taxes of another amount": (taxed(CUP, ("21", "30.00", "6.30")), "differ by €3.70 from the €40.00"),
    "goods below zero": (a_line("cup", 4, "-40.00"), "-€40.00 was paid for goods"),
    "no units": (attrs.evolve(CUP, ordered=0, fulfilled=4), "€40.00 was paid, and for no units"),
    "more than were ordered": (attrs.evolve(CUP, fulfilled=5), "delivered 5, and ordered only 4"),
    "a float": (attrs.evolve(CUP, ordered=0.5, fulfilled=0.5), "0.5 is no whole number"),
    "a rate below zero": (taxed(CUP, ("-21", "33.06", "6.94")), "-21 percent cannot be a rate of tax"),
    "a rate above all": (taxed(CUP, ("1001", "33.06", "6.94")), "1001 percent cannot be a rate of tax"),
    "a currency that there is not": (attrs.evolve(CUP, paid=Paid.of("40", "XBT")), "40 XBT is in a currency that"),
    "half a unit": (attrs.evolve(CUP, ordered=Decimal("0.5"), fulfilled=Decimal("0.5")), "0.5 is no whole number"),
}


@pytest.mark.parametrize("name", ODD)
def test_a_line_that_cannot_be_right_is_named_and_the_others_are_refunded(world: Any, name: str) -> None:
    cup, words = ODD[name]
    world.open()
    order = sold(world, cup, POT)
    assert list(order.odd_lines()) == ["cup"]
    assert words in order.odd_lines()["cup"].text("en")
    comes_back(world, cup=1, pot=1)
    assert (option(world).suggested, option(world).because) == (eur("60.00"), order.odd_lines()["cup"])
    assert world.refund("60.00").refund.state == "succeeded"
    world.open_link("5.00")
    world.desk.reconcile("1001")
    (item,) = world.desk.attention("odd_line").items
    assert (item.about, words in item.why.render("en"), item.can_do) == ("cup", True, ("reconcile", "acknowledge"))
    world.desk.confirm_refund("1001", "p_1", eur("10.00"), reference="by hand", by=ANNA, request_id="decided")


@pytest.mark.parametrize(
    ("ordered", "fulfilled", "said"),
    [(-1, -1, "-1"), (Decimal("-0.5"), 0, "-0.5"), (-2.0, 1, "-2"), (4, -1, "-1"), (-1, 4, "-1")],
)
def test_a_line_of_less_than_no_units_is_named_and_nothing_of_it_can_come_back(
    world: Any, ordered: Any, fulfilled: Any, said: str
) -> None:
    world.open()
    order = sold(world, attrs.evolve(CUP, ordered=ordered, fulfilled=fulfilled), POT)
    assert f"{said} units were ordered, which is below zero" in order.odd_lines()["cup"].text("en").replace(
        "-2.0", "-2"
    )
    dutch = order.odd_lines()["cup"].text("nl").replace("-2,0", "-2")
    assert f"{said.replace('.', ',')} stuks besteld, minder dan nul" in dutch
    with pytest.raises(InvalidQuantity):
        comes_back(world, cup=1)
    comes_back(world, pot=1)
    assert option(world).suggested == eur("60.00")
    (item,) = world.desk.attention("odd_line").items
    assert (item.about, item.can_do) == ("cup", ("reconcile", "acknowledge"))


def test_a_delivery_in_a_currency_that_there_is_not_costs_itself_alone(world: Any) -> None:
    world.open()
    order = sold(world, CUP, POT, delivery=Delivery(paid=Paid.of("4.95", "XBT")))
    assert "4.95 XBT is in a currency that does not exist" in order.odd_lines()["delivery"].text("en")
    comes_back(world, pot=1)
    assert option(world).suggested == eur("60.00")


@pytest.mark.parametrize("amount", ["four", "", True, "1.2.3"])
def test_what_is_no_amount_is_none_in_a_currency_that_there_is_not_either(amount: Any) -> None:
    with pytest.raises(InvalidAmount):
        Paid.of(amount, "XBT")


def test_two_lines_with_one_id_are_no_order_and_the_error_says_why_and_what_to_do() -> None:
    """Units are counted by a line's id: nobody could say of which of the two they came back."""
    with pytest.raises(InvalidOrder, match=r"two have the same name: line cup\. Give each a name of") as caught:
        an_order(CUP, CUP)
    assert "Geef elk een eigen naam" in caught.value.message.render("nl")

    class Doubled(MemoryShop):
        def order(self, order_id: str) -> Order:
            del order_id
            return an_order(CUP, CUP)

    desk = ReturnDesk(shop=Doubled(), store="sqlite://")
    with pytest.raises(InvalidOrder, match="Order 1001: two have the same name: line cup"):
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="back")


def test_without_what_is_odd_the_cup_is_suggested_too(world: Any) -> None:
    world.open()
    order = sold(world, CUP, POT)
    comes_back(world, cup=1, pot=1)
    assert (order.odd_lines(), option(world).suggested, option(world).because) == ({}, eur("70.00"), None)
    assert world.desk.attention("odd_line").items == ()


@pytest.mark.parametrize("back", [{"pot": 1}, {"pot": 1, "cup": 1}])
def test_of_an_odd_line_nothing_is_said_before_units_of_it_came_back(world: Any, back: dict[str, int]) -> None:
    world.open()
    sold(world, attrs.evolve(CUP, fulfilled=5), POT)
    comes_back(world, **back)
    assert (option(world).because is None) is ("cup" not in back)
    assert len(world.desk.attention("odd_line").items) == 1


def test_a_line_that_the_shop_mended_is_off_the_list_and_is_suggested(world: Any) -> None:
    world.open()
    sold(world, attrs.evolve(CUP, fulfilled=5), POT)
    comes_back(world, cup=1)
    sold(world, CUP, POT)
    world.desk.reconcile("1001")
    assert world.desk.attention("odd_line").items == ()
    assert (option(world).suggested, option(world).because) == (eur("10.00"), None)


def test_what_was_acknowledged_of_an_odd_line_is_not_listed_again_for_another_change(world: Any) -> None:
    world.open()
    sold(world, attrs.evolve(CUP, fulfilled=5), POT)
    comes_back(world, cup=1)
    world.desk.acknowledge("1001", "odd_line", "cup", by=ANNA)
    sold(world, attrs.evolve(CUP, fulfilled=5), POT, captured="101.00")
    world.desk.reconcile("1001")
    assert world.desk.attention("odd_line").items == ()
    sold(world, attrs.evolve(CUP, fulfilled=6), POT)
    world.desk.reconcile("1001")
    assert len(world.desk.attention("odd_line").items) == 1


def discount(amount: str, **more: Any) -> OrderLine:
    return attrs.evolve(a_service("sale", amount), kind=LineKind.DISCOUNT, **more)


@pytest.mark.parametrize(
    ("odd", "suggested", "words"),
    [
        (discount("5.00"), "0", "line sale: a discount of €5.00, which is above zero"),
        (discount("5.00", spread_over=["cup"]), "60.00", "line sale: a discount of €5.00"),
        (discount("-5.00", spread_over=["mug"]), "0", "line sale: a discount over mug, which are no goods"),
        (attrs.evolve(discount("-5.00"), paid=Paid.of("-5.00", "USD")), "0", "line sale: -$5.00 is in another"),
    ],
)
def test_an_odd_discount_leaves_to_a_person_what_goes_back_for_the_goods_it_is_over(
    world: Any, odd: OrderLine, suggested: str, words: str
) -> None:
    world.open()
    sold(world, CUP, POT, odd, captured="105.00")
    comes_back(world, cup=1, pot=1)
    assert option(world).suggested == eur(suggested)
    assert option(world).because.text("en").startswith(words)


def test_an_odd_rounding_is_named_when_the_last_goods_are_back(world: Any) -> None:
    world.open()
    rounding = attrs.evolve(a_service("rounding"), paid=Paid.of("0.01", "USD"), kind=LineKind.ROUNDING)
    sold(world, CUP, POT, rounding)
    comes_back(world, cup=4)
    assert (option(world).suggested, option(world).because) == (eur("40.00"), None)
    comes_back(world, pot=1)
    assert option(world).suggested == eur("100.00")
    assert "line rounding: $0.01" in option(world).because.text("en")


@pytest.mark.parametrize("odd", [a_service("wrap", "5.00", currency="USD"), None])
def test_an_odd_service_or_delivery_is_listed_and_nothing_waits_for_it(world: Any, odd: OrderLine | None) -> None:
    world.open()
    delivery = Delivery(paid=Paid.of("5.00", "USD")) if odd is None else None
    sold(world, CUP, POT, *([odd] if odd else []), delivery=delivery)
    comes_back(world, cup=4, pot=1)
    assert (option(world).suggested, option(world).because) == (eur("100.00"), None)
    (item,) = world.desk.attention("odd_line").items
    assert item.about == ("wrap" if odd else "delivery")


def test_several_lines_to_decide_about_are_named_together(world: Any) -> None:
    world.open()
    sold(world, attrs.evolve(CUP, fulfilled=5), attrs.evolve(POT, fulfilled=2))
    comes_back(world, cup=1, pot=1)
    assert not option(world).suggested
    assert "were changed: cup, pot." in option(world).because.text("en")
    assert "zijn gewijzigd: cup, pot." in option(world).because.text("nl")


def test_however_many_lines_there_are_to_decide_about_the_reason_can_be_kept(world: Any) -> None:
    world.open()
    many = [a_line(f"{number:03}{'x' * 250}", 1, "-1.00", stock_tracked=False) for number in range(60)]
    sold(world, *many, attrs.evolve(discount("-5.00"), spread_over=[f"{number}{'y' * 250}" for number in range(60)]))
    comes_back(world, **{line.id: 1 for line in many})
    assert option(world).because.text("en").count("x" * 250) == 10
    assert len(world.desk.attention("odd_line", limit=100).items) == 61


def test_on_the_hosts_own_connection_an_order_with_an_odd_line_is_returned(world: Any) -> None:
    world.open()
    sold(world, attrs.evolve(CUP, fulfilled=5), POT)
    with world.desk._services.store.engine.begin() as connection:
        outcome = world.desk.mark_returned("1001", {"pot": 1}, by=ANNA, request_id="f", connection=connection)
    world.desk.run(outcome)
    assert option(world).suggested == eur("60.00")
    assert len(world.desk.attention("odd_line").items) == 1


# --- changed after it came back --------------------------------------------------------------------------


def test_a_line_that_is_gone_is_valued_as_when_it_came_back_and_named(world: Any) -> None:
    world.open()
    sold(world, CUP, POT)
    comes_back(world, cup=1)
    assert (option(world).suggested, option(world).because) == (eur("10.00"), None)
    sold(world, POT)
    assert option(world).suggested == eur("10.00")
    assert option(world).because.text("en").startswith("line cup, for which €40.00 was paid, left the order after")
    world.desk.reconcile("1001")
    (item,) = world.desk.attention().items
    assert (item.kind, item.about) == ("line_changed", "cup")
    assert "The order was changed in the shop: line cup, for which €40.00 was paid, left" in told(world)[-1]
    assert "De bestelling is in de winkel gewijzigd: regel cup, waarvoor" in told(world, "nl")[-1]
    assert world.refund("10.00").refund.state == "succeeded"
    assert not option(world).suggested


def test_a_line_that_is_gone_before_it_came_back_is_not_named(world: Any) -> None:
    """The control: the shop removed what nobody sent back."""
    world.open()
    sold(world, CUP, POT)
    comes_back(world, cup=1)
    sold(world, CUP)
    assert (option(world).suggested, option(world).because) == (eur("10.00"), None)
    world.desk.reconcile("1001")
    assert world.desk.attention().items == ()


@pytest.mark.parametrize(
    "now",
    [
        (a_line("cup", 4, "36.00"), POT),
        (a_line("cup", 3, "30.00"), POT),
        (CUP, POT, discount("-10.00")),
    ],
)
def test_a_line_that_was_repriced_is_valued_as_when_it_came_back_and_named(
    world: Any, now: tuple[OrderLine, ...]
) -> None:
    world.open()
    sold(world, CUP, POT)
    comes_back(world, cup=1)
    sold(world, *now)
    assert option(world).suggested == eur("10.00")
    assert "line cup cost €40.00 in all when units of it came back" in option(world).because.text("en")
    world.desk.reconcile("1001")
    (item,) = world.desk.attention("line_changed").items
    assert item.about == "cup"


@pytest.mark.parametrize(("captured", "suggested"), [("100.00", "10.00"), ("90.00", "0"), ("95.00", "5.00")])
@pytest.mark.parametrize("taken_off", [True, False])
def test_what_is_still_due_for_the_rest_counts_a_unit_that_the_shop_took_off_once(
    world: Any, captured: str, suggested: str, taken_off: bool
) -> None:
    """An invoice that is not paid in full: three cups and a pot cost 90.00, with the cup or without it on the order."""
    world.open()
    sold(world, CUP, POT, captured=captured)
    comes_back(world, cup=1)
    if taken_off:
        sold(world, a_line("cup", 3, "30.00", stock_tracked=False), POT, captured=captured)
    assert option(world).suggested == eur(suggested)
    assert (option(world).because is not None) is taken_off


@pytest.mark.parametrize(
    ("then", "now", "still"), [(4, 4, 2), (4, 3, 1), (4, 2, 0), (3, 3, 1), (3, 2, 0), (3, 4, 2), (2, 3, 1)]
)
def test_what_the_shop_takes_off_a_line_it_takes_off_once_however_often_units_came_back(
    world: Any, then: int, now: int, still: int
) -> None:
    """Four cups were ordered. One came back, the shop stored the order anew, and another one came back; then it took
    off what it took off. What it put on again it never took off."""
    world.open()
    sold(world, CUP, POT)
    comes_back(world, cup=1)
    sold(world, a_line("cup", then, f"{then * 10}.00", stock_tracked=False), attrs.evolve(POT, name="Kettle"))
    comes_back(world, cup=1)
    order = sold(world, a_line("cup", now, f"{now * 10}.00", stock_tracked=False), attrs.evolve(POT, name="Kettle"))
    world.desk.reconcile("1001")
    assert world.desk.dossier("1001").back_and_on(order) == {"cup": still}
    assert option(world).suggested == eur("20.00")


@pytest.mark.parametrize("taken_off", [True, False])
def test_what_is_still_due_for_the_rest_knows_what_was_taken_off_a_line_that_could_not_be_right(
    world: Any, *, taken_off: bool
) -> None:
    """An invoice of which 85.00 is paid; three cups and a pot cost 90.00. The cup came back when its line was odd."""
    world.open()
    sold(world, taxed(CUP, ("21", "30.00", "6.30")), POT, captured="85.00")
    comes_back(world, cup=1)
    assert option(world).because is not None
    cups = a_line("cup", 3, "30.00", stock_tracked=False) if taken_off else CUP
    sold(world, cups, POT, captured="85.00")
    assert not option(world).suggested
    sold(world, cups, POT, captured="95.00")
    assert option(world).suggested == eur("5.00")


def test_what_comes_back_after_it_was_repriced_is_valued_by_its_new_price(world: Any) -> None:
    world.open()
    sold(world, CUP, POT)
    comes_back(world, cup=1)
    sold(world, a_line("cup", 4, "20.00"), POT)
    comes_back(world, cup=2)
    assert option(world).suggested == eur("20.00")
    assert option(world).because is not None


def test_an_order_that_the_shop_set_right_again_has_nothing_to_say(world: Any) -> None:
    world.open()
    sold(world, CUP, POT)
    comes_back(world, cup=1)
    sold(world, POT)
    world.desk.reconcile("1001")
    sold(world, CUP, POT)
    world.desk.reconcile("1001")
    assert (option(world).suggested, option(world).because) == (eur("10.00"), None)
    assert world.desk.attention().items == ()


def test_a_count_that_is_corrected_keeps_the_price_at_which_it_came_back(world: Any) -> None:
    world.open()
    sold(world, CUP, POT)
    comes_back(world, cup=1)
    sold(world, a_line("cup", 4, "20.00"), POT)
    [one] = world.desk.dossier("1001").returns.values()
    world.desk.correct_receipt("1001", next(iter(one.receipts)), {"cup": 2, "pot": 1}, by=ANNA)
    assert option(world).suggested == eur("80.00")


def test_a_policy_that_plans_leaves_the_changed_line_named(world: Any) -> None:
    class Half:
        name = "half"

        @hookimpl
        def refund_plan(self) -> list[RefundPlan]:
            return [RefundPlan(payment="ledger:p_1", amount=eur("5.00"))]

    world.open(Half())
    sold(world, CUP, POT)
    comes_back(world, cup=1)
    sold(world, POT)
    assert option(world).suggested == eur("5.00")
    assert "line cup" in option(world).because.text("en")


def test_a_dossier_of_an_earlier_release_is_read_with_the_order_at_each_count(world: Any) -> None:
    """Nothing more is stored with a count: what an earlier release wrote says it too."""
    world.open()
    sold(world, CUP, POT)
    comes_back(world, cup=1)
    sold(world, POT)
    world.desk.reconcile("1001")
    again = world.provider and world.desk.dossier("1001")
    assert [order.line("cup").paid.gross for order in again.counted_on.values()] == [eur("40.00")]


def test_what_the_memory_shop_has_is_not_touched() -> None:
    shop = MemoryShop([an_order(attrs.evolve(CUP, fulfilled=5))])
    assert list(shop.orders["1001"].odd_lines()) == ["cup"]
