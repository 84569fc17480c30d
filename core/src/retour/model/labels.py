"""Return labels: what can be bought, what was bought, and how far the parcel with it is."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from enum import StrEnum

from retour.model.carriers import carrier_name
from retour.model.fields import Id, Reference, checked
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.parcels import Parcel
from retour.model.reasons import Reason
from retour.model.text import Text, text
from retour.model.when import When


class LabelForm(StrEnum):
    """What the customer gets: a label to print, a code to show where the parcel is handed in, or nothing at all since
    the shop or the place has what is needed."""

    PDF = "pdf"  #: a document to print
    QR_CODE = "qr_code"  #: a code to show
    NONE = "none"  #: nothing is needed


class Charged(StrEnum):
    """When the provider charges for a label."""

    WHEN_MADE = "when_made"  #: also if it is never used
    WHEN_SCANNED = "when_scanned"  #: only if a carrier gets the parcel
    UNKNOWN = "unknown"  #: the provider does not say


class WhoPays(StrEnum):
    """Who bears the cost of a label. The law's default is the customer, unless the shop did not tell him so or took it
    on (directive 2011/83/EU, articles 6(6) and 14(1))."""

    SHOP = "shop"  #: the label is free for the customer
    CUSTOMER = "customer"  #: he bears it; nothing is taken off his refund by itself


@frozen(kw_only=True, field_transformer=checked())
class LabelOption:
    """One label that can be bought for a parcel, as its provider offers it now.

    >>> LabelOption(code="small", name="Small parcel", carrier="post").charged.value
    'unknown'
    """

    code: Id
    """Its name at the provider, for `ReturnDesk.order_label`."""

    name: Id
    """What people call it, as the provider does."""

    carrier: Reference
    """The carrier's code at the provider; empty where it names none."""

    form: LabelForm = LabelForm.PDF
    """What the customer gets."""

    contract: Reference = ""
    """Which of several contracts with that carrier it is under; empty where the account has one."""

    price: Money | None = None
    """What one label costs, without VAT; None where the provider does not tell."""

    charged: Charged = Charged.UNKNOWN
    """When the provider charges for it."""

    pick_up: bool = False
    """Whether the carrier fetches the parcel at the customer's."""

    @property
    def carrier_name(self) -> str:
        """What people call its carrier, as far as retour knows it: else the ``carrier`` code."""
        return carrier_name(self.carrier)


class LabelState(StrEnum):
    """How far a label is."""

    ORDERED = "ordered"  #: decided, and not known to be made: it is being asked for
    UNKNOWN = "unknown"  #: asked for, and nobody knows whether it was made
    ANNOUNCING = "announcing"  #: the provider has it, its carrier does not yet
    READY = "ready"  #: it can be used
    REFUSED = "refused"  #: there is none
    CANCELLING = "cancelling"  #: the provider was asked; it says later whether it could
    CANCELLED = "cancelled"  #: it cannot be used any more


class ParcelState(StrEnum):
    """How far a parcel is on its way back. What we do not know is `UNKNOWN`, with the provider's own word beside it."""

    NOT_SENT = "not_sent"  #: no carrier has it
    ON_ITS_WAY = "on_its_way"  #: a carrier scanned it
    AT_PICKUP_POINT = "at_pickup_point"  #: it waits for the shop to fetch it
    DELAYED = "delayed"  #: later than the carrier said
    DELIVERED = "delivered"  #: at the shop
    RETURNED_TO_SENDER = "returned_to_sender"  #: it goes, or went, back to the customer
    LOST = "lost"  #: the carrier does not find it
    PROBLEM = "problem"  #: the carrier needs somebody: an address, customs, a damage
    CANCELLED = "cancelled"  #: it will not be carried
    UNKNOWN = "unknown"  #: in a word that we do not know


SCANNED = frozenset(
    {
        ParcelState.ON_ITS_WAY,
        ParcelState.AT_PICKUP_POINT,
        ParcelState.DELAYED,
        ParcelState.DELIVERED,
        ParcelState.RETURNED_TO_SENDER,
        ParcelState.LOST,
    }
)
"""What says that the carrier has, or had, the parcel: its label is used."""

