"""Who looks at what happened to an order reads its history, and the shop is not asked for the order."""

from __future__ import annotations

from typing import Any

import pytest

from retour import Actor, MemoryShop, Order, ReturnDesk, UnknownOrder
from retour.testing import a_line, an_order

ANNA = Actor.staff("anna")


class AskedShop(MemoryShop):
    """A shop that keeps count of the orders it is asked for."""

    def __init__(self, *orders: Order) -> None:
        super().__init__(orders)
        self.asked: list[str] = []

    def order(self, order_id: str) -> Any:
        self.asked.append(order_id)
        return super().order(order_id)


@pytest.fixture
def shop() -> AskedShop:
    return AskedShop(an_order(a_line("cup", 2)))


@pytest.fixture
def desk(shop: AskedShop) -> ReturnDesk:
    return ReturnDesk(shop=shop, store="sqlite://")


def test_the_dossier_of_an_order_that_was_seen_is_read_without_asking_the_shop(
    desk: ReturnDesk, shop: AskedShop
) -> None:
    desk.mark_returned("1001", by=ANNA)
    shop.asked.clear()
    assert desk.dossier("1001").came_back() == {"cup": 2}
    assert shop.asked == []


def test_the_dossier_of_an_order_that_nobody_has_seen_is_empty_if_the_shop_has_it(
    desk: ReturnDesk, shop: AskedShop
) -> None:
    assert desk.dossier("1001").version == 0
    assert shop.asked == ["1001"]
    with pytest.raises(UnknownOrder):
        desk.dossier("1002")


def test_a_dossier_has_the_order_as_it_was_last_seen(desk: ReturnDesk, shop: AskedShop) -> None:
    was = shop.orders["1001"]
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="first")
    shop.orders["1001"] = an_order(a_line("cup", 3))
    assert desk.dossier("1001").order == was.without_personal_data()
    desk.mark_returned("1001", {"cup": 1}, by=ANNA, request_id="second")
    assert desk.dossier("1001").order == shop.orders["1001"].without_personal_data()


@pytest.mark.parametrize("trouble", [None, ConnectionError("the shop is down")], ids=["gone", "down"])
def test_a_dossier_is_read_while_the_shop_is_down_or_has_the_order_no_more(
    desk: ReturnDesk, shop: AskedShop, trouble: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.mark_returned("1001", by=ANNA)

    def no_order(_: str) -> None:
        if trouble is not None:
            raise trouble

    monkeypatch.setattr(shop, "order", no_order)
    assert desk.dossier("1001").came_back() == {"cup": 2}
