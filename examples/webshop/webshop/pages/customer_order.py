"""A customer's order: what is in it, its returns, and what happened."""

from __future__ import annotations

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue

from webshop.customer_session import for_the_customer
from webshop.customer_view import customer_order
from webshop.running import the_shop

pages = Blueprint("customer_order", __name__)


@pages.get("/return/order")
@for_the_customer
def show(order_id: str) -> ResponseReturnValue:
    """The page."""
    return render_template("customer_order.html", view=customer_order(the_shop(), order_id))
