"""Goods that somebody says came back: which units they are, what the policies say of their stock, and their count."""

from __future__ import annotations

from collections.abc import Sequence

import attrs

from retour.desk.commands import Commands
from retour.desk.services import Services
from retour.model.dossier import Dossier
from retour.model.frozen import frozen
from retour.model.order import Order
from retour.model.returns import Counted
from retour.rules import counting, stock
from retour.rules.counting import Arrival
from retour.rules.draft import Draft


@frozen(kw_only=True)
class ComingBack:
    """What came back of an order in one parcel: these ``lines``, or all that was not counted yet where there are none.
    ``parcel`` is what the parcel is called."""

    lines: tuple[Counted, ...] | None = None
    parcel: str = ""
    note: str | None = attrs.field(default=None, repr=False)

    @property
    def arguments(self) -> tuple[object, ...]:
        """What tells one count from another, beside the command that it is part of."""
        return (self.lines, self.note, self.parcel) if self.parcel else (self.lines, self.note)


@frozen
class CountingGoods:
    """Counts the goods of one shop."""

    services: Services
    commands: Commands

    def arrivals(self, draft: Draft, order: Order, back: ComingBack) -> Sequence[Arrival]:
        """On which returns the units are counted. Raises what forbids it."""
        if back.lines is None:
            counts = counting.everything_outstanding(draft.dossier, order)
        else:
            counts = counting.counted_lines(order, back.lines)
        found = counting.arrivals(draft.dossier, order, counts, draft.new_id, named=back.lines is not None)
        if found:
            counting.check_parcel(draft.dossier, back.parcel, self.services.zone)
        return found

    def count(
        self, draft: Draft, order: Order, arrivals: Sequence[Arrival], note: str | None = None, parcel: str = ""
    ) -> None:
        """Count what arrived and decide about its stock, one receipt after the other."""
        for arrival in arrivals:
            returned = counting.returned(draft.dossier, order, arrival)
            policy = self.services.hooks.restock_policy(order, returned, self.commands.context(draft))
            counting.receive(draft, order, arrival, note, parcel)
            stock.after_receipt(draft, order, arrival.return_id, policy)


def counted_before(dossier: Dossier) -> Sequence[str]:
    """The returns of which something came back."""
    return [one.id for one in dossier.returns.values() if one.live and one.receipts]
