"""What is learnt of an order's payments: what their providers call them, and what became of one that left the order."""

from __future__ import annotations

from typing import ClassVar

from retour.model.events.event import STAFF, Subject, event
from retour.model.fields import Id, checked
from retour.model.frozen import frozen
from retour.model.payment_identity import PaymentIdentity


@event
@frozen(kw_only=True, field_transformer=checked())
class PaymentIdentified:
    """The provider said what a payment is there: what is refunded, and the names that webhooks use of it."""

    type: ClassVar = "payment_identified"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    payment: Id
    identity: PaymentIdentity

    @property
    def subject(self) -> Subject:
        return Subject(payment=self.payment)


@event
@frozen(kw_only=True, field_transformer=checked())
class PaymentExplained:
    """A person said what became of a payment that left the order with money gone back on it: it is another payment of
    the order now, or without one it is no part of the order any more."""

    type: ClassVar = "payment_explained"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    payment: Id
    became: Id | None
    note_id: Id | None = None

    @property
    def subject(self) -> Subject:
        return Subject(payment=self.payment, note_id=self.note_id)
