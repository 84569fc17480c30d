"""Why something happened or waits: one of our reasons with its values, or the words that somebody else gave for it.

A reason is stored as a code, so that it is read in the reader's language, and in better words when we find them. What
a person, a plugin, a shop or a provider said is kept as they gave it, and is for the staff only.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum
from typing import Any

import attrs

from retour.model import errors
from retour.model.background_work import work_in_words
from retour.model.errors import InvalidValue
from retour.model.fields import LONGEST_WORDS, Reference, checked, is_text
from retour.model.frozen import frozen
from retour.model.money import amount_or_words
from retour.model.said import in_its_words
from retour.model.text import Text, text, texts, that_can_be_stored


class ReasonCode(StrEnum):
    """Every reason that is ours. The codes of `retour.providers.ErrorCode` are among them, by the same value. Any other
    value is `UNKNOWN`: nothing is decided by a reason."""

    UNKNOWN = "unknown"  #: a newer retour's, that this one has no words for
    SAID = "said"  #: the words that somebody gave, and nothing of ours
    HELD = "held"  #: a policy held it and did not say why
    MORE_WENT_BACK = "more_went_back"
    NOT_MADE_BEFORE = "not_made_before"
    DID_NOT_HAPPEN = "did_not_happen"
    NOT_KNOWN_YET = "not_known_yet"
    CANNOT_TELL = "cannot_tell"
    CANNOT_BE_ASKED = "cannot_be_asked"  #: the value "error" is the code of why, the others are that code's
    PROCESS_STOPPED = "process_stopped"
    PLUGIN_UNUSABLE = "plugin_unusable"
    PLUGIN_FAILED = "plugin_failed"  #: the values "plugin", "origin" and "hook"; said what was raised
    CODE_FAILED = "code_failed"  #: the shop's own, or ours: said what was raised
    PAID_OUT = "paid_out"
    CANCELLED_THERE = "cancelled_there"  #: at the provider, and nobody here asked for it
    REPLACED = "replaced"
    RECEIPT_CORRECTED = "receipt_corrected"
    NOTHING_TO_DECIDE = "nothing_to_decide"
    OTHER_CURRENCY = "other_currency"
    REFUNDED_MEANWHILE = "refunded_meanwhile"  #: at the provider, and nobody had told us: said which
    CURRENCY_NOT_REFUNDED = "currency_not_refunded"  #: by the provider, whatever the payment: the value "currency"
    ONLY_WHOLE = "only_whole"  #: while the customer disputes a payment
    NOT_EXPLAINED = "not_explained"  #: the values "left" and "expected"
    REVERSAL_NOT_SHOWN = "reversal_not_shown"  #: by the provider, which told of it
    REFUNDS_NOT_SHOWN = "refunds_not_shown"  #: by the provider, and there can be some: said why
    ANOTHER_ANSWER = "another_answer"  #: a provider answered about something else than it was asked: said what
    PAID_TWICE = "paid_twice"  #: the value "other", and said how that is called
    SETTLED = "settled"  #: a person says so, where the provider's word was not to be had
    CONTRADICTED = "contradicted"  #: a person's word by the provider's: said why it does
    NO_OUTCOME = "no_outcome"  #: of a provider that tells it by webhook alone
    PAYMENT_VANISHED = "payment_vanished"  #: from the order, with money gone back on it: the value "payment"
    PAYMENT_DOUBLED = "payment_doubled"  #: the order has it under several names: the value "payments"
    CHARGED_BACK = "charged_back"  #: the values "amount" and "payment"
    CHARGED_BACK_MEANWHILE = "charged_back_meanwhile"  #: since it was decided: the same values
    REMAINDER = "remainder"  #: that no step of a provider can pay: the value "amount"
    LESS_THAN_A_STEP = "less_than_a_step"  #: of the amounts that the provider pays: the value "step"
    UNITS_NOT_THERE = "units_not_there"  #: the values "number", "line" and "left"
    PERHAPS_OURS = "perhaps_ours"  #: the value "refunds", their ids
    UNITS_BEYOND_ORDER = "units_beyond_order"  #: the values "number" and "line"
    SURPLUS_UNITS = "surplus_units"  #: the same values
    MONEY_BEYOND_ORDER = "money_beyond_order"  #: the values "amount" and "payment"
    LINE_CURRENCY = "line_currency"  #: the values "line", "amount" and "currency", as all that follow have "line"
    LINE_CURRENCY_UNKNOWN = "line_currency_unknown"  #: the value "amount", in the shop's words
    LINE_TAX_RATE = "line_tax_rate"  #: the value "rate"
    LINE_TAXES = "line_taxes"  #: the values "amount" and "difference"
    LINE_PART_OF_A_UNIT = "line_part_of_a_unit"  #: the value "quantity"
    LINE_UNITS_BELOW_ZERO = "line_units_below_zero"  #: goods: the value "quantity"
    LINE_BELOW_ZERO = "line_below_zero"  #: goods: the value "amount"
    LINE_WITHOUT_UNITS = "line_without_units"  #: the value "amount"
    LINE_MORE_FULFILLED = "line_more_fulfilled"  #: than ordered: the values "ordered" and "fulfilled"
    DISCOUNT_ABOVE_ZERO = "discount_above_zero"  #: the value "amount"
    DISCOUNT_OVER_NO_GOODS = "discount_over_no_goods"  #: the value "others"
    LINE_GONE = "line_gone"  #: from the order, after units of it came back: the value "amount"
    LINE_REPRICED = "line_repriced"  #: after units of it came back: the values "before" and "now"
    SEVERAL_LINES = "several_lines"  #: to look at: the value "lines"
    LABEL_NOT_FOUND = "label_not_found"  #: among the return shipments of its order, or there are several
    WHICH_LABEL = "which_label"  #: something was reported of one, and nothing tells of which
    ADDRESS_FORGOTTEN = "address_forgotten"
    PORTAL_ITEMS = "portal_items"  #: what cannot come back of this order: the value "items"
    PORTAL_SAYS_NOTHING = "portal_says_nothing"  #: of what is in the parcel
    PARCEL_LOST = "parcel_lost"
    PARCEL_GOES_BACK = "parcel_goes_back"
    PARCEL_HELD_UP = "parcel_held_up"
    PARCEL_MOVED = "parcel_moved"
    ALSO_IN_PORTAL = "also_in_portal"  #: a return beside one of a portal: the value "return_number"
    PARCEL_COMES_AFTER_THE_END = "parcel_comes_after_the_end"  #: of its return
    PARCEL_CAME_AFTER_THE_END = "parcel_came_after_the_end"
    RETURN_HAS_ENDED = "return_has_ended"
    LABEL_STAYS = "label_stays"  #: that can be used, of a return that has ended
    WINDOW_ENDED = "window_ended"  #: the values "days", "ended" and "since", of which the last two are ISO dates
    WINDOW_ENDED_SINCE_ORDER = "window_ended_since_order"  #: the same values: no delivery date is known
    WINDOW_UNKNOWN = "window_unknown"  #: neither a delivery date nor an order date: the value "days"
    DID_NOT_ARRIVE = "did_not_arrive"  #: the last refund of a payment, by its provider's word
    GIVEN_UP = "given_up"  #: by a person: the value "work", and "error" as that of CANNOT_BE_ASKED

    AUTHENTICATION = "authentication"
    CONFIGURATION = "configuration"
    INVALID_REQUEST = "invalid_request"
    UNKNOWN_PAYMENT = "unknown_payment"
    NOT_REFUNDABLE = "not_refundable"
    ALREADY_REFUNDED = "already_refunded"
    AMOUNT_TOO_HIGH = "amount_too_high"
    TOO_LATE = "too_late"
    DISPUTED = "disputed"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    NOT_YET = "not_yet"
    DUPLICATE = "duplicate"
    IN_PROGRESS = "in_progress"
    KEY_REUSED = "key_reused"
    RATE_LIMITED = "rate_limited"
    NOT_SENT = "not_sent"
    UNAVAILABLE = "unavailable"
    CARRIER_REFUSED = "carrier_refused"
    UNKNOWN_SHIPMENT = "unknown_shipment"
    ALREADY_MADE = "already_made"
    NOT_CANCELLABLE = "not_cancellable"
    LABEL_NOT_READY = "label_not_ready"
    NO_CONTRACT = "no_contract"
    OUTCOME_UNKNOWN = "outcome_unknown"
    UNREADABLE_ANSWER = "unreadable_answer"

    @classmethod
    def _missing_(cls, value: object) -> ReasonCode | None:
        return cls.UNKNOWN if isinstance(value, str) else None


_FOR_DEVELOPERS = frozenset({ReasonCode.PLUGIN_FAILED, ReasonCode.CODE_FAILED})
"""Beside these codes ``said`` is what an exception said: it is kept, and no sentence for a person."""

NEVER_AT_THE_PROVIDER = frozenset({ReasonCode.NOT_REFUNDABLE, ReasonCode.TOO_LATE})
"""Why nothing of a payment goes back by its provider, now or later."""

NOT_NOW = frozenset({ReasonCode.DISPUTED, ReasonCode.ALREADY_REFUNDED, ReasonCode.NOT_YET})
"""Why nothing of a payment can go back now, by any way: its money is not the customer's to have, or not yet."""


