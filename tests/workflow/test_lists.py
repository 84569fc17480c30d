"""Lists over all orders: filters and keyset pages."""

from __future__ import annotations

import datetime
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import attrs
import pytest
from sqlalchemy import text

from retour import (
    Actor,
    GoodsState,
    InvalidArgument,
    LineSummary,
    MemoryShop,
    Money,
    RefundState,
    RefundWait,
    RequestedLine,
    RestockDecision,
    ReturnDesk,
    ReturnPage,
    ReturnReason,
    ReturnSummary,
    ReturnWait,
    StockState,
)
from retour.model.return_number import return_number
from retour.store import search
from retour.testing import a_line, a_payment, an_order

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


@pytest.mark.parametrize("limit", [1, 3, 4, 11, 12])
@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize("filters", [{}, {"stock": ["by_hand", "undecided"]}, {"waits_for": ""}])
def test_who_goes_back_sees_the_same_pages(
    desk: ReturnDesk, limit: int, oldest_first: bool, filters: dict[str, Any]
) -> None:
    asked: dict[str, Any] = {"limit": limit, "oldest_first": oldest_first, **filters}
    page = desk.list_returns(**asked)
    assert page.previous is None
    forth = [page]
    while page.next is not None:
        page = desk.list_returns(after=page.next, **asked)
        forth.append(page)
    back = [page]
    while page.previous is not None:
        page = desk.list_returns(before=page.previous, **asked)
        back.append(page)
    assert back[::-1] == forth


def test_a_page_before_what_came_meanwhile_begins_where_the_other_ended() -> None:
    shop = MemoryShop([an_order(a_line("cup"), order_id=f"{number}") for number in range(9)])
    desk = ReturnDesk(shop=shop, store="sqlite://")
    for number in range(8):
        desk.mark_returned(f"{number}", by=ANNA)
    second = desk.list_returns(limit=4, after=desk.list_returns(limit=4).next)
    desk.mark_returned("8", by=ANNA)
    before = desk.list_returns(limit=4, before=second.previous)
    assert [one.order_id for one in before.returns] == ["7", "6", "5", "4"]
    assert [one.order_id for one in desk.list_returns(limit=4, before=before.previous).returns] == ["8"]
    assert desk.list_returns(limit=4, after=before.next) == second


def test_refunds_go_back_too(board: Board) -> None:
    first = board.desk.list_refunds(limit=1)
    second = board.desk.list_refunds(limit=1, after=first.next)
    assert board.desk.list_refunds(limit=1, before=second.previous) == first


def test_a_page_is_after_a_row_or_before_one(desk: ReturnDesk) -> None:
    with pytest.raises(InvalidArgument, match="after a row or before one"):
        desk.list_returns(after="1.a", before="2.b")
    with pytest.raises(InvalidArgument, match="is no page of this list"):
        desk.list_refunds(before="yesterday")


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


# --- what a screen needs -----------------------------------------------------------------------------------

