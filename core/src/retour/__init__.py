"""retour: a plugin-based integration framework for webshop returns.

The public names; each is imported when it is first used, so that ``import retour`` costs next to nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from retour.desk import ReturnDesk as ReturnDesk
    from retour.model.actor import Actor as Actor, ActorKind as ActorKind
    from retour.model.announced_returns import (
        ApprovedReturn as ApprovedReturn,
        ClosedReturn as ClosedReturn,
        RequestedReturn as RequestedReturn,
    )
    from retour.model.attention import (
        Acknowledgement as Acknowledgement,
        AttentionItem as AttentionItem,
        AttentionKind as AttentionKind,
        AttentionPage as AttentionPage,
        HiddenRefunds as HiddenRefunds,
        OddLine as OddLine,
        UnexplainedRemainder as UnexplainedRemainder,
    )
    from retour.model.charge_backs import (
        ChargeBack as ChargeBack,
        Dispute as Dispute,
        DisputeStep as DisputeStep,
        PaymentDispute as PaymentDispute,
    )
    from retour.model.destinations import (
        Consent as Consent,
        ConsentWay as ConsentWay,
        RecordedConsent as RecordedConsent,
        RefundDestination as RefundDestination,
    )
    from retour.model.dossier import Dossier as Dossier
    from retour.model.errors import (
        AskedWithin as AskedWithin,
        Busy as Busy,
        ConsentMissing as ConsentMissing,
        InvalidAmount as InvalidAmount,
        InvalidArgument as InvalidArgument,
        InvalidLines as InvalidLines,
        InvalidOrder as InvalidOrder,
        InvalidQuantity as InvalidQuantity,
        InvalidReference as InvalidReference,
        InvalidSettings as InvalidSettings,
        InvalidShop as InvalidShop,
        InvalidValue as InvalidValue,
        InvalidWebhook as InvalidWebhook,
        MissingRequestId as MissingRequestId,
        NotAllowed as NotAllowed,
        NotCommitted as NotCommitted,
        NotReadable as NotReadable,
        NotPossibleNow as NotPossibleNow,
        OrderUnreadable as OrderUnreadable,
        PerhapsSaved as PerhapsSaved,
        PluginClash as PluginClash,
        ProviderUnavailable as ProviderUnavailable,
        RequestReused as RequestReused,
        RetourError as RetourError,
        StockRefused as StockRefused,
        StoreError as StoreError,
        StoreGone as StoreGone,
        StoreLocked as StoreLocked,
        StoreNewer as StoreNewer,
        StoreNotMigrated as StoreNotMigrated,
        StoreNotOurs as StoreNotOurs,
        StoreReadOnly as StoreReadOnly,
        StoreUnavailable as StoreUnavailable,
        UnknownLabel as UnknownLabel,
        UnknownLanguage as UnknownLanguage,
        UnknownLine as UnknownLine,
        UnknownOrder as UnknownOrder,
        UnknownPayment as UnknownPayment,
        UnknownReceipt as UnknownReceipt,
        UnknownRefund as UnknownRefund,
        UnknownReturn as UnknownReturn,
        UnreadableWebhook as UnreadableWebhook,
        WrongState as WrongState,
    )
    from retour.model.evidence import EvidenceFile as EvidenceFile
    from retour.model.can_do import CanDo as CanDo, DeskStep as DeskStep
    from retour.model.figures import (
        RefundsAfterDays as RefundsAfterDays,
        ReturnFigures as ReturnFigures,
        ReturnsForReason as ReturnsForReason,
        WeekOfReturns as WeekOfReturns,
    )
    from retour.model.label_lists import (
        LabelPage as LabelPage,
        LabelSummary as LabelSummary,
        LabelWait as LabelWait,
    )
    from retour.model.labels import (
        Charged as Charged,
        Label as Label,
        LabelForm as LabelForm,
        LabelOption as LabelOption,
        LabelState as LabelState,
        ParcelState as ParcelState,
        WhatFollows as WhatFollows,
        WhoPays as WhoPays,
    )
    from retour.model.money import Money as Money
    from retour.model.order import (
        BankAccount as BankAccount,
        Delivery as Delivery,
        LineKind as LineKind,
        Mode as Mode,
        Order as Order,
        OrderLine as OrderLine,
        Paid as Paid,
        Payment as Payment,
        TaxPart as TaxPart,
    )
    from retour.model.outcome import (
        NotAsked as NotAsked,
        Outcome as Outcome,
        Postponed as Postponed,
        RestockOutcome as RestockOutcome,
        RestockQuestion as RestockQuestion,
        ReturnOutcome as ReturnOutcome,
        SettingsCheck as SettingsCheck,
        SetAside as SetAside,
        UnreadableOrder as UnreadableOrder,
        UnreadablePage as UnreadablePage,
        WebhookReceipt as WebhookReceipt,
        WorkReport as WorkReport,
    )
    from retour.model.parcels import Address as Address, Parcel as Parcel, ParcelItem as ParcelItem
    from retour.model.reasons import Reason as Reason, ReasonCode as ReasonCode
    from retour.model.payment_identity import PaymentIdentity as PaymentIdentity
    from retour.model.refunds import (
        Approval as Approval,
        ApprovalKind as ApprovalKind,
        LinkKind as LinkKind,
        Refund as Refund,
        RefundInstruction as RefundInstruction,
        RefundLink as RefundLink,
        RefundOption as RefundOption,
        RefundPlan as RefundPlan,
        RefundQuote as RefundQuote,
        RefundShare as RefundShare,
        RefundSource as RefundSource,
        RefundState as RefundState,
    )
    from retour.model.return_reasons import (
        DEFAULT_RETURN_REASONS as DEFAULT_RETURN_REASONS,
        ReturnReason as ReturnReason,
    )
    from retour.model.returns import (
        Counted as Counted,
        Extent as Extent,
        GoodsState as GoodsState,
        Movement as Movement,
        MovementState as MovementState,
        Objection as Objection,
        OrderStatus as OrderStatus,
        Receipt as Receipt,
        ReceivedLine as ReceivedLine,
        ReceivedReturn as ReceivedReturn,
        RequestedLine as RequestedLine,
        Restock as Restock,
        RestockDecision as RestockDecision,
        Restocked as Restocked,
        Return as Return,
        ReturnRequest as ReturnRequest,
        Returned as Returned,
        ReturnedLine as ReturnedLine,
        Severity as Severity,
        StockMovement as StockMovement,
        StockState as StockState,
    )
    from retour.model.summaries import (
        LineSummary as LineSummary,
        RefundPage as RefundPage,
        RefundSummary as RefundSummary,
        RefundTotal as RefundTotal,
        RefundWait as RefundWait,
        ReturnCount as ReturnCount,
        ReturnPage as ReturnPage,
        ReturnSummary as ReturnSummary,
        ReturnWait as ReturnWait,
    )
    from retour.model.catalogues import add_catalogue as add_catalogue
    from retour.model.languages import languages as languages, preferred_language as preferred_language
    from retour.model.text import (
        Renderable as Renderable,
        Text as Text,
        TextDomain as TextDomain,
        payment_name as payment_name,
        provider_name as provider_name,
        text as text,
    )
    from retour.model.timeline import Audience as Audience, TimelineEntry as TimelineEntry
    from retour.model.unreadable import ReadingFault as ReadingFault, UnreadableRow as UnreadableRow
    from retour.model.when import When as When
    from retour.plain.conversion import from_dict as from_dict, json_schema as json_schema, to_dict as to_dict
    from retour.plugins.context import HookContext as HookContext
    from retour.plugins.markers import hookimpl as hookimpl
    from retour.plugins.registry import (
        Plugin as Plugin,
        PluginStatus as PluginStatus,
        ProviderOff as ProviderOff,
    )
    from retour.plugins.return_window import ReturnWindow as ReturnWindow
    from retour.plugins.values_in_words import capability_name as capability_name, in_words as in_words
    from retour.providers.webhooks import LARGEST_WEBHOOK as LARGEST_WEBHOOK
    from retour.shop import (
        MemoryShop as MemoryShop,
        Shop as Shop,
        ShopInSameDatabase as ShopInSameDatabase,
        ShopReadingPages as ShopReadingPages,
        ShopWithNames as ShopWithNames,
    )
    from retour.store.connect import connect as connect, reading as reading

_HOMES = {
    "desk": ("ReturnDesk",),
    "model.actor": ("Actor", "ActorKind"),
    "model.announced_returns": ("ApprovedReturn", "ClosedReturn", "RequestedReturn"),
    "model.attention": (
        "Acknowledgement",
        "AttentionItem",
        "AttentionKind",
        "AttentionPage",
        "HiddenRefunds",
        "OddLine",
        "UnexplainedRemainder",
    ),
    "model.charge_backs": ("ChargeBack", "Dispute", "DisputeStep", "PaymentDispute"),
    "model.destinations": ("Consent", "ConsentWay", "RecordedConsent", "RefundDestination"),
    "model.dossier": ("Dossier",),
    "model.errors": (
        "AskedWithin",
        "Busy",
        "ConsentMissing",
        "InvalidAmount",
        "InvalidArgument",
        "InvalidLines",
        "InvalidOrder",
        "InvalidQuantity",
        "InvalidReference",
        "InvalidSettings",
        "InvalidShop",
        "InvalidValue",
        "InvalidWebhook",
        "MissingRequestId",
        "NotAllowed",
        "NotCommitted",
        "NotReadable",
        "NotPossibleNow",
        "OrderUnreadable",
        "PerhapsSaved",
        "PluginClash",
        "ProviderUnavailable",
        "RequestReused",
        "RetourError",
        "StockRefused",
        "StoreError",
        "StoreGone",
        "StoreLocked",
        "StoreNewer",
        "StoreNotMigrated",
        "StoreNotOurs",
        "StoreReadOnly",
        "StoreUnavailable",
        "UnknownLabel",
        "UnknownLanguage",
        "UnknownLine",
        "UnknownOrder",
        "UnknownPayment",
        "UnknownReceipt",
        "UnknownRefund",
        "UnknownReturn",
        "UnreadableWebhook",
        "WrongState",
    ),
    "model.evidence": ("EvidenceFile",),
    "model.can_do": ("CanDo", "DeskStep"),
    "model.figures": ("RefundsAfterDays", "ReturnFigures", "ReturnsForReason", "WeekOfReturns"),
    "model.label_lists": ("LabelPage", "LabelSummary", "LabelWait"),
    "model.labels": (
        "Charged",
        "Label",
        "LabelForm",
        "LabelOption",
        "LabelState",
        "ParcelState",
        "WhatFollows",
        "WhoPays",
    ),
    "model.money": ("Money",),
    "model.order": (
        "BankAccount",
        "Delivery",
        "LineKind",
        "Mode",
        "Order",
        "OrderLine",
        "Paid",
        "Payment",
        "TaxPart",
    ),
    "model.outcome": (
        "NotAsked",
        "Outcome",
        "Postponed",
        "RestockOutcome",
        "RestockQuestion",
        "ReturnOutcome",
        "SettingsCheck",
        "SetAside",
        "UnreadableOrder",
        "UnreadablePage",
        "WebhookReceipt",
        "WorkReport",
    ),
    "model.parcels": ("Address", "Parcel", "ParcelItem"),
    "model.reasons": ("Reason", "ReasonCode"),
    "model.payment_identity": ("PaymentIdentity",),
    "model.refunds": (
        "Approval",
        "ApprovalKind",
        "LinkKind",
        "Refund",
        "RefundInstruction",
        "RefundLink",
        "RefundOption",
        "RefundPlan",
        "RefundQuote",
        "RefundShare",
        "RefundSource",
        "RefundState",
    ),
    "model.return_reasons": ("DEFAULT_RETURN_REASONS", "ReturnReason"),
    "model.returns": (
        "Counted",
        "Extent",
        "GoodsState",
        "Movement",
        "MovementState",
        "Objection",
        "OrderStatus",
        "Receipt",
        "ReceivedLine",
        "ReceivedReturn",
        "RequestedLine",
        "Restock",
        "RestockDecision",
        "Restocked",
        "Return",
        "ReturnRequest",
        "Returned",
        "ReturnedLine",
        "Severity",
        "StockMovement",
        "StockState",
    ),
    "model.catalogues": ("add_catalogue",),
    "model.languages": ("languages", "preferred_language"),
    "model.summaries": (
        "LineSummary",
        "RefundPage",
        "RefundSummary",
        "RefundTotal",
        "RefundWait",
        "ReturnCount",
        "ReturnPage",
        "ReturnSummary",
        "ReturnWait",
    ),
    "model.text": ("Renderable", "Text", "TextDomain", "payment_name", "provider_name", "text"),
    "model.timeline": ("Audience", "TimelineEntry"),
    "model.unreadable": ("ReadingFault", "UnreadableRow"),
    "model.when": ("When",),
    "plain.conversion": ("from_dict", "json_schema", "to_dict"),
    "plugins.context": ("HookContext",),
    "plugins.markers": ("hookimpl",),
    "plugins.registry": ("Plugin", "PluginStatus", "ProviderOff"),
    "plugins.return_window": ("ReturnWindow",),
    "plugins.values_in_words": ("capability_name", "in_words"),
    "providers.webhooks": ("LARGEST_WEBHOOK",),
    "shop": ("MemoryShop", "Shop", "ShopInSameDatabase", "ShopReadingPages", "ShopWithNames"),
    "store.connect": ("connect", "reading"),
}
"""The modules of the public names; the imports above tell type checkers the same."""

_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}

__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"retour.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
