"""A label that staff orders for a return: choosing one, and taking it back."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import LabelOption, Order, RetourError
from webshop.forms import Kept, NotUnderstood, request_id, sent_form, text_of
from webshop.languages import reader_language, say
from webshop.login import merchant
from webshop.once import making, sent, to_the_next
from webshop.pages.order import order_page
from webshop.parcels import Sending, called, chosen, label_of, sending
from webshop.return_view import ReturnView
from webshop.running import the_shop

pages = Blueprint("staff_label", __name__)

FORM = "label"

MOST_OPTIONS = 50
"""Labels to choose from on a page: the desk gives the cheapest first."""


@pages.get("/orders/<order_id>/returns/<return_id>/label")
def show(order_id: str, return_id: str) -> ResponseReturnValue:
    """The labels to choose from. Nothing is bought."""
    made = len(_view(order_id, return_id).labels)
    return to_the_next(made) if making(label_of(return_id), made) is None else _page(order_id, return_id)


@pages.post("/orders/<order_id>/returns/<return_id>/label")
def order(order_id: str, return_id: str) -> ResponseReturnValue:
    """One was chosen."""
    desk, one, seen = the_shop().desk, _view(order_id, return_id), _order(order_id)
    try:
        label = sent(label_of(return_id), len(one.labels))
        place, note = request.form.get("place", ""), text_of("note") or None
        outcome = desk.order_label(
            order_id,
            return_id,
            _chosen(seen, one),
            **_sending(seen, one),
            request_id=label.request_id,
            another_parcel=place == "beside",
            replaces=place.removeprefix("of ") if place.startswith("of ") else None,
            note=note,
        )
    except NotUnderstood as error:
        return _page(order_id, return_id, sent_form(FORM, error.sentence, error.field), 422)
    except RetourError as error:
        return _page(order_id, return_id, sent_form(FORM, error.text(reader_language())), 409)
    if outcome.label is not None:
        flash(_("Label: %(state)s.", state=say(outcome.label.state)))
    return redirect(url_for("order.show", order_id=order_id), 303)


@pages.post("/orders/<order_id>/labels/<label_id>/cancel")
def cancel(order_id: str, label_id: str) -> ResponseReturnValue:
    """Nobody needs it. Pressed once more, it is being cancelled already."""
    desk, label = the_shop().desk, the_shop().desk.dossier(order_id).label(label_id)
    try:
        if label.open and not label.cancel_asked:
            desk.cancel_label(order_id, label_id, by=merchant(), request_id=request_id())
    except NotUnderstood as error:
        return order_page(order_id, sent_form(f"label-{label_id}", error.sentence, error.field), 422)
    except RetourError as error:
        return order_page(order_id, sent_form(f"label-{label_id}", error.text(reader_language())), 409)
    flash(_("The label is taken back, if its provider still can."))
    return redirect(url_for("order.show", order_id=order_id), 303)


def _page(order_id: str, return_id: str, kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    seen, one, kept = _order(order_id), _view(order_id, return_id), kept or Kept()
    label = making(label_of(return_id), len(one.labels))
    options: Sequence[LabelOption] = ()
    left_out = 0
    if one.can_order_label and label is not None and not label.is_made:
        try:
            options = _offered(seen, one)
            options, left_out = options[:MOST_OPTIONS], len(options[MOST_OPTIONS:])
        except RetourError as error:
            kept = kept if kept.error else Kept(name=FORM, error=error.text(reader_language()))
    page = render_template(
        "staff_label.html",
        order=seen,
        one=one,
        label=label,
        options=options,
        left_out=left_out,
        name_of=called,
        kept=kept,
    )
    return page, status


def _offered(seen: Order, one: ReturnView) -> Sequence[LabelOption]:
    return the_shop().desk.label_options(seen.id, **_sending(seen, one))


def _chosen(seen: Order, one: ReturnView) -> LabelOption:
    found = chosen(_offered(seen, one), request.form.get("option", ""))
    if found is None:
        raise NotUnderstood("option", _("Choose a label."))
    return found


def _sending(seen: Order, one: ReturnView) -> Sending:
    """What is still to come of the return."""
    return sending(the_shop(), seen, one.return_.outstanding(), merchant()) or abort(404)


def _view(order_id: str, return_id: str) -> ReturnView:
    dossier = the_shop().desk.dossier(order_id)
    can_do = the_shop().desk.can_do(order_id, by=merchant())
    return ReturnView(return_=dossier.return_(return_id), can_do=can_do, labels=dossier.labels_of(return_id), files=())


def _order(order_id: str) -> Order:
    return the_shop().port.order(order_id) or abort(404)
