"""What happens to the stock: asked, decided, booked by the shop or not."""

from __future__ import annotations

from typing import ClassVar

import attrs

from retour.model.events.event import RESTOCKED, STAFF, Subject, event
from retour.model.fields import Id, Units, checked
from retour.model.frozen import frozen
from retour.model.reasons import Reason, as_reason
from retour.model.returns import RestockDecision, StockMovement


@event
@frozen(kw_only=True, field_transformer=checked())
class RestockAsked:
    """The merchant has to say what goes back in stock. ``because`` says why we ask when a policy could not answer."""

    type: ClassVar = "restock_asked"
    version: ClassVar = 2
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    because: Reason | None = attrs.field(default=None, converter=as_reason)

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class RestockDecided:
    """What goes back in stock: the movements to make, and the units to book by hand, per order line.

    ``by_hand`` is the whole list after this decision. A correction below what went back gives a movement below zero.
    """

    type: ClassVar = "restock_decided"
    version: ClassVar = 2
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    decision: RestockDecision
    movements: tuple[StockMovement, ...] = ()
    by_hand: dict[Id, Units] = attrs.field(factory=dict)
    corrects: bool = False

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class StockApplied:
    """The shop has booked these movements."""

    type: ClassVar = "stock_applied"
    version: ClassVar = 1
    readers: ClassVar = STAFF
    announced_by: ClassVar = RESTOCKED

    return_id: Id
    movement_ids: tuple[Id, ...]

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id)


@event
@frozen(kw_only=True, field_transformer=checked())
class StockFailed:
    """The shop could not book a movement. ``final``: it never will; its units go to the list by hand."""

    type: ClassVar = "stock_failed"
    version: ClassVar = 2
    readers: ClassVar = STAFF
    announced_by: ClassVar = None

    return_id: Id
    movement_id: Id
    because: Reason | None = attrs.field(converter=as_reason)
    final: bool

    @property
    def subject(self) -> Subject:
        return Subject(return_id=self.return_id)
