"""Units that came and nobody has inspected: they are back, and nobody's stock until somebody has looked at them."""

from __future__ import annotations

import pytest

from retour import (
    Actor,
    Counted,
    Extent,
    GoodsState,
    HookContext,
    InvalidLines,
    MemoryShop,
    Money,
    NotAllowed,
    RestockDecision,
    ReturnDesk,
    UnknownReceipt,
    hookimpl,
)
from retour.model.errors import InvalidQuantity, WrongState
from retour.model.returns import Returned
from retour.testing import a_line, an_order

ANNA, BUYER, SCANNER = Actor.staff("anna"), Actor.customer("c-17"), Actor.system("scanner")


class Warehouse:
    """Restocks all, and remembers what it was asked about."""

    name = "warehouse"

    def __init__(self) -> None:
        self.asked: list[dict[str, tuple[int, int]]] = []
        self.heard: list[dict[str, int]] = []

    @hookimpl
    def restock_policy(self, returned: Returned) -> RestockDecision:
        self.asked.append({line.line_id: (line.sellable, line.to_inspect) for line in returned.lines})
        return RestockDecision.all()

    @hookimpl
    def on_order_returned(self, returned: Returned, ctx: HookContext) -> None:
        assert ctx.event
        self.heard.append({line.line_id: line.to_inspect for line in returned.lines})


def opened(*lines: object) -> tuple[ReturnDesk, MemoryShop, Warehouse]:
    shop, warehouse = MemoryShop([an_order(*(lines or (a_line("cup", 3, "30.00"),)))]), Warehouse()  # type: ignore[arg-type]
    return ReturnDesk(shop=shop, store="sqlite://", plugins=[warehouse]), shop, warehouse


def arrived(desk: ReturnDesk, units: int = 3) -> tuple[str, str]:
    asked = desk.request_return("1001", {"cup": 3}, by=BUYER, request_id="f1")
    count = [Counted(line_id="cup", to_inspect=units)]
    counted = desk.receive("1001", asked.return_id, count, by=SCANNER, request_id="f2")
    return asked.return_id, str(counted.receipt_id)


def test_what_is_to_be_inspected_is_back_and_is_nobodys_stock() -> None:
    desk, shop, warehouse = opened()
    return_id, _ = arrived(desk)
    dossier = desk.dossier("1001")
    assert dossier.return_(return_id).goods is GoodsState.RECEIVED
    assert dossier.return_(return_id).to_inspect() == {"cup": 3}
    assert (dossier.came_back(), dossier.extent) == ({"cup": 3}, Extent.FULL)
    assert shop.stock == {}
    assert warehouse.heard == [{"cup": 3}]


def test_each_unit_becomes_what_is_found_and_only_the_sellable_ones_go_back_in_stock() -> None:
    desk, shop, warehouse = opened()
    return_id, receipt = arrived(desk)
    found = [Counted(line_id="cup", sellable=1, damaged=1)]
    desk.inspect_receipt("1001", receipt, found, by=ANNA, request_id="f3")
    assert warehouse.asked[-1] == {"cup": (1, 0)}
    assert shop.stock == {"cup": 1}
    assert desk.dossier("1001").return_(return_id).counted == {
        "cup": Counted(line_id="cup", sellable=1, damaged=1, to_inspect=1)
    }
    desk.inspect_receipt("1001", receipt, {"cup": 1}, by=SCANNER, request_id="f4")
    assert warehouse.asked[-1] == {"cup": (1, 0)}
    assert shop.stock == {"cup": 2}
    assert desk.dossier("1001").return_(return_id).to_inspect() == {}
    assert len(warehouse.heard) == 1


def test_the_same_form_inspects_once() -> None:
    desk, shop, _ = opened()
    _, receipt = arrived(desk)
    for _ in range(2):
        desk.inspect_receipt("1001", receipt, {"cup": 1}, by=ANNA, request_id="f3")
    assert shop.stock == {"cup": 1}


def test_a_parcel_that_turns_out_to_hold_less_or_something_else_is_not_all_back() -> None:
    desk, _, _ = opened()
    return_id, receipt = arrived(desk)
    desk.inspect_receipt(
        "1001", receipt, [Counted(line_id="cup", sellable=1, missing=1, wrong=1)], by=ANNA, request_id="f3"
    )
    dossier = desk.dossier("1001")
    assert (dossier.came_back(), dossier.absent(), dossier.extent) == ({"cup": 1}, {"cup": 2}, Extent.PART)
    assert dossier.return_(return_id).goods is GoodsState.RECEIVED
    assert dossier.claimed() == {"cup": 3}


@pytest.mark.parametrize("audience", ["staff", "customer"])
def test_the_timeline_tells_both(audience: str) -> None:
    desk, _, _ = opened()
    _, receipt = arrived(desk)
    found = [Counted(line_id="cup", sellable=1, damaged=1, missing=1)]
    desk.inspect_receipt("1001", receipt, found, by=ANNA, request_id="f3")
    english = [entry.text("en") for entry in desk.timeline("1001", audience)]
    dutch = [entry.text("nl") for entry in desk.timeline("1001", audience)]
    assert "Returned: 3 × Cup (3 to inspect). The whole order is back." in english
    assert "Geretourneerd: 3 × Cup (3 nog te keuren). De hele bestelling is terug." in dutch
    assert "Inspected: 2 × Cup (1 damaged). Not received: 1 × Cup. Everything is counted; 1 is missing." in english
    assert "Gekeurd: 2 × Cup (1 beschadigd). Niet ontvangen: 1 × Cup. Alles is geteld; 1 ontbreekt." in dutch


