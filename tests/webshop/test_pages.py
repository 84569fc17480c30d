"""Every page: who may see it, its headers, its words in both languages, and what is safe in it."""

from __future__ import annotations

import pytest
from flask import Flask
from scriptless_browser import ShopBrowser
from sqlalchemy import update

from webshop import tables
from webshop.running import RunningShop
from webshop.security import HEADERS

pytestmark = pytest.mark.parametrize("database", ["sqlite"], indirect=True)  # it is about the pages alone

PAGES = (
    "/attention",
    "/returns",
    "/returns?column=goods",
    "/labels",
    "/transfers",
    "/figures",
    "/settings",
    "/orders",
    "/orders/1001",
    "/orders/1001/now",
    "/orders/1002/count",
)
PATHS = (*PAGES, "/login", "/nowhere", "/static/shop.css")


@pytest.mark.parametrize("path", PATHS)
def test_every_answer_has_the_headers(merchant: ShopBrowser, path: str) -> None:
    headers = merchant.get(path).headers
    assert {name: headers.get(name) for name in HEADERS} == HEADERS


@pytest.mark.parametrize("path", [*PAGES, "/login"])
@pytest.mark.parametrize("language", ["nl", "en"])
def test_no_page_holds_a_script_a_style_or_a_handler_of_its_own(app: Flask, path: str, language: str) -> None:
    browser = ShopBrowser(app, language)
    browser.log_in("open sesame")
    for tag, given in browser.get(path).elements:
        assert tag != "style"
        assert tag != "script" or given.get("src"), "a script in the page"
        assert not [name for name in given if name.startswith("on") or name == "style"], (tag, given)


@pytest.mark.parametrize("path", PAGES)
def test_nobody_sees_a_page_without_the_password(app: Flask, path: str) -> None:
    assert ShopBrowser(app).get(path).path.startswith("/login")


def test_a_wrong_password_is_refused_and_after_five_the_right_one_too(app: Flask) -> None:
    browser = ShopBrowser(app)
    assert [browser.log_in("wrong").status for _ in range(5)] == [403] * 5
    page = browser.log_in("open sesame")
    assert page.status == 429
    assert "Te vaak een verkeerd wachtwoord" in page.words


def test_after_the_password_the_page_comes_that_was_asked_for_and_no_other_site(app: Flask) -> None:
    browser = ShopBrowser(app)
    page = browser.get("/orders/1001?x=1")
    assert browser.send(page.form("/login"), password="open sesame").path == "/orders/1001?x=1"
    for elsewhere in ("https://evil.example/", "//evil.example/", "/\\evil.example"):
        browser = ShopBrowser(app)
        form = browser.get("/login").form("/login")
        assert browser.send(form, password="open sesame", next=elsewhere).path == "/attention"


@pytest.mark.parametrize(
    "path",
    [
        "/attention",
        "/labels/print",
        "/transfers/batch",
        "/transfers/statement",
        "/settings/check",
        "/orders/1001/status",
        "/orders/1002/count",
        "/orders/1001/refunds",
        "/orders/1001/reconcile",
        "/language",
        "/logout",
        "/login",
    ],
)
def test_a_form_without_the_token_is_refused_and_does_nothing(
    merchant: ShopBrowser, shop: RunningShop, path: str
) -> None:
    answer = merchant.client.post(path, data={"status": "returned", "language": "en"})
    assert answer.status_code == 400
    assert shop.desk.dossier("1001").version == 0
    assert merchant.get("/orders").path == "/orders"  # still logged in


def test_what_somebody_wrote_is_shown_and_never_run(merchant: ShopBrowser, shop: RunningShop) -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(2)>"
    with shop.engine.begin() as connection:
        connection.execute(update(tables.customer).values(name=hostile))
        connection.execute(update(tables.order).values(note=hostile))
        connection.execute(update(tables.order_line).values(name=hostile))
    merchant.send(
        merchant.get("/orders/1002/count").form("/count"), **{"sellable-line-1": "1", "note": hostile, "parcel": "<b>"}
    )
    for path in ("/orders", "/orders/1002", "/orders/1002/now"):
        page = merchant.get(path)
        assert hostile not in page.html
        assert hostile in page.words
        assert [given["src"] for tag, given in page.elements if tag == "script"] in (["/static/shop.js"], [])


def test_a_reader_gets_his_language_and_can_choose_another(app: Flask) -> None:
    browser = ShopBrowser(app, "fr-BE, nl-BE;q=0.8, en;q=0.5")
    assert "Inloggen" in browser.get("/login").words
    browser.log_in("open sesame")
    english = browser.send(browser.get("/orders").form("/language"), ("language", "en"))
    assert "Orders" in english.words
    assert ("html", "en") in [(tag, given.get("lang")) for tag, given in english.elements]


def test_a_webhook_needs_no_token_and_is_not_read_when_it_is_too_large(app: Flask) -> None:
    client = app.test_client()
    assert client.post("/webhooks/stripe/default/test", data=b"{}").status_code == 400
    assert client.post("/webhooks/stripe/default/other", data=b"{}").status_code == 404
    assert client.post("/webhooks/stripe/default/test", data=b"x" * (2**20 + 1)).status_code == 413
