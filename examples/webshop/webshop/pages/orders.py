"""The list of orders: found by what somebody types, a status and a period, page by page."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from retour import reading
from webshop.forms import day_of
from webshop.orders import Filters, page_of_orders
from webshop.running import the_shop
from webshop.statuses import Status

pages = Blueprint("orders", __name__)


@pages.get("/")
def first_page() -> ResponseReturnValue:
    """Where the merchant begins."""
    return redirect(url_for("attention.show"))


@pages.get("/orders")
def list_orders() -> ResponseReturnValue:
    """A page of orders. What no filter can be is passed over: an address is typed by anybody."""
    shop = the_shop()
    given = request.args
    filters = Filters(
        search=given.get("search", "").strip()[:200].replace("\0", ""),
        status=next((one for one in Status if one.value == given.get("status")), None),
        first=day_of(given.get("from", "")),
        last=day_of(given.get("to", "")),
        zone=ZoneInfo(shop.zone),
    )
    with reading(shop.engine) as connection:
        page = page_of_orders(connection, filters, given.get("page", 1, type=int))
    kept = {name: given[name] for name in ("search", "status", "from", "to") if given.get(name)}
    return render_template("orders.html", page=page, filters=filters, kept=kept, statuses=list(Status))
