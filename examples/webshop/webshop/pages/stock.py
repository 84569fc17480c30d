"""The question about the stock of a return: OK, Cancel, or per product."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import Blueprint, abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Connection

from retour import Counted, Outcome, RestockDecision, RetourError, Return
from webshop.forms import NotUnderstood, id_of_part, request_id, sent_form, units_of
from webshop.languages import reader_language
from webshop.login import merchant
from webshop.pages.order import order_page
from webshop.returns import saved_with_status, told
from webshop.running import the_shop

pages = Blueprint("stock", __name__)

NOT_SELLABLE = ("damaged", "missing", "wrong")
"""What units turn out to be that had been taken for sellable."""


@pages.get("/orders/<order_id>/stock/<return_id>")
def show(order_id: str, return_id: str) -> ResponseReturnValue:
    """The question, in front of its order; the order alone where somebody has answered."""
    if not _is_open(order_id, return_id):
        return redirect(url_for("order.show", order_id=order_id), 303)
    return order_page(order_id, asked=return_id)


@pages.post("/orders/<order_id>/stock/<return_id>")
def answer(order_id: str, return_id: str) -> ResponseReturnValue:
    """The merchant's answer. Once there is one, another changes nothing."""
    try:
        outcome = saved_with_status(the_shop(), order_id, lambda connection: _answer(order_id, return_id, connection))
    except _Answered:
        flash(_("The question about the stock had been answered before."))
        return redirect(url_for("order.show", order_id=order_id), 303)
    except NotUnderstood as error:
        return order_page(order_id, sent_form("stock", error.sentence, error.field), 422, asked=return_id)
    except RetourError as error:
        return order_page(order_id, sent_form("stock", error.text(reader_language())), 409, asked=return_id)
    flash(told(outcome))
    return redirect(url_for("order.show", order_id=order_id), 303)


class _Answered(Exception):
    """Somebody was faster, or pressed twice."""


def _is_open(order_id: str, return_id: str) -> bool:
    found = the_shop().desk.dossier(order_id).returns.get(return_id)
    return found is not None and found.question_open


def _answer(order_id: str, return_id: str, connection: Connection) -> Sequence[Outcome]:
    form, desk, by, chosen = request_id(), the_shop().desk, merchant(), request.form.get("answer")
    if not _is_open(order_id, return_id):  # the order is locked here, so nobody answers in between
        raise _Answered
    if chosen == "per_product":
        return _answer_per_product(desk.dossier(order_id).return_(return_id), order_id, form, connection)
    if chosen not in _ANSWERS:
        raise NotUnderstood("answer", _("Choose one of the answers."))
    answer = desk.answer_restock(order_id, return_id, _ANSWERS[chosen], by=by, request_id=form, connection=connection)
    return [answer]


_ANSWERS = {"ok": RestockDecision.all(), "cancel": RestockDecision.by_hand()}


def _answer_per_product(return_: Return, order_id: str, form: str, connection: Connection) -> Sequence[Outcome]:
    """First what was counted is corrected, then the rest of it is answered for, if anything is left to ask about."""
    desk, by, found = the_shop().desk, merchant(), _found(return_, order_id)
    corrections = [
        desk.correct_receipt(
            order_id, receipt_id, lines, by=by, request_id=id_of_part(form, receipt_id), connection=connection
        )
        for receipt_id, lines in corrected(return_, found).items()
    ]
    if corrections and not corrections[-1].restock.needs_answer:
        return corrections
    in_stock = {line_id: units["stock"] for line_id, units in found.items() if units["stock"]}
    decision = RestockDecision.lines(in_stock) if in_stock else RestockDecision.by_hand()
    answer = desk.answer_restock(order_id, return_.id, decision, by=by, request_id=form, connection=connection)
    return [*corrections, answer]


def _found(return_: Return, order_id: str) -> Mapping[str, Mapping[str, int]]:
    """What was typed for each line: how many go in stock, and how many are no sellable ones after all."""
    order = the_shop().port.order(order_id) or abort(404)
    found = {}
    for line_id, units in return_.undecided(order).items():
        typed = {what: units_of(f"{what}-{line_id}") for what in ("stock", *NOT_SELLABLE)}
        if sum(typed.values()) > units:
            raise NotUnderstood(f"stock-{line_id}", _("Of this product %(units)d wait for an answer.", units=units))
        found[line_id] = typed
    return found


def corrected(return_: Return, found: Mapping[str, Mapping[str, int]]) -> Mapping[str, list[Counted]]:
    """The counts of its receipts, by their id, in which fewer units are sellable than was thought: the newest first."""
    left = {line_id: {what: units[what] for what in NOT_SELLABLE} for line_id, units in found.items()}
    changes: dict[str, list[Counted]] = {}
    for receipt in reversed(list(return_.receipts.values())):
        for line_id, count in receipt.lines.items():
            moved: dict[str, int] = {}
            for what in NOT_SELLABLE:
                moved[what] = min(left.get(line_id, {}).get(what, 0), count.sellable - sum(moved.values()))
            if any(moved.values()):
                changes.setdefault(receipt.id, []).append(_less_sellable(count, moved))
                left[line_id] = {what: left[line_id][what] - moved[what] for what in NOT_SELLABLE}
    return changes


def _less_sellable(count: Counted, moved: Mapping[str, int]) -> Counted:
    return Counted(
        line_id=count.line_id,
        sellable=count.sellable - sum(moved.values()),
        damaged=count.damaged + moved["damaged"],
        missing=count.missing + moved["missing"],
        wrong=count.wrong + moved["wrong"],
        to_inspect=count.to_inspect,
        surplus=count.surplus,
    )
