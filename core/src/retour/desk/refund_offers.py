"""What a merchant is offered for the money: how much can go back on each payment, and where a person refunds it."""

from __future__ import annotations

from collections.abc import Sequence

from retour.desk.commands import Commands
from retour.desk.links import Links, not_looked_at
from retour.desk.refund_by_transfer import RefundByTransfer
from retour.desk.refund_questions import RefundQuestions
from retour.desk.services import Services
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import InvalidArgument, ProviderUnavailable
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import BankAccount, Order, Payment
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import RefundLink, RefundOption, RefundShare
from retour.model.text import text
from retour.plugins.context import HookContext
from retour.rules import refunds
from retour.rules.amount_steps import check_step, in_whole_steps, less_than_a_step
from retour.steps.case import Case


@frozen
class RefundOffers:
    """The offers of one shop: nothing is reserved, and no money moves."""

    services: Services
    commands: Commands
    links: Links
    questions: RefundQuestions
    transfers: RefundByTransfer

    def options(self, order_id: str) -> Sequence[RefundOption]:
        """What can go back on each payment of an order, what we suggest, and where to do it."""
        case, dossier, ctx = self._with_the_order(self.commands.read(order_id))
        quoted = self.questions.quote(dossier, case.order, ctx)
        return tuple(
            [
                RefundOption(
                    payment=share.payment,
                    captured=share.payment.captured,
                    refunded=share.refunded,
                    charged_back=share.charged_back,
                    left=share.left,
                    suggested=share.suggested,
                    link=self.links.refund_link(case, dossier, share.payment, _offered(share), None, ctx),
                    because=share.held or quoted.because or _at_the_bank(share),
                    remainder=share.remainder,
                    to_inspect=quoted.to_inspect,
                )
                for share in quoted.shares
            ]
        )

    def link(
        self, order_id: str, payment: str | None, amount: Money | None, refund_id: str | None, to: BankAccount | None
    ) -> RefundLink:
        """Where to refund ``amount`` of a payment, or to make a refund that waits: one by bank transfer after a look at
        its provider's books."""
        if refund_id is not None:
            case = self.commands.known(order_id)
            try:
                case = self.transfers.looked_at_again(case, refunds.waiting(case.dossier, refund_id))
            except ProviderUnavailable as error:
                return not_looked_at(error.message)
            case, dossier, ctx = self._with_the_order(case)
            return self.links.waiting_link(case, dossier, refunds.waiting(dossier, refund_id), to, ctx)
        case, dossier, ctx = self._with_the_order(self.commands.read(order_id))
        order = case.order
        if payment is None:
            raise InvalidArgument(text("Order {order}: name a payment, or a refund that waits.", order=order_id))
        chosen = order.payment(payment)
        if amount is None:
            shares = self.questions.quote(dossier, order, ctx).shares
            share = next(one for one in shares if one.payment is chosen)
            amount = _offered(share)
        else:
            self._check(dossier, order, chosen, amount)
        return self.links.refund_link(case, dossier, chosen, amount, to, ctx)

    def _check(self, dossier: Dossier, order: Order, payment: Payment, amount: Money) -> None:
        """Raise `InvalidAmount` for an amount that is not there, or that the provider pays in no step, but for one that
        goes by bank transfer."""
        refunds.check_amount(dossier, order, payment, amount)
        step = self.questions.step(dossier, payment)
        if less_than_a_step(amount, step) is None:
            check_step(order, payment, amount, refunds.left_of(dossier, order, payment), step)

    def _with_the_order(self, case: Case) -> tuple[Case, Dossier, HookContext]:
        """The case, all that is known of it with the order as the shop has it now, and what hooks are told."""
        ctx = self._context()
        return case, case.draft(ctx.by, ctx.at).dossier, ctx

    def _context(self) -> HookContext:
        return HookContext(shop=self.commands.shop_id, by=Actor.system(), at=self.services.clock())


def _at_the_bank(share: RefundShare) -> Reason | None:
    """That nothing of a payment is left since the customer's bank took it; None where that is not why."""
    if share.left or not share.charged_back:
        return None
    return reason(ReasonCode.CHARGED_BACK, amount=str(share.charged_back), payment=share.payment.id)


def _offered(share: RefundShare) -> Money:
    """How much of a payment its link is for: what is suggested, else all that is left and can be paid."""
    return share.suggested or in_whole_steps(share.left, share.step) or share.left
