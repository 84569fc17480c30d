"""retour: a plugin-based integration framework for webshop returns.

The public names; each is imported when it is first used, so that ``import retour`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retour.desk import ReturnDesk
    from retour.model.actor import Actor
    from retour.model.errors import (
        Busy,
        InvalidAmount,
        InvalidLines,
        InvalidOrder,
        InvalidQuantity,
        InvalidReference,
        InvalidSettings,
        InvalidShop,
        InvalidWebhook,
        NotAllowed,
        NotPossibleNow,
        PluginClash,
        RequestReused,
        RetourError,
        StockRefused,
        StoreError,
        StoreLocked,
        StoreNewer,
        StoreNotMigrated,
        StoreNotOurs,
        StoreReadOnly,
        UnknownLine,
        UnknownOrder,
        UnknownPayment,
        UnknownReceipt,
        UnknownRefund,
        UnknownReturn,
    )
    from retour.model.money import Money
    from retour.model.order import BankAccount, Delivery, LineKind, Mode, Order, OrderLine, Paid, Payment, TaxPart
    from retour.model.outcome import Outcome, RefundPage, RefundSummary
    from retour.model.refunds import (
        Approval,
        LinkKind,
        Refund,
        RefundLink,
        RefundOption,
        RefundPlan,
        RefundQuote,
        RefundShare,
        RefundState,
    )
    from retour.model.returns import (
        Counted,
        Extent,
        GoodsState,
        Objection,
        RequestedLine,
        RestockDecision,
        ReturnedLine,
        StockMovement,
        StockState,
    )
    from retour.model.text import Text, TextDomain, text
    from retour.model.timeline import Audience, TimelineEntry
    from retour.plugins.context import HookContext
    from retour.plugins.markers import hookimpl
    from retour.shop import MemoryShop, Shop
    from retour.store.connect import connect

__all__ = [
    "Actor",
    "Approval",
    "Audience",
    "BankAccount",
    "Busy",
    "Counted",
    "Delivery",
    "Extent",
    "GoodsState",
    "HookContext",
    "InvalidAmount",
    "InvalidLines",
    "InvalidOrder",
    "InvalidQuantity",
    "InvalidReference",
    "InvalidSettings",
    "InvalidShop",
    "InvalidWebhook",
    "LineKind",
    "LinkKind",
    "MemoryShop",
    "Mode",
    "Money",
    "NotAllowed",
    "NotPossibleNow",
    "Objection",
    "Order",
    "OrderLine",
    "Outcome",
    "Paid",
    "Payment",
    "PluginClash",
    "Refund",
    "RefundLink",
    "RefundOption",
    "RefundPage",
    "RefundPlan",
    "RefundQuote",
    "RefundShare",
    "RefundState",
    "RefundSummary",
    "RequestReused",
    "RequestedLine",
    "RestockDecision",
    "RetourError",
    "ReturnDesk",
    "ReturnedLine",
    "Shop",
    "StockMovement",
    "StockRefused",
    "StockState",
    "StoreError",
    "StoreLocked",
    "StoreNewer",
    "StoreNotMigrated",
    "StoreNotOurs",
    "StoreReadOnly",
    "TaxPart",
    "Text",
    "TextDomain",
    "TimelineEntry",
    "UnknownLine",
    "UnknownOrder",
    "UnknownPayment",
    "UnknownReceipt",
    "UnknownRefund",
    "UnknownReturn",
    "connect",
    "hookimpl",
    "text",
]

_HOMES = {
    "RefundPage": "model.outcome",
    "RefundSummary": "model.outcome",
    "RefundPlan": "model.refunds",
    "RefundQuote": "model.refunds",
    "RefundShare": "model.refunds",
    "UnknownRefund": "model.errors",
    "RefundState": "model.refunds",
    "Refund": "model.refunds",
    "InvalidWebhook": "model.errors",
    "Approval": "model.refunds",
    "Actor": "model.actor",
    "Audience": "model.timeline",
    "BankAccount": "model.order",
    "Busy": "model.errors",
    "Counted": "model.returns",
    "Delivery": "model.order",
    "Extent": "model.returns",
    "GoodsState": "model.returns",
    "HookContext": "plugins.context",
    "InvalidAmount": "model.errors",
    "InvalidLines": "model.errors",
    "InvalidOrder": "model.errors",
    "InvalidQuantity": "model.errors",
    "InvalidReference": "model.errors",
    "InvalidSettings": "model.errors",
    "InvalidShop": "model.errors",
    "LineKind": "model.order",
    "LinkKind": "model.refunds",
    "MemoryShop": "shop",
    "Mode": "model.order",
    "Money": "model.money",
    "NotAllowed": "model.errors",
    "NotPossibleNow": "model.errors",
    "Objection": "model.returns",
    "Order": "model.order",
    "OrderLine": "model.order",
    "Outcome": "model.outcome",
    "Paid": "model.order",
    "Payment": "model.order",
    "PluginClash": "model.errors",
    "RefundLink": "model.refunds",
    "RefundOption": "model.refunds",
    "RequestReused": "model.errors",
    "RequestedLine": "model.returns",
    "RestockDecision": "model.returns",
    "RetourError": "model.errors",
    "ReturnDesk": "desk",
    "ReturnedLine": "model.returns",
    "Shop": "shop",
    "StockMovement": "model.returns",
    "StockRefused": "model.errors",
    "StockState": "model.returns",
    "StoreError": "model.errors",
    "StoreLocked": "model.errors",
    "StoreNewer": "model.errors",
    "StoreNotMigrated": "model.errors",
    "StoreNotOurs": "model.errors",
    "StoreReadOnly": "model.errors",
    "TaxPart": "model.order",
    "Text": "model.text",
    "TextDomain": "model.text",
    "TimelineEntry": "model.timeline",
    "UnknownLine": "model.errors",
    "UnknownOrder": "model.errors",
    "UnknownPayment": "model.errors",
    "UnknownReceipt": "model.errors",
    "UnknownReturn": "model.errors",
    "connect": "store.connect",
    "hookimpl": "plugins.markers",
    "text": "model.text",
}


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"retour.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
