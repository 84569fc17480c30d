"""What is known of an order's payments: what their providers call them, and which money nobody can place."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import attrs

from retour.model.actor import Actor, ActorKind
from retour.model.dossier import Dossier
from retour.model.errors import UnknownPayment, WrongState
from retour.model.events.payment_identity import PaymentExplained, PaymentIdentified
from retour.model.fields import is_text, shown
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.payment_identity import PaymentIdentity, one_payment
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.text import text
from retour.rules.draft import Draft
from retour.rules.said_again import MOST_SAID_AGAIN


def identify(
    draft: Draft, payment: Payment, target: str, names: Iterable[str], method: str = "", step: int | None = None
) -> None:
    """Record what a provider calls a payment, and the ``step`` in which it pays, where that is news: a reference that
    the provider itself uses is none, nor is a step of one minor unit. What it says of the ``target`` is all of it, and
    takes the place of what it said before: one wrong answer is put right by the next. Names in another order are the
    same, and others each time are kept as often as `retour.rules.said_again` says, unless it depends on them which
    payments are one. Without a target they are names that were learnt besides."""
    before, is_answer = draft.dossier.identities.get(payment.id), bool(target)
    others = before.names if before is not None and not target else ()
    told = tuple(dict.fromkeys([*others, *[name for name in (target, *names) if name]]))
    plain = not method and step in (None, 1)
    if before is None and plain and set(told) <= set(payment.names) and not _beside(draft.dossier, payment):
        return
    if before is not None:
        target, method = target or before.target, method or before.method
    known = 1 if before is None else before.step
    identity = PaymentIdentity(target=target, names=told, method=method, step=known if step is None else step)
    if before is not None:
        if set(told) == set(before.names):
            identity = attrs.evolve(identity, names=before.names)
        if identity == attrs.evolve(before, again=0):
            return
        same = (identity.target, identity.step) == (before.target, before.step)
        if is_answer and same and not _makes_others_one(draft.dossier, payment, identity):
            if before.again >= MOST_SAID_AGAIN:
                return
            identity = attrs.evolve(identity, again=before.again + 1)
    draft.record(PaymentIdentified(payment=payment.id, identity=identity), by=Actor.provider(payment.provider))


def _makes_others_one(dossier: Dossier, payment: Payment, identity: PaymentIdentity) -> bool:
    """Whether other payments are one with this one, or are not any more, by what its provider says of it."""
    identities = {**dossier.identities, payment.id: identity}
    return one_payment(dossier.order, dossier.payments, identities, dossier.explained) != dossier.one_with


def identify_by_refunds(draft: Draft, payment: Payment, references: Collection[str]) -> None:
    """Record that a payment is one with another that has a name in common with it, where its provider shows a refund of
    it that was recorded on the other: a refund belongs to one payment. That can only be a name that the shop gave both:
    those that are one by a name that their provider told are so already."""
    dossier = draft.dossier
    shown = {one.payment for one in dossier.refunds.values() if one.reference and one.reference in references}
    for other in _beside(dossier, payment):
        if other.id in shown and dossier.stands_for(other.id) != dossier.stands_for(payment.id):
            common = [name for name in payment.names if name in other.names]
            for one in (payment, other) if common else ():
                identify(draft, one, "", common)


def untold(dossier: Dossier, order: Order, payment: Payment) -> list[Payment]:
    """Other payments of an order that may be the same one, as far as anybody knows: their provider was never asked what
    it calls them."""
    return [one for one in _at_its_account(order.payments, payment) if one.id not in dossier.identities]


def _beside(dossier: Dossier, payment: Payment) -> list[Payment]:
    """The other payments that the order has, or had, at the same account."""
    return _at_its_account(dossier.payments.values(), payment)


def _at_its_account(payments: Iterable[Payment], payment: Payment) -> list[Payment]:
    at = (payment.provider, payment.account, payment.mode)
    return [one for one in payments if one.id != payment.id and (one.provider, one.account, one.mode) == at]


def unplaced(dossier: Dossier) -> Reason | None:
    """Why nobody can say what is left of the order's money; None where it can be said. Nothing new is suggested or
    decided then."""
    vanished, doubled = dossier.vanished(), dossier.doubled()
    if vanished:
        return reason(ReasonCode.PAYMENT_VANISHED, payment=", ".join([one.id for one in vanished]))
    if doubled:
        return reason(ReasonCode.PAYMENT_DOUBLED, payments=", ".join([one.id for one in doubled]))
    return None


def _gone(dossier: Dossier, payment: Payment) -> Money:
    """What went back on a payment, or is on its way: by refunds, and by the customer's bank."""
    currency = payment.captured.currency
    return dossier.refunded(payment.id, currency) + dossier.charged_back(payment.id, currency)


def refuse_unplaced(dossier: Dossier, order: Order) -> None:
    """Raise `WrongState` where nobody can say what is left of the order's money."""
    for payment in dossier.vanished():
        raise WrongState(
            text(
                "Order {order}: {amount} went back, or is to go back, on payment {payment}, which is not on the order "
                "any more. Say first what it became: another payment of the order, or none.",
                order=order.id,
                amount=_gone(dossier, payment),
                payment=payment.id,
            ),
            in_code=f"explain_payment({order.id!r}, {payment.id!r}, ...)",
        )
    doubled = dossier.doubled()
    if doubled:
        raise WrongState(
            text(
                "Order {order}: at the provider these are one payment: {payments}. Leave one of them on the order, so "
                "that its money goes back once.",
                order=order.id,
                payments=[payment.id for payment in doubled],
            )
        )


def explain(draft: Draft, order: Order, name: str, became: str | None, note: str | None) -> None:
    """Record what became of a payment that left the order with money gone back on it. Said twice it changes nothing.

    Raises `UnknownPayment` for what the order never had, and `WrongState` for what it still has.
    """
    draft.only(ActorKind.STAFF, refusal=text("Order {order}: {actor} may not say what became of a payment; staff may."))
    dossier = draft.dossier
    payment = _once_there(dossier, order, name)
    now = None if became is None else order.payment(became).id
    if payment.id not in dossier.explained and any(one.id == dossier.stands_for(payment.id) for one in order.payments):
        raise WrongState(
            text(
                "Order {order} still has payment {payment}, as {became}. There is nothing to explain.",
                order=order.id,
                payment=payment.id,
                became=dossier.stands_for(payment.id),
            )
        )
    said = dossier.explained.get(payment.id)
    if (said == now and now is not None) or (now is None and payment.id in dossier.left_behind):
        return
    draft.record(PaymentExplained(payment=payment.id, became=now, note_id=draft.note(order, note)))


def _once_there(dossier: Dossier, order: Order, name: str) -> Payment:
    for payment in reversed(list(dossier.payments.values())):
        if is_text(name) and name in (payment.id, payment.reference):
            return payment
    raise UnknownPayment(
        text(
            "Order {order} never had a payment {given}. Those that left it are {payments}.",
            order=order.id,
            given=shown(name),
            payments=[payment.id for payment in dossier.vanished()] or [text("none")],
        )
    )
