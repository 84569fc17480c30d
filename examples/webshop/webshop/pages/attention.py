"""The first page: what does not go on by itself, how long it waits, and what can be done about it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence

import attrs
from flask import Blueprint, abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import format_timedelta
from flask_babel import gettext as _

from retour import AttentionItem, AttentionKind, Outcome, Payment, RetourError, SettingsCheck
from webshop.forms import Kept, NotUnderstood, sent_form
from webshop.languages import reader_language, say
from webshop.login import merchant
from webshop.running import the_shop
from webshop.steps import AT_THE_ORDER, NEEDS, Named, steps_of, take

pages = Blueprint("attention", __name__)

PAGE = 20
"""Items on a page."""


@attrs.frozen(kw_only=True)
class ItemView:
    """Something that needs attention, and the forms with which it can be ended. ``payments`` are those of its order
    now, where it is about one that the order has no more."""

    item: AttentionItem
    payments: Sequence[Payment]

    @property
    def key(self) -> str:
        """The beginning of the names of its forms."""
        named = "\0".join((self.item.kind, self.item.order_id, self.item.about))
        return f"item-{hashlib.sha256(named.encode()).hexdigest()[:12]}"

    @property
    def steps(self) -> Mapping[str, str]:
        """What can be done here, in the words of a button."""
        words = dict(zip(self.item.can_do, self.item.steps, strict=True))
        return {step: capital(say(words[step])) for step in steps_of(self.item)}

    @property
    def at_the_order(self) -> bool:
        """Whether more can be done on the page of its order."""
        return not AT_THE_ORDER.isdisjoint(self.item.can_do)

    @property
    def asks_about_stock(self) -> bool:
        """Whether it is the question about the stock, which has a page of its own."""
        return self.item.kind is AttentionKind.STOCK_QUESTION

    @property
    def waits(self) -> str:
        """For how long: "3 days". Empty where nobody knows."""
        if self.item.since is None:
            return ""
        return str(format_timedelta(the_shop().now - self.item.since, granularity="minute"))


@pages.app_template_filter("capital")
def capital(words: str) -> str:
    """With a capital first, as the words of a button and a heading begin.

    >>> capital("refund it at PayPal")
    'Refund it at PayPal'
    """
    return words[:1].upper() + words[1:]


@pages.get("/attention")
def show() -> ResponseReturnValue:
    """The list."""
    return _page()


@pages.post("/attention")
def act() -> ResponseReturnValue:
    """The merchant does something about one of them."""
    form = request.form
    kind, step = _kind(form.get("kind", "")) or abort(400), form.get("step", "")
    named = Named(kind=kind, order_id=form.get("order", ""), about=form.get("about", ""))
    if step not in NEEDS:
        abort(400)
    name = form.get("form", "")
    try:
        done = take(step, the_shop().desk, named, merchant())
    except NotUnderstood as error:
        return _page(sent_form(name, error.sentence, error.field), 422)
    except RetourError as error:
        return _page(sent_form(name, error.text(reader_language())), 409)
    _tell(done)
    here = url_for("attention.show", kind=request.args.get("kind"), after=request.args.get("after"))
    return redirect(here, 303)


def _tell(done: object) -> None:
    """What came of it, in a sentence."""
    if isinstance(done, SettingsCheck):
        flash(say(done.reason) if done.reason else _("The settings work."))
    elif isinstance(done, Outcome):
        for one in done.not_asked:
            flash(say(one.why))
        flash(_("Saved.") if done.changed else _("Nothing has changed."))
    else:
        flash(_("Saved."))


def _kind(given: str) -> AttentionKind | None:
    return next((one for one in AttentionKind if one.value == given), None)


def _page(kept: Kept | None = None, status: int = 200) -> ResponseReturnValue:
    """The list, with a form that is shown again as it was sent; what was wrong stands on top where its item is gone."""
    shop, kept = the_shop(), kept or Kept()
    kind = _kind(request.args.get("kind", ""))
    after = request.args.get("after")
    try:
        page = shop.desk.attention(kind, limit=PAGE, after=after or None)
    except RetourError:  # an address that somebody typed
        after, page = None, shop.desk.attention(kind, limit=PAGE)
    vanished = [one.order_id for one in page.items if one.kind is AttentionKind.PAYMENT_VANISHED]
    orders = shop.port.read_orders(vanished) if vanished else {}
    items = [
        ItemView(item=one, payments=orders[one.order_id].payments if one.order_id in orders else ())
        for one in page.items
    ]
    shown = {f"{one.key}-{step}" for one in items for step in one.steps}
    template = render_template(
        "attention.html",
        items=items,
        counts=shop.desk.attention_counts(),
        needs=NEEDS,
        kind=kind,
        after=after,
        following=page.next,
        kept=kept,
        gone="" if kept.name in shown else kept.error,
    )
    return template, status
