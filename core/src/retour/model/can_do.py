"""What somebody can do about an order now: the methods of a desk, in words for the buttons of a screen."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import attrs

from retour.model.attention import STEP_WORDS
from retour.model.frozen import frozen
from retour.model.text import Text, text


class DeskStep(StrEnum):
    """A method of `ReturnDesk` that somebody can call about an order, a return, a refund or a label, by its name."""

    REQUEST_RETURN = "request_return"  #: of an order: units can be asked back
    MARK_RETURNED = "mark_returned"  #: of an order: units can be counted
    REFUND = "refund"  #: of an order: a payment has something left, and its provider refunds by API
    OPEN_REFUND_LINK = "open_refund_link"  #: of an order: a payment has something left
    APPROVE_RETURN = "approve_return"  #: of a return: decide, or tell the customer another day or way
    REJECT_RETURN = "reject_return"  #: of a return
    MARK_SENT = "mark_sent"  #: of a return
    ADD_EVIDENCE = "add_evidence"  #: of a return
    RECEIVE = "receive"  #: of a return: units of it are to come
    INSPECT_RECEIPT = "inspect_receipt"  #: of a return: one of its receipts has units to inspect
    CORRECT_RECEIPT = "correct_receipt"  #: of a return: it has a receipt
    ANSWER_RESTOCK = "answer_restock"  #: of a return: its question is open, or units are to be booked by hand
    CANCEL_RETURN = "cancel_return"  #: of a return
    CLOSE_RETURN = "close_return"  #: of a return
    REOPEN_RETURN = "reopen_return"  #: of a return: its units are still free
    ORDER_LABEL = "order_label"  #: of a return that has none, or of a label that it replaces
    CONFIRM_REFUND = "confirm_refund"  #: of a refund that a person made
    CANCEL_REFUND = "cancel_refund"  #: of a refund, here or by asking its provider
    RETRY_REFUND = "retry_refund"  #: of a refund that waits for a person
    SETTLE_REFUND = "settle_refund"  #: of a refund that nobody can tell of, when its provider was silent for a day
    REVERSE_REFUND = "reverse_refund"  #: of a refund that only a person said to have gone back
    MATCH_REFUND = "match_refund"  #: of one found at the provider that may be one of ours
    SET_REFUND_BATCH = "set_refund_batch"  #: of a bank transfer
    RECONCILE = "reconcile"  #: of a refund of which its provider may know more
    LABEL_DOCUMENT = "label_document"  #: of a label that can be printed or shown
    CANCEL_LABEL = "cancel_label"  #: of a label that nobody used
    SETTLE_LABEL = "settle_label"  #: of a label that waits for a person


@frozen(kw_only=True)
class CanDo:
    """What somebody can do about an order, as it is now. What a policy, a provider or what he types says of it is known
    when it is done."""

    order: tuple[DeskStep, ...] = ()
    """With the order itself."""

    to_request: Mapping[str, int] = attrs.field(factory=dict)
    """The units per order line that can be asked back: delivered, and in no return."""

    to_count: Mapping[str, int] = attrs.field(factory=dict)
    """The units per order line that can be counted: delivered, and not here."""

    returns: Mapping[str, tuple[DeskStep, ...]] = attrs.field(factory=dict)
    """With each return, by its id."""

    refunds: Mapping[str, tuple[DeskStep, ...]] = attrs.field(factory=dict)
    """With each refund, by its id."""

    labels: Mapping[str, tuple[DeskStep, ...]] = attrs.field(factory=dict)
    """With each label, by its id."""

    another_parcel: tuple[str, ...] = ()
    """The ids of the returns that have a label, and of which one more parcel can have one beside it: by
    ``order_label(..., another_parcel=True)``."""


DESK_STEP_WORDS: Mapping[DeskStep, Text] = {
    **{step: STEP_WORDS[step] for step in DeskStep if step in STEP_WORDS},
    DeskStep.REQUEST_RETURN: text("announce a return"),
    DeskStep.MARK_RETURNED: text("count what came back"),
    DeskStep.REFUND: text("refund money"),
    DeskStep.APPROVE_RETURN: text("approve the return"),
    DeskStep.REJECT_RETURN: text("reject the return"),
    DeskStep.MARK_SENT: text("say that the parcel was sent"),
    DeskStep.ADD_EVIDENCE: text("add files to the return"),
    DeskStep.RECEIVE: text("count a parcel of the return"),
    DeskStep.INSPECT_RECEIPT: text("say what the inspection found"),
    DeskStep.CLOSE_RETURN: text("close the return"),
    DeskStep.ORDER_LABEL: text("order a label"),
    DeskStep.SET_REFUND_BATCH: text("put the refund in a batch, or take it out"),
    DeskStep.LABEL_DOCUMENT: text("print or show the label"),
}
"""Each step in words, as it is said in general."""
