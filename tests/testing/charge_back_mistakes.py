"""Dispute Pay with one fault each: what goes wrong where a bank takes money back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

import attrs
import broken_providers
from dispute_pay import DisputePay, DisputePaySandbox, WireChargeBack, WireCharged
from names_mistakes import BROKEN

from retour.providers import (
    Disposition,
    Money,
    Payment,
    ProviderError,
    RawWebhook,
    Refundable,
    RefundEvent,
    RefundRequest,
    RefundResult,
    RefundStatus,
    ToFetch,
    VerifiedEvents,
)

__all__ = ["BROKEN"]  # the whole table: its own and those of the other kinds of Acme Pay

TOLD = "test_what_a_bank_took_back_is_told_and_cannot_be_refunded"
PART = "test_of_a_part_that_a_bank_took_back_that_part_is_told"
REFUNDED = "test_what_was_refunded_before_is_not_told_as_charged_back"
GIVEN_BACK = "test_what_a_bank_gave_back_is_told_as_given_back_and_can_be_refunded"
ANOTHER = "test_what_a_bank_took_of_one_payment_is_not_told_of_another"
UNREAD = "test_what_a_bank_took_is_not_told_as_nothing_where_it_cannot_be_read"
MIXED_UP = "test_the_answer_about_another_payment_gives_no_charge_back"


def breaks(*tests: str) -> Callable[[type[Any]], type[Any]]:
    return broken_providers.breaks(*tests, sandbox=DisputePaySandbox)


@breaks(TOLD, PART, REFUNDED)
class ReadsOverWhatTheBankTook(DisputePay):
    """As every plugin does that was written before anybody asked."""

    def refundable(self, payment: Payment) -> Refundable:
        return super(DisputePay, self).refundable(payment)


@breaks(TOLD)
class TellsWhatTheBankTookAndStillRefundsIt(DisputePay):
    """The figure is shown, and nobody decides by it."""

    def refundable(self, payment: Payment) -> Refundable:
        return attrs.evolve(super().refundable(payment), possible=True, reason="")


@breaks(TOLD, PART, REFUNDED)
class CountsWhatTheBankTookAsNeverReceived(DisputePay):
    """What is left is right, and nobody can say where the rest went."""

    def refundable(self, payment: Payment) -> Refundable:
        found = super().refundable(payment)
        assert found.charged_back is not None
        return attrs.evolve(found, captured=payment.captured - found.charged_back, charged_back=None)


@breaks("test_what_a_bank_took_back_is_refused_when_it_is_refunded_all_the_same")
class TellsARefusedRefundAsMade(DisputePay):
    """The bank has it already, so it went back: what is the difference?"""

    def refund(self, request: RefundRequest) -> RefundResult:
        try:
            return super().refund(request)
        except ProviderError as error:
            if error.disposition is not Disposition.FINAL:
                raise
            return RefundResult(
                reference="rf_of_the_bank",
                target=request.target,
                status=RefundStatus.SUCCEEDED,
                amount=request.amount,
                provider_status="charged back",
                refund_id=request.refund_id,
            )


@breaks(PART)
class TakesADisputeForTheWholePayment(DisputePay):
    """A customer who disputed one cup of two gets nothing for the other."""

    def _taken(self, payment: Payment) -> Money:
        return payment.captured if super()._taken(payment) else Money.zero(payment.captured.currency)


@breaks(PART)
class CountsTheNewestChargeBackOnly(DisputePay):
    def _charge_backs(self, payment: Payment) -> list[WireChargeBack]:
        return super()._charge_backs(payment)[-1:]


@breaks(REFUNDED)
class TakesAllThatIsGoneForChargedBack(DisputePay):
    """Received less left: what was refunded is counted twice."""

    def refundable(self, payment: Payment) -> Refundable:
        found = super().refundable(payment)
        refunded = sum([one.amount for one in self.list_refunds(found.target)], Money.zero(payment.captured.currency))
        assert found.charged_back is not None
        return attrs.evolve(found, charged_back=found.charged_back + refunded)


@breaks(GIVEN_BACK)
class TakesAMarkOfThePastForThePresent(DisputePay):
    """``disputed`` stays true for ever, also of a dispute that was won."""

    def _counted(self, charge_back: WireChargeBack) -> Money:
        return charge_back.amount.money


@breaks(GIVEN_BACK)
class SaysNothingWhereNothingIsTaken(DisputePay):
    """None is not zero: what was counted as gone before is never given back."""

    def refundable(self, payment: Payment) -> Refundable:
        found = super().refundable(payment)
        return attrs.evolve(found, charged_back=found.charged_back or None)


@breaks(GIVEN_BACK)
class RefundsNothingThatWasEverDisputed(DisputePay):
    def refundable(self, payment: Payment) -> Refundable:
        found = super().refundable(payment)
        if not self._read(WireCharged, self._path(payment.reference)).disputed:
            return found
        return attrs.evolve(found, possible=False, reason="the payment is disputed")


@breaks(ANOTHER)
class RemembersWhatTheBankTookOfThePaymentBefore(DisputePay):
    """What is kept is kept for all payments of the process."""

    kept: ClassVar[Money | None] = None

    def _taken(self, payment: Payment) -> Money:
        taken = super()._taken(payment)
        type(self).kept = taken or self.kept
        return self.kept or taken


@breaks(UNREAD)
class TakesWhatItMayNotReadForNothing(DisputePay):
    """A restricted key, or a bad second: there will be no charge-backs."""

    def _charge_backs(self, payment: Payment) -> list[WireChargeBack]:
        try:
            return super()._charge_backs(payment)
        except ProviderError:
            return []


@breaks(MIXED_UP)
class TakesWhateverChargeBacksComeBack(DisputePay):
    """A cache on the way gives the answer to the question before."""

    def _about(self, what: str, *, asked: str, found: str) -> None: ...


@breaks("test_a_webhook_about_a_charge_back_leads_to_its_payment")
class PassesOverWhatIsNoRefund(DisputePay):
    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        told = super().parse_webhook(webhook)
        return VerifiedEvents(events=()) if isinstance(told, ToFetch) else told


@breaks("test_a_webhook_about_a_charge_back_leads_to_its_payment")
class TellsAChargeBackAsARefund(DisputePay):
    """The customer has his money: so it was refunded."""

    def parse_webhook(self, webhook: RawWebhook) -> VerifiedEvents | ToFetch:
        told = super().parse_webhook(webhook)
        if not isinstance(told, ToFetch):
            return told
        [target] = told.targets
        refund = RefundResult(
            reference="cb_1",
            target=target,
            status=RefundStatus.SUCCEEDED,
            amount=Money.of("1", "EUR"),
            provider_status="charged back",
        )
        return VerifiedEvents(events=(RefundEvent(event_id="ev_1", refund=refund),))
