"""The list of orders: what is found, and what it costs."""

from __future__ import annotations

from page_queries import queries_of
from scriptless_browser import ShopBrowser

from webshop import tables
from webshop.running import RunningShop
from webshop.seed import fill

EVERY = [str(number) for number in range(1014, 1000, -1)]

FOUND = {
    "search=1003": ["1003"],
    "search=klant 1004": ["1004"],
    "search=KLANT-1004@": ["1004"],
    "search=%25": [],
    "search=_": [],
    "search=%00": EVERY,
    "status=picked_up": ["1010", "1004"],
    "status=picked_up&search=1004": ["1004"],
    "from=2999-01-01": [],
    "to=1999-01-01": [],
    "from=1999-01-01&to=2999-01-01": EVERY,
    "status=nothing&from=x&page=y": EVERY,
    "page=99": EVERY,
    "page=-1": EVERY,
}
"""What an address of the list shows, the newest order first."""


def test_orders_are_found_by_what_is_typed_a_status_and_a_period(merchant: ShopBrowser) -> None:
    for asked, found in FOUND.items():
        links = [given.get("href", "") for _, given in merchant.get(f"/orders?{asked}").elements]
        assert [link.rpartition("/")[2] for link in links if "/orders/1" in link] == found, asked


def test_an_order_is_found_by_its_payment(merchant: ShopBrowser, shop: RunningShop) -> None:
    order = shop.port.order("1003")
    assert order is not None
    page = merchant.get(f"/orders?search={order.payments[0].reference}")
    assert "1 bestelling " in page.words
    assert "/orders/1003" in page.html


def test_the_list_makes_as_many_queries_for_many_orders_as_for_few(merchant: ShopBrowser, shop: RunningShop) -> None:
    merchant.get("/orders")
    few = queries_of(merchant, shop, "/orders")
    with shop.engine.begin() as connection:
        for table in (tables.payment, tables.order_line, tables.order, tables.customer, tables.product):
            connection.execute(table.delete())
    fill(shop.engine, lambda provider, amount: f"{provider}-{amount}", orders=300)
    assert queries_of(merchant, shop, "/orders") == queries_of(merchant, shop, "/orders?page=2") == few
    assert "300 bestellingen" in merchant.get("/orders").words


def test_who_did_something_is_called_in_the_language_of_the_page(merchant: ShopBrowser) -> None:
    page = merchant.get("/orders/1004")
    assert "· Bankoverschrijving" in page.words
    assert "Bank transfer" not in page.words
