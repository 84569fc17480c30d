"""Money goes back once: whatever is pressed twice, in two tabs, at the same moment, or again after Back."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from retour import RefundState

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

OpenPage = Callable[..., "Page"]

BUTTONS = {
    "by API": ("stripe", "Nu terugbetalen via Stripe"),
    "at the provider": ("mollie", "Ik betaal zelf terug bij Mollie"),
    "by bank transfer": ("manual_transfer", "Zelf overmaken"),
}
"""Every button that gives money back, with a provider that has it."""


def amount_typed(page: Page) -> Page:
    page.get_by_label("Terug te betalen bedrag").first.fill("5,00")
    return page


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without"])
@pytest.mark.parametrize("way", BUTTONS)
def test_a_double_click_on_a_button_that_gives_money_back_is_one_refund(
    open_page: OpenPage, served: Any, way: str, scripts: bool
) -> None:
    from playwright.sync_api import expect

    provider, button = BUTTONS[way]
    order_id = served.take(provider)
    page = amount_typed(open_page(f"/orders/{order_id}", scripts=scripts))
    page.get_by_role("button", name=button).first.dblclick()
    expect(page.get_by_role("status").first).to_contain_text("Terugbetaling van €")
    assert [refund.amount.minor for refund in served.refunds(order_id)] == [500]
    assert len(served.books(order_id)) == (1 if way == "by API" else 0)


def test_a_double_click_on_save_is_one_return(open_page: OpenPage, served: Any) -> None:
    from playwright.sync_api import expect

    order_id = served.take("paypal")
    page = open_page(f"/orders/{order_id}", scripts=False)
    page.get_by_role("combobox", name="Bestelstatus").select_option("Geretourneerd")
    page.get_by_role("button", name="Opslaan", exact=True).dblclick()
    expect(page.get_by_role("status").first).not_to_be_empty()
    [return_] = served.shop.desk.dossier(order_id).returns.values()
    order = served.shop.port.order(order_id)
    assert sum(return_.moved().values()) == sum(line.ordered for line in order.goods)


def test_five_presses_at_the_same_moment_are_one_refund(open_page: OpenPage, served: Any) -> None:
    order_id = served.take("stripe")
    page = amount_typed(open_page(f"/orders/{order_id}"))
    assert set(page.evaluate(FIVE_TIMES)) == {200}
    assert [refund.amount.minor for refund in served.refunds(order_id)] == [500]
    assert len(served.books(order_id)) == 1


FIVE_TIMES = """() => {
  const button = document.querySelector('button[name=way][value=api]');
  const sent = () => new URLSearchParams(new FormData(button.form, button));
  const send = () => fetch(button.form.action, {method: 'POST', body: sent()});
  return Promise.all([1, 2, 3, 4, 5].map(send)).then(answers => answers.map(one => one.status));
}"""
"""The form, sent five times at once as the browser would send it."""


def test_back_shows_what_went_back_and_no_form_for_it_but_for_another_refund(open_page: OpenPage, served: Any) -> None:
    from playwright.sync_api import expect

    order_id = served.take("stripe")
    page = amount_typed(open_page(f"/orders/{order_id}"))
    page.get_by_role("button", name="Nu terugbetalen via Stripe").click()
    expect(page.get_by_role("status").first).to_contain_text("Terugbetaling van €")
    page.go_back()
    expect(page.get_by_role("region", name="Terugbetalingen")).to_contain_text("€ 5,00")
    expect(page.get_by_label("Terug te betalen bedrag")).to_have_count(0)
    page.get_by_role("link", name="Nog een terugbetaling van deze betaling").click()
    amount_typed(page).get_by_role("button", name="Nu terugbetalen via Stripe").click()
    expect(page.get_by_role("status").first).to_contain_text("Terugbetaling van €")
    page.go_back()
    page.reload()  # whether the browser kept it or not
    expect(page.get_by_text("is er al zo een opgeslagen")).to_be_visible()
    expect(page.get_by_label("Terug te betalen bedrag")).to_have_count(0)
    assert len(served.refunds(order_id)) == len(served.books(order_id)) == 2


def test_what_was_refused_can_be_reloaded_and_mended_and_is_one_refund(open_page: OpenPage, served: Any) -> None:
    from playwright.sync_api import expect

    order_id = served.take("mollie")
    page = open_page(f"/orders/{order_id}")
    page.get_by_label("Terug te betalen bedrag").fill("vijf")
    page.get_by_role("button", name="Nu terugbetalen via Mollie").click()
    expect(page.get_by_role("alert")).to_be_focused()
    page.reload()  # sends the form once more
    expect(page.get_by_label("Terug te betalen bedrag")).to_have_value("vijf")
    amount_typed(page).get_by_role("button", name="Nu terugbetalen via Mollie").click()
    expect(page.get_by_role("status").first).to_contain_text("Terugbetaling van €")
    assert len(served.refunds(order_id)) == len(served.books(order_id)) == 1


def test_of_two_tabs_that_refund_all_of_it_one_does_and_the_other_says_what_became_of_it(
    open_page: OpenPage, served: Any, picture: Callable[[Page, str], None]
) -> None:
    from playwright.sync_api import expect

    order_id = served.take("stripe")
    served.shop.desk.mark_returned(order_id, by=served.anna)
    first = open_page(f"/orders/{order_id}")
    second = open_page(f"/orders/{order_id}", beside=first)
    first.get_by_role("button", name="Nu terugbetalen via Stripe").click()
    expect(first.get_by_role("status").first).to_contain_text("Terugbetaling van €")
    second.get_by_role("button", name="Nu terugbetalen via Stripe").click()
    expect(second.get_by_role("status").first).to_contain_text("Terugbetaling van €")
    picture(second, "tweede-tabblad")
    assert len(served.refunds(order_id)) == len(served.books(order_id)) == 1


def test_of_two_tabs_that_answer_the_question_the_first_is_heard(open_page: OpenPage, served: Any) -> None:
    from playwright.sync_api import expect

    order_id = served.take("stripe", products=2)
    outcome = served.shop.desk.mark_returned(order_id, by=served.anna)
    first = open_page(f"/orders/{order_id}/stock/{outcome.return_id}")
    second = open_page(f"/orders/{order_id}/stock/{outcome.return_id}", beside=first)
    first.get_by_role("button", name="OK").click()
    expect(first.get_by_role("status").first).to_contain_text("terug op voorraad")
    second.get_by_role("button", name="Annuleren").click()
    expect(second.get_by_role("status").first).to_contain_text("De vraag over de voorraad was al beantwoord")
    [return_] = served.shop.desk.dossier(order_id).returns.values()
    assert sum(return_.by_hand.values()) == 0


def test_a_transfer_shows_its_qr_code_and_a_double_click_confirms_it_once(
    open_page: OpenPage, served: Any, picture: Callable[[Page, str], None]
) -> None:
    from playwright.sync_api import expect

    order_id = served.take("manual_transfer")
    served.shop.desk.mark_returned(order_id, by=served.anna)
    page = open_page(f"/orders/{order_id}")
    page.get_by_role("button", name="Zelf overmaken").first.click()
    code = page.get_by_role("img", name="QR-code voor je bankapp")
    expect(code).to_be_visible()
    assert code.evaluate("one => one.decode().then(() => one.naturalWidth)") > 0
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Kopieer IBAN").click()
    expect(page.get_by_text("Gekopieerd")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == "NL91ABNA0417164300"
    picture(page, "overboeking")
    page.get_by_label("Kenmerk van de overboeking bij je bank").fill("2026-1201-17")
    page.get_by_role("button", name="Ik heb het overgemaakt").dblclick()
    expect(page.get_by_role("heading", name=f"Bestelling {order_id}")).to_be_visible()
    assert [refund.state for refund in served.refunds(order_id)] == [RefundState.SUCCEEDED]
    picture(page, "overgemaakt")


def test_after_logging_out_back_shows_nothing_of_the_shop(open_page: OpenPage, served: Any) -> None:
    from playwright.sync_api import expect

    page = open_page("/login")
    page.context.clear_cookies()  # a login of this test's own: logging out ends it for whoever has a copy
    page.goto(f"/orders/{served.take('paypal')}")
    page.locator("#password").fill(served.password)
    page.locator("main button").click()
    page.get_by_role("button", name="Uitloggen").click()
    expect(page.get_by_role("heading", name="Inloggen")).to_be_visible()
    page.go_back()
    expect(page.get_by_role("heading", name="Inloggen")).to_be_visible()
