"""Sendcloud's webhooks: signed by an HMAC over the raw bytes (https://sendcloud.dev/api/v3/webhooks/index).

The signature covers no time and there is no id: what is said makes the event's id, so that a repeat is the same event.
"""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import attrs

from retour.providers import (
    ParcelState,
    RawWebhook,
    Secret,
    SentItem,
    Shipment,
    ShipmentEvent,
    ShipmentEvents,
    Told,
    check_signed,
    read_json,
    read_wire,
    reading_signed,
)
from retour_sendcloud.statuses import MEANINGS, Meaning, parent_status, standing
from retour_sendcloud.wire import Item

SIGNATURE = "sendcloud-signature"
MOVED, CREATED = "parcel_status_changed", "return_created"

_LARGEST = 10**18
"""Of a number or a time: what is beyond it is none, and not computed with."""

_FIRST_MILLISECONDS = 100_000_000_000
"""From here on a number is of milliseconds: as seconds it would be in the year 5138."""


@attrs.frozen(kw_only=True)
class _Status:
    message: str


@attrs.frozen(kw_only=True)
class _Parcel:
    """``is_return`` is described in API v2 only (``ParcelResponseShort``)."""

    id: int
    status: _Status
    tracking_number: str | None = None
    order_number: str | None = None
    is_return: bool | None = None


@attrs.frozen(kw_only=True)
class _Moved:
    parcel: _Parcel
    timestamp: Any = None
    carrier_status_change_timestamp: Any = None


@attrs.frozen(kw_only=True)
class _Return:
    id: Any
    order_number: str | None = None
    return_reason_id: Any = None
    items: tuple[Item, ...] | None = None


@attrs.frozen(kw_only=True)
class _Created:
    data: _Return
    timestamp: Any = None


@attrs.frozen(kw_only=True)
class _Webhook:
    action: str


def parse(webhook: RawWebhook, secrets: Iterable[Secret | None]) -> ShipmentEvents:
    """Read a webhook; raises `WebhookRejected` and nothing else. What is about something else says nothing."""
    given = webhook.headers.get(SIGNATURE, "").strip().lower()
    check_signed(webhook.body, [given] if given else [], secrets, setting="secret_key or webhook_keys")
    with reading_signed(webhook.body):
        body = read_json(webhook.body)
        action = read_wire(_Webhook, body).action
        if action == MOVED:
            return _moved(read_wire(_Moved, body))
        if action == CREATED:
            return _created(read_wire(_Created, body))
    return ShipmentEvents(events=())


def _moved(said: _Moved) -> ShipmentEvents:
    """A parcel that moved. Parcels to customers move too, and the description has nothing that tells them apart: the
    order is told with it, and whether it is of a label there is for the core to find out."""
    parcel = said.parcel
    if parcel.is_return is False:
        return ShipmentEvents(events=())
    status = parent_status(parcel.status.message)
    stands = standing([status])
    shipment = Shipment(
        told=stands.told or Told.ANNOUNCING,
        parcel=str(parcel.id),
        order_id=parcel.order_number or "",
        progress=_progress(status, stands),
        provider_status=status,
        tracking_number=parcel.tracking_number or "",
        changed_at=moment(said.carrier_status_change_timestamp) or moment(said.timestamp),
    )
    return _one(MOVED, parcel.id, status, said.timestamp, said.carrier_status_change_timestamp, shipment=shipment)


def _progress(status: str, stands: Meaning) -> ParcelState:
    """How far the parcel is. A word that is known and says nothing of it, as that its label is being cancelled, takes
    it nowhere: a parcel that is known to be on its way stays there."""
    meaning = MEANINGS.get(status)
    silent = meaning is not None and meaning.progress is None
    return ParcelState.NOT_SENT if silent else stands.progress or ParcelState.UNKNOWN


def _created(said: _Created) -> ShipmentEvents:
    """A return that was made, by us or in the portal: it alone says which number a return has."""
    made = said.data
    reason = made.return_reason_id
    items: list[SentItem] = [
        item.sent(str(reason) if isinstance(reason, int) and reason else "") for item in made.items or ()
    ]
    shipment = Shipment(
        told=Told.ANNOUNCING,
        reference=_whole(made.id),
        order_id=made.order_number or "",
        made_at=moment(said.timestamp),
        items=tuple(items),
    )
    return _one(CREATED, shipment.reference, shipment=shipment)


def _one(*said: object, shipment: Shipment) -> ShipmentEvents:
    made_of = hashlib.sha256("\n".join([str(part) for part in said]).encode()).hexdigest()
    return ShipmentEvents(events=(ShipmentEvent(event_id=f"{said[0]}:{made_of[:40]}", shipment=shipment),))


def _whole(number: Any) -> str:
    """The number of a return, which is described as any number; empty for what is none."""
    if isinstance(number, bool) or not isinstance(number, int | Decimal) or not 0 < number < _LARGEST:
        return ""
    return str(int(number)) if number == int(number) else ""


def moment(number: Any) -> datetime.datetime | None:
    """A time in seconds or milliseconds: which of them is not described. None for what is neither."""
    if isinstance(number, bool) or not isinstance(number, int | Decimal) or not 0 < number < _LARGEST:
        return None
    seconds = Decimal(number) / 1000 if number >= _FIRST_MILLISECONDS else Decimal(number)
    try:
        since = datetime.timedelta(microseconds=int(seconds * 1_000_000))
        return datetime.datetime.fromtimestamp(0, datetime.UTC) + since
    except OverflowError:
        return None
