"""Every page, in both languages, wide and at 320 pixels: axe finds nothing that keeps people out (WCAG 2.2 AA), and
nothing is cut off or has to be scrolled sideways."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest
from webshop_pages import PAGES, prepare

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

OpenPage = Callable[..., "Page"]
WIDTHS = (1280, 320)
LANGUAGES = ("nl-NL", "en-GB")
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.fixture(scope="module")
def names(served: Any) -> Any:
    """What the addresses of the pages are made of."""
    return prepare(served.shop)


def problems(page: Page) -> list[str]:
    """What axe finds wrong with a page as it stands, and what does not fit."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page, options=RULES)
    wrong = [found.generate_report()] if found.violations_count else []
    return wrong + [f"does not fit: {one}" for one in page.evaluate(TOO_WIDE)]


def problems_at_each_width(page: Page, picture: Callable[[Page, str], None], name: str) -> list[str]:
    """The same, wide and narrow, with all opened that can be."""
    page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
    wrong = []
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 900})
        picture(page, f"{name}-{width}")
        wrong += [f"{page.url} at {width}: {one}" for one in problems(page)]
    page.set_viewport_size({"width": WIDTHS[0], "height": 900})
    return wrong


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("endpoint", PAGES)
def test_nothing_keeps_anybody_out_of_a_page_and_nothing_is_cut_off(
    open_page: OpenPage, names: Any, picture: Callable[[Page, str], None], endpoint: str, language: str
) -> None:
    page = open_page("/login", language=language)
    wrong = []
    for number, address in enumerate(PAGES[endpoint]):
        answer = page.goto(address.format(**names))
        assert answer is not None
        assert answer.status == 200, page.url
        assert page.locator("html").get_attribute("lang") == language[:2]
        wrong += problems_at_each_width(page, picture, f"pagina-{endpoint}-{number}-{language[:2]}")
    assert wrong == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_nothing_keeps_anybody_out_of_a_page_that_says_what_went_wrong(
    open_page: OpenPage, names: Any, picture: Callable[[Page, str], None], language: str
) -> None:
    page = open_page("/nowhere", language=language, scripts=True)
    wrong = problems_at_each_width(page, picture, f"fout-404-{language[:2]}")
    page.goto(f"/orders/{names['restocked']}")
    page.locator("[name=amount]").first.fill("5.000,00")
    page.locator("button[name=way]").first.click()
    page.get_by_role("alert").wait_for()
    wrong += problems_at_each_width(page, picture, f"fout-bedrag-{language[:2]}")
    page.goto(f"/orders/{names['new']}/count")
    page.locator("main form button").click()
    page.get_by_role("alert").wait_for()
    wrong += problems_at_each_width(page, picture, f"fout-tellen-{language[:2]}")
    assert wrong == []


TOO_WIDE = """() => [...document.querySelectorAll('html, body, body *')]
  .filter(one => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1)
  .filter(one => one === document.documentElement || getComputedStyle(one).overflowX !== 'visible')
  .map(one => `${one.tagName}.${one.className} ${one.scrollWidth} > ${one.clientWidth}`)"""
"""The page itself, or an element that hides what is beyond its edge, where something is."""
