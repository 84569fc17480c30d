"""A customer says what he sends back, and why."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import Actor, GoodsState, Order, Outcome, RequestedLine, RetourError
from webshop.customer_session import for_the_customer
from webshop.customer_view import customer_order
from webshop.customer_words import sentence_for_customer
from webshop.forms import Kept, NotUnderstood, request_id, sent_form, text_of, units_of
from webshop.running import the_shop

pages = Blueprint("customer_request", __name__)


@pages.get("/return/new")
@for_the_customer
def show(order_id: str) -> ResponseReturnValue:
    """The form."""
    return _page(order_id)


@pages.post("/return/new")
@for_the_customer
def save(order_id: str) -> ResponseReturnValue:
    """He sent it. The shop's rules say at once whether he may send the goods."""
    try:
        outcome = _request(order_id)
    except NotUnderstood as error:
        return _page(order_id, sent_form("return", error.sentence, error.field), 422)
    except RetourError as error:
        return _page(order_id, sent_form("return", sentence_for_customer(error)), 409)
    flash(_told(order_id, outcome.return_id))
    return redirect(url_for("customer_return.show", return_id=outcome.return_id), 303)


def _request(order_id: str) -> Outcome:
    shop = the_shop()
    order = customer_order(shop, order_id).order
    lines = _lines(order)
    if not lines:
        raise NotUnderstood("", _("Choose at least one unit."))
    form, note = request_id(), text_of("note") or None
    return shop.desk.request_return(order_id, lines, by=Actor.customer(order.customer), request_id=form, note=note)


def _lines(order: Order) -> list[RequestedLine]:
    """What was chosen of each product of this order; a form that names another's is not heard."""
    chosen = [
        (line.id, units_of(f"units-{line.id}"), request.form.get(f"reason-{line.id}", "")) for line in order.goods
    ]
    return [RequestedLine(line_id=line_id, quantity=units, reason=why) for line_id, units, why in chosen if units]


def _told(order_id: str, return_id: str) -> str:
    goods = the_shop().desk.dossier(order_id).return_(return_id).goods
    if goods is GoodsState.APPROVED:
        return str(_("Your return is approved. Choose how you send it."))
    if goods is GoodsState.REQUESTED:
        return str(_("Your return is announced. The shop looks at it before you send anything."))
    return str(_("This return is saved."))


def _page(order_id: str, kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    shop = the_shop()
    view = customer_order(shop, order_id)
    return render_template(
        "customer_request.html", view=view, reasons=shop.desk.return_reasons, kept=kept or Kept()
    ), status
