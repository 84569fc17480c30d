"""Lists over all orders: filters and keyset pages."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from retour import Actor, GoodsState, InvalidArgument, MemoryShop, RestockDecision, ReturnDesk, StockState
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


@pytest.fixture
def desk(database: str):  # type: ignore[no-untyped-def]
    one = [an_order(a_line("cup", 2), order_id=f"one-{n}") for n in range(7)]
    several = [an_order(a_line("cup", 1), a_line("pot", 1), order_id=f"several-{n}") for n in range(4)]
    made = ReturnDesk(shop=MemoryShop([*one, *several]), store=database, migrate=True)
    for order in one:
        made.mark_returned(order.id, by=ANNA)
    for number, order in enumerate(several):
        outcome = made.mark_returned(order.id, by=ANNA)
        if number == 0:
            made.answer_restock(order.id, outcome.return_id, RestockDecision.by_hand(), by=ANNA)
    yield made
    made.close()


def test_pages_hold_every_return_once_the_newest_first(desk: ReturnDesk) -> None:
    seen, after = [], None
    while True:
        page = desk.list_returns(limit=3, after=after)
        assert len(page.returns) <= 3
        seen += page.returns
        after = page.next
        if after is None:
            break
    assert len(seen) == 11
    assert len({one.return_id for one in seen}) == 11
    assert [one.opened_at for one in seen] == sorted([one.opened_at for one in seen], reverse=True)
    assert seen[0].order_id == "several-3"


def test_a_page_that_ends_exactly_at_the_end_has_no_next(desk: ReturnDesk) -> None:
    assert desk.list_returns(limit=11).next is None
    assert desk.list_returns(limit=10).next is not None


def test_filters_narrow_the_list(desk: ReturnDesk) -> None:
    assert {one.order_id for one in desk.list_returns(waits_for="answer").returns} == {
        "several-1",
        "several-2",
        "several-3",
    }
    assert [one.order_id for one in desk.list_returns(stock=StockState.BY_HAND).returns] == ["several-0"]
    assert len(desk.list_returns(stock=[StockState.APPLIED, StockState.BY_HAND]).returns) == 8
    assert len(desk.list_returns(goods=GoodsState.RECEIVED).returns) == 11
    assert desk.list_returns(goods=GoodsState.REJECTED).returns == ()
    assert [one.order_id for one in desk.list_returns(order_id="one-3").returns] == ["one-3"]
    assert desk.list_returns(goods=[]).returns == ()


@pytest.mark.parametrize("after", ["", "page-2", "12", "x.y"])
def test_a_cursor_of_another_list_is_refused(desk: ReturnDesk, after: str) -> None:
    with pytest.raises(InvalidArgument, match="no page of this list"):
        desk.list_returns(after=after)


@pytest.mark.parametrize("limit", [0, -1, 501])
def test_a_page_has_a_size_that_is_bounded(desk: ReturnDesk, limit: int) -> None:
    with pytest.raises(InvalidArgument, match="1 to 500"):
        desk.list_returns(limit=limit)


@pytest.mark.parametrize(
    "ask",
    [
        lambda desk: desk.list_returns(waits_for="answers"),
        lambda desk: desk.list_returns(goods="nope"),
        lambda desk: desk.list_returns(stock=["applied", "nope"]),
        lambda desk: desk.list_refunds(waits_for="persons"),
        lambda desk: desk.list_refunds(state="done"),
    ],
)
def test_a_filter_that_there_is_not_is_refused_and_never_an_empty_page(
    desk: ReturnDesk, ask: Callable[[ReturnDesk], object]
) -> None:
    with pytest.raises(InvalidArgument, match="is one of"):
        ask(desk)
