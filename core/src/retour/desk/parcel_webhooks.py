"""Webhooks of shipping providers: verified, kept once for the order that they are about, and then acted on."""

from __future__ import annotations

from collections.abc import Mapping

import attrs

from retour.desk.commands import Commands
from retour.desk.services import Services
from retour.desk.webhooks_read import read_webhook
from retour.effects import inbox
from retour.effects.keeping import Kept, the_rest_of
from retour.effects.labels_read import as_reported_shipment
from retour.model.errors import InvalidWebhook, OrderUnreadable
from retour.model.frozen import frozen
from retour.model.order import Mode
from retour.model.outcome import WebhookReceipt
from retour.model.text import Text, text
from retour.providers.label_request import Shipment, ShipmentEvent
from retour.rules.whose_label import Learnt, Nobodys, known_labels, whose
from retour.steps.case import Case


@frozen
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
            raise InvalidWebhook(text("A webhook from {provider}: {why}", provider=provider, why=caller))
        sender = inbox.Sender(shop=shop_id, provider=provider, account=account, mode=Mode.LIVE)
        told = read_webhook(self.services, shop_id, caller, account, headers, body)
        kept: list[Kept] = []
        unknown = 0
        unreadable: OrderUnreadable | None = None
        for event in told.events if told is not None else ():
            try:
                with the_rest_of(kept):
                    placed = self._placed(sender, event)
                    if placed is None:
                        unknown += 1
                    else:
                        order_id, said = placed
                        kept.append(self.services.keeping.keep_shipment(order_id, sender, said))
            except OrderUnreadable as error:  # what it says of other orders is kept, and this when it is sent again
                unreadable = error
        to_run = [effect_id for one in kept for effect_id in one.to_run]
        if to_run and self.services.inline_seconds > 0:
            self.commands.run_effects(to_run)
        if unreadable is not None:
            raise unreadable
        return WebhookReceipt(kept=sum(one.number for one in kept), unknown=unknown)

    def _placed(self, sender: inbox.Sender, event: ShipmentEvent) -> tuple[str, ShipmentEvent] | None:
        """The order whose label it is, by any name that it has there, unless it says itself that it is of another; else
        the order that it says. A number of an order that nobody knows says nothing; None where nothing leads to one."""
        shipment, find = event.shipment, self.services.store.find_order
        whose = (sender.shop, sender.provider, sender.account, sender.mode.value)
        of_names = (find(*whose, name) for name in shipment.names)
        named = next((order_id for order_id in of_names if order_id is not None), None)
        if named is not None and shipment.order_id in ("", named):
            return named, event
        if not shipment.order_id:
            return None
        if named is None and not shipment.reference:
            order_id = self._order_of_a_parcel(sender, shipment)
            return None if order_id is None else (order_id, event)
        case = self._order_said(sender, shipment.order_id)
        if case is not None:
            return case.order_id, event
        return None if named is None else (named, attrs.evolve(event, shipment=attrs.evolve(shipment, order_id="")))

    def _order_said(self, sender: inbox.Sender, number: str) -> Case | None:
        """The order that a shipment says it is of: the provider's number of it is the shop's, or one that it finds."""
        case = self.services.keeping.case(sender.shop, number)
        if case is None:
            found = self.services.shops(sender.shop).find_order(sender.provider, number)
            case = self.services.keeping.case(sender.shop, found) if found is not None else None
        return case

    def _order_of_a_parcel(self, sender: inbox.Sender, shipment: Shipment) -> str | None:
        """The order that a parcel says it is of, if that has a label of this account which could be its. A provider
        tells of every parcel that goes out: the shop is not asked about them."""
        dossier = self.services.cases.as_last_seen(sender.shop, shipment.order_id).dossier
        labels = known_labels(dossier, sender.provider, sender.account)
        answer = whose(labels, as_reported_shipment(shipment), Learnt())
        return None if answer is Nobodys.NONE else shipment.order_id
