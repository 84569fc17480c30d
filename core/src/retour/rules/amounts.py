"""The money of an order as its rows of lists tell it, from its dossier alone."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.money import Money
from retour.model.summaries import OrderAmounts
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
    if dossier.order is None:
        return None
    if not any(dossier.came_back().values()):
        return Money.zero(dossier.order.currency)
    return quote(dossier, dossier.order).suggested
