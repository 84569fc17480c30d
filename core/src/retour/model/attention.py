"""What a person must look at: its kinds, what is listed of it, and that somebody has acknowledged it."""

from __future__ import annotations

import datetime
from collections.abc import Mapping
from enum import StrEnum

from retour.model.actor import Actor
from retour.model.frozen import frozen
from retour.model.reasons import Reason
from retour.model.text import Text, text
from retour.model.when import When


class AttentionKind(StrEnum):
    """What can wait for a person."""

    PROVIDER_OFF = "provider_off"  #: a plugin that is missing or broken, or settings that are wrong
    REFUND_UNKNOWN = "refund_unknown"  #: nobody knows what became of it
    REFUND_HELD = "refund_held"  #: not sent, until a person has decided it
    REFUND_FAILED = "refund_failed"  #: its provider refused it
    REFUND_REVERSED = "refund_reversed"  #: succeeded first; the money came back
    REFUND_PAID_TWICE = "refund_paid_twice"  #: or more often, by bank transfer
    REFUND_CONTRADICTED = "refund_contradicted"  #: a person's word on it by the provider's
    ANOTHER_ANSWER = "another_answer"  #: a provider answered about something else than it was asked
    OTHER_CURRENCY = "other_currency"  #: found at the provider in a currency that cannot be counted with the order's
    PERHAPS_OURS = "perhaps_ours"  #: found at the provider, and may be a refund of ours
    REFUNDS_NOT_SHOWN = "refunds_not_shown"  #: by the provider of a payment, which can have some
    NOT_EXPLAINED = "not_explained"  #: less is left of a payment at its provider than all known refunds leave
    PAYMENT_VANISHED = "payment_vanished"  #: from the order, with money gone back on it
    PAYMENT_DOUBLED = "payment_doubled"  #: the order has one payment under several names
    CHARGED_BACK = "charged_back"  #: by the customer's bank
    REVERSAL_NOT_SHOWN = "reversal_not_shown"  #: money was taken back, and nobody knows how much
    REMAINDER = "remainder"  #: owed, and too little for any step of the payment's provider
    LABEL_UNKNOWN = "label_unknown"  #: nobody can tell whether it was made
    LABEL_REFUSED = "label_refused"  #: its carrier or its provider makes none
    LABEL_NOT_CANCELLED = "label_not_cancelled"  #: and it may be used, or charged
    PARCEL = "parcel"  #: lost, going back, held up: as the host wants to be asked
    ANNOUNCED_TWICE = "announced_twice"  #: at the shop and in a portal, and perhaps the same goods
    PARCEL_NOT_EXPECTED = "parcel_not_expected"  #: of a return that has ended: it comes, or came
    STOCK_QUESTION = "stock_question"  #: units came back, and nobody said what goes back in stock
    ODD_LINE = "odd_line"  #: of the order: it cannot be right
    LINE_CHANGED = "line_changed"  #: by the shop, after units of it came back: gone, or with another price
    BEYOND_ORDER = "beyond_order"  #: more came back, or went back, than the shop's order has now
    SURPLUS = "surplus"  #: units that came beyond all that was delivered
    ORDER_UNREADABLE = "order_unreadable"  #: a row of it is damaged, or of a newer retour
    WEBHOOK_UNREADABLE = "webhook_unreadable"  #: a signed one, or a plugin broke over it
    EFFECT_STUCK = "effect_stuck"  #: set aside, or failing again and again for a day


