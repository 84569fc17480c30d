"""What happens to money: decided, sent, reported by its provider, confirmed by a person.

Windows and delays run on the database's clock. An event that one of them runs from says with ``database_at`` when it
was by that clock; it is None in events of an earlier release, and then the time at which they were recorded counts.
"""

from __future__ import annotations

import datetime
from typing import Annotated, ClassVar, TypeAlias

import attrs

from retour.model.events.event import EVERYBODY, REFUND_CHANGED, STAFF, Subject, event
from retour.model.fields import LARGEST_INTEGER, Between, Id, Reference, checked
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.reasons import Reason, as_reason
from retour.model.refunds import Evidence, MatchedBy, RefundInstruction, Reported

MinorUnits: TypeAlias = Annotated[int, Between(1, LARGEST_INTEGER)]
"""A step of amounts, in minor units."""


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundPlanned:
    """A refund by API was decided. Unless ``hold`` says why it waits for a person, it is being sent: the intent.

    ``sent`` is its instruction, fixed from now on (the name is that of stored rows). ``page`` is the
    payment's page as the provider named it when it was asked. ``books_read`` says that its books were read for this,
    and ``read_at`` when, by the database's clock; it was decided and sent after ``database_at``. ``step`` is that of
    the amounts which the provider pays, in minor units.
    """

    type: ClassVar = "refund_planned"
    version: ClassVar = 2
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    payment: str
    amount: Money
    sent: RefundInstruction
    return_id: Id | None = None
    hold: Reason | None = attrs.field(default=None, converter=as_reason)
    note_id: Id | None = None
    page: str = ""
    books_read: bool = False
    read_at: datetime.datetime | None = None
    database_at: datetime.datetime | None = None
    step: MinorUnits = 1

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, refund_id=self.refund_id, payment=self.payment, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundLinkOpened:
    """A person opened the link, or took the bank transfer, to refund this much; the amount is reserved. He refunds
    after ``database_at``, in whole ``step`` minor units. ``lacks_consent`` says that it can go by bank transfer alone,
    and that the customer, who paid another way, has not agreed to that yet."""

    type: ClassVar = "refund_link_opened"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    payment: str
    amount: Money
    return_id: Id | None = None
    note_id: Id | None = None
    by_transfer: bool = False
    lacks_consent: bool = False
    database_at: datetime.datetime | None = None
    step: MinorUnits = 1

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, refund_id=self.refund_id, payment=self.payment, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundSubmitted:
    """A refund that had waited for a person, or that certainly did not happen, is being sent (again). ``books_read``
    says that the provider's books were read for this, ``read_at`` when; it is sent after ``database_at``."""

    type: ClassVar = "refund_submitted"
    version: ClassVar = 2
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    refund_id: Id
    because: Reason | None = attrs.field(default=None, converter=as_reason)
    books_read: bool = False
    read_at: datetime.datetime | None = None
    database_at: datetime.datetime | None = None

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundPutOff:
    """A try certainly did nothing; the same request goes out again after ``not_before`` of the database's clock, by
    itself."""

    type: ClassVar = "refund_put_off"
    version: ClassVar = 2
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    refund_id: Id
    because: Reason | None = attrs.field(converter=as_reason)
    not_before: datetime.datetime

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundUnclear:
    """A try ended without a clear answer: the refund is unknown until the provider says what became of it.

    ``tried`` is False when nothing was sent, only asked. The try had ended at ``database_at``.
    """

    type: ClassVar = "refund_unclear"
    version: ClassVar = 2
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    because: Reason | None = attrs.field(converter=as_reason)
    tried: bool = True
    database_at: datetime.datetime | None = None

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundHeld:
    """A refund waits for a person, who is told why. One that may have been sent stays unknown meanwhile, and one that
    the provider has stays on its way."""

    type: ClassVar = "refund_held"
    version: ClassVar = 2
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    because: Reason | None = attrs.field(converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundRefused:
    """The provider refused a refund for good, and no try of it ever ended unclear."""

    type: ClassVar = "refund_refused"
    version: ClassVar = 2
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    because: Reason | None = attrs.field(converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundFellBack:
    """The provider cannot make a refund any more, and no try of it can have happened: the merchant transfers it."""

    type: ClassVar = "refund_fell_back"
    version: ClassVar = 2
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    because: Reason | None = attrs.field(converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundHandedOver:
    """A refund by bank transfer is in the file for the bank that is called ``batch``; empty: it was taken out again."""

    type: ClassVar = "refund_handed_over"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    batch: Reference

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundCancelAsked:
    """The provider is asked to take back a refund that it has not paid out yet."""

    type: ClassVar = "refund_cancel_asked"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundCancelRefused:
    """The provider does not take a refund back: it goes on as it was."""

    type: ClassVar = "refund_cancel_refused"
    version: ClassVar = 2
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    because: Reason | None = attrs.field(converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundReported:
    """The provider says what became of a refund.

    ``evidence`` is how we know, ``matched`` how it was recognised as this refund; both None where an earlier retour did
    not say. ``because`` is the provider's own reason. It had said so at ``database_at``. ``beside`` says that a person
    had said something else: both are kept, and the money counts as gone until he says which it is.
    """

    type: ClassVar = "refund_reported"
    version: ClassVar = 2
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    status: Reported
    reference: Reference
    provider_status: str = ""
    because: Reason | None = attrs.field(default=None, converter=as_reason)
    evidence: Evidence | None = None
    matched: MatchedBy | None = None
    database_at: datetime.datetime | None = None
    beside: bool = False

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class ExternalRefundFound:
    """A refund that nobody asked retour for, found at the provider. ``evidence`` is how we know of it. It was there at
    ``database_at``."""

    type: ClassVar = "external_refund_found"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    payment: str
    amount: Money
    status: Reported
    reference: Reference
    provider_status: str = ""
    evidence: Evidence | None = None
    database_at: datetime.datetime | None = None

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id, payment=self.payment)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundCancelled:
    """A refund that was not sent, or that waited for the merchant, will not be made."""

    type: ClassVar = "refund_cancelled"
    version: ClassVar = 2
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    because: Reason | None = attrs.field(default=None, converter=as_reason)
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundMatched:
    """A person says that an external refund is this one of ours: they are one refund."""

    type: ClassVar = "refund_matched"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    external_id: Id

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundConfirmed:
    """A person says: this much went back on this payment, and the provider or bank calls it ``reference``.

    ``refund_id`` is a refund that waited for the merchant, or a new one. ``in_place_of`` is a refund by API that was
    unknown then, and is a record of its own: the provider can still say that it happened too.
    """

    type: ClassVar = "refund_confirmed"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    payment: str
    amount: Money
    reference: Reference
    return_id: Id | None = None
    note_id: Id | None = None
    in_place_of: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id, refund_id=self.refund_id, payment=self.payment, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundSettled:
    """A person says of an unknown refund, whose provider's word was not to be had, that it ``happened`` and what the
    provider calls it, or that it did not. ``note_id`` is his evidence."""

    type: ClassVar = "refund_settled"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    happened: bool
    reference: Reference = ""
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundPaidTwice:
    """A refund and another of the same payment were both made, and one was meant: a person looks."""

    type: ClassVar = "refund_paid_twice"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    other_id: Id

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundPaidOnce:
    """A refund that was one of two is the only one now: the other failed, or its money came back."""

    type: ClassVar = "refund_paid_once"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    other_id: Id

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundReversed:
    """A person says: the money of a refund that he had confirmed came back to the merchant, and the bank calls that
    ``reference``."""

    type: ClassVar = "refund_reversed"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    reference: Reference
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id, note_id=self.note_id)
