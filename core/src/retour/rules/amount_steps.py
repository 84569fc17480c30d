"""Amounts that a provider can pay: not every one pays to the minor unit of a currency (`AmountStep`)."""

from __future__ import annotations

import attrs

from retour.model.dossier import Dossier
from retour.model.errors import InvalidAmount
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.text import text
from retour.providers.capabilities import PaymentCapabilities


@frozen(kw_only=True)
class Payable:
    """What of an amount can be paid now, and what of it no step can pay, ever."""

    amount: Money
    never: Money


def payable(owed: Money, left: Money, step: int, known: int | None = None) -> Payable:
    """The nearest amount in whole steps of ``step`` minor units to what is ``owed`` on a payment, at most what is
    ``left`` of it. Half a step is paid: the customer does not lose by it, and the next part of the order is less by as
    much, so that all parts sum to what was paid. ``known`` is the step below which nothing can ever be paid, where that
    is another one: nobody knows yet whether ``step`` has to be so large."""
    wanted = min(owed, left)
    nearest = (wanted.minor + step // 2) // step * step
    amount = attrs.evolve(left, minor=min(nearest, in_whole_steps(left, step).minor))
    everything = wanted == left
    return Payable(amount=amount, never=attrs.evolve(left, minor=left.minor % (known or step) if everything else 0))


def known_step(dossier: Dossier, payment: Payment, declared: PaymentCapabilities | None) -> int:
    """The step of the amounts that a payment's provider pays, as far as it is known: by how it was paid in the
    provider's own word, else as it was when that was asked for, else by the shop's word."""
    currency, identity = payment.captured.currency, dossier.identities.get(payment.id)
    if declared is None:
        return 1
    if identity is not None and not identity.method and identity.step > 1:
        return identity.step
    return declared.step(currency, dossier.method_of(payment))


def safe_step(dossier: Dossier, payment: Payment, declared: PaymentCapabilities | None) -> int:
    """A step in which a payment's provider pays for certain: while nobody knows its own word on how it was paid, the
    largest that it can be."""
    identity = dossier.identities.get(payment.id)
    if declared is None or (identity is not None and identity.method):
        return known_step(dossier, payment, declared)
    return declared.largest_step(payment.captured.currency)


def in_whole_steps(amount: Money, step: int) -> Money:
    """The most of an amount that can be paid in steps of ``step`` minor units; none where it is less than one."""
    return attrs.evolve(amount, minor=amount.minor // step * step)


def less_than_a_step(amount: Money, step: int) -> Reason | None:
    """Why an amount can never be paid in steps of ``step`` minor units; None where it can, or one beside it."""
    if amount.minor >= step:
        return None
    return reason(ReasonCode.LESS_THAN_A_STEP, step=str(attrs.evolve(amount, minor=step)))


def check_step(order: Order, payment: Payment, amount: Money, left: Money, step: int) -> None:
    """Raise `InvalidAmount` for an amount that the payment's provider never pays, naming those beside it that it does,
    of what is ``left``."""
    if not amount.minor % step:
        return
    below = in_whole_steps(amount, step)
    above = attrs.evolve(below, minor=below.minor + step)
    by_transfer = "refund(..., to=BankAccount(...), consent=Consent(...))"
    if not below:
        advice, in_code = text("Refund it by bank transfer."), by_transfer
    elif above > left:
        advice, in_code = text("Refund {below}, and the rest by bank transfer.", below=below), by_transfer
    else:
        advice, in_code = text("Refund {below} or {above}.", below=below, above=above), ""
    raise InvalidAmount(
        text(
            "Order {order}: {provider} pays {currency} back in steps of {step}, so {amount} of payment {reference} "
            "cannot be refunded there. {advice}",
            order=order.id,
            provider=payment.provider,
            currency=amount.currency,
            step=attrs.evolve(amount, minor=step),
            amount=amount,
            reference=payment.reference,
            advice=advice,
        ),
        in_code=in_code,
    )
