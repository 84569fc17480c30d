"""`Shop.read_orders`: one question for a whole page. Whatever it does, the page is there and right."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import attrs
import pytest

from retour import Actor, MemoryShop, Order, ReturnDesk, ShopReadingPages
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")
IDS = ["1001", "1002", "1003"]


@pytest.fixture(autouse=True)
def quiet(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.CRITICAL, "retour")


class AskedShop(MemoryShop):
    """A shop that keeps what it was asked for, and answers as the test has it."""

    answers: Callable[[Mapping[str, Order]], Any] = staticmethod(lambda orders: orders)

    def __init__(self) -> None:
        super().__init__([an_order(a_line("cup", 9), order_id=one, customer=f"c-{one}") for one in IDS])
        self.asked: list[list[str]] = []

    def read_orders(self, order_ids: Sequence[str]) -> Any:
        self.asked.append(list(order_ids))
        return self.answers(super().read_orders(order_ids))


@pytest.fixture
def desk(database: str):  # type: ignore[no-untyped-def]
    made = ReturnDesk(shop=AskedShop(), store=database, migrate=True)
    for one in [*IDS, "1002"]:
        made.mark_returned(one, {"cup": 1}, by=ANNA, request_id=f"f{len(made.dossier(one).returns)}")
    yield made
    made.close()


def shop_of(desk: ReturnDesk) -> AskedShop:
    return desk._services.shops("default").shop  # type: ignore[return-value]


def test_a_shop_that_reads_several_is_one_by_its_method() -> None:
    assert isinstance(AskedShop(), ShopReadingPages)


def test_it_is_asked_once_for_a_page_and_for_each_of_its_orders_once(desk: ReturnDesk) -> None:
    page = desk.list_returns(limit=3)
    assert [sorted(ids) for ids in shop_of(desk).asked] == [["1002", "1003"]]
    assert len(page.returns) == 3
    assert {one.order.customer for one in page.returns if one.order is not None} == {"c-1002", "c-1003"}
    assert page.without_orders is None
    assert [one.order.line("cup").name for one in page.returns if one.order is not None] == ["Cup"] * 3


def test_it_is_not_asked_for_an_empty_page_nor_to_count(desk: ReturnDesk) -> None:
    desk.list_returns(waits_for="review")
    desk.list_refunds()
    desk.count_returns()
    desk.total_refunds()
    assert shop_of(desk).asked == []


def test_a_shop_that_does_not_have_it_lists_without_orders(database: str) -> None:
    class Plain:
        def __init__(self) -> None:
            self.within = MemoryShop([an_order(a_line("cup", 1))])
            self.order, self.find_order, self.book_stock = (
                self.within.order,
                self.within.find_order,
                self.within.book_stock,
            )

    desk = ReturnDesk(shop=Plain(), store=database, migrate=True)
    desk.mark_returned("1001", by=ANNA)
    page = desk.list_returns()
    assert ([one.order for one in page.returns], page.without_orders) == ([None], None)
    desk.close()


def raises(error: BaseException) -> Callable[[object], Any]:
    def answer(_: object) -> Any:
        raise error

    return answer


class BreaksInTheMiddle(dict[str, Any]):
    def get(self, key: str, default: object = None) -> Any:
        if key == "1002":
            raise RuntimeError("the connection is gone")
        return super().get(key, default)


class Pretends:
    """Says of itself that it is an order."""

    __class__ = Order  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        raise RuntimeError(name)


def made_behind_its_class(orders: Mapping[str, Order]) -> Any:
    order = attrs.evolve(orders["1002"])
    object.__setattr__(order, "currency", 7)
    return {**orders, "1002": order}


BROKEN: dict[str, tuple[Callable[[Mapping[str, Order]], Any], set[str], str]] = {
    "raises": (raises(RuntimeError("no database")), set(), "of these orders are"),
    "ends the process": (raises(SystemExit(1)), set(), "of these orders are"),
    "nothing": (lambda _: None, set(), "of these orders are"),
    "a list": (lambda orders: list(orders.values()), set(), "of these orders are"),
    "a text": (lambda _: "1001", set(), "of these orders are"),
    "a mapping that breaks in the middle": (BreaksInTheMiddle, set(), "of these orders are"),
    "one missing": (lambda orders: {one: orders[one] for one in IDS[:2]}, {"1001", "1002"}, ""),
    "one that is None": (lambda orders: {**orders, "1003": None}, {"1001", "1002"}, ""),
    "others that nobody asked for": (lambda orders: {**orders, "7": orders["1001"], 8: object()}, {*IDS}, ""),
    "an order under another's id": (
        lambda orders: {**orders, "1001": orders["1002"]},
        {"1002", "1003"},
        "of 1 order is",
    ),
    "no orders": (lambda orders: dict.fromkeys(orders, 7), set(), "of 3 orders are"),
    "one that says it is an order": (lambda orders: {**orders, "1002": Pretends()}, {"1001", "1003"}, "of 1 order is"),
    "one that was made behind its class": (made_behind_its_class, {"1001", "1003"}, "of 1 order is"),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_shop_that_answers_wrongly_costs_the_names_and_nothing_else(desk: ReturnDesk, how: str) -> None:
    right = desk.list_returns()
    shop_of(desk).answers, known, said = BROKEN[how]
    page = desk.list_returns()
    without = [attrs.evolve(one, order=None) for one in right.returns]
    assert [attrs.evolve(one, order=None) for one in page.returns] == without
    assert {one.order.id for one in page.returns if one.order is not None} == known
    assert all(one.order is None or one.order.id == one.order_id for one in page.returns)
    words = "" if page.without_orders is None else page.without_orders.render("en")
    assert said in words
    assert bool(words) == bool(said)


def test_what_it_gives_is_a_value_of_its_own_on_each_side(desk: ReturnDesk) -> None:
    page = desk.list_returns(order_id="1001")
    given = page.returns[0].order
    assert given == shop_of(desk).orders["1001"]
    assert given is not shop_of(desk).orders["1001"]


def test_a_shop_that_lists_while_it_is_asked_for_a_list_is_told(desk: ReturnDesk) -> None:
    seen: Counter[str] = Counter()

    def lists(orders: Mapping[str, Order]) -> Mapping[str, Order]:
        seen["asked"] += 1
        within = desk.list_returns()
        assert within.without_orders is not None
        assert len(within.returns) == 4
        return orders

    shop_of(desk).answers = lists
    page = desk.list_returns()
    assert page.without_orders is None
    assert seen["asked"] == 1
