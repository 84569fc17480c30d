"""A shipping provider that is there in memory: books of what was bought, and faults for its next calls."""

from __future__ import annotations

import datetime
import json
import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attrs

from retour import Money, hookimpl
from retour.model.labels import Charged, LabelForm, LabelOption, ParcelState, Told
from retour.model.parcels import Address, Parcel
from retour.providers import (
    ErrorCode,
    LabelDocument,
    LabelRequest,
    ProviderError,
    ProviderSession,
    RawWebhook,
    Secret,
    SentItem,
    Shipment,
    ShipmentEvent,
    ShipmentEvents,
    ShippingCapabilities,
    Support,
    WebhookTrust,
    check_signed,
    hmac_sha256,
    reading_signed,
)

PRICE = Money.of("4.95", "EUR")

OPTION = LabelOption(code="post:return", name="Post, to a service point", carrier="post", price=PRICE)


@attrs.define(kw_only=True)
class Bought:
    """A label in the carrier's own books."""

    request: LabelRequest
    reference: str
    told: Told = Told.READY
    progress: ParcelState = ParcelState.NOT_SENT
    because: str = ""
    documents: int = 0
    valid_until: datetime.date | None = None

    def shipment(self, *, names: bool = True, ours: bool = True) -> Shipment:
        """As the carrier says it; without its ``names``, or our id, as some do."""
        return Shipment(
            told=self.told,
            reference=self.reference if names else "",
            parcel=f"p-{self.reference}" if names else "",
            label_id=self.request.label_id if ours else "",
            order_id=self.request.order_id,
            progress=self.progress,
            provider_status=self.progress.value,
            because=self.because,
            tracking_number="" if self.told in (Told.ANNOUNCING, Told.REFUSED) else f"3S{self.reference}",
            cost=PRICE,
            valid_until=self.valid_until,
        )


class Carrier:
    """The carrier behind the provider: its books, and what goes wrong with its next calls."""

    def __init__(self) -> None:
        self.bought: list[Bought] = []
        self.in_portal: dict[str, Shipment] = {}
        self.faults: deque[Callable[[], Exception]] = deque()
        self.lost_answers = 0
        self.announces = False
        self.cancels_later = False
        self.calls: list[str] = []
        self.lock = threading.Lock()

    def portal(self, reference: str, *, parcel: str) -> None:
        """The customer makes a label himself, of which the list tells the parcel and not the number."""
        self.in_portal[reference] = Shipment(
            told=Told.READY, parcel=parcel, order_id="1001", items=[SentItem(quantity=1, sku="cup")]
        )

    def find(self, reference: str) -> Bought:
        for one in self.bought:
            if one.reference == reference:
                return one
        raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, f"there is no label {reference}")

    def spent(self) -> Money:
        """What all labels cost that were not cancelled."""
        counts = [one for one in self.bought if one.told not in (Told.REFUSED, Told.CANCELLED)]
        return sum([PRICE for _ in counts], Money.zero("EUR"))


@attrs.frozen(kw_only=True)
class NoSettings:
    """It needs none."""


def lost() -> ProviderError:
    return ProviderError(ErrorCode.OUTCOME_UNKNOWN, "the connection was cut")


