"""What an announcing hook is told: made from the event, whenever it is told."""

from __future__ import annotations

from collections.abc import Sequence

from retour.model.dossier import fold
from retour.model.events import GoodsReceived, Recorded, StockApplied
from retour.model.order import Order
from retour.model.returns import Restocked
from retour.plugins.context import HookContext
from retour.plugins.hooks import Hooks
from retour.rules.goods import as_returned


def announce(hooks: Hooks, shop: str, plugin: str, order_id: str, events: Sequence[Recorded]) -> None:
    """Tell ``plugin`` about the last of ``events``; raises `PluginFailed`.

    ``events`` are all events of the order up to that one, so the plugin hears what was true then.
    """
    recorded = events[-1]
    dossier = fold(order_id, events)
    order: Order | None = dossier.order
    if order is None:
        raise LookupError(f"order {order_id} has no facts before event {recorded.seq}")
    ctx = HookContext(shop=shop, by=recorded.by, at=recorded.at, event=f"{shop}/{order_id}/{recorded.seq}")
    event = recorded.event
    if isinstance(event, GoodsReceived):
        returned = as_returned(order, event.return_id, event.receipt_id, event.lines, event.extent)
        hooks.on_order_returned(plugin, order, returned, ctx)
    elif isinstance(event, StockApplied):
        movements = dossier.returns[event.return_id].movements
        restocked = Restocked(
            return_id=event.return_id,
            movements=tuple([movements[movement_id].booking for movement_id in event.movement_ids]),
        )
        hooks.on_restocked(plugin, order, restocked, ctx)
    elif hasattr(event, "refund_id"):
        hooks.on_refund_changed(plugin, order, dossier.refunds[event.refund_id], ctx)
