"""What has to be done outside our database after events were committed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from retour.model.actor import ActorKind
from retour.model.events.event import Recorded
from retour.model.events.labels import LabelCancelAsked, LabelOrdered, LabelReported, LabelSettled, PortalLabelFound
from retour.model.events.money import (
    ExternalRefundFound,
    RefundCancelAsked,
    RefundMatched,
    RefundPlanned,
    RefundReported,
    RefundSubmitted,
    RefundUnclear,
)
from retour.model.events.stock import RestockDecided, StockApplied
from retour.model.refunds import Evidence
from retour.model.returns import StockMovement


def refunds_to_send(events: Iterable[Recorded]) -> list[str]:
    """The refunds that ``events`` let go out, or that a person wants looked up again."""
    return [
        recorded.event.refund_id
        for recorded in events
        if isinstance(recorded.event, RefundSubmitted)
        or (isinstance(recorded.event, RefundPlanned) and not recorded.event.hold)
        or (isinstance(recorded.event, RefundUnclear) and recorded.by.kind is ActorKind.STAFF)
    ]


def refunds_to_cancel(events: Iterable[Recorded]) -> list[str]:
    """The refunds that ``events`` ask the provider to take back."""
    return [recorded.event.refund_id for recorded in events if isinstance(recorded.event, RefundCancelAsked)]


def refunds_to_look_at(events: Iterable[Recorded]) -> list[str]:
    """The refunds that the provider has pending by ``events``, whoever said so: somebody has to look at them again."""
    return [
        recorded.event.refund_id
        for recorded in events
        if isinstance(recorded.event, RefundMatched)
        or (isinstance(recorded.event, RefundReported | ExternalRefundFound) and recorded.event.status == "pending")
    ]


def labels_to_make(events: Iterable[Recorded]) -> list[str]:
    """The labels that ``events`` ask for."""
    return [recorded.event.label_id for recorded in events if isinstance(recorded.event, LabelOrdered)]


def labels_to_look_at(events: Iterable[Recorded]) -> list[str]:
    """The labels that came to be there by ``events``: their provider announces them, and carriers move their parcels,
    so somebody has to look at them again."""
    found = [
        recorded.event.label_id
        for recorded in events
        if (isinstance(recorded.event, LabelReported) and _is_to_be_looked_at(recorded.event))
        or (isinstance(recorded.event, LabelSettled) and recorded.event.made)
        or isinstance(recorded.event, PortalLabelFound)
    ]
    return list(dict.fromkeys(found))


def _is_to_be_looked_at(said: LabelReported) -> bool:
    return said.evidence is not Evidence.LOOKUP and not said.again


def labels_to_cancel(events: Iterable[Recorded]) -> list[str]:
    """The labels that ``events`` ask the provider to take back."""
    return [recorded.event.label_id for recorded in events if isinstance(recorded.event, LabelCancelAsked)]


def stock_to_book(events: Sequence[Recorded]) -> list[StockMovement]:
    """The stock movements that ``events`` ask for, without those that were booked together with them."""
    applied = {one for told in events if isinstance(told.event, StockApplied) for one in told.event.movement_ids}
    return [
        movement
        for recorded in events
        if isinstance(recorded.event, RestockDecided)
        for movement in recorded.event.movements
        if movement.id not in applied
    ]
