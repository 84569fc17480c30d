"""Which refund at the provider is which of ours: the matching rule.

By our key; else by the provider's reference, which a report or a person gave; else the same payment and amount, made
after the link was opened, one candidate for one waiting refund. Everything else is external until a person matches it.
What failed or was cancelled is recorded like the rest: its success may be reported after its failure.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence

import attrs

from retour.model.actor import Actor
from retour.model.dossier import Dossier
from retour.model.events.money import ExternalRefundFound, RefundReported
from retour.model.money import Money
from retour.model.order import Payment
from retour.model.reasons import ReasonCode
from retour.model.refunds import Evidence, MatchedBy, Refund, RefundState, Reported
from retour.rules.draft import Draft


@attrs.frozen(kw_only=True)
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
    unmatched = [one for one in seen if not _record_known(draft, payment, one, evidence)]
    for one in unmatched:
        waiting = _waiting_for(draft, payment, one)
        alike = [other for other in unmatched if other.amount == one.amount]
        if len(waiting) == 1 and len(alike) == 1 and _made_after(one, waiting[0]):
            report(draft, waiting[0], one, evidence, MatchedBy.AMOUNT)
        else:
            _record_external(draft, payment, one, evidence)


def report(draft: Draft, refund: Refund, seen: ReportedRefund, evidence: Evidence, matched: MatchedBy) -> None:
    """Record what the provider says of one refund of ours, if that is news: by the provider, whoever asked it."""
    if seen.status in refund.reported and refund.reference == seen.reference:
        return
    if refund.state is RefundState.SUCCEEDED and not refund.reported and seen.status is Reported.PENDING:
        return  # a person was faster than the provider
    draft.record(
        RefundReported(
            refund_id=refund.id,
            status=seen.status,
            reference=seen.reference,
            provider_status=seen.provider_status,
            because=seen.because,
            evidence=evidence,
            matched=matched,
        ),
        by=Actor.provider(refund.provider),
    )


def _record_known(draft: Draft, payment: Payment, seen: ReportedRefund, evidence: Evidence) -> bool:
    """Record a refund that carries our key or a reference that we know; says whether it did. One that carries our key
    and is of another amount, or a known reference and is of another currency, is not what we asked for: it is recorded
    as it is."""
    ours = draft.dossier.refunds.get(seen.refund_id)
    if ours is not None and (ours.payment, ours.amount) == (payment.id, seen.amount):
        report(draft, ours, seen, evidence, MatchedBy.KEY)
        return True
    for refund in draft.dossier.refunds.values():
        same = (refund.payment, refund.amount.currency) == (payment.id, seen.amount.currency)
        if same and refund.reference and refund.reference == seen.reference:
            report(draft, refund, seen, evidence, MatchedBy.REFERENCE)
            return True
    return False


def _waiting_for(draft: Draft, payment: Payment, seen: ReportedRefund) -> list[Refund]:
    return [
        refund
        for refund in draft.dossier.refunds.values()
        if refund.state is RefundState.AWAITING_MERCHANT
        and (refund.payment, refund.amount) == (payment.id, seen.amount)
    ]


def _made_after(seen: ReportedRefund, refund: Refund) -> bool:
    """Whether it was made after the link was opened; a provider counts whole seconds."""
    return seen.created_at is not None and seen.created_at >= refund.at.replace(microsecond=0)


def _record_external(draft: Draft, payment: Payment, seen: ReportedRefund, evidence: Evidence) -> None:
    draft.record(
        ExternalRefundFound(
            refund_id=draft.new_id("rf"),
            payment=payment.id,
            amount=seen.amount,
            status=seen.status,
            reference=seen.reference,
            provider_status=seen.provider_status,
            evidence=evidence,
        ),
        by=Actor.provider(payment.provider),
    )


def why_no_longer(dossier: Dossier, payment: Payment) -> ReasonCode | None:
    """Why nothing may be sent on a payment that was not sent yet: more goes back on it than was captured, or nobody can
    count it. None where it may.

    It is asked when a refund's turn to be sent comes, by the worker that has it: only that one knows that no try of
    it is under way.
    """
    currency = payment.captured.currency
    if dossier.in_another_currency(currency, payment.id):
        return ReasonCode.OTHER_CURRENCY
    return ReasonCode.MORE_WENT_BACK if dossier.refunded(payment.id, currency) > payment.captured else None
