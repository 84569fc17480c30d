"""Reads a provider's books of one payment: what is left of it, and every refund of it, whoever made it."""

from __future__ import annotations

import datetime
from collections.abc import Sequence

from retour.model.making import changed
from retour.model.order import Payment
from retour.model.reasons import Reason, ReasonCode, reason
from retour.model.refunds import Refund, Reported
from retour.plugins.providers import PaymentCaller
from retour.providers.capabilities import PaymentCapabilities
from retour.providers.errors import DISPOSITIONS, Disposition, ErrorCode, ProviderError
from retour.providers.refund_request import Refundable, RefundResult
from retour.rules.books import BooksRead
from retour.rules.matching import ReportedRefund


def can_be_read(provider: PaymentCaller) -> bool:
    """Whether the provider's books can be read before money goes out."""
    return provider.capabilities.refundable.usable or provider.capabilities.list_refunds.usable


class PartlyRead(ProviderError):
    """The books of a payment were read as far as ``books`` and ``refundable`` go, and its refunds were not.

    ``for_good`` says that the provider answered, and shows them to nobody: then ``books`` say why. Else it could not be
    asked for them now.
    """

    def __init__(self, error: ProviderError, refundable: Refundable, books: BooksRead) -> None:
        super().__init__(
            error.code,
            error.message,
            disposition=error.disposition,
            provider_code=error.provider_code,
            http_status=error.http_status,
            not_before=error.not_before,
        )
        self._why = error.reason
        self.refundable = refundable
        self.books = books

    @property
    def for_good(self) -> bool:
        """Whether they are shown to nobody."""
        return self.books.not_shown is not None

    @property
    def reason(self) -> Reason:
        """Why its refunds were not read."""
        return self.books.not_shown or self._why


def read_books(
    provider: PaymentCaller, payment: Payment, *, at: datetime.datetime | None = None
) -> tuple[Refundable, BooksRead]:
    """Read what can be refunded, and the books with it: one call where its answer holds the refunds, else one more for
    their list. ``at`` is what time it is by the database's clock. Raises `PartlyRead` where only that list cannot be
    read, and else `ProviderError`."""
    refundable = provider.refundable(payment)
    results = refundable.refunds
    readable = provider.capabilities.refundable.usable
    books = BooksRead(
        target=refundable.target,
        captured=refundable.captured,
        charged_back=refundable.charged_back,
        page=refundable.url,
        names=refundable.names,
        because=_why_not(refundable),
        disputed=refundable.disputed if readable else None,
        only_whole=refundable.only_whole,
        method=refundable.method if _matters(provider, payment) else "",
        step=_step(provider.capabilities, payment, refundable.method),
        read_at=at,
    )
    if results is None and refundable.target and provider.capabilities.list_refunds.usable:
        try:
            results = tuple(provider.list_refunds(refundable.target))
        except ProviderError as error:
            raise PartlyRead(error, refundable, changed(books, not_shown=_not_shown(error))) from error
    told = refundable.possible or refundable.code is ErrorCode.ALREADY_REFUNDED
    remaining = refundable.remaining if readable and told else None
    seen = None if results is None else as_reports(results)
    return refundable, changed(books, remaining=remaining, seen=seen)


def _not_shown(error: ProviderError) -> Reason | None:
    """Why the refunds of a payment are shown to nobody, where the provider says so; None where it could not be asked
    for them now."""
    if DISPOSITIONS[error.code] is not Disposition.FINAL:
        return None
    return reason(ReasonCode.REFUNDS_NOT_SHOWN, error.message)


def _why_not(refundable: Refundable) -> Reason | None:
    """Why nothing of a payment can be refunded by API, where the provider says so in a code."""
    return None if refundable.code is None else reason(ReasonCode(refundable.code.value), refundable.reason)


def target_of(provider: PaymentCaller, refund: Refund, payment: Payment) -> str:
    """What a refund is on, as its provider calls it: of one that was made in a dashboard, the provider is asked. Raises
    `ProviderError`."""
    return refund.instruction.target if refund.instruction is not None else provider.refundable(payment).target


def _step(declared: PaymentCapabilities, payment: Payment, method: str) -> int:
    """The step of the amounts that the provider pays back on a payment that was paid by ``method``, in its own word;
    where it says none, the largest that it can be."""
    currency = payment.captured.currency
    return declared.step(currency, method) if method else declared.largest_step(currency)


def _matters(provider: PaymentCaller, payment: Payment) -> bool:
    """Whether what the provider can pay back on a payment depends on how it was paid: the amounts, or, as the shop
    calls it, that anything can be."""
    currency, declared = payment.captured.currency, provider.capabilities
    in_steps = any(one.method for one in declared.steps if one.currency == currency)
    return in_steps or payment.method in declared.never_refunded


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
