"""The flow of the reference article for one order: the goods, the question about the stock, the refund."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import uuid4

import attrs

from retour.cli.demo_cases import Arrival, DemoCase
from retour.cli.demo_refunds import MERCHANT, How, Merchant, Providers, RefundWatch
from retour.cli.words import text
from retour.desk import ReturnDesk
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import RetourError, StoreError
from retour.model.money import Money, total
from retour.model.order import Order
from retour.model.outcome import Outcome, RestockQuestion
from retour.model.refunds import RefundState
from retour.model.returns import STOCK_WORDS, RestockDecision, StockState
from retour.model.shipping import ShippingOption, ShippingWay
from retour.model.text import Text
from retour.model.timeline import TimelineEntry

TRACKING = "3SDEMO0000001"
"""The tracking number of every parcel in the demo."""

_GONE = RefundState.SUCCEEDED
_QUIET = {RefundState.SUCCEEDED, RefundState.CANCELLED}
"""States of a refund that nobody stumbles over."""

Answer = Callable[[Order, RestockQuestion], RestockDecision]
"""A person's answer about the stock."""


class Watch(RefundWatch, Protocol):
    """Somebody who looks on while an order goes through the flow."""

    def begin(self, case: DemoCase, order: Order) -> None:
        """An order begins."""

    def shipping(self, options: Sequence[ShippingOption], chosen: ShippingOption) -> None:
        """The customer was shown how to send the goods, and chose."""

    def returned(self, order: Order, outcome: Outcome, arrival: Arrival) -> None:
        """The merchant saved the order as Returned, wholly or in part."""

    def question(self, question: RestockQuestion) -> None:
        """The merchant is asked about the stock."""

    def answered(self, order: Order, question: RestockQuestion, decision: RestockDecision) -> None:
        """The merchant answered."""

    def end(self, entries: Sequence[TimelineEntry], *, unpaid: bool) -> None:
        """The order has gone through the flow; ``unpaid`` when there was no money to refund."""


@attrs.frozen(kw_only=True)
class Result:
    """What became of one order, in units, and the money that went back. ``note`` says what is not as usual.

    ``untracked`` are units of products whose stock the shop does not count. ``refunded`` is what has arrived, as far as
    its providers said so; ``money`` are the states of all refunds that have not.

    ``before`` is an order that had been returned before: nothing was done to it. ``problem`` is why it stopped.
    """

    order_id: str
    returned: int = 0
    restocked: int = 0
    by_hand: int = 0
    damaged: int = 0
    untracked: int = 0
    refunded: Money | None = None
    ways: frozenset[How] = frozenset()
    money: frozenset[RefundState] = frozenset()
    before: bool = False
    note: Text | None = None
    problem: Text | None = None


@attrs.frozen(kw_only=True)
class DemoFlow:
    """Runs orders through the flow. ``ask`` is a person who answers instead of the case."""

    desk: ReturnDesk
    providers: Providers
    ask: Answer | None = None

    def run(self, case: DemoCase, order: Order, watch: Watch | None = None) -> Result:
        """Take one order through one case, or as far as it still has to go.

        Raises only what concerns all orders (`StoreError`, a person who does not answer); anything else that is
        wrong with this order is the result's ``problem``.
        """
        try:
            merchant = Merchant(desk=self.desk, order=order, providers=self.providers, press=case.press, watch=watch)
            return _Run(desk=self.desk, case=case, order=order, merchant=merchant, watch=watch, ask=self.ask).result()
        except (StoreError, NoAnswer):
            raise
        except RetourError as error:
            return Result(order_id=order.id, problem=error.message)


class NoAnswer(RetourError):
    """The question about the stock was asked, and nobody is there to answer it."""


