"""Refunding through a provider's API, and giving such a refund up: who is asked what, in which order."""

from __future__ import annotations

import attrs

from retour.desk.commands import Command, Commands, Request
from retour.desk.reconcile import Reconciling
from retour.desk.refund_questions import RefundQuestions, being_sent
from retour.model.actor import Actor
from retour.model.errors import ProviderUnavailable, WrongState
from retour.model.money import Money
from retour.model.order import Order
from retour.model.outcome import Outcome
from retour.model.reasons import Reason
from retour.rules import refunds
from retour.rules.draft import Draft
from retour.store.commit import EffectTaken


@attrs.frozen(kw_only=True)
class Wanted:
    """The refund that somebody wants: ``amount`` of ``payment``, for a return or in place of a waiting refund."""

    payment: str
    amount: Money
    return_id: str | None = None
    instead_of: str | None = None
    note: str | None = attrs.field(default=None, repr=False)

    def plan(self, draft: Draft, order: Order, target: str = "", page: str = "", hold: Reason | None = None) -> None:
        """Decide it; what a provider or a policy says is not known yet where it is only rehearsed."""
        refunds.plan(
            draft,
            order,
            order.payment(self.payment),
            self.amount,
            target,
            hold=hold,
            page=page,
            return_id=self.return_id,
            instead_of=self.instead_of,
            note=self.note,
        )


@attrs.frozen
class RefundByApi:
    """The refunds of one shop that providers make."""

    commands: Commands
    questions: RefundQuestions
    reconciling: Reconciling

    def refund(self, order_id: str, wanted: Wanted, by: Actor, request: Request) -> Outcome:
        """Refuse what is known to be impossible, ask the provider, then the policies, and decide."""
        case = self.commands.read(order_id)
        before = self.commands.before(case, by, request)
        if before is not None:  # a double click asks no provider anything
            return before
        self.commands.rehearse(case, by, wanted.plan)
        if wanted.instead_of is not None and self.reconciling.before_replacing(case, wanted.instead_of).changed:
            case = self.commands.read(order_id)
            self.commands.rehearse(case, by, wanted.plan)
        try:
            refundable = self.questions.refundable(case.order, case.order.payment(wanted.payment))
        except (ProviderUnavailable, WrongState):  # the same click, a moment ahead, may have taken what was left
            before = self.commands.before(self.commands.read(order_id), by, request)
            if before is not None:
                return before
            raise

        def decide(draft: Draft, order: Order) -> None:
            hold = self.questions.approval(draft, order, order.payment(wanted.payment), wanted.amount)
            wanted.plan(draft, order, refundable.target, refundable.url, hold)

        return self.commands.run(Command(order_id=order_id, by=by, decide=decide, request=request, case=case))

    def cancel(self, order_id: str, refund_id: str, by: Actor, note: str | None) -> Outcome:
        """Take a refund out of the hands of those who would send it, or ask its provider to take it back."""

        def decide(draft: Draft, order: Order) -> None:
            self.questions.check_cancellable(draft.dossier, order, refund_id)
            draft.withdrawn.extend(self.questions.still_to_send(draft.dossier, refund_id))
            refunds.cancel(draft, order, refund_id, note, withdrawn=bool(draft.withdrawn))

        try:
            return self.commands.run(Command(order_id=order_id, by=by, decide=decide))
        except EffectTaken:  # a worker was faster
            raise being_sent(self.commands.read(order_id).dossier, refund_id) from None