BUYER = Actor.customer("c-1")
MORNING = datetime.datetime(2026, 11, 23, 9, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
EUR = Money.of("10", "EUR")


@attrs.define
class Board:
    """A desk with the orders A-1 to A-6, an hour from one to the next: A-1 to A-4 were asked back, A-5 came back and
    was refunded, of A-6 a refund waits for a transfer."""

    desk: ReturnDesk
    returns: dict[str, str] = attrs.field(factory=dict)
    refunds: dict[str, str] = attrs.field(factory=dict)


@pytest.fixture
def board(database: str):  # type: ignore[no-untyped-def]
    now = [MORNING]
    orders = [
        an_order(
            a_line("cup", 3, "30.00"),
            a_line("pot", 1, "20.00"),
            payments=[a_payment("50.00", provider="manual_transfer", reference=f"inv-{number}")],
            order_id=f"A-{number}",
            customer="c-1",
        )
        for number in range(1, 7)
    ]
    desk = ReturnDesk(
        shop=MemoryShop(orders), store=database, migrate=True, plugins=["manual_transfer"], clock=lambda: now[0]
    )
    board = Board(desk)
    for number, reason in enumerate(["too_small", "too_large", "too_small", "in my own words"], 1):
        now[0] = MORNING + number * HOUR
        lines = [RequestedLine(line_id="cup", quantity=2, reason=reason), RequestedLine(line_id="pot", quantity=1)]
        board.returns[f"A-{number}"] = desk.request_return(f"A-{number}", lines, by=BUYER, request_id="f").return_id
    desk.mark_sent("A-3", board.returns["A-3"], by=BUYER, tracking="3SABC123")
    now[0] = MORNING + 5 * HOUR
    board.returns["A-5"] = desk.mark_returned("A-5", {"cup": 3}, by=ANNA, request_id="f").return_id
    desk.answer_restock("A-5", board.returns["A-5"], RestockDecision.by_hand(), by=ANNA)
    confirmed = desk.confirm_refund("A-5", "inv-5", EUR, reference="NL-5/1", by=ANNA, request_id="g")
    board.refunds["A-5"] = confirmed.refund_id or ""
    now[0] = MORNING + 6 * HOUR
    board.refunds["A-6"] = desk.open_refund_link("A-6", "inv-6", EUR, by=ANNA, request_id="g").refund_id or ""
    yield board
    desk.close()


def ids(page: ReturnPage) -> list[str]:
    return [one.order_id for one in page.returns]


def test_a_row_tells_what_the_dossier_knows_of_a_return(board: Board) -> None:
    rows = {one.order_id: one for one in board.desk.list_returns().returns}
    assert rows["A-3"].lines == (
        LineSummary(line_id="cup", announced=2, reasons=("too_small",)),
        LineSummary(line_id="pot", announced=1),
    )
    assert rows["A-3"].reasons == ("too_small",)
    assert rows["A-3"].references == ("3SABC123",)
    assert rows["A-4"].reasons == ()  # what he wrote himself can be about a person
    assert rows["A-5"].lines == (LineSummary(line_id="cup", came_back=3),)
    assert rows["A-5"].refunded == (EUR,)
    assert rows["A-3"].refunded == ()
    assert rows["A-3"].order == board.desk._services.shops("default").order("A-3")


def test_a_row_tells_what_came_back_is_worth_and_what_its_order_is_owed(board: Board) -> None:
    rows = {one.order_id: one for one in board.desk.list_returns().returns}
    nothing = Money.zero("EUR")
    assert (rows["A-3"].value, rows["A-3"].waiting, rows["A-3"].suggested) == (nothing, (), nothing)
    assert (rows["A-5"].value, rows["A-5"].waiting) == (Money.of("30", "EUR"), ())
    assert rows["A-5"].suggested == Money.of("20", "EUR")  # 30 came back, 10 went back
    board.desk.open_refund_link("A-5", "inv-5", Money.of("5", "EUR"), by=ANNA, request_id="h")
    (row,) = board.desk.list_returns(order_id="A-5").returns
    assert (row.refunded, row.waiting) == ((Money.of("15", "EUR"),), (Money.of("5", "EUR"),))
    assert row.suggested == Money.of("15", "EUR")


@pytest.mark.parametrize(("counts", "first_was"), [((1, 1, 1), 0), ((2, 1), 1)])
def test_the_values_of_returns_add_up_also_after_the_count_of_an_earlier_one_is_corrected(
    database: str, counts: Sequence[int], first_was: int
) -> None:
    order = an_order(a_line("cup", 3, "20.00"), payments=[a_payment("20.00", provider="manual_transfer")])
    desk = ReturnDesk(shop=MemoryShop([order]), store=database, migrate=True, plugins=["manual_transfer"])
    for number, units in enumerate(counts):
        desk.mark_returned(order.id, {"cup": units}, by=ANNA, request_id=f"{number}")

    def values() -> list[int]:
        return [one.value.minor for one in desk.list_returns(oldest_first=True).returns if one.value is not None]

    assert (len(values()), sum(values())) == (len(counts), 2000)
    first, *_ = desk.dossier(order.id).returns.values()
    desk.correct_receipt(order.id, next(iter(first.receipts)), {"cup": first_was}, by=ANNA)
    after = values()
    (row, *_) = desk.list_returns().returns
    assert (after[0], sum(after)) == (667 * first_was, row.suggested.minor if row.suggested else None)
    desk.close()


def test_a_row_tells_what_the_dossier_knows_of_a_refund(board: Board) -> None:
    rows = {one.order_id: one for one in board.desk.list_refunds().refunds}
    for order_id, refund_id in board.refunds.items():
        refund, row = board.desk.dossier(order_id).refund(refund_id), rows[order_id]
        assert (row.reference, row.source, row.return_id) == (refund.reference, refund.source, refund.return_id)
        assert (row.why, row.lacks_consent, row.page) == (refund.problem, refund.lacks_consent, refund.page)
    assert rows["A-5"].reference == "NL-5/1"


def test_returns_are_found_by_the_reason_that_was_chosen(board: Board) -> None:
    desk = board.desk
    assert ids(desk.list_returns(reason="too_small")) == ["A-3", "A-1"]
    assert ids(desk.list_returns(reason=["too_small", "too_large"], oldest_first=True)) == ["A-1", "A-2", "A-3"]
    assert ids(desk.list_returns(reason="too_small", goods=GoodsState.IN_TRANSIT)) == ["A-3"]
    assert ids(desk.list_returns(reason="too_small", order_id="A-1")) == ["A-1"]
    assert ids(desk.list_returns(reason="changed_mind")) == []  # of the list, and nobody chose it
    with pytest.raises(InvalidArgument, match=r"reason is one of too_small, .*, not in my own words"):
        desk.list_returns(reason="in my own words")


def test_a_reason_that_left_the_list_still_finds_its_returns(board: Board, database: str) -> None:
    other = ReturnReason(code="broken", words={"en": "Broken"})
    desk = ReturnDesk(shop=MemoryShop(), store=database, plugins=["manual_transfer"], return_reasons=[other])
    assert ids(desk.list_returns(reason="too_large")) == ["A-2"]
    assert ids(desk.list_returns(reason="broken")) == []
    with pytest.raises(InvalidArgument, match="reason is one of broken, not changed_mind"):
        desk.list_returns(reason="changed_mind")
    desk.close()


def test_a_period_begins_with_its_first_moment_and_ends_before_its_last(board: Board) -> None:
    desk, second, fourth = board.desk, MORNING + 2 * HOUR, MORNING + 4 * HOUR
    assert ids(desk.list_returns(opened_from=second, opened_before=fourth)) == ["A-3", "A-2"]
    assert ids(desk.list_returns(opened_before=second)) == ["A-1"]
    assert ids(desk.list_returns(opened_from=fourth, waits_for="goods")) == ["A-4"]
    assert ids(desk.list_returns(opened_from=second, opened_before=second)) == []
    assert [one.order_id for one in desk.list_refunds(opened_from=MORNING + 6 * HOUR).refunds] == ["A-6"]


def searched(board: Board) -> dict[str, list[str]]:
    """What is typed, and the orders that are meant."""
    return {
        "A-3": ["A-3"],
        "  A-3 ": ["A-3"],
        "A-": ["A-5", "A-4", "A-3", "A-2", "A-1"],
        board.returns["A-2"]: ["A-2"],
        return_number(board.returns["A-2"]).lower().replace("-", " "): ["A-2"],
        "inv-4": ["A-4"],
        "inv": ["A-5", "A-4", "A-3", "A-2", "A-1"],
        "NL-5/1": ["A-5"],
        "NL-5": ["A-5"],
        board.refunds["A-5"]: ["A-5"],
        "": ["A-5", "A-4", "A-3", "A-2", "A-1"],
        "   ": ["A-5", "A-4", "A-3", "A-2", "A-1"],
        "a-3": [],
        "%": [],
        "_": [],
        "A-3' OR '1'='1": [],
        "\U0010ffff": [],
        "é": [],
        "c-1": [],  # a person is looked for in the shop
    }


def test_what_somebody_types_finds_what_is_called_so_or_begins_with_it(board: Board) -> None:
    for typed, found in searched(board).items():
        assert ids(board.desk.list_returns(search=typed)) == found, typed
        counted = board.desk.count_returns(search=typed, opened_from=MORNING)
        assert sum(one.count for one in counted) == len(found), typed


def test_a_search_goes_with_all_other_filters(board: Board) -> None:
    desk = board.desk
    assert ids(desk.list_returns(search="A-", goods=GoodsState.IN_TRANSIT)) == ["A-3"]
    assert ids(desk.list_returns(search="A-", reason="too_small", oldest_first=True)) == ["A-1", "A-3"]
    assert ids(desk.list_returns(search="A-", opened_before=MORNING + 2 * HOUR)) == ["A-1"]
    assert ids(desk.list_returns(search="A-", order_id="A-4")) == ["A-4"]
    assert ids(desk.list_returns(search="A-", order_id=["A-4", "B-1"])) == ["A-4"]
    assert ids(desk.list_returns(search="A-4", order_id="A-3")) == []
    first = desk.list_returns(search="A-", limit=2)
    assert ids(desk.list_returns(search="A-", limit=2, after=first.next)) == ["A-3", "A-2"]
    assert [one.order_id for one in desk.list_refunds(search="NL-").refunds] == ["A-5"]


def test_what_is_called_exactly_so_is_found_alone(database: str) -> None:
    shop = MemoryShop([an_order(a_line("cup", 1), order_id=one) for one in ("10", "100", "1000")])
    desk = ReturnDesk(shop=shop, store=database, migrate=True)
    for one in shop.orders:
        desk.mark_returned(one, by=ANNA)
    assert ids(desk.list_returns(search="100")) == ["100"]
    assert ids(desk.list_returns(search="1")) == ["1000", "100", "10"]
    desk.close()


def test_a_search_that_would_find_too_much_says_so(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "MOST_FOUND", 3)
    shop = MemoryShop([an_order(a_line("cup", 1), order_id=f"9{number}") for number in range(4)])
    desk = ReturnDesk(shop=shop, store=database, migrate=True)
    for number, one in enumerate(shop.orders):
        desk.mark_returned(one, by=ANNA)
        if number == 2:
            assert len(ids(desk.list_returns(search="9"))) == 3
    with pytest.raises(InvalidArgument, match=r"begin with it. Type more of it."):
        desk.list_returns(search="9")
    desk.close()


@pytest.mark.parametrize("oldest_first", [False, True])
@pytest.mark.parametrize(
    "filters", [{}, {"waits_for": ["goods", "answer"]}, {"search": "A-"}, {"reason": ["too_small"]}]
)
def test_no_row_is_on_two_pages_or_on_none_while_others_come(
    database: str, oldest_first: bool, filters: dict[str, Any]
) -> None:
    shop = MemoryShop([an_order(a_line("cup", 9), a_line("pot", 9), order_id=f"A-{number}") for number in range(20)])
    desk = ReturnDesk(shop=shop, store=database, migrate=True)
    waiting = iter(shop.orders)

    def ask(several: int) -> set[str]:
        lines = [RequestedLine(line_id="cup", quantity=1, reason="too_small")]
        return {desk.request_return(next(waiting), lines, by=BUYER, request_id="f").return_id for _ in range(several)}

    there, rows, after = ask(9), list[ReturnSummary](), None
    while True:
        page = desk.list_returns(limit=2, after=after, oldest_first=oldest_first, **filters)
        rows += page.returns
        after = page.next
        if after is None or len(rows) > 30:
            break
        ask(1)
    seen = [one.return_id for one in rows]
    assert len(seen) == len(set(seen))
    assert there <= set(seen)
    opened = [one.opened_at for one in rows]  # numbers of one millisecond are in no order
    assert opened == sorted(opened, reverse=not oldest_first)
    if not oldest_first:
        assert set(seen) == there  # what came meanwhile stands on the first page
    desk.close()


def test_refunds_can_be_the_oldest_first_too(board: Board) -> None:
    listed = board.desk.list_refunds
    assert [one.order_id for one in listed(oldest_first=True).refunds] == ["A-5", "A-6"]
    first = listed(oldest_first=True, limit=1)
    assert [one.order_id for one in listed(oldest_first=True, limit=1, after=first.next).refunds] == ["A-6"]


def test_counts_are_those_of_the_rows(board: Board) -> None:
    desk = board.desk
    waits = [(one.goods, one.waits_for, one.count) for one in desk.count_returns()]
    assert waits == [
        (GoodsState.APPROVED, ReturnWait.GOODS, 3),
        (GoodsState.IN_TRANSIT, ReturnWait.GOODS, 1),
    ]
    every = desk.count_returns(opened_from=MORNING)
    rows = Counter((one.goods, one.stock, one.waits_for) for one in desk.list_returns().returns)
    assert {(one.goods, one.stock, one.waits_for): one.count for one in every} == dict(rows)
    assert [one.count for one in desk.count_returns(goods=GoodsState.IN_TRANSIT)] == [1]
    assert sum(one.count for one in desk.count_returns(reason="too_small", opened_from=MORNING)) == 2
    assert [one.count for one in desk.count_returns(order_id="A-5")] == [1]
    assert desk.count_returns(goods=[]) == ()


def test_totals_are_for_each_state_and_currency(board: Board) -> None:
    desk = board.desk
    waits = desk.total_refunds()
    assert [(one.waits_for, one.count, one.amount) for one in waits] == [(RefundWait.TRANSFER, 1, EUR)]
    every = {one.state: one for one in desk.total_refunds(opened_from=MORNING)}
    assert every[RefundState.SUCCEEDED].amount == EUR
    with desk._services.store.engine.begin() as connection:
        connection.execute(
            text("UPDATE retour_refund SET currency = 'USD', minor = 9000000000000000 WHERE order_id = 'A-5'")
        )
    found = desk.total_refunds(opened_from=MORNING)
    assert {one.amount for one in found} == {EUR, Money(minor=9000000000000000, currency="USD")}


def test_what_waits_for_nothing_is_counted_over_a_period(board: Board) -> None:
    for count in (board.desk.count_returns, board.desk.total_refunds):
        with pytest.raises(InvalidArgument, match="counted over a period: give opened_from"):
            count(waits_for="")  # type: ignore[operator]
        assert sum(one.count for one in count(waits_for="", opened_from=MORNING)) == 1  # type: ignore[operator]


def test_what_is_in_no_batch_is_listed_and_counted_as_such(board: Board) -> None:
    desk = board.desk
    assert [one.order_id for one in desk.list_refunds(batch="").refunds] == ["A-6", "A-5"]
    assert [one.count for one in desk.total_refunds(batch="")] == [1]  # what waits
    desk.set_refund_batch("A-6", board.refunds["A-6"], "B1", by=ANNA)
    assert [one.order_id for one in desk.list_refunds(batch="").refunds] == ["A-5"]
    assert [one.order_id for one in desk.list_refunds(batch="B1").refunds] == ["A-6"]
    assert [one.amount for one in desk.total_refunds(batch="B1")] == [EUR]
    assert desk.list_refunds(waits_for=("transfer", "bank"), batch="").refunds == ()
