"""The typed caller of shipping providers: one method for each call of the contract, and what one that fails means."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from retour.model.frozen import frozen
from retour.model.labels import LabelForm, LabelOption
from retour.model.order import Order
from retour.model.parcels import Address, Parcel
from retour.model.shipping import ShippingOption, ShippingWay
from retour.plugins.calling import About, Caller
from retour.providers.capabilities import ShippingCapabilities
from retour.providers.label_request import LabelDocument, LabelRequest, Shipment, ShipmentEvents
from retour.providers.webhooks import RawWebhook, WebhookRejected


@frozen(kw_only=True)
class ShippingCaller(Caller):
    """A shipping provider of one shop, called as `PaymentCaller` calls: a `ProviderError` and nothing else."""

    capabilities: ShippingCapabilities

    def portal_url(self, order: Order) -> ShippingOption | None:
        """The return portal for the parcels of ``order``; None where there is none. Its address is https: it is shown
        to customers, with their postal codes in it."""
        portal: ShippingOption | None = self._read(
            "portal_url",
            ShippingOption | None,
            order,
            declared=self.capabilities.portal.usable,
            about=lambda found: found.way is ShippingWay.PORTAL and found.url.startswith("https://"),
        )
        return portal

    def options(self, sender: Address, recipient: Address, parcel: Parcel) -> Sequence[LabelOption]:
        """The labels that the account can buy for a parcel."""
        found: Sequence[LabelOption] = self._read(
            "options", Sequence[LabelOption], sender, recipient, parcel, declared=self.capabilities.options.usable
        )
        return found

    def validate_label(self, request: LabelRequest) -> None:
        """Ask what is wrong with a label before it is bought. Whatever becomes of that, nothing was bought."""
        self._read("validate_label", None, request, declared=self.capabilities.validate_label.usable)

    def create_label(self, request: LabelRequest) -> Shipment:
        """Make a label."""
        return self._write(
            "create_label",
            Shipment,
            request,
            declared=self.capabilities.labels.usable,
            about=lambda found: found.label_id in ("", request.label_id) and found.order_id in ("", request.order_id),
        )

    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        """The document of a label."""
        document: LabelDocument = self._read(
            "fetch_label", LabelDocument, reference, parcel, form, declared=self.capabilities.fetch_label.usable
        )
        return document

    def fetch_shipment(self, reference: str, parcel: str, *, order_id: str, label_id: str) -> Shipment:
        """A label and its parcel as they are now: of this order, and with our id if it has one. Empty where neither is
        known to be said there: of a label that the customer made in the portal."""
        shipment: Shipment = self._read(
            "fetch_shipment",
            Shipment,
            reference,
            parcel,
            declared=self.capabilities.fetch_shipment.usable,
            about=_of_shipment(reference, parcel, order_id, label_id),
        )
        return shipment

    def find_shipment(self, request: LabelRequest) -> Shipment | None:
        """The shipment that carries our id, or None."""
        shipment: Shipment | None = self._read(
            "find_shipment",
            Shipment | None,
            request,
            declared=self.capabilities.find_shipment.usable,
            about=lambda found: found.label_id == request.label_id and found.order_id in ("", request.order_id),
        )
        return shipment

    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        """All return shipments of an order that were made after ``since``."""
        shipments: Sequence[Shipment] = self._read(
            "list_shipments",
            Sequence[Shipment],
            order_id,
            since,
            declared=self.capabilities.list_shipments.usable,
            about=lambda found: all(one.order_id in ("", order_id) for one in found),
        )
        return shipments

    def cancel_label(self, reference: str, parcel: str, *, order_id: str, label_id: str) -> Shipment:
        """Ask that a label is cancelled; gives it as it is then. What it is of is as in `fetch_shipment`."""
        return self._write(
            "cancel_label",
            Shipment,
            reference,
            parcel,
            declared=self.capabilities.cancel_label.usable,
            about=_of_shipment(reference, parcel, order_id, label_id),
        )

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        """What a webhook says. Raises `WebhookRejected` too, and for one
        that is signed and cannot be read `WebhookUnreadable`."""
        said: ShipmentEvents = self._read(
            "parse_webhook", ShipmentEvents, webhook, declared=self.capabilities.reads_webhooks, refuses=WebhookRejected
        )
        return said


def _of_shipment(reference: str, parcel: str, order_id: str, label_id: str) -> About:
    """Whether a shipment is the one that was asked for: by each of what it was asked by, where the answer has it."""
    return lambda found: all(
        not asked or said in ("", asked)
        for asked, said in (
            (reference, found.reference),
            (parcel, found.parcel),
            (order_id, found.order_id),
            (label_id, found.label_id),
        )
    )
