"""Reads labels at their providers: what is told there, as a value of ours, and of which label it is told."""

from __future__ import annotations

import attrs

from retour.model.labels import Label
from retour.model.reasons import as_reason
from retour.plugins.shipping import ShippingCaller
from retour.providers.errors import ErrorCode, ProviderError
from retour.providers.label_request import Shipment
from retour.rules.label_reports import ReportedItem, ReportedShipment


def read_label(label: Label, provider: ShippingCaller, order_id: str) -> ReportedShipment:
    """A label as its provider has it by the names that it has there: what is told is told of this label, also where it
    does not say so. Raises `ProviderError`: an unknown shipment too for the number that a person gave, where that is of
    another order or another label."""
    whose = whose_it_is(label, order_id)
    asked = {"order_id": "", "label_id": ""} if label.unconfirmed else whose
    seen = provider.fetch_shipment(label.reference, label.parcel, **asked)
    if whose["order_id"] and seen.order_id not in ("", order_id):
        raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, f"{label.reference} is of order {seen.order_id}")
    if whose["label_id"] and seen.label_id not in ("", label.id):
        raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, f"{label.reference} is label {seen.label_id}")
    return attrs.evolve(as_reported_shipment(seen), label_id=label.id)


def whose_it_is(label: Label, order_id: str) -> dict[str, str]:
    """What an answer about a label must say of it, if it says anything. A label that the customer made in the portal
    has no id of ours, and the number that its order has there."""
    return {"order_id": "", "label_id": ""} if label.in_portal else {"order_id": order_id, "label_id": label.id}


def as_reported_shipment(shipment: Shipment) -> ReportedShipment:
    """What a provider says of a shipment, as a value of ours."""
    return ReportedShipment(
        told=shipment.told,
        reference=shipment.reference,
        parcel=shipment.parcel,
        label_id=shipment.label_id,
        order_id=shipment.order_id,
        progress=shipment.progress,
        provider_status=shipment.provider_status,
        because=as_reason(shipment.because),
        carrier=shipment.carrier,
        tracking_number=shipment.tracking_number,
        tracking_url=shipment.tracking_url,
        cost=shipment.cost,
        valid_until=shipment.valid_until,
        made_at=shipment.made_at,
        changed_at=shipment.changed_at,
        items=tuple([ReportedItem(**attrs.asdict(item)) for item in shipment.items]),
    )
