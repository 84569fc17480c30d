"""Orders as an audit reads them: it looks at each from many sides, and nobody does anything meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import attrs

from retour import Dossier, ReturnDesk, TimelineEntry
from retour.store.records import Recorded

from .run import Campaign


@attrs.frozen
class ReadOnce:
    """A desk that reads what it is asked of an order once, and gives the same whenever it is asked again. All else it
    does as ever."""

    desk: ReturnDesk
    _dossiers: dict[str, Dossier] = attrs.field(factory=dict)
    _timelines: dict[tuple[str, str], Sequence[TimelineEntry]] = attrs.field(factory=dict)
    _events: dict[str, Sequence[Recorded]] = attrs.field(factory=dict)

    def dossier(self, order_id: str) -> Dossier:
        """An order's returns and refunds."""
        if order_id not in self._dossiers:
            self._dossiers[order_id] = self.desk.dossier(order_id)
        return self._dossiers[order_id]

    def timeline(self, order_id: str, audience: str = "staff") -> Sequence[TimelineEntry]:
        """Who did what and when."""
        if (order_id, audience) not in self._timelines:
            self._timelines[order_id, audience] = self.desk.timeline(order_id, audience)
        return self._timelines[order_id, audience]

    def events(self, order_id: str) -> Sequence[Recorded]:
        """The events of an order, the oldest first."""
        if order_id not in self._events:
            self._events[order_id] = self.desk._services.store.events(self.desk.shop_id, order_id)
        return self._events[order_id]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.desk, name)


def read_once(campaign: Campaign) -> Campaign:
    """The same campaign, for one audit."""
    return attrs.evolve(campaign, desk=ReadOnce(campaign.desk))
