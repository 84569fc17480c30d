"""Webhooks: verified, kept once, and then acted on like everything else that is left to do."""

from __future__ import annotations

from collections.abc import Mapping

from retour.desk.commands import Commands
from retour.desk.parcel_webhooks import ParcelWebhooks
from retour.desk.services import Services
from retour.desk.webhooks_read import looked_at_instead, read_webhook
from retour.effects import inbox
from retour.effects.keeping import Kept, the_rest_of
from retour.model.errors import Busy, InvalidWebhook, OrderUnreadable
from retour.model.fields import Id, wanted_instead
from retour.model.frozen import frozen
from retour.model.order import Mode
from retour.model.outcome import WebhookReceipt
from retour.model.text import Text, text
from retour.providers.webhooks import ToFetch, WebhookTrust
from retour.store.unknown_names import TooManyUnknown


@frozen
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
        registry = self.services.registry
        if provider in registry.shipping and provider not in registry.payment:
            if mode is not Mode.LIVE:
                raise InvalidWebhook(
                    text(
                        "A webhook from {provider}: it was for {mode} parcels, and there are none: what an account of "
                        "a carrier makes is real. Give it an address with mode {live}, and a shop that tries things "
                        "out an account of its own.",
                        provider=provider,
                        mode=mode.value,
                        live=Mode.LIVE.value,
                    )
                )
            return ParcelWebhooks(self.services, self.commands).receive(provider, headers, body, account)
        caller = self.services.accounts.payment(self.shop_id, provider, account, mode)
        if isinstance(caller, Text):
            raise InvalidWebhook(text("A webhook from {provider}: {why}", provider=provider, why=caller))
        if caller.mode not in (mode, None):
            raise InvalidWebhook(
                text(
                    "A webhook from {provider}: its settings are for {theirs} payments, and the webhook was for {mode} "
                    "ones. Give each mode an account and an address of its own.",
                    provider=caller.name,
                    theirs=str(caller.mode),
                    mode=mode.value,
                )
            )
        said = read_webhook(self.services, self.shop_id, caller, account, headers, body)
        if said is None:
            return WebhookReceipt(kept=0)
        trust = caller.capabilities.webhooks
        if isinstance(said, ToFetch) and said.unread and trust is WebhookTrust.SIGNED:
            looked_at_instead(self.services, self.shop_id, provider, account, said.unread)
        sender = inbox.Sender(shop=self.shop_id, provider=provider, account=account, mode=mode)
        kept: list[Kept] = []
        unreadable: OrderUnreadable | None = None
        unknown: list[inbox.Notice] = []
        for notice in inbox.notices(sender, said, trust):
            try:
                with the_rest_of(kept):
                    one = self._take(sender, notice)
            except OrderUnreadable as error:  # what it says of other orders is kept, and this when it is sent again
                unreadable = error
                continue
            unknown += [notice] if one is None else []
            kept += [one] if one is not None else []
        if not (
            isinstance(said, ToFetch) and any(one.number for one in kept)
        ):  # else they name one payment that we know
            for notice in unknown:
                with the_rest_of(kept):
                    kept.append(self._later(sender, notice))
        to_run = [effect_id for one in kept for effect_id in one.to_run]
        if to_run and self.services.inline_seconds > 0:
            self.commands.run_effects(to_run)
        if unreadable is not None:
            raise unreadable
        return WebhookReceipt(kept=sum(one.number for one in kept), unknown=sum(one.unknown for one in kept))

    def find_order(self, provider: str, reference: str, account: str, mode: Mode) -> str | None:
        """The order that was paid by ``reference`` at ``provider``: one that we saw, else one that the shop finds and
        that has such a payment."""
        if wanted_instead(reference, Id) is not None:
            return None
        sender = inbox.Sender(shop=self.shop_id, provider=provider, account=account, mode=mode)
        whose = self.services.whose_payment
        order_id = whose.order_of(sender, [reference])
        if order_id is not None:
            return order_id
        order_id = whose.named_by_the_shop(sender, [reference])
        case = self.services.keeping.case(self.shop_id, order_id) if order_id is not None else None
        if case is None or inbox.payment_named(case.order, case.dossier, sender, [reference]) is None:
            return None
        return order_id

    def _take(self, sender: inbox.Sender, notice: inbox.Notice) -> Kept | None:
        """Keep one thing that a webhook says for its order, if we or the shop know it; None where that is for the
        provider to tell."""
        hints, by_anybody = self.services.hints, not notice.signed
        question = hints.question(sender, notice.names) if by_anybody else None
        if question is not None and self.services.store.effects.asked(question):
            return Kept(number=1)
        whose = self.services.whose_payment
        order_id = whose.order_of(sender, notice.names)
        if order_id is None and (notice.signed or hints.may_look_up(sender)):
            order_id = whose.named_by_the_shop(sender, notice.names)
            if order_id is None and by_anybody and not whose.can_be_asked(sender):
                return Kept()
        if order_id is None:
            return None
        kept = self.services.keeping.keep(order_id, sender, notice)
        if by_anybody and kept.question:
            hints.asked(sender, notice.names, kept.question)
        return kept

    def _later(self, sender: inbox.Sender, notice: inbox.Notice) -> Kept:
        """Keep it until the provider was asked what else it calls that payment, and the shop once more. Raises
        `Busy`."""
        whose = self.services.whose_payment
        try:
            if notice.signed or whose.can_be_asked(sender):
                return Kept(unknown=whose.later(sender, notice))
        except TooManyUnknown:
            pass
        raise Busy(
            text(
                "Webhooks from {provider} name more unknown payments than can be asked about now. Answer 503, so that "
                "they are sent again.",
                provider=sender.provider,
            )
        )
