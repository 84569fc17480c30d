"""The goods: setting an order to Returned, the question about the stock, and counting per product."""

from __future__ import annotations

import pytest
from scriptless_browser import Page, ShopBrowser
from sqlalchemy import select

from retour import Order, OrderStatus, StockState, hookimpl, reading
from webshop import create_app, tables
from webshop.application import PLUGINS
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes
from webshop.seed import fill


def stock(shop: RunningShop, order_id: str) -> list[int]:
    """What is in stock of each line's product, less what the shop began with."""
    lines = select(tables.product.c.stock).join(tables.order_line).where(tables.order_line.c.order_id == order_id)
    with reading(shop.engine) as connection:
        return [units - 20 for units in connection.execute(lines.order_by(tables.order_line.c.id)).scalars()]


def units(shop: RunningShop, order_id: str) -> list[int]:
    order = shop.port.order(order_id)
    assert order is not None
    return [line.ordered for line in order.lines]


def status(shop: RunningShop, order_id: str) -> str:
    with reading(shop.engine) as connection:
        return str(connection.execute(select(tables.order.c.status).filter_by(id=order_id)).scalar_one())


def set_to(merchant: ShopBrowser, order_id: str, wanted: str) -> Page:
    return merchant.send(merchant.get(f"/orders/{order_id}").form("/status"), status=wanted)


def test_an_order_of_one_product_is_restocked_at_once_and_says_so(merchant: ShopBrowser, shop: RunningShop) -> None:
    [count] = units(shop, "1001")
    page = set_to(merchant, "1001", "returned")
    assert page.path == "/orders/1001"
    assert f"De retour is opgeslagen. {count} stuk" in page.words
    assert "terug op voorraad" in page.words
    assert stock(shop, "1001") == [count]
    assert status(shop, "1001") == "returned"


def test_saving_returned_twice_restocks_once(merchant: ShopBrowser, shop: RunningShop) -> None:
    form = merchant.get("/orders/1001").form("/status")
    first, again = (merchant.send(form, status="returned") for _ in range(2))
    later = set_to(merchant, "1001", "returned")
    assert first.status == again.status == later.status == 200
    assert "Er is niets veranderd" in again.words
    assert "Er is niets veranderd" in later.words
    assert stock(shop, "1001") == units(shop, "1001")
    assert len(shop.desk.dossier("1001").returns) == 1


def test_an_order_of_several_products_asks_with_a_dialog(merchant: ShopBrowser, shop: RunningShop) -> None:
    page = set_to(merchant, "1002", "returned")
    assert page.path.startswith("/orders/1002/stock/")
    assert ("dialog", "question") in [(tag, given.get("id")) for tag, given in page.elements]
    assert "Alles terugboeken naar de voorraad?" in page.words
    assert status(shop, "1002") == "returned"  # the status is saved, whatever the answer
    assert stock(shop, "1002") == [0, 0]


def test_ok_puts_everything_back(merchant: ShopBrowser, shop: RunningShop) -> None:
    form = set_to(merchant, "1002", "returned").form(shop_path(shop, "1002"))
    page = merchant.send(form, ("answer", "ok"))
    assert f"{sum(units(shop, '1002'))} stuks zijn terug op voorraad" in page.words
    assert stock(shop, "1002") == units(shop, "1002")


def test_cancel_books_nothing_and_lists_what_to_book_by_hand(merchant: ShopBrowser, shop: RunningShop) -> None:
    form = set_to(merchant, "1002", "returned").form(shop_path(shop, "1002"))
    page = merchant.send(form, ("answer", "cancel"))
    assert f"Boek {sum(units(shop, '1002'))} stuks zelf terug" in page.words
    assert "Boek deze zelf terug op voorraad:" in page.words
    assert stock(shop, "1002") == [0, 0]
    assert status(shop, "1002") == "returned"


