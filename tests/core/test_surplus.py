"""Surplus: units that came beyond all that was delivered. Nobody's stock, no money, and a person decides."""

from __future__ import annotations

import pytest

from retour import (
    Actor,
    Counted,
    Extent,
    GoodsState,
    MemoryShop,
    Money,
    Order,
    ReturnDesk,
    hookimpl,
)
from retour.model.errors import InvalidQuantity
from retour.model.returns import Returned
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


class Listening:
    """Hears what came."""

    name = "listening"

    def __init__(self) -> None:
        self.heard: list[tuple[Extent, dict[str, int]]] = []

    @hookimpl
    def on_order_returned(self, returned: Returned) -> None:
        self.heard.append((returned.extent, {line.line_id: line.surplus for line in returned.lines}))


def opened(*lines: object, order: Order | None = None) -> tuple[ReturnDesk, MemoryShop, Listening]:
    shop, listening = MemoryShop([order or an_order(*lines)]), Listening()  # type: ignore[arg-type]
    return ReturnDesk(shop=shop, store="sqlite://", plugins=[listening]), shop, listening


def told(desk: ReturnDesk, language: str = "en", audience: str = "customer") -> str:
    return desk.timeline("1001", audience)[-1].text(language)


def test_a_unit_too_many_is_recorded_and_is_no_stock_no_money_and_no_unit_of_the_order() -> None:
    desk, shop, listening = opened(a_line("cup", 2, "20.00"))
    desk.mark_returned("1001", [Counted(line_id="cup", sellable=2, surplus=1)], by=ANNA, request_id="f1")
    dossier = desk.dossier("1001")
    assert shop.stock == {"cup": 2}
    assert (dossier.claimed(), dossier.came_back(), dossier.surplus()) == ({"cup": 2}, {"cup": 2}, {"cup": 1})
    assert dossier.extent is Extent.FULL
    assert listening.heard == [(Extent.FULL, {"cup": 1})]
    assert desk.refund_options("1001")[0].suggested == Money.of("20.00", "EUR")


@pytest.mark.parametrize("audience", ["staff", "customer"])
def test_both_read_what_came_beyond_the_order(audience: str) -> None:
    desk, _, _ = opened(a_line("cup", 2))
    desk.mark_returned("1001", [Counted(line_id="cup", sellable=2, surplus=1)], by=ANNA, request_id="f1")
    said = [entry.text("en") for entry in desk.timeline("1001", audience)]
    assert "Returned: 2 × Cup. More than was delivered: 1 × Cup. The whole order is back." in said
    said = [entry.text("nl") for entry in desk.timeline("1001", audience)]
    assert "Geretourneerd: 2 × Cup. Meer dan er geleverd is: 1 × Cup. De hele bestelling is terug." in said


def test_somebody_must_decide_about_it_until_he_says_that_he_has() -> None:
    desk, _, _ = opened(a_line("cup", 1))
    desk.mark_returned("1001", [Counted(line_id="cup", sellable=1, surplus=2)], by=ANNA, request_id="f1")
    (item,) = desk.attention("surplus").items
    assert (item.about, item.can_do) == ("cup", ("correct_receipt", "acknowledge"))
    assert item.why.render("en") == "line cup: 2 more came than were ever delivered on this order"
    assert item.why.render("nl") == "regel cup: er kwam 2 meer terug dan er ooit op deze bestelling is geleverd"
    desk.acknowledge("1001", item.kind, "cup", by=ANNA)
    assert desk.attention("surplus").items == ()
    desk.mark_returned("1001", [Counted(line_id="cup", surplus=1)], by=ANNA, request_id="f2")
    assert len(desk.attention("surplus").items) == 1


def test_only_surplus_is_a_receipt_of_its_own_and_frees_and_claims_nothing() -> None:
    desk, shop, listening = opened(a_line("cup", 1))
    first = desk.mark_returned("1001", by=ANNA)
    late = desk.mark_returned("1001", [Counted(line_id="cup", surplus=1)], by=ANNA, request_id="f2")
    assert late.return_id != first.return_id
    assert late.returns[0].goods is GoodsState.RECEIVED
    assert shop.stock == {"cup": 1}
    assert desk.dossier("1001").claimed() == {"cup": 1}
    assert len(listening.heard) == 2
    assert told(desk).startswith("More than was delivered: 1 × Cup.")


