"""What a provider's books do not show, as the provider tells it."""

from __future__ import annotations

from typing import ClassVar

import attrs

from retour.model.events.event import STAFF, Subject, event
from retour.model.fields import Id, checked
from retour.model.frozen import frozen
from retour.model.reasons import Reason, as_reason


@event
@frozen(kw_only=True, field_transformer=checked())
class RefundsNotShown:
    """The provider said that it does not show which refunds of a payment were made, now or later, and why; None: it
    does, after all."""

    type: ClassVar = "refunds_not_shown"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    payment: Id
    because: Reason | None = attrs.field(default=None, converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(payment=self.payment)


@event
@frozen(kw_only=True, field_transformer=checked())
class RemainderUnexplained:
    """Less was left of a payment at its provider than all refunds that are known leave, and by how much; None: by now
    they explain it."""

    type: ClassVar = "remainder_unexplained"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    payment: Id
    because: Reason | None = attrs.field(default=None, converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(payment=self.payment)
