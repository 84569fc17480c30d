"""Every page of the webshop with an address at which something stands: what tests of all pages ask for.

A route that is not here fails `test_every_page_has_an_address_here`, so that nobody forgets a page.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping

from flask import Flask
from sqlalchemy import update

from retour import Actor, GoodsState
from webshop import tables
from webshop.running import RunningShop

PAGES: Mapping[str, tuple[str, ...]] = {
    "attention.show": ("/attention",),
    "orders.first_page": ("/",),
    "orders.list_orders": ("/orders", "/orders?page=2", "/orders?search=nothing-like-this"),
    "order.show": (
        "/orders/{new}",
        "/orders/{unpaid}",
        "/orders/{restocked}",
        "/orders/{by_transfer}",
        "/orders/{announced}",
        "/orders/{waiting}",
    ),
    "counting.show": ("/orders/{new}/count", "/orders/{restocked}/count"),
    "correcting.show": ("/orders/{restocked}/receipts/{receipt_id}",),
    "staff_label.show": ("/orders/{announced}/returns/{announced_id}/label",),
    "evidence.show": ("/orders/{restocked}/returns/{restocked_id}/evidence",),
    "stock.show": ("/orders/{asked}/stock/{return_id}",),
    "refunds.show_transfer": ("/orders/{by_transfer}/refunds/{refund_id}",),
    "board.show": ("/returns", "/returns?column=goods"),
    "labels.show": ("/labels",),
    "transfers.show": ("/transfers",),
    "figures.show": ("/figures",),
    "settings.show": ("/settings",),
    "login.show": ("/login",),
}
"""The pages by their endpoint. The names in them are those that `prepare` gives."""

PARTS: Mapping[str, tuple[str, ...]] = {
    "order.show_now": ("/orders/{by_transfer}/now",),
    "refunds.show_qr_code": ("/orders/{by_transfer}/refunds/{refund_id}/qr.svg",),
    "static": ("/static/shop.css", "/static/shop.js"),
}
"""What is no page by itself, but a part of one."""

ELSEWHERE: Mapping[str, str] = {
    "evidence.open_file": "tests/webshop/test_evidence.py",
    "labels.open_one": "tests/webshop/test_labels.py",
    "figures.picture": "tests/webshop/test_figures.py",
    "transfers.show_batch": "tests/webshop/test_transfers.py",
    "transfers.download": "tests/webshop/test_transfers.py",
    **{
        f"customer_{page}": "tests/browser/test_customer.py"
        for page in (
            "access.show",
            "label.show",
            "label.show_document",
            "order.show",
            "request.show",
            "return.show",
            "return.show_now",
        )
    },
}
"""What a merchant's browser has to do more for than to open an address, or a customer's opens, by where it is tried."""

ROLES = {
    "new": "1003",
    "unpaid": "1006",
    "restocked": "1001",
    "asked": "1002",
    "by_transfer": "1004",
    "announced": "1007",
    "waiting": "1009",
}
"""What happened to which order of the seed."""


def prepare(shop: RunningShop) -> Mapping[str, str]:
    """Let there be an order for each page; gives its names and theirs."""
    anna = Actor.staff("anna")
    desk = shop.desk
    restocked = desk.mark_returned(ROLES["restocked"], by=anna)
    announced = desk.request_return(ROLES["announced"], {"line-1": 1}, by=anna, request_id="a" * 32)
    desk.approve_return(ROLES["announced"], announced.return_id, by=anna)  # in a shop of many orders it is an old one
    long_ago = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=400)
    with shop.engine.begin() as connection:
        late = tables.order.c.id == ROLES["waiting"]
        connection.execute(update(tables.order).where(late).values(placed_at=long_ago))
    late_request = desk.request_return(ROLES["waiting"], {"line-1": 1}, by=anna, request_id="b" * 32)
    assert desk.dossier(ROLES["waiting"]).return_(late_request.return_id).goods is GoodsState.REQUESTED
    asked = desk.mark_returned(ROLES["asked"], by=anna)
    assert asked.restock.needs_answer
    assert desk.mark_returned(ROLES["by_transfer"], by=anna).changed
    [option] = desk.refund_options(ROLES["by_transfer"])
    waits = desk.refund(ROLES["by_transfer"], option.payment.id, option.suggested, by=anna, request_id="f" * 32)
    return {
        **ROLES,
        "return_id": str(asked.return_id),
        "refund_id": str(waits.refund_id),
        "restocked_id": str(restocked.return_id),
        "receipt_id": str(restocked.receipt_id),
        "announced_id": str(announced.return_id),
    }


def routes(app: Flask) -> set[str]:
    """The endpoints that somebody can open."""
    return {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