@pytest.mark.parametrize("here", [0, 1])
def test_no_unit_is_surplus_while_one_that_was_delivered_is_not_here(here: int) -> None:
    desk, _, _ = opened(a_line("cup", 2))
    with pytest.raises(InvalidQuantity) as raised:
        desk.mark_returned("1001", [Counted(line_id="cup", sellable=here, surplus=1)], by=ANNA, request_id="f1")
    assert str(raised.value) == (
        f"Order 1001, line cup (Cup): 1 cannot be surplus yet. Delivered: 2; here: {here}; not here: {2 - here}. "
        "Count as units that came what was delivered, and as surplus only what is beyond that."
    )
    assert desk.dossier("1001").version == 0


def test_a_missing_unit_that_comes_is_no_surplus() -> None:
    desk, _, _ = opened(a_line("cup", 2))
    first = desk.mark_returned("1001", [Counted(line_id="cup", sellable=1, missing=1)], by=ANNA, request_id="f1")
    with pytest.raises(InvalidQuantity, match=r"cannot be surplus yet\. Delivered: 2; here: 1"):
        desk.receive("1001", first.return_id, [Counted(line_id="cup", surplus=1)], by=ANNA, request_id="f2")
    desk.receive("1001", first.return_id, [Counted(line_id="cup", sellable=1, surplus=1)], by=ANNA, request_id="f3")
    assert desk.dossier("1001").surplus() == {"cup": 1}


def test_surplus_of_a_line_that_was_never_delivered_is_counted_too() -> None:
    desk, shop, _ = opened(order=an_order(a_line("cup", 2), a_line("pot", 1, fulfilled=0)))
    desk.mark_returned("1001", [Counted(line_id="pot", surplus=1)], by=ANNA, request_id="f1")
    assert desk.dossier("1001").surplus() == {"pot": 1}
    assert desk.dossier("1001").extent is Extent.PART
    assert shop.stock == {}


def test_surplus_goes_by_a_correction_and_comes_by_one_where_it_can_be() -> None:
    desk, _, _ = opened(a_line("cup", 2))
    first = desk.mark_returned("1001", [Counted(line_id="cup", sellable=2, surplus=1)], by=ANNA, request_id="f1")
    receipt = str(first.receipt_id)
    with pytest.raises(InvalidQuantity, match=r"cannot be surplus yet\. Delivered: 2; here: 1"):
        desk.correct_receipt("1001", receipt, [Counted(line_id="cup", sellable=1, surplus=1)], by=ANNA)
    desk.correct_receipt("1001", receipt, {"cup": 2}, by=ANNA)
    assert desk.dossier("1001").surplus() == {}
    assert desk.attention("surplus").items == ()
    desk.correct_receipt("1001", receipt, [Counted(line_id="cup", damaged=2, surplus=3)], by=ANNA)
    assert desk.dossier("1001").surplus() == {"cup": 3}
    assert "More than was delivered: 3 × Cup" in told(desk)


def test_a_return_that_holds_only_surplus_ends_when_that_was_a_mistake() -> None:
    desk, _, _ = opened(a_line("cup", 1))
    desk.mark_returned("1001", by=ANNA)
    late = desk.mark_returned("1001", [Counted(line_id="cup", surplus=1)], by=ANNA, request_id="f2")
    desk.correct_receipt("1001", str(late.receipt_id), {"cup": 0}, by=ANNA)
    assert desk.dossier("1001").return_(late.return_id).goods is GoodsState.CANCELLED


def test_announced_units_are_counted_on_their_returns_and_the_surplus_with_the_last_of_them() -> None:
    desk, _, _ = opened(a_line("cup", 3))
    first = desk.request_return("1001", {"cup": 1}, by=ANNA, request_id="f1").return_id
    second = desk.request_return("1001", {"cup": 2}, by=ANNA, request_id="f2").return_id
    desk.mark_returned("1001", [Counted(line_id="cup", sellable=3, surplus=2)], by=ANNA, request_id="f3")
    counted = {one.id: one.counted["cup"] for one in desk.dossier("1001").returns.values()}
    assert counted == {
        first: Counted(line_id="cup", sellable=1),
        second: Counted(line_id="cup", sellable=2, surplus=2),
    }
