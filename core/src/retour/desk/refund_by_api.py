"""Refunding through a provider's API, alone or with the goods, and giving such a refund up: who is asked what, when."""

from __future__ import annotations

import attrs

from retour.desk.coming_back import ComingBack, CountingGoods, counted_before
from retour.desk.commands import Command, Commands, Request
from retour.desk.reconcile import Reconciling
from retour.desk.refund_questions import RefundQuestions, being_sent, not_by_api, why_not_without_a_look
from retour.effects.refunding import payment_of
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import InvalidAmount, NotAllowed, ProviderUnavailable, WrongState
from retour.model.frozen import frozen
from retour.model.making import changed
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.outcome import Outcome
from retour.model.reasons import Reason
from retour.model.refunds import Refund, RefundState
from retour.model.text import Text
from retour.providers.refund_request import Refundable
from retour.rules import refunds
from retour.rules.books import BooksRead, gone_meanwhile, record_books, refunded_there
from retour.rules.closed_ways import refuse_not_now, why_nobody_knows
from retour.rules.draft import Draft
from retour.steps.case import Case
from retour.store.commit import EffectTaken, HostsWriting


@frozen(kw_only=True)
class Wanted:
    """The refund that somebody wants: ``amount`` of ``payment``, for a return or in place of a waiting refund, or
    together with ``goods`` that he says came back. ``also`` is what the host writes in the same transaction."""

    payment: str
    amount: Money
    return_id: str | None = None
    instead_of: str | None = None
    goods: ComingBack | None = None
    also: HostsWriting | None = attrs.field(default=None, repr=False)
    note: str | None = attrs.field(default=None, repr=False)

    def check(self, draft: Draft, order: Order, step: int) -> None:
        """Raise what is known to stand in its way, before its provider and the policies are asked."""
        refunds.check_plan(
            draft,
            order,
            order.payment(self.payment),
            self.amount,
            step=step,
            return_id=self.return_id,
            instead_of=self.instead_of,
            note=self.note if self.goods is None else self.goods.note,
        )

    def plan(self, draft: Draft, order: Order, step: int, books: BooksRead, hold: Reason | None) -> None:
        """Decide it, where the provider pays in steps of ``step`` minor units."""
        refunds.plan(
            draft,
            order,
            order.payment(self.payment),
            self.amount,
            books.target,
            step=step,
            hold=hold,
            page=books.page,
            read_at=books.read_at,
            return_id=self.return_id,
            instead_of=self.instead_of,
            note=self.note,
        )


