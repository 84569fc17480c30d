"""A count that was wrong is put right on the page of its order: the stock and the status follow."""

from __future__ import annotations

import pytest
from scriptless_browser import Page, ShopBrowser
from sqlalchemy import select

from retour import Actor, Counted, reading
from webshop import tables
from webshop.running import RunningShop

ANNA = Actor.staff("anna")


def counted_page(merchant: ShopBrowser, shop: RunningShop, order_id: str) -> Page:
    """The page on which the only count of an order is put right, by the link on the order's page."""
    [return_] = shop.desk.dossier(order_id).returns.values()
    [receipt_id] = return_.receipts
    here = f"/orders/{order_id}/receipts/{receipt_id}"
    assert here in merchant.get(f"/orders/{order_id}").html
    return merchant.get(here)


def status_and_stock(shop: RunningShop, order_id: str) -> tuple[str, int]:
    """An order's status, and what of its first product is in stock beyond what the shop began with."""
    line = tables.order_line.c
    stock = select(tables.product.c.stock).join(tables.order_line).where(line.order_id == order_id, line.id == "line-1")
    with reading(shop.engine) as connection:
        status = connection.execute(select(tables.order.c.status).filter_by(id=order_id)).scalar_one()
        return str(status), connection.execute(stock).scalar_one() - 20


def test_what_was_counted_stands_in_the_form_and_saving_it_changes_nothing(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    shop.desk.mark_returned("1001", by=ANNA)
    before = shop.desk.dossier("1001").version
    [return_] = shop.desk.dossier("1001").returns.values()
    page = counted_page(merchant, shop, "1001")
    form = page.form(page.path)
    assert form.fields["sellable-line-1"] == str(return_.counted["line-1"].sellable)
    assert "Er is niets veranderd" in merchant.send(form).words
    assert shop.desk.dossier("1001").version == before


def test_a_unit_that_was_not_there_after_all_leaves_the_stock_and_the_order_is_not_back(
    merchant: ShopBrowser, shop: RunningShop
) -> None:
    form = merchant.get("/orders/1001").form("/status")
    merchant.send(form, status="returned")
    [return_] = shop.desk.dossier("1001").returns.values()
    units = return_.counted["line-1"].sellable
    assert status_and_stock(shop, "1001") == ("returned", units)
    page = counted_page(merchant, shop, "1001")
    typed = {"sellable-line-1": "0", "missing-line-1": str(units), "note": "Doos was leeg"}
    sent = merchant.send(page.form(page.path), **typed)
    assert sent.path == "/orders/1001"
    assert status_and_stock(shop, "1001") == ("shipped", 0)
    assert "Doos was leeg" in [one.note for one in shop.desk.timeline("1001")]
    again = merchant.send(page.form(page.path), **typed)  # the same form once more
    assert (again.status, again.path) == (200, "/orders/1001")
    assert "Er is niets veranderd" in again.words


def test_a_product_that_was_not_counted_can_be_added(merchant: ShopBrowser, shop: RunningShop) -> None:
    shop.desk.mark_returned("1002", [Counted(line_id="line-1", sellable=1)], by=ANNA, request_id="f" * 32)
    page = counted_page(merchant, shop, "1002")
    merchant.send(page.form(page.path), **{"damaged-line-2": "1"})
    [return_] = shop.desk.dossier("1002").returns.values()
    assert return_.counted["line-2"].damaged == 1


def test_what_no_form_asks_for_stays_as_it_was(merchant: ShopBrowser, shop: RunningShop) -> None:
    first = Counted(line_id="line-1", to_inspect=1)
    shop.desk.mark_returned("1002", [first], by=ANNA, request_id="f" * 32)
    page = counted_page(merchant, shop, "1002")
    merchant.send(page.form(page.path), **{"damaged-line-2": "1"})
    [return_] = shop.desk.dossier("1002").returns.values()
    assert return_.counted["line-1"] == first


def test_a_count_that_somebody_put_right_meanwhile_is_not_overwritten(merchant: ShopBrowser, shop: RunningShop) -> None:
    shop.desk.mark_returned("1001", by=ANNA)
    page = counted_page(merchant, shop, "1001")
    [return_] = shop.desk.dossier("1001").returns.values()
    [receipt] = return_.receipts
    count = Counted(line_id="line-1", damaged=return_.counted["line-1"].sellable)
    shop.desk.correct_receipt("1001", receipt, [count], by=Actor.staff("bert"))
    version = shop.desk.dossier("1001").version
    sent = merchant.send(page.form(page.path), **{"sellable-line-1": "0", "missing-line-1": "1"})
    assert sent.status == 422
    assert "intussen gecorrigeerd" in sent.words
    assert shop.desk.dossier("1001").version == version


@pytest.mark.parametrize(("typed", "status"), [("-1", 422), ("x", 422), ("999", 409)])
def test_what_cannot_have_been_in_it_is_told_and_stays_in_the_form(
    merchant: ShopBrowser, shop: RunningShop, typed: str, status: int
) -> None:
    shop.desk.mark_returned("1001", by=ANNA)
    page = counted_page(merchant, shop, "1001")
    sent = merchant.send(page.form(page.path), **{"sellable-line-1": typed})
    assert sent.status == status
    assert sent.form(page.path).fields["sellable-line-1"] == typed


def test_a_count_of_no_order_of_this_shop_is_no_page(merchant: ShopBrowser, shop: RunningShop) -> None:
    shop.desk.mark_returned("1001", by=ANNA)
    path = counted_page(merchant, shop, "1001").path
    assert merchant.get(path.replace("1001", "1003")).status == 404
    assert merchant.get("/orders/1001/receipts/rc_none").status == 404
