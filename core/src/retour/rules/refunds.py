"""The money track as far as links and a person's confirmation go: what can go back on which payment."""

from __future__ import annotations

import attrs

from retour.model.actor import ActorKind
from retour.model.dossier import Dossier
from retour.model.errors import InvalidAmount, InvalidReference
from retour.model.events import RefundConfirmed
from retour.model.money import Money, total
from retour.model.order import Order, Payment
from retour.model.text import text
from retour.rules.draft import Draft, refuse_card_number
from retour.rules.quote import goods_value

LONGEST_REFERENCE = 140
"""Characters of a refund reference: the unstructured remittance of a SEPA transfer, the longest of its kind."""


@attrs.frozen(kw_only=True)
class Share:
    """What went back and can go back on one payment, and how much of what we suggest falls on it."""

    payment: Payment
    refunded: Money
    left: Money
    suggested: Money


def suggested_total(dossier: Dossier, order: Order) -> Money:
    """What is owed for the goods that came back and was not refunded yet; never below zero.

    The paid value of the units that are here, less what went back already. Where the order is not fully paid (an
    invoice), what is still due for the rest is taken off first (rule R6 of the law notes): paid 60.00 of 94.95 and
    50.00 of goods back gives 15.05.
    """
    goods = goods_value(order, dossier.came_back()).gross
    refunded = total([dossier.refunded(one.id, order.currency) for one in order.payments], order.currency)
    owed_for_kept = order.paid - goods
    owed = min(goods - refunded, order.captured - refunded - owed_for_kept)
    return max(owed, Money.zero(order.currency))


def shares(dossier: Dossier, order: Order) -> tuple[Share, ...]:
    """What is left on each payment, and the suggestion spread over them in the order of the payments."""
    rest = suggested_total(dossier, order)
    found = []
    for payment in order.payments:
        refunded = dossier.refunded(payment.id, order.currency)
        left = max(payment.captured - refunded, Money.zero(order.currency))
        suggested = min(rest, left)
        rest -= suggested
        found.append(Share(payment=payment, refunded=refunded, left=left, suggested=suggested))
    return tuple(found)


def check_amount(dossier: Dossier, order: Order, payment: Payment, amount: Money) -> None:
    """Raise `InvalidAmount` unless ``amount`` is in the order's currency, above zero, and at most what is left."""
    if not isinstance(amount, Money):
        raise InvalidAmount(
            text(
                'Order {order}: {amount} is no amount. Use Money.of("12.34", "{currency}").',
                order=order.id,
                amount=repr(amount),
                currency=order.currency,
            )
        )
    if amount.currency != order.currency:
        raise InvalidAmount(
            text(
                "Order {order} was paid in {currency}; {amount} is another currency.",
                order=order.id,
                currency=order.currency,
                amount=amount,
            )
        )
    if amount.minor <= 0:
        raise InvalidAmount(text("Order {order}: a refund is above zero, not {amount}.", order=order.id, amount=amount))
    left = payment.captured - dossier.refunded(payment.id, order.currency)
    if amount > left:
        raise InvalidAmount(
            text(
                "Order {order}: {amount} is more than the {left} that is left of payment {payment} "
                "({captured} was paid).",
                order=order.id,
                amount=amount,
                left=max(left, Money.zero(order.currency)),
                payment=payment.id,
                captured=payment.captured,
            )
        )


def confirm(
    draft: Draft,
    order: Order,
    payment: Payment,
    amount: Money,
    reference: str,
    return_id: str | None,
    note: str | None,
) -> None:
    """Record that a person refunded ``amount`` and what the provider or the bank calls it."""
    draft.only(ActorKind.STAFF, what=text("confirm a refund"))
    check_amount(draft.dossier, order, payment, amount)
    if return_id is not None:
        draft.dossier.return_(return_id)
    draft.record(
        RefundConfirmed(
            refund_id=draft.new_id("rf"),
            payment=payment.id,
            amount=amount,
            reference=_checked_reference(draft.dossier, order, payment, reference),
            return_id=return_id,
            note_id=draft.note(order, note),
        )
    )


def _checked_reference(dossier: Dossier, order: Order, payment: Payment, reference: str) -> str:
    words = reference.strip() if isinstance(reference, str) else ""
    if not words or len(words) > LONGEST_REFERENCE:
        raise InvalidReference(
            text(
                "Order {order}: give the refund's reference at the provider or the bank, 1 to {longest} characters.",
                order=order.id,
                longest=LONGEST_REFERENCE,
            )
        )
    refuse_card_number(order.id, words)
    for refund in dossier.refunds.values():
        if refund.payment == payment.id and refund.reference == words:
            raise InvalidReference(
                text(
                    "Order {order}: refund {reference} of {amount} was confirmed before. "
                    "Two refunds have two references.",
                    order=order.id,
                    reference=words,
                    amount=refund.amount,
                )
            )
    return words
