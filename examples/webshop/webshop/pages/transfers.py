"""Refunds by bank transfer: those that wait, a file for the bank with many of them, and the statement that says which
were paid."""

from __future__ import annotations

import datetime
import re
import uuid
from collections.abc import Callable, Mapping, Sequence

import attrs
from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from retour import InvalidArgument, Outcome, RefundSummary, RefundWait, RetourError, reading
from retour_manual_transfer.batch import Debtor, pain001
from retour_manual_transfer.statement import StatementLine, StatementMatch, confirm_statement
from retour_manual_transfer.statement_file import read_statement
from retour_manual_transfer.target_days import next_target_day
from retour_manual_transfer.waiting import put_in_batch, transfers_of
from webshop.forms import Kept, NotUnderstood, request_id, sent_form
from webshop.languages import reader_language, say
from webshop.login import merchant
from webshop.orders import customers_of
from webshop.running import the_shop
from webshop.steps import confirm_refund

pages = Blueprint("transfers", __name__)

PAGE = 50
"""Refunds on a page, and so the most that one file for the bank is begun with."""

MADE_AT = "%Y%m%d-%H%M%S"
"""The moment in a batch's name: the file that is downloaded again is then the same to the byte."""

_BATCH = re.compile(r"(\d{8}-\d{6})-[0-9a-f]{8}")


@pages.get("/transfers")
def show() -> ResponseReturnValue:
    """Those that wait for the merchant, and those that the bank has in a file."""
    return _page()


@pages.get("/transfers/<batch>")
def show_batch(batch: str) -> ResponseReturnValue:
    """What waits in one file for the bank."""
    return _page(batch=batch)


# --- a file for the bank ---------------------------------------------------------------------------------


@pages.post("/transfers/batch")
def make_batch() -> ResponseReturnValue:
    """Put the refunds that were chosen in a file. The form holds the file's name, so that the same form makes one."""
    shop, by, form = the_shop(), merchant(), "batch"
    batch, chosen = request.form.get("batch", ""), frozenset(request.form.getlist("refund"))
    _made_at(batch) or abort(400)
    try:
        request_id()
        if not chosen:
            raise NotUnderstood("refund", _("Choose at least one refund."))
        waiting = transfers_of(shop.desk, dict.fromkeys(request.form.getlist("order")))
        ready = [one for one in waiting.transfers if one.refund_id in chosen]
        inside = put_in_batch(shop.desk, ready, batch, by=by)
    except NotUnderstood as error:
        return _page(sent_form(form, error.sentence, error.field), 422)
    except RetourError as error:
        return _page(sent_form(form, error.text(reader_language())), 409)
    for one in waiting.not_ready:
        if one.refund.refund_id in chosen:
            flash(_("Order %(id)s: %(why)s", id=one.refund.order_id, why=say(one.instruction)))
    if inside:
        flash(ngettext("%(num)d refund is in the file.", "%(num)d refunds are in the file.", len(inside)))
    here = url_for("transfers.show_batch", batch=batch) if _in_batch(batch) else url_for("transfers.show")
    return redirect(here, 303)


@pages.get("/transfers/<batch>.xml")
def download(batch: str) -> ResponseReturnValue:
    """The file for the bank (pain.001): of what is in the batch and still waits."""
    shop, made_at = the_shop(), _made_at(batch) or abort(404)
    transfers = transfers_of(shop.desk, _in_batch(batch), batch=batch).transfers
    if not transfers:
        abort(404)
    written = pain001(
        Debtor(name=shop.pays_from.name, iban=shop.pays_from.iban),
        transfers,
        batch_id=batch,
        execution_date=next_target_day(made_at.date()),
        created_at=made_at,
    )
    headers = {"Content-Disposition": f"attachment; filename={batch}.xml", "Cache-Control": "no-store"}
    return Response(written, mimetype="application/xml", headers=headers)


@pages.post("/orders/<order_id>/refunds/<refund_id>/out-of-batch")
def take_out(order_id: str, refund_id: str) -> ResponseReturnValue:
    """It is in no file any more, so that it can be cancelled or be in another one."""
    desk, by = the_shop().desk, merchant()
    return _done(
        f"{refund_id}-out", lambda: desk.set_refund_batch(order_id, refund_id, "", by=by, request_id=request_id())
    )