@pytest.mark.parametrize("second", ["ok", "cancel"])
def test_the_first_answer_stands_whatever_another_tab_says(
    merchant: ShopBrowser, shop: RunningShop, second: str
) -> None:
    form = set_to(merchant, "1002", "returned").form(shop_path(shop, "1002"))
    merchant.send(form, ("answer", "ok"))
    page = merchant.send(form, ("answer", second))
    assert "De vraag over de voorraad was al beantwoord" in page.words
    assert stock(shop, "1002") == units(shop, "1002")


def test_per_product_some_go_back_and_others_are_damaged_or_not_there(merchant: ShopBrowser, shop: RunningShop) -> None:
    first, second = units(shop, "1002")
    form = set_to(merchant, "1002", "returned").form(shop_path(shop, "1002"))
    typed = {"stock-line-1": str(first), "stock-line-2": "0", "damaged-line-2": "1"}
    page = merchant.send(form, ("answer", "per_product"), **typed)
    assert page.path == "/orders/1002"
    assert stock(shop, "1002") == [first, 0]
    [return_] = shop.desk.dossier("1002").returns.values()
    assert (return_.counted["line-2"].damaged, return_.counted["line-2"].sellable) == (1, second - 1)
    assert return_.by_hand == ({"line-2": second - 1} if second > 1 else {})


class Heard:
    """Hears what the status of an order becomes."""

    name = "heard"

    def __init__(self) -> None:
        self.statuses: list[OrderStatus] = []

    @hookimpl
    def on_order_status_changed(self, order: Order, status: OrderStatus) -> None:
        self.statuses.append(status)


def test_what_follows_from_a_count_that_is_corrected_per_product_does_not_wait_for_the_worker(
    database: str, sandboxes: Sandboxes
) -> None:
    heard = Heard()
    app = create_app(
        database,
        password="open sesame",
        secret_key="only of this test",
        settings=sandboxes.settings,
        plugins=[*PLUGINS, heard],
        sandboxes=sandboxes,
        https=False,
    )
    shop: RunningShop = app.extensions["webshop"]
    fill(shop.engine, sandboxes.pay, orders=3)
    merchant = ShopBrowser(app)
    merchant.log_in("open sesame")
    first = units(shop, "1002")[0]
    form = set_to(merchant, "1002", "returned").form(shop_path(shop, "1002"))
    typed = {"stock-line-1": str(first), "stock-line-2": "0", "missing-line-2": "1"}
    merchant.send(form, ("answer", "per_product"), **typed)
    assert heard.statuses == [OrderStatus.RETURNED, OrderStatus.PARTLY_RETURNED]
    assert shop.desk.work().done == 0
    with shop.engine.begin() as connection:
        for table in reversed(tables.metadata.sorted_tables):
            connection.execute(table.delete())
    shop.engine.dispose()


def test_a_missing_unit_makes_it_a_part_of_the_order(merchant: ShopBrowser, shop: RunningShop) -> None:
    first, _ = units(shop, "1002")
    form = set_to(merchant, "1002", "returned").form(shop_path(shop, "1002"))
    merchant.send(form, ("answer", "per_product"), **{"stock-line-1": str(first - 1), "missing-line-1": "1"})
    assert status(shop, "1002") == "partly_returned"


