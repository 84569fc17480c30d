"""retour: a plugin-based integration framework for webshop returns.

The public names; each is imported when it is first used, so that ``import retour`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retour.desk import ReturnDesk
    from retour.hooks.context import HookContext
    from retour.hooks.markers import hookimpl
    from retour.model.actor import Actor
    from retour.model.errors import RetourError, StockRefused
    from retour.model.money import Money
    from retour.model.order import (
        BankAccount,
        Delivery,
        LineKind,
        Mode,
        Order,
        OrderLine,
        Paid,
        Payment,
        TaxPart,
    )
    from retour.model.outcome import Outcome
    from retour.model.refunds import LinkKind, RefundLink, RefundOption
    from retour.model.returns import (
        Counted,
        Extent,
        GoodsState,
        Objection,
        RequestedLine,
        RestockDecision,
        StockMovement,
        StockState,
    )
    from retour.model.text import Text, TextDomain, text
    from retour.model.timeline import Audience, TimelineEntry
    from retour.shop import MemoryShop, Shop
    from retour.store.connect import connect

_HOMES = {
    "Actor": "model.actor",
    "Audience": "model.timeline",
    "BankAccount": "model.order",
    "Counted": "model.returns",
    "Delivery": "model.order",
    "Extent": "model.returns",
    "GoodsState": "model.returns",
    "HookContext": "hooks.context",
    "LineKind": "model.order",
    "LinkKind": "model.refunds",
    "MemoryShop": "shop",
    "Mode": "model.order",
    "Money": "model.money",
    "Objection": "model.returns",
    "Order": "model.order",
    "OrderLine": "model.order",
    "Outcome": "model.outcome",
    "Paid": "model.order",
    "Payment": "model.order",
    "RefundLink": "model.refunds",
    "RefundOption": "model.refunds",
    "RequestedLine": "model.returns",
    "RestockDecision": "model.returns",
    "RetourError": "model.errors",
    "ReturnDesk": "desk",
    "Shop": "shop",
    "StockMovement": "model.returns",
    "StockRefused": "model.errors",
    "StockState": "model.returns",
    "TaxPart": "model.order",
    "Text": "model.text",
    "TextDomain": "model.text",
    "TimelineEntry": "model.timeline",
    "connect": "store.connect",
    "hookimpl": "hooks.markers",
    "text": "model.text",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"retour.{_HOMES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
