"""What happens to refunds that go by bank transfer in place of the way the money came in."""

from __future__ import annotations

import datetime
from typing import ClassVar

import attrs

from retour.model.destinations import ConsentWay, RefundDestination
from retour.model.events.event import EVERYBODY, REFUND_CHANGED, STAFF, Subject, event
from retour.model.fields import Id, checked
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.reasons import Reason, as_reason


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundTransferPlanned:
    """A refund was decided that the merchant makes by bank transfer. Unless ``hold`` says why it waits for a person, it
    waits for him to make it.

    ``to`` is where the money goes, ``in_place_of`` the refund that it replaces. It is made after ``database_at``.
    """

    type: ClassVar = "refund_transfer_planned"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id
    payment: str
    amount: Money
    to: RefundDestination
    return_id: Id | None = None
    in_place_of: Id | None = None
    hold: Reason | None = attrs.field(default=None, converter=as_reason)
    note_id: Id | None = None
    database_at: datetime.datetime | None = None

    @property
    def subject(self) -> Subject:
        return Subject(
            return_id=self.return_id,
            refund_id=self.refund_id,
            payment=self.payment,
            note_id=self.note_id,
            account_id=self.to.account_id,
        )


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundConsentRecorded:
    """A person recorded ``how`` the customer agreed that his money comes back by bank transfer, however he paid."""

    type: ClassVar = "refund_consent_recorded"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = None

    refund_id: Id
    how: ConsentWay
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id, note_id=self.note_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundTransferReleased:
    """A bank transfer that had waited for a person may be made now."""

    type: ClassVar = "refund_transfer_released"
    version: ClassVar = 1
    readers: ClassVar = EVERYBODY
    announced_by: ClassVar = REFUND_CHANGED

    refund_id: Id

    @property
    def subject(self) -> Subject:
        return Subject(refund_id=self.refund_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class PaymentNotRefundable:
    """The provider said, when it was asked, that nothing of a payment can go back by it, now or ever, and why; None: it
    can, after all."""

    type: ClassVar = "payment_not_refundable"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    payment: Id
    because: Reason | None = attrs.field(default=None, converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(payment=self.payment)
