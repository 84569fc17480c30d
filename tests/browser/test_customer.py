"""A customer in a browser, without an account: he announces a return, gets a label, and follows his parcel."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from sqlalchemy import select

from retour import GoodsState, reading
from webshop import tables

if TYPE_CHECKING:
    from playwright.sync_api import Browser, BrowserContext, Page

pytestmark = pytest.mark.browser

OpenPage = Callable[..., "Page"]
Picture = Callable[["Page", str], None]

TOO_WIDE = """() => [...document.querySelectorAll('html, body, body *')]
  .filter(one => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1)
  .filter(one => one === document.documentElement || getComputedStyle(one).overflowX !== 'visible')
  .map(one => one.tagName + '.' + one.className)"""
"""What does not fit: the page itself, or an element that hides what is beyond its edge."""


@pytest.fixture
def customer_page(chromium: Browser, served: Any) -> Iterator[OpenPage]:
    """The page of an order for its customer, who said whose it is: ``customer_page("1026")``. A page that breaks its
    content security policy, or on which a script fails, fails the test."""
    contexts: list[BrowserContext] = []
    problems: list[str] = []

    def open_(order_id: str, *, language: str = "nl-NL", width: int = 1280, scripts: bool = True) -> Page:
        context = chromium.new_context(
            base_url=served.address,
            locale=language,
            viewport={"width": width, "height": 900},
            java_script_enabled=scripts,
        )
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: problems.append(str(error)))
        page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
        page.goto("/return")
        page.locator("#order").fill(order_id)
        page.locator("#email").fill(f"klant-{order_id}@voorbeeld.example")
        page.keyboard.press("Enter")
        page.wait_for_url("**/return/order")
        return page

    yield open_
    for context in contexts:
        context.close()
    assert problems == []


@pytest.fixture
def order_id(served: Any) -> str:
    """The newest order of two products that went out and of which nothing came back yet."""
    with reading(served.shop.engine) as connection:
        newest = select(tables.order.c.id).order_by(tables.order.c.placed_at.desc())
        for order_id in connection.execute(newest).scalars():
            order = served.shop.port.order(order_id)
            if len(order.goods) == 2 and order.goods[0].fulfilled and not served.shop.desk.dossier(order_id).returns:
                return str(order_id)
    raise AssertionError("no order is left")


def announce(page: Page, picture: Picture | None = None) -> None:
    """One unit of the first product, by the keyboard alone."""
    page.get_by_role("link", name="Iets terugsturen").press("Enter")
    page.get_by_label(re.compile("Hoeveel van je")).first.focus()
    page.keyboard.type("1")
    page.keyboard.press("Tab")
    page.keyboard.type("Anders dan verwacht")
    if picture is not None:
        picture(page, "klant-2-aanmelden")
    page.get_by_role("button", name="Retour aanmelden").press("Enter")
    page.wait_for_url("**/return/rt*")


def test_from_an_order_number_to_a_parcel_that_is_followed(
    customer_page: OpenPage, served: Any, order_id: str, picture: Picture
) -> None:
    from playwright.sync_api import expect

    page = customer_page(order_id)
    picture(page, "klant-1-bestelling")
    announce(page, picture)
    expect(page.get_by_role("status").first).to_contain_text("Je retour is goedgekeurd")
    picture(page, "klant-3-versturen")
    page.get_by_role("link", name="Kies een label").click()
    page.get_by_label(re.compile("met een label|Met een label dat je zelf print")).check()
    picture(page, "klant-4-label")
    page.get_by_role("button", name="Maak het label").dblclick()
    page.wait_for_url("**/return/rt*")
    sendcloud = served.sandboxes.running["sendcloud"]
    sendcloud.advance(datetime.timedelta(minutes=2))
    document = page.get_by_role("link", name="Download het label (pdf)")
    expect(document).to_be_visible(timeout=30_000)  # nobody presses anything
    picture(page, "klant-5-klaar")
    with page.expect_download() as download:
        document.click()
    assert download.value.suggested_filename.endswith(".pdf")
    [booked] = sendcloud.books(order_id)
    sendcloud.scan(booked.reference)
    page.locator("h1").click()  # nothing is replaced while somebody is at it
    expect(page.locator(".state").first).to_have_text("onderweg", timeout=30_000)
    expect(page.get_by_role("link", name=re.compile("Volg het pakket")).first).to_be_visible()
    picture(page, "klant-6-volgen")
    [return_] = served.shop.desk.dossier(order_id).returns.values()
    assert return_.goods is GoodsState.IN_TRANSIT
    assert len(served.shop.desk.dossier(order_id).labels) == 1


def test_back_and_reload_announce_nothing_twice(customer_page: OpenPage, served: Any, order_id: str) -> None:
    from playwright.sync_api import expect

    page = customer_page(order_id)
    announce(page)
    page.reload()
    page.go_back()
    page.reload()  # whether the browser kept it or not
    expect(page.get_by_text("is er al zo een opgeslagen")).to_be_visible()
    expect(page.get_by_role("button", name="Retour aanmelden")).to_have_count(0)
    assert len(served.shop.desk.dossier(order_id).returns) == 1


def test_it_works_without_scripts(customer_page: OpenPage, served: Any, order_id: str) -> None:
    page = customer_page(order_id, scripts=False)
    announce(page)
    page.get_by_text("Zelf versturen").click()
    page.get_by_label("Vervoerder").fill("PostNL")
    page.get_by_label(re.compile("Track-en-tracecode")).fill("3SABC123")
    page.get_by_role("button", name="Ik heb het verstuurd").click()
    assert "je pakket is onderweg" in page.inner_text("main")
    page.get_by_text("Deze retour annuleren").click()
    page.get_by_role("button", name="Retour annuleren").click()
    [return_] = served.shop.desk.dossier(order_id).returns.values()
    assert (return_.goods, return_.tracking) == (GoodsState.CANCELLED, "3SABC123")


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["nl-NL", "en-GB"])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    customer_page: OpenPage, served: Any, order_id: str, picture: Picture, width: int, language: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    def look(name: str) -> None:
        for details in page.locator("main details").all():
            details.evaluate("one => one.open = true")
        picture(page, f"klant-{name}-{language}-{width}")
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, (name, found.generate_report())
        assert page.evaluate(TOO_WIDE) == [], name

    page = customer_page(order_id, language=language, width=width)
    look("bestelling")
    for path in ("/return", "/return/new"):
        page.goto(path)
        look(path.rpartition("/")[2])
    page.get_by_role("combobox").first.select_option("1")
    page.locator("main form button").click()
    page.wait_for_url("**/return/rt*")
    shown = page.url
    look("retour")
    page.goto(f"{shown}/label")
    look("label-kiezen")
    page.get_by_role("radio").last.check()
    page.locator("main form button").click()
    page.wait_for_url(shown)
    served.sandboxes.running["sendcloud"].advance(datetime.timedelta(minutes=2))
    served.shop.desk.reconcile_labels(order_id)
    page.goto(shown)
    page.locator("img.qr").wait_for()
    look("code")
    page.goto("/return")
    page.locator("#order").fill(order_id)
    page.locator("#email").fill("iemand@voorbeeld.example")
    page.keyboard.press("Enter")
    page.locator(".problem").wait_for()
    look("onbekend")
