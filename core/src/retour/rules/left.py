"""How many units of each line can still come back, and what is said where more are asked for or counted."""

from __future__ import annotations

from retour.model.dossier import Dossier
from retour.model.errors import InvalidQuantity
from retour.model.order import Order
from retour.model.returns import Counted, Return
from retour.model.text import text


def units_left(dossier: Dossier, order: Order) -> dict[str, int]:
    """How many units of each goods line are in no live return yet. Below zero when the order shrank meanwhile."""
    claimed = dossier.claimed()
    return {line.id: line.fulfilled - claimed.get(line.id, 0) for line in order.goods}


def more_than_left(dossier: Dossier, order: Order, line_id: str, units: int, left: int) -> InvalidQuantity:
    """More units than can still come back."""
    line = order.line(line_id)
    return InvalidQuantity(
        text(
            "Order {order}, line {line} ({name}): {units} units are more than the {left} that can still come back "
            "({fulfilled} fulfilled, {claimed} in returns already).",
            order=order.id,
            line=line_id,
            name=line.name,
            units=units,
            left=max(0, left),
            fulfilled=line.fulfilled,
            claimed=dossier.claimed().get(line_id, 0),
        )
    )


def more_than_announced(order: Order, return_: Return, count: Counted, left: int) -> InvalidQuantity:
    """More units than a return announced, which can all have come."""
    return InvalidQuantity(
        text(
            "Order {order}, line {line} ({name}): return {return_id} announced {announced}, of which {left} can still "
            "be counted; {units} is more. If they really came, count them with more_than_requested=True.",
            order=order.id,
            line=count.line_id,
            name=order.line(count.line_id).name,
            return_id=return_.id,
            announced=return_.requested.get(count.line_id, 0),
            left=left,
            units=count.units,
        )
    )


def no_surplus_yet(order: Order, count: Counted, here: int) -> InvalidQuantity:
    """Surplus of a line of which units are not ``here`` that were delivered."""
    line = order.line(count.line_id)
    return InvalidQuantity(
        text(
            "Order {order}, line {line} ({name}): {surplus} cannot be surplus while {away} of the {fulfilled} "
            "delivered are not here ({here} are). Count as units that came what was delivered, and as surplus only "
            "what is beyond that.",
            order=order.id,
            line=line.id,
            name=line.name,
            surplus=count.surplus,
            away=line.fulfilled - here,
            fulfilled=line.fulfilled,
            here=here,
        )
    )


def more_than_to_inspect(order: Order, receipt_id: str, found: Counted, count: Counted) -> InvalidQuantity:
    """More units judged than a receipt's ``count`` has waiting for it."""
    return InvalidQuantity(
        text(
            "Order {order}, line {line} ({name}): {units} units are more than the {left} of receipt {receipt} that "
            "nobody has inspected; {judged} of its {counted} are judged already. correct_receipt changes what was "
            "counted there.",
            order=order.id,
            line=found.line_id,
            name=order.line(found.line_id).name,
            units=found.units,
            left=count.to_inspect,
            receipt=receipt_id,
            judged=count.units - count.to_inspect,
            counted=count.units,
        )
    )
