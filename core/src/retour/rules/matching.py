"""Which refund at the provider is which of ours: the matching rule.

By our key; else by the provider's reference, which a report or a person gave; else the same payment and amount, made
after the link was opened, one candidate for one waiting refund. Everything else is external until a person matches it.
What failed or was cancelled is recorded like the rest: its success may be reported after its failure.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.events.money import (
    ExternalRefundFound,
    RefundHeld,
    RefundPaidOnce,
    RefundPaidTwice,
    RefundReported,
    RefundUnclear,
)
from retour.model.fields import typed_alike
from retour.model.frozen import frozen
from retour.model.moment import is_to_come
from retour.model.money import Money
from retour.model.order import Payment
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import (
    NO_MONEY_MOVED,
    Evidence,
    MatchedBy,
    Refund,
    RefundSource,
    RefundState,
    Reported,
    state_of,
)
from retour.rules.draft import Draft
from retour.rules.payment_identity import identify_by_refunds
from retour.rules.said_again import is_said_too_often


@frozen(kw_only=True)
class ReportedRefund:
    """A refund as a provider reports it. ``refund_id`` is ours, if it carries it; ``reference`` is the provider's."""

    reference: str
    status: Reported
    amount: Money
    refund_id: str = ""
    provider_status: str = ""
    because: str = ""
    created_at: datetime.datetime | None = None


def record_reports(draft: Draft, payment: Payment, seen: Sequence[ReportedRefund], evidence: Evidence) -> None:
    """Record what the provider says of the refunds of one payment. Saying it again changes nothing."""
    identify_by_refunds(draft, payment, [one.reference for one in seen])
    unmatched = [one for one in seen if not _record_known(draft, payment, one, evidence)]
    for one in unmatched:
        waiting = _waiting_for(draft, payment, one)
        alike = [other for other in unmatched if other.amount == one.amount]
        by_hand = not one.refund_id  # what carries an id was made by a program, and by no person who followed a link
        if by_hand and len(waiting) == 1 and len(alike) == 1 and _made_after(one, waiting[0], draft.latest or draft.at):
            report(draft, waiting[0], one, evidence, MatchedBy.AMOUNT)
        else:
            _record_external(draft, payment, one, evidence)


def report(draft: Draft, refund: Refund, seen: ReportedRefund, evidence: Evidence, matched: MatchedBy) -> None:
    """Record what the provider says of one refund of ours, if that is news: by the provider, whoever asked it. Where a
    person had said something else, it is recorded beside his word: until he says which it is, nothing is paid again."""
    if not _is_news(refund, seen):
        return
    its_word = state_of(refund.reported | {seen.status})
    if refund.made_by_hand and its_word in (RefundState.PENDING, RefundState.AWAITING_MERCHANT):
        return  # a person was faster than the provider
    denied = refund.made_by_hand and its_word in NO_MONEY_MOVED
    claimed = refund.came_back_by_hand and its_word not in NO_MONEY_MOVED
    unasked = its_word is RefundState.CANCELLED and not (refund.cancelling or denied)
    unasked = unasked and refund.source is not RefundSource.EXTERNAL
    draft.record(
        RefundReported(
            refund_id=refund.id,
            status=seen.status,
            reference=seen.reference,
            provider_status=seen.provider_status,
            because=reason(ReasonCode.CANCELLED_THERE, seen.because) if unasked else seen.because,
            evidence=evidence,
            matched=matched,
            database_at=draft.latest,
            beside=denied or claimed,
        ),
        by=Actor.provider(refund.provider),
    )
    record_twice_or_once(draft, draft.dossier.refund(refund.id))


def _is_news(refund: Refund, seen: ReportedRefund) -> bool:
    """Whether a provider says what it did not say before. That it has a refund pending is news once more where a person
    looks since it was not to be had, or has said that the refund did not happen."""
    if seen.status not in refund.reported or refund.reference != seen.reference:
        return True
    denied = refund.settled is False and refund.state is RefundState.FAILED
    return seen.status is Reported.PENDING and (refund.held_for_its_outcome or denied)


def record_paid_once(draft: Draft, refund_id: str) -> None:
    """Record that the refunds which were paid twice with this one were paid once after all: its money is not gone."""
    for other in draft.dossier.refunds.values():
        if _paid_twice_with(other, refund_id):
            draft.record(RefundPaidOnce(refund_id=other.id, other_id=refund_id))


def _paid_twice_with(refund: Refund, other_id: str) -> bool:
    """Whether it is said of a refund that it and this other one were both made."""
    problem = refund.problem
    return problem is not None and problem.code is ReasonCode.PAID_TWICE and problem.values["other"] == other_id


def record_twice_or_once(draft: Draft, refund: Refund) -> None:
    """Record what is known now of a refund for those beside it. A person can have made one by hand in its place, or
    have said that it did not happen, so that its money went back on another one."""
    if not refund.counts_against_payment:
        record_paid_once(draft, refund.id)
        return
    if refund.needs_person:
        return
    beside = [
        other
        for other in draft.dossier.on_payment(refund.payment)
        if other.id != refund.id and other.counts_against_payment
    ]
    instead = [other for other in beside if other.in_place_of == refund.id]
    if not instead and refund.settled is False:
        instead = [other for other in beside if other.amount == refund.amount and other.opened > refund.opened]
        if not instead and _more_than_captured(draft.dossier, refund):
            instead = beside
    for other in instead[:1]:
        if not _paid_twice_with(other, refund.id):
            draft.record(RefundPaidTwice(refund_id=refund.id, other_id=other.id))