def as_said(words: str) -> str:
    """Somebody's words as they are kept: no more than `LONGEST_WORDS` characters, and all of them can be stored.

    Why money did not move is not to be lost for a character that a plugin or a provider cut in two.
    """
    if not isinstance(words, str):
        return words  # type: ignore[unreachable]
    return that_can_be_stored(words if len(words) <= LONGEST_WORDS else f"{words[: LONGEST_WORDS - 1]}…")


@frozen(kw_only=True, field_transformer=checked())
class Reason:
    """Why something happened or waits. Made by the core, from a code or from somebody's words."""

    code: ReasonCode
    """Why, as a code of ours; ``SAID`` where it is in somebody's words."""

    values: Mapping[Reference, str] = attrs.field(factory=dict)
    """What the sentence of the code tells besides, as texts by their names: a line, an amount, a payment."""

    said: str = attrs.field(default="", converter=as_said)
    """The words of a person, a plugin, a shop or a provider, as they gave them; else empty."""

    def __attrs_post_init__(self) -> None:
        if not _can_be_read(self):
            raise InvalidValue(
                text(
                    "Reason.values lacks what the reason {code} tells: “{sentence}”.",
                    code=self.code.value,
                    sentence=_WORDS[self.code].message if self.code in _WORDS else self.code.value,
                )
            )

    def text(self, language: str = "en") -> str:
        """The reason in ``language`` ("en" or "nl"), for the staff: with the words that somebody gave for it."""
        return self.words.render(language)

    @property
    def words(self) -> Text:
        """The reason as a text, with the words that somebody gave for it."""
        if self.code is ReasonCode.SAID or (self.code is ReasonCode.UNKNOWN and self.said):
            return Text(message="{said}", values={"said": in_its_words(self.said)})
        if self.code is ReasonCode.GIVEN_UP:
            return self._given_up
        ours = _WORDS[self.code]
        values: dict[str, Any] = dict(self.values)
        if self.code is ReasonCode.CANNOT_BE_ASKED:
            values["error"] = attrs.evolve(_WORDS[ReasonCode(self.values["error"])], values=self.values)
        values |= {name: _READ[name](value) for name, value in self.values.items() if name in _READ}
        worded = attrs.evolve(ours, values={**ours.values, **values})
        if not self.said or self.code in _FOR_DEVELOPERS:
            return worded
        return Text(message="{reason} ({said})", values={"reason": worded, "said": in_its_words(self.said)})

    @property
    def _given_up(self) -> Text:
        """What was given up, and the problem that it had."""
        code = ReasonCode(self.values["error"])
        why = attrs.evolve(self, code=code) if code is not ReasonCode.GIVEN_UP else reason(ReasonCode.UNKNOWN)
        values = {"work": work_in_words(self.values["work"]), "problem": why.words}
        return attrs.evolve(_WORDS[ReasonCode.GIVEN_UP], values=values)

    def repeats(self, before: Reason | None) -> bool:
        """Whether it says what ``before`` said, which is no news. A provider's words can have another number of the
        request in them each time, so words count only where there is no code of ours."""
        if before is None or (self.code, self.values) != (before.code, before.values):
            return False
        return self.code not in (ReasonCode.SAID, ReasonCode.UNKNOWN) or self.said == before.said

    def __str__(self) -> str:
        return self.text("en")


