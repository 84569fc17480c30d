"""Refunding by bank transfer in place of the way the money came in: who is asked what, and with whose consent."""

from __future__ import annotations

import attrs

from retour.desk.commands import Command, Commands, Request
from retour.desk.links import link_by
from retour.desk.reconcile import Reconciling, in_whose_books
from retour.desk.refund_questions import RefundQuestions, cannot_ask, why_not_without_a_look
from retour.effects.refunding import payment_of
from retour.model.actor import Actor
from retour.model.destinations import Consent
from retour.model.errors import InvalidAmount, InvalidArgument, NotAllowed, ProviderUnavailable, WrongState
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import BankAccount, Order
from retour.model.outcome import Outcome
from retour.model.reasons import Reason
from retour.model.refunds import Refund, RefundState
from retour.model.text import Text, text
from retour.rules import refunds
from retour.rules.books import gone_meanwhile, record_books
from retour.rules.closed_ways import why_nobody_knows
from retour.rules.draft import Draft
from retour.rules.transfers import check_consent, plan_transfer, refuse_transfer
from retour.steps.case import Case


@frozen(kw_only=True)
class WantedTransfer:
    """The refund that somebody wants: ``amount`` of ``payment``, by bank transfer ``to`` an account, with the
    ``consent`` of the customer; for a return, or in place of another refund."""

    payment: str
    amount: Money
    to: BankAccount | None = attrs.field(repr=False)
    consent: Consent | None = None
    return_id: str | None = None
    instead_of: str | None = None
    note: str | None = attrs.field(default=None, repr=False)

    def plan(self, draft: Draft, order: Order, to: BankAccount, hold: Reason | None = None) -> None:
        """Decide it."""
        plan_transfer(
            draft,
            order,
            order.payment(self.payment),
            self.amount,
            to,
            self.consent,
            hold=hold,
            return_id=self.return_id,
            instead_of=self.instead_of,
            note=self.note,
        )


