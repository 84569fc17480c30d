"""Counting what came back of an order, product by product."""

from __future__ import annotations

from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import Counted, RetourError
from webshop.forms import Kept, NotUnderstood, sent_form, text_of, units_of
from webshop.languages import reader_language
from webshop.login import merchant
from webshop.once import making, sent, to_the_next
from webshop.order_view import view_of
from webshop.pages.order import after_counting
from webshop.returns import saved_with_status
from webshop.running import the_shop

pages = Blueprint("counting", __name__)

WHAT = ("sellable", "damaged", "missing", "wrong")
"""What a unit can be found to be."""


@pages.get("/orders/<order_id>/count")
def show(order_id: str) -> ResponseReturnValue:
    """The form of the next count."""
    made = _made(order_id)
    return to_the_next(made) if making("count", made) is None else _page(order_id)


@pages.post("/orders/<order_id>/count")
def save(order_id: str) -> ResponseReturnValue:
    """The merchant counted a parcel."""
    desk, by = the_shop().desk, merchant()
    try:
        form, note, parcel = sent("count", _made(order_id)), text_of("note") or None, text_of("parcel", 100)
        counted = counted_lines()
        if not counted:
            raise NotUnderstood("", _("Count at least one unit."))
        outcome = saved_with_status(
            the_shop(),
            order_id,
            lambda connection: [
                desk.mark_returned(
                    order_id,
                    counted,
                    by=by,
                    request_id=form.request_id,
                    parcel=parcel,
                    note=note,
                    connection=connection,
                )
            ],
        )
    except NotUnderstood as error:
        return _page(order_id, sent_form("count", error.sentence, error.field), 422)
    except RetourError as error:
        return _page(order_id, sent_form("count", error.text(reader_language())), 409)
    return after_counting(order_id, outcome)


def counted_lines() -> list[Counted]:
    """What was typed for each line, without lines of which nothing was."""
    lines = [field.removeprefix("sellable-") for field in request.form if field.startswith("sellable-")]
    counted = [Counted(line_id=line, **{what: units_of(f"{what}-{line}") for what in WHAT}) for line in lines if line]
    return [one for one in counted if not one.empty]


def _page(order_id: str, kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    view = view_of(the_shop(), order_id) or abort(404)
    count = making("count", _made(order_id))
    return render_template("count.html", view=view, count=count, kept=kept or Kept()), status


def _made(order_id: str) -> int:
    """How many counts there are of an order."""
    return sum(len(one.receipts) for one in the_shop().desk.dossier(order_id).returns.values())
