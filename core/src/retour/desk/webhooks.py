"""Webhooks: verified, kept once, and then acted on like everything else that is left to do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import attrs

from retour.desk.commands import Commands
from retour.desk.services import Services
from retour.effects import inbox
from retour.model.actor import Actor
from retour.model.errors import (
    Busy,
    InvalidWebhook,
    OrderUnreadable,
    ProviderUnavailable,
    UnknownOrder,
)
from retour.model.fields import Id, wanted_instead
from retour.model.order import Mode
from retour.model.outcome import WebhookReceipt
from retour.model.text import Text, text
from retour.plugins.providers import PaymentCaller, ProviderBroke
from retour.providers.webhooks import ToFetch, VerifiedEvents
from retour.steps.case import Case
from retour.store.commit import VersionMoved

_ROUNDS = 10
"""How often a webhook is kept anew while others keep changing the same order."""


@attrs.frozen(kw_only=True)
class Kept:
    """What became of one thing that a webhook says: whether it was kept, and the new effects that act on it."""

    number: int = 0
    to_run: Sequence[str] = ()


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
        kept: list[Kept] = []
        unreadable: OrderUnreadable | None = None
        for notice in inbox.notices(sender, said, caller.capabilities.webhooks):
            try:
                kept.append(self._take(sender, notice))
            except OrderUnreadable as error:  # what it says of other orders is kept, and this when it is sent again
                unreadable = error
        to_run = [effect_id for one in kept for effect_id in one.to_run]
        if to_run and self.services.inline_seconds > 0:
            self.commands.run_effects(to_run)
        if unreadable is not None:
            raise unreadable
        return WebhookReceipt(kept=sum(one.number for one in kept))

    def find_order(self, provider: str, reference: str, account: str, mode: Mode) -> str | None:
        """The order that was paid by ``reference`` at ``provider``: one that we saw, else one that the shop finds and
        that has such a payment."""
        if wanted_instead(reference, Id) is not None:
            return None
        sender = inbox.Sender(shop=self.shop_id, provider=provider, account=account, mode=mode)
        order_id = self._seen_with(sender, [reference])
        if order_id is not None:
            return order_id
        order_id = self._named_by_the_shop(sender, [reference])
        case = self._case(order_id) if order_id is not None else None
        if case is None or inbox.payment_named(case.order, case.dossier, sender, [reference]) is None:
            return None
        return order_id

    def _seen_with(self, sender: inbox.Sender, names: Sequence[str]) -> str | None:
        store, mode = self.services.store, sender.mode.value
        found = (store.find_order(sender.shop, sender.provider, sender.account, mode, name) for name in names)
        return next((order_id for order_id in found if order_id is not None), None)

    def _named_by_the_shop(self, sender: inbox.Sender, names: Sequence[str]) -> str | None:
        """The shop is asked by provider and name alone: whether the order has such a payment is still to see."""
        shop = self.services.shops(self.shop_id)
        found = (shop.find_order(sender.provider, name) for name in names)
        return next((order_id for order_id in found if order_id is not None), None)

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

    def _take(self, sender: inbox.Sender, notice: inbox.Notice) -> Kept:
        """Keep one thing that a webhook says, if it is of an order that we or the shop know."""
        hints, by_anybody = self.services.hints, not notice.signed
        question = hints.question(sender, notice.names) if by_anybody else None
        if question is not None and self.services.store.effects.asked(question):
            return Kept(number=1)
        order_id = self._seen_with(sender, notice.names)
        if order_id is None:
            if by_anybody and not hints.may_look_up(sender):
                raise Busy(
                    text(
                        "Unsigned webhooks of {provider} name more unknown payments than the shop can be asked about. "
                        "Answer 500, so that they are sent again.",
                        provider=sender.provider,
                    )
                )
            order_id = self._named_by_the_shop(sender, notice.names)
        return Kept() if order_id is None else self._keep(order_id, sender, notice)

    def _keep(self, order_id: str, sender: inbox.Sender, notice: inbox.Notice) -> Kept:
        """Store what a webhook says of one payment of an order, which is seen with it."""
        for _ in range(_ROUNDS):
            case = self._case(order_id)
            if case is None:
                return Kept()
            payment = inbox.payment_named(case.order, case.dossier, sender, notice.names)
            if payment is None:
                return Kept()
            effect, question = notice.as_effect(payment), None
            if effect is None:
                question = sender.question(order_id, payment, signed=notice.signed)
                effect = question.effect
                self.services.hints.asked(sender, notice.names, effect.id)
                if self.services.store.effects.asked(effect.id):
                    return Kept(number=1)
            draft = case.draft(Actor.system(), self.services.clock())
            try:
                self.services.commits.write(
                    case,
                    draft,
                    effects=[effect] if question is None else [],
                    questions=[] if question is None else [question],
                )
            except VersionMoved:  # somebody else saw the order at the same moment
                continue
            return Kept(number=1, to_run=(effect.id,))
        raise Busy(text("Order {order} is changed all the time. Answer 500, so that it is sent again.", order=order_id))
