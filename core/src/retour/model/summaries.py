"""Returns and refunds as the rows of lists over all orders, what each waits for, and the pages of these lists."""

from __future__ import annotations

import datetime
from enum import StrEnum

from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.refunds import Refund, RefundState
from retour.model.returns import GoodsState, Return, StockState


class ReturnWait(StrEnum):
    """What a return can wait for."""

    REVIEW = "review"  # a decision
    GOODS = "goods"
    COUNTING = "counting"  # its parcel was delivered
    INSPECTION = "inspection"  # of units that came
    ANSWER = "answer"  # about the stock
    STOCK = "stock"  # to be booked
    ORDER = "order"  # the shop changed the order below what came back: somebody has to look
    NOTHING = ""


class RefundWait(StrEnum):
    """What a refund can wait for."""

    PERSON = "person"  # who has to decide or mend something
    MERCHANT = "merchant"  # who opened its link
    TRANSFER = "transfer"  # that the merchant has to make
    BANK = "bank"  # that has it in a batch
    PROVIDER = "provider"
    NOTHING = ""


@frozen(kw_only=True)
class ReturnSummary:
    """One return on a list over all orders; ``number`` is what people call it.

    ``waits_for`` is what it waits for since ``since``, ``due`` is the last day to send it.
    """

    order_id: str
    return_id: str
    goods: GoodsState
    stock: StockState
    waits_for: ReturnWait
    since: datetime.datetime
    due: datetime.date | None
    opened_at: datetime.datetime
    number: str


@frozen(kw_only=True)
class RefundSummary:
    """One refund on a list over all orders. ``waits_for`` is what it waits for since ``since``; the bank has it in
    ``batch``."""

    order_id: str
    refund_id: str
    payment: str
    amount: Money
    state: RefundState
    waits_for: RefundWait
    since: datetime.datetime
    opened_at: datetime.datetime
    batch: str = ""


@frozen(kw_only=True)
class RefundPage:
    """A page of a list of refunds; hand ``next`` back as ``after`` for the next page, None when there is none."""

    refunds: tuple[RefundSummary, ...]
    next: str | None


@frozen(kw_only=True)
class ReturnPage:
    """A page of a list of returns; hand ``next`` back as ``after`` for the next page, None when there is none."""

    returns: tuple[ReturnSummary, ...]
    next: str | None


def refund_waits_for(refund: Refund) -> RefundWait:
    """What a refund waits for; see `RefundSummary`."""
    if refund.needs_person:
        return RefundWait.PERSON
    if refund.state is RefundState.AWAITING_MERCHANT:
        if refund.by_transfer:
            return RefundWait.BANK if refund.batch else RefundWait.TRANSFER
        return RefundWait.MERCHANT
    if refund.state in (RefundState.SUBMITTING, RefundState.UNKNOWN, RefundState.PENDING):
        return RefundWait.PROVIDER
    return RefundWait.NOTHING


def waits_for(return_: Return) -> ReturnWait:
    """What a return waits for; see `ReturnSummary`."""
    if return_.question_open:
        return ReturnWait.ANSWER
    if return_.stock in (StockState.ALL, StockState.PER_LINE, StockState.FAILED, StockState.PARTLY_APPLIED):
        return ReturnWait.STOCK
    if return_.goods is GoodsState.REQUESTED:
        return ReturnWait.REVIEW
    if return_.live and return_.to_inspect():
        return ReturnWait.INSPECTION
    if return_.goods in (GoodsState.APPROVED, GoodsState.IN_TRANSIT, GoodsState.PARTLY_RECEIVED):
        return ReturnWait.GOODS
    return ReturnWait.NOTHING
