"""A provider of labels that says as little as one may: each of its answers has some of a label's names, and never ours.

It is like the stingiest that is known. The answer to who makes a label has its number and that of its parcel; a label
that is read by its number tells its parcel once it has one; the list of an order has no number, and a parcel once there
is one; a webhook about a label has its number alone, and one about a parcel that of the parcel.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from typing import Any, ClassVar

import attrs
from shipping.small_carrier import SmallCarrier

from retour import Money, ParcelState
from retour.model.labels import Told
from retour.providers import ErrorCode, LabelRequest, ProviderError, SentItem, Shipment, ShipmentEvent

COST = Money.of("5.45", "EUR")


@attrs.define(kw_only=True, eq=False)
class Entry:
    """A label in its books. ``label_id`` is ours, empty for one from the portal."""

    number: str
    label_id: str
    made_at: datetime.datetime
    told: Told = Told.ANNOUNCING
    progress: ParcelState = ParcelState.NOT_SENT
    changed_at: datetime.datetime

    @property
    def parcel(self) -> str:
        return f"p-{self.number}"

    @property
    def has_parcel(self) -> bool:
        """Whether what is read of it has the number of its parcel."""
        return self.told not in (Told.ANNOUNCING, Told.REFUSED)

    def shown(self, *, tracked: bool = True) -> Shipment:
        """What is read of it."""
        return Shipment(
            told=self.told,
            parcel=self.parcel if self.has_parcel else "",
            order_id="1001",
            progress=self.progress,
            provider_status=f"{self.told.value} {self.progress.value}",
            tracking_number=f"3S{self.number}" if self.has_parcel and tracked else "",
            cost=COST if self.has_parcel else None,
            made_at=self.made_at,
            changed_at=self.changed_at,
            items=[SentItem(quantity=1, sku="cup")],
        )

    def created(self) -> Shipment:
        """What the webhook says when it was made."""
        items = [SentItem(quantity=1, sku="cup")]
        return Shipment(told=Told.ANNOUNCING, reference=self.number, order_id="1001", made_at=self.made_at, items=items)

    def moved(self, *, tracked: bool) -> Shipment:
        """What the webhook about its parcel says now."""
        return Shipment(
            told=self.told,
            parcel=self.parcel,
            order_id="1001",
            progress=self.progress,
            provider_status=f"{self.told.value} {self.progress.value}",
            tracking_number=f"3S{self.number}" if self.has_parcel and tracked else "",
            changed_at=self.changed_at,
        )


@attrs.define
class Books:
    """Its labels, what its next calls lose, and the webhooks that nobody has got yet."""

    clock: Callable[[], datetime.datetime]
    entries: list[Entry] = attrs.field(factory=list)
    answers_lost: int = 0
    never_arrives: int = 0
    refused: list[str] = attrs.field(factory=list)
    webhooks: list[ShipmentEvent] = attrs.field(factory=list)

    def make(self, label_id: str = "") -> Entry:
        """Another label; without our id the customer made it in the portal."""
        now = self.clock()
        made = Entry(number=str(1000 + len(self.entries)), label_id=label_id, made_at=now, changed_at=now)
        self.entries.append(made)
        self.tell(made.created())
        self.tell(made.moved(tracked=True))
        return made

    def step(self, entry: Entry, told: Told, progress: ParcelState, *, tracked: bool) -> None:
        """It gets further."""
        entry.told, entry.progress, entry.changed_at = told, progress, self.clock()
        self.tell(entry.moved(tracked=tracked))

    def tell(self, shipment: Shipment) -> None:
        event_id = f"ev-{shipment.reference}-{shipment.parcel}-{shipment.told}-{shipment.progress}"
        self.webhooks.append(ShipmentEvent(event_id=event_id, shipment=shipment))

    def called(self, number: str, parcel: str) -> Entry:
        for one in self.entries:
            if one.number == number or (not number and one.parcel == parcel and one.has_parcel):
                return one
        raise ProviderError(ErrorCode.UNKNOWN_SHIPMENT, f"there is none {number} {parcel}")


class Forwarder(SmallCarrier):
    """The provider in front of them."""

    books: ClassVar[Books]

    def create_label(self, request: LabelRequest) -> Shipment:
        books = self.books
        if books.never_arrives:
            books.never_arrives -= 1
            raise ProviderError(ErrorCode.OUTCOME_UNKNOWN, "the connection was cut before")
        if any(one.label_id == request.label_id for one in books.entries):
            raise ProviderError(ErrorCode.ALREADY_MADE, "this id was used")
        if request.label_id in books.refused:
            raise ProviderError(ErrorCode.CARRIER_REFUSED, "not served")
        made = books.make(request.label_id)
        if books.answers_lost:
            books.answers_lost -= 1
            raise ProviderError(ErrorCode.OUTCOME_UNKNOWN, "the connection was cut after")
        return Shipment(told=Told.ANNOUNCING, reference=made.number, parcel=made.parcel)

    def fetch_shipment(self, reference: str, parcel: str) -> Shipment:
        return self.books.called(reference, parcel).shown()

    def list_shipments(self, order_id: str, since: datetime.datetime) -> Sequence[Shipment]:
        made = [one for one in self.books.entries if one.made_at >= since]
        return [one.shown() for one in made] if order_id == "1001" else []

    def cancel_label(self, reference: str, parcel: str) -> Shipment:
        entry = self.books.called(reference, parcel)
        if entry.told not in (Told.ANNOUNCING, Told.READY) or entry.progress is not ParcelState.NOT_SENT:
            raise ProviderError(ErrorCode.NOT_CANCELLABLE, "it is too late")
        self.books.step(entry, Told.CANCELLED, ParcelState.CANCELLED, tracked=True)
        return entry.shown()


def as_json(event: ShipmentEvent) -> dict[str, Any]:
    """A webhook as the small carrier's are read."""
    said = attrs.asdict(event.shipment, filter=lambda _, value: value not in ("", None, ()))
    said = {name: value for name, value in said.items() if name not in ("cancellable", "items")}
    said |= {"told": event.shipment.told.value, "progress": event.shipment.progress.value}
    for name in ("made_at", "changed_at"):
        if name in said:
            said[name] = said[name].isoformat()
    if event.shipment.items:
        said["items"] = [{"quantity": one.quantity, "sku": one.sku} for one in event.shipment.items]
    return {"id": event.event_id, **said}
