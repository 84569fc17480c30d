"""What happens to return labels and to the parcels that go with them."""

from __future__ import annotations

import datetime
from typing import ClassVar

import attrs

from retour.model.events.event import EVERYBODY, PARCEL_MOVED, RETURN_APPROVED, STAFF, Subject, event
from retour.model.fields import Id, PluginName, Reference, checked
from retour.model.frozen import frozen
from retour.model.labels import Label, LabelOption, ParcelState, Told, WhatFollows, WhoPays
from retour.model.money import Money
from retour.model.parcels import Parcel
from retour.model.reasons import Reason, as_reason
from retour.model.refunds import Evidence
from retour.model.return_reasons import ReturnReason
from retour.model.returns import RequestedLine

VALUES_OF_A_LABEL = ("reference", "parcel", "carrier", "tracking_number", "tracking_url", "cost", "valid_until")
"""What a provider says of a label besides how far it is, as `LabelReported` and the label call it."""

NOT_SAID = (None, "")
"""What such a value is where it was not said."""


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelOrdered:
    """A label was decided on. It is asked for after ``database_at``, with what is fixed here: ``option`` of a
    ``provider``'s ``account`` for a ``parcel``, between the addresses that are kept as ``addresses_id``.

    ``payer`` is who bears what it costs, ``replaces`` the label that it stands for.
    """

    type: ClassVar = "label_ordered"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = None

    label_id: Id
    return_id: Id
    provider: PluginName
    option: LabelOption
    parcel: Parcel
    addresses_id: Id
    account: Id = "default"
    payer: WhoPays = WhoPays.SHOP
    replaces: Id | None = None
    note_id: Id | None = None
    database_at: datetime.datetime | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelPutOff:
    """A label was certainly not made yet, and is asked for again by itself, not before
    ``not_before`` of the database's clock."""

    type: ClassVar = "label_put_off"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    label_id: Id
    because: Reason | None = attrs.field(converter=as_reason)
    not_before: datetime.datetime

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelUnclear:
    """A label may have been made: an answer was lost, at the latest at ``database_at``. It is found out by itself."""

    type: ClassVar = "label_unclear"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    label_id: Id
    because: Reason | None = attrs.field(converter=as_reason)
    database_at: datetime.datetime | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelRefused:
    """No label was made, and ``because`` says why, in the words of the provider or its carrier."""

    type: ClassVar = "label_refused"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    label_id: Id
    because: Reason | None = attrs.field(converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelHeld:
    """A label waits for a person: nothing goes on by itself."""

    type: ClassVar = "label_held"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    label_id: Id
    because: Reason | None = attrs.field(converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelReported:
    """What the provider says of a label, where that is news. ``evidence`` is how we know, and ``said_at`` since when it
    is so by the provider's clock, where it says so; ``became_ready`` says that it can be printed now, and could not
    before, for a return that may be sent. ``step_at`` is when its parcel was said to be where it is known to be, if
    that is later than was known, and ``again`` says that times are all that is new: nothing changes by it.
    ``made_at`` is when it was made by what its provider shows of it."""

    type: ClassVar = "label_reported"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY

    return_id: Id
    label_id: Id
    told: Told
    evidence: Evidence
    reference: Reference = ""
    parcel: Reference = ""
    carrier: Reference = ""
    tracking_number: Reference = ""
    tracking_url: str = ""
    cost: Money | None = None
    valid_until: datetime.date | None = None
    because: Reason | None = attrs.field(default=None, converter=as_reason)
    said_at: datetime.datetime | None = None
    became_ready: bool = False
    step_at: datetime.datetime | None = None
    again: bool = False
    made_at: datetime.datetime | None = None

    def says_more_than(self, known: Label) -> bool:
        """Whether it says a value that was never said of the label; another one in place of one that was is none."""
        said = [name for name in VALUES_OF_A_LABEL if getattr(self, name) not in NOT_SAID]
        return any(getattr(known, name) in NOT_SAID for name in said)

    @property
    def announced_by(self) -> str | None:
        """Plugins hear of the return once more when it has a label, so that the host can mail it."""
        return RETURN_APPROVED if self.became_ready else None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class ParcelMoved:
    """The parcel of a label got further, by its provider's word: ``provider_status`` is that word. ``moved_at`` is when
    by the provider's clock, where it says so; ``follows`` is what the host wants to follow from it."""

    type: ClassVar = "parcel_moved"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = PARCEL_MOVED

    return_id: Id
    label_id: Id
    progress: ParcelState
    provider_status: str = ""
    follows: WhatFollows = WhatFollows.NOTHING
    moved_at: datetime.datetime | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelCancelAsked:
    """A person wants a label taken back: its provider is asked."""

    type: ClassVar = "label_cancel_asked"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    label_id: Id
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelCancelRefused:
    """A label could not be taken back."""

    type: ClassVar = "label_cancel_refused"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    label_id: Id
    because: Reason | None = attrs.field(converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelSettled:
    """A person says, by what he saw at the provider, whether a label was ``made`` of which nobody could tell, and what
    it is called there."""

    type: ClassVar = "label_settled"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    label_id: Id
    made: bool
    reference: Reference = ""
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelMisnamed:
    """The ``reference`` that a person gave for a label names none of this order at its provider: he is asked again."""

    type: ClassVar = "label_misnamed"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    label_id: Id
    reference: Reference
    because: Reason | None = attrs.field(converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class LabelDocumentKept:
    """The document of a label, which its provider gives out a single time, is kept as ``document_id``."""

    type: ClassVar = "label_document_kept"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    label_id: Id
    document_id: Id

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class PortalLabelFound:
    """A label was found that the customer made in the portal of a ``provider``'s ``account``, without the shop.

    ``chosen`` is why he sends units back by what he chose there, where that is another reason than the return has;
    ``reasons`` are those of the host's list that it names.
    """

    type: ClassVar = "portal_label_found"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = None

    label_id: Id
    return_id: Id
    provider: PluginName
    told: Told
    evidence: Evidence
    account: Id = "default"
    reference: Reference = ""
    parcel: Reference = ""
    tracking_number: Reference = ""
    made_at: datetime.datetime | None = None
    chosen: tuple[RequestedLine, ...] = ()
    reasons: tuple[ReturnReason, ...] = ()

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, label_id=self.label_id)
