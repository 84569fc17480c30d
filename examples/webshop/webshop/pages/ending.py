"""Ending a return of which nothing, or nothing more, will come; and letting one go on that had ended."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import DeskStep, Outcome, RetourError, ReturnDesk
from webshop.forms import NotUnderstood, request_id, sent_form, text_of
from webshop.languages import reader_language, say
from webshop.login import merchant
from webshop.pages.order import order_page
from webshop.return_view import ENDINGS
from webshop.returns import nothing_changed
from webshop.running import the_shop

pages = Blueprint("ending", __name__)


@pages.post("/orders/<order_id>/returns/<return_id>/end")
def save(order_id: str, return_id: str) -> ResponseReturnValue:
    """The merchant chose one of the `ENDINGS`. The same form again changes nothing."""
    step = next((one for one in ENDINGS if one.value == request.form.get("step")), None) or abort(400)
    desk, form = the_shop().desk, f"end-{return_id}"
    try:
        note = text_of("note") or None
        outcome = _ENDS[step](desk)(order_id, return_id, by=merchant(), request_id=request_id(), note=note)
    except NotUnderstood as error:
        return order_page(order_id, sent_form(form, error.sentence, error.field), 422)
    except RetourError as error:
        return order_page(order_id, sent_form(form, error.text(reader_language())), 409)
    return_ = desk.dossier(order_id).return_(return_id)
    is_so = _("Return %(number)s: %(state)s.", number=return_.number, state=say(return_.goods))
    flash(is_so if outcome.changed else nothing_changed())
    return redirect(url_for("order.show", order_id=order_id), 303)


_ENDS: Mapping[DeskStep, Callable[[ReturnDesk], Callable[..., Outcome]]] = {
    DeskStep.CANCEL_RETURN: lambda desk: desk.cancel_return,
    DeskStep.CLOSE_RETURN: lambda desk: desk.close_return,
    DeskStep.REOPEN_RETURN: lambda desk: desk.reopen_return,
}
