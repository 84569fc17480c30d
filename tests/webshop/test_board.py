"""The board of returns: its columns and their counts, its filters, and what it costs."""

from __future__ import annotations

import datetime

import pytest
from page_queries import queries_of
from scriptless_browser import ShopBrowser
from sqlalchemy import select, update

from retour import Actor, RequestedLine
from webshop import tables
from webshop.running import RunningShop

ANNA = Actor.staff("anna")
TODAY = datetime.datetime.now(datetime.UTC).date().isoformat()


def ask(shop: RunningShop, order_id: str, reason: str = "too_small") -> str:
    """Staff announces for the customer that a unit comes back; gives the return."""
    line = RequestedLine(line_id="line-1", quantity=1, reason=reason)
    return str(shop.desk.request_return(order_id, [line], by=ANNA, request_id=order_id * 8).return_id)


def orders_on(merchant: ShopBrowser, address: str) -> list[str]:
    """The orders that a page of the board names, in its order."""
    links = [given.get("href", "") for tag, given in merchant.get(address).elements if tag == "a"]
    return [link.rpartition("/")[2] for link in links if link.startswith("/orders/1")]


def headings(merchant: ShopBrowser, address: str) -> list[str]:
    return [
        given["id"].removeprefix("column-")
        for tag, given in merchant.get(address).elements
        if tag == "h2" and given.get("id", "").startswith("column-")
    ]


def test_an_empty_board_says_so_and_how_to_see_what_has_ended(merchant: ShopBrowser, shop: RunningShop) -> None:
    assert "Er wacht geen retour" in merchant.get("/returns").words
    shop.desk.mark_returned("1001", by=ANNA)
    assert "Er wacht geen retour" in merchant.get("/returns").words
    assert orders_on(merchant, f"/returns?from={TODAY}&track=goods") == ["1001"]


def test_each_return_is_in_the_column_of_its_state_on_each_track(merchant: ShopBrowser, shop: RunningShop) -> None:
    ask(shop, "1001")
    shop.desk.mark_returned("1002", by=ANNA)
    assert headings(merchant, "/returns") == ["goods", "answer"]
    assert orders_on(merchant, "/returns") == ["1001", "1002"]
    assert headings(merchant, "/returns?track=goods") == ["approved", "received"]
    assert headings(merchant, "/returns?track=stock") == ["nothing", "undecided"]
    assert "Wacht op een antwoord over de voorraad · sinds" in merchant.get("/returns?track=goods").words
    page = merchant.get("/returns")
    assert "Klant 1001" in page.words
    assert "1 × " in page.words
    assert "Te klein" in page.words or "te klein" in page.words


def test_returns_are_found_by_reason_period_and_what_is_typed(merchant: ShopBrowser, shop: RunningShop) -> None:
    first, second = ask(shop, "1001"), ask(shop, "1004", "does_not_work")
    [row] = shop.desk.list_returns(order_id="1001").returns
    found = {
        "reason=too_small": ["1001"],
        "reason=does_not_work": ["1004"],
        "search=1004": ["1004"],
        f"search={row.number}": ["1001"],
        f"search={second}": ["1004"],
        f"from={TODAY}": ["1001", "1004"],
        "to=1999-01-01": [],
        "from=2999-01-01": [],
        "from=x&to=y&track=z&column=q&search=%00": ["1001", "1004"],
        "column=goods": ["1001", "1004"],
        f"column=goods&search={first}": ["1001"],
        "track=goods&column=approved": ["1001", "1004"],
        "track=goods&column=rejected": [],
    }
    for asked, orders in found.items():
        assert orders_on(merchant, f"/returns?{asked}") == orders, asked


def call_customers(shop: RunningShop, **names: str) -> None:
    """Let the customers of orders be called so: ``o1001="Vera de Wit"``."""
    with shop.engine.begin() as connection:
        for order_id, name in names.items():
            his = select(tables.order.c.customer_id).where(tables.order.c.id == order_id[1:]).scalar_subquery()
            connection.execute(update(tables.customer).where(tables.customer.c.id == his).values(name=name))


def test_returns_are_found_by_the_name_of_the_customer_also_those_that_have_ended(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    call_customers(shop, o1001="Vera de Wit", o1002="Piet 100% Zwart", o1003="Vera de Wit", o1004="1001")
    for order_id in ("1001", "1002", "1004"):
        ask(shop, order_id)
    shop.desk.mark_returned("1003", by=ANNA)
    found = {
        "search=de+wit": ["1001", "1003"],
        "search=Vera&track=goods": ["1001", "1003"],
        "search=vera&column=goods": ["1001"],
        "search=vera&from=2999-01-01": [],
        "search=100%25": ["1002"],
        "search=ver_": [],
        "search=nobody+is+called+so": [],
        "search=nobody+is+called+so&column=goods": [],
        "search=1001": ["1001"],  # what something is called goes before a name
    }
    for asked, orders in found.items():
        assert sorted(orders_on(merchant, f"/returns?{asked}")) == orders, asked


def test_a_name_that_leads_to_too_many_orders_is_told(
    merchant: ShopBrowser, shop: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    call_customers(shop, o1001="Vera de Wit", o1002="Vera de Wit", o1003="Vera de Wit")
    ask(shop, "1001")
    monkeypatch.setattr("webshop.orders.MOST_NAMED", 3)
    assert orders_on(merchant, "/returns?search=vera") == ["1001"]
    monkeypatch.setattr("webshop.orders.MOST_NAMED", 2)
    page = merchant.get("/returns?search=vera")
    assert page.status == 422
    assert "bestellingen van klanten met deze naam" in page.words


def test_what_cannot_be_searched_for_is_told(merchant: ShopBrowser) -> None:
    page = merchant.get("/returns?reason=no_such_reason")
    assert page.status == 422
    assert [given["role"] for _, given in page.elements if given.get("role") == "alert"] == ["alert"]
    assert merchant.get("/returns?column=goods&after=nonsense").status == 422


def test_a_column_goes_on_page_by_page(
    merchant: ShopBrowser, shop: RunningShop, monkeypatch: pytest.MonkeyPatch
) -> None:
    for order_id in ("1001", "1002", "1003"):
        ask(shop, order_id)
    monkeypatch.setattr("webshop.pages.board.PAGE", 2)
    first = "/returns?column=goods"
    assert orders_on(merchant, first) == ["1001", "1002"]
    [following] = [given["href"] for _, given in merchant.get(first).elements if given.get("rel") == "next"]
    assert orders_on(merchant, following) == ["1003"]


def test_the_board_costs_the_same_however_many_returns_there_are(merchant: ShopBrowser, shop: RunningShop) -> None:
    ask(shop, "1001")
    paths = (
        "/returns",
        "/returns?track=goods",
        "/returns?column=goods",
        f"/returns?from={TODAY}&search=1001",
        "/returns?search=klant+1001",
    )
    for path in paths:
        merchant.get(path)  # the first look of a process finds out that no row is of an older release
    few = [queries_of(merchant, shop, path) for path in paths]
    for order_id in ("1002", "1003", "1004", "1007", "1008", "1009", "1010"):
        ask(shop, order_id)
    assert [queries_of(merchant, shop, path) for path in paths] == few
