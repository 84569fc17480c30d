"""Counting what a page of the webshop asks of its database."""

from __future__ import annotations

from scriptless_browser import ShopBrowser
from sqlalchemy import event

from webshop.running import RunningShop


def queries_of(merchant: ShopBrowser, shop: RunningShop, path: str) -> int:
    """How many statements a page costs."""
    asked: list[str] = []

    def count(_: object, __: object, statement: str, *more: object) -> None:
        asked.append(statement)

    event.listen(shop.engine, "before_cursor_execute", count)
    try:
        page = merchant.get(path)
    finally:
        event.remove(shop.engine, "before_cursor_execute", count)
    assert page.status == 200
    return len(asked)
