"""Values in words: states, waits, kinds and capabilities, amounts, dates and counts, for whoever reads them."""

from __future__ import annotations

import datetime
from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import Any

from retour.model.actor import Actor, ActorKind
from retour.model.attention import ATTENTION_WORDS, AttentionKind
from retour.model.can_do import DESK_STEP_WORDS, DeskStep
from retour.model.charge_backs import DisputeStep
from retour.model.destinations import CONSENT_WORDS, ConsentWay, Destination
from retour.model.errors import InvalidArgument
from retour.model.label_lists import LabelWait
from retour.model.labels import (
    LABEL_WORDS,
    PARCEL_WORDS,
    Charged,
    LabelForm,
    LabelState,
    ParcelState,
    Told,
    WhatFollows,
    WhoPays,
)
from retour.model.money import Money
from retour.model.order import LineKind, Mode
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import REFUND_WORDS, ApprovalKind, LinkKind, RefundSource, RefundState
from retour.model.returns import (
    GOODS_WORDS,
    ORDER_STATUS_WORDS,
    STOCK_WORDS,
    Extent,
    GoodsState,
    MovementState,
    OrderStatus,
    Restock,
    Severity,
    StockState,
)
from retour.model.shipping import ShippingWay
from retour.model.summaries import RefundWait, ReturnWait
from retour.model.text import Text, localised, provider_name, speaking, text, texts
from retour.model.timeline import Audience
from retour.model.unreadable import READING_FAULT_WORDS, ReadingFault
from retour.plugins.registry import PluginStatus
from retour.providers.capabilities import AmountStep, Idempotency, Support
from retour.providers.errors import Disposition, ErrorCode
from retour.providers.refund_request import RefundStatus
from retour.providers.webhooks import WebhookTrust

CAPABILITIES: dict[str, Text] = {
    "refund_page": text("refund page"),
    "refund_by_api": text("refund by API"),
    "refund_by_person": text("refund by a person"),
    "partial_refund": text("partial refund"),
    "refundable": text("what is left can be read"),
    "payment_names": text("names of a payment"),
    "fetch_refund": text("look at a refund"),
    "cancel_refund": text("cancel refund"),
    "find_refund": text("find a refund again"),
    "list_refunds": text("list refunds"),
    "check_settings": text("check the settings"),
    "webhooks": text("webhooks"),
    "outcome_within": text("outcome within"),
    "late_failure_within": text("can fail afterwards within"),
    "idempotency": text("repeats recognised"),
    "lookup_complete_after": text("lookup complete after"),
    "currencies": text("currencies"),
    "steps": text("only in steps of"),
    "never_refunded": text("never what was paid by"),
    "destinations": text("money goes to"),
    "refund_window_days": text("days to refund"),
    "portal": text("return portal"),
    "labels": text("labels"),
    "options": text("labels to choose from"),
    "prices": text("prices of labels"),
    "validate_label": text("checks before buying"),
    "fetch_label": text("documents of labels"),
    "fetch_shipment": text("look at a parcel"),
    "find_shipment": text("find a label again"),
    "list_shipments": text("list return parcels"),
    "cancel_label": text("cancel a label"),
    "forms": text("forms of labels"),
    "refuses_repeats": text("refuses repeats"),
    "cancel_within": text("cancel within"),
}
"""What providers can do, by the name of the capability."""

