"""The page of an order: what is in it, its status, its payments and refunds, and its history; and saving the status."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import ConsentWay, Dossier, Outcome, RefundSource, RetourError, reading
from webshop.files import OURS, KeptFile, files_of
from webshop.forms import Kept, NotUnderstood, request_id, sent_form, text_of
from webshop.languages import reader_language
from webshop.login import merchant
from webshop.once import Making, making
from webshop.order_view import view_of
from webshop.orders import locked_status, set_status
from webshop.return_view import views_of
from webshop.returns import saved_with_status, told
from webshop.running import the_shop
from webshop.statuses import Status

pages = Blueprint("order", __name__)


@pages.get("/orders/<order_id>")
def show(order_id: str) -> ResponseReturnValue:
    """The page."""
    return order_page(order_id)


@pages.get("/orders/<order_id>/now")
def show_now(order_id: str) -> ResponseReturnValue:
    """The refunds, the history and the sums alone, for a page that looks again by itself."""
    view = view_of(the_shop(), order_id) or abort(404)
    return render_template("now.html", view=view, files=_files(order_id), kept=Kept())


@pages.post("/orders/<order_id>/status")
def save_status(order_id: str) -> ResponseReturnValue:
    """The merchant chose a status and pressed Save. "Returned" runs the return."""
    wanted = next((one for one in Status if one.value == request.form.get("status")), None) or abort(400)
    try:
        if wanted is Status.PARTLY_RETURNED:
            flash(_("Count which units came back; the status follows from that."))
            return redirect(url_for("counting.show", order_id=order_id), 303)
        if wanted is not Status.RETURNED:
            return _save_own_status(order_id, wanted)
        outcome = _mark_returned(order_id)
    except NotUnderstood as error:
        return order_page(order_id, sent_form("status", error.sentence, error.field), 422)
    except RetourError as error:
        return order_page(order_id, sent_form("status", error.text(reader_language()), "status"), 409)
    return after_counting(order_id, outcome)


def after_counting(order_id: str, outcome: Outcome) -> ResponseReturnValue:
    """Where the merchant goes from a count: to the question about the stock where one is open, else to the order."""
    asked = next((one.return_id for one in outcome.returns if one.restock.needs_answer), None)
    if asked is not None:
        return redirect(url_for("stock.show", order_id=order_id, return_id=asked), 303)
    flash(told(outcome))
    return redirect(url_for("order.show", order_id=order_id), 303)


def order_page(
    order_id: str, kept: Kept | None = None, status: int = 200, *, asked: str | None = None
) -> ResponseReturnValue:
    """The page, with a form that is shown again as it was sent, or with the question about the stock of a return."""
    view = view_of(the_shop(), order_id) or abort(404)
    question = next((one for one in view.open_questions if one.id == asked), None)
    files = _files(order_id)
    page = render_template(
        "order.html",
        view=view,
        kept=kept or Kept(),
        statuses=list(Status),
        question=question,
        returns=views_of(view.dossier, view.can_do, view.history),
        ours=OURS,
        files=files,
        kept_files={file.id for several in files.values() for file in several},
        files_kept=the_shop().files_kept,
        consent_ways=list(ConsentWay),
        asked={one.option.payment.id: _refund_asked(view.dossier, one.option.payment.id) for one in view.payments},
    )
    return page, status


def _files(order_id: str) -> Mapping[str, Sequence[KeptFile]]:
    """The files of the order, by what they belong to."""
    with reading(the_shop().engine) as connection:
        return files_of(connection, order_id)


def refund_of(payment: str) -> str:
    """What the form of a payment makes: a refund of it."""
    return f"refund {payment}"


def refunds_made(dossier: Dossier, payment: str) -> int:
    """How many refunds of a payment there are. Those that somebody made at the provider of his own accord count as
    none: one of them can turn out to be one of these."""
    return sum(one.payment == payment and one.source is not RefundSource.EXTERNAL for one in dossier.refunds.values())


def _refund_asked(dossier: Dossier, payment: str) -> Making:
    """The refund for which a payment's form is: the one that the address names, else the first."""
    kind, made = refund_of(payment), refunds_made(dossier, payment)
    named = making(kind, made) if request.values.get("payment") == payment else None
    return named or Making(kind=kind, made=made, number=1)


def _mark_returned(order_id: str) -> Outcome:
    form, by, desk, note = request_id(), merchant(), the_shop().desk, text_of("note") or None
    return saved_with_status(
        the_shop(),
        order_id,
        lambda connection: [desk.mark_returned(order_id, by=by, request_id=form, note=note, connection=connection)],
    )


def _save_own_status(order_id: str, wanted: Status) -> ResponseReturnValue:
    """A status of which retour hears nothing. What somebody else saved since the form was shown is not overwritten."""
    with the_shop().engine.begin() as connection:
        now = locked_status(connection, order_id) or abort(404)
        changed = now is not wanted
        if changed and request.form.get("was") != now.value:
            sentence = _("The status was changed to “%(status)s” meanwhile. Look again, then save.", status=now.words)
            raise NotUnderstood("status", sentence)
        if changed:
            set_status(connection, order_id, wanted)
    if changed and now in (Status.RETURNED, Status.PARTLY_RETURNED):
        flash(_("The status is saved. What was counted as returned, and its stock, stays as it is."))
    else:
        flash(_("The status is saved."))
    return redirect(url_for("order.show", order_id=order_id), 303)
