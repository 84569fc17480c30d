"""Where a customer begins: the number of his order and his mail address."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import secrets

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Connection, select

from webshop import customer_session, tables
from webshop.forms import Kept, sent_form
from webshop.guesses import Limit, TooManyGuesses, guess, reader_address
from webshop.login import for_everybody
from webshop.running import the_shop

pages = Blueprint("customer_access", __name__)

OF_AN_ADDRESS = Limit(name="customer", most=10, within=datetime.timedelta(minutes=15))
"""Wrong pairs from one address. Not fewer: many customers of a mobile network share one."""

OF_AN_ORDER = Limit(name="order", most=30, within=datetime.timedelta(hours=1))
"""Wrong mail addresses for one number, whether there is such an order or not. Above that of an address: one guesser
cannot keep the customer of an order out, and many together can for an hour at most."""

LONGEST = 200
"""Characters of a number or a mail address that are read."""


@pages.get("/return")
@for_everybody
def show() -> ResponseReturnValue:
    """The form, with the way back to an order that is open already."""
    return _page()


@pages.post("/return")
@for_everybody
def enter() -> ResponseReturnValue:
    """A number and a mail address were sent. Wrong and unknown are one answer, made by the same steps."""
    order_id, email = (request.form.get(field, "").strip()[:LONGEST] for field in ("order", "email"))
    try:
        right = guess_whose(order_id, email)
    except TooManyGuesses:
        return _page(sent_form("customer", _("Too many wrong tries. Try again in an hour."), "order"), 429)
    if not right:
        sentence = _("No order has this number and this mail address. Look in the confirmation of your order.")
        return _page(sent_form("customer", sentence, "order"), 403)
    customer_session.let_in(order_id)
    return redirect(url_for("customer_order.show"), 303)


@pages.post("/return/leave")
@for_everybody
def leave() -> ResponseReturnValue:
    """The customer is done."""
    customer_session.leave()
    return redirect(url_for("customer_access.show"), 303)


def guess_whose(order_id: str, email: str) -> bool:
    """Whether an order's customer has this mail address, as whoever sent this request says. Raises `TooManyGuesses`."""
    limits = [(OF_AN_ADDRESS, reader_address()), (OF_AN_ORDER, order_id)]
    return guess(the_shop().engine, limits, lambda connection: _is_his(connection, order_id, email))


def _page(kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    order_id = customer_session.order_let_in_to()
    return render_template("customer_access.html", kept=kept or Kept(), order_id=order_id), status


def _is_his(connection: Connection, order_id: str, email: str) -> bool:
    """Whether an order's customer has this mail address. An order that there is not has one that nobody can type."""
    joined = select(tables.customer.c.email).join(tables.order, tables.order.c.customer_id == tables.customer.c.id)
    his = joined.where(tables.order.c.id == order_id.replace("\0", "")).scalar_subquery()
    found = connection.execute(select(his)).scalar_one()  # a row in any case: nothing more is read where there is one
    nobodys = secrets.token_hex()
    same = hmac.compare_digest(_digest(email), _digest(found or nobodys))
    return same and bool(found)


def _digest(email: str) -> bytes:
    return hashlib.sha256(email.casefold().encode(errors="surrogatepass")).digest()
