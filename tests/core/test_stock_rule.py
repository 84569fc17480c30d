"""The stock rule of the reference article, exactly, and what lies beyond it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from retour import (
    Actor,
    Counted,
    MemoryShop,
    Order,
    RestockDecision,
    RetourError,
    ReturnDesk,
    StockState,
)
from retour.model.errors import InvalidLines, InvalidQuantity, UnknownLine, UnknownReturn, WrongState
from retour.testing import a_line, a_service, an_order

ANNA = Actor.staff("anna")

Opened = Callable[..., tuple[MemoryShop, ReturnDesk]]


@pytest.fixture
def opened() -> Opened:
    def make(*orders: Order, **more: object) -> tuple[MemoryShop, ReturnDesk]:
        shop = MemoryShop(orders)
        return shop, ReturnDesk(shop=shop, store="sqlite://", **more)  # type: ignore[arg-type]

    return make


# --- one product -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("units", [1, 2, 40])
def test_an_order_of_one_product_is_restocked_at_once_whatever_its_quantity(opened: Opened, units: int) -> None:
    shop, desk = opened(an_order(a_line("teapot", units)))
    outcome = desk.mark_returned("1001", by=ANNA)
    assert not outcome.restock.needs_answer
    assert outcome.restock.state is StockState.APPLIED
    assert shop.stock == {"teapot": units}


def test_the_same_product_on_two_lines_is_one_product(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("1", 2, product="teapot"), a_line("2", 3, product="teapot")))
    assert not desk.mark_returned("1001", by=ANNA).restock.needs_answer
    assert shop.stock == {"teapot": 5}


def test_postage_and_services_do_not_count_as_products_and_do_not_come_back(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 2), a_service("postage"), a_service("gift wrap")))
    assert not desk.mark_returned("1001", by=ANNA).restock.needs_answer
    assert shop.stock == {"teapot": 2}


def test_part_of_a_one_product_order_is_restocked_at_once(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 3)))
    desk.mark_returned("1001", {"teapot": 1}, by=ANNA, request_id="form-1")
    assert shop.stock == {"teapot": 1}


def test_a_product_whose_stock_is_not_tracked_gets_no_movement(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("download-card", 2, stock_tracked=False)))
    outcome = desk.mark_returned("1001", by=ANNA)
    assert outcome.restock.state is StockState.NOTHING
    assert shop.bookings == {}


def test_damaged_units_never_go_back(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 3)))
    desk.mark_returned("1001", [Counted(line_id="teapot", sellable=1, damaged=2)], by=ANNA, request_id="form-1")
    assert shop.stock == {"teapot": 1}


def test_missing_and_wrong_units_never_go_back(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 3)))
    outcome = desk.mark_returned(
        "1001", [Counted(line_id="teapot", sellable=1, missing=1, wrong=1)], by=ANNA, request_id="form-1"
    )
    assert shop.stock == {"teapot": 1}
    assert outcome.restock.restocked == {"teapot": 1}


# --- several products ------------------------------------------------------------------------------------


@pytest.fixture
def several(opened: Opened) -> tuple[MemoryShop, ReturnDesk]:
    return opened(an_order(a_line("teapot", 1), a_line("cup", 2)))


def test_an_order_of_several_products_asks(several: tuple[MemoryShop, ReturnDesk]) -> None:
    shop, desk = several
    outcome = desk.mark_returned("1001", by=ANNA)
    question = outcome.restock.question
    assert question is not None
    assert question.units == {"teapot": 1, "cup": 2}
    assert question.sentence.render("en").startswith("The stock of 3 units is not updated yet.")
    assert question.sentence.render("nl").startswith("De voorraad van 3 stuks is nog niet bijgewerkt.")
    assert shop.stock == {}


def test_a_page_that_is_shown_later_has_the_question_as_the_command_gave_it(
    several: tuple[MemoryShop, ReturnDesk],
) -> None:
    _, desk = several
    outcome = desk.mark_returned("1001", by=ANNA)
    assert desk.dossier("1001").restock_question(outcome.return_id) == outcome.restock.question
    counted = [Counted(line_id="teapot", damaged=1), Counted(line_id="cup", sellable=2)]
    corrected = desk.correct_receipt("1001", outcome.receipt_id or "", counted, by=ANNA)
    later = desk.dossier("1001").restock_question(outcome.return_id)
    assert later is not None
    assert later.units == {"cup": 2}
    assert later == corrected.restock.question
    desk.answer_restock("1001", outcome.return_id, RestockDecision.all(), by=ANNA)
    assert desk.dossier("1001").restock_question(outcome.return_id) is None
    with pytest.raises(UnknownReturn):
        desk.dossier("1001").restock_question("another")


def test_several_products_ask_also_when_only_one_of_them_comes_back(several: tuple[MemoryShop, ReturnDesk]) -> None:
    _, desk = several
    assert desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="form-1").restock.needs_answer


def test_ok_restocks_all_sellable_units(several: tuple[MemoryShop, ReturnDesk]) -> None:
    shop, desk = several
    outcome = desk.mark_returned(
        "1001", [Counted(line_id="teapot", damaged=1), Counted(line_id="cup", sellable=2)], by=ANNA, request_id="1"
    )
    answered = desk.answer_restock("1001", outcome.return_id, RestockDecision.all(), by=ANNA)
    assert shop.stock == {"cup": 2}
    assert answered.restock.state is StockState.APPLIED


def test_cancel_restocks_none_and_keeps_the_list_to_book_by_hand(several: tuple[MemoryShop, ReturnDesk]) -> None:
    shop, desk = several
    outcome = desk.mark_returned("1001", by=ANNA)
    answered = desk.answer_restock("1001", outcome.return_id, RestockDecision.by_hand(), by=ANNA)
    assert shop.stock == {}
    assert answered.restock.by_hand == {"teapot": 1, "cup": 2}
    saved = desk.dossier("1001").return_(outcome.return_id)
    assert saved.by_hand == {"teapot": 1, "cup": 2}
    assert saved.goods == "received"


def test_per_line_restocks_what_is_named_and_lists_the_rest(several: tuple[MemoryShop, ReturnDesk]) -> None:
    shop, desk = several
    outcome = desk.mark_returned("1001", by=ANNA)
    answered = desk.answer_restock("1001", outcome.return_id, RestockDecision.lines({"cup": 1}), by=ANNA)
    assert shop.stock == {"cup": 1}
    assert answered.restock.by_hand == {"teapot": 1, "cup": 1}


def test_the_list_by_hand_can_be_restocked_later(several: tuple[MemoryShop, ReturnDesk]) -> None:
    shop, desk = several
    return_id = desk.mark_returned("1001", by=ANNA).return_id
    desk.answer_restock("1001", return_id, RestockDecision.by_hand(), by=ANNA)
    later = desk.answer_restock("1001", return_id, RestockDecision.lines({"teapot": 1}), by=ANNA)
    assert shop.stock == {"teapot": 1}
    assert later.restock.by_hand == {"cup": 2}


def test_nothing_is_asked_when_no_unit_of_several_products_is_sellable(
    several: tuple[MemoryShop, ReturnDesk],
) -> None:
    _, desk = several
    outcome = desk.mark_returned("1001", [Counted(line_id="cup", damaged=2)], by=ANNA, request_id="form-1")
    assert not outcome.restock.needs_answer


# --- twice -----------------------------------------------------------------------------------------------


def test_setting_returned_twice_restocks_once(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 2)))
    first = desk.mark_returned("1001", by=ANNA)
    second = desk.mark_returned("1001", by=ANNA)
    assert first.changed
    assert not second.changed
    assert second.return_id == first.return_id
    assert shop.stock == {"teapot": 2}
    assert len(shop.bookings) == 1


def test_setting_returned_again_shows_the_question_that_is_still_open(
    several: tuple[MemoryShop, ReturnDesk],
) -> None:
    _, desk = several
    first = desk.mark_returned("1001", by=ANNA)
    again = desk.mark_returned("1001", by=ANNA)
    assert not again.changed
    assert again.return_id == first.return_id
    assert again.restock.needs_answer


def test_the_same_answer_twice_books_once(several: tuple[MemoryShop, ReturnDesk]) -> None:
    shop, desk = several
    return_id = desk.mark_returned("1001", by=ANNA).return_id
    for changed in (True, False):
        answered = desk.answer_restock("1001", return_id, RestockDecision.all(), by=ANNA)
        assert answered.changed is changed
    assert shop.stock == {"teapot": 1, "cup": 2}


def test_cancel_after_ok_is_refused_and_says_what_to_do(several: tuple[MemoryShop, ReturnDesk]) -> None:
    shop, desk = several
    return_id = desk.mark_returned("1001", by=ANNA).return_id
    desk.answer_restock("1001", return_id, RestockDecision.all(), by=ANNA)
    with pytest.raises(WrongState, match="correct the receipt"):
        desk.answer_restock("1001", return_id, RestockDecision.by_hand(), by=ANNA)
    assert shop.stock == {"teapot": 1, "cup": 2}


def test_part_of_an_order_can_come_back_several_times(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 5)))
    for number, units in enumerate([2, 1], start=1):
        desk.mark_returned("1001", {"teapot": units}, by=ANNA, request_id=f"form-{number}")
    desk.mark_returned("1001", by=ANNA)
    assert shop.stock == {"teapot": 5}
    assert len(desk.dossier("1001").returns) == 3


# --- wrong answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "decision, error, match",
    [
        (RestockDecision.lines({"cup": 3}), InvalidQuantity, "3 cannot go back in stock"),
        (RestockDecision.lines({"cup": 0}), InvalidQuantity, "line cup: 0 cannot go back in stock"),
        (RestockDecision.lines({"mug": 1}), UnknownLine, "Order 1001 has no line mug"),
        (RestockDecision.lines({}), InvalidLines, "at least one line"),
        (RestockDecision.ask(), InvalidLines, "answer with all, by hand"),
    ],
)
def test_a_wrong_answer_names_the_order_and_the_cause_and_changes_nothing(
    several: tuple[MemoryShop, ReturnDesk], decision: RestockDecision, error: type[RetourError], match: str
) -> None:
    shop, desk = several
    return_id = desk.mark_returned("1001", by=ANNA).return_id
    before = desk.dossier("1001")
    with pytest.raises(error, match=match):
        desk.answer_restock("1001", return_id, decision, by=ANNA)
    assert desk.dossier("1001") == before
    assert shop.stock == {}


# --- a wrong receipt is corrected ------------------------------------------------------------------------


def test_a_receipt_counted_too_high_takes_the_units_out_of_stock_again(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 3)))
    outcome = desk.mark_returned("1001", by=ANNA)
    desk.correct_receipt("1001", str(outcome.receipt_id), {"teapot": 1}, by=ANNA)
    assert shop.stock == {"teapot": 1}
    assert [one.quantity for one in shop.bookings.values()] == [3, -2]


def test_a_receipt_counted_too_low_restocks_the_rest(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 3)))
    outcome = desk.mark_returned("1001", {"teapot": 1}, by=ANNA, request_id="form-1")
    desk.correct_receipt("1001", str(outcome.receipt_id), {"teapot": 3}, by=ANNA)
    assert shop.stock == {"teapot": 3}


def test_a_correction_shortens_the_list_by_hand_before_it_touches_the_stock(
    several: tuple[MemoryShop, ReturnDesk],
) -> None:
    shop, desk = several
    outcome = desk.mark_returned("1001", by=ANNA)
    desk.answer_restock("1001", outcome.return_id, RestockDecision.lines({"cup": 1, "teapot": 1}), by=ANNA)
    desk.correct_receipt("1001", str(outcome.receipt_id), [Counted(line_id="cup", sellable=1, damaged=1)], by=ANNA)
    assert shop.stock == {"teapot": 1, "cup": 1}
    assert desk.dossier("1001").return_(outcome.return_id).by_hand == {}


def test_units_that_turn_out_damaged_leave_the_open_question(several: tuple[MemoryShop, ReturnDesk]) -> None:
    _, desk = several
    outcome = desk.mark_returned("1001", by=ANNA)
    corrected = desk.correct_receipt(
        "1001",
        str(outcome.receipt_id),
        [Counted(line_id="cup", damaged=2), Counted(line_id="teapot", damaged=1)],
        by=ANNA,
    )
    assert not corrected.restock.needs_answer


def test_the_same_correction_twice_changes_nothing(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 3)))
    outcome = desk.mark_returned("1001", by=ANNA)
    for changed in (True, False):
        corrected = desk.correct_receipt("1001", str(outcome.receipt_id), {"teapot": 2}, by=ANNA)
        assert corrected.changed is changed
    assert shop.stock == {"teapot": 2}


def test_a_receipt_corrected_to_nothing_frees_its_units(opened: Opened) -> None:
    shop, desk = opened(an_order(a_line("teapot", 2)))
    outcome = desk.mark_returned("1001", by=ANNA)
    desk.correct_receipt("1001", str(outcome.receipt_id), {"teapot": 0}, by=ANNA)
    assert shop.stock == {"teapot": 0}
    assert desk.dossier("1001").return_(outcome.return_id).goods == "cancelled"
    desk.mark_returned("1001", by=ANNA)
    assert shop.stock == {"teapot": 2}


def test_a_correction_above_what_was_fulfilled_is_refused(opened: Opened) -> None:
    _, desk = opened(an_order(a_line("teapot", 2)))
    outcome = desk.mark_returned("1001", {"teapot": 1}, by=ANNA, request_id="form-1")
    with pytest.raises(InvalidQuantity, match="can count 2 units, so 3 is too many"):
        desk.correct_receipt("1001", str(outcome.receipt_id), {"teapot": 3}, by=ANNA)
