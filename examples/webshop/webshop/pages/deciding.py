"""Deciding about a return that waits for it: the goods may come back, or they may not."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import GoodsState, RetourError
from webshop.forms import NotUnderstood, day_of, request_id, sent_form, text_of
from webshop.languages import reader_language
from webshop.login import merchant
from webshop.pages.order import order_page
from webshop.returns import nothing_changed
from webshop.running import the_shop

pages = Blueprint("deciding", __name__)


@pages.post("/orders/<order_id>/returns/<return_id>/approve")
def approve(order_id: str, return_id: str) -> ResponseReturnValue:
    """The goods may come back. Pressed once more with the same, nothing changes."""

    def decide() -> str:
        given = request.form.get("send_by", "")
        send_by = day_of(given)
        if given and send_by is None:
            raise NotUnderstood("send_by", _("Give a day, or leave it empty."))
        instructions = text_of("instructions") or None
        the_shop().desk.approve_return(
            order_id,
            return_id,
            by=merchant(),
            request_id=request_id(),
            send_by=send_by,
            instructions=instructions,
        )
        is_so = _goods(order_id, return_id) is GoodsState.APPROVED
        return str(_("The return is approved.")) if is_so else nothing_changed()

    return _decided(order_id, f"approve-{return_id}", decide)


@pages.post("/orders/<order_id>/returns/<return_id>/reject")
def reject(order_id: str, return_id: str) -> ResponseReturnValue:
    """They may not, and the customer reads why. Pressed once more, it is rejected already."""

    def decide() -> str:
        because, desk = text_of("because"), the_shop().desk
        if not because:
            raise NotUnderstood("because", _("Say why: the customer reads it."))
        if _goods(order_id, return_id) is not GoodsState.REJECTED:
            desk.reject_return(order_id, return_id, by=merchant(), request_id=request_id(), because=because)
        is_so = _goods(order_id, return_id) is GoodsState.REJECTED
        return str(_("The return is rejected.")) if is_so else nothing_changed()

    return _decided(order_id, f"reject-{return_id}", decide)


def _goods(order_id: str, return_id: str) -> GoodsState:
    return the_shop().desk.dossier(order_id).return_(return_id).goods


def _decided(order_id: str, form: str, decide: Callable[[], str]) -> ResponseReturnValue:
    """Decide, say so, and show the order; with the form again as it was sent, where that could not be."""
    try:
        flash(decide())
    except NotUnderstood as error:
        return order_page(order_id, sent_form(form, error.sentence, error.field), 422)
    except RetourError as error:
        return order_page(order_id, sent_form(form, error.text(reader_language())), 409)
    return redirect(url_for("order.show", order_id=order_id), 303)