_WORDS: Mapping[type[StrEnum], Mapping[Any, Text]] = {
    ActorKind: {
        ActorKind.CUSTOMER: text("customer"),
        ActorKind.STAFF: text("staff"),
        ActorKind.PROVIDER: text("provider"),
        ActorKind.SYSTEM: text("automatic"),
    },
    ApprovalKind: {
        ApprovalKind.APPROVE: text("approved"),
        ApprovalKind.HOLD: text("held"),
        ApprovalKind.REFUSE: text("refused"),
    },
    AttentionKind: ATTENTION_WORDS,
    Audience: {Audience.CUSTOMER: text("customer"), Audience.STAFF: text("staff")},
    Charged: {
        Charged.WHEN_MADE: text("when it is made"),
        Charged.WHEN_SCANNED: text("when the carrier scans it"),
        Charged.UNKNOWN: text("not known"),
    },
    ConsentWay: CONSENT_WORDS,
    Destination: {
        Destination.ORIGINAL_PAYMENT: text("the payment that it came from"),
        Destination.BANK_ACCOUNT: text("a bank account"),
    },
    Disposition: {
        Disposition.RETRY: text("it is tried again"),
        Disposition.RECONCILE: text("the provider is asked"),
        Disposition.FIX: text("somebody has to mend something first"),
        Disposition.FINAL: text("it is not possible"),
    },
    DisputeStep: {
        DisputeStep.OPENED: text("opened"),
        DisputeStep.CHANGED: text("changed"),
        DisputeStep.WON: text("won"),
        DisputeStep.LOST: text("lost"),
        DisputeStep.TAKEN_BACK: text("money taken back"),
        DisputeStep.GIVEN_BACK: text("money given back"),
        DisputeStep.NOT_SHOWN: text("amount not shown"),
    },
    Extent: {Extent.FULL: text("all of it"), Extent.PART: text("a part of it")},
    GoodsState: GOODS_WORDS,
    LabelForm: {
        LabelForm.PDF: text("PDF"),
        LabelForm.QR_CODE: text("QR code"),
        LabelForm.NONE: text("no label needed"),
    },
    DeskStep: DESK_STEP_WORDS,
    LabelState: LABEL_WORDS,
    LabelWait: {
        LabelWait.PERSON: text("a person"),
        LabelWait.PROVIDER: text("the shipping provider"),
        LabelWait.CUSTOMER: text("the customer"),
        LabelWait.CARRIER: text("the carrier"),
        LabelWait.NOTHING: text("nothing"),
    },
    LineKind: {
        LineKind.GOODS: text("goods"),
        LineKind.SERVICE: text("service"),
        LineKind.DISCOUNT: text("discount"),
        LineKind.ROUNDING: text("rounding"),
    },
    LinkKind: {
        LinkKind.PROVIDER_PAGE: text("on the provider's page"),
        LinkKind.TRANSFER: text("by bank transfer"),
        LinkKind.UNAVAILABLE: text("not possible"),
    },
    Mode: {Mode.LIVE: text("live"), Mode.TEST: text("test")},
    MovementState: {
        MovementState.PLANNED: text("to be booked"),
        MovementState.APPLIED: text("booked"),
        MovementState.FAILED: text("not booked yet"),
        MovementState.REFUSED: text("refused by the shop"),
    },
    OrderStatus: ORDER_STATUS_WORDS,
    ParcelState: PARCEL_WORDS,
    ReadingFault: READING_FAULT_WORDS,
    RefundSource: {
        RefundSource.API: text("by the provider's API"),
        RefundSource.LINK: text("on the provider's page"),
        RefundSource.TRANSFER: text("by bank transfer"),
        RefundSource.PERSON: text("by a person"),
        RefundSource.EXTERNAL: text("not requested from this shop"),
    },
    RefundState: REFUND_WORDS,
    RefundStatus: {status: REFUND_WORDS[RefundState(status.value)] for status in RefundStatus},
    RefundWait: {
        RefundWait.PERSON: text("a person"),
        RefundWait.MERCHANT: text("the merchant"),
        RefundWait.TRANSFER: text("a bank transfer"),
        RefundWait.BANK: text("the bank"),
        RefundWait.PROVIDER: text("the provider"),
        RefundWait.NOTHING: text("nothing"),
    },
    PluginStatus: {
        PluginStatus.LOADED: text("works"),
        PluginStatus.BROKEN: text("broken"),
        PluginStatus.MISSING: text("missing"),
    },
    Restock: {
        Restock.ALL: text("everything"),
        Restock.ASK: text("ask"),
        Restock.BY_HAND: text("by hand"),
        Restock.PER_LINE: text("per product"),
    },
    ReturnWait: {
        ReturnWait.ORDER: text("a look: the order has less than came back"),
        ReturnWait.REVIEW: text("a decision"),
        ReturnWait.ANSWER: text("an answer about the stock"),
        ReturnWait.COUNTING: text("a count: its parcel was delivered"),
        ReturnWait.INSPECTION: text("an inspection"),
        ReturnWait.STOCK: text("a stock booking"),
        ReturnWait.GOODS: text("the goods"),
        ReturnWait.NOTHING: text("nothing"),
    },
    Severity: {Severity.REVIEW: text("to be looked at"), Severity.REFUSE: text("refused")},
    ShippingWay: {
        ShippingWay.PORTAL: text("in the return portal"),
        ShippingWay.LABEL: text("with a label of the shop"),
        ShippingWay.SELF: text("with a carrier of the customer's choice"),
    },
    StockState: STOCK_WORDS,
    Support: {
        Support.YES: text("yes"),
        Support.PARTIAL: text("in part"),
        Support.PROVIDER_CANNOT: text("the provider cannot"),
        Support.NOT_YET: text("not yet"),
        Support.UNKNOWN: text("unknown"),
    },
    Told: {told: LABEL_WORDS[LabelState(told.value)] for told in Told},
    WebhookTrust: {
        WebhookTrust.SIGNED: text("signed"),
        WebhookTrust.FETCH: text("to be fetched"),
        WebhookTrust.NONE: text("none"),
    },
    WhatFollows: {
        WhatFollows.NOTHING: text("nothing"),
        WhatFollows.SENT: text("the return is on its way"),
        WhatFollows.COUNT: text("the return is to be counted"),
        WhatFollows.ASK: text("a person looks at it"),
    },
    WhoPays: {WhoPays.SHOP: text("the shop"), WhoPays.CUSTOMER: text("the customer")},
}