@pages.post("/orders/<order_id>/refunds/<refund_id>/transferred")
def confirm(order_id: str, refund_id: str) -> ResponseReturnValue:
    """The merchant transferred it by hand, and says what his bank calls that."""
    desk, by = the_shop().desk, merchant()
    return _done(f"{refund_id}-confirm", lambda: confirm_refund(desk, order_id, refund_id, by))


def _done(form: str, command: Callable[[], Outcome]) -> ResponseReturnValue:
    try:
        outcome = command()
    except NotUnderstood as error:
        return _page(sent_form(form, error.sentence, error.field), 422)
    except RetourError as error:
        return _page(sent_form(form, error.text(reader_language())), 409)
    flash(_("Saved.") if outcome.changed else _("Nothing has changed."))
    return redirect(url_for("transfers.show"), 303)


# --- the bank's statement --------------------------------------------------------------------------------


@attrs.frozen(kw_only=True)
class StatementView:
    """What came of a statement: what of it was matched, and the lines that name no refund of this shop."""

    name: str
    match: StatementMatch
    others: Sequence[StatementLine]


@pages.post("/transfers/statement")
def read() -> ResponseReturnValue:
    """The merchant gives the file of his bank. The same one again changes nothing."""
    shop, file = the_shop(), request.files.get("statement")
    try:
        request_id()
        if file is None or not file.filename:
            raise NotUnderstood("statement", _("Choose the file of your bank."))
        lines = read_statement(file.filename[:200], file.read(), iban=shop.pays_from.iban)
        match = confirm_statement(shop.desk, lines, by=merchant())
    except NotUnderstood as error:
        return _page(sent_form("statement", error.sentence, error.field), 422)
    except RetourError as error:
        return _page(sent_form("statement", error.text(reader_language()), "statement"), 422)
    told = {line for one in match.to_look_at for line in one.lines}
    told |= {one.line for one in match.paid}
    told |= {line for one in match.came_back for line in (one.line, one.paid) if line is not None}
    others = [line for line in lines if line not in told]
    return render_template("statement.html", view=StatementView(name=file.filename[:200], match=match, others=others))


# --- the list --------------------------------------------------------------------------------------------


def _page(kept: Kept | None = None, status: int = 200, *, batch: str | None = None) -> ResponseReturnValue:
    shop, after = the_shop(), request.args.get("after") or None
    if batch is not None and _made_at(batch) is None:
        abort(404)
    wanted = RefundWait.BANK if batch is not None else (RefundWait.TRANSFER, RefundWait.BANK)
    try:
        page = shop.desk.list_refunds(waits_for=wanted, batch=batch, oldest_first=True, limit=PAGE, after=after)
    except InvalidArgument:  # an address that somebody typed
        abort(404)
    order_ids = [one.order_id for one in page.refunds]
    with reading(shop.engine) as connection:
        customers = customers_of(connection, order_ids)
    rows: Mapping[bool, list[RefundSummary]] = {True: [], False: []}
    for one in page.refunds:
        rows[one.waits_for is RefundWait.BANK].append(one)
    template = render_template(
        "transfers.html",
        waiting=rows[False],
        at_the_bank=rows[True],
        batch=batch,
        new_batch=_new_batch(),
        customers=customers,
        totals=shop.desk.total_refunds(waits_for=wanted, batch=batch),
        after=after,
        following=page.next,
        kept=kept or Kept(),
    )
    return template, status


def _in_batch(batch: str) -> list[str]:
    """The orders of what waits in a batch, of which there is at most a page."""
    rows = the_shop().desk.list_refunds(waits_for=RefundWait.BANK, batch=batch, limit=PAGE).refunds
    return [one.order_id for one in rows]


def _new_batch() -> str:
    """A name for a file that is begun now, by the clock of the shop's zone."""
    return f"{the_shop().now.strftime(MADE_AT)}-{uuid.uuid4().hex[:8]}"


def _made_at(batch: str) -> datetime.datetime | None:
    """When a batch was begun, as its name says; None for what is no name of ours."""
    named = _BATCH.fullmatch(batch)
    if named is None:
        return None
    try:
        return datetime.datetime.strptime(named[1], MADE_AT)  # noqa: DTZ007 - the file has the shop's own time
    except ValueError:
        return None
