"""What a shipping provider is asked about labels and parcels, and what it answers, as values."""

from __future__ import annotations

import datetime
from typing import Annotated

import attrs

from retour.model.fields import Between, Id, Reference, as_tuple, checked
from retour.model.frozen import frozen
from retour.model.labels import LabelForm, ParcelState, Told
from retour.model.money import Money
from retour.model.parcels import Address, Parcel
from retour.model.personal import PERSONAL
from retour.providers.errors import ErrorCode, ProviderError, redacted, unreadable

LARGEST_DOCUMENT = 8 * 1024 * 1024
"""Bytes of a label's document at most."""


@frozen(kw_only=True)
class LabelRequest:
    """One label to make, fixed before it is first asked for: the same request always gives the same bytes."""

    label_id: str
    """Ours (28 characters), one for each label: it goes along, so that a repeated request is recognised."""

    order_id: str
    """The shop's number of the order; it may be printed on the label."""

    return_number: str
    """What people call the return; it may be printed on the label."""

    option: str
    """The `LabelOption.code` that was chosen."""

    contract: str
    """The `LabelOption.contract` that goes with it; empty where the account has one."""

    form: LabelForm
    """What the customer gets."""

    sender: Address
    """The customer."""

    recipient: Address
    """The shop."""

    parcel: Parcel
    """What is sent."""

    instead_of_refused: bool = False
    """Whether it stands for a label which its carrier refused, perhaps without a word. A provider that tells its
    carriers later, and can wait for them too, then waits, so that the carrier's words are there at once."""


@frozen(kw_only=True, field_transformer=checked(unreadable))
class SentItem:
    """What a provider says is in a parcel."""

    quantity: Annotated[int, Between(0, 10_000)]
    """Units of it."""

    sku: Reference = ""
    """The host's article number, as the provider has it; empty where it has none."""

    description: str = ""
    """What it is, as the provider has it."""

    reason: Reference = ""
    """The provider's own code of why it comes back; empty where it has none."""


def _items(given: list[SentItem] | tuple[SentItem, ...]) -> tuple[SentItem, ...]:
    return as_tuple(given)


@frozen(kw_only=True, field_transformer=checked(unreadable))
class Shipment:
    """A label and its parcel as the provider has them.

    All of it is the provider's word: what was asked for is never filled in for it. Raises `ProviderError` (unreadable
    answer) for a field of another type, and for one that names neither itself, nor a parcel, nor an order.

    >>> Shipment(told=Told.READY, reference="4711", parcel="88", tracking_number="3SABCD1").progress.value
    'not_sent'
    """

    told: Told
    """How far the label is."""

    reference: Reference = ""
    """The provider's id of it; empty where the answer has none."""

    parcel: Reference = ""
    """The provider's id of the parcel; empty where the answer has none."""

    label_id: Reference = ""
    """Ours, if the provider has it."""

    order_id: Reference = ""
    """The shop's number of the order, as the provider has it."""

    progress: ParcelState = ParcelState.NOT_SENT
    """How far the parcel is."""

    provider_status: str = attrs.field(default="", converter=redacted)
    """The provider's own word for that."""

    because: str = attrs.field(default="", converter=redacted)
    """Why it was refused, in the carrier's words, without mail addresses and IBANs; else empty."""

    carrier: Reference = ""
    """The carrier's code at the provider."""

    tracking_number: Reference = ""
    """The carrier's number of the parcel."""

    tracking_url: str = ""
    """The page on which the parcel can be followed."""

    cancellable: bool | None = None
    """Whether it can be cancelled now; None where the provider does not say."""

    cost: Money | None = None
    """What the provider charges for it; None where it does not say."""

    valid_until: datetime.date | None = None
    """The last day on which the label can be used; None where there is none."""

    made_at: datetime.datetime | None = None
    """When the label was made, by the provider's clock (UTC), the same wherever it is read."""

    changed_at: datetime.datetime | None = None
    """When the parcel got where it is, by the provider's clock (UTC), and the same until it gets further. One that is
    more than a day to come is taken for none."""

    items: tuple[SentItem, ...] = attrs.field(default=(), converter=_items)
    """What is in the parcel and why it comes back, of one that the customer made in a portal."""

    def __attrs_post_init__(self) -> None:
        if not (self.reference or self.parcel or self.label_id or self.order_id or self.tracking_number):
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "a shipment has no reference, parcel or order")
        if self.tracking_url and not self.tracking_url.startswith("https://"):
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "the address of a tracking page is not https://")
        if self.cost is not None and self.cost.minor < 0:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, "a label has a cost below zero")

    @property
    def names(self) -> tuple[str, ...]:
        """What names it at the provider, each once."""
        return tuple(dict.fromkeys([name for name in (self.reference, self.parcel, self.tracking_number) if name]))


@frozen(kw_only=True, field_transformer=checked(unreadable))
class LabelDocument:
    """What the customer needs to hand the parcel in. Personal data: a label has his address on it.

    >>> LabelDocument(form=LabelForm.PDF, media_type="application/pdf", content=b"%PDF-1.7").form.value
    'pdf'
    """

    form: LabelForm
    """What it is."""

    media_type: Id
    """As ``application/pdf`` or ``image/png``."""

    content: bytes = attrs.field(repr=False, metadata=PERSONAL)
    """The bytes of it."""

    once: bool = False
    """Whether the provider gives it out a single time: then it is kept, and shown again from there."""

    def __attrs_post_init__(self) -> None:
        if not 0 < len(self.content) <= LARGEST_DOCUMENT:
            raise ProviderError(ErrorCode.UNREADABLE_ANSWER, f"a label of {len(self.content)} bytes is none")


@frozen(kw_only=True, field_transformer=checked(unreadable))
class ShipmentEvent:
    """What a webhook with a checked signature says of one shipment.

    Parcels that go out to customers may be told of too, with their order: an order alone leads to no label. Give it
    where the webhook has it: a label whose parcel is not known yet is read then, and what was said is kept until it
    is."""

    event_id: Id
    """The provider's, the same when it is sent again; where it has none, one made of what is said."""

    shipment: Shipment
    """The label and its parcel, as the webhook has them."""


def _events(given: list[ShipmentEvent] | tuple[ShipmentEvent, ...]) -> tuple[ShipmentEvent, ...]:
    return as_tuple(given)


@frozen(kw_only=True, field_transformer=checked(unreadable))
class ShipmentEvents:
    """What a signed webhook says of shipments; empty when it is about something else.

    >>> seen = Shipment(told=Told.READY, parcel="88", progress=ParcelState.DELIVERED)
    >>> len(ShipmentEvents(events=[ShipmentEvent(event_id="e-1", shipment=seen)]).events)
    1
    """

    events: tuple[ShipmentEvent, ...] = attrs.field(converter=_events)
    """One for each thing that it says."""