ATTENTION_WORDS: Mapping[AttentionKind, Text] = {
    AttentionKind.PROVIDER_OFF: text("a payment or shipping provider is off"),
    AttentionKind.REFUND_UNKNOWN: text("nobody knows whether a refund was made"),
    AttentionKind.REFUND_HELD: text("a refund waits for your decision"),
    AttentionKind.REFUND_FAILED: text("a refund failed"),
    AttentionKind.REFUND_REVERSED: text("the money of a refund came back"),
    AttentionKind.REFUND_PAID_TWICE: text("a refund was paid twice"),
    AttentionKind.REFUND_CONTRADICTED: text("the provider says something else about a refund than you did"),
    AttentionKind.ANOTHER_ANSWER: text("the provider's answer does not fit the refund"),
    AttentionKind.OTHER_CURRENCY: text("a refund is in another currency than the order"),
    AttentionKind.PERHAPS_OURS: text("a refund found at the provider may be one of yours"),
    AttentionKind.REFUNDS_NOT_SHOWN: text("the provider does not show what was refunded"),
    AttentionKind.NOT_EXPLAINED: text("less is left of a payment than its refunds explain"),
    AttentionKind.PAYMENT_VANISHED: text("a payment with refunds left the order"),
    AttentionKind.PAYMENT_DOUBLED: text("the order has one payment twice"),
    AttentionKind.CHARGED_BACK: text("the customer's bank took money back"),
    AttentionKind.REVERSAL_NOT_SHOWN: text("money of a payment was taken back, and it is not shown how much"),
    AttentionKind.REMAINDER: text("a remainder is owed that the provider cannot pay"),
    AttentionKind.STOCK_QUESTION: text("the question about the stock is open"),
    AttentionKind.LABEL_UNKNOWN: text("nobody knows whether a label was made"),
    AttentionKind.LABEL_REFUSED: text("a label was refused"),
    AttentionKind.LABEL_NOT_CANCELLED: text("a label could not be cancelled"),
    AttentionKind.PARCEL: text("something happened to a parcel"),
    AttentionKind.ANNOUNCED_TWICE: text("a return may be announced twice"),
    AttentionKind.PARCEL_NOT_EXPECTED: text("a parcel belongs to a return that has ended"),
    AttentionKind.ODD_LINE: text("a line of the order cannot be right"),
    AttentionKind.LINE_CHANGED: text("a line was changed after it came back"),
    AttentionKind.BEYOND_ORDER: text("more came back or was refunded than the order has"),
    AttentionKind.SURPLUS: text("more units came than were delivered"),
    AttentionKind.ORDER_UNREADABLE: text("an order cannot be read"),
    AttentionKind.WEBHOOK_UNREADABLE: text("a webhook cannot be read"),
    AttentionKind.EFFECT_STUCK: text("work in the background does not get done"),
}

OF_PAYMENTS = frozenset(
    {
        AttentionKind.REFUNDS_NOT_SHOWN,
        AttentionKind.NOT_EXPLAINED,
        AttentionKind.PAYMENT_VANISHED,
        AttentionKind.PAYMENT_DOUBLED,
        AttentionKind.CHARGED_BACK,
        AttentionKind.REVERSAL_NOT_SHOWN,
        AttentionKind.REMAINDER,
    }
)
"""What is about a payment, and names its `Payment.id`."""

OF_RETURNS = frozenset({AttentionKind.STOCK_QUESTION, AttentionKind.ANNOUNCED_TWICE})
"""What is about a return, and names its id."""

STEP_WORDS: Mapping[str, Text] = {
    "acknowledge": text("say that you have looked at it"),
    "answer_restock": text("answer the question about the stock"),
    "cancel_label": text("cancel the label"),
    "cancel_refund": text("cancel the refund"),
    "cancel_return": text("cancel the return"),
    "check_settings": text("mend the settings and have them checked"),
    "confirm_refund": text("confirm the refund with its reference"),
    "correct_receipt": text("correct the receipt"),
    "explain_payment": text("say what became of the payment"),
    "match_refund": text("say which of your refunds it is"),
    "open_refund_link": text("open its refund link"),
    "order_label": text("order a label anew"),
    "reconcile": text("have the order checked again"),
    "refund": text("refund it anew"),
    "reopen_return": text("reopen the return"),
    "retry_refund": text("have the refund tried again"),
    "retry_set_aside": text("have it tried again"),
    "reverse_refund": text("say that the money came back"),
    "set_refund_batch": text("take the refund out of its batch"),
    "set_unreadable_aside": text("set the order aside"),
    "settle_label": text("say what became of the label"),
    "settle_refund": text("say what became of the refund"),
}
"""What a person can do about something on the list, in words: by the methods that ``can_do`` names."""