_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 365 * 86400


def in_words(value: object, language: str = "en") -> str:
    """A value of retour as a reader of ``language`` reads it.

    A state, a wait, a kind or a capability in a word; a `Reason` or an `ErrorCode` in its sentence; an amount, a date,
    a time (in its own zone), a number and a period as CLDR writes them; several of them one after the other; None as
    nothing. An `Actor` is a provider by its name, a person by his id, since only the shop knows what people are called,
    and else whatever happens by itself. Text stays as it is. Raises `UnknownLanguage`, and `InvalidArgument` for a
    value that has no words.

    >>> in_words(RefundState.PENDING), in_words(RefundState.PENDING, "nl")
    ('being processed', 'in behandeling')
    >>> in_words(datetime.timedelta(days=45)), in_words(1234567, "nl")
    ('45 days', '1.234.567')
    >>> in_words(Actor.system(), "nl"), in_words(Actor.staff("anna"), "nl")
    ('automatisch', 'anna')
    """
    words = _words_of(value)
    if words is not None:
        return words.render(language)
    if value is None:
        return ""
    if isinstance(value, Actor):
        return _actor(value, language)
    if isinstance(value, AmountStep):
        step = in_words(Money(minor=value.minor_units, currency=value.currency), language)
        return f"{step} ({value.method})" if value.method else step
    if isinstance(value, Idempotency):
        return ", ".join(filter(None, [value.header or value.field, in_words(value.window, language)]))
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        from babel.numbers import format_decimal

        return format_decimal(value, locale=speaking(language).locale)
    if isinstance(value, Money | Text | datetime.date):
        return localised(value, speaking(language).locale)
    if isinstance(value, Collection) and not isinstance(value, bytes):
        said = [in_words(one, language) for one in value]
        return ", ".join(sorted(said) if isinstance(value, frozenset | set) else said)
    raise InvalidArgument(text("A {type} has no words.", type=type(value).__name__))


def _words_of(value: object) -> Text | None:
    """The words of a value that has some."""
    if isinstance(value, Reason):
        return value.words
    if isinstance(value, ErrorCode):
        return reason(ReasonCode(value.value)).words
    if isinstance(value, StrEnum):
        return _WORDS.get(type(value), {}).get(value)
    if isinstance(value, bool):
        return text("yes") if value else text("no")
    if isinstance(value, datetime.timedelta):
        return _period(value)
    return None


def _actor(actor: Actor, language: str) -> str:
    if actor.kind is ActorKind.PROVIDER:
        return provider_name(actor.id, language)
    return in_words(actor.kind, language) if actor.kind is ActorKind.SYSTEM or not actor.id else actor.id


def _period(value: datetime.timedelta) -> Text:
    """In the largest unit that keeps it exact to the second; two days are 48 hours, as providers write it."""
    seconds = int(value.total_seconds())
    if not seconds % _YEAR and seconds:
        return texts("{count} year", "{count} years", seconds // _YEAR)
    if not seconds % _DAY and seconds > 2 * _DAY:
        return texts("{count} day", "{count} days", seconds // _DAY)
    if not seconds % _HOUR:
        return texts("{count} hour", "{count} hours", seconds // _HOUR)
    if not seconds % _MINUTE:
        return texts("{count} minute", "{count} minutes", seconds // _MINUTE)
    return texts("{count} second", "{count} seconds", seconds)


def capability_name(name: str, language: str = "en") -> str:
    """What people call a capability, by the name of its field: ``refund_by_api`` is "refund by API".

    >>> capability_name("find_refund"), capability_name("find_refund", "nl")
    ('find a refund again', 'terugbetaling terugvinden')
    """
    return CAPABILITIES[name].render(language) if name in CAPABILITIES else name.replace("_", " ")
