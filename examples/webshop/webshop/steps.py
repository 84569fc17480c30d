"""What a merchant can do by hand about something that needs attention: each step is a method of the desk, by the name
that `AttentionItem.can_do` gives it, with what has to be said for it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import attrs
from flask import request
from flask_babel import gettext as _

from retour import Actor, AttentionItem, AttentionKind, Outcome, ReturnDesk
from webshop.forms import NotUnderstood, request_id, text_of


@attrs.frozen(kw_only=True)
class Named:
    """Something on the list, as a form names it."""

    kind: AttentionKind
    order_id: str
    about: str


NEEDS: Mapping[str, tuple[str, ...]] = {
    "acknowledge": ("note",),
    "cancel_label": (),
    "cancel_refund": (),
    "cancel_return": (),
    "check_settings": (),
    "confirm_refund": ("reference",),
    "explain_payment": ("became",),
    "match_refund": ("ours",),
    "reconcile": (),
    "reopen_return": (),
    "retry_refund": (),
    "retry_set_aside": (),
    "reverse_refund": ("reference",),
    "set_refund_batch": (),
    "set_unreadable_aside": ("because",),
    "settle_label": ("happened", "reference", "note"),
    "settle_refund": ("happened", "evidence", "reference"),
}
"""The steps that are taken on the list itself, with the fields of their form."""

AT_THE_ORDER = frozenset({"refund", "open_refund_link"})
"""Those for which there is a form on the page of the order."""


def steps_of(item: AttentionItem) -> list[str]:
    """What can be done about it on the list, the first to think of first."""
    # what is owed and can only be transferred is about a payment, and no refund is there to be confirmed
    left_out = {"confirm_refund"} if item.kind is AttentionKind.REMAINDER else set()
    return [step for step in item.can_do if step in NEEDS and step not in left_out]


def take(step: str, desk: ReturnDesk, named: Named, by: Actor) -> object:
    """Do what the merchant chose. Raises `NotUnderstood` for a field, and what the desk raises."""
    request_id()  # each form has one, also that of a step which needs none
    return _TAKE[step](desk, named, by)


def _acknowledge(desk: ReturnDesk, named: Named, by: Actor) -> object:
    return desk.acknowledge(named.order_id, named.kind, named.about, by=by, note=text_of("note") or None)


def confirm_refund(desk: ReturnDesk, order_id: str, refund_id: str, by: Actor) -> Outcome:
    """A person made a refund, and says in his form what the bank or the provider calls it. Raises `NotUnderstood` where
    he does not, and what the desk raises."""
    refund = desk.dossier(order_id).refund(refund_id)
    return desk.confirm_refund(
        order_id,
        refund.payment,
        refund.amount,
        reference=_needed("reference", _("Type what the bank or the provider calls it.")),
        by=by,
        request_id=request_id(),
        refund_id=refund.id,
    )


def _explain(desk: ReturnDesk, named: Named, by: Actor) -> object:
    became = _needed("became", _("Say what the payment became."))
    return desk.explain_payment(
        named.order_id, named.about, became=None if became == "none" else became, by=by, request_id=request_id()
    )


def _match(desk: ReturnDesk, named: Named, by: Actor) -> object:
    ours = _needed("ours", _("Say which of your refunds it is."))
    return desk.match_refund(named.order_id, ours, named.about, by=by, request_id=request_id())


def _reopen(desk: ReturnDesk, named: Named, by: Actor) -> object:
    return_id = desk.dossier(named.order_id).label(named.about).return_id
    return desk.reopen_return(named.order_id, return_id, by=by, request_id=request_id())


def _reverse(desk: ReturnDesk, named: Named, by: Actor) -> object:
    reference = _needed("reference", _("Type what the bank or the provider calls it."))
    return desk.reverse_refund(named.order_id, named.about, reference=reference, by=by, request_id=request_id())


def _set_aside(desk: ReturnDesk, named: Named, by: Actor) -> object:
    return desk.set_unreadable_aside(named.order_id, by=by, because=_needed("because", _("Say why.")))


def _settle_label(desk: ReturnDesk, named: Named, by: Actor) -> object:
    return desk.settle_label(
        named.order_id,
        named.about,
        by=by,
        request_id=request_id(),
        made=_happened(_("Say whether the label was made.")),
        reference=text_of("reference", 200),
        note=text_of("note") or None,
    )


def _settle_refund(desk: ReturnDesk, named: Named, by: Actor) -> object:
    return desk.settle_refund(
        named.order_id,
        named.about,
        happened=_happened(_("Say whether the money went back.")),
        evidence=_needed("evidence", _("Say how you know.")),
        reference=text_of("reference", 200),
        by=by,
        request_id=request_id(),
    )


def _happened(otherwise: str) -> bool:
    if request.form.get("happened") not in ("yes", "no"):
        raise NotUnderstood("happened", otherwise)
    return request.form["happened"] == "yes"


def _needed(field: str, otherwise: str) -> str:
    typed = text_of(field, 1000 if field in ("evidence", "because") else 200)
    if not typed:
        raise NotUnderstood(field, otherwise)
    return typed


_TAKE: Mapping[str, Callable[[ReturnDesk, Named, Actor], object]] = {
    "acknowledge": _acknowledge,
    "cancel_label": lambda desk, named, by: desk.cancel_label(
        named.order_id, named.about, by=by, request_id=request_id()
    ),
    "cancel_refund": lambda desk, named, by: desk.cancel_refund(
        named.order_id, named.about, by=by, request_id=request_id()
    ),
    "cancel_return": lambda desk, named, by: desk.cancel_return(
        named.order_id, named.about, by=by, request_id=request_id()
    ),
    "check_settings": lambda desk, named, _: desk.check_settings(named.about),
    "confirm_refund": lambda desk, named, by: confirm_refund(desk, named.order_id, named.about, by),
    "explain_payment": _explain,
    "match_refund": _match,
    "reconcile": lambda desk, named, _: desk.reconcile(named.order_id),
    "reopen_return": _reopen,
    "retry_refund": lambda desk, named, by: desk.retry_refund(
        named.order_id, named.about, by=by, request_id=request_id()
    ),
    "retry_set_aside": lambda desk, named, by: desk.retry_set_aside(named.order_id, by=by),
    "reverse_refund": _reverse,
    "set_refund_batch": lambda desk, named, by: desk.set_refund_batch(
        named.order_id, named.about, "", by=by, request_id=request_id()
    ),
    "set_unreadable_aside": _set_aside,
    "settle_label": _settle_label,
    "settle_refund": _settle_refund,
}
