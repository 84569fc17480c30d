"""The question about the stock: every answer, by mouse and by keyboard."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from retour import Return

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

pytestmark = pytest.mark.browser

OpenPage = Callable[..., "Page"]


def asked(page: Page) -> Locator:
    """Set the order to Returned by keyboard; gives the dialog that then asks, once the page's script has it."""
    page.get_by_role("combobox", name="Bestelstatus").select_option("Geretourneerd")
    page.get_by_role("button", name="Opslaan", exact=True).press("Enter")
    page.locator("dialog:modal").wait_for()
    return page.get_by_role("dialog")


def the_return(served: Any, order_id: str) -> Return:
    [found] = served.shop.desk.dossier(order_id).returns.values()
    assert isinstance(found, Return)
    return found


def moved(served: Any, order_id: str) -> int:
    """Units that went back in stock."""
    return sum(the_return(served, order_id).moved().values())


def units(served: Any, order_id: str) -> int:
    return sum(line.ordered for line in served.shop.port.order(order_id).goods)


def test_ok_puts_all_of_it_back_in_stock(open_page: OpenPage, served: Any) -> None:
    from playwright.sync_api import expect

    order_id = served.take("stripe", products=2)
    page = open_page(f"/orders/{order_id}")
    asked(page).get_by_role("button", name="OK").click()
    expect(page.get_by_role("status").first).to_contain_text("terug op voorraad")
    assert moved(served, order_id) == units(served, order_id)


@pytest.mark.parametrize("how", ["the button", "Escape"])
def test_cancel_books_nothing_and_lists_what_to_book_by_hand(
    open_page: OpenPage, served: Any, picture: Callable[[Page, str], None], how: str
) -> None:
    from playwright.sync_api import expect

    order_id = served.take("mollie", products=3)
    page = open_page(f"/orders/{order_id}")
    question = asked(page)
    if how == "Escape":
        page.keyboard.press("Escape")
    else:
        question.get_by_role("button", name="Annuleren").click()
    expect(page.get_by_role("status").first).to_contain_text("zelf terug")
    expect(page.get_by_text("Boek deze zelf terug op voorraad:")).to_be_visible()
    picture(page, f"vraag-geannuleerd-{'esc' if how == 'Escape' else 'knop'}")
    assert not the_return(served, order_id).question_open
    assert sum(the_return(served, order_id).by_hand.values()) == units(served, order_id)
    assert moved(served, order_id) == 0


def test_per_product_is_answered_by_keyboard_alone(
    open_page: OpenPage, served: Any, picture: Callable[[Page, str], None]
) -> None:
    from playwright.sync_api import expect

    order_id = served.take("paypal", products=2)
    page = open_page(f"/orders/{order_id}")
    asked(page)
    page.keyboard.press("Tab")
    page.keyboard.press("Tab")
    expect(page.locator("dialog summary")).to_be_focused()
    page.keyboard.press("Space")  # opens it
    page.keyboard.press("Tab")
    first = page.get_by_label("Terug op voorraad:").first
    expect(first).to_be_focused()
    first_units = int(first.input_value())
    page.keyboard.type(str(first_units - 1))  # what stood there is selected
    page.keyboard.press("Tab")
    page.keyboard.type("1")
    expect(page.get_by_label("Beschadigd:").first).to_have_value("1")
    picture(page, "vraag-per-product")
    for _ in range(8):
        if page.evaluate("document.activeElement.value") == "per_product":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.get_by_role("status").first).to_contain_text("De retour is opgeslagen")
    [count] = [one for one in the_return(served, order_id).counted.values() if one.damaged]
    assert count.damaged == 1
    assert moved(served, order_id) == units(served, order_id) - 1


@pytest.mark.parametrize("key", ["Enter", "Space"])
def test_ok_has_the_focus_and_is_pressed_by_either_key(open_page: OpenPage, served: Any, key: str) -> None:
    from playwright.sync_api import expect

    order_id = served.take("stripe", products=3)
    page = open_page(f"/orders/{order_id}")
    expect(asked(page).get_by_role("button", name="OK")).to_be_focused()
    page.keyboard.press(key)
    expect(page.get_by_role("status").first).to_contain_text("terug op voorraad")
    assert moved(served, order_id) == units(served, order_id)


def test_the_focus_stays_in_the_dialog_can_be_seen_and_comes_back_to_what_was_said(
    open_page: OpenPage, served: Any
) -> None:
    from playwright.sync_api import expect

    page = open_page(f"/orders/{served.take('paypal', products=3)}")
    asked(page)
    met = []
    for key in ["Tab"] * 8 + ["Shift+Tab"] * 8:
        met.append(page.evaluate(FOCUSED))
        page.keyboard.press(key)
    assert {one["where"] for one in met} <= {"in the dialog", "nowhere"}, met  # nowhere is the browser's own bar
    assert [one["what"] for one in met if one["where"] == "in the dialog"][:3] == [
        "OK",
        "Annuleren",
        "Kies per product",
    ]
    assert all(one["seen"] for one in met if one["where"] == "in the dialog"), met
    page.keyboard.press("Escape")
    expect(page.get_by_text("De retour is opgeslagen.")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("combobox", name="Bestelstatus")).to_be_focused()


FOCUSED = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const dialog = document.querySelector('dialog');
  return {
    what: one.textContent.trim().slice(0, 40),
    where: dialog.contains(one) ? 'in the dialog' : one === document.body ? 'nowhere' : 'outside',
    seen: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2,
  };
}"""
"""What has the focus, whether it is in the dialog, and whether one sees that."""
