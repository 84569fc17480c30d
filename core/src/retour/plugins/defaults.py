"""What the core itself answers to a deciding hook, when no plugin did."""

from __future__ import annotations

from retour.model.order import Order
from retour.model.returns import RestockDecision
from retour.plugins.markers import hookimpl
from retour.rules.stock import default_decision


@hookimpl
def restock_policy(order: Order) -> RestockDecision:
    """The reference article's rule: one product is restocked at once, several are asked."""
    return default_decision(order)
