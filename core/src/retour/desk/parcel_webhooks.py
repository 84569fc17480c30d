"""Webhooks of shipping providers: verified, kept once for the order that they are about, and then acted on."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from retour.desk.commands import Commands
from retour.desk.services import Services
from retour.effects import inbox
from retour.effects.keeping import Kept, the_rest_of
from retour.model.errors import InvalidWebhook, OrderUnreadable, ProviderUnavailable
from retour.model.order import Mode
from retour.model.outcome import WebhookReceipt
from retour.model.text import Text, text
from retour.plugins.calling import ProviderBroke
from retour.plugins.shipping import ShippingCaller
from retour.providers.label_request import Shipment, ShipmentEvents
from retour.steps.case import Case


@attrs.frozen
class ParcelWebhooks:
    """The webhooks about parcels of one shop."""

    services: Services
    commands: Commands

    def receive(self, provider: str, headers: Mapping[str, str], body: bytes, account: str) -> WebhookReceipt:
        """Verify a webhook, keep what it says of shipments of orders that we know, and act on it.

        A provider tells of every parcel of its account, those that go out too: what is of none of ours is not kept.
        """
        shop_id = self.commands.shop_id
        caller = self.services.accounts.shipping(shop_id, provider, account)
        if isinstance(caller, Text):
            raise InvalidWebhook(text("A webhook of {provider}: {why}", provider=provider, why=caller))
        sender = inbox.Sender(shop=shop_id, provider=provider, account=account, mode=Mode.LIVE)
        kept: list[Kept] = []
        unknown = 0
        unreadable: OrderUnreadable | None = None
        for event in self._read(caller, headers, body).events:
            try:
                with the_rest_of(kept):
                    order_id = self._order_of(sender, event.shipment)
                    if order_id is None:
                        unknown += 1
                    else:
                        kept.append(self.services.keeping.keep_shipment(order_id, sender, event))
            except OrderUnreadable as error:  # what it says of other orders is kept, and this when it is sent again
                unreadable = error
        to_run = [effect_id for one in kept for effect_id in one.to_run]
        if to_run and self.services.inline_seconds > 0:
            self.commands.run_effects(to_run)
        if unreadable is not None:
            raise unreadable
        return WebhookReceipt(kept=sum(one.number for one in kept), unknown=unknown)

    def _read(self, caller: ShippingCaller, headers: Mapping[str, str], body: bytes) -> ShipmentEvents:
        try:
            return inbox.read(caller, headers, body)
        except ProviderUnavailable as error:
            if isinstance(error.__cause__, ProviderBroke):
                self.services.store.note_problem(
                    self.commands.shop_id, f"webhooks of {caller.name}", error.__cause__.message
                )
            raise

    def _order_of(self, sender: inbox.Sender, shipment: Shipment) -> str | None:
        """The order whose label it is, by any name that it has there, unless it says itself that it is of another; else
        the order that it names, if that has labels of this account, or if it is a label of its own, which a customer
        made in the portal."""
        whose = (sender.shop, sender.provider, sender.account, sender.mode.value)
        of_names = (self.services.store.find_order(*whose, name) for name in shipment.names)
        named = next((order_id for order_id in of_names if order_id is not None), None)
        if shipment.order_id in ("", named):
            return named
        case = self._order_said(sender, shipment, anyhow=named is not None)
        if case is None or case.order_id == named:
            return named
        labels = case.dossier.labels.values()
        of_account = any((one.provider, one.account) == (sender.provider, sender.account) for one in labels)
        return case.order_id if of_account or shipment.reference else None

    def _order_said(self, sender: inbox.Sender, shipment: Shipment, *, anyhow: bool) -> Case | None:
        """The order that a shipment says it is of: the provider's number of it is the shop's, or one that it finds. The
        shop is asked about a label, and not about every parcel of an account, unless it must be known ``anyhow``."""
        case = self.services.keeping.case(sender.shop, shipment.order_id)
        if case is None and (shipment.reference or anyhow):
            found = self.services.shops(sender.shop).find_order(sender.provider, shipment.order_id)
            case = self.services.keeping.case(sender.shop, found) if found is not None else None
        return case