NOWHERE = frozenset({ParcelState.NOT_SENT, ParcelState.UNKNOWN})
"""What tells no place where a parcel is or was."""


class WhatFollows(StrEnum):
    """What follows from a step of a parcel. Never a restock and never money: goods are back when they were counted."""

    NOTHING = "nothing"  #: it is on the timeline, and that is all
    SENT = "sent"  #: the return is on its way
    COUNT = "count"  #: the return waits to be counted
    ASK = "ask"  #: a person looks at it


USUALLY_FOLLOWS: Mapping[ParcelState, WhatFollows] = {
    ParcelState.ON_ITS_WAY: WhatFollows.SENT,
    ParcelState.DELIVERED: WhatFollows.COUNT,
    ParcelState.RETURNED_TO_SENDER: WhatFollows.ASK,
    ParcelState.LOST: WhatFollows.ASK,
    ParcelState.PROBLEM: WhatFollows.ASK,
}
"""What follows from a step where the host says nothing of it; nothing from any other."""


MADE = frozenset({LabelState.ANNOUNCING, LabelState.READY})
"""Labels that are there to be used, or will be."""


class Told(StrEnum):
    """What a provider says of a label. What it says in another word is `ANNOUNCING`: nothing is known to be ready."""

    ANNOUNCING = "announcing"  #: its carrier does not have it yet
    READY = "ready"  #: it can be used
    REFUSED = "refused"  #: there is none
    CANCELLING = "cancelling"  #: it was asked to cancel it
    CANCELLED = "cancelled"  #: it cannot be used any more


