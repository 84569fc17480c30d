"""A return that waits for a decision: the merchant approves it or rejects it, and the customer reads what was said."""

from __future__ import annotations

import datetime

import pytest
from customer_browser import announce, say_who
from flask import Flask
from scriptless_browser import ShopBrowser
from sqlalchemy import update

from retour import GoodsState
from webshop import tables
from webshop.running import RunningShop

LATE = datetime.timedelta(days=90)


@pytest.fixture
def customer(app: Flask, shop: RunningShop) -> ShopBrowser:
    """The customer of order 1002, who announced a return of it long after it came."""
    ordered = datetime.datetime.now(datetime.UTC) - LATE
    with shop.engine.begin() as connection:
        connection.execute(update(tables.order).where(tables.order.c.id == "1002").values(placed_at=ordered))
    browser = ShopBrowser(app)
    say_who(browser, "1002")
    announce(browser)
    return browser


def waits(shop: RunningShop) -> bool:
    return goods(shop) is GoodsState.REQUESTED


def goods(shop: RunningShop) -> GoodsState:
    [return_] = shop.desk.dossier("1002").returns.values()
    return return_.goods


def customers_words(customer: ShopBrowser, shop: RunningShop) -> str:
    [return_id] = shop.desk.dossier("1002").returns
    return customer.get(f"/return/{return_id}").words


def test_the_page_of_the_order_says_what_the_rules_have_against_it(
    merchant: ShopBrowser, customer: ShopBrowser, shop: RunningShop
) -> None:
    page = merchant.get("/orders/1002")
    assert waits(shop)
    assert "30 dagen" in page.words
    assert page.has_form("/approve")
    assert page.has_form("/reject")


def test_it_is_approved_with_what_the_customer_has_to_do_and_by_when(
    merchant: ShopBrowser, customer: ShopBrowser, shop: RunningShop
) -> None:
    day = (datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=14)).date().isoformat()
    form = merchant.get("/orders/1002").form("/approve")
    pages = [merchant.send(form, instructions="Doe de bon erbij.", send_by=day) for _ in range(2)]
    assert "De retour is goedgekeurd." in pages[0].words
    assert not pages[1].has_form("/approve")
    [return_] = shop.desk.dossier("1002").returns.values()
    assert (return_.goods, str(return_.send_by)) == (GoodsState.APPROVED, day)
    assert len([one for one in shop.desk.timeline("1002") if one.code == "return_approved"]) == 1
    assert "Doe de bon erbij." in customers_words(customer, shop)


def test_it_is_rejected_and_the_customer_reads_why(
    merchant: ShopBrowser, customer: ShopBrowser, shop: RunningShop
) -> None:
    form = merchant.get("/orders/1002").form("/reject")
    empty = merchant.send(form, because=" ")
    assert (empty.status, waits(shop)) == (422, True)
    pages = [merchant.send(form, because="De termijn is voorbij.") for _ in range(2)]
    assert [page.status for page in pages] == [200, 200]
    assert "De retour is afgewezen." in pages[0].words
    assert goods(shop) is GoodsState.REJECTED
    assert "De termijn is voorbij." in customers_words(customer, shop)


@pytest.mark.parametrize(("day", "status"), [("morgen", 422), ("2001-01-01", 409)])
def test_a_day_that_cannot_be_is_told_and_what_was_typed_stays(
    merchant: ShopBrowser, customer: ShopBrowser, shop: RunningShop, day: str, status: int
) -> None:
    form = merchant.get("/orders/1002").form("/approve")
    page = merchant.send(form, send_by=day, instructions="Doe de bon erbij.")
    assert (page.status, waits(shop)) == (status, True)
    assert page.form("/approve").fields["instructions"] == "Doe de bon erbij."


def test_a_decision_about_what_the_customer_took_back_meanwhile_is_told(
    merchant: ShopBrowser, customer: ShopBrowser, shop: RunningShop
) -> None:
    form = merchant.get("/orders/1002").form("/reject")
    [return_id] = shop.desk.dossier("1002").returns
    customer.send(customer.get(f"/return/{return_id}").form("/cancel"))
    page = merchant.send(form, because="De termijn is voorbij.")
    assert page.status == 409
    assert goods(shop) is GoodsState.CANCELLED
