"""The label of a customer's return: choosing one, having another in its place, showing it, taking it back."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import Actor, LabelOption, RetourError
from webshop.customer_session import for_the_customer
from webshop.customer_view import CustomerOrder, CustomerReturn, customer_order, customer_return
from webshop.customer_words import sentence_for_customer
from webshop.forms import Kept, NotUnderstood, request_id, sent_form
from webshop.once import making, sent, to_the_next
from webshop.pages.customer_return import done, return_page
from webshop.parcels import Sending, called, chosen, label_of, sending
from webshop.running import the_shop

pages = Blueprint("customer_label", __name__)

SHOWN_IN_THE_PAGE = frozenset({"image/png", "image/jpeg", "image/gif"})
"""What a browser shows as a picture. All else that a provider gives is a file to keep: none of it is run here."""


@pages.get("/return/<return_id>/label")
@for_the_customer
def show(order_id: str, return_id: str) -> ResponseReturnValue:
    """The labels to choose from. Nothing is bought."""
    made = len(customer_return(the_shop(), customer_order(the_shop(), order_id), return_id).labels)
    return to_the_next(made) if making(label_of(return_id), made) is None else _page(order_id, return_id)


@pages.post("/return/<return_id>/label")
@for_the_customer
def order(order_id: str, return_id: str) -> ResponseReturnValue:
    """He chose one."""
    desk = the_shop().desk
    seen = customer_order(the_shop(), order_id)
    one = customer_return(the_shop(), seen, return_id)
    try:
        desk.order_label(
            order_id,
            return_id,
            _chosen(seen, one),
            **_sending(seen, one),
            request_id=sent(label_of(return_id), len(one.labels)).request_id,
            replaces=request.form.get("replaces") or None,
        )
    except NotUnderstood as error:
        return _page(order_id, return_id, sent_form("label", error.sentence, error.field), 422)
    except RetourError as error:
        return _page(order_id, return_id, sent_form("label", sentence_for_customer(error)), 409)
    return redirect(url_for("customer_return.show", return_id=return_id), 303)


@pages.post("/return/<return_id>/labels/<label_id>/cancel")
@for_the_customer
def cancel(order_id: str, return_id: str, label_id: str) -> ResponseReturnValue:
    """He does not need it. Pressed once more, it is being cancelled already."""

    def said(seen: CustomerOrder, one: CustomerReturn) -> str:
        label = next((label for label in one.labels if label.id == label_id), None) or abort(404)
        if label.open and not label.cancel_asked:
            by = Actor.customer(seen.order.customer)
            the_shop().desk.cancel_label(order_id, label_id, by=by, request_id=request_id())
        return str(_("The label is taken back. Do not use it any more."))

    return done(order_id, return_id, "label", said)


@pages.get("/return/<return_id>/labels/<label_id>/document")
@for_the_customer
def show_document(order_id: str, return_id: str, label_id: str) -> ResponseReturnValue:
    """What is printed, or shown where the parcel is handed in."""
    seen = customer_order(the_shop(), order_id)
    one = customer_return(the_shop(), seen, return_id)
    if label_id not in [label.id for label in one.labels]:
        abort(404)
    try:
        document = the_shop().desk.label_document(order_id, label_id, by=Actor.customer(seen.order.customer))
    except RetourError as error:
        return return_page(order_id, return_id, Kept(name="label", error=sentence_for_customer(error)), 409)
    answer = Response(document.content, mimetype=document.media_type, headers={"Cache-Control": "no-store"})
    if document.media_type not in SHOWN_IN_THE_PAGE:
        answer.headers.set("Content-Disposition", "attachment", filename=f"{one.return_.number}.pdf")
    return answer


def _page(order_id: str, return_id: str, kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    seen = customer_order(the_shop(), order_id)
    one = customer_return(the_shop(), seen, return_id)
    kept = kept or Kept()
    if not one.can_order_label:
        if kept.error:
            flash(kept.error)
        return redirect(url_for("customer_return.show", return_id=return_id), 303)
    label = making(label_of(return_id), len(one.labels))
    try:
        options = [] if label is None or label.is_made else _offered(seen, one)
    except RetourError as error:
        options = []
        kept = kept if kept.error else Kept(name="label", error=sentence_for_customer(error))
    page = render_template(
        "customer_label.html", view=seen, one=one, label=label, options=options, name_of=called, kept=kept
    )
    return page, status


def _offered(seen: CustomerOrder, one: CustomerReturn) -> Sequence[LabelOption]:
    """Of what the provider sells, the cheapest of each form that a customer hands in himself: the shop pays for it."""
    offered: dict[str, LabelOption] = {}
    for option in the_shop().desk.label_options(seen.order.id, **_sending(seen, one)):
        if not option.pick_up:
            offered.setdefault(option.form.value, option)
    return list(offered.values())


def _chosen(seen: CustomerOrder, one: CustomerReturn) -> LabelOption:
    found = chosen(_offered(seen, one), request.form.get("option", ""))
    if found is None:
        raise NotUnderstood("option", _("Choose how you hand the parcel in."))
    return found


def _sending(seen: CustomerOrder, one: CustomerReturn) -> Sending:
    by = Actor.customer(seen.order.customer)
    return sending(the_shop(), seen.order, one.return_.requested, by) or abort(404)
