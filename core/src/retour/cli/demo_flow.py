"""The flow of the reference article for one order: the goods, the question about the stock, the refund."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol
from uuid import uuid4

import attrs

from retour.cli.demo_cases import Arrival, DemoCase
from retour.cli.demo_parcels import Customer, ParcelWatch
from retour.cli.demo_providers import Providers
from retour.cli.demo_refunds import MERCHANT, How, Merchant, RefundWatch
from retour.cli.ways_back import WayBack, ways_back
from retour.cli.words import text
from retour.desk import ReturnDesk
from retour.model.dossier import Dossier
from retour.model.errors import RetourError, StoreError
from retour.model.frozen import frozen
from retour.model.money import Money, total
from retour.model.order import Order
from retour.model.outcome import Outcome, RestockQuestion
from retour.model.refunds import RefundState
from retour.model.returns import STOCK_WORDS, RestockDecision, StockState
from retour.model.text import Text
from retour.model.timeline import TimelineEntry

_GONE = RefundState.SUCCEEDED
_QUIET = {RefundState.SUCCEEDED, RefundState.CANCELLED}
"""States of a refund that nobody stumbles over."""

Answer = Callable[[Order, RestockQuestion], RestockDecision]
"""A person's answer about the stock."""


class Watch(RefundWatch, Protocol):
    """Somebody who looks on while an order goes through the flow."""

    def begin(self, case: DemoCase, order: Order) -> None:
        """An order begins."""

    @property
    def parcels(self) -> ParcelWatch:
        """Who looks on while its goods come back."""

    def returned(self, order: Order, outcome: Outcome, arrival: Arrival, parcel: str) -> None:
        """The merchant saved the order as Returned, wholly or in part: what is there, or in the ``parcel``."""

    def question(self, question: RestockQuestion) -> None:
        """The merchant is asked about the stock."""

    def answered(self, order: Order, question: RestockQuestion, decision: RestockDecision) -> None:
        """The merchant answered."""

    def end(self, entries: Sequence[TimelineEntry], *, unpaid: bool) -> None:
        """The order has gone through the flow; ``unpaid`` when there was no money to refund."""


@frozen(kw_only=True)
class Result:
    """What became of one order, in units, how it came back, and the money that went back. ``note`` says what is not as
    usual.

    ``returned`` are units that are back; ``missing`` ones were counted and are not. ``untracked`` are units of products
    whose stock the shop does not count. ``came`` is how they came, ``labels`` how many were made for it now, and
    ``label_cost`` what these cost. ``refunded`` is what has arrived, as far as its providers said so; ``money`` are the
    states of all refunds that have not.

    ``before`` is an order that had been returned before: nothing was done to it. ``problem`` is why it stopped.
    """

    order_id: str
    returned: int = 0
    restocked: int = 0
    by_hand: int = 0
    damaged: int = 0
    missing: int = 0
    untracked: int = 0
    came: frozenset[WayBack] = frozenset()
    labels: int = 0
    label_cost: Money | None = None
    refunded: Money | None = None
    ways: frozenset[How] = frozenset()
    money: frozenset[RefundState] = frozenset()
    before: bool = False
    note: Text | None = None
    problem: Text | None = None


@frozen(kw_only=True)
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
            customer = None
            if case.sends_by is not None:
                customer = Customer(
                    desk=self.desk,
                    order=order,
                    providers=self.providers,
                    sends_by=case.sends_by,
                    watch=watch.parcels if watch is not None else None,
                )
            run = _Run(
                desk=self.desk, case=case, order=order, merchant=merchant, customer=customer, watch=watch, ask=self.ask
            )
            return run.result()
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
    customer: Customer | None

    def result(self) -> Result:
        order, desk = self.order, self.desk
        if self.watch is not None:
            self.watch.begin(self.case, order)
        before = desk.dossier(order.id)
        fresh = not before.returns
        for arrival in self.case.arrivals(order) if fresh else (None,):
            parcel = self.customer.send(arrival) if fresh and self.customer is not None else ""
            self._arrive(arrival, parcel)
            self._refund()
        dossier = desk.dossier(order.id)
        if self.watch is not None:
            self.watch.end(desk.timeline(order.id), unpaid=not dossier.refunds)
        return self._counted(dossier)

    def _arrive(self, arrival: Arrival, parcel: str) -> None:
        """The merchant counts what is there, or in the parcel with this name: he saves the order as Returned, and
        answers about the stock if that is asked."""
        order = self.order
        request_id = None if arrival is None else uuid4().hex
        outcome = self.desk.mark_returned(order.id, arrival, by=MERCHANT, request_id=request_id, parcel=parcel)
        self.changed |= outcome.changed
        if self.watch is not None:
            self.watch.returned(order, outcome, arrival, parcel)
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

    def _in_doubt(self, dossier: Dossier) -> Text | None:
        """Where the dossier and the providers' own books differ."""
        of_labels = self.customer.in_doubt(dossier) if self.customer is not None else None
        return self.merchant.in_doubt(dossier) or of_labels

    def _counted(self, dossier: Dossier) -> Result:
        """What the dossier says, added up, and whether it adds up."""
        tracked = {line.id: line.stock_tracked for line in self.order.goods}
        returned = restocked = by_hand = damaged = missing = untracked = 0
        states = set()
        for return_ in dossier.returns.values():
            if return_.live:
                for count in return_.counted.values():
                    returned += count.came_back
                    missing += count.absent
                    damaged += count.damaged
                    untracked += 0 if tracked.get(count.line_id, True) else count.sellable
                restocked += sum(return_.moved(applied_only=True).values())
                by_hand += sum(return_.by_hand.values())
                states.add(return_.stock)
        unfinished = states - {StockState.APPLIED, StockState.BY_HAND, StockState.NOTHING}
        uncounted = sum(line.fulfilled for line in self.order.goods) - returned - missing
        lost = returned - restocked - by_hand - damaged - untracked
        problem = None
        if unfinished:
            problem = STOCK_WORDS[min(unfinished)]
        elif uncounted or lost:
            problem = text("the units do not add up; look at its history")
        else:
            problem = self._in_doubt(dossier)
        made = [dossier.refunds[one] for one in self.merchant.made]
        replaced = {one.in_place_of for one in dossier.refunds.values()}
        return Result(
            order_id=self.order.id,
            returned=returned,
            restocked=restocked,
            by_hand=by_hand,
            damaged=damaged,
            missing=missing,
            untracked=untracked,
            came=ways_back(dossier),
            labels=self.customer.labels(dossier) if self.customer is not None else 0,
            label_cost=self.customer.cost(dossier) if self.customer is not None else None,
            refunded=total([one.amount for one in made if one.state is _GONE], self.order.currency) if made else None,
            ways=frozenset(self.merchant.ways),
            money=frozenset({one.state for one in dossier.refunds.values() if one.id not in replaced} - _QUIET),
            before=not self.changed,
            note=self.customer.note if self.customer is not None else None,
            problem=problem,
        )
