"""One payment, however it is spelled: which of the payments that an order ever had are the same one.

A shop stores an order's id, a session, a charge or a capture, with a prefix or without, and stores another of them
later. Its provider has one payment by all these names, and what went back on it counts once.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from retour.model.fields import Id, Reference, checked, without_case
from retour.model.frozen import frozen
from retour.model.order import Order, Payment


@frozen(kw_only=True, field_transformer=checked())
class PaymentIdentity:
    """What a payment is at its provider, as the provider said when it was asked."""

    target: Reference
    """What is refunded there: the id of a payment, a charge or a capture."""

    names: tuple[Id, ...] = ()
    """Every name that webhooks use of it; another payment with one of them is the same one."""

    method: Reference = ""
    """The way of paying in the provider's word, where what it can pay back depends on it; else empty."""

    step: int = 1
    """That of the amounts which it pays back, in minor units, as far as it was known when that was asked."""

    again: int = 0
    """How often in a row other names, or another way of paying, were said of the same target, as far as that was
    kept."""


def one_payment(
    order: Order | None,
    payments: Mapping[str, Payment],
    identities: Mapping[str, PaymentIdentity],
    explained: Mapping[str, str],
) -> dict[str, str]:
    """Of each payment that is one with another, the id of the one that stands for them: the first that the order has
    now, else the one seen last. Those that are by themselves are left out.

    ``payments`` are all that were ever seen, ``explained`` says what a person said that one became. A shop that has two
    at once means two, however alike they are spelled, unless their provider knows better.
    """
    if len(payments) < 2:
        return {}
    now = [payment.id for payment in order.payments] if order is not None else []
    groups: list[list[str]] = []
    for payment in payments.values():
        alike = [
            group
            for group in groups
            if any(
                _by_provider(payment, payments[other], identities)
                or _by_person(payment.id, other, explained)
                or (not {payment.id, other} <= set(now) and _by_spelling(payment, payments[other]))
                for other in group
            )
        ]
        groups = [group for group in groups if group not in alike]
        groups.append([*[one for group in alike for one in group], payment.id])
    return {
        one: next((payment_id for payment_id in now if payment_id in group), group[-1])
        for group in groups
        if len(group) > 1
        for one in group
    }


def _by_person(one: str, other: str, explained: Mapping[str, str]) -> bool:
    return other == explained.get(one) or one == explained.get(other)


def _by_provider(one: Payment, other: Payment, identities: Mapping[str, PaymentIdentity]) -> bool:
    """Whether a name that the provider gave one of them is one of the other's."""
    if not _at_one_account(one, other):
        return False
    told = [_told(payment, identities) for payment in (one, other)]
    known = [names | _spelled(payment.names) for names, payment in zip(told, (one, other), strict=True)]
    return not (told[0].isdisjoint(known[1]) and told[1].isdisjoint(known[0]))


def _by_spelling(one: Payment, other: Payment) -> bool:
    """Whether the shop wrote them alike: ``capture:2GG…`` and ``2GG…``; but ``invoice:17`` is not ``deposit:17``."""
    if not _at_one_account(one, other):
        return False
    ours, theirs = _spelled([one.reference]), _spelled([other.reference])
    return not (ours.isdisjoint(_spelled(other.names)) and theirs.isdisjoint(_spelled(one.names)))


def _at_one_account(one: Payment, other: Payment) -> bool:
    return (one.provider, one.account, one.mode) == (other.provider, other.account, other.mode)


def _told(payment: Payment, identities: Mapping[str, PaymentIdentity]) -> frozenset[str]:
    """What the provider calls a payment."""
    identity = identities.get(payment.id)
    return _spelled(identity.names if identity is not None else ())


def _spelled(names: Iterable[str]) -> frozenset[str]:
    """Names as they are compared: no provider tells two of them apart by blanks or by case alone."""
    return frozenset([without_case(name) for name in names])