@frozen
class RefundByApi:
    """The refunds of one shop that providers make."""

    commands: Commands
    questions: RefundQuestions
    reconciling: Reconciling
    counting: CountingGoods

    def refund(self, order_id: str, wanted: Wanted, by: Actor, request: Request) -> Outcome:
        """Refuse what is known to be impossible, ask the provider, then the policies, and decide."""
        case = self.commands.read(order_id)
        before = self.commands.before(case, by, request)
        if before is not None:  # a double click asks no provider anything
            return before
        self._rehearse(case, wanted, by)
        seen = case.dossier
        if wanted.instead_of is not None and self.reconciling.before_replacing(case, wanted.instead_of).changed:
            case = self.commands.read(order_id)
            self._rehearse(case, wanted, by)
        try:
            return self._decided(case, wanted, by, request, seen)
        except (ProviderUnavailable, InvalidAmount, WrongState):
            # the same click, a moment ahead, may have taken what was left
            before = self.commands.before(self.commands.read(order_id), by, request)
            if before is not None:
                return before
            raise

    def _rehearse(self, case: Case, wanted: Wanted, by: Actor) -> None:
        def decide(draft: Draft, order: Order) -> None:
            if wanted.goods is not None:  # the policies of their stock are asked when they are counted
                self.counting.arrivals(draft, order, wanted.goods)
            wanted.check(draft, order, self._step(draft, order, wanted))

        self.questions.rehearse_refund(case, by, wanted.payment, decide)

    def _counted(self, draft: Draft, order: Order, wanted: Wanted) -> Wanted:
        """What is wanted, once the goods that came back with it are counted: for their return, where it is one."""
        if wanted.goods is None:
            return wanted
        arrivals = self.counting.arrivals(draft, order, wanted.goods)
        self.counting.count(draft, order, arrivals, wanted.goods.note, wanted.goods.parcel)
        returns = {one.return_id for one in arrivals} or set(counted_before(draft.dossier))
        return changed(wanted, return_id=returns.pop() if len(returns) == 1 else None)

    def _step(self, draft: Draft, order: Order, wanted: Wanted) -> int:
        return self.questions.step(draft.dossier, order.payment(wanted.payment))

    def _decided(self, case: Case, wanted: Wanted, by: Actor, request: Request, seen: Dossier) -> Outcome:
        """Read the provider's books, and decide on what they say. What was found there is recorded in the same step,
        and also where the refund is refused for it. ``seen`` is all that the person could know of: what was found
        before a waiting refund is replaced is not in it."""
        payment = case.order.payment(wanted.payment)
        refundable, books = self.questions.books(case, payment)
        beside = self.questions.beside(case, payment)

        def decide(draft: Draft, order: Order) -> None:
            known = self._counted(draft, order, wanted)
            for other, read in beside.items():
                record_books(draft, order.payment(other), read)
            found = record_books(draft, order.payment(wanted.payment), books)
            if not refundable.possible:
                bank = draft.dossier.charged_back(payment.id, order.currency)
                if bank or refunded_there(draft.dossier, payment):  # which says why, and is named
                    refunds.check_amount(draft.dossier, order, payment, wanted.amount)
                refuse_not_now(draft.dossier, order, payment, wanted.amount)
                because = draft.dossier.not_refundable_because(payment.id)
                raise not_by_api(order, payment, refundable.reason, page=because is None)
            if books.not_shown is not None:
                raise not_by_api(order, payment, books.not_shown.words)
            refuse_not_now(draft.dossier, order, payment, wanted.amount)
            hold = self.questions.approval(draft, order, order.payment(wanted.payment), wanted.amount)
            meanwhile = gone_meanwhile(draft.dossier, order.payment(wanted.payment), seen)
            found = found or why_nobody_knows(draft.dossier, payment)
            known.plan(draft, order, self._step(draft, order, wanted), books, meanwhile or found or hold)

        command = Command(order_id=case.order_id, by=by, decide=decide, request=request, case=case, also=wanted.also)
        try:
            return self.commands.run(command)
        except (InvalidAmount, NotAllowed, WrongState):
            self.reconciling.record(case, {**beside, payment.id: books})
            raise

    def retry(self, order_id: str, refund_id: str, by: Actor, request: Request | None) -> Outcome:
        """Let a refund that waits for a person go on, on what its provider's books say now."""
        case = self.commands.known(order_id, by)
        before = self.commands.before(case, by, request)
        if before is not None:
            return before
        self.commands.rehearse(case, by, lambda draft, _: refunds.retry(draft, refund_id))
        refund = case.dossier.refund(refund_id)
        payment = payment_of(case, refund.payment)
        refundable, books = self._books_for(case, refund, payment) or (None, None)

        def decide(draft: Draft, order: Order) -> None:
            hold = None
            if books is not None:
                hold = record_books(draft, payment, books, own=refund)
                hold = hold or why_nobody_knows(draft.dossier, payment)
            if refund.by_transfer and refundable is not None:
                hold = why_not_without_a_look(order, payment, refundable) or hold
            refunds.retry(draft, refund_id, hold, read_at=None if books is None else books.read_at)

        return self.commands.run(
            Command(order_id=order_id, by=by, decide=decide, request=request, case=case, finishes=True)
        )

    def _books_for(self, case: Case, refund: Refund, payment: Payment) -> tuple[Refundable, BooksRead] | None:
        """The books for a refund that is about to be sent or transferred; None for one that may have been, which is
        looked up, and where its plugin cannot be used: whoever sends it later reads them then."""
        if refund.state is not RefundState.PLANNED:
            return None
        if refund.by_transfer:
            return self.questions.books_for_transfer(case, payment)
        if isinstance(self.questions.services.accounts.refunding(case.shop, payment), Text):
            return None
        return self.questions.books(case, payment)

    def cancel(self, order_id: str, refund_id: str, by: Actor, note: str | None, request: Request | None) -> Outcome:
        """Take a refund out of the hands of those who would send it, or ask its provider to take it back."""

        def decide(draft: Draft, order: Order) -> None:
            self.questions.check_cancellable(draft.dossier, order, refund_id)
            draft.withdrawn.extend(self.questions.still_to_send(draft.dossier, refund_id))
            refunds.cancel(draft, order, refund_id, note, withdrawn=bool(draft.withdrawn))

        try:
            return self.commands.run(Command(order_id=order_id, by=by, decide=decide, request=request, finishes=True))
        except EffectTaken:  # a worker was faster
            raise being_sent(self.commands.known(order_id, by).dossier, refund_id) from None
