"""What stands in every way back for the money of a payment, by its provider's word."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.errors import WrongState
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.reasons import NOT_NOW, Reason, ReasonCode, reason
from retour.model.text import text


def why_not_now(dossier: Dossier, payment: Payment) -> Reason | None:
    """Why nothing of a payment can go back now, by its provider or by bank transfer: the customer has it, or may get it
    by a dispute, or it was not received yet. None where something can, or nobody asked."""
    because = dossier.not_refundable_because(payment.id)
    return because if because is not None and because.code in NOT_NOW else None


def why_nothing_is_suggested(dossier: Dossier, payment: Payment, amount: Money) -> Reason | None:
    """Why an ``amount`` of a payment that is owed is not suggested: nothing of it can go back now, or no part of it, or
    nobody knows what of it is gone already. None where it can be."""
    return _why_not(dossier, payment, amount) or why_nobody_knows(dossier, payment)


def why_nobody_knows(dossier: Dossier, payment: Payment) -> Reason | None:
    """Why nobody knows what is gone of a payment: the provider does not show its refunds, or what was taken back of it,
    and no person has looked. None where it is known."""
    if dossier.reversal(payment.id) is not None:
        return reason(ReasonCode.REVERSAL_NOT_SHOWN)
    return dossier.refunds_not_shown(payment.id)


def refuse_not_now(dossier: Dossier, order: Order, payment: Payment, amount: Money) -> None:
    """Raise `WrongState` for an amount of a payment of which nothing can go back now, or no part."""
    why = _why_not(dossier, payment, amount)
    if why is not None:
        raise WrongState(
            text(
                "Order {order}: {amount} of payment {payment} cannot be refunded now: {why}.",
                order=order.id,
                amount=amount,
                payment=payment.id,
                why=why.words,
            )
        )


def _why_not(dossier: Dossier, payment: Payment, amount: Money) -> Reason | None:
    why, dispute = why_not_now(dossier, payment), dossier.dispute(payment.id)
    if why is None and dispute is not None and dispute.only_whole and amount != payment.captured:
        return reason(ReasonCode.ONLY_WHOLE)
    return why
