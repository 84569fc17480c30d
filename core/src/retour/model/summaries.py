"""Returns and refunds as the rows of lists over all orders, what each waits for, and the pages of these lists."""

from __future__ import annotations

import datetime
from enum import StrEnum

from retour.model.dossier import Dossier
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import Order
from retour.model.reasons import Reason
from retour.model.refunds import Refund, RefundSource, RefundState
from retour.model.returns import GoodsState, Return, StockState
from retour.model.text import Text


class ReturnWait(StrEnum):
    """What a return can wait for."""

    REVIEW = "review"  #: a decision
    GOODS = "goods"  #: that are to come
    COUNTING = "counting"  #: its parcel was delivered
    INSPECTION = "inspection"  #: of units that came
    ANSWER = "answer"  #: about the stock
    STOCK = "stock"  #: to be booked
    ORDER = "order"  #: the shop changed the order below what came back: somebody has to look
    NOTHING = ""  #: it has ended


class RefundWait(StrEnum):
    """What a refund can wait for."""

    PERSON = "person"  #: who has to decide or mend something
    MERCHANT = "merchant"  #: who opened its link
    TRANSFER = "transfer"  #: that the merchant has to make
    BANK = "bank"  #: that has it in a batch
    PROVIDER = "provider"  #: who says how it ends
    NOTHING = ""  #: it has ended


@frozen(kw_only=True)
class LineSummary:
    """One line of a return on a list."""

    line_id: str
    """The line of the order."""

    announced: int = 0
    """Units that the customer wants to send back; 0 of what came unannounced."""

    came_back: int = 0
    """Units that were counted, damaged ones too; missing ones are not among them."""

    reasons: tuple[str, ...] = ()
    """The codes that were chosen for it from the shop's list, here or in a portal."""


@frozen(kw_only=True)
class ReturnDetails:
    """What a row of a list tells of a return besides its states; see `ReturnSummary`."""

    lines: tuple[LineSummary, ...] = ()
    references: tuple[str, ...] = ()
    value: Money | None = None


@frozen(kw_only=True)
class OrderAmounts:
    """What the rows of an order's returns tell of its money; see `ReturnSummary`."""

    refunded: tuple[Money, ...] = ()
    waiting: tuple[Money, ...] = ()
    suggested: Money | None = None


@frozen(kw_only=True)
class RefundDetails:
    """What a row of a list tells of a refund besides its state; see `RefundSummary`."""

    source: RefundSource
    return_id: str | None = None
    page: str = ""
    why: Reason | None = None
    lacks_consent: bool = False


@frozen(kw_only=True)
class ReturnSummary:
    """One return on a list over all orders. What is None of ``lines``, ``references``, ``value``, ``refunded``,
    ``waiting`` and ``suggested`` cannot be read now: a newer retour wrote the order's history, or it is damaged."""

    order_id: str
    """The order."""

    return_id: str
    """The return."""

    goods: GoodsState
    """Where its goods are."""

    stock: StockState
    """Where its stock is."""

    waits_for: ReturnWait
    """What has to happen next."""

    since: datetime.datetime
    """Since when it waits for that (UTC)."""

    due: datetime.date | None
    """The last calendar day to send it, in the shop's zone; None where none was set."""

    opened_at: datetime.datetime
    """When it began (UTC)."""

    number: str
    """What people call it, and what `ReturnDesk.find_return` finds it by."""

    lines: tuple[LineSummary, ...] | None = ()
    """The lines of the order that it is about."""

    references: tuple[str, ...] | None = ()
    """What its parcels are called: by the customer, the carrier and the provider of their labels."""

    value: Money | None = None
    """What was paid for its units that came back, after discounts and with tax; units of a line whose price nobody can
    say are not in it."""

    refunded: tuple[Money, ...] | None = ()
    """What went back on its whole order or is on its way, an amount for each currency."""

    waiting: tuple[Money, ...] | None = ()
    """How much of ``refunded`` nobody knows yet to have gone back: it is decided, on its way or unclear. An amount for
    each currency of which something waits."""

    suggested: Money | None = None
    """What its whole order is owed still for all goods that came back, where it can be suggested: before a plan of
    yours and the steps of a provider, which `ReturnDesk.refund_options` takes in."""

    order: Order | None = None
    """The shop's order; None where the shop was not asked for a whole page, or did not tell."""

    @property
    def reasons(self) -> tuple[str, ...]:
        """The codes that were chosen from the shop's list, each once."""
        return tuple(dict.fromkeys([code for line in self.lines or () for code in line.reasons]))


