"""The reference article as a merchant lives it, in Dutch, in a browser: orders, Geretourneerd, the question about the
stock, the payment's link, and the refund that is made at the provider and found by itself."""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser


def test_the_whole_article_in_dutch(
    open_page: Callable[..., Page], served: Any, picture: Callable[[Page, str], None]
) -> None:
    from playwright.sync_api import expect

    order_id = served.take("mollie", products=2)
    page = open_page("/orders")
    expect(page.get_by_role("heading", name="Bestellingen")).to_be_visible()
    page.get_by_label("Zoeken").fill(order_id)
    page.get_by_role("button", name="Zoeken").click()
    picture(page, "1-bestellingen")
    page.get_by_role("link", name=order_id).click()

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
    order = served.shop.port.order(order_id)
    expect(link).to_have_attribute("href", mollie.dashboard_page(order.payments[0].reference))
    payment.get_by_role("button", name="Ik betaal zelf terug bij Mollie").click()
    waits = page.get_by_role("article").filter(has_text="wacht op je terugbetaling")
    expect(waits).to_be_visible()
    picture(page, "5-wacht-op-mollie")

    [refund] = served.refunds(order_id)
    with page.expect_popup() as opened:
        waits.get_by_role("link", name=re.compile("Naar de betaling")).click()
    dashboard = opened.value
    dashboard.locator("#refund-amount").fill(refund.amount.render("nl").lstrip("€").strip())
    dashboard.locator("#refund-amount").press("Enter")
    expect(dashboard.get_by_role("status")).to_contain_text("re_")
    picture(dashboard, "6-bij-mollie")
    dashboard.close()
    mollie.advance(datetime.timedelta(days=2))  # then it has paid, and tells so by webhook
    expect(waits).to_have_count(0)  # nobody presses anything
    history = page.get_by_role("region", name="Verloop van de bestelling").get_by_role("listitem")
    expect(history.first).to_contain_text("Bestelling geplaatst")
    expect(history.last).to_contain_text("Mollie")
    picture(page, "7-gevonden")
    assert len(served.refunds(order_id)) == len(served.books(order_id)) == 1
