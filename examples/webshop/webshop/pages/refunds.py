"""Giving money back: by the provider's API, at the provider by a link, or by bank transfer; and what became of it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from retour import BankAccount, Consent, ConsentWay, Outcome, RefundState, RetourError
from webshop.files import keep, sent_file
from webshop.forms import Kept, NotUnderstood, amount_of, request_id, sent_form, text_of
from webshop.languages import reader_language, say
from webshop.login import merchant
from webshop.once import sent
from webshop.order_view import view_of
from webshop.orders import set_status
from webshop.pages.order import order_page, refund_of, refunds_made
from webshop.returns import told
from webshop.running import the_shop
from webshop.security import takes_files
from webshop.statuses import Status
from webshop.steps import confirm_refund

pages = Blueprint("refunds", __name__)


@pages.post("/orders/<order_id>/refunds")
def make(order_id: str) -> ResponseReturnValue:
    """The merchant refunds an amount of a payment, in one of three ways."""
    form = f"refund-{request.form.get('payment', '')}"
    return _done(order_id, form, lambda: _make(order_id), show_transfer=True)


def _make(order_id: str) -> Outcome:
    desk, by, payment = the_shop().desk, merchant(), request.form.get("payment", "")
    order = the_shop().port.order(order_id) or abort(404)
    amount, note = amount_of("amount", order.currency), text_of("note") or None
    form = sent(refund_of(payment), refunds_made(desk.dossier(order_id), payment)).request_id
    way = request.form.get("way")
    if way == "api":
        return desk.refund(order_id, payment, amount, by=by, request_id=form, note=note)
    if way == "return":
        return desk.return_and_refund(
            order_id,
            payment,
            amount,
            by=by,
            request_id=form,
            note=note,
            also=lambda connection: set_status(connection, order_id, Status.RETURNED),
        )
    if way == "link":
        return desk.open_refund_link(order_id, payment, amount, by=by, request_id=form, note=note)
    if way == "transfer":
        return desk.refund(
            order_id, payment, amount, by=by, request_id=form, note=note, to=_account(), consent=_consent()
        )
    raise NotUnderstood("way", _("Choose how the money goes back."))


def _account() -> BankAccount | None:
    """The account that was typed; None where none was."""
    name, iban = text_of("account_name", 70), text_of("iban", 50)
    if not name and not iban:
        return None
    if not name or not iban:
        field = "iban" if name else "account_name"
        raise NotUnderstood(field, _("A bank account is a name and an IBAN."))
    return BankAccount(name=name, iban=iban)


def _consent() -> Consent | None:
    """How the customer agreed to another way than he paid; None where nobody says."""
    how = next((one for one in ConsentWay if one.value == request.form.get("consent")), None)
    return None if how is None else Consent(how=how)


# --- what waits for the merchant -------------------------------------------------------------------------


@pages.get("/orders/<order_id>/refunds/<refund_id>")
def show_transfer(order_id: str, refund_id: str) -> ResponseReturnValue:
    """How to make a refund that waits for the merchant: to which account, how much, with which words."""
    return _transfer_page(order_id, refund_id) or redirect(url_for("order.show", order_id=order_id), 303)


@pages.get("/orders/<order_id>/refunds/<refund_id>/qr.svg")
def show_qr_code(order_id: str, refund_id: str) -> ResponseReturnValue:
    """The QR code that fills in a banking app."""
    try:
        transfer = the_shop().desk.refund_link(order_id, refund_id=refund_id).transfer
    except RetourError:
        abort(404)
    if transfer is None or transfer.qr is None:
        abort(404)
    return Response(transfer.qr.svg(), mimetype="image/svg+xml", headers={"Cache-Control": "no-store"})


@pages.post("/orders/<order_id>/refunds/<refund_id>/confirm")
def confirm(order_id: str, refund_id: str) -> ResponseReturnValue:
    """The merchant made it, and says what the bank or the provider calls it."""

    def said() -> Outcome:
        return confirm_refund(the_shop().desk, order_id, refund_id, merchant())

    def again(kept: Kept, status: int) -> ResponseReturnValue:
        by_transfer = the_shop().desk.dossier(order_id).refund(refund_id).by_transfer
        page = _transfer_page(order_id, refund_id, kept, status) if by_transfer else None
        return page or order_page(order_id, kept, status)

    return _done(order_id, f"refund-{refund_id}-confirm", said, again=again)


@pages.post("/orders/<order_id>/refunds/<refund_id>/cancel")
def cancel(order_id: str, refund_id: str) -> ResponseReturnValue:
    """It is not to be made after all."""
    desk, by = the_shop().desk, merchant()
    return _done(
        order_id,
        f"refund-{refund_id}-cancel",
        lambda: desk.cancel_refund(order_id, refund_id, by=by, request_id=request_id()),
    )


@pages.post("/orders/<order_id>/refunds/<refund_id>/retry")
def retry(order_id: str, refund_id: str) -> ResponseReturnValue:
    """It may go on."""
    desk, by = the_shop().desk, merchant()
    return _done(
        order_id,
        f"refund-{refund_id}-retry",
        lambda: desk.retry_refund(order_id, refund_id, by=by, request_id=request_id()),
    )


@pages.post("/orders/<order_id>/refunds/<refund_id>/settle")
@takes_files
def settle(order_id: str, refund_id: str) -> ResponseReturnValue:
    """The merchant says whether it happened, and how he knows."""

    def said() -> Outcome:
        happened, evidence = request.form.get("happened"), text_of("evidence")
        if happened not in ("yes", "no"):
            raise NotUnderstood("happened", _("Say whether the money went back."))
        if not evidence:
            raise NotUnderstood("evidence", _("Say how you know."))
        reference, file = text_of("reference", 200), sent_file("file")
        if happened == "yes" and not (reference or the_shop().desk.dossier(order_id).refund(refund_id).reference):
            raise NotUnderstood("reference", _("Type what the bank or the provider calls it."))
        if file is not None:  # before anybody is asked: where that does not end well, it need not be chosen again
            with the_shop().engine.begin() as connection:
                keep(connection, order_id, refund_id, file)
            evidence = "\n".join([evidence, _("In the file %(name)s.", name=file.name)])
        return the_shop().desk.settle_refund(
            order_id,
            refund_id,
            happened=happened == "yes",
            evidence=evidence,
            reference=reference,
            by=merchant(),
            request_id=request_id(),
        )

    return _done(order_id, f"refund-{refund_id}-settle", said)


@pages.post("/orders/<order_id>/reconcile")
def reconcile(order_id: str) -> ResponseReturnValue:
    """The providers are asked what went back on the payments."""

    def asked() -> Outcome:
        outcome = the_shop().desk.reconcile(order_id)
        for one in outcome.not_asked:
            flash(say(one.why))
        return outcome

    return _done(order_id, "reconcile", asked)


# --- what they have in common ----------------------------------------------------------------------------


def _done(
    order_id: str,
    form: str,
    command: Callable[[], Outcome],
    *,
    show_transfer: bool = False,
    again: Callable[[Kept, int], ResponseReturnValue] | None = None,
) -> ResponseReturnValue:
    """Do it and go back to the order; show the form ``again``, with the id it had, where that could not be: on the page
    of the order, unless it stood elsewhere."""
    again = again or (lambda kept, status: order_page(order_id, kept, status))
    try:
        outcome = command()
    except NotUnderstood as error:
        return again(sent_form(form, error.sentence, error.field), 422)
    except RetourError as error:
        return again(sent_form(form, error.text(reader_language())), 409)
    refund = outcome.refund
    asked = next((one.return_id for one in outcome.returns if one.restock.needs_answer), None)
    if refund is not None:
        flash(_("Refund of %(amount)s: %(state)s.", amount=say(refund.amount), state=say(refund.state)))
        waits = refund.by_transfer and refund.state is RefundState.AWAITING_MERCHANT
        if show_transfer and waits:
            return redirect(url_for("refunds.show_transfer", order_id=order_id, refund_id=refund.id), 303)
    if asked is not None:
        return redirect(url_for("stock.show", order_id=order_id, return_id=asked), 303)
    if outcome.returns:
        flash(told(outcome))
    return redirect(url_for("order.show", order_id=order_id), 303)


def _transfer_page(
    order_id: str, refund_id: str, kept: Kept | None = None, status: int = 200
) -> ResponseReturnValue | None:
    """The page of a transfer that waits; None where it waits no more."""
    view = view_of(the_shop(), order_id) or abort(404)
    shown = next((one for one in view.refunds if one.refund.id == refund_id), None) or abort(404)
    if not shown.is_to_be_made:
        return None
    link = the_shop().desk.refund_link(order_id, refund_id=refund_id)
    return render_template("transfer.html", view=view, shown=shown, link=link, kept=kept or Kept()), status