def _can_be_read(made: Reason) -> bool:
    """Whether its sentence has all its values: what is stored of it is read for ever."""
    try:
        words = made.words
        return words.readable and ("{" not in words.message or bool(words.values))
    except (KeyError, ValueError):  # the code of another reason that it tells of
        return False


def reason(code: ReasonCode, said: str = "", /, **values: str) -> Reason:
    """One of our reasons: ``reason(ReasonCode.TOO_LATE, "past 180 days")``."""
    return Reason(code=code, values=values, said=said)


def names_in_a_reason(names: Sequence[str]) -> str:
    """Names as the value of a reason: no more than ten of them.

    >>> names_in_a_reason(["cup", "pot"])
    'cup, pot'
    """
    return ", ".join([*names[:10], *(["…"] if len(names) > 10 else [])])


def cannot_be_asked(why: Reason) -> Reason:
    """The reason that a provider cannot be asked, ``why`` included."""
    return Reason(code=ReasonCode.CANNOT_BE_ASKED, values={**why.values, "error": why.code.value}, said=why.said)


def given_up(work: str, why: Reason) -> Reason:
    """The reason that a person gave up ``work``, a kind of effect that did not get done, and ``why`` it did not."""
    return Reason(code=ReasonCode.GIVEN_UP, values={**why.values, "work": work, "error": why.code.value}, said=why.said)