def test_more_than_is_left_to_inspect_is_refused_in_figures_that_add_up() -> None:
    desk, shop, _ = opened()
    _, receipt = arrived(desk, units=2)
    desk.inspect_receipt("1001", receipt, {"cup": 1}, by=ANNA, request_id="f3")
    with pytest.raises(InvalidQuantity) as raised:
        desk.inspect_receipt("1001", receipt, {"cup": 2}, by=ANNA, request_id="f4")
    assert str(raised.value) == (
        f"Order 1001, line cup (Cup): of receipt {receipt} 1 unit is still to be inspected, so "
        "2 is too many. Inspected so far: 1 of 2. Where the receipt is wrong, correct it."
    )
    assert shop.stock == {"cup": 1}


@pytest.mark.parametrize("found", [Counted(line_id="cup", to_inspect=1), Counted(line_id="cup", surplus=1)])
def test_an_inspection_says_what_became_of_units_and_no_new_ones(found: Counted) -> None:
    desk, _, _ = opened()
    _, receipt = arrived(desk)
    with pytest.raises(InvalidLines, match="sellable, damaged, missing or wrong"):
        desk.inspect_receipt("1001", receipt, [found], by=ANNA, request_id="f3")


def test_who_may_and_where() -> None:
    desk, _, _ = opened()
    _, receipt = arrived(desk)
    with pytest.raises(NotAllowed):
        desk.inspect_receipt("1001", receipt, {"cup": 1}, by=BUYER, request_id="f3")
    with pytest.raises(UnknownReceipt):
        desk.inspect_receipt("1001", "rc1", {"cup": 1}, by=ANNA, request_id="f4")


def test_units_of_a_closed_return_can_still_be_inspected() -> None:
    desk, shop, _ = opened()
    return_id, receipt = arrived(desk, units=2)
    desk.close_return("1001", return_id, by=ANNA)
    desk.inspect_receipt("1001", receipt, {"cup": 2}, by=ANNA, request_id="f3")
    assert shop.stock == {"cup": 2}
    assert desk.dossier("1001").return_(return_id).goods is GoodsState.CLOSED


def test_of_a_return_that_ended_nothing_is_inspected() -> None:
    desk, _, _ = opened()
    counted = desk.mark_returned("1001", [Counted(line_id="cup", to_inspect=1)], by=ANNA, request_id="f1")
    desk.correct_receipt("1001", str(counted.receipt_id), {"cup": 0}, by=ANNA)
    with pytest.raises(WrongState, match="cancelled"):
        desk.inspect_receipt("1001", str(counted.receipt_id), {"cup": 1}, by=ANNA, request_id="f2")


def test_a_correction_judges_too_and_says_that_units_are_to_be_inspected_after_all() -> None:
    desk, shop, _ = opened()
    _, receipt = arrived(desk)
    desk.correct_receipt("1001", receipt, [Counted(line_id="cup", sellable=2, damaged=1)], by=ANNA)
    assert shop.stock == {"cup": 2}
    desk.correct_receipt("1001", receipt, [Counted(line_id="cup", damaged=1, to_inspect=2)], by=ANNA)
    assert shop.stock == {"cup": 0}
    desk.inspect_receipt("1001", receipt, {"cup": 2}, by=ANNA, request_id="f3")
    assert shop.stock == {"cup": 2}


def test_it_waits_for_an_inspection_on_the_list() -> None:
    desk, _, _ = opened()
    return_id, receipt = arrived(desk, units=2)
    (listed,) = desk.list_returns(waits_for="inspection").returns
    assert (listed.return_id, listed.goods) == (return_id, GoodsState.PARTLY_RECEIVED)
    desk.inspect_receipt("1001", receipt, [Counted(line_id="cup", damaged=2)], by=ANNA, request_id="f3")
    assert desk.list_returns(waits_for="inspection").returns == ()
    assert desk.list_returns(waits_for="goods").returns[0].return_id == return_id


def test_the_suggestion_counts_them_and_says_how_many_nobody_has_looked_at() -> None:
    desk, _, _ = opened()
    _, receipt = arrived(desk)
    option = desk.refund_options("1001")[0]
    assert (option.suggested, option.to_inspect) == (Money.of("30.00", "EUR"), {"cup": 3})
    desk.inspect_receipt("1001", receipt, [Counted(line_id="cup", sellable=2, missing=1)], by=ANNA, request_id="f3")
    option = desk.refund_options("1001")[0]
    assert (option.suggested, option.to_inspect) == (Money.of("20.00", "EUR"), {})


def test_an_open_question_covers_what_is_judged_later() -> None:
    shop = MemoryShop([an_order(a_line("cup", 3), a_line("pot", 1))])
    desk = ReturnDesk(shop=shop, store="sqlite://")
    counts = [Counted(line_id="cup", sellable=1, to_inspect=2)]
    first = desk.mark_returned("1001", counts, by=ANNA, request_id="f1")
    assert first.restock.question is not None
    assert first.restock.question.units == {"cup": 1}
    later = desk.inspect_receipt("1001", str(first.receipt_id), {"cup": 2}, by=ANNA, request_id="f2")
    assert later.restock.question is not None
    assert later.restock.question.units == {"cup": 3}
    desk.answer_restock("1001", first.return_id, RestockDecision.all(), by=ANNA)
    assert shop.stock == {"cup": 3}
