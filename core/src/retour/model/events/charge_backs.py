"""What the customer's bank takes back of a payment, past the merchant, and what he disputes, as the provider tells."""

from __future__ import annotations

from typing import ClassVar

from retour.model.events.event import PAYMENT_DISPUTED, STAFF, Subject, event
from retour.model.fields import Id, checked
from retour.model.frozen import frozen
from retour.model.money import Money


@event
@frozen(kw_only=True, field_transformer=checked())
class PaymentChargedBack:
    """The provider said how much of a payment a bank has taken back in all by now: less than before where the bank gave
    some of it back, zero where it gave back everything."""

    type: ClassVar = "payment_charged_back"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = PAYMENT_DISPUTED

    payment: Id
    amount: Money

    @property
    def subject(self) -> Subject:
        return Subject(payment=self.payment)


@event
@frozen(kw_only=True, field_transformer=checked())
class PaymentDisputed:
    """The provider said that the customer disputes a payment and that nobody has decided that yet; or, where it is not
    ``disputed``, that this is over, however it was decided. ``only_whole`` says that as long the whole payment
    can go back, and no part of it."""

    type: ClassVar = "payment_disputed"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = PAYMENT_DISPUTED

    payment: Id
    disputed: bool
    only_whole: bool = False

    @property
    def subject(self) -> Subject:
        return Subject(payment=self.payment)


@event
@frozen(kw_only=True, field_transformer=checked())
class ReversalNotShown:
    """The provider told that money of a payment was taken back, and what it shows of the payment says nothing of it:
    how much is gone nobody knows."""

    type: ClassVar = "reversal_not_shown"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = PAYMENT_DISPUTED

    payment: Id

    @property
    def subject(self) -> Subject:
        return Subject(payment=self.payment)