def as_reason(given: str | Reason | None) -> Reason | None:
    """A reason as a caller gives it: his own words become one that is read as he wrote them; empty ones are none.

    >>> as_reason("a second person looks").said
    'a second person looks'
    """
    if not is_text(given):
        return given  # type: ignore[return-value]  # a reason, none, or what the field's own check refuses
    return Reason(code=ReasonCode.SAID, said=given) if given else None


def _day(value: str) -> datetime.date | str:
    """A day for people; what is none, as a plugin can have written it, stays as it is."""
    try:
        return datetime.date.fromisoformat(value)
    except ValueError:
        return value


def _days(value: str) -> Text | str:
    return texts("{count} day", "{count} days", int(value)) if value.isdecimal() else value


_READ: Mapping[str, Callable[[str], Any]] = {
    "ended": _day,
    "since": _day,
    "days": _days,
    **dict.fromkeys(("amount", "left", "expected", "step", "before", "now", "difference"), amount_or_words),
}
"""Values of reasons that are more than a text, by their names: a reader's language says how they are written."""


_WORDS: Mapping[ReasonCode, Text] = {
    ReasonCode.UNKNOWN: text("a newer version of retour knows the reason"),
    ReasonCode.HELD: text("it was held"),
    ReasonCode.MORE_WENT_BACK: text("more went back at the provider than was known here"),
    ReasonCode.NOT_MADE_BEFORE: text("it was not sent before, or certainly not made"),
    ReasonCode.DID_NOT_HAPPEN: text("the provider does not have it, so it did not happen"),
    ReasonCode.NOT_KNOWN_YET: text("the provider does not know it yet"),
    ReasonCode.CANNOT_TELL: text("it was sent, and the provider can no longer tell what became of it: look there"),
    ReasonCode.CANNOT_BE_ASKED: text("the provider cannot be asked: {error}"),
    ReasonCode.PROCESS_STOPPED: text("retour was stopped while it was being sent"),
    ReasonCode.PLUGIN_UNUSABLE: text("the provider's plugin is missing or cannot be used"),
    ReasonCode.PLUGIN_FAILED: text("plugin {plugin} ({origin}) failed"),
    ReasonCode.CODE_FAILED: text("something in the shop's own system failed; its log says what"),
    ReasonCode.CANCELLED_THERE: text("it was cancelled at the provider, which was not requested from this shop"),
    ReasonCode.PAID_OUT: text("the provider is paying it out"),
    ReasonCode.REPLACED: text("another refund took its place"),
    ReasonCode.RECEIPT_CORRECTED: text("the count was corrected"),
    ReasonCode.NOTHING_TO_DECIDE: text("nothing is left to decide"),
    ReasonCode.OTHER_CURRENCY: text("there are refunds in another currency than the order is in now"),
    ReasonCode.REFUNDED_MEANWHILE: text("money went back at the provider meanwhile"),
    ReasonCode.CURRENCY_NOT_REFUNDED: text("the provider does not refund {currency}"),
    ReasonCode.ONLY_WHOLE: text(
        "the customer disputes the payment, and until that is decided only the whole payment can go back"
    ),
    ReasonCode.NOT_EXPLAINED: text(
        "at the provider {left} is left of the payment; by the refunds that are known here it would be {expected}"
    ),
    ReasonCode.REVERSAL_NOT_SHOWN: text(
        "the provider told that money of the payment was taken back, and does not show how much: look there"
    ),
    ReasonCode.REFUNDS_NOT_SHOWN: text("the provider does not show which refunds of it were made"),
    ReasonCode.ANOTHER_ANSWER: text("the provider answered about something else than it was asked"),
    ReasonCode.PAID_TWICE: text("it was paid twice"),
    ReasonCode.SETTLED: text("settled by hand"),
    ReasonCode.CONTRADICTED: text(
        "the provider says something else about it than somebody here did: look at both, and say which it is"
    ),
    ReasonCode.NO_OUTCOME: text("the provider took it and never said what became of it: look there"),
    ReasonCode.PAYMENT_VANISHED: text(
        "money went back, or is to go back, on payment {payment}, which is not on the order any more: say what it "
        "became"
    ),
    ReasonCode.PAYMENT_DOUBLED: text(
        "at the provider these are one payment: {payments}. Leave one of them on the order"
    ),
    ReasonCode.CHARGED_BACK: text("the customer's bank took back {amount} of payment {payment}"),
    ReasonCode.CHARGED_BACK_MEANWHILE: text(
        "the customer's bank took money back meanwhile: {amount} of payment {payment} in all"
    ),
    ReasonCode.REMAINDER: text(
        "{amount} more is owed, which no provider of the payments can pay: refund it by bank transfer"
    ),
    ReasonCode.LESS_THAN_A_STEP: text("the provider pays back in steps of {step}"),
    ReasonCode.UNITS_NOT_THERE: text(
        "line {line}: {number} cannot go back in stock; sellable and not in stock yet: {left}"
    ),
    ReasonCode.PERHAPS_OURS: text("it has the payment and the amount of a refund of yours: {refunds}"),
    ReasonCode.UNITS_BEYOND_ORDER: text("line {line}: {number} more in returns than the order has now"),
    ReasonCode.SURPLUS_UNITS: text("line {line}: {number} more came than were ever delivered on this order"),
    ReasonCode.MONEY_BEYOND_ORDER: text(
        "payment {payment}: {amount} more than was paid went back, by refunds and by a bank, or is to go back"
    ),
    ReasonCode.LINE_CURRENCY: text(
        "line {line}: {amount} is in another currency than the order, which is in {currency}. Decide for yourself what "
        "goes back for it"
    ),
    ReasonCode.LINE_CURRENCY_UNKNOWN: text(
        "line {line}: {amount} is in a currency that does not exist. Correct it in the shop, or decide for yourself "
        "what goes back for it"
    ),
    ReasonCode.LINE_TAX_RATE: text(
        "line {line}: {rate} percent cannot be a rate of tax. Correct it in the shop, or decide for yourself what goes "
        "back for it"
    ),
    ReasonCode.LINE_TAXES: text(
        "line {line}: its tax parts differ by {difference} from the {amount} that was paid, more than rounding does. "
        "Decide for yourself what goes back for it"
    ),
    ReasonCode.LINE_PART_OF_A_UNIT: text(
        "line {line}: {quantity} is no whole number of units. It counts as one unit; decide for yourself what goes "
        "back for it, and what goes back in stock"
    ),
    ReasonCode.LINE_UNITS_BELOW_ZERO: text(
        "line {line}: {quantity} units were ordered, which is below zero. It counts as none; if it is a discount or a "
        "credit, the shop should say so. Decide for yourself what goes back for it"
    ),
    ReasonCode.LINE_BELOW_ZERO: text(
        "line {line}: {amount} was paid for goods, which is below zero. If it is a discount or a rounding, the shop "
        "should say so; decide for yourself what goes back for it"
    ),
    ReasonCode.LINE_WITHOUT_UNITS: text(
        "line {line}: {amount} was paid, and for no units. Decide for yourself what goes back for it"
    ),
    ReasonCode.LINE_MORE_FULFILLED: text(
        "line {line}: delivered {fulfilled}, and ordered only {ordered}. Decide for yourself what goes back for it"
    ),
    ReasonCode.DISCOUNT_ABOVE_ZERO: text(
        "line {line}: a discount of {amount}, which is above zero. Decide for yourself what goes back for the goods "
        "that it is over"
    ),
    ReasonCode.DISCOUNT_OVER_NO_GOODS: text(
        "line {line}: a discount over {others}, which are no goods of this order. Decide for yourself what goes back "
        "for the goods"
    ),
    ReasonCode.LINE_GONE: text(
        "line {line}, for which {amount} was paid, left the order after units of it came back. Look at the order, and "
        "decide for yourself what goes back for it"
    ),
    ReasonCode.LINE_REPRICED: text(
        "line {line} cost {before} in all when units of it came back, and costs {now} now. Look at the order, and "
        "decide for yourself what goes back for it"
    ),
    ReasonCode.SEVERAL_LINES: text(
        "several lines of the order cannot be right, or were changed: {lines}. Decide for yourself what goes back for "
        "them"
    ),
    ReasonCode.LABEL_NOT_FOUND: text(
        "it was ordered, and the provider cannot tell which label it is, or whether there is one: look there"
    ),
    ReasonCode.WHICH_LABEL: text("nothing tells of which label this was reported: look at the provider"),
    ReasonCode.ADDRESS_FORGOTTEN: text("the addresses were removed before the label was made"),
    ReasonCode.PORTAL_ITEMS: text(
        "in the portal the customer sends back {items}, of which the order has no more that can come back"
    ),
    ReasonCode.PORTAL_SAYS_NOTHING: text("the portal does not say what the customer sends back"),
    ReasonCode.PARCEL_LOST: text("the carrier says that the parcel is lost"),
    ReasonCode.PARCEL_GOES_BACK: text("the parcel is on its way back to the customer"),
    ReasonCode.PARCEL_HELD_UP: text("the carrier holds the parcel up"),
    ReasonCode.PARCEL_MOVED: text("the parcel moved on"),
    ReasonCode.ALSO_IN_PORTAL: text(
        "the customer also made return {return_number} in a portal, and nothing says whether that is of the same "
        "goods. If it is, cancel this one, and its units count once"
    ),
    ReasonCode.PARCEL_COMES_AFTER_THE_END: text(
        "the carrier has the parcel of a return that has ended: reopen the return, or decide what becomes of the parcel"
    ),
    ReasonCode.PARCEL_CAME_AFTER_THE_END: text(
        "the parcel of a return that has ended was delivered at the shop: reopen the return to count it, or decide "
        "what becomes of it"
    ),
    ReasonCode.RETURN_HAS_ENDED: text("the return ended before the label was made"),
    ReasonCode.LABEL_STAYS: text("its return has ended, and the label can still be used: cancel it at its provider"),
    ReasonCode.WINDOW_ENDED: text("the return window of {days} ended on {ended}, counted from the delivery on {since}"),
    ReasonCode.WINDOW_ENDED_SINCE_ORDER: text(
        "the return window of {days} ended on {ended}, counted from the order on {since}, since its delivery date "
        "is not known: look when it was delivered"
    ),
    ReasonCode.WINDOW_UNKNOWN: text(
        "whether the return window of {days} is over is not known: the order has no delivery date and no order date"
    ),
    ReasonCode.DID_NOT_ARRIVE: text("the last refund of it did not reach the customer"),
    ReasonCode.GIVEN_UP: text("somebody gave it up: {work} ({problem})"),
    ReasonCode.AUTHENTICATION: text("the provider does not accept the key, or the key lacks a right"),
    ReasonCode.CONFIGURATION: text("the account at the provider is not set up for this"),
    ReasonCode.INVALID_REQUEST: text("the provider does not accept it"),
    ReasonCode.UNKNOWN_PAYMENT: text("the provider does not know the payment"),
    ReasonCode.NOT_REFUNDABLE: text("this payment cannot be refunded at the provider"),
    ReasonCode.ALREADY_REFUNDED: text("the provider says that it went back already"),
    ReasonCode.AMOUNT_TOO_HIGH: text("the provider says that it is more than is left"),
    ReasonCode.TOO_LATE: text("it is too late for a refund at the provider"),
    ReasonCode.DISPUTED: text("the customer disputes the payment"),
    ReasonCode.INSUFFICIENT_BALANCE: text("the balance at the provider is too low"),
    ReasonCode.NOT_YET: text("the payment cannot be refunded yet"),
    ReasonCode.DUPLICATE: text("the provider takes it for a repeat of an earlier refund"),
    ReasonCode.IN_PROGRESS: text("the provider is working on it already"),
    ReasonCode.KEY_REUSED: text("the provider says that this was used for another request before"),
    ReasonCode.RATE_LIMITED: text("the provider was asked too often"),
    ReasonCode.NOT_SENT: text("the provider could not be reached"),
    ReasonCode.UNAVAILABLE: text("the provider is not working at the moment"),
    ReasonCode.CARRIER_REFUSED: text("the carrier does not take this parcel"),
    ReasonCode.UNKNOWN_SHIPMENT: text("the provider does not know the label"),
    ReasonCode.ALREADY_MADE: text("the provider says that this label was made already"),
    ReasonCode.NOT_CANCELLABLE: text("the label was used already, or it is too late to cancel it"),
    ReasonCode.LABEL_NOT_READY: text("the label is not there yet"),
    ReasonCode.NO_CONTRACT: text("the account has no contract with this carrier for this way"),
    ReasonCode.OUTCOME_UNKNOWN: text("no answer came from the provider"),
    ReasonCode.UNREADABLE_ANSWER: text("the provider's answer could not be read"),
}


