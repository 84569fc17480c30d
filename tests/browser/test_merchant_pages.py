"""The merchant's other pages in a browser: what needs attention, the board, labels, transfers, figures, settings."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from retour import Actor, RequestedLine
from retour.sandbox import Fault

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

PATHS = (
    "/attention",
    "/returns",
    "/returns?column=goods",
    "/labels",
    "/transfers",
    "/figures",
    "/settings",
    "/orders/1001",
)

FITS = """() => [...document.querySelectorAll('html, body, body *')]
  .filter(one => one.clientWidth > 1 && one.scrollWidth > one.clientWidth + 1)
  .filter(one => one === document.documentElement || getComputedStyle(one).overflowX !== 'visible')
  .map(one => one.tagName + '.' + one.className)"""


@pytest.fixture(scope="module")
def busy(served: Any) -> Any:
    """The shop with something on every page."""
    desk, anna = served.shop.desk, Actor.staff("anna")
    for order_id in ("1002", "1026"):
        desk.mark_returned(order_id, by=anna)
    line = RequestedLine(line_id="line-1", quantity=1, reason="too_small")
    desk.request_return("1001", [line], by=anna, request_id="a" * 32)
    for order_id in ("1004", "1010"):
        desk.mark_returned(order_id, by=anna)
        [option] = desk.refund_options(order_id)
        refund = desk.refund(order_id, option.payment.id, option.suggested, by=anna, request_id="b" * 32)
    desk.set_refund_batch("1010", str(refund.refund_id), "20261124-101010-00000000", by=anna)
    served.sandboxes.payment("stripe").server.faults.append(Fault.CUT_AFTER)
    desk.mark_returned("1007", by=anna)
    [option] = desk.refund_options("1007")
    desk.refund("1007", option.payment.id, option.suggested, by=anna, request_id="c" * 32)
    return served


@pytest.mark.parametrize("width", [320, 1280])
@pytest.mark.parametrize("language", ["nl-NL", "en-GB"])
def test_axe_finds_nothing_and_nothing_is_cut_off(
    busy: Any, open_page: Callable[..., Page], picture: Callable[[Page, str], None], width: int, language: str
) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page("/attention", language=language, width=width)
    for path in PATHS:
        page.goto(path)
        for summary in page.locator("main summary").all():
            summary.click()
        picture(page, f"{path.strip('/').replace('/', '-').partition('?')[0]}-{len(path)}-{language}-{width}")
        found = Axe().run(page, options={"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]})
        assert found.violations_count == 0, f"{path}\n{found.generate_report()}"
        assert page.evaluate(FITS) == [], path


def test_each_picture_of_a_figure_is_drawn(busy: Any, open_page: Callable[..., Page]) -> None:
    page = open_page("/figures")
    pictures = page.locator("img.plot")
    assert pictures.count() >= 4
    for one in pictures.all():
        one.scroll_into_view_if_needed()
        assert one.evaluate("one => one.decode().then(() => one.naturalWidth)") > 100
