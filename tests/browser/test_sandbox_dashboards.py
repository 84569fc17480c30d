"""The dashboards of the sandboxes in a browser: on a narrow screen, by keyboard, and for who cannot see them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from lived_sandboxes import KINDS, PAID, lived, pages_of
from scriptless_browser import Browser as WithoutScripts

from retour import Money
from retour_mollie.sandbox import MollieSandbox

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

TOO_WIDE = """() => [...document.querySelectorAll("*")]
    .filter((one) => one.scrollWidth > one.clientWidth && (one === document.documentElement
        || getComputedStyle(one).overflowX !== "visible") && !["INPUT", "SELECT", "TEXTAREA"].includes(one.tagName))
    .map((one) => one.tagName + ": " + one.textContent.slice(0, 60))"""
"""Everything that has to be scrolled sideways, or whose end nobody sees."""


@pytest.fixture(params=["en", "nl"])
def narrow(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[Page]:
    """A page of 320 pixels in one of the languages; what breaks its own content security policy fails the test."""
    context = chromium.new_context(locale=request.param, viewport={"width": 320, "height": 700})
    page = context.new_page()
    problems: list[str] = []
    page.on("console", lambda said: problems.append(said.text) if "Content Security" in said.text else None)
    yield page
    context.close()
    assert problems == []


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_fits_a_narrow_screen_and_axe_finds_nothing(kind: str, narrow: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    with KINDS[kind]() as sandbox:
        lived(sandbox)
        for url in [page.url for page in pages_of(WithoutScripts(), sandbox)]:
            narrow.goto(url)
            assert narrow.evaluate(TOO_WIDE) == [], url
            found = Axe().run(narrow)
            assert found.violations_count == 0, f"{url}: {found.generate_report()}"


def test_a_page_that_is_too_wide_and_has_a_field_without_a_label_is_found(narrow: Page) -> None:
    from axe_playwright_python.sync_playwright import Axe

    narrow.set_content("<main><input><p style='width: 400px'>wide</p></main>")
    assert narrow.evaluate(TOO_WIDE) != []
    assert "label" in {one["id"] for one in Axe().run(narrow).response["violations"]}


def test_a_payment_is_refunded_by_keyboard_alone(narrow: Page, picture: Callable[[Page, str], None]) -> None:
    with MollieSandbox() as mollie:
        narrow.goto(mollie.dashboard_page(mollie.pay(PAID)))
        focused: Any = None
        for _ in range(12):
            narrow.keyboard.press("Tab")
            focused = narrow.evaluate("document.activeElement.id")
            if focused == "refund-amount":
                break
        assert focused == "refund-amount"
        narrow.keyboard.press("Control+a")
        narrow.keyboard.type("95")
        narrow.keyboard.press("Enter")
        assert "95" in narrow.get_by_role("alert").inner_text()
        picture(narrow, "dashboard-too-much")
        narrow.get_by_role("alert").get_by_role("link").press("Enter")
        assert narrow.evaluate("document.activeElement.id") == "refund-amount"
        narrow.keyboard.press("Control+a")
        narrow.keyboard.type("12,5")
        narrow.keyboard.press("Enter")
        assert "re_0000000001" in narrow.get_by_role("status").inner_text()
        picture(narrow, "dashboard-refunded")
        assert [one.amount for one in mollie.ledger.refunds.values()] == [Money.of("12.50", "EUR")]
