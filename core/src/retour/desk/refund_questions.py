"""What payment providers and policies are asked before a refund is decided."""

from __future__ import annotations

from collections.abc import Sequence

from retour.desk.commands import Commands, Decide
from retour.desk.reconcile import Reconciling
from retour.desk.services import Services
from retour.effects.kinds import CancelRefund, FetchRefund, SendRefund, effect_of
from retour.effects.reading import PartlyRead, can_be_read, read_books
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import InvalidAmount, NotAllowed, ProviderUnavailable, WrongState
from retour.model.frozen import frozen
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.reasons import NEVER_AT_THE_PROVIDER, NOT_NOW, Reason, ReasonCode, reason
from retour.model.refunds import ApprovalKind, RefundPlan, RefundQuote, RefundState
from retour.model.text import Text, text
from retour.plugins.context import HookContext
from retour.plugins.providers import PaymentCaller
from retour.providers.errors import Disposition, ProviderError
from retour.providers.refund_request import Refundable
from retour.rules import counting, refunds
from retour.rules.amount_steps import known_step, safe_step
from retour.rules.books import BooksRead
from retour.rules.draft import Draft
from retour.rules.payment_identity import unplaced, untold
from retour.rules.transfers import why_by_transfer
from retour.steps.case import Case
from retour.store.effects import WaitingEffect


