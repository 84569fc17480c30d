"""The second fold and the product's agree on every story that was ever stored, and it knows every type of event."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from retour import Actor, Counted, MemoryShop, RestockDecision, ReturnDesk
from retour.model.history import fold
from retour.store.records import read_event
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")

GOLDEN = json.loads((Path(__file__).parent.parent / "store/golden_events.json").read_text())


@pytest.mark.parametrize("story", GOLDEN, ids=lambda story: story.get("order"))
def test_a_golden_story_means_the_same_to_both_after_each_event(plain_fold: Any, story: dict[str, Any]) -> None:
    events = [read_event(story["order"], row) for row in story["rows"]]
    rows = [(row[0], row[5], row[7]) for row in story["rows"]]
    for told in range(len(rows) + 1):
        dossier = fold(story["order"], events[:told])
        assert plain_fold.plain_fold(rows[:told]) == plain_fold.plain_dossier(dossier)


@pytest.mark.parametrize(
    "body", ['{"refund_id": "rf1", "payment": "p", "amount": {"minor": 1, "currency": "EUR"}}', '{"return_id": "rt1"}']
)
def test_a_type_of_event_that_it_does_not_know_is_refused(plain_fold: Any, body: str) -> None:
    with pytest.raises(KeyError, match="refund_hidden"):
        plain_fold.plain_fold([(1, "refund_hidden", body)])


# --- turns that a random story seldom takes --------------------------------------------------------------


@pytest.fixture
def desk() -> ReturnDesk:
    order = an_order(a_line("teapot", 2), a_line("cup", 4))
    return ReturnDesk(shop=MemoryShop([order]), store="sqlite://")


def both(plain_fold: Any, desk: ReturnDesk) -> dict[str, Any]:
    """What both folds make of the stored events, which is the same after each of them."""
    events = desk._services.store.events("default", "1001")
    rows = plain_fold.stored_events(desk._services.store.engine, "1001")
    for told in range(len(rows) + 1):
        assert plain_fold.plain_fold(rows[:told]) == plain_fold.plain_dossier(fold("1001", events[:told]))
    states: dict[str, Any] = plain_fold.plain_fold(rows)
    return states


def announced_and_counted(desk: ReturnDesk, counted: int) -> tuple[str, str]:
    """A return of 2 cups of which some were counted: its id and the receipt's."""
    return_id = desk.request_return("1001", {"cup": 2}, by=ANNA, request_id="1").return_id
    receipt_id = desk.receive("1001", return_id, {"cup": counted}, by=ANNA, request_id="2").receipt_id
    assert receipt_id is not None
    return return_id, receipt_id


def test_a_closed_return_stays_closed_when_its_receipt_is_corrected(plain_fold: Any, desk: ReturnDesk) -> None:
    return_id, receipt_id = announced_and_counted(desk, 2)
    desk.answer_restock("1001", return_id, RestockDecision.all(), by=ANNA)
    desk.close_return("1001", return_id, by=ANNA)
    desk.correct_receipt("1001", receipt_id, {"cup": 1}, by=ANNA)
    goods, question, by_hand, moved, applied = both(plain_fold, desk)["returns"][return_id]
    assert (goods, question, by_hand, moved, applied) == ("closed", False, {}, {"cup": 1}, {"cup": 1})


def test_an_announced_return_waits_for_its_goods_again_when_its_receipt_is_corrected_to_nothing(
    plain_fold: Any, desk: ReturnDesk
) -> None:
    return_id, receipt_id = announced_and_counted(desk, 2)
    desk.correct_receipt("1001", receipt_id, {"cup": 0}, by=ANNA)
    assert both(plain_fold, desk)["returns"][return_id][:2] == ("approved", False)


def test_a_correction_takes_units_out_of_stock_and_leaves_the_question_about_others_open(
    plain_fold: Any, desk: ReturnDesk
) -> None:
    return_id = desk.request_return("1001", {"cup": 2, "teapot": 1}, by=ANNA, request_id="1").return_id
    receipt_id = desk.receive("1001", return_id, {"cup": 2}, by=ANNA, request_id="2").receipt_id
    assert receipt_id is not None
    desk.answer_restock("1001", return_id, RestockDecision.all(), by=ANNA)
    desk.receive("1001", return_id, {"teapot": 1}, by=ANNA, request_id="3")
    desk.correct_receipt("1001", receipt_id, [Counted(line_id="cup", sellable=1, damaged=1)], by=ANNA)
    assert both(plain_fold, desk)["returns"][return_id][:4] == ("received", True, {}, {"cup": 1})