@frozen(kw_only=True)
class RefundSummary:
    """One refund on a list over all orders."""

    order_id: str
    """The order."""

    refund_id: str
    """The refund."""

    payment: str
    """Its `Payment.id`."""

    amount: Money
    """What goes back."""

    state: RefundState
    """Where the refund is."""

    waits_for: RefundWait
    """What has to happen next."""

    since: datetime.datetime
    """Since when it waits for that (UTC)."""

    opened_at: datetime.datetime
    """When it was decided (UTC)."""

    batch: str = ""
    """The batch in which the bank has it; empty where it is in none."""

    reference: str = ""
    """What the provider or the bank calls it; empty until they have said."""

    source: RefundSource | None = None
    """Who made it. None where the order's history cannot be read now: nothing below is known then either."""

    return_id: str | None = None
    """The return that it is for, where that was said."""

    page: str = ""
    """The payment's page as its provider named it; where else to go is for `ReturnDesk.refund_link`."""

    why: Reason | None = None
    """Why it waits for a person, or failed."""

    lacks_consent: bool = False
    """Whether the customer still has to agree that the money goes back another way than he paid."""

    order: Order | None = None
    """The shop's order; None where the shop was not asked for a whole page, or did not tell."""


@frozen(kw_only=True)
class RefundPage:
    """A page of a list of refunds."""

    refunds: tuple[RefundSummary, ...]
    """Those of this page."""

    next: str | None
    """What to hand back as ``after`` for the page after this one; None on the last."""

    previous: str | None = None
    """What to hand back as ``before`` for the page before this one; None on the first."""

    without_orders: Text | None = None
    """Why rows have no ``order`` although the shop was asked for them."""


@frozen(kw_only=True)
class ReturnPage:
    """A page of a list of returns."""

    returns: tuple[ReturnSummary, ...]
    """Those of this page."""

    next: str | None
    """What to hand back as ``after`` for the page after this one; None on the last."""

    previous: str | None = None
    """What to hand back as ``before`` for the page before this one; None on the first."""

    without_orders: Text | None = None
    """Why rows have no ``order`` although the shop was asked for them."""


@frozen(kw_only=True)
class ReturnCount:
    """How many returns there are in these states that wait for the same."""

    goods: GoodsState
    """Where their goods are."""

    stock: StockState
    """Where their stock is."""

    waits_for: ReturnWait
    """What they wait for."""

    count: int
    """How many."""


@frozen(kw_only=True)
class RefundTotal:
    """How many refunds there are in this state that wait for the same, in one currency, and what they come to."""

    state: RefundState
    """Where they are."""

    waits_for: RefundWait
    """What they wait for."""

    count: int
    """How many."""

    amount: Money
    """All of them together."""


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


def return_details(dossier: Dossier, return_: Return, value: Money | None) -> ReturnDetails:
    """What a row tells of a return, of which units of this ``value`` came back; nothing that somebody wrote in words of
    his own."""
    from_the_list = {one.code for one in return_.reasons_chosen}
    chosen: dict[str, dict[str, None]] = {}
    for line in (*return_.announced, *return_.chosen_in_portal):
        if line.reason in from_the_list:
            chosen.setdefault(line.line_id, {})[line.reason] = None
    counted = return_.counted
    parcels = [name for label in dossier.labels_of(return_.id) for name in (label.tracking_number, label.parcel)]
    return ReturnDetails(
        lines=tuple(
            [
                LineSummary(
                    line_id=line_id,
                    announced=return_.requested.get(line_id, 0),
                    came_back=counted[line_id].came_back if line_id in counted else 0,
                    reasons=tuple(chosen.get(line_id, ())),
                )
                for line_id in {**return_.requested, **counted}
            ]
        ),
        references=tuple(dict.fromkeys([name for name in (return_.tracking, *parcels) if name])),
        value=value,
    )


def refund_details(refund: Refund) -> RefundDetails:
    """What a row tells of a refund."""
    return RefundDetails(
        source=refund.source,
        return_id=refund.return_id,
        page=refund.page,
        why=refund.problem,
        lacks_consent=refund.lacks_consent,
    )
