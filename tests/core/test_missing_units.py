"""Missing is counted and is not back: it settles what was announced, and what comes later is simply counted."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from retour import (
    Actor,
    Counted,
    Extent,
    GoodsState,
    HookContext,
    MemoryShop,
    Money,
    Order,
    RestockDecision,
    ReturnDesk,
    StockState,
    hookimpl,
)
from retour.model.errors import InvalidQuantity, WrongState
from retour.model.returns import Returned
from retour.testing import a_line, an_order

ANNA, BUYER = Actor.staff("anna"), Actor.customer("c-17")


class Listening:
    """Hears of every return."""

    name = "listening"

    def __init__(self) -> None:
        self.heard: list[tuple[Extent, dict[str, int]]] = []

    @hookimpl
    def on_order_returned(self, returned: Returned, ctx: HookContext) -> None:
        assert ctx.event
        self.heard.append((returned.extent, {line.line_id: line.sellable for line in returned.lines}))


def opened(*lines: object, order: Order | None = None) -> tuple[ReturnDesk, MemoryShop, Listening]:
    shop, listening = MemoryShop([order or an_order(*lines)]), Listening()  # type: ignore[arg-type]
    return ReturnDesk(shop=shop, store="sqlite://", plugins=[listening]), shop, listening


def told(desk: ReturnDesk, language: str = "en", audience: str = "customer") -> list[str]:
    return [entry.text(language) for entry in desk.timeline("1001", audience)]


def missing(line_id: str, units: int) -> Counted:
    return Counted(line_id=line_id, missing=units)


def test_two_cups_that_did_not_come_are_not_back_and_can_come_a_week_later() -> None:
    desk, shop, listening = opened(a_line("cup", 2))
    counted = desk.mark_returned("1001", [missing("cup", 2)], by=ANNA, request_id="f1")
    assert told(desk)[-1] == "Not received: 2 × Cup. Everything is counted; 2 are missing."
    assert told(desk, "nl")[-1] == "Niet ontvangen: 2 × Cup. Alles is geteld; 2 ontbreken."
    assert listening.heard == []
    assert desk.dossier("1001").extent is Extent.PART
    desk.receive("1001", counted.return_id, {"cup": 2}, by=ANNA, request_id="f2")
    assert told(desk)[-1] == "Returned: 2 × Cup. The whole order is back."
    assert listening.heard == [(Extent.FULL, {"cup": 2})]
    assert shop.stock == {"cup": 2}
    assert len(desk.dossier("1001").returns) == 1


def test_one_missing_unit_is_told_in_the_singular() -> None:
    desk, _, _ = opened(a_line("cup", 2))
    desk.mark_returned("1001", [Counted(line_id="cup", sellable=1, missing=1)], by=ANNA, request_id="f1")
    assert told(desk)[-1] == "Returned: 1 × Cup. Not received: 1 × Cup. Everything is counted; 1 is missing."
    assert told(desk, "nl")[-1] == "Geretourneerd: 1 × Cup. Niet ontvangen: 1 × Cup. Alles is geteld; 1 ontbreekt."


def test_everything_came_back_says_nothing_of_what_was_counted_missing() -> None:
    desk, shop, _ = opened(a_line("cup", 3))
    desk.mark_returned("1001", [missing("cup", 2)], by=ANNA, request_id="f1")
    assert desk.mark_returned("1001", by=ANNA).changed
    assert shop.stock == {"cup": 1}
    assert desk.dossier("1001").came_back() == {"cup": 1}
    assert desk.dossier("1001").absent() == {"cup": 2}
    assert not desk.mark_returned("1001", by=ANNA).changed


def test_a_count_that_names_the_line_takes_the_missing_units_first_and_needs_no_word_that_there_are_more() -> None:
    desk, shop, _ = opened(a_line("cup", 3))
    first = desk.mark_returned("1001", [missing("cup", 2)], by=ANNA, request_id="f1")
    late = desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f2")
    assert late.return_id == first.return_id
    assert desk.dossier("1001").absent() == {"cup": 1}
    rest = desk.mark_returned("1001", {"cup": 2}, by=ANNA, request_id="f3")
    assert len(rest.returns) == 2
    assert shop.stock == {"cup": 3}
    with pytest.raises(InvalidQuantity, match=r"0 units .*, so 1 is too many"):
        desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f4")


def test_missing_units_settle_the_return_that_announced_them_and_free_nothing_for_another() -> None:
    desk, _, _ = opened(a_line("cup", 2))
    asked = desk.request_return("1001", {"cup": 2}, by=BUYER, request_id="f1")
    counted = desk.receive(
        "1001", asked.return_id, [Counted(line_id="cup", sellable=1, missing=1)], by=ANNA, request_id="f2"
    )
    assert counted.returns[0].goods is GoodsState.RECEIVED
    with pytest.raises(InvalidQuantity, match=r"0 units.* so 1 is too many"):
        desk.request_return("1001", {"cup": 1}, by=BUYER, request_id="f3")
    with pytest.raises(InvalidQuantity, match=r"1 unit can still come back .*, so 2"):
        desk.receive("1001", asked.return_id, {"cup": 2}, by=ANNA, request_id="f4")
    desk.receive("1001", asked.return_id, {"cup": 1}, by=ANNA, request_id="f5")
    assert desk.dossier("1001").extent is Extent.FULL


def test_what_was_missing_on_a_closed_return_is_counted_there_when_it_comes_and_nothing_else_is() -> None:
    desk, shop, _ = opened(a_line("cup", 3))
    asked = desk.request_return("1001", {"cup": 3}, by=BUYER, request_id="f1")
    count = Counted(line_id="cup", sellable=1, missing=1)
    desk.receive("1001", asked.return_id, [count], by=ANNA, request_id="f2")
    desk.close_return("1001", asked.return_id, by=ANNA)
    with pytest.raises(InvalidQuantity, match=r"1 unit can still come back .*, so 2"):
        desk.receive("1001", asked.return_id, {"cup": 2}, by=ANNA, request_id="f3", more_than_requested=True)
    late = desk.receive("1001", asked.return_id, {"cup": 1}, by=ANNA, request_id="f4")
    assert late.returns[0].goods is GoodsState.CLOSED
    assert shop.stock == {"cup": 2}
    with pytest.raises(WrongState, match="closed"):
        desk.receive("1001", asked.return_id, {"cup": 1}, by=ANNA, request_id="f5")
    new = desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f6")
    assert new.return_id != asked.return_id


def test_another_article_in_the_place_of_a_unit_arrived_and_is_not_the_unit() -> None:
    desk, shop, listening = opened(a_line("cup", 1))
    first = desk.mark_returned("1001", [Counted(line_id="cup", wrong=1)], by=ANNA, request_id="f1")
    assert listening.heard == [(Extent.PART, {"cup": 0})]
    assert told(desk)[-1] == "Another article in the place of: 1 × Cup. Everything is counted; 1 is missing."
    desk.receive("1001", first.return_id, {"cup": 1}, by=ANNA, request_id="f2")
    assert desk.dossier("1001").extent is Extent.FULL
    assert shop.stock == {"cup": 1}


def test_a_missing_unit_that_is_counted_missing_again_is_one_missing_unit() -> None:
    desk, _, _ = opened(a_line("cup", 2))
    for number in range(3):
        desk.mark_returned("1001", [missing("cup", 1)], by=ANNA, request_id=f"f{number}")
    assert desk.dossier("1001").absent() == {"cup": 1}
    assert desk.dossier("1001").claimed() == {"cup": 1}


def test_a_receipt_is_corrected_to_what_came_and_no_unit_is_there_twice() -> None:
    desk, shop, _ = opened(a_line("cup", 2))
    first = desk.mark_returned("1001", [missing("cup", 2)], by=ANNA, request_id="f1")
    desk.receive("1001", first.return_id, {"cup": 1}, by=ANNA, request_id="f2")
    receipt = first.receipt_id
    assert receipt is not None
    with pytest.raises(InvalidQuantity, match="1 unit, so 2 is too many"):
        desk.correct_receipt("1001", receipt, {"cup": 2}, by=ANNA)
    desk.correct_receipt("1001", receipt, [Counted(line_id="cup", sellable=1)], by=ANNA)
    assert desk.dossier("1001").came_back() == {"cup": 2}
    assert shop.stock == {"cup": 2}
    assert "Count corrected. Returned: 1 × Cup. The whole order is back." in told(desk)


def test_a_late_unit_of_an_order_of_several_products_is_asked_about_like_every_other() -> None:
    desk, shop, _ = opened(a_line("cup", 1), a_line("pot", 1))
    count = [Counted(line_id="pot", sellable=1), missing("cup", 1)]
    first = desk.mark_returned("1001", count, by=ANNA, request_id="f1")
    desk.answer_restock("1001", first.return_id, RestockDecision.all(), by=ANNA)
    late = desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f2")
    assert late.restock.needs_answer
    desk.answer_restock("1001", first.return_id, RestockDecision.by_hand(), by=ANNA)
    assert desk.dossier("1001").returns[first.return_id].stock is StockState.APPLIED
    assert shop.stock == {"pot": 1}


def test_what_was_counted_missing_and_came_after_all_is_told_to_customer_and_plugins_once() -> None:
    desk, _, listening = opened(a_line("cup", 2))
    receipt = desk.mark_returned("1001", [missing("cup", 2)], by=ANNA, request_id="f1").receipt_id
    assert receipt is not None
    desk.correct_receipt("1001", receipt, {"cup": 2}, by=ANNA)
    assert told(desk)[-1] == "Count corrected. Returned: 2 × Cup. The whole order is back."
    assert listening.heard == [(Extent.FULL, {"cup": 2})]
    desk.correct_receipt("1001", receipt, [missing("cup", 2)], by=ANNA)
    desk.correct_receipt("1001", receipt, {"cup": 2}, by=ANNA)
    assert len(listening.heard) == 1


def test_of_an_order_of_which_nothing_was_fulfilled_any_more_the_whole_is_never_back() -> None:
    desk, shop, _ = opened(a_line("cup", 2))
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="f1")
    shop.orders["1001"] = an_order(a_line("cup", 2, fulfilled=0))
    desk.confirm_refund("1001", "tr_1001", Money.of("1", "EUR"), reference="r", by=ANNA, request_id="f2")
    assert desk.dossier("1001").extent is Extent.PART


COUNTS = st.builds(
    Counted,
    line_id=st.just("cup"),
    sellable=st.integers(0, 2),
    damaged=st.integers(0, 1),
    missing=st.integers(0, 2),
    wrong=st.integers(0, 1),
)


@given(fulfilled=st.integers(1, 5), counts=st.lists(COUNTS | st.none(), max_size=7))
def test_however_it_is_counted_no_unit_is_claimed_or_back_more_often_than_it_was_sold(
    fulfilled: int, counts: list[Counted | None]
) -> None:
    """None stands for "everything came back"; a refused count changes nothing."""
    desk, shop, listening = opened(a_line("cup", fulfilled))
    for number, count in enumerate(counts):
        before = desk.dossier("1001")
        try:
            lines = None if count is None else [count]
            desk.mark_returned("1001", lines, by=ANNA, request_id=None if count is None else f"f{number}")
        except InvalidQuantity:
            assert desk.dossier("1001") == before
        dossier = desk.dossier("1001")
        here, absent = dossier.came_back().get("cup", 0), dossier.absent().get("cup", 0)
        assert here + absent <= dossier.claimed().get("cup", 0) <= fulfilled
        assert (dossier.extent is Extent.FULL) == (here == fulfilled)
        if count is None:
            assert absent == before.absent().get("cup", 0)
            assert here + absent == fulfilled
        assert shop.stock.get("cup", 0) <= here
    assert [one for one, _ in itertools.groupby(extent for extent, _ in listening.heard)] in (
        [],
        [Extent.PART],
        [Extent.FULL],
        [Extent.PART, Extent.FULL],
    )
    desk.close()