def _more_than_captured(dossier: Dossier, refund: Refund) -> bool:
    payment = dossier.payments.get(refund.payment)
    currency = refund.amount.currency
    if payment is None or payment.captured.currency != currency:
        return False
    return dossier.refunded(refund.payment, currency) > payment.captured


def _record_known(draft: Draft, payment: Payment, seen: ReportedRefund, evidence: Evidence) -> bool:
    """Record a refund that has a reference that we know, or carries our key; says whether it did.

    By the reference first: two refunds with our id are two, and the second one is recorded beside the first. One that
    carries our key and is of another amount, or a known reference and is of another currency, is not what we asked
    for: it is recorded as it is. A known reference with another amount is the same refund, and a person looks at it.
    """
    on_payment = draft.dossier.on_payment(payment.id)
    for refund in _called_so(on_payment, seen):
        if refund.amount == seen.amount:
            by = MatchedBy.KEY if refund.id == seen.refund_id else MatchedBy.REFERENCE
            report(draft, refund, seen, evidence, by)
        else:
            hold_for_another_answer(draft, refund, seen)
        return True
    ours = next((refund for refund in on_payment if refund.id == seen.refund_id), None)
    if ours is None or ours.amount != seen.amount:
        return False
    if ours.reference in ("", seen.reference):
        report(draft, ours, seen, evidence, MatchedBy.KEY)
        return True
    second_id = _record_external(draft, payment, seen, evidence)
    second = draft.dossier.refund(second_id)
    if second.counts_against_payment and ours.counts_against_payment:
        draft.record(RefundPaidTwice(refund_id=second.id, other_id=ours.id))
    return True


def _called_so(refunds: Sequence[Refund], seen: ReportedRefund) -> Sequence[Refund]:
    """The refunds that have the reference of what is seen: the very same one, else as a person typed it."""
    named = [one for one in refunds if one.reference and one.amount.currency == seen.amount.currency]
    exactly = [one for one in named if one.reference == seen.reference]
    return exactly or [one for one in named if not one.reported and typed_alike(one.reference, seen.reference)]


def hold_for_another_answer(draft: Draft, refund: Refund, seen: ReportedRefund) -> None:
    """A provider's answer about a refund is about something else than was asked: a person looks at both, and again at
    another such answer, as often in a row as `retour.rules.said_again` says."""
    because = reason(ReasonCode.ANOTHER_ANSWER, f"{seen.amount} {seen.reference}".strip())
    if because == refund.problem or is_said_too_often(because, refund.problem, refund.put_off_again):
        return
    if refund.state is RefundState.SUBMITTING:
        draft.record(RefundUnclear(refund_id=refund.id, because=because, database_at=draft.latest))
    draft.record(RefundHeld(refund_id=refund.id, because=because))


def _waiting_for(draft: Draft, payment: Payment, seen: ReportedRefund) -> list[Refund]:
    return [
        refund
        for refund in draft.dossier.on_payment(payment.id)
        if refund.state is RefundState.AWAITING_MERCHANT and not refund.by_transfer and refund.amount == seen.amount
    ]


def _made_after(seen: ReportedRefund, refund: Refund, now: datetime.datetime) -> bool:
    """Whether it was made after the link was opened; a provider counts whole seconds. A time that is still to come says
    nothing of that."""
    opened_at = refund.begun_at or refund.at
    if seen.created_at is None or is_to_come(seen.created_at, now):
        return False
    return seen.created_at >= opened_at.replace(microsecond=0)


def _record_external(draft: Draft, payment: Payment, seen: ReportedRefund, evidence: Evidence) -> str:
    refund_id = draft.new_id("rf")
    draft.record(
        ExternalRefundFound(
            refund_id=refund_id,
            payment=payment.id,
            amount=seen.amount,
            status=seen.status,
            reference=seen.reference,
            provider_status=seen.provider_status,
            evidence=evidence,
            database_at=draft.latest,
        ),
        by=Actor.provider(payment.provider),
    )
    return refund_id


def why_no_longer(dossier: Dossier, payment: Payment) -> Reason | None:
    """Why nothing may be sent on a payment that was not sent yet: more goes back on it than was captured, with what a
    bank has of it, or nobody can count it. None where it may.

    It is asked when a refund's turn to be sent comes, by the worker that has it: only that one knows that no try of
    it is under way.
    """
    currency = payment.captured.currency
    if dossier.in_another_currency(currency, payment.id):
        return reason(ReasonCode.OTHER_CURRENCY)
    bank = dossier.charged_back(payment.id, currency)
    if dossier.refunded(payment.id, currency) + bank <= payment.captured:
        return None
    if bank:
        return reason(ReasonCode.CHARGED_BACK, amount=str(bank), payment=payment.id)
    return reason(ReasonCode.MORE_WENT_BACK)