@attrs.define(kw_only=True)
class _Run:
    """One order on its way through the flow."""

    desk: ReturnDesk
    case: DemoCase
    order: Order
    watch: Watch | None
    ask: Answer | None
    changed: bool = False
    merchant: Merchant
    note: Text | None = None

    def result(self) -> Result:
        order, desk = self.order, self.desk
        if self.watch is not None:
            self.watch.begin(self.case, order)
        before = desk.dossier(order.id)
        fresh = not before.returns
        if fresh and self.case.announced is not None:
            self._announce(self.case.announced)
        for arrival in self.case.arrivals(order) if fresh else (None,):
            self._arrive(arrival)
            self._refund()
        dossier = desk.dossier(order.id)
        if self.watch is not None:
            self.watch.end(desk.timeline(order.id), unpaid=not dossier.refunds)
        return self._counted(dossier)

    def _announce(self, way: ShippingWay) -> None:
        """The customer announces the return, chooses how to send it, and sends it."""
        order, customer = self.order, Actor.customer(self.order.customer)
        lines = {line.id: line.fulfilled for line in order.goods if line.fulfilled}
        outcome = self.desk.request_return(order.id, lines, by=customer, request_id=uuid4().hex)
        options = self.desk.shipping_options(order.id)
        chosen = next((option for option in options if option.way is way), options[-1])
        if chosen.way is not way:
            self.note = text("no portal for this order")
        if self.watch is not None:
            self.watch.shipping(options, chosen)
        self.desk.mark_sent(order.id, outcome.return_id, by=customer, tracking=TRACKING)

    def _arrive(self, arrival: Arrival) -> None:
        """The merchant saves the order as Returned, and answers about the stock if that is asked."""
        order = self.order
        request_id = None if arrival is None else uuid4().hex
        outcome = self.desk.mark_returned(order.id, arrival, by=MERCHANT, request_id=request_id)
        self.changed |= outcome.changed
        if self.watch is not None:
            self.watch.returned(order, outcome, arrival)
        for one in outcome.returns:
            question = one.restock.question
            if question is not None:
                if self.watch is not None:
                    self.watch.question(question)
                decision = self.ask(order, question) if self.ask is not None else self.case.answer(question.units)
                self.desk.answer_restock(order.id, one.return_id, decision, by=MERCHANT)
                self.changed = True
                if self.watch is not None:
                    self.watch.answered(order, question, decision)

    def _refund(self) -> None:
        """The merchant refunds what is suggested."""
        for option in self.desk.refund_options(self.order.id):
            if option.suggested:
                self.changed = True
                self.merchant.refund(option)

    def _counted(self, dossier: Dossier) -> Result:
        """What the dossier says, added up, and whether it adds up."""
        tracked = {line.id: line.stock_tracked for line in self.order.goods}
        returned = restocked = by_hand = damaged = untracked = 0
        states = set()
        for return_ in dossier.returns.values():
            if return_.live:
                for count in return_.counted.values():
                    returned += count.units
                    damaged += count.damaged
                    untracked += 0 if tracked.get(count.line_id, True) else count.sellable
                restocked += sum(return_.moved(applied_only=True).values())
                by_hand += sum(return_.by_hand.values())
                states.add(return_.stock)
        unfinished = states - {StockState.APPLIED, StockState.BY_HAND, StockState.NOTHING}
        missing = sum(line.fulfilled for line in self.order.goods) - returned
        lost = returned - restocked - by_hand - damaged - untracked
        problem = None
        if unfinished:
            problem = STOCK_WORDS[min(unfinished)]
        elif missing or lost:
            problem = text("the units do not add up; look at its history")
        else:
            problem = self.merchant.in_doubt()
        made = [dossier.refunds[one] for one in self.merchant.made]
        replaced = {one.in_place_of for one in dossier.refunds.values()}
        return Result(
            order_id=self.order.id,
            returned=returned,
            restocked=restocked,
            by_hand=by_hand,
            damaged=damaged,
            untracked=untracked,
            refunded=total([one.amount for one in made if one.state is _GONE], self.order.currency) if made else None,
            ways=frozenset(self.merchant.ways),
            money=frozenset({one.state for one in dossier.refunds.values() if one.id not in replaced} - _QUIET),
            before=not self.changed,
            note=self.note,
            problem=problem,
        )
