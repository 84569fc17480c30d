"""Reads a provider's books of one payment: what is left of it, and every refund of it, whoever made it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from retour.model.order import Payment
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import Refund, Reported
from retour.plugins.providers import PaymentCaller
from retour.providers.refund_request import Refundable, RefundResult
from retour.rules.books import BooksRead
from retour.rules.matching import ReportedRefund


def can_be_read(provider: PaymentCaller) -> bool:
    """Whether the provider's books can be read before money goes out."""
    return provider.capabilities.refundable.usable or provider.capabilities.list_refunds.usable


def read_books(
    provider: PaymentCaller, payment: Payment, *, at: datetime.datetime | None = None
) -> tuple[Refundable, BooksRead]:
    """Read what can be refunded, and the books with it: one call where its answer holds the refunds, else one more for
    their list. ``at`` is what time it is by the database's clock. Raises `ProviderError`."""
    refundable = provider.refundable(payment)
    results = refundable.refunds
    if results is None and refundable.target and provider.capabilities.list_refunds.usable:
        results = tuple(provider.list_refunds(refundable.target))
    readable = provider.capabilities.refundable.usable
    books = BooksRead(
        target=refundable.target,
        remaining=refundable.remaining if readable and refundable.possible else None,
        captured=refundable.captured,
        charged_back=refundable.charged_back,
        seen=None if results is None else as_reports(results),
        page=refundable.url,
        names=refundable.names,
        because=_why_not(refundable),
        disputed=refundable.disputed if readable else None,
        method=refundable.method if _depends_on_method(provider, payment) else "",
        read_at=at,
    )
    return refundable, books


def _why_not(refundable: Refundable) -> Reason | None:
    """Why nothing of a payment can be refunded by API, where the provider says so in a code."""
    return None if refundable.code is None else reason(ReasonCode(refundable.code.value), refundable.reason)


def target_of(provider: PaymentCaller, refund: Refund, payment: Payment) -> str:
    """What a refund is on, as its provider calls it: of one that was made in a dashboard, the provider is asked. Raises
    `ProviderError`."""
    return refund.instruction.target if refund.instruction is not None else provider.refundable(payment).target


def _depends_on_method(provider: PaymentCaller, payment: Payment) -> bool:
    """Whether the amounts that the provider can pay back on a payment depend on how it was paid."""
    return any(one.method for one in provider.capabilities.steps if one.currency == payment.captured.currency)


def as_reports(results: Sequence[RefundResult]) -> list[ReportedRefund]:
    """A provider's refunds as the matching rule reads them."""
    return [as_reported(result) for result in results]


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
