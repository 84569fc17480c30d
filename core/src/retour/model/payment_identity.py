"""One payment, however it is spelled: which of the payments that an order ever had are the same one.

A shop stores an order's id, a session, a charge or a capture, with a prefix or without, and stores another of them
later. Its provider has one payment by all these names, and what went back on it counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import attrs

from retour.model.fields import Id, Reference, checked
from retour.model.order import Order, Payment


@attrs.frozen(kw_only=True, field_transformer=checked())
class PaymentIdentity:
    """What a payment is at its provider: the ``target`` that is refunded, and all ``names`` that webhooks use of it.
    ``method`` is the way of paying in the provider's word, where amounts that it can pay depend on it."""

    target: Reference
    names: tuple[Id, ...] = ()
    method: Reference = ""


def one_payment(
    order: Order | None,
    payments: Mapping[str, Payment],
    identities: Mapping[str, PaymentIdentity],
    explained: Mapping[str, str],
) -> dict[str, str]:
    """Of each payment that is one with another, the id of the one that stands for them: the first that the order has
    now, else the one seen last. Those that are by themselves are left out.

    ``payments`` are all that were ever seen, ``explained`` says what a person said that one became.
    """
    if len(payments) < 2:
        return {}
    groups: list[list[str]] = []
    for payment in payments.values():
        alike = [
            group
            for group in groups
            if any(_are_one(payment, payments[other], identities, explained) for other in group)
        ]
        groups = [group for group in groups if group not in alike]
        groups.append([*[one for group in alike for one in group], payment.id])
    now = [payment.id for payment in order.payments] if order is not None else []
    return {
        one: next((payment_id for payment_id in now if payment_id in group), group[-1])
        for group in groups
        if len(group) > 1
        for one in group
    }


def _are_one(
    one: Payment, other: Payment, identities: Mapping[str, PaymentIdentity], explained: Mapping[str, str]
) -> bool:
    if other.id == explained.get(one.id) or one.id == explained.get(other.id):
        return True
    if (one.provider, one.account, one.mode) != (other.provider, other.account, other.mode):
        return False
    ours, theirs = _told(one, identities), _told(other, identities)
    return not (
        ours.isdisjoint(theirs)
        and theirs.isdisjoint(_spelled(one.names))  # ``capture:2GG…`` and ``2GG…``; but ``invoice:17`` is not
        and ours.isdisjoint(_spelled(other.names))  # ``deposit:17``
    )


def _told(payment: Payment, identities: Mapping[str, PaymentIdentity]) -> frozenset[str]:
    """What the shop stored of a payment, and what its provider calls it."""
    identity = identities.get(payment.id)
    return _spelled((payment.reference, *(identity.names if identity is not None else ())))


def _spelled(names: Iterable[str]) -> frozenset[str]:
    """Names as they are compared: no provider tells two of them apart by blanks or by case alone."""
    return frozenset([" ".join(name.split()).casefold() for name in names])