# --- reasons that were stored as English words -----------------------------------------------------------

_ONCE_STORED_AS: Mapping[str, ReasonCode] = {
    "held": ReasonCode.HELD,
    "more went back at the provider than we knew of": ReasonCode.MORE_WENT_BACK,
    "it was not sent before, or certainly not made": ReasonCode.NOT_MADE_BEFORE,
    "the provider has none of ours: it did not happen": ReasonCode.DID_NOT_HAPPEN,
    "the provider does not know it yet": ReasonCode.NOT_KNOWN_YET,
    "it was sent, and the provider can no longer tell: look there": ReasonCode.CANNOT_TELL,
    "the process that sent it stopped": ReasonCode.PROCESS_STOPPED,
    "the provider pays it out": ReasonCode.PAID_OUT,
    "replaced": ReasonCode.REPLACED,
    "receipt corrected": ReasonCode.RECEIPT_CORRECTED,
    "nothing is left to decide": ReasonCode.NOTHING_TO_DECIDE,
    "nothing tells of which label this was reported: look at the provider": ReasonCode.WHICH_LABEL,
}
_CANNOT_BE_ASKED = "the provider cannot be asked: "
_CODED = r"(?s)([a-z_]+): (.*)"
_FAILED = r"(?s)(?:needs review: )?plugin (\S+) \(([^)]*)\) failed in (\w+): (.*)"
_TOO_MANY = r"(\S+) units of line (.*) cannot go back in stock; (\S+) sellable units of it can\."