class SmallCarrier:
    """Refuses a label id that it knows, and lists the shipments of an order."""

    name: ClassVar[str] = "small_carrier"
    display_name: ClassVar[str] = "Small Carrier"
    api: ClassVar[int] = 2
    settings_type: ClassVar[type[NoSettings]] = NoSettings
    capabilities: ClassVar[ShippingCapabilities] = ShippingCapabilities(
        labels=Support.YES,
        options=Support.YES,
        prices=Support.YES,
        fetch_label=Support.YES,
        fetch_shipment=Support.YES,
        find_shipment=Support.PROVIDER_CANNOT,
        list_shipments=Support.YES,
        cancel_label=Support.YES,
        forms=frozenset({LabelForm.PDF}),
        refuses_repeats=True,
        webhooks=WebhookTrust.SIGNED,
    )
    carrier: ClassVar[Carrier]
    once: ClassVar[bool] = False
    names: ClassVar[bool] = True
    says_our_id: ClassVar[bool] = True

    def __init__(self, settings: NoSettings, http: ProviderSession) -> None:
        del settings, http

    def _call(self, method: str) -> None:
        self.carrier.calls.append(method)
        if self.carrier.faults:
            raise self.carrier.faults.popleft()()

    def options(self, sender: Address, recipient: Address, parcel: Parcel) -> Sequence[LabelOption]:
        del recipient, parcel
        self._call("options")
        return [OPTION] if sender.country == "NL" else []

    def validate_label(self, request: LabelRequest) -> None:
        self._call("validate_label")
        if request.sender.city == "Nowhere":
            raise ProviderError(ErrorCode.INVALID_REQUEST, "there is no such city")

    def create_label(self, request: LabelRequest) -> Shipment:
        self._call("create_label")
        with self.carrier.lock:
            if any(one.request.label_id == request.label_id for one in self.carrier.bought):
                raise ProviderError(ErrorCode.ALREADY_MADE, "this id was used")
            made = Bought(request=request, reference=f"R{len(self.carrier.bought) + 1}")
            if self.carrier.announces:
                made.told = Told.ANNOUNCING
            self.carrier.bought.append(made)
        if self.carrier.lost_answers:
            self.carrier.lost_answers -= 1
            raise lost()
        return made.shipment()

    def fetch_label(self, reference: str, parcel: str, form: LabelForm) -> LabelDocument:
        del parcel
        self._call("fetch_label")
        bought = self.carrier.find(reference)
        if bought.told is not Told.READY:
            raise ProviderError(ErrorCode.LABEL_NOT_READY, "not announced yet")
        bought.documents += 1
        if self.once and bought.documents > 1:
            raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, "this document was given out")
        content = f"%PDF-1.7 {reference} {bought.request.sender.name}".encode()
        return LabelDocument(form=form, media_type="application/pdf", content=content, once=self.once)

    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        del parcel
        self._call("fetch_shipment")
        return self.carrier.find(reference).shipment()

    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        del since
        self._call("list_shipments")
        ours = [one for one in self.carrier.bought if one.request.order_id == order_id]
        return [
            *[one.shipment(names=self.names, ours=self.says_our_id) for one in ours],
            *self.carrier.in_portal.values(),
        ]

    def cancel_label(self, reference: str, parcel: str) -> Shipment:
        del parcel
        self._call("cancel_label")
        bought = self.carrier.find(reference)
        if bought.progress is not ParcelState.NOT_SENT:
            raise ProviderError(ErrorCode.NOT_CANCELLABLE, "it was scanned")
        bought.told = Told.CANCELLING if self.carrier.cancels_later else Told.CANCELLED
        return bought.shipment()

    def parse_webhook(self, webhook: RawWebhook) -> ShipmentEvents:
        check_signed(webhook.body, [webhook.headers.get("x-signature", "")], [KEY], setting="small_carrier.key")
        with reading_signed(webhook.body):
            said = json.loads(webhook.body)
            return ShipmentEvents(
                events=[ShipmentEvent(event_id=one.pop("id"), shipment=Shipment(**_values(one))) for one in said]
            )


def _values(said: dict[str, Any]) -> dict[str, Any]:
    kinds: dict[str, Callable[[Any], Any]] = {
        "told": Told,
        "progress": ParcelState,
        "changed_at": datetime.datetime.fromisoformat,
        "made_at": datetime.datetime.fromisoformat,
        "items": lambda items: [SentItem(**item) for item in items],
    }
    return {name: kinds[name](value) if name in kinds else value for name, value in said.items()}


def signed_webhook(*said: dict[str, Any], items: Any = None) -> tuple[dict[str, str], bytes]:
    """A webhook as the carrier sends it; ``items`` are what is in each parcel, where it says so."""
    body = json.dumps([one if items is None else {**one, "items": items} for one in said]).encode()
    return {"X-Signature": hmac_sha256(body, KEY)}, body


KEY = Secret("the key of the small carrier")


def plugin_of(carrier: Carrier, provider: type[SmallCarrier] = SmallCarrier, **more: object) -> object:
    """A plugin with a provider of its own before ``carrier``; ``more`` are other attributes of its class."""
    kind = type("OneSmallCarrier", (provider,), {"carrier": carrier, **more})

    class Plugin:
        name = "small_carrier"

        @hookimpl
        def shipping_providers(self) -> list[type]:
            return [kind]

    return Plugin()


__all__ = ["OPTION", "PRICE", "Bought", "Carrier", "Charged", "SmallCarrier", "lost", "plugin_of", "signed_webhook"]
