"""Sends refunds, and finds out what became of them. No money moves anywhere else.

The intent was committed before. A refund is sent only when no try of it can have happened; after a crash or an answer
that is not clear, the provider is asked first (`retour.rules.recovery`).
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence

import attrs

from retour.effects.attempt import Attempt, done, postpone
from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.errors import UnknownPayment
from retour.model.events.money import (
    RefundCancelRefused,
    RefundFellBack,
    RefundHeld,
    RefundPutOff,
    RefundRefused,
    RefundSubmitted,
    RefundUnclear,
)
from retour.model.order import Payment
from retour.model.reasons import Reason, ReasonCode, cannot_be_asked, reason
from retour.model.refunds import Evidence, MatchedBy, Refund, RefundState, Reported
from retour.model.text import Text, text
from retour.plugins.accounts import Accounts
from retour.plugins.providers import PaymentCaller
from retour.providers.capabilities import PaymentCapabilities, Support
from retour.providers.errors import Disposition, ErrorCode, ProviderError
from retour.providers.refund_request import RefundRequest, RefundResult
from retour.rules.draft import Draft
from retour.rules.matching import ReportedRefund, record_reports, report, why_no_longer
from retour.rules.recovery import Next, begins_anew, next_step
from retour.steps.case import Case, Cases
from retour.store.effects import ClaimedEffect

_NO_TIME = datetime.timedelta(0)

_A_MOMENT = datetime.timedelta(seconds=20)
"""Before a provider is asked what became of a refund whose answer was lost."""


@attrs.frozen
class Refunding:
    """Talks to payment providers about refunds. ``clock`` tells the time in UTC."""

    accounts: Accounts
    cases: Cases
    clock: Callable[[], datetime.datetime]

    # --- sending -------------------------------------------------------------------------------------

    def send(self, effect: ClaimedEffect, refund_id: str, case: Case) -> Attempt:
        """Send a refund, or find out what became of an earlier try and act on that."""
        refund = case.dossier.refund(refund_id)
        if refund.state not in (RefundState.SUBMITTING, RefundState.UNKNOWN) or refund.instruction is None:
            return Attempt(settled=done(effect))
        provider = self._provider(case, refund.payment)
        if isinstance(provider, Text):
            if effect.crashed:
                return _unclear(effect, refund, reason(ReasonCode.PLUGIN_UNUSABLE), later_try=True)
            return Attempt(settled=postpone(effect, str(provider)))
        request = request_of(case.dossier, refund)
        if refund.unclear_at is None and not effect.crashed:
            misfit = why_no_longer(case.dossier, payment_of(case, refund.payment))
            if misfit is not None:
                held = RefundHeld(refund_id=refund.id, because=reason(misfit))
                return Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(held)))
            if begins_anew(refund, self.clock(), window=_window(provider)):
                return _anew(effect, refund, reason(ReasonCode.NOT_MADE_BEFORE))
            return self._submit(effect, refund, provider, request)
        return self._recover(effect, refund, provider, request)

    def _submit(
        self, effect: ClaimedEffect, refund: Refund, provider: PaymentCaller, request: RefundRequest
    ) -> Attempt:
        """Send it, where no earlier try can have happened."""
        try:
            result = provider.refund(request)
        except ProviderError as error:
            return self._refused(effect, refund, error)
        return _settled(effect, refund, result, Evidence.ANSWER)

    def _refused(self, effect: ClaimedEffect, refund: Refund, error: ProviderError) -> Attempt:
        """A first try that gave no refund: what it means for the money decides what follows."""
        because = error.reason
        if error.disposition is Disposition.RETRY:
            settled = postpone(effect, str(error), error.not_before)
            until = self.clock() + datetime.timedelta(microseconds=settled.delay)
            event = RefundPutOff(refund_id=refund.id, because=because, not_before=until)
            return Attempt(settled=settled, record=_while_open(refund, lambda draft: draft.record(event)))
        if error.disposition is Disposition.RECONCILE:
            return _unclear(effect, refund, because)
        if error.code is ErrorCode.TOO_LATE:
            late = RefundFellBack(refund_id=refund.id, because=because)
            return Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(late)))
        if error.disposition is Disposition.FIX:
            held = RefundHeld(refund_id=refund.id, because=because)
            return Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(held)))
        refused, by = RefundRefused(refund_id=refund.id, because=because), Actor.provider(refund.provider)
        return Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(refused, by)))

    # --- finding out ---------------------------------------------------------------------------------

    def _recover(
        self, effect: ClaimedEffect, refund: Refund, provider: PaymentCaller, request: RefundRequest
    ) -> Attempt:
        """Ask the provider what became of an unclear refund, and go on by the recovery rule."""
        capabilities: PaymentCapabilities = provider.capabilities
        now = self.clock()
        if effect.crashed or refund.unclear_at is None:  # a worker died with it: its try is as late as can be
            refund = attrs.evolve(refund, unclear_at=now)
        if capabilities.find_refund.usable:
            try:
                found = provider.find_refund(request)
            except ProviderError as error:
                because = cannot_be_asked(error.reason)
                return _unclear(effect, refund, because, tried=False, later_try=effect.crashed)
            if found is not None:
                return _settled(effect, refund, found, Evidence.LOOKUP)
        step = next_step(
            refund,
            now,
            window=_window(provider),
            lookup_complete_after=_complete_after(provider),
        )
        if step is Next.RESEND:
            return self._resend(effect, refund, provider, request)
        if step is Next.SEND_ANEW:
            return _anew(effect, refund, reason(ReasonCode.DID_NOT_HAPPEN))
        if step is Next.WAIT:
            return _unclear(effect, refund, reason(ReasonCode.NOT_KNOWN_YET), tried=False, later_try=effect.crashed)
        held = RefundHeld(refund_id=refund.id, because=reason(ReasonCode.CANNOT_TELL))
        return Attempt(settled=done(effect), record=_while_open(refund, _after_unclear(refund, held)))

    def _resend(
        self, effect: ClaimedEffect, refund: Refund, provider: PaymentCaller, request: RefundRequest
    ) -> Attempt:
        """Send the same request again inside the window. Whatever refusal comes back, the refund stays unclear.

        The provider was asked meanwhile, which takes its time: a refund that somebody has settled by now is not sent.
        """
        now = self.cases.as_last_seen(effect.shop, effect.order_id).dossier.refund(refund.id)
        if now.state not in (RefundState.SUBMITTING, RefundState.UNKNOWN):
            return Attempt(settled=done(effect))
        try:
            result = provider.refund(request)
        except ProviderError as error:
            counts = _complete_after(provider) is not None
            return _unclear(effect, refund, error.reason, error.not_before, later_try=counts)
        return _settled(effect, refund, result, Evidence.REPEATED)

    def fetch(self, effect: ClaimedEffect, refund_id: str, case: Case) -> Attempt:
        """Look at a refund that the provider had pending. Where it tells the outcome by webhook alone, there is nothing
        to look at: a person looks, when it had its time."""
        refund = case.dossier.refunds.get(refund_id)
        if refund is None or refund.state is not RefundState.PENDING or refund.needs_person:
            return Attempt(settled=done(effect))  # None: it was matched, and is another one now
        provider = self._provider(case, refund.payment)
        if isinstance(provider, Text):
            return Attempt(settled=postpone(effect, str(provider)))
        if not provider.capabilities.fetch_refund.usable:
            return self._await_outcome(effect, refund, provider)
        try:
            if refund.instruction is not None:
                target = refund.instruction.target
            else:  # made in a dashboard
                target = provider.refundable(payment_of(case, refund.payment)).target
            result = provider.fetch_refund(target, refund.reference)
        except ProviderError as error:
            return Attempt(settled=postpone(effect, str(error)))
        seen = as_reported(result)
        pending = seen.status in refund.reported
        return Attempt(
            settled=postpone(effect, "") if pending else done(effect),
            fact=lambda draft: report(
                draft, draft.dossier.refund(refund.id), seen, Evidence.LOOKUP, MatchedBy.REFERENCE
            ),
        )

    def _await_outcome(self, effect: ClaimedEffect, refund: Refund, provider: PaymentCaller) -> Attempt:
        left = refund.changed_at + (provider.capabilities.outcome_within or _NO_TIME) - self.clock()
        if left > _NO_TIME:
            return Attempt(settled=postpone(effect, "", left))
        held = RefundHeld(refund_id=refund.id, because=reason(ReasonCode.NO_OUTCOME))

        def record(draft: Draft) -> None:
            now = draft.dossier.refund(refund.id)
            if now.state is RefundState.PENDING and not now.needs_person:
                draft.record(held)

        return Attempt(settled=done(effect), record=record)

    def cancel(self, effect: ClaimedEffect, refund_id: str, case: Case) -> Attempt:
        """Ask the provider to take back a refund that it has not paid out; what it says is the outcome.

        Asked again after a crash or an unclear answer: a refund is cancelled once, however often that is asked.
        """
        refund = case.dossier.refund(refund_id)
        if refund.state is not RefundState.PENDING or not refund.cancelling or refund.instruction is None:
            return Attempt(settled=done(effect))
        provider = self._provider(case, refund.payment)
        if isinstance(provider, Text):
            return Attempt(settled=postpone(effect, str(provider)))
        because, evidence = reason(ReasonCode.PAID_OUT), Evidence.ANSWER
        result: RefundResult | None = None
        try:
            result = provider.cancel_refund(refund.instruction.target, refund.reference)
        except ProviderError as error:
            if error.disposition in (Disposition.RETRY, Disposition.RECONCILE):
                return Attempt(settled=postpone(effect, str(error), error.not_before))
            because, evidence = error.reason, Evidence.LOOKUP
            if provider.capabilities.fetch_refund.usable:
                try:
                    result = provider.fetch_refund(refund.instruction.target, refund.reference)
                except ProviderError as unread:
                    return Attempt(settled=postpone(effect, str(unread)))
        seen = as_reported(result) if result is not None else None

        def fact(draft: Draft) -> None:
            if seen is not None:
                report(draft, draft.dossier.refund(refund.id), seen, evidence, MatchedBy.REFERENCE)

        def record(draft: Draft) -> None:
            if draft.dossier.refund(refund.id).cancelling:
                refused = RefundCancelRefused(refund_id=refund.id, because=because)
                draft.record(refused, by=Actor.provider(refund.provider))

        return Attempt(settled=done(effect), fact=fact, record=record)

    def reconcile(self, effect: ClaimedEffect, payment_id: str, case: Case) -> Attempt:
        """Read all refunds of a payment at the provider, and match them with ours."""
        case = self.cases.knowing(case, payment_id)
        payment = payment_of(case, payment_id)
        try:
            seen = self.seen(effect.shop, payment)
        except ProviderError as error:
            return Attempt(settled=postpone(effect, str(error)))
        if isinstance(seen, Text):
            return Attempt(settled=postpone(effect, str(seen)))
        return Attempt(
            settled=done(effect),
            given=case.given,
            fact=lambda draft: record_reports(draft, payment, seen, Evidence.RECONCILE),
        )

    def told(self, effect: ClaimedEffect, payment_id: str, seen: ReportedRefund, case: Case) -> Attempt:
        """Record what a signed webhook said of one refund."""
        case = self.cases.knowing(case, payment_id)
        payment = payment_of(case, payment_id)
        return Attempt(
            settled=done(effect),
            given=case.given,
            fact=lambda draft: record_reports(draft, payment, [seen], Evidence.WEBHOOK),
        )

    def seen(self, shop: str, payment: Payment) -> Sequence[ReportedRefund] | Text:
        """What the provider says of the refunds of one payment, or why there is no provider that could say it.

        Nothing for a provider that lists no refunds. Raises `ProviderError`.
        """
        provider = self.accounts.payment(shop, payment.provider, payment.account, payment.mode)
        if isinstance(provider, Text):
            return provider
        if not provider.capabilities.refunds or not provider.capabilities.list_refunds.usable:
            return ()
        target = provider.refundable(payment).target
        return [as_reported(result) for result in provider.list_refunds(target)]

    def _provider(self, case: Case, payment_id: str) -> PaymentCaller | Text:
        return self.accounts.refunding(case.shop, payment_of(case, payment_id))


def ended_its_process(effect: ClaimedEffect, refund_id: str, case: Case) -> Attempt:
    """Sending a refund ended too many processes: it may have been made, and a person is asked."""
    refund = case.dossier.refund(refund_id)
    held = RefundHeld(refund_id=refund.id, because=reason(ReasonCode.PROCESS_STOPPED))
    return Attempt(settled=done(effect), record=_while_open(refund, _after_unclear(refund, held)))


def payment_of(case: Case, payment_id: str) -> Payment:
    """A payment of the order, as far as anybody knows it. Raises `UnknownPayment`."""
    payment = case.payment(payment_id)
    if payment is None:
        raise UnknownPayment(text("Order {order} has no payment {payment}.", order=case.order_id, payment=payment_id))
    return payment


def request_of(dossier: Dossier, refund: Refund) -> RefundRequest:
    """The request of a refund: made of what was fixed before it was first sent, and of nothing else."""
    if refund.instruction is None:
        raise LookupError(f"refund {refund.id} is not sent by retour")
    return RefundRequest(
        refund_id=refund.id,
        key=refund.instruction.key,
        order_id=dossier.order_id,
        target=refund.instruction.target,
        amount=refund.amount,
        description=refund.instruction.description,
    )


def as_reported(result: RefundResult) -> ReportedRefund:
    """A provider's refund as the matching rule reads it.

    What has a reference at the provider is there, whatever it waits for: it counts as pending, and is not the
    merchant's to make or to give up.
    """
    there = bool(result.reference) and result.status is Reported.AWAITING_MERCHANT
    return ReportedRefund(
        reference=result.reference,
        status=Reported.PENDING if there else result.status,
        amount=result.amount,
        refund_id=result.refund_id,
        provider_status=result.provider_status,
        because=result.reason,
        created_at=result.created_at,
    )


def _window(provider: PaymentCaller) -> datetime.timedelta | None:
    """How long the provider recognises a request that is repeated; None: it never does."""
    idempotency = provider.capabilities.idempotency
    return None if idempotency is None else idempotency.window


def _complete_after(provider: PaymentCaller) -> datetime.timedelta | None:
    """How old a try must be before "not found" proves something; None: never, or nothing can be looked up in full."""
    complete = provider.capabilities.find_refund is Support.YES
    return provider.capabilities.lookup_complete_after if complete else None


def _anew(effect: ClaimedEffect, refund: Refund, because: Reason) -> Attempt:
    """It certainly did not happen: it is submitted again, with an effect of its own that sends it."""
    again = RefundSubmitted(refund_id=refund.id, because=because)
    return Attempt(settled=done(effect), record=_while_open(refund, lambda draft: draft.record(again)))


def _settled(effect: ClaimedEffect, refund: Refund, result: RefundResult, evidence: Evidence) -> Attempt:
    """The provider has the refund: its word is the outcome."""
    seen = as_reported(result)
    return Attempt(
        settled=done(effect),
        fact=lambda draft: report(draft, draft.dossier.refund(refund.id), seen, evidence, MatchedBy.KEY),
    )


def _unclear(
    effect: ClaimedEffect,
    refund: Refund,
    because: Reason,
    pause: datetime.timedelta | None = None,
    *,
    tried: bool = True,
    later_try: bool = False,
) -> Attempt:
    """It may have happened. The provider is asked again soon, then less and less often; nothing gives up.

    Saying the same again is no news, except of a ``later_try`` whose time counts: how old the last try is decides
    what "not found" proves.
    """
    settled = postpone(effect, str(because), pause if pause is not None or effect.attempts else _A_MOMENT)

    def record(draft: Draft) -> None:
        now = draft.dossier.refund(refund.id)
        news = later_try or not because.repeats(now.problem)
        if now.state is RefundState.SUBMITTING or (now.state is RefundState.UNKNOWN and news):
            draft.record(RefundUnclear(refund_id=refund.id, because=because, tried=tried or later_try))

    return Attempt(settled=settled, record=record)


def _after_unclear(refund: Refund, held: RefundHeld) -> Callable[[Draft], None]:
    def record(draft: Draft) -> None:
        if draft.dossier.refund(refund.id).state is RefundState.SUBMITTING:
            draft.record(RefundUnclear(refund_id=refund.id, because=reason(ReasonCode.PROCESS_STOPPED)))
        draft.record(held)

    return record


def _while_open(refund: Refund, record: Callable[[Draft], None]) -> Callable[[Draft], None]:
    """Record only if nothing has settled the refund meanwhile, a webhook or a person."""

    def if_open(draft: Draft) -> None:
        if draft.dossier.refund(refund.id).state in (RefundState.SUBMITTING, RefundState.UNKNOWN):
            record(draft)

    return if_open
