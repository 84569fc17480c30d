"""Webhooks: verified, kept once, and then acted on like everything else that is left to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from retour.desk.commands import Commands
from retour.desk.services import Services
from retour.effects import inbox
from retour.effects.kinds import ReconcilePayment, effect_of
from retour.model.actor import Actor
from retour.model.errors import (
    Busy,
    InvalidWebhook,
    OrderUnreadable,
    ProviderUnavailable,
    UnknownOrder,
)
from retour.model.fields import Id, wanted_instead
from retour.model.order import Mode, Payment
from retour.model.outcome import WebhookReceipt
from retour.model.text import Text, text
from retour.plugins.providers import PaymentCaller, ProviderBroke
from retour.providers.webhooks import ToFetch, VerifiedEvents
from retour.steps.case import Case
from retour.store.commit import VersionMoved

_ROUNDS = 10
"""How often a webhook is kept anew while others keep changing the same order."""


@attrs.frozen
class Webhooks:
    """The webhooks of one shop."""

    services: Services
    commands: Commands

    @property
    def shop_id(self) -> str:
        """The shop."""
        return self.commands.shop_id

    def receive(
        self, provider: str, headers: Mapping[str, str], body: bytes, account: str, mode: Mode
    ) -> WebhookReceipt:
        """Verify a webhook, keep what it says of payments that we or the shop know, and act on it."""
        caller = self.services.accounts.payment(self.shop_id, provider, account, mode)
        if isinstance(caller, Text):
            raise InvalidWebhook(text("A webhook of {provider}: {why}", provider=provider, why=caller))
        if caller.mode not in (mode, None):
            raise InvalidWebhook(
                text(
                    "A webhook of {provider}: its settings are for {theirs} payments, and the webhook was for {mode} "
                    "ones. Give each mode an account and an address of its own.",
                    provider=caller.display_name,
                    theirs=str(caller.mode),
                    mode=mode.value,
                )
            )
        said = self._read(caller, headers, body)
        sender = inbox.Sender(shop=self.shop_id, provider=provider, account=account, mode=mode)
        kept: list[str] = []
        unreadable: OrderUnreadable | None = None
        for notice in inbox.notices(sender, said):
            order_id = self._seen_with(sender, notice.target) or self._named_by_the_shop(sender, notice.target)
            if order_id is None:
                continue
            try:
                kept += self._keep(order_id, sender, notice)
            except OrderUnreadable as error:  # what it says of other orders is kept, and this when it is sent again
                unreadable = error
        if kept and self.services.inline_seconds > 0:
            self.commands.run_effects(kept)
        if unreadable is not None:
            raise unreadable
        return WebhookReceipt(kept=len(kept))

    def find_order(self, provider: str, reference: str, account: str, mode: Mode) -> str | None:
        """The order that was paid by ``reference`` at ``provider``: one that we saw, else one that the shop finds and
        that has such a payment."""
        if wanted_instead(reference, Id) is not None:
            return None
        sender = inbox.Sender(shop=self.shop_id, provider=provider, account=account, mode=mode)
        order_id = self._seen_with(sender, reference)
        if order_id is not None:
            return order_id
        order_id = self._named_by_the_shop(sender, reference)
        case = self._case(order_id) if order_id is not None else None
        if case is None or inbox.payment_of_target(case.order, case.dossier, sender, reference) is None:
            return None
        return order_id

    def _seen_with(self, sender: inbox.Sender, reference: str) -> str | None:
        return self.services.store.find_order(
            sender.shop, sender.provider, sender.account, sender.mode.value, reference
        )

    def _named_by_the_shop(self, sender: inbox.Sender, reference: str) -> str | None:
        """The shop is asked by provider and reference alone: whether the order has such a payment is still to see."""
        return self.services.shops(self.shop_id).find_order(sender.provider, reference)

    def _read(self, caller: PaymentCaller, headers: Mapping[str, str], body: bytes) -> VerifiedEvents | ToFetch:
        """What a webhook says; that a plugin broke over it is kept, for whoever mends the plugin."""
        try:
            return inbox.read(caller, headers, body)
        except ProviderUnavailable as error:
            if isinstance(error.__cause__, ProviderBroke):
                self.services.store.note_problem(self.shop_id, f"webhooks of {caller.name}", error.__cause__.message)
            raise

    def _case(self, order_id: str) -> Case | None:
        """The order as it is now, or as it was last seen where the shop has it no more; None where nobody knows it."""
        try:
            return self.commands.read(order_id)
        except UnknownOrder:
            case = self.services.cases.as_last_seen(self.shop_id, order_id)
            return case if case.dossier.order is not None else None

    def _waits_to_ask(self, order_id: str, payment: Payment) -> str | None:
        """The effect that will ask about a payment and has not begun, if there is one: any number of hints before it
        begins is one question. One that is set aside asks nothing until a person has it tried again."""
        for effect in self.services.store.effects.waiting(self.shop_id, order_id, ReconcilePayment.kind):
            if effect.taken or effect.set_aside:
                continue
            if effect_of(ReconcilePayment, order_id, effect.id, effect.body).payment == payment.id:
                return effect.id
        return None

    def _keep(self, order_id: str, sender: inbox.Sender, notice: inbox.Notice) -> Sequence[str]:
        """Store what a webhook says of one payment of an order, which is seen with it; gives the ids of the effects
        that act on it."""
        for _ in range(_ROUNDS):
            case = self._case(order_id)
            if case is None:
                return ()
            payment = inbox.payment_of_target(case.order, case.dossier, sender, notice.target)
            if payment is None:
                return ()
            waiting = self._waits_to_ask(order_id, payment) if notice.event is None else None
            if waiting is not None:
                return [waiting]
            draft = case.draft(Actor.system(), self.services.clock())
            effect = notice.as_effect(payment, draft.new_id)
            try:
                self.services.commits.write(case, draft, effects=[effect])
            except VersionMoved:  # somebody else saw the order at the same moment
                continue
            return [effect.id]
        raise Busy(text("Order {order} is changed all the time. Answer 500, so that it is sent again.", order=order_id))