WORDS_ARE_OURS = frozenset({ReasonCode.NOT_SENT, ReasonCode.OUTCOME_UNKNOWN, ReasonCode.UNREADABLE_ANSWER})
"""What a provider cannot have said itself: the words beside such a code are a developer's."""


def reason_from_words(words: str) -> Reason | None:
    """The reason that an earlier version of an event held as English words, and that an effect holds so still."""
    code = _ONCE_STORED_AS.get(words)
    if code is not None:
        return Reason(code=code)
    if words.startswith(_CANNOT_BE_ASKED):
        inner = reason_from_words(words.removeprefix(_CANNOT_BE_ASKED))
        if inner is not None and inner.code is not ReasonCode.SAID:
            return Reason(code=ReasonCode.CANNOT_BE_ASKED, values={"error": inner.code.value}, said=inner.said)
    if failed := re.fullmatch(_FAILED, words):
        plugin, origin, hook, said = failed.groups()
        values = {"plugin": plugin, "origin": origin, "hook": hook}
        return Reason(code=ReasonCode.PLUGIN_FAILED, values=values, said=said)
    if too_many := re.fullmatch(_TOO_MANY, words):
        number, line, left = too_many.groups()
        return Reason(code=ReasonCode.UNITS_NOT_THERE, values={"number": number, "line": line, "left": left})
    coded = re.fullmatch(_CODED, words)
    if coded is not None and coded[1] in _STORED_CODES:
        code = ReasonCode(coded[1])
        return Reason(code=code, said="" if code in WORDS_ARE_OURS else coded[2])
    return as_reason(words)


def reason_of_problem(words: str) -> Reason | None:
    """The reason that an effect keeps as words. What code raised stands in them with its class: what retour raised is
    a sentence for people, anything else is for developers."""
    raised = re.fullmatch(_RAISED, words)
    if raised is None:
        return reason_from_words(words)
    return as_reason(raised[2]) if hasattr(errors, raised[1]) else Reason(code=ReasonCode.CODE_FAILED, said=words)


_RAISED = r"(?s)([A-Z]\w*): (.*)"

_STORED_CODES = frozenset(code.value for code in list(ReasonCode)[list(ReasonCode).index(ReasonCode.AUTHENTICATION) :])
