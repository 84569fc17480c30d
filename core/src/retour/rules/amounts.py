"""The money of an order as its rows of lists tell it, from its dossier alone."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.money import Money
from retour.model.summaries import OrderAmounts
from retour.rules.quote import value_of_what_came_back
from retour.rules.refunds import quote


def order_amounts(dossier: Dossier) -> OrderAmounts:
    """What went back on an order or is on its way, how much of that waits, and what is suggested for the goods that
    came back: by the rules, before the steps of a provider and the plan of a policy."""
    counting = {one.amount.currency for one in dossier.refunds.values() if one.counts_against_payment}
    currencies = sorted(counting)
    return OrderAmounts(
        refunded=tuple([dossier.refunded_in_all(one) for one in currencies]),
        waiting=tuple([waits for one in currencies if (waits := dossier.waiting_in_all(one))]),
        suggested=_suggested(dossier),
    )


def _suggested(dossier: Dossier) -> Money | None:
    """Nothing, without asking for more, where as much went back as all goods that came back were paid."""
    order = dossier.order
    if order is None:
        return None
    came_back = value_of_what_came_back(dossier, order).gross
    if came_back <= dossier.refunded_in_all(order.currency):
        return Money.zero(order.currency)
    return quote(dossier, order).suggested
