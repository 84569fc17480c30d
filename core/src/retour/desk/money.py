"""What the desk asks of payment providers and policies before a refund is decided, and keeps of what webhooks tell."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import attrs

from retour.desk.flow import Flow
from retour.effects import inbox
from retour.effects.kinds import SendRefund
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import (
    NotAllowed,
    ProviderUnavailable,
    WrongState,
)
from retour.model.ids import id_maker
from retour.model.money import Money
from retour.model.order import Order, Payment
from retour.model.outcome import NotAsked, Outcome
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import ApprovalKind, Evidence, RefundPlan, RefundQuote, RefundState
from retour.model.text import Text, text
from retour.plugins.context import HookContext
from retour.providers.errors import ProviderError
from retour.providers.refund_request import Refundable
from retour.rules import goods, refunds
from retour.rules.draft import Draft
from retour.rules.matching import Seen, record_seen
from retour.store.clock import microseconds
from retour.store.records import from_json


@attrs.frozen(kw_only=True)
class Books:
    """What providers say of the refunds of payments, by the payment's id, and which they could not be asked about."""

    seen: Mapping[str, Sequence[Seen]]
    not_asked: tuple[NotAsked, ...]


@attrs.frozen
class RefundDesk:
    """The refunds of one shop, as far as providers and policies are asked."""

    flow: Flow

    def keep(self, order_id: str, provider: str, target: str, effect: inbox.Told) -> list[str]:
        """Store what a webhook said of one payment of an order; gives the ids of the effects that act on it."""
        order, dossier = self.flow.read(order_id)
        payment = inbox.payment_of_target(order, dossier, provider, target)
        if payment is None:
            return []
        if dossier.order is None:
            self.flow.command(order_id, Actor.system(), lambda _, __: None, keeps_order=True)
        new = effect.as_effect(payment, id_maker(microseconds(self.flow.house.clock()) // 1000))
        self.flow.house.store.add_effects(self.flow.shop_id, order_id, [new])
        return [new.id]

    def refundable(self, order: Order, payment: Payment) -> Refundable:
        """What the provider says of a payment, asked before anything is decided. Raises `NotPossibleNow`."""
        provider = self.flow.house.accounts.refunding(self.flow.shop_id, payment)
        if isinstance(provider, Text):
            raise _not_by_api(order, payment, provider)
        try:
            refundable = provider.refundable(payment)
        except ProviderError as error:
            raise ProviderUnavailable(
                text(
                    "Order {order}: {provider} cannot be asked about payment {payment} now: {error}. "
                    "Nothing was changed.",
                    order=order.id,
                    provider=payment.provider,
                    payment=payment.id,
                    error=error.reason.words,
                )
            ) from error
        if not refundable.possible:
            raise _not_by_api(order, payment, refundable.reason)
        return refundable

    def books(self, payments: Iterable[Payment]) -> Books:
        """What the providers say of all refunds of ``payments``, and which of those they could not be asked about."""
        seen: dict[str, Sequence[Seen]] = {}
        not_asked: list[NotAsked] = []
        for payment in payments:
            try:
                found = self.flow.house.runner.outside.refunding.seen(self.flow.shop_id, payment)
            except ProviderError as error:
                found = text(
                    "{provider} cannot be asked now: {error}", provider=payment.provider, error=error.reason.words
                )
            if isinstance(found, Text):
                not_asked.append(NotAsked(payment=payment.id, why=found))
            else:
                seen[payment.id] = found
        return Books(seen=seen, not_asked=tuple(not_asked))

    def record(self, order_id: str, books: Books) -> Outcome:
        """Record what the providers' books say that we did not know."""

        def decide(draft: Draft, order: Order) -> None:
            for payment in order.payments:
                record_seen(draft, payment, books.seen.get(payment.id, ()), Evidence.RECONCILE)

        outcome = self.flow.command(order_id, Actor.system(), decide)
        return attrs.evolve(outcome, not_asked=books.not_asked)

    def look_before_replacing(self, order: Order, dossier: Dossier, refund_id: str) -> Outcome:
        """Record what the provider knows of the payment of a refund that is to be replaced: it may have been made.

        Raises `ProviderUnavailable`, and nothing is recorded, where that cannot be asked.
        """
        refund = dossier.refund(refund_id)
        books = self.books([order.payment(refund.payment)])
        for payment in books.not_asked:
            raise ProviderUnavailable(
                text(
                    "Order {order}: refund {refund} of {amount} on payment {payment} may have been made already: "
                    "{why}. Nothing was changed.",
                    order=order.id,
                    refund=refund.id,
                    amount=refund.amount,
                    payment=payment.payment,
                    why=payment.why,
                )
            )
        return self.record(order.id, books)

    def quote(self, dossier: Dossier, order: Order, ctx: HookContext) -> RefundQuote:
        """What is owed and which payment gets how much, by the first policy that plans it, else by our own rule."""
        quoted = refunds.quote(dossier, order)
        if not quoted.suggested:
            return quoted
        return self.flow.house.hooks.refund_plan(order, goods.all_returned(dossier, order), quoted, ctx)

    def check_cancellable(self, dossier: Dossier, order: Order, refund_id: str) -> None:
        """Raise `WrongState` where a refund is with a provider that takes nothing back."""
        refund = dossier.refund(refund_id)
        if refund.state is not RefundState.PENDING or refund.instruction is None:
            return
        payment = order.payment(refund.payment)
        provider = self.flow.house.accounts.refunding(self.flow.shop_id, payment)
        if isinstance(provider, Text):
            why = provider
        elif provider.capabilities.cancel_refund.usable:
            return
        else:
            why = text("{provider} takes no refund back", provider=provider.display_name)
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
        sending = [
            effect
            for effect in self.flow.house.store.waiting_effects(self.flow.shop_id, dossier.order_id, SendRefund.kind)
            if from_json(SendRefund, effect.body).refund_id == refund_id
        ]
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

    def approval(self, draft: Draft, order: Order, payment: Payment, amount: Money) -> Reason | None:
        """Why a refund has to wait for a person; None when it may go. Raises `NotAllowed` when a policy refuses."""
        plan = RefundPlan(payment=payment.id, amount=amount)
        answer = self.flow.house.hooks.refund_approval(order, plan, self.flow.context(draft))
        if answer.kind is ApprovalKind.REFUSE:
            raise NotAllowed(
                text(
                    "Order {order}: this refund is refused: {because}",
                    order=order.id,
                    because=str(answer.because or ""),
                )
            )
        return (answer.because or reason(ReasonCode.HELD)) if answer.kind is ApprovalKind.HOLD else None


def _not_by_api(order: Order, payment: Payment, why: Text | str) -> WrongState:
    return WrongState(
        text(
            "Order {order}: payment {payment} cannot be refunded by API: {why}. Use its refund link.",
            order=order.id,
            payment=payment.id,
            why=why,
        )
    )


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
