"""What has to be done outside our database after events were committed."""

from __future__ import annotations

from collections.abc import Iterable

import attrs

from retour.model.events import GoodsReceived, Recorded, RestockDecided, StockApplied
from retour.model.returns import StockMovement

ANNOUNCED_BY = {GoodsReceived: "on_order_returned", StockApplied: "on_restocked"}
"""Which hook tells the plugins about which event."""


@attrs.frozen(kw_only=True)
class ApplyStock:
    """Change the host's stock."""

    movement: StockMovement


@attrs.frozen(kw_only=True)
class Announce:
    """Tell one plugin, through ``hook``, about the event with this ``seq`` of an order."""

    order_id: str
    hook: str
    seq: int
    plugin: str


def stock_effects(events: Iterable[Recorded]) -> list[ApplyStock]:
    """The stock movements that ``events`` ask for."""
    return [
        ApplyStock(movement=movement)
        for recorded in events
        if isinstance(recorded.event, RestockDecided)
        for movement in recorded.event.movements
    ]
