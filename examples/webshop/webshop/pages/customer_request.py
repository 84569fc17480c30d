"""A customer says what he sends back, and why."""

from __future__ import annotations

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import Actor, GoodsState, Order, Outcome, RequestedLine, RetourError
from webshop.customer_session import for_the_customer
from webshop.customer_view import customer_order
from webshop.customer_words import sentence_for_customer
from webshop.forms import Kept, NotUnderstood, sent_form, text_of, units_of
from webshop.once import making, sent, to_the_next
from webshop.running import the_shop

pages = Blueprint("customer_request", __name__)

FORM = "return"


@pages.get("/return/new")
@for_the_customer
def show(order_id: str) -> ResponseReturnValue:
    """The form of his next return."""
    made = _made(order_id)
    return to_the_next(made) if making(FORM, made) is None else _page(order_id)


@pages.post("/return/new")
@for_the_customer
def save(order_id: str) -> ResponseReturnValue:
    """He sent it. The shop's rules say at once whether he may send the goods."""
    try:
        outcome = _request(order_id)
    except NotUnderstood as error:
        return _page(order_id, sent_form(FORM, error.sentence, error.field), 422)
    except RetourError as error:
        return _page(order_id, sent_form(FORM, sentence_for_customer(error)), 409)
    flash(_told(order_id, outcome.return_id))
    return redirect(url_for("customer_return.show", return_id=outcome.return_id), 303)


def _request(order_id: str) -> Outcome:
    shop = the_shop()
    order = customer_order(shop, order_id).order
    lines = _lines(order)
    if not lines:
        raise NotUnderstood("", _("Choose at least one unit."))
    form, note, by = sent(FORM, _made(order_id)), text_of("note") or None, Actor.customer(order.customer)
    return shop.desk.request_return(order_id, lines, by=by, request_id=form.request_id, note=note)


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
    page = render_template(
        "customer_request.html",
        view=view,
        reasons=shop.desk.return_reasons,
        asked=making(FORM, len(view.dossier.returns)),
        kept=kept or Kept(),
    )
    return page, status


def _made(order_id: str) -> int:
    """How many returns of his order there are."""
    return len(the_shop().desk.dossier(order_id).returns)