@frozen
class RefundQuestions:
    """The questions about the refunds of one shop."""

    services: Services
    commands: Commands
    reconciling: Reconciling

    @property
    def shop_id(self) -> str:
        """The shop."""
        return self.commands.shop_id

    def books(self, case: Case, payment: Payment) -> tuple[Refundable, BooksRead]:
        """What the provider's books say of a payment, read before anything is decided. Raises `ProviderUnavailable`,
        and `WrongState` where the payment is not refunded by API."""
        order, provider = case.order, self.services.accounts.refunding(self.shop_id, payment)
        if isinstance(provider, Text):
            raise not_by_api(order, payment, provider)
        able = provider.capabilities.currencies
        if able and payment.captured.currency not in able:
            why = text(
                "{provider} does not refund {currency}", provider=provider.name, currency=payment.captured.currency
            )
            raise not_by_api(order, payment, why, page=False)
        return self._read(case, payment, provider)

    def books_for_transfer(self, case: Case, payment: Payment) -> tuple[Refundable, BooksRead] | None:
        """What the provider's books say of a payment whose money goes back by bank transfer, which may not show its
        refunds; None where no plugin can read them, and where the provider says for good that it has nothing to say.
        Raises `ProviderUnavailable` where it can say it later."""
        provider = self.services.accounts.refunding(self.shop_id, payment)
        if isinstance(provider, Text) or not can_be_read(provider):
            return None
        try:
            return self._read(case, payment, provider)
        except ProviderUnavailable as error:
            cause = error.__cause__
            if isinstance(cause, ProviderError) and cause.disposition is Disposition.FINAL:
                return None
            raise

    def beside(self, case: Case, payment: Payment) -> dict[str, BooksRead]:
        """The books of the order's other payments that may be this one under another name, by their ids. Each is asked
        once. Raises `ProviderUnavailable`."""
        read = {}
        for other in untold(case.dossier, case.order, payment):
            provider = self.services.accounts.refunding(self.shop_id, other)
            if not isinstance(provider, Text):
                read[other.id] = self._read(case, other, provider)[1]
        return read

    def _read(self, case: Case, payment: Payment, provider: PaymentCaller) -> tuple[Refundable, BooksRead]:
        """The books, also those that show no refunds to anybody. Of those that can only be read in part now, that part
        is recorded, and `ProviderUnavailable` raised."""
        try:
            return read_books(provider, payment, at=case.time.now().earliest)
        except PartlyRead as error:
            if error.for_good:
                return error.refundable, error.books
            self.reconciling.record(case, {payment.id: error.books})
            raise cannot_ask(case, payment, error.reason.words) from error
        except ProviderError as error:
            raise cannot_ask(case, payment, error.reason.words) from error

    def rehearse(self, case: Case, by: Actor, decide: Decide) -> None:
        """Decide on a draft that nobody keeps. Where nobody can say what is left of the order's money, since the shop
        changed its payments, the order as the shop has it now is recorded all the same: so it is listed for a person.
        """
        try:
            self.commands.rehearse(case, by, decide)
        except WrongState:
            if unplaced(case.draft(by, self.services.clock()).dossier) is not None:
                self.commands.see(case)
            raise

    def rehearse_refund(self, case: Case, by: Actor, payment: str, decide: Decide) -> None:
        """Rehearse a refund of a payment. An amount of which a bank has some, as far as we know, is no reason to refuse
        it before anybody was asked: the bank may have given that back since, and the provider's books say so."""
        try:
            self.rehearse(case, by, decide)
        except InvalidAmount:
            if not case.dossier.charged_back(case.order.payment(payment).id, case.order.currency):
                raise

    def quote(self, dossier: Dossier, order: Order, ctx: HookContext) -> RefundQuote:
        """What is owed and which payment gets how much, by the first policy that plans it, else by our own rule."""
        declared = self.services.accounts.declared
        quoted = refunds.quote(
            dossier,
            order,
            lambda payment: safe_step(dossier, payment, declared(payment.provider)),
            lambda payment: known_step(dossier, payment, declared(payment.provider)),
        )
        if not quoted.suggested:
            return quoted
        return self.services.hooks.refund_plan(order, counting.all_returned(dossier, order), quoted, ctx)

    def step(self, dossier: Dossier, payment: Payment) -> int:
        """The step of the amounts that a payment's provider pays, in minor units, as far as it is known."""
        return known_step(dossier, payment, self.services.accounts.declared(payment.provider))

    def why_by_transfer(self, draft: Draft, payment: Payment, amount: Money) -> Reason | None:
        """Why an amount of a payment goes back by bank transfer, and not by its provider; None where it can."""
        declared = self.services.accounts.declared(payment.provider)
        return why_by_transfer(draft.dossier, payment, amount, declared, draft.earliest or draft.at)

    def check_cancellable(self, dossier: Dossier, order: Order, refund_id: str) -> None:
        """Raise `WrongState` where a refund is with a provider that takes nothing back."""
        refund = dossier.refund(refund_id)
        if refund.state is not RefundState.PENDING or refund.instruction is None:
            return
        payment = dossier.payment_of(order, refund.payment)
        provider = self.services.accounts.refunding(self.shop_id, payment)
        if isinstance(provider, Text):
            why = provider
        elif provider.capabilities.cancel_refund.usable:
            return
        else:
            why = text("{provider} cannot cancel a refund", provider=provider.name)
        raise WrongState(
            text(
                "Order {order}: refund {refund} of {amount} cannot be cancelled: {why}.",
                order=order.id,
                refund=refund.id,
                amount=refund.amount,
                why=why,
            )
        )

    def still_to_send(self, dossier: Dossier, refund_id: str) -> Sequence[str]:
        """The ids of the effects that would send a refund of which no try can have happened; none where it is not sent.

        Raises `WrongState` for one that a worker has, or that a worker died with.
        """
        refund = dossier.refund(refund_id)
        if refund.state is not RefundState.SUBMITTING:
            return ()
        sending = self._sending(dossier.order_id, refund_id)
        if any(effect.crashed for effect in sending):
            raise WrongState(
                text(
                    "Order {order}: refund {refund} of {amount} may have been made: the process that sent it "
                    "stopped. The provider is asked first.",
                    order=dossier.order_id,
                    refund=refund.id,
                    amount=refund.amount,
                )
            )
        if not sending or any(effect.taken for effect in sending):
            raise being_sent(dossier, refund_id)
        return [effect.id for effect in sending]

    def still_asking(self, dossier: Dossier, refund_id: str) -> Sequence[str]:
        """The ids of the effects that ask what became of a refund, and may send it again.

        Raises `WrongState` while a worker has one of them.
        """
        asking = self._sending(dossier.order_id, refund_id)
        if any(effect.taken for effect in asking):
            raise being_sent(dossier, refund_id)
        return [effect.id for effect in asking]

    def still_looking(self, order_id: str, refund_id: str) -> Sequence[str]:
        """The ids of the effects that look what becomes of a refund which its provider has, and that nobody has now."""
        looking = self._of(order_id, refund_id, FetchRefund, CancelRefund)
        return [effect.id for effect in looking if not effect.taken]

    def _sending(self, order_id: str, refund_id: str) -> Sequence[WaitingEffect]:
        return self._of(order_id, refund_id, SendRefund)

    def _of(
        self, order_id: str, refund_id: str, *kinds: type[SendRefund | FetchRefund | CancelRefund]
    ) -> Sequence[WaitingEffect]:
        by_name = {kind.kind: kind for kind in kinds}
        return [
            effect
            for effect in self.services.store.effects.waiting(self.shop_id, order_id, *by_name)
            if effect_of(by_name[effect.kind], order_id, effect.id, effect.body).refund_id == refund_id
        ]

    def approval(self, draft: Draft, order: Order, payment: Payment, amount: Money) -> Reason | None:
        """Why a refund has to wait for a person; None when it may go. Raises `NotAllowed` when a policy refuses."""
        plan = RefundPlan(payment=payment.id, amount=amount)
        answer = self.services.hooks.refund_approval(order, plan, self.commands.context(draft))
        if answer.kind is ApprovalKind.REFUSE:
            raise NotAllowed(
                text(
                    "Order {order}: this refund is refused: {because}",
                    order=order.id,
                    because=str(answer.because or ""),
                )
            )
        return (answer.because or reason(ReasonCode.HELD)) if answer.kind is ApprovalKind.HOLD else None


