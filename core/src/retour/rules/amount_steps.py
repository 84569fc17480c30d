"""Amounts that a provider can pay: not every one pays to the minor unit of a currency (`AmountStep`)."""

from __future__ import annotations

import attrs

from retour.model.errors import InvalidAmount
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.text import text


@attrs.frozen(kw_only=True)
class Payable:
    """What of an amount can be paid now, and what of it no step can pay, ever."""

    amount: Money
    never: Money


def payable(owed: Money, left: Money, step: int) -> Payable:
    """The nearest amount in whole steps of ``step`` minor units to what is ``owed`` on a payment, at most what is
    ``left`` of it. Half a step is paid: the customer does not lose by it, and the next part of the order is less by as
    much, so that all parts sum to what was paid."""
    wanted = min(owed, left)
    nearest = (wanted.minor + step // 2) // step * step
    amount = attrs.evolve(left, minor=min(nearest, left.minor // step * step))
    everything = wanted == left
    return Payable(amount=amount, never=attrs.evolve(left, minor=left.minor % step if everything else 0))


def check_step(order: Order, payment: Payment, amount: Money, step: int) -> None:
    """Raise `InvalidAmount` for an amount that the payment's provider never pays, naming the two beside it."""
    if amount.minor % step:
        below = amount.minor // step * step
        raise InvalidAmount(
            text(
                "Order {order}: {provider} pays {currency} back in steps of {step}, so {amount} of payment {payment} "
                "cannot be refunded there. Refund {below} or {above}.",
                order=order.id,
                provider=payment.provider,
                currency=amount.currency,
                step=attrs.evolve(amount, minor=step),
                amount=amount,
                payment=payment.id,
                below=attrs.evolve(amount, minor=below),
                above=attrs.evolve(amount, minor=below + step),
            )
        )
