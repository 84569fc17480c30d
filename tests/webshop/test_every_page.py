"""What holds for every page there is: it has an address in the tests, and more orders cost it no more queries."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from scriptless_browser import ShopBrowser
from sqlalchemy import event
from webshop_pages import ELSEWHERE, PAGES, PARTS, prepare, routes

from webshop import create_app
from webshop.running import RunningShop
from webshop.sandboxes import Sandboxes
from webshop.seed import bring_back, fill

ADDRESSES = [address for addresses in (*PAGES.values(), *PARTS.values()) for address in addresses]


def test_every_page_has_an_address_here(tmp_path: Path, sandboxes: Sandboxes) -> None:
    assert routes(new_shop(tmp_path, sandboxes)) == PAGES.keys() | PARTS.keys() | ELSEWHERE.keys()


def test_no_page_makes_more_queries_for_200_orders_than_for_20(tmp_path: Path, sandboxes: Sandboxes) -> None:
    few = queries(tmp_path, sandboxes, orders=20)
    read_nothing = ("/static/", "/login", "/settings", "/figures")  # figures are kept for a minute
    assert all(few[address] for address in ADDRESSES if not address.startswith(read_nothing)), few
    assert queries(tmp_path, sandboxes, orders=200) == few


def new_shop(folder: Path, sandboxes: Sandboxes, orders: int = 0) -> Flask:
    """A shop with so many orders, in a file of its own."""
    app = create_app(
        f"sqlite:///{folder}/{orders}.db",
        password="open sesame",
        secret_key="only of this test",
        settings=sandboxes.settings,
        https=False,
    )
    fill(app.extensions["webshop"].engine, sandboxes.pay, orders=orders)
    return app


def queries(folder: Path, sandboxes: Sandboxes, *, orders: int) -> Mapping[str, int]:
    """How many statements each page sends to the database, in a shop with so many orders of which a fifth came back."""
    app = new_shop(folder, sandboxes, orders)
    shop: RunningShop = app.extensions["webshop"]
    names = prepare(shop)
    bring_back(shop, orders // 5)
    merchant = ShopBrowser(app)
    merchant.log_in("open sesame")
    asked: list[str] = []

    def note(_: object, __: object, statement: str, *more: object) -> None:
        asked.append(statement)

    def count(address: str) -> int:
        path = address.format(**names)
        assert merchant.get(path).status == 200, path  # what is asked for once only, is asked for now
        asked.clear()
        merchant.get(path)
        return len(asked)

    event.listen(shop.engine, "before_cursor_execute", note)
    counted = {address: count(address) for address in ADDRESSES}
    shop.engine.dispose()
    return counted
