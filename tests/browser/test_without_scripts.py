"""The whole path in a browser that runs no scripts: nothing of it needs one."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from retour import RefundState

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

OpenPage = Callable[..., "Page"]


def test_an_order_is_found_returned_answered_for_and_refunded_without_scripts(
    open_page: OpenPage, served: Any, picture: Callable[[Page, str], None]
) -> None:
    from playwright.sync_api import expect

    order_id = served.take("mollie", products=2)
    page = open_page("/orders", scripts=False)
    page.get_by_label("Zoeken").fill(order_id)
    page.get_by_role("button", name="Zoeken").click()
    page.get_by_role("link", name=order_id).click()
    page.get_by_role("combobox", name="Bestelstatus").select_option("Geretourneerd")
    page.get_by_role("button", name="Opslaan", exact=True).click()
    picture(page, "zonder-script-1-vraag")
    page.get_by_text("Kies per product").first.click()
    page.get_by_label("Beschadigd:").first.fill("1")
    page.get_by_role("button", name="Per product opslaan").click()
    expect(page.get_by_role("alert")).to_contain_text("Van dit product wachten")  # one more than there are
    waiting = page.get_by_label("Terug op voorraad:").first
    waiting.fill(str(int(waiting.input_value()) - 1))
    page.get_by_role("button", name="Per product opslaan").click()
    expect(page.get_by_role("status").first).to_contain_text("terug op voorraad")
    page.get_by_role("button", name="Ik betaal zelf terug bij Mollie").click()
    picture(page, "zonder-script-2-wacht")
    page.get_by_text("Ik heb terugbetaald").first.click()
    page.get_by_label("Kenmerk van de terugbetaling bij Mollie").fill("re_van_ons")
    page.get_by_role("button", name="Ik heb terugbetaald").click()
    expect(page.get_by_role("region", name="Terugbetalingen")).to_be_visible()
    picture(page, "zonder-script-3-bevestigd")
    [return_] = served.shop.desk.dossier(order_id).returns.values()
    assert not return_.question_open
    assert sum(count.damaged for count in return_.counted.values()) == 1
    assert [refund.state for refund in served.refunds(order_id)] != [RefundState.AWAITING_MERCHANT]


def test_a_part_of_an_order_is_counted_without_scripts(
    open_page: OpenPage, served: Any, picture: Callable[[Page, str], None]
) -> None:
    from playwright.sync_api import expect

    order_id = served.take("paypal", products=2)
    page = open_page(f"/orders/{order_id}", scripts=False)
    page.get_by_role("link", name="Tel per product").click()
    page.get_by_label("Verkoopbaar:").first.fill("1")
    page.get_by_label("Notitie voor collega's").fill("Doos was nat")
    page.get_by_role("button", name="Opslaan", exact=True).click()
    page.get_by_role("button", name="Annuleren").click()
    expect(page.get_by_role("region", name="Verloop van de bestelling")).to_contain_text("Doos was nat")
    expect(page.get_by_role("combobox", name="Bestelstatus")).to_have_value("partly_returned")
    picture(page, "zonder-script-4-deel")


def test_a_transfer_is_made_and_confirmed_without_scripts(
    open_page: OpenPage, served: Any, picture: Callable[[Page, str], None]
) -> None:
    from playwright.sync_api import expect

    order_id = served.take("manual_transfer")
    page = open_page(f"/orders/{order_id}", scripts=False)
    page.get_by_label("Terug te betalen bedrag").fill("2.50")
    page.get_by_role("button", name="Zelf overmaken").first.click()
    expect(page.get_by_role("img", name="QR-code voor je bankapp")).to_be_visible()
    expect(page.get_by_role("button", name="Kopieer")).to_have_count(0)  # a button that would do nothing
    picture(page, "zonder-script-5-overboeking")
    page.get_by_label("Kenmerk van de overboeking bij je bank").fill("2026-1201-18")
    page.get_by_role("button", name="Ik heb het overgemaakt").click()
    expect(page.get_by_role("heading", name=f"Bestelling {order_id}")).to_be_visible()
    assert [refund.state for refund in served.refunds(order_id)] == [RefundState.SUCCEEDED]
