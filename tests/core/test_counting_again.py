"""After the first count: a second parcel while the stock question is open, and Returned on a closed return."""

from __future__ import annotations

import pytest

from retour import Actor, GoodsState, MemoryShop, RestockDecision, ReturnDesk, StockState, hookimpl
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


def event_types(desk: ReturnDesk) -> list[str]:
    return [one.event.type for one in desk._services.store.events("default", "1001")]


# --- a second receipt under an open question -------------------------------------------------------------


class Policy:
    """A restock_policy that asks about the first receipt, and then answers what the test says."""

    def __init__(self, then: RestockDecision | None) -> None:
        self.answers = [RestockDecision.ask("look at them"), then]

    @hookimpl
    def restock_policy(self) -> RestockDecision | None:
        return self.answers.pop(0)


@pytest.mark.parametrize(
    "then",
    [None, RestockDecision.ask(), RestockDecision.all(), RestockDecision.by_hand()],
    ids=["the core's own rule", "ask", "all", "by hand"],
)
def test_a_second_receipt_joins_the_open_question_and_decides_nothing_by_itself(then: RestockDecision | None) -> None:
    shop = MemoryShop([an_order(a_line("teapot", 1), a_line("cup", 4))])
    desk = ReturnDesk(shop=shop, store="sqlite://", plugins=[Policy(then)])
    return_id = desk.request_return("1001", {"cup": 3, "teapot": 1}, by=ANNA, request_id="1").return_id
    desk.receive("1001", return_id, {"cup": 1}, by=ANNA, request_id="2")
    second = desk.receive("1001", return_id, {"cup": 2, "teapot": 1}, by=ANNA, request_id="3")
    assert second.restock.question is not None
    assert second.restock.question.units == {"cup": 3, "teapot": 1}
    assert event_types(desk).count("restock_asked") == 1
    assert "restock_decided" not in event_types(desk)
    assert (shop.stock, second.restock.by_hand) == ({}, {})
    answered = desk.answer_restock("1001", return_id, RestockDecision.all(), by=ANNA)
    assert answered.restock.state is StockState.APPLIED
    assert shop.stock == {"cup": 3, "teapot": 1}


# --- setting Returned on a closed return -----------------------------------------------------------------


def closed(announced: int, counted: int) -> tuple[MemoryShop, ReturnDesk, str]:
    """An order of 4 cups, of which some were announced, some of those counted, and the return then closed."""
    shop = MemoryShop([an_order(a_line("cup", 4))])
    desk = ReturnDesk(shop=shop, store="sqlite://")
    return_id = desk.request_return("1001", {"cup": announced}, by=ANNA, request_id="1").return_id
    desk.receive("1001", return_id, {"cup": counted}, by=ANNA, request_id="2")
    desk.close_return("1001", return_id, by=ANNA)
    return shop, desk, return_id


def test_units_of_a_closed_return_that_were_never_counted_come_back_on_a_new_one() -> None:
    shop, desk, return_id = closed(announced=3, counted=1)
    before = desk.dossier("1001").return_(return_id)
    outcome = desk.mark_returned("1001", by=ANNA)
    (new,) = outcome.returns
    assert new.return_id != return_id
    assert {line: count.sellable for line, count in desk.dossier("1001").return_(new.return_id).counted.items()} == {
        "cup": 3
    }
    assert desk.dossier("1001").return_(return_id) == before
    assert before.goods is GoodsState.CLOSED
    assert len(before.receipts) == 1
    assert shop.stock == {"cup": 4}


def test_a_part_that_comes_back_later_is_no_receipt_of_the_closed_return() -> None:
    _, desk, return_id = closed(announced=3, counted=1)
    before = desk.dossier("1001").return_(return_id)
    outcome = desk.mark_returned("1001", {"cup": 2}, by=ANNA, request_id="3")
    assert outcome.return_id != return_id
    assert desk.dossier("1001").return_(return_id) == before


def test_setting_returned_when_all_was_counted_on_a_closed_return_changes_nothing() -> None:
    shop, desk, _ = closed(announced=4, counted=4)
    before = event_types(desk)
    assert not desk.mark_returned("1001", by=ANNA).changed
    assert event_types(desk) == before
    assert shop.stock == {"cup": 4}
