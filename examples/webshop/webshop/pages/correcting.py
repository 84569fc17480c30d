"""Putting a count right: what was in a parcel was something else than somebody counted."""

from __future__ import annotations

import hashlib

import attrs
from flask import Blueprint, abort, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Connection

from retour import Counted, Order, Outcome, Receipt, RetourError
from webshop.forms import Kept, NotUnderstood, request_id, sent_form, text_of, units_of
from webshop.languages import reader_language
from webshop.login import merchant
from webshop.pages.order import after_counting
from webshop.returns import saved_with_status
from webshop.running import the_shop

pages = Blueprint("correcting", __name__)

FORM = "correct"


@pages.get("/orders/<order_id>/receipts/<receipt_id>")
def show(order_id: str, receipt_id: str) -> ResponseReturnValue:
    """The form, with what was counted in it."""
    return _page(order_id, receipt_id)


@pages.post("/orders/<order_id>/receipts/<receipt_id>")
def save(order_id: str, receipt_id: str) -> ResponseReturnValue:
    """The merchant says what was really there."""
    _receipt(order_id, receipt_id)  # else there is no such page
    try:
        outcome = saved_with_status(
            the_shop(), order_id, lambda connection: [_correct(order_id, receipt_id, connection)]
        )
    except NotUnderstood as error:
        return _page(order_id, receipt_id, sent_form(FORM, error.sentence, error.field), 422)
    except RetourError as error:
        return _page(order_id, receipt_id, sent_form(FORM, error.text(reader_language())), 409)
    return after_counting(order_id, outcome)


def _correct(order_id: str, receipt_id: str, connection: Connection) -> Outcome:
    """Write the counts that were typed, unless somebody else put them right since the form was shown."""
    form, receipt, note = request_id(), _receipt(order_id, receipt_id), text_of("note") or None
    counts = [_typed(one) for one in counts_of(_order(order_id), receipt)]
    as_it_is = counts == counts_of(_order(order_id), receipt)
    if not as_it_is and request.form.get("was") != seen_as(receipt):
        raise NotUnderstood("", _("This count was put right by somebody meanwhile. Look again, then save."))
    return the_shop().desk.correct_receipt(
        order_id, receipt_id, counts, by=merchant(), request_id=form, note=note, connection=connection
    )


def counts_of(order: Order, receipt: Receipt) -> list[Counted]:
    """What was counted of each product of an order that went out, also where that was nothing."""
    there = [line.id for line in order.goods if line.fulfilled or line.id in receipt.lines]
    return [receipt.lines.get(line_id, Counted(line_id=line_id)) for line_id in there]


def seen_as(receipt: Receipt) -> str:
    """What tells whether a count is still what a form showed."""
    return hashlib.sha256(repr(sorted(map(str, receipt.lines.values()))).encode()).hexdigest()[:32]


def _typed(count: Counted) -> Counted:
    """What was typed for a line; what no form asks for stays as it is."""
    line_id = count.line_id
    return attrs.evolve(
        count,
        sellable=units_of(f"sellable-{line_id}"),
        damaged=units_of(f"damaged-{line_id}"),
        missing=units_of(f"missing-{line_id}"),
        wrong=units_of(f"wrong-{line_id}"),
    )


def _page(order_id: str, receipt_id: str, kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    order, receipt = _order(order_id), _receipt(order_id, receipt_id)
    return_ = the_shop().desk.dossier(order_id).return_of_receipt(receipt_id)
    page = render_template(
        "correct.html",
        order=order,
        return_=return_,
        receipt=receipt,
        counts=counts_of(order, receipt),
        was=seen_as(receipt),
        kept=kept or Kept(),
    )
    return page, status


def _receipt(order_id: str, receipt_id: str) -> Receipt:
    """Raises `UnknownReceipt`."""
    return the_shop().desk.dossier(order_id).return_of_receipt(receipt_id).receipts[receipt_id]


def _order(order_id: str) -> Order:
    return the_shop().port.order(order_id) or abort(404)
