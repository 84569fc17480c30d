"""What a person does about what `desk.attention` lists: one of the methods that the item itself names."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import TypeAlias

import attrs

from retour import Actor, AttentionItem, ReturnDesk
from retour.sandbox import BookedRefund

from .plan import Plan
from .shop import PlannedShop

ANNA = Actor.staff("anna")

Books: TypeAlias = Callable[[str, str], BookedRefund | None]
"""What a person finds when he looks for a refund of an order in the provider's dashboard, by our id."""


@attrs.frozen(kw_only=True)
class Attending:
    """Somebody who goes through the list. ``books`` is None for who does not look at any dashboard.

    Of an order of which only what is suggested is refunded, he lets nothing go that was held: it was suggested before
    whatever it was held for.
    """

    desk: ReturnDesk
    plan: Plan
    shop: PlannedShop
    chance: random.Random
    books: Books | None = None

    def attend_to(self, item: AttentionItem, *, gives_up: bool = False) -> str:
        """Do about an item what its ``can_do`` names; gives the method, empty where it names none that he knows.
        ``gives_up`` is for who tried before: he cancels what can be cancelled. Raises what the desk raises."""
        for method in self._preferred(item, gives_up=gives_up):
            if method in item.can_do:
                self._methods[method](item)
                return method
        return ""

    def _preferred(self, item: AttentionItem, *, gives_up: bool) -> list[str]:
        held = ["retry_refund", "cancel_refund"]
        if gives_up or item.order_id in self.plan.suggesting or self.chance.random() < 0.5:
            held.reverse()
        settle = ["settle_refund"] if self.books is not None else []
        return ["explain_payment", *settle, *held, "retry_set_aside", "acknowledge", "reconcile"]

    @property
    def _methods(self) -> Mapping[str, Callable[[AttentionItem], object]]:
        return {
            "explain_payment": lambda item: self.explain(item.order_id, item.about),
            "settle_refund": self.settle,
            "retry_refund": lambda item: self.desk.retry_refund(item.order_id, item.about, by=ANNA),
            "cancel_refund": lambda item: self.desk.cancel_refund(item.order_id, item.about, by=ANNA),
            "retry_set_aside": lambda item: self.desk.retry_set_aside(item.order_id, by=ANNA),
            "acknowledge": lambda item: self.desk.acknowledge(item.order_id, item.kind, item.about, by=ANNA),
            "reconcile": lambda item: self.desk.reconcile(item.order_id),
        }

    def explain(self, order_id: str, payment_id: str) -> None:
        """Say what a payment became that left the order: what the shop has of the same money now."""
        provider = payment_id.partition(":")[0]
        order = self.shop.order(order_id)
        assert order is not None
        became = next(payment.id for payment in order.payments if payment.provider == provider)
        self.desk.explain_payment(order_id, payment_id, became=became, by=ANNA)

    def settle(self, item: AttentionItem) -> None:
        """Say what became of a refund, by what stands in its provider's dashboard."""
        assert self.books is not None
        found = self.books(item.order_id, item.about)
        self.desk.settle_refund(
            item.order_id,
            item.about,
            happened=found is not None,
            evidence="the provider's dashboard",
            reference=found.reference if found is not None else "",
            by=ANNA,
        )
