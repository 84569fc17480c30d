"""The reference article as a merchant lives it, in Dutch, in a browser: orders, Geretourneerd, the question about the
stock, the payment's link, and the refund that is made at the provider and found by itself."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from retour import Actor

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_the_whole_article_in_dutch(
    open_page: Callable[..., Page], served: Any, picture: Callable[[Page, str], None]
) -> None:
    from playwright.sync_api import expect

    page = open_page("/orders")
    expect(page.get_by_role("heading", name="Bestellingen")).to_be_visible()
    page.get_by_label("Zoeken").fill("1026")
    page.get_by_role("button", name="Zoeken").click()
    picture(page, "1-bestellingen")
    page.get_by_role("link", name="1026").click()

    page.get_by_role("combobox", name="Bestelstatus").select_option("Geretourneerd")
    picture(page, "2-bestelling")
    page.get_by_role("button", name="Opslaan", exact=True).click()

    question = page.get_by_role("dialog", name="Alles terugboeken naar de voorraad?")
    expect(question).to_be_visible()
    expect(question.get_by_role("button", name="OK")).to_be_focused()
    expect(question.get_by_role("button", name="Annuleren")).to_be_visible()
    expect(question.locator("summary", has_text="Kies per product")).to_be_visible()
    picture(page, "3-vraag")
    question.get_by_role("button", name="OK").click()
    expect(page.get_by_role("status").first).to_contain_text("terug op voorraad")
    picture(page, "4-teruggeboekt")

    payment = page.get_by_role("article").filter(has_text="iDEAL")
    mollie = served.sandboxes.payment("mollie")
    link = payment.get_by_role("link", name=re.compile("Betaling tr_"))
    order = served.shop.port.order("1026")
    expect(link).to_have_attribute("href", mollie.dashboard_page(order.payments[0].reference))
    payment.get_by_role("button", name="Ik betaal zelf terug bij Mollie").click()
    waits = page.get_by_role("article").filter(has_text="wacht op je terugbetaling")
    expect(waits).to_be_visible()
    picture(page, "5-wacht-op-mollie")

    [refund] = served.shop.desk.dossier("1026").refunds.values()
    with page.expect_popup() as opened:
        waits.get_by_role("link", name=re.compile("Naar de betaling")).click()
    dashboard = opened.value
    dashboard.locator("#refund-amount").fill(refund.amount.render("nl").lstrip("€").strip())
    dashboard.locator("#refund-amount").press("Enter")
    expect(dashboard.get_by_role("status")).to_contain_text("re_")
    picture(dashboard, "6-bij-mollie")
    dashboard.close()
    mollie.advance(datetime.timedelta(days=2))  # then it has paid, and tells so by webhook
    expect(waits).to_have_count(0, timeout=30_000)  # nobody presses anything
    history = page.get_by_role("region", name="Verloop van de bestelling").get_by_role("listitem")
    expect(history.first).to_contain_text("bestelling geplaatst")
    expect(history.last).to_contain_text("Mollie")
    picture(page, "7-gevonden")
    assert len(served.shop.desk.dossier("1026").refunds) == 1


def test_escape_is_cancel(open_page: Callable[..., Page], served: Any) -> None:
    from playwright.sync_api import expect

    page = open_page("/orders/1026")
    page.get_by_role("combobox", name="Bestelstatus").select_option("Geretourneerd")
    page.get_by_role("button", name="Opslaan", exact=True).press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("status").first).to_contain_text("zelf terug")
    [return_] = served.shop.desk.dossier("1026").returns.values()
    assert not return_.question_open
    assert sum(return_.by_hand.values()) == sum(count.sellable for count in return_.counted.values())


def test_it_works_without_scripts(
    open_page: Callable[..., Page], served: Any, picture: Callable[[Page, str], None]
) -> None:
    page = open_page("/orders/1026", scripts=False)
    page.get_by_role("combobox", name="Bestelstatus").select_option("Geretourneerd")
    page.get_by_role("button", name="Opslaan", exact=True).click()
    picture(page, "vraag-zonder-script")
    page.get_by_role("button", name="OK").click()
    assert "terug op voorraad" in page.inner_text("main")
    assert not [one for one in served.shop.desk.dossier("1026").returns.values() if one.question_open]


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["nl-NL", "en-GB"])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    open_page: Callable[..., Page], served: Any, picture: Callable[[Page, str], None], width: int, language: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page("/orders", language=language, width=width)
    anna = Actor.staff("anna")
    outcome = served.shop.desk.mark_returned("1026", by=anna)
    asked = f"/orders/1026/stock/{outcome.return_id}"
    by_invoice = served.shop.desk.mark_returned("1004", by=anna)
    assert by_invoice.changed
    [option] = served.shop.desk.refund_options("1004")
    waits = served.shop.desk.refund("1004", option.payment.id, option.suggested, by=anna, request_id="f" * 32)
    paths = ("/orders", "/orders/1001", "/orders/1004", f"/orders/1004/refunds/{waits.refund_id}", "/orders/1003/count")
    for number, path in enumerate((*paths, asked)):
        page.goto(path)
        if path == asked:
            page.locator("dialog details summary").click()
        picture(page, f"pagina-{number}-{language}-{width}")
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, found.generate_report()
        assert page.evaluate(WIDER) == [], path


WIDER = """() => [...document.querySelectorAll('html, body, body *')]
  .filter(one => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1)
  .filter(one => one === document.documentElement || getComputedStyle(one).overflowX !== 'visible')
  .map(one => one.tagName + '.' + one.className)"""
"""What does not fit: the page itself, or an element that hides what is beyond its edge."""