def not_by_api(order: Order, payment: Payment, why: Text | str, *, page: bool = True) -> WrongState:
    """The error about a payment that its provider's API does not refund; ``page`` says that a person may there."""
    return WrongState(
        text(
            "Order {order}: payment {payment} cannot be refunded by API: {why}. {advice}",
            order=order.id,
            payment=payment.id,
            why=why.rstrip(".") if isinstance(why, str) else why,
            advice=_USE_ITS_LINK if page else _TRANSFER_IT,
        ),
        in_code="refund(..., to=BankAccount(...), consent=Consent(...))",
    )


_USE_ITS_LINK = text("Use its refund link, or refund it by bank transfer with the customer's consent.")
_TRANSFER_IT = text("Refund it by bank transfer with the customer's consent.")


def cannot_ask(case: Case, payment: Payment, why: Text) -> ProviderUnavailable:
    """The error about a payment of which nobody can be asked now."""
    return ProviderUnavailable(
        text(
            "Order {order}: {provider} cannot be asked about payment {reference} now: {error}. Nothing was decided.",
            order=case.order_id,
            provider=payment.provider,
            reference=payment.reference,
            error=why,
        )
    )


def why_not_without_a_look(order: Order, payment: Payment, refundable: Refundable) -> Reason | None:
    """Why a bank transfer waits for a person by what the provider says of the payment; None where it may go. Raises
    `WrongState` where the customer has the money already, or may get it by a dispute."""
    code = None if refundable.code is None else ReasonCode(refundable.code.value)
    if refundable.disputed or code in NOT_NOW:
        why = refundable.reason.rstrip(".") or reason(ReasonCode.DISPUTED).words
        raise WrongState(
            text(
                "Order {order}: nothing of payment {payment} is to be transferred: {why}. Nothing was decided.",
                order=order.id,
                payment=payment.id,
                why=why,
            )
        )
    if refundable.possible or code in NEVER_AT_THE_PROVIDER:
        return None
    return reason(ReasonCode.NOT_REFUNDABLE, refundable.reason)


def being_sent(dossier: Dossier, refund_id: str) -> WrongState:
    """The error about a refund that a worker has."""
    refund = dossier.refund(refund_id)
    return WrongState(
        text(
            "Order {order}: refund {refund} of {amount} is being sent right now. Look at it again in a moment.",
            order=dossier.order_id,
            refund=refund.id,
            amount=refund.amount,
        )
    )