@frozen(kw_only=True)
class Label:
    """A label of a return, as its events make it. One that the customer made in the provider's portal has no option, no
    addresses and no parcel that was sent. Times are UTC, and None where that has not happened."""

    id: str
    """Ours, one for each label that was ever asked for: a provider that is given it twice makes one label."""

    return_id: str
    """The return that it is for."""

    provider: str
    """Who makes it: the name of the plugin."""

    account: str
    """The account there that pays for it."""

    state: LabelState
    """How far it is."""

    ordered_at: datetime.datetime
    """When it was asked for, or first seen."""

    changed: When
    """When something of it last changed."""

    option: LabelOption | None = None
    """What was ordered there."""

    addresses_id: str | None = None
    """Names the addresses that it goes between, which are kept apart."""

    parcel_sent: Parcel | None = None
    """The parcel that it was ordered for."""

    begun_at: datetime.datetime | None = None
    """Before it was asked for, by the database's clock."""

    payer: WhoPays = WhoPays.SHOP
    """Who bears its cost."""

    reference: str = ""
    """What the provider calls the label; empty where it was found without that: it can be shown then, and not
    cancelled."""

    parcel: str = ""
    """What the provider calls its parcel; empty where it has no name."""

    told: Told | None = None
    """The provider's last word of it."""

    said_at: datetime.datetime | None = None
    """Since when that is true, by the provider's clock."""

    progress: ParcelState = ParcelState.NOT_SENT
    """How far its parcel is."""

    provider_status: str = ""
    """The same in the provider's own word."""

    carrier: str = ""
    """The carrier's code at the provider."""

    tracking_number: str = ""
    """The carrier's number of the parcel; empty until there is one."""

    tracking_url: str = ""
    """The page on which the parcel can be followed; empty until there is one."""

    cost: Money | None = None
    """What the provider charges for it; None until it has said."""

    valid_until: datetime.date | None = None
    """The last calendar day it can be used, in the shop's zone, where the provider says so."""

    because: Reason | None = None
    """Why it waits, was refused or is unclear."""

    needs_person: bool = False
    """Whether nothing goes on by itself."""

    replaces: str | None = None
    """The label that it stands for."""

    replaced_by: str | None = None
    """The label that stands for it."""

    unclear_at: datetime.datetime | None = None
    """When a try last ended without a clear answer; None when none did."""

    scanned_at: datetime.datetime | None = None
    """When a carrier was first seen to have the parcel."""

    follows: WhatFollows = WhatFollows.NOTHING
    """What the host wants to follow from the parcel's last step."""

    moved: When | None = None
    """When the parcel's last step was recorded."""

    told_at: datetime.datetime | None = None
    """When its provider last said that the parcel was there, by the provider's clock."""

    last_place: ParcelState | None = None
    """The last place that its provider told of the parcel, by the provider's clock: also where a later word told none;
    None before the first."""

    last_place_status: str = ""
    """The same in the provider's own word."""

    last_place_at: datetime.datetime | None = None
    """When the parcel was there, by the provider's clock."""

    read_again: int = 0
    """How often in a row it was read to be as it was known to be, but for a later time or another value in place of one
    that was known, as far as that was kept."""

    put_off_again: int = 0
    """How often in a row it was put off once more for the same reason, as far as that was kept."""

    not_cancelled: Reason | None = None
    """Why it could not be taken back."""

    cancel_asked: bool = False
    """Whether a person wants it taken back."""

    settled: bool = False
    """Whether a person said what became of it."""

    document_id: str | None = None
    """Names its document, if that had to be kept."""

    made_at: datetime.datetime | None = None
    """When it was made, by what its provider first showed of it; None while that is not known."""

    @property
    def changed_at(self) -> datetime.datetime:
        """When it last became what it is, by the clock of the process that recorded it: UTC."""
        return self.changed.at

    @property
    def moved_at(self) -> datetime.datetime | None:
        """When the last step of its parcel was recorded, by the clock of the process that did: UTC; None before the
        first."""
        return None if self.moved is None else self.moved.at

    @property
    def in_portal(self) -> bool:
        """Whether the customer made it in the provider's portal."""
        return self.option is None

    @property
    def open(self) -> bool:
        """Whether it may be there to be used: no other is bought for the same parcel meanwhile."""
        return self.state not in (LabelState.REFUSED, LabelState.CANCELLED) and self.replaced_by is None

    @property
    def unconfirmed(self) -> bool:
        """Whether its provider has not said yet that there is one by the number that a person gave."""
        return self.settled and self.told is None and bool(self.reference)

    @property
    def words(self) -> Text:
        """How far it is, in words: one that is there, and that somebody wants taken back, is being cancelled."""
        return LABEL_WORDS[LabelState.CANCELLING if self.cancel_asked and self.state in MADE else self.state]

    @property
    def may_be_made(self) -> bool:
        """Whether nobody knows yet that it is there: it is asked for, or was, and the answer is not to be had."""
        return self.state in (LabelState.ORDERED, LabelState.UNKNOWN)

    @property
    def scanned(self) -> bool:
        """Whether a carrier has, or had, its parcel."""
        return self.scanned_at is not None


LABEL_WORDS: Mapping[LabelState, Text] = {
    LabelState.ORDERED: text("being made"),
    LabelState.UNKNOWN: text("not known to be made"),
    LabelState.ANNOUNCING: text("being announced to the carrier"),
    LabelState.READY: text("ready"),
    LabelState.REFUSED: text("refused"),
    LabelState.CANCELLING: text("being cancelled"),
    LabelState.CANCELLED: text("cancelled"),
}

PARCEL_WORDS: Mapping[ParcelState, Text] = {
    ParcelState.NOT_SENT: text("not handed in yet"),
    ParcelState.ON_ITS_WAY: text("on its way"),
    ParcelState.AT_PICKUP_POINT: text("at a pick-up point"),
    ParcelState.DELAYED: text("delayed"),
    ParcelState.DELIVERED: text("delivered at the shop"),
    ParcelState.RETURNED_TO_SENDER: text("going back to the customer"),
    ParcelState.LOST: text("lost"),
    ParcelState.PROBLEM: text("held up"),
    ParcelState.CANCELLED: text("cancelled"),
    ParcelState.UNKNOWN: text("not known"),
}
