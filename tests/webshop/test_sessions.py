"""Who is let in is so for a time, and can be put out from elsewhere: the merchant by logging out everywhere and by
another password, a customer by saying that he is done."""

from __future__ import annotations

import datetime

import pytest
from customer_browser import say_who
from flask import Flask
from scriptless_browser import ShopBrowser
from sqlalchemy import func, select, update

from retour import reading
from webshop import create_app, customer_session, login, tables
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes

PASSWORD = "open sesame"


def is_in(browser: ShopBrowser) -> bool:
    return not browser.get("/orders").path.startswith("/login")


def time_passes(shop: RunningShop, how_long: datetime.timedelta) -> None:
    """As for the sessions: what began then began so much earlier."""
    rows = tables.session
    with shop.engine.begin() as connection:
        for row in connection.execute(select(rows)).all():
            earlier = {"begun_at": row.begun_at - how_long, "until": row.until - how_long}
            connection.execute(update(rows).where(rows.c.id == row.id).values(earlier))


def kept(shop: RunningShop) -> int:
    with reading(shop.engine) as connection:
        return int(connection.execute(select(func.count()).select_from(tables.session)).scalar_one())


@pytest.fixture
def elsewhere(app: Flask) -> ShopBrowser:
    """Another browser in which the merchant is logged in."""
    browser = ShopBrowser(app)
    browser.log_in(PASSWORD)
    return browser


def test_logging_out_everywhere_ends_every_browser_of_the_merchant_and_no_customers(
    app: Flask, merchant: ShopBrowser, elsewhere: ShopBrowser
) -> None:
    customer = ShopBrowser(app)
    say_who(customer, "1002")
    page = merchant.get("/settings")
    assert page.words.count("uiterlijk tot") == 2
    page = merchant.send(page.form("/logout/everywhere"))
    assert "Je bent overal uitgelogd." in page.words
    assert not is_in(merchant)
    assert not is_in(elsewhere)
    assert customer.get("/return/order").path == "/return/order"
    merchant.log_in(PASSWORD)
    assert is_in(merchant)


def test_logging_out_ends_this_browser_alone_and_a_copy_of_its_cookie_with_it(
    app: Flask, merchant: ShopBrowser, elsewhere: ShopBrowser
) -> None:
    cookie = merchant.client.get_cookie("session")
    assert cookie is not None
    copied = ShopBrowser(app)
    copied.client.set_cookie("session", cookie.value)
    assert is_in(copied)
    merchant.send(merchant.get("/orders").form("/logout"))
    assert not is_in(copied)
    assert is_in(elsewhere)


def test_a_form_that_is_sent_after_it_changes_nothing(merchant: ShopBrowser, shop: RunningShop) -> None:
    cookie = merchant.client.get_cookie("session")
    form = merchant.get("/orders/1001").form("/status")
    assert cookie is not None
    merchant.send(merchant.get("/orders").form("/logout"))
    merchant.client.set_cookie("session", cookie.value)
    assert merchant.send(form, status="returned").path.startswith("/login")
    assert not shop.desk.dossier("1001").returns


def test_another_password_ends_the_sessions_of_the_one_before(
    database: str, merchant: ShopBrowser, sandboxes: Sandboxes
) -> None:
    cookie = merchant.client.get_cookie("session")
    assert cookie is not None
    for password, still_in in ((PASSWORD, True), ("another one", False)):
        app = create_app(
            database, password=password, secret_key="only of this test", settings=sandboxes.settings, https=False
        )
        browser = ShopBrowser(app)
        browser.client.set_cookie("session", cookie.value)
        assert is_in(browser) is still_in
        app.extensions["webshop"].engine.dispose()


def test_a_login_ends_after_half_a_day_however_much_it_was_used(merchant: ShopBrowser, shop: RunningShop) -> None:
    time_passes(shop, login.LASTS - datetime.timedelta(minutes=5))
    assert is_in(merchant)
    time_passes(shop, datetime.timedelta(minutes=5))
    assert not is_in(merchant)
    assert "Direct naar de inhoud" in merchant.get("/login").words
    assert not merchant.get("/login").has_form("/logout")


def test_what_has_ended_is_not_kept(app: Flask, merchant: ShopBrowser, shop: RunningShop) -> None:
    for order_id in ("1001", "1002", "1003"):
        say_who(ShopBrowser(app), order_id)
    assert kept(shop) == 4
    time_passes(shop, customer_session.LASTS)
    say_who(ShopBrowser(app), "1002")
    assert kept(shop) == 2  # the merchant's, which lasts longer, and the newest
    merchant.log_in(PASSWORD)  # once more in the same browser
    assert kept(shop) == 2


def test_a_copy_of_a_customers_cookie_is_worth_nothing_once_he_is_done(app: Flask) -> None:
    browser, copied = ShopBrowser(app), ShopBrowser(app)
    say_who(browser, "1002")
    cookie = browser.client.get_cookie("session")
    assert cookie is not None
    browser.send(browser.get("/return/order").form("/return/leave"))
    copied.client.set_cookie("session", cookie.value)
    assert copied.get("/return/order").path == "/return"


def test_the_key_of_a_session_is_not_in_the_database_and_a_customers_is_no_merchants(
    app: Flask, merchant: ShopBrowser, shop: RunningShop
) -> None:
    customer = ShopBrowser(app)
    say_who(customer, "1002")
    with merchant.client.session_transaction() as session:
        key = session["staff"]
    with customer.client.session_transaction() as session:
        session["staff"] = session["customer"]
    with reading(shop.engine) as connection:
        rows = [str(row) for row in connection.execute(select(tables.session))]
    assert len(rows) == 2
    assert not [row for row in rows if key in row]
    assert not is_in(customer)