@frozen
class RefundByTransfer:
    """The refunds of one shop that go by bank transfer, whatever way their money came in."""

    commands: Commands
    questions: RefundQuestions
    reconciling: Reconciling

    def refund(self, order_id: str, wanted: WantedTransfer, by: Actor, request: Request) -> Outcome:
        """Refuse what is known to be impossible, read the provider's books, ask the policies, and decide.

        Retour sends it nowhere, so what is decided is one commit and all that there is to do.
        """
        to = _account_of(order_id, wanted)
        case = self.commands.read(order_id)
        before = self.commands.before(case, by, request)
        if before is not None:  # a double click asks no provider anything
            return before
        self.questions.rehearse(case, by, lambda draft, order: self._rehearsed(draft, order, wanted, to))
        self._check_account(case, wanted, to)
        try:
            return self._decided(case, wanted, to, by, request)
        except (ProviderUnavailable, InvalidAmount, WrongState):
            # the same click, a moment ahead, may have taken what was left
            before = self.commands.before(self.commands.read(order_id), by, request)
            if before is not None:
                return before
            raise

    def hand_over(self, order_id: str, refund_id: str, batch: str, by: Actor, request: Request | None) -> Outcome:
        """Put a refund in the file for the bank, after a look at its provider's books, or take it out."""
        case = self.commands.known(order_id, by)
        before = self.commands.before(case, by, request)
        if before is not None:
            return before
        self.commands.rehearse(case, by, lambda draft, _: refunds.set_batch(draft, refund_id, batch))
        refund = case.dossier.refund(refund_id)
        goes_in = batch not in ("", refund.batch)
        if goes_in:
            case = self.looked_at_again(case, refund)

        def decide(draft: Draft, order: Order) -> None:
            if goes_in:
                now = draft.dossier.refund(refund_id)
                refuse_transfer(draft.dossier, draft.dossier.payment_of(order, now.payment), now)
            refunds.set_batch(draft, refund_id, batch)

        return self.commands.run(
            Command(order_id=order_id, by=by, decide=decide, request=request, case=case, finishes=True)
        )

    def looked_at_again(self, case: Case, refund: Refund) -> Case:
        """The case of a bank transfer that is about to be made, with what its provider's books say now: a dispute, a
        charge-back, a colleague's refund since it was decided. Raises `ProviderUnavailable`."""
        payment = in_whose_books(case, refund.payment)
        if payment is None or not refund.by_transfer or refund.lacks_consent:
            return case
        read = self.questions.books_for_transfer(case, payment)
        if read is None or not self.reconciling.record(case, {payment.id: read[1]}).changed:
            return case
        return self.commands.known(case.order_id)

    def _rehearsed(self, draft: Draft, order: Order, wanted: WantedTransfer, to: BankAccount) -> None:
        payment = order.payment(wanted.payment)
        wanted.plan(draft, order, to)
        by_transfer = self.questions.services.accounts.by_person(payment.provider)
        check_consent(order, payment, wanted.amount, to, wanted.consent, by_transfer=by_transfer)

    def _decided(self, case: Case, wanted: WantedTransfer, to: BankAccount, by: Actor, request: Request) -> Outcome:
        """What was found in the books is recorded in the same step, and also where the refund is refused for it; what
        still fits waits for a person who has read it."""
        payment = case.order.payment(wanted.payment)
        self._check_what_it_replaces(case, wanted.instead_of)
        own = self.questions.books_for_transfer(case, payment)
        read = self.questions.beside(case, payment)
        if own is not None:
            read[payment.id] = own[1]

        def decide(draft: Draft, order: Order) -> None:
            chosen = order.payment(wanted.payment)
            found = {one: record_books(draft, order.payment(one), books) for one, books in read.items()}
            hold = gone_meanwhile(draft.dossier, chosen, case.dossier) or found.get(payment.id)
            if own is not None:
                wanted.plan(draft.copy(), order, to)  # which names what a colleague refunded
                hold = hold or why_not_without_a_look(order, chosen, own[0])
            hold = hold or why_nobody_knows(draft.dossier, chosen)
            wanted.plan(draft, order, to, hold or self.questions.approval(draft, order, chosen, wanted.amount))

        command = Command(order_id=case.order_id, by=by, decide=decide, request=request, case=case)
        try:
            return self.commands.run(command)
        except (InvalidAmount, NotAllowed, WrongState):
            if read:
                self.reconciling.record(case, read)
            raise

    def _check_what_it_replaces(self, case: Case, refund_id: str | None) -> None:
        """Raise `WrongState` where a link is to be replaced that somebody may have followed a moment ago, and its
        provider cannot tell."""
        if refund_id is None:
            return
        refund = case.dossier.refund(refund_id)
        if refund.state is not RefundState.AWAITING_MERCHANT or refund.by_transfer:
            return
        self.reconciling.check_can_be_looked_up(case, refund)
        payment = payment_of(case, refund.payment)
        provider = self.questions.services.accounts.refunding(self.questions.shop_id, payment)
        if isinstance(provider, Text):
            raise cannot_ask(case, payment, provider)

    def _check_account(self, case: Case, wanted: WantedTransfer, to: BankAccount) -> None:
        """Raise `InvalidArgument` for an account that no money can be transferred to, and `WrongState` where no plugin
        knows transfers."""
        payment = case.order.payment(wanted.payment)
        provider = self.questions.services.accounts.transfers(self.questions.shop_id, payment)
        if provider is None:
            raise WrongState(
                text(
                    "Order {order}: no plugin for bank transfers is set up in this shop. Nothing was changed.",
                    order=case.order_id,
                ),
                in_code='plugins=[..., "manual_transfer"]',
            )
        link = link_by(provider, case.order, payment, wanted.amount, to)
        if link.transfer is None:
            raise InvalidArgument(text("Order {order}: {fault}", order=case.order_id, fault=link.instruction))


def _account_of(order_id: str, wanted: WantedTransfer) -> BankAccount:
    if wanted.to is None:
        raise InvalidArgument(
            text(
                "Order {order}: the customer agreed to a bank transfer. Give the account too.",
                order=order_id,
            ),
            in_code="to=BankAccount(...)",
        )
    return wanted.to
