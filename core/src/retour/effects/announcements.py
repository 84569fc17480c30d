"""What an announcing hook is told: made from the event, whenever it is told."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from retour.model.dossier import Dossier
from retour.model.events.event import (
    ORDER_RETURNED,
    ORDER_STATUS_CHANGED,
    REFUND_CHANGED,
    RESTOCKED,
    RETURN_RECEIVED,
    Recorded,
    announcing_hooks,
)
from retour.model.events.goods import GoodsInspected, GoodsReceived, ReceiptCorrected, ReturnClosed
from retour.model.events.stock import StockApplied
from retour.model.history import fold
from retour.model.order import Order
from retour.model.returns import Restocked
from retour.plugins.context import HookContext
from retour.plugins.hooks import Hooks
from retour.rules.counting import as_received, as_returned


def announce(hooks: Hooks, shop: str, plugin: str, hook: str, order_id: str, events: Sequence[Recorded]) -> None:
    """Tell ``plugin``, through ``hook``, about the last of ``events``; raises `PluginFailed`.

    ``events`` are all events of the order up to that one, so the plugin hears what was true then. What was once
    announced by this hook, and is no longer, is told to nobody.
    """
    recorded = events[-1]
    if hook not in announcing_hooks(recorded.event):
        return
    dossier = fold(order_id, events)
    if dossier.order is None:
        raise LookupError(f"order {order_id} has no facts before event {recorded.seq}")
    ctx = HookContext(shop=shop, by=recorded.by, at=recorded.at, event=f"{shop}/{order_id}/{recorded.seq}")
    _TELL[hook](hooks, plugin, dossier, dossier.order, recorded.event, ctx)


def _order_returned(
    hooks: Hooks,
    plugin: str,
    dossier: Dossier,
    order: Order,
    event: GoodsReceived | ReceiptCorrected,
    ctx: HookContext,
) -> None:
    counts = tuple(dossier.returns[event.return_id].receipts[event.receipt_id].lines.values())
    returned = as_returned(order, event.return_id, event.receipt_id, counts, dossier.extent)
    hooks.on_order_returned(plugin, order, returned, ctx)


def _restocked(
    hooks: Hooks, plugin: str, dossier: Dossier, order: Order, event: StockApplied, ctx: HookContext
) -> None:
    movements = dossier.returns[event.return_id].movements
    booked = tuple([movements[movement_id].booking for movement_id in event.movement_ids])
    hooks.on_restocked(plugin, order, Restocked(return_id=event.return_id, movements=booked), ctx)


def _refund_changed(hooks: Hooks, plugin: str, dossier: Dossier, order: Order, event: Any, ctx: HookContext) -> None:
    hooks.on_refund_changed(plugin, order, dossier.refunds[event.subject.refund_id], ctx)


def _return_received(
    hooks: Hooks,
    plugin: str,
    dossier: Dossier,
    order: Order,
    event: GoodsReceived | ReceiptCorrected | ReturnClosed,
    ctx: HookContext,
) -> None:
    hooks.on_return_received(plugin, order, as_received(dossier.returns[event.return_id]), ctx)


def _order_status_changed(
    hooks: Hooks,
    plugin: str,
    dossier: Dossier,
    order: Order,
    event: GoodsReceived | ReceiptCorrected | GoodsInspected,
    ctx: HookContext,
) -> None:
    hooks.on_order_status_changed(plugin, order, event.order_status or dossier.order_status, ctx)


_TELL: Mapping[str, Callable[[Hooks, str, Dossier, Order, Any, HookContext], None]] = {
    ORDER_RETURNED: _order_returned,
    RETURN_RECEIVED: _return_received,
    ORDER_STATUS_CHANGED: _order_status_changed,
    RESTOCKED: _restocked,
    REFUND_CHANGED: _refund_changed,
}
"""How each announcing hook is told of an event."""