LOOKED_AT = frozenset({AttentionKind.REFUND_PAID_TWICE, AttentionKind.ANOTHER_ANSWER})
"""Kinds for which the refund itself waits for a person, until he has looked."""


@frozen(kw_only=True)
class Attention:
    """Something of an order that a person must look at.

    ``about`` is the id of a refund, a return, a label, a payment or an order line, as its kind has it. ``when`` says by
    which event it is so. ``why`` is None where the kind says it all. ``can_do`` names the methods of the desk that
    decide it or make more of it known.
    """

    kind: AttentionKind
    about: str
    when: When
    why: Reason | None
    can_do: tuple[str, ...]

    @property
    def since(self) -> datetime.datetime:
        """Since when it is so, by the clock of the process that recorded it: UTC."""
        return self.when.at


@frozen(kw_only=True)
class Acknowledgement:
    """A person has looked at something of an order, as it was then. It is listed again when it is so for another
    reason, or by a later event."""

    kind: str
    """The kind of what was looked at: the value of an `AttentionKind`."""

    about: str
    """What it was about: the id of a refund, a return, a label, a payment or a line."""

    since: datetime.datetime
    """Since when that was so (UTC). What is so since later is listed again."""

    why: Reason | None
    """Why it was so; None where that needs no reason. With another reason it is listed again."""

    by: Actor
    """Who looked."""

    when: When
    """When he said so."""

    @property
    def at(self) -> datetime.datetime:
        """When he looked, by the clock of the process that recorded it: UTC."""
        return self.when.at


@frozen(kw_only=True)
class OddLine:
    """A line of an order that cannot be right."""

    told: When
    """When the shop's order first said so."""

    why: Reason
    """What cannot be right, and what to do."""

    @property
    def since(self) -> datetime.datetime:
        """When that was told, by the clock of the process that recorded it: UTC."""
        return self.told.at


@frozen(kw_only=True)
class UnexplainedRemainder:
    """Less was left of a payment than the known refunds leave."""

    told: When
    """When its provider said so."""

    why: Reason
    """What is left, and what should be."""

    @property
    def since(self) -> datetime.datetime:
        """When that was told, by the clock of the process that recorded it: UTC."""
        return self.told.at


@frozen(kw_only=True)
class HiddenRefunds:
    """The provider of a payment shows nobody which refunds of it were made."""

    told: When
    """When that was met."""

    why: Reason
    """The provider's reason."""

    @property
    def since(self) -> datetime.datetime:
        """When that was told, by the clock of the process that recorded it: UTC."""
        return self.told.at


@frozen(kw_only=True)
class AttentionItem:
    """Something that a person must look at, on the list of a shop."""

    kind: AttentionKind
    """What it is."""

    order_id: str
    """The order; empty where it is of none."""

    about: str
    """What it is about, by id: a refund, a return, a payment, an order line, an effect, an event's number, a plugin
    that is off, or the key of a provider's settings that are wrong (``stripe:second``)."""

    since: datetime.datetime | None
    """Since when (UTC); None where nobody knows, as for a provider that is off."""

    why: Text
    """The reason, in a sentence."""

    can_do: tuple[str, ...]
    """The methods of the desk that decide it or make more of it known, the first to think of first."""

    others: tuple[str, ...] = ()
    """The ids of your refunds that one found at the provider may be: what `match_refund` needs beside it."""

    @property
    def what(self) -> Text:
        """The kind in words."""
        return ATTENTION_WORDS[self.kind]

    @property
    def steps(self) -> tuple[Text, ...]:
        """``can_do`` in words, for the buttons of a screen."""
        return tuple([STEP_WORDS[one] for one in self.can_do])


@frozen(kw_only=True)
class AttentionPage:
    """A page of what a person must look at, the oldest first."""

    items: tuple[AttentionItem, ...]
    """Those of this page."""

    next: str | None
    """What to hand back as ``after`` for the next page; None on the last one."""