def test_per_product_nothing_goes_back_where_all_is_damaged_or_not_there(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    first, second = units(shop, "1002")
    form = set_to(merchant, "1002", "returned").form(shop_path(shop, "1002"))
    typed = {"stock-line-1": "0", "stock-line-2": "0", "damaged-line-1": str(first), "missing-line-2": str(second)}
    page = merchant.send(form, ("answer", "per_product"), **typed)
    assert (page.status, page.path) == (200, "/orders/1002")
    [return_] = shop.desk.dossier("1002").returns.values()
    assert (return_.question_open, return_.by_hand, stock(shop, "1002")) == (False, {}, [0, 0])
    assert status(shop, "1002") == "partly_returned"


def test_more_units_than_wait_are_refused_and_the_form_keeps_what_was_typed(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    first, _ = units(shop, "1002")
    form = set_to(merchant, "1002", "returned").form(shop_path(shop, "1002"))
    page = merchant.send(form, ("answer", "per_product"), **{"damaged-line-1": str(first), "stock-line-2": "1"})
    assert page.status == 422
    assert f"Van dit product wachten {first} stuks" in page.words
    assert page.form(shop_path(shop, "1002")).fields["damaged-line-1"] == str(first)
    assert shop.desk.dossier("1002").returns[page.path.rpartition("/")[2]].stock is StockState.UNDECIDED


def test_part_of_an_order_is_counted_and_the_rest_later(merchant: ShopBrowser, shop: RunningShop) -> None:
    form = merchant.get("/orders/1002/count").form("/count")
    asked = merchant.send(form, **{"sellable-line-1": "1"})
    assert asked.path.startswith("/orders/1002/stock/")
    assert status(shop, "1002") == "partly_returned"
    merchant.send(asked.form(shop_path(shop, "1002")), ("answer", "ok"))
    assert stock(shop, "1002") == [1, 0]
    again = merchant.send(form, **{"sellable-line-1": "1"})
    assert "Er is niets veranderd" in again.words or again.path == "/orders/1002"
    assert stock(shop, "1002") == [1, 0]
    set_to(merchant, "1002", "returned")
    assert status(shop, "1002") == "returned"


def test_a_count_of_nothing_is_told(merchant: ShopBrowser) -> None:
    page = merchant.send(merchant.get("/orders/1002/count").form("/count"))
    assert page.status == 422
    assert "Tel minstens één stuk" in page.words


def test_a_status_that_somebody_else_changed_is_not_overwritten(merchant: ShopBrowser, shop: RunningShop) -> None:
    form = merchant.get("/orders/1001").form("/status")
    set_to(merchant, "1001", "picked_up")
    page = merchant.send(form, status="canceled")
    assert page.status == 422
    assert "De status is intussen veranderd in “Afgehaald”" in page.words
    assert status(shop, "1001") == "picked_up"


def test_an_order_that_was_never_sent_cannot_come_back(merchant: ShopBrowser, shop: RunningShop) -> None:
    set_to(merchant, "1005", "returned")
    assert status(shop, "1005") != "returned"
    assert stock(shop, "1005") == [0, 0]


def shop_path(shop: RunningShop, order_id: str) -> str:
    """Where the question about the stock of an order's only return is answered."""
    [return_] = shop.desk.dossier(order_id).returns
    return f"/orders/{order_id}/stock/{return_}"


def test_a_note_is_kept_with_returned(merchant: ShopBrowser, shop: RunningShop) -> None:
    form = merchant.get("/orders/1001").form("/status")
    merchant.send(form, status="returned", note="Zonder doos")
    assert "Zonder doos" in [one.note for one in shop.desk.timeline("1001")]
    assert "Zonder doos" in merchant.get("/orders/1001").words


@pytest.mark.parametrize("order_id", ["1001", "1002"])
def test_returned_and_refunded_is_one_press_that_counts_once(
    merchant: ShopBrowser, shop: RunningShop, order_id: str
) -> None:
    form = merchant.get(f"/orders/{order_id}").form("/refunds")
    pages = [merchant.send(form, ("way", "return"), amount="5,00") for _ in range(2)]
    assert [page.status for page in pages] == [200, 200]
    assert status(shop, order_id) == "returned"
    assert len(shop.desk.dossier(order_id).returns) == len(shop.desk.dossier(order_id).refunds) == 1
    asks = len(units(shop, order_id)) > 1
    assert pages[0].path.startswith(f"/orders/{order_id}/stock/") is asks
    assert stock(shop, order_id) == ([0, 0] if asks else units(shop, order_id))
    assert not [one for one in merchant.get(f"/orders/{order_id}").forms if ("way", "return") in one.buttons]


def test_what_cannot_be_refunded_leaves_the_goods_and_the_status_as_they_were(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    page = merchant.send(merchant.get("/orders/1001").form("/refunds"), ("way", "return"), amount="9999")
    assert page.status == 409
    assert status(shop, "1001") != "returned"
    assert not shop.desk.dossier("1001").returns
    assert stock(shop, "1001") == [0]
