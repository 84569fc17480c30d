"""What a newcomer sees who runs `make shop` and looks around: each page has something on it, fits, and keeps nobody
out."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest
from browser.shop_served import serving
from browser.test_every_page import problems_at_each_width

from webshop.figures import FIGURES

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.browser

Picture = Callable[["Page", str], None]

PAGES = {
    "/attention": "article.attention",
    "/orders": "table.rows tbody tr",
    "/returns": ".board section",
    "/returns?track=goods": ".board section",
    "/returns?track=stock": ".board section",
    "/returns?column=counting": "table.rows tbody tr",
    "/labels": "table.rows tbody tr",
    "/transfers": "table.rows tbody tr",
    "/figures": "img.plot",
    "/settings": "section.card",
}
"""The pages of the menu, each with what there has to be at least one of."""


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """The shop as `make shop` begins it."""
    with serving(tmp_path_factory.mktemp("shop"), past=True) as running:
        yield running


def orders_of_each_kind(served: Any) -> list[str]:
    """An order for each thing that its return can wait for or end with."""
    ever = datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)
    returns = served.shop.desk.list_returns(limit=500, opened_from=ever).returns
    return list({(one.goods, one.waits_for): one.order_id for one in returns}.values())


@pytest.mark.parametrize("language", ["nl-NL", "en-GB"])
def test_each_page_of_the_menu_has_something_on_it_and_keeps_nobody_out(
    open_page: Callable[..., Page], picture: Picture, language: str
) -> None:
    page = open_page("/attention", language=language)
    wrong = []
    for number, (path, something) in enumerate(PAGES.items()):
        page.goto(path)
        assert page.locator(f"main {something}").count() > 0, path
        wrong += problems_at_each_width(page, picture, f"begin-{number}-{language[:2]}")
    assert wrong == []


def test_the_order_of_each_kind_of_return_keeps_nobody_out(
    open_page: Callable[..., Page], served: Any, picture: Picture
) -> None:
    page = open_page("/orders")
    orders = orders_of_each_kind(served)
    assert len(orders) >= 8
    wrong = []
    for order_id in orders:
        page.goto(f"/orders/{order_id}")
        wrong += problems_at_each_width(page, picture, f"begin-{order_id}")
    assert wrong == []


def test_every_figure_is_drawn(open_page: Callable[..., Page]) -> None:
    page = open_page("/figures")
    pictures = page.locator("img.plot")
    assert pictures.count() == len(FIGURES)
    for one in pictures.all():
        one.scroll_into_view_if_needed()
        assert one.evaluate("one => one.decode().then(() => one.naturalWidth)") > 100
