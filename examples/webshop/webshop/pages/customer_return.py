"""One return of a customer's order: how it is sent, how far it is, and taking it back."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import Actor, GoodsState, RetourError
from retour.providers import ShippingWay
from webshop.customer_session import for_the_customer
from webshop.customer_view import CustomerOrder, CustomerReturn, customer_order, customer_return
from webshop.customer_words import sentence_for_customer
from webshop.forms import Kept, NotUnderstood, day_of, request_id, sent_form, text_of
from webshop.returns import nothing_changed
from webshop.running import the_shop

pages = Blueprint("customer_return", __name__)


@pages.get("/return/<return_id>")
@for_the_customer
def show(order_id: str, return_id: str) -> ResponseReturnValue:
    """The page."""
    return return_page(order_id, return_id)


@pages.get("/return/<return_id>/now")
@for_the_customer
def show_now(order_id: str, return_id: str) -> ResponseReturnValue:
    """Its label and its history alone, for a page that looks again by itself."""
    view = customer_order(the_shop(), order_id)
    one = customer_return(the_shop(), view, return_id)
    return render_template("_customer_now.html", view=view, one=one, kept=Kept())


@pages.post("/return/<return_id>/sent")
@for_the_customer
def say_sent(order_id: str, return_id: str) -> ResponseReturnValue:
    """He took the parcel to a carrier of his own choice, and says what is known of it."""

    def said(seen: CustomerOrder, one: CustomerReturn) -> str:
        sent_on = day_of(request.form.get("sent_on", ""))
        if sent_on is None or sent_on > one.today:
            raise NotUnderstood("sent_on", _("Give the day on which you sent it: today or before."))
        carrier, tracking = text_of("carrier", 100), text_of("tracking", 100)
        if not carrier:
            raise NotUnderstood("carrier", _("Say which carrier has the parcel."))
        the_shop().desk.mark_sent(
            order_id,
            return_id,
            by=Actor.customer(seen.order.customer),
            request_id=request_id(),
            carrier=carrier,
            tracking=tracking,
            sent_on=sent_on,
        )
        return str(_("Saved: your parcel is on its way."))

    return done(order_id, return_id, "sent", said)


@pages.post("/return/<return_id>/cancel")
@for_the_customer
def cancel(order_id: str, return_id: str) -> ResponseReturnValue:
    """He keeps the goods after all. Pressed once more, it is cancelled already."""

    def said(seen: CustomerOrder, one: CustomerReturn) -> str:
        if one.return_.goods is not GoodsState.CANCELLED:
            if not one.can_cancel:
                raise NotUnderstood(
                    "", _("Your parcel is on its way or here, so the return cannot be cancelled any more.")
                )
            by = Actor.customer(seen.order.customer)
            outcome = the_shop().desk.cancel_return(order_id, return_id, by=by, request_id=request_id())
            if not outcome.changed:
                return nothing_changed()
        return str(_("Your return is cancelled. You keep the products."))

    return done(order_id, return_id, "cancel", said)


def done(
    order_id: str, return_id: str, form: str, command: Callable[[CustomerOrder, CustomerReturn], str]
) -> ResponseReturnValue:
    """Do something with a return of this order, say the sentence that it gives, and show the return; with the form
    again as it was sent, where it could not be done."""
    seen = customer_order(the_shop(), order_id)
    one = customer_return(the_shop(), seen, return_id)
    try:
        flash(command(seen, one))
    except NotUnderstood as error:
        return return_page(order_id, return_id, sent_form(form, error.sentence, error.field), 422)
    except RetourError as error:
        return return_page(order_id, return_id, sent_form(form, sentence_for_customer(error)), 409)
    return redirect(url_for("customer_return.show", return_id=return_id), 303)


def return_page(order_id: str, return_id: str, kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    """The page, with a form that is shown again as it was sent."""
    shop = the_shop()
    seen = customer_order(shop, order_id)
    one = customer_return(shop, seen, return_id)
    himself = None
    if one.can_send_himself:
        himself = next(way for way in shop.desk.shipping_options(order_id) if way.way is ShippingWay.SELF)
    page = render_template("customer_return.html", view=seen, one=one, himself=himself, kept=kept or Kept())
    return page, status
